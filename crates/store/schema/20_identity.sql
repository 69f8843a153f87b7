-- Local accounts, their profiles, devices, sessions and tokens.

-- A person (or the clerk) who can sign in to this server.
CREATE TABLE accounts (
  user_nid       INTEGER PRIMARY KEY REFERENCES users (nid),
  password_hash  TEXT,                          -- Argon2id in PHC form; NULL: no sign-in by password
  admin          INTEGER NOT NULL,              -- 1: may use the administration API
  created_at     INTEGER NOT NULL,              -- ms since the Unix epoch
  deactivated_at INTEGER                        -- ms; NULL while active. The name is never given out again
) STRICT;

-- Public profile fields.
CREATE TABLE profiles (
  user_nid INTEGER NOT NULL REFERENCES users (nid),
  field    TEXT NOT NULL,                       -- displayname, avatar_url, or a namespaced key
  value    TEXT NOT NULL,                       -- the field's value as JSON
  PRIMARY KEY (user_nid, field)
) STRICT;

-- A user's devices. Their keys are in the tables of end-to-end encryption.
CREATE TABLE devices (
  user_nid     INTEGER NOT NULL REFERENCES users (nid),
  device_id    TEXT NOT NULL,
  display_name TEXT,                            -- shown to the user in their list of devices
  created_at   INTEGER NOT NULL,                -- ms
  last_seen_at INTEGER NOT NULL,                -- ms, coarse (ten minutes)
  PRIMARY KEY (user_nid, device_id)
) STRICT;

-- A sign-in that lasts. At most one per device.
CREATE TABLE sessions (
  id         INTEGER PRIMARY KEY,
  user_nid   INTEGER NOT NULL,
  device_id  TEXT NOT NULL,
  created_at INTEGER NOT NULL,                  -- ms
  grant_id   INTEGER NOT NULL,                  -- the grant in force; its children are issued but unused.
                                                -- 0: revoked
  UNIQUE (user_nid, device_id),
  FOREIGN KEY (user_nid, device_id) REFERENCES devices (user_nid, device_id)
) STRICT;

-- A pair of access and refresh token given out together. Only hashes are stored.
CREATE TABLE grants (
  id                INTEGER PRIMARY KEY,
  session_id        INTEGER NOT NULL REFERENCES sessions (id),
  parent_id         INTEGER,                    -- the grant whose refresh token asked for this one
  access_hash       BLOB NOT NULL UNIQUE,       -- SHA-256 of the access token
  access_expires_at INTEGER,                    -- ms; NULL: never (no refresh token then)
  refresh_hash      BLOB UNIQUE,                -- SHA-256 of the refresh token
  created_at        INTEGER NOT NULL            -- ms
) STRICT;
CREATE INDEX grants_session ON grants (session_id);
