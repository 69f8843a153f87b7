-- One-time links by which an administrator lets somebody make an account.
CREATE TABLE invitations (
  id         TEXT PRIMARY KEY,                  -- how administrators name it
  token_hash BLOB NOT NULL UNIQUE,              -- SHA-256 of the token in the link
  kind       TEXT NOT NULL,                     -- kind of the account: staff, patient or outsider
  admin      INTEGER NOT NULL,                  -- 1: the account will be an administrator's
  note       TEXT NOT NULL,                     -- for whom it is, in the administrator's words
  created_by TEXT NOT NULL,                     -- user id of the administrator
  created_at INTEGER NOT NULL,                  -- ms since the Unix epoch
  expires_at INTEGER NOT NULL,                  -- ms
  used_at    INTEGER,                           -- ms; NULL: not used
  used_by    TEXT                               -- user id of the account that was made with it
) STRICT;
CREATE INDEX invitations_created ON invitations (created_at);
