-- Systems of the organisation that use the FHIR API without a person behind them (SMART Backend Services).

-- A system and what it may do.
CREATE TABLE system_clients (
  id         TEXT PRIMARY KEY,                  -- its client_id, which the administrator chose
  name       TEXT NOT NULL,                     -- what it is called
  scope      TEXT NOT NULL,                     -- the SMART scopes that it may ask for, parted by spaces
  keys       TEXT,                              -- its public keys, a JWK Set as JSON; NULL: they are at keys_uri
  keys_uri   TEXT,                              -- where its public keys are; NULL: they are in keys
  created_at INTEGER NOT NULL,                  -- ms since the Unix epoch
  changed_at INTEGER NOT NULL,                  -- ms
  changed_by TEXT NOT NULL                      -- the administrator's user id
) STRICT;

-- Its tokens. Only hashes are stored.
CREATE TABLE system_tokens (
  token_hash BLOB PRIMARY KEY,                  -- SHA-256 of the token
  client     TEXT NOT NULL REFERENCES system_clients (id) ON DELETE CASCADE,
  scope      TEXT NOT NULL,                     -- as granted, tokens parted by spaces
  expires_at INTEGER NOT NULL                   -- ms
) STRICT;
CREATE INDEX system_tokens_client ON system_tokens (client);
CREATE INDEX system_tokens_expires ON system_tokens (expires_at);

-- The assertions by which it proved who it is: each is good once.
CREATE TABLE system_assertions (
  client     TEXT NOT NULL REFERENCES system_clients (id) ON DELETE CASCADE,
  jti_hash   BLOB NOT NULL,                     -- SHA-256 of the assertion's id
  expires_at INTEGER NOT NULL,                  -- ms; then it is good no more in any case
  PRIMARY KEY (client, jti_hash)
) STRICT;
CREATE INDEX system_assertions_expires ON system_assertions (expires_at);
