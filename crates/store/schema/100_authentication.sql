-- Kinds of accounts, and how the person of a session proved who they are.

-- staff, patient, outsider or service: what the account may do at all.
ALTER TABLE accounts ADD COLUMN kind TEXT NOT NULL DEFAULT 'staff';

-- The authentication that the session follows from, as JSON (method, assurance level, time, role, organisation);
-- NULL: the session is older than this column. The columns `method` of the tables of schema 21 hold the same JSON.
ALTER TABLE sessions ADD COLUMN authentication TEXT;
