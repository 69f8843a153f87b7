-- Sign-in with identity providers of the organisation, and the directory entries that follow from it.

-- Whom a person at an identity provider is here. The key is the provider's own immutable subject, never an address.
CREATE TABLE upstream_accounts (
  provider  TEXT NOT NULL,                      -- the provider's id in the configuration
  subject   TEXT NOT NULL,                      -- the values of its subject claims, parted by spaces
  user_nid  INTEGER NOT NULL REFERENCES accounts (user_nid),
  linked_at INTEGER NOT NULL,                   -- ms since the Unix epoch
  PRIMARY KEY (provider, subject),
  UNIQUE (user_nid, provider)
) STRICT;

-- One sign-in at an identity provider, for as long as a visit or a session follows from it.
CREATE TABLE upstream_logins (
  id         INTEGER PRIMARY KEY,
  provider   TEXT NOT NULL,                     -- the provider's id in the configuration
  subject    TEXT NOT NULL,                     -- as in upstream_accounts
  token_sub  TEXT NOT NULL,                     -- the claim sub, as logout tokens name it
  sid        TEXT,                              -- the provider's session, if it says
  user_nid   INTEGER NOT NULL REFERENCES accounts (user_nid),
  tokens     BLOB NOT NULL,                     -- sealed: the provider's tokens as JSON
  role       TEXT,                              -- the id of the role that was chosen
  at         INTEGER NOT NULL,                  -- ms
  checked_at INTEGER NOT NULL,                  -- ms; when the provider last said that it still holds
  ended      INTEGER NOT NULL                   -- 1: the provider ended it; no session may follow from it
) STRICT;
CREATE INDEX upstream_logins_sub ON upstream_logins (provider, token_sub);
CREATE INDEX upstream_logins_sid ON upstream_logins (provider, sid);

-- The sessions that follow from a sign-in at an identity provider.
CREATE TABLE upstream_sessions (
  session_id INTEGER PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
  login      INTEGER NOT NULL REFERENCES upstream_logins (id)
) STRICT;
CREATE INDEX upstream_sessions_login ON upstream_sessions (login);

-- Browsers in which somebody has signed in before: their attempts are not held up by those of others.
CREATE TABLE known_browsers (
  token_hash BLOB NOT NULL,                     -- SHA-256 of the browser's long-lived cookie
  user_nid   INTEGER NOT NULL REFERENCES accounts (user_nid),
  used_at    INTEGER NOT NULL,                  -- ms; when it last signed in
  PRIMARY KEY (token_hash, user_nid)
) STRICT;
CREATE INDEX known_browsers_used ON known_browsers (used_at);

-- Identifiers of members of staff in registers, such as a registration number.
CREATE TABLE practitioner_identifiers (
  system       TEXT NOT NULL,                   -- the register's URI
  value        TEXT NOT NULL,
  practitioner TEXT NOT NULL REFERENCES practitioners (id),
  PRIMARY KEY (system, value)
) STRICT;
CREATE INDEX practitioner_identifiers_by_practitioner ON practitioner_identifiers (practitioner);
