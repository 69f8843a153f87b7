-- End-to-end encryption: public keys, messages to devices, and the encrypted backup of room keys.
-- Nothing here lets the server read a message.

-- Identity keys of devices, as the device signed them.
CREATE TABLE device_keys (
  user_nid  INTEGER NOT NULL REFERENCES users (nid),
  device_id TEXT NOT NULL,
  json      TEXT NOT NULL,                      -- canonical JSON with the device's own signature, without unsigned
  PRIMARY KEY (user_nid, device_id)
) STRICT, WITHOUT ROWID;

-- One-time keys that wait to be claimed, oldest first.
CREATE TABLE otks (
  user_nid  INTEGER NOT NULL REFERENCES users (nid),
  device_id TEXT NOT NULL,
  algorithm TEXT NOT NULL,                      -- for example signed_curve25519
  seq       INTEGER NOT NULL,                   -- upload order within the algorithm
  key_id    TEXT NOT NULL,                      -- the part after the colon
  json      TEXT NOT NULL,                      -- canonical JSON of the key
  PRIMARY KEY (user_nid, device_id, algorithm, seq),
  UNIQUE (user_nid, device_id, algorithm, key_id)
) STRICT, WITHOUT ROWID;

-- One-time keys that were given out: they are neither given out nor accepted again.
CREATE TABLE otks_issued (
  user_nid  INTEGER NOT NULL REFERENCES users (nid),
  device_id TEXT NOT NULL,
  algorithm TEXT NOT NULL,
  key_id    TEXT NOT NULL,
  hash      BLOB NOT NULL,                      -- SHA-256 of the canonical JSON of the key
  PRIMARY KEY (user_nid, device_id, algorithm, key_id)
) STRICT, WITHOUT ROWID;

-- The key that is given out when no one-time key is left.
CREATE TABLE fallback_keys (
  user_nid  INTEGER NOT NULL REFERENCES users (nid),
  device_id TEXT NOT NULL,
  algorithm TEXT NOT NULL,
  key_id    TEXT NOT NULL,
  json      TEXT NOT NULL,                      -- canonical JSON of the key
  used      INTEGER NOT NULL,                   -- 1: given out at least once
  PRIMARY KEY (user_nid, device_id, algorithm)
) STRICT, WITHOUT ROWID;

-- Cross-signing keys.
CREATE TABLE cross_signing_keys (
  user_nid INTEGER NOT NULL REFERENCES users (nid),
  usage    TEXT NOT NULL,                       -- master | self_signing | user_signing
  public   TEXT NOT NULL,                       -- the public key in base64
  json     TEXT NOT NULL,                       -- canonical JSON as uploaded
  PRIMARY KEY (user_nid, usage)
) STRICT, WITHOUT ROWID;

-- Signatures that were added to a device's keys or a master key after their upload.
CREATE TABLE key_signatures (
  user_nid   INTEGER NOT NULL REFERENCES users (nid), -- whose key is signed
  key        TEXT NOT NULL,                     -- device id, or the public master key
  signer_nid INTEGER NOT NULL REFERENCES users (nid), -- who signed
  key_id     TEXT NOT NULL,                     -- with which key, for example ed25519:ABC
  signature  TEXT NOT NULL,                     -- base64
  PRIMARY KEY (user_nid, key, signer_nid, key_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_signatures_signer ON key_signatures (signer_nid, key_id);

-- What /keys/changes and /sync read to tell whose device lists changed: kinds DeviceList and Membership.
CREATE INDEX stream_device_lists ON stream (pos, kind, room_nid, user_nid, ref) WHERE kind IN (5, 8);

-- Messages that wait for a device.
CREATE TABLE to_device (
  user_nid  INTEGER NOT NULL REFERENCES users (nid),
  device_id TEXT NOT NULL,
  pos       INTEGER NOT NULL,                   -- position in the stream
  json      TEXT NOT NULL,                      -- the event as /sync delivers it
  PRIMARY KEY (user_nid, device_id, pos)
) STRICT, WITHOUT ROWID;

-- Transactions of PUT /sendToDevice that were carried out.
CREATE TABLE to_device_txns (
  user_nid   INTEGER NOT NULL REFERENCES users (nid), -- the sender
  device_id  TEXT NOT NULL,                     -- the sending device
  event_type TEXT NOT NULL,
  txn_id     TEXT NOT NULL,
  at         INTEGER NOT NULL,                  -- ms
  PRIMARY KEY (user_nid, device_id, event_type, txn_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX to_device_txns_age ON to_device_txns (at);

-- Versions of a user's key backup. A deleted version keeps its row, so that numbers are never reused.
CREATE TABLE key_backup_versions (
  user_nid  INTEGER NOT NULL REFERENCES users (nid),
  version   INTEGER NOT NULL,                   -- from 1
  algorithm TEXT NOT NULL,
  auth_data TEXT NOT NULL,                      -- JSON object
  etag      INTEGER NOT NULL,                   -- goes up with every change of the keys
  keys      INTEGER NOT NULL,                   -- how many keys it holds
  deleted   INTEGER NOT NULL,                   -- 1: gone for the user
  PRIMARY KEY (user_nid, version)
) STRICT, WITHOUT ROWID;

-- Backed-up room keys, encrypted by the client.
CREATE TABLE key_backup (
  user_nid            INTEGER NOT NULL,
  version             INTEGER NOT NULL,
  room_id             TEXT NOT NULL,
  session_id          TEXT NOT NULL,
  first_message_index INTEGER NOT NULL,
  forwarded_count     INTEGER NOT NULL,
  is_verified         INTEGER NOT NULL,
  session_data        TEXT NOT NULL,            -- JSON object
  PRIMARY KEY (user_nid, version, room_id, session_id),
  FOREIGN KEY (user_nid, version) REFERENCES key_backup_versions (user_nid, version)
) STRICT, WITHOUT ROWID;
