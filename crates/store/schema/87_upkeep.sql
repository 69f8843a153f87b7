-- What is begun and still to be finished: after a crash it is found here.

-- Devices that were deleted and whose transaction ids are still to be removed.
CREATE TABLE gone_devices (
  user_nid  INTEGER NOT NULL,
  device_id TEXT NOT NULL,
  PRIMARY KEY (user_nid, device_id)
) STRICT, WITHOUT ROWID;

-- Rooms whose replacement is made, but which do not say so yet.
CREATE TABLE room_upgrades (
  room_nid    INTEGER PRIMARY KEY REFERENCES rooms (nid),
  replacement TEXT NOT NULL,                 -- id of the room that takes its place
  user_nid    INTEGER NOT NULL REFERENCES users (nid),  -- who asked
  device_id   TEXT                           -- from which device
) STRICT;
