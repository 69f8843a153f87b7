-- What administrators put on rooms and files, and where notices to people go.

-- Rooms that nobody may join.
CREATE TABLE blocked_rooms (
  room_nid INTEGER PRIMARY KEY REFERENCES rooms (nid),
  by_nid   INTEGER NOT NULL REFERENCES users (nid), -- the administrator
  at       INTEGER NOT NULL                     -- ms since the Unix epoch
) STRICT;

-- Files that nobody is given.
CREATE TABLE quarantined_media (
  media_id TEXT PRIMARY KEY REFERENCES media (media_id),
  by_nid   INTEGER NOT NULL REFERENCES users (nid), -- the administrator
  at       INTEGER NOT NULL                     -- ms
) STRICT;

-- The room in which a person is sent notices of the server.
CREATE TABLE notice_rooms (
  user_nid INTEGER PRIMARY KEY REFERENCES users (nid),
  room_nid INTEGER NOT NULL REFERENCES rooms (nid)
) STRICT;
