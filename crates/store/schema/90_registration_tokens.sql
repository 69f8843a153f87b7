-- Tokens with which somebody may make an account although registration is closed.
CREATE TABLE registration_tokens (
  id           INTEGER PRIMARY KEY,
  token        TEXT NOT NULL UNIQUE,
  uses_allowed INTEGER,                         -- how many accounts; NULL: any number
  used         INTEGER NOT NULL,                -- how many accounts were made with it
  expires_at   INTEGER,                         -- ms since the Unix epoch; NULL: never
  creator_nid  INTEGER NOT NULL REFERENCES users (nid),
  created_at   INTEGER NOT NULL                 -- ms
) STRICT;
