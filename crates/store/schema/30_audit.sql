-- The audit log: append-only and hash-chained. Ids only, no patient identifiers, no text of messages.

CREATE TABLE audit_log (
  seq     INTEGER PRIMARY KEY CHECK (seq > 0),  -- consecutive from 1
  at      INTEGER NOT NULL,                     -- ms since the Unix epoch
  actor   TEXT NOT NULL,                        -- a user id, or system:<part of the server>
  action  TEXT NOT NULL,                        -- stable name, audit::Action
  target  TEXT,                                 -- id of what was acted on
  device  TEXT,                                 -- the actor's device id
  outcome TEXT NOT NULL,                        -- success | refused | failed
  detail  TEXT NOT NULL,                        -- JSON object of ids
  hash    BLOB NOT NULL                         -- SHA-256 over the hash before and this entry
) STRICT;

CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- The end of the chain, so that entries cut off at the end are missed too.
CREATE TABLE audit_head (
  id   INTEGER PRIMARY KEY CHECK (id = 1),
  seq  INTEGER NOT NULL,                        -- seq of the last entry, 0 at first
  hash BLOB NOT NULL                            -- its hash, 32 zero bytes at first
) STRICT;
INSERT INTO audit_head (id, seq, hash)
VALUES (1, 0, x'0000000000000000000000000000000000000000000000000000000000000000');
