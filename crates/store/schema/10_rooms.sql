-- Rooms, their events, their state and their members.

-- Numbers for rooms, events and snapshots are handed out in blocks, so that a room's executor can number an
-- event before it is committed. A number is never used twice.
CREATE TABLE nid_blocks (
  id   INTEGER PRIMARY KEY CHECK (id = 1),
  next INTEGER NOT NULL                      -- first number that no block holds yet
) STRICT;
INSERT INTO nid_blocks (id, next) VALUES (1, 1);

-- One row per room: its head, which every commit compares and swaps.
CREATE TABLE rooms (
  nid          INTEGER PRIMARY KEY,          -- from nid_blocks
  room_id      TEXT NOT NULL UNIQUE,
  room_version TEXT NOT NULL,                -- '10', '11', '12'
  room_type    TEXT,                         -- type of m.room.create
  creator_nid  INTEGER NOT NULL REFERENCES users (nid),
  fence        INTEGER NOT NULL,             -- number drawn by the last commit; never repeats
  extremities  BLOB NOT NULL,                -- nids of the forward extremities, 8 bytes big-endian each
  depth        INTEGER NOT NULL,             -- greatest depth of an event
  state_nid    INTEGER,                      -- snapshot of the current state
  auth_count   INTEGER NOT NULL,             -- state events so far: the next ordinal of the auth index
  joined       INTEGER NOT NULL,             -- members whose membership is join
  invited      INTEGER NOT NULL,             -- members whose membership is invite
  encrypted    INTEGER NOT NULL,             -- 1: has m.room.encryption
  last_pos     INTEGER NOT NULL,             -- position of the last event
  created_at   INTEGER NOT NULL              -- ms since the Unix epoch
) STRICT;

-- Pairs of event type and state key, interned.
CREATE TABLE state_keys (
  nid       INTEGER PRIMARY KEY,
  kind      TEXT NOT NULL,                   -- event type
  state_key TEXT NOT NULL,
  UNIQUE (kind, state_key)
) STRICT;

-- What is needed to find, order and filter events; their text is in event_json.
CREATE TABLE events (
  nid           INTEGER PRIMARY KEY,         -- from nid_blocks
  event_id      TEXT NOT NULL UNIQUE,
  room_nid      INTEGER NOT NULL REFERENCES rooms (nid),
  pos           INTEGER NOT NULL,            -- position in the stream
  topo          INTEGER NOT NULL,            -- depth: the order of the room's history
  kind          TEXT NOT NULL,               -- event type
  state_key_nid INTEGER REFERENCES state_keys (nid),
  sender_nid    INTEGER NOT NULL REFERENCES users (nid),
  ts            INTEGER NOT NULL,            -- origin_server_ts, ms
  state_before  INTEGER,                     -- snapshot of the state before the event; NULL: empty
  replaces      INTEGER,                     -- state events: the event that held the key before
  relates_to    INTEGER,                     -- the event of m.relates_to, if it is known and in this room
  rel_type      TEXT,                        -- rel_type of m.relates_to
  thread        INTEGER,                     -- root of the thread that the event belongs to
  redacted_by   INTEGER                      -- the redaction that removed its content
) STRICT;
CREATE INDEX events_pos ON events (room_nid, pos);
CREATE INDEX events_topo ON events (room_nid, topo, pos);
CREATE INDEX events_ts ON events (room_nid, ts);
CREATE INDEX events_relations ON events (relates_to, rel_type, topo, pos);
CREATE INDEX events_thread ON events (thread, pos);

-- The text of each event: canonical JSON exactly as hashed and signed (redacted events: what is left).
CREATE TABLE event_json (
  nid INTEGER PRIMARY KEY REFERENCES events (nid),
  pdu TEXT NOT NULL
) STRICT;

-- The graph: which events came right before which.
CREATE TABLE event_edges (
  event_nid INTEGER NOT NULL REFERENCES events (nid),
  prev_nid  INTEGER NOT NULL REFERENCES events (nid),
  PRIMARY KEY (event_nid, prev_nid)
) STRICT;
CREATE INDEX event_edges_prev ON event_edges (prev_nid);

-- The auth index, state events only: an auth difference is a few operations on bitmaps.
CREATE TABLE event_auth (
  event_nid INTEGER PRIMARY KEY REFERENCES events (nid),
  room_nid  INTEGER NOT NULL REFERENCES rooms (nid),
  ordinal   INTEGER NOT NULL,                -- consecutive from 0 in the room
  chain     BLOB NOT NULL,                   -- roaring bitmap of the ordinals of the whole auth chain
  UNIQUE (room_nid, ordinal)
) STRICT;

-- The state of a room at some point, as a change to an earlier one or (base NULL) in full.
CREATE TABLE state_snapshots (
  nid       INTEGER PRIMARY KEY,             -- the nid of the state event that led to it
  room_nid  INTEGER NOT NULL REFERENCES rooms (nid),
  base      INTEGER,                         -- the snapshot that the entries change
  chain_len INTEGER NOT NULL,                -- steps to the next full snapshot, 0 for a full one
  entries   BLOB NOT NULL                    -- varint pairs: state key nid, event nid
) STRICT;

-- The current state, key by key.
CREATE TABLE current_state (
  room_nid      INTEGER NOT NULL REFERENCES rooms (nid),
  state_key_nid INTEGER NOT NULL REFERENCES state_keys (nid),
  event_nid     INTEGER NOT NULL REFERENCES events (nid),
  PRIMARY KEY (room_nid, state_key_nid)
) STRICT;

-- Who is or was in which room: the only source of membership.
CREATE TABLE members (
  room_nid   INTEGER NOT NULL REFERENCES rooms (nid),
  user_nid   INTEGER NOT NULL REFERENCES users (nid),
  membership INTEGER NOT NULL,               -- 1 invite, 2 join, 3 leave, 4 ban, 5 knock
  event_nid  INTEGER NOT NULL REFERENCES events (nid),
  pos        INTEGER NOT NULL,               -- position of the last change
  forgotten  INTEGER NOT NULL,               -- 1: left and forgotten
  stripped   TEXT,                           -- invites and knocks: JSON array of stripped state
  PRIMARY KEY (room_nid, user_nid)
) STRICT;
CREATE INDEX members_user ON members (user_nid, membership, pos);

-- Local aliases of rooms.
CREATE TABLE room_aliases (
  alias       TEXT PRIMARY KEY,              -- #localpart:server
  room_nid    INTEGER NOT NULL REFERENCES rooms (nid),
  creator_nid INTEGER NOT NULL REFERENCES users (nid),
  created_at  INTEGER NOT NULL               -- ms
) STRICT;
CREATE INDEX room_aliases_room ON room_aliases (room_nid);

-- Transaction ids of clients: the same request, sent again, is answered with the same event.
CREATE TABLE event_txns (
  user_nid  INTEGER NOT NULL REFERENCES users (nid),
  device_id TEXT NOT NULL,
  room_nid  INTEGER NOT NULL REFERENCES rooms (nid),
  kind      TEXT NOT NULL,                   -- event type: with the room, the endpoint of the request
  txn_id    TEXT NOT NULL,
  event_nid INTEGER NOT NULL REFERENCES events (nid),
  PRIMARY KEY (user_nid, device_id, room_nid, kind, txn_id)
) STRICT;
CREATE INDEX event_txns_event ON event_txns (event_nid);
