-- Handing a role over by QR code, and the digests of what was sent for information.

-- The code by which the holder of a role hands it to whoever scans it; at most one for each role, good once.
CREATE TABLE handover_codes (
  service TEXT PRIMARY KEY REFERENCES services (id),
  hash    BLOB NOT NULL,                        -- SHA-256 of the code
  ends_at INTEGER NOT NULL,                     -- ms; it lapses then
  person  BLOB NOT NULL                         -- sealed: id of the practitioner who made it
) STRICT;

-- When a person was last told what was sent to them for information, and where.
CREATE TABLE digests (
  person  TEXT PRIMARY KEY,                     -- id of the practitioner
  told_at INTEGER,                              -- ms; NULL before the first digest
  room_id TEXT                                  -- the conversation of their digests, once it is open
) STRICT;

-- Up to when digests have been sent.
CREATE TABLE digest_cursor (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  at INTEGER NOT NULL                           -- ms
) STRICT;
