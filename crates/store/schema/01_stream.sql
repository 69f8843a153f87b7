-- The one ordered stream. Every persisted change takes its position here, at commit.

-- The last position that is durable; one row.
CREATE TABLE stream_head (
  id  INTEGER PRIMARY KEY CHECK (id = 1),
  pos INTEGER NOT NULL                       -- last assigned position, 0 at first
) STRICT;
INSERT INTO stream_head (id, pos) VALUES (1, 0);

-- One row per position: what changed, where, whose.
CREATE TABLE stream (
  pos      INTEGER PRIMARY KEY,              -- consecutive from 1
  kind     INTEGER NOT NULL,                 -- stream::Kind
  room_nid INTEGER,                          -- the room concerned
  user_nid INTEGER,                          -- the user concerned
  ref      INTEGER NOT NULL                  -- row of the kind's own table, or 0
) STRICT;

-- User ids, local and remote, interned. Numbers are never reused.
CREATE TABLE users (
  nid     INTEGER PRIMARY KEY,
  user_id TEXT NOT NULL UNIQUE               -- @localpart:server
) STRICT;
