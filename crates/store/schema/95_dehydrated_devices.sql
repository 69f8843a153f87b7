-- Dehydrated devices (MSC3814): a device without a session that receives room keys while its user is signed out.
-- It is an ordinary row of devices, with keys and messages; here is what makes it one that can be woken.

CREATE TABLE dehydrated_devices (
  user_nid    INTEGER PRIMARY KEY REFERENCES users (nid), -- a user has one at a time
  device_id   TEXT NOT NULL,                    -- its row in devices
  device_data TEXT NOT NULL                     -- JSON object: its private keys, encrypted by the client
) STRICT;
