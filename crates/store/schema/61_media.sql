-- Media: rows here, bytes in the blob folder under the hash of their content.

-- An uploaded (or announced) file.
CREATE TABLE media (
  media_id     TEXT PRIMARY KEY,                -- random
  owner_nid    INTEGER NOT NULL REFERENCES users (nid),
  content_type TEXT NOT NULL,                   -- as uploaded; application/octet-stream for encrypted files
  name         TEXT,                            -- file name as uploaded
  size         INTEGER NOT NULL,                -- bytes
  hash         BLOB,                            -- BLAKE3 of the content; NULL: announced, not yet uploaded
  created_at   INTEGER NOT NULL,                -- ms
  expires_at   INTEGER                          -- ms; until when an announced file may be uploaded
) STRICT;
CREATE INDEX media_hash ON media (hash);
CREATE INDEX media_announced ON media (owner_nid, expires_at) WHERE hash IS NULL;

-- Pictures made smaller, kept as blobs of their own.
CREATE TABLE thumbnails (
  hash         BLOB NOT NULL,                   -- of the original
  width        INTEGER NOT NULL,                -- of the box that was asked for, after rounding to a known size
  height       INTEGER NOT NULL,
  crop         INTEGER NOT NULL,                -- 1: fills the box, 0: fits into it
  content_type TEXT NOT NULL,
  size         INTEGER NOT NULL,                -- bytes
  blob         BLOB NOT NULL,                   -- BLAKE3 of the thumbnail
  PRIMARY KEY (hash, width, height, crop)
) STRICT, WITHOUT ROWID;
