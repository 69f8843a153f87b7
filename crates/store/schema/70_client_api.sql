-- What clients may ask for beside rooms and accounts: the room directory, reports, OpenID tokens.

-- Rooms that the server's directory lists.
CREATE TABLE published_rooms (
  room_nid INTEGER PRIMARY KEY REFERENCES rooms (nid)
) STRICT;

-- The roots of threads of a room are found by their answers, newest first.
CREATE INDEX events_thread_answers ON events (room_nid, pos) WHERE rel_type = 'm.thread';

-- What users reported to the people who run the server. At least one of room, event and user is named.
CREATE TABLE reports (
  id           INTEGER PRIMARY KEY,
  reporter_nid INTEGER NOT NULL REFERENCES users (nid),
  room_nid     INTEGER REFERENCES rooms (nid),
  event_nid    INTEGER REFERENCES events (nid),
  user_nid     INTEGER REFERENCES users (nid),
  reason       TEXT,                            -- in the reporter's words
  score        INTEGER,                         -- -100 (worst) to 0, as older clients send it
  at           INTEGER NOT NULL                 -- ms since the Unix epoch
) STRICT;

-- Tokens that prove to a third party who somebody is. Only hashes are stored.
CREATE TABLE openid_tokens (
  hash       BLOB PRIMARY KEY,                  -- SHA-256 of the token
  user_nid   INTEGER NOT NULL REFERENCES users (nid),
  expires_at INTEGER NOT NULL                   -- ms
) STRICT;
CREATE INDEX openid_tokens_expiry ON openid_tokens (expires_at);
