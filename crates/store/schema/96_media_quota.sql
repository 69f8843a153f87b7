-- How much somebody has uploaded is the sum of the sizes of their files, read from this index alone.
CREATE INDEX media_usage ON media (owner_nid, size);
