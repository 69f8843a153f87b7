-- The network address from which a device was last seen; NULL: not known.
ALTER TABLE devices ADD COLUMN last_seen_ip TEXT;

-- Devices that were signed out from elsewhere and are to erase what they hold.
CREATE TABLE erasures (
  id           INTEGER PRIMARY KEY,
  user_nid     INTEGER NOT NULL REFERENCES accounts (user_nid),
  device_id    TEXT NOT NULL,
  display_name TEXT,                            -- the device's name when it was signed out
  asked_at     INTEGER NOT NULL,                -- ms since the Unix epoch
  confirmed_at INTEGER                          -- ms; when the device said that it is done; NULL: not yet
) STRICT;
CREATE INDEX erasures_user ON erasures (user_nid);

-- The dead tokens of such devices, by which they are recognised when they come back.
CREATE TABLE erased_tokens (
  token_hash BLOB PRIMARY KEY,                  -- SHA-256 of an access or refresh token
  erasure_id INTEGER NOT NULL REFERENCES erasures (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX erased_tokens_erasure ON erased_tokens (erasure_id);
