-- Where an entry of the directory came from first: bundle or table (imports), scim, sign-in; NULL: it was entered by hand. Teams
-- have theirs already.
ALTER TABLE organisations ADD COLUMN source TEXT; -- see above
ALTER TABLE locations ADD COLUMN source TEXT;     -- see above
ALTER TABLE practitioners ADD COLUMN source TEXT; -- see above
ALTER TABLE services ADD COLUMN source TEXT;      -- see above
