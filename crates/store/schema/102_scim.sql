-- Provisioning by SCIM 2.0: what the organisation's identity system keeps here.

-- ms since the Unix epoch; NULL: the account may sign in. A disabled account keeps everything and may be enabled again.
ALTER TABLE accounts ADD COLUMN disabled_at INTEGER;

-- The tokens of provisioning systems. Only hashes are stored.
CREATE TABLE scim_tokens (
  name       TEXT PRIMARY KEY,                  -- what the administrator called it
  token_hash BLOB NOT NULL UNIQUE,              -- SHA-256 of the token
  created_at INTEGER NOT NULL,                  -- ms
  expires_at INTEGER                            -- ms; NULL: until it is revoked
) STRICT;

-- A User resource: an account that is provisioned.
CREATE TABLE scim_users (
  id          TEXT PRIMARY KEY,                 -- the resource's id
  user_nid    INTEGER NOT NULL UNIQUE REFERENCES accounts (user_nid),
  user_name   TEXT NOT NULL UNIQUE,             -- userName in small letters
  external_id TEXT,                             -- externalId
  resource    TEXT NOT NULL,                    -- what the provisioning system wrote, as JSON
  version     INTEGER NOT NULL,                 -- from 1; the entity tag
  created_at  INTEGER NOT NULL,                 -- ms
  modified_at INTEGER NOT NULL,                 -- ms
  deleted_at  INTEGER                           -- ms; NULL: it exists. Its account and name stay
) STRICT;
CREATE INDEX scim_users_external ON scim_users (external_id);

-- A Group resource: a team.
CREATE TABLE scim_groups (
  id           TEXT PRIMARY KEY,                -- the resource's id, and that of the care team
  display_name TEXT NOT NULL,
  external_id  TEXT,                            -- externalId
  version      INTEGER NOT NULL,                -- from 1; the entity tag
  created_at   INTEGER NOT NULL,                -- ms
  modified_at  INTEGER NOT NULL                 -- ms
) STRICT;

-- Who is in a group.
CREATE TABLE scim_members (
  group_id TEXT NOT NULL REFERENCES scim_groups (id) ON DELETE CASCADE,
  user_id  TEXT NOT NULL REFERENCES scim_users (id),
  PRIMARY KEY (group_id, user_id)
) STRICT;
CREATE INDEX scim_members_by_user ON scim_members (user_id);
