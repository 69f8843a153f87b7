-- What local accounts prove themselves with besides a password: passkeys, one-time codes, recovery codes.

-- The random handle by which a person's authenticators know them (WebAuthn user handle). It says nothing of the person.
CREATE TABLE passkey_handles (
  handle   BLOB PRIMARY KEY,                    -- 16 random bytes
  user_nid INTEGER NOT NULL UNIQUE REFERENCES accounts (user_nid)
) STRICT;

-- A passkey of a person.
CREATE TABLE passkeys (
  credential_id BLOB PRIMARY KEY,               -- as the authenticator made it
  user_nid      INTEGER NOT NULL REFERENCES accounts (user_nid),
  name          TEXT NOT NULL,                  -- what the person calls it
  credential    TEXT NOT NULL,                  -- public key, counter and flags as JSON; nothing of it is secret
  created_at    INTEGER NOT NULL,               -- ms since the Unix epoch
  used_at       INTEGER,                        -- ms; NULL: never used since it was made
  refused_at    INTEGER                         -- ms; when its counter went back, so that it may have been copied.
                                                -- It is good for nothing from then on. NULL: never
) STRICT;
CREATE INDEX passkeys_user ON passkeys (user_nid);

-- The secret of a person's application for one-time codes (TOTP, RFC 6238).
CREATE TABLE totp_secrets (
  user_nid  INTEGER PRIMARY KEY REFERENCES accounts (user_nid),
  secret    BLOB NOT NULL,                      -- sealed with the key of encrypted columns
  added_at  INTEGER NOT NULL,                   -- ms
  last_step INTEGER NOT NULL                    -- the newest time step whose code was used; no older one is good
) STRICT;

-- Codes for the day on which the other second factors are lost. Each is good once.
CREATE TABLE recovery_codes (
  user_nid  INTEGER NOT NULL REFERENCES accounts (user_nid),
  code_hash BLOB NOT NULL,                      -- SHA-256 of the user's number and the code (80 random bits)
  used_at   INTEGER,                            -- ms; NULL: not yet
  PRIMARY KEY (user_nid, code_hash)
) STRICT;
