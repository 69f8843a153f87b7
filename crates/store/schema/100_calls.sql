-- Crash calls and broadcasts, who is called by a broadcast, and what wakes people's devices for them.

-- A call (FHIR CommunicationRequest).
CREATE TABLE calls (
  nid       INTEGER PRIMARY KEY,
  id        TEXT NOT NULL UNIQUE,               -- FHIR id, chosen by the client
  kind      TEXT NOT NULL,                      -- crash or broadcast
  open      INTEGER NOT NULL,                   -- 1 until it is ended
  raised_at INTEGER NOT NULL,                   -- ms
  seq       INTEGER NOT NULL,                   -- number of changes to it and to its people
  record    BLOB NOT NULL                       -- sealed: the call as JSON
) STRICT;
CREATE INDEX calls_by_time ON calls (open, raised_at);

-- Whom a broadcast calls. (A crash call has a request for each role instead.)
CREATE TABLE call_people (
  call         INTEGER NOT NULL REFERENCES calls (nid),
  person_index BLOB NOT NULL,                   -- blind index of the practitioner's id
  seq          INTEGER NOT NULL,                -- the call's number when this row changed last
  record       BLOB NOT NULL,                   -- sealed: who, when told, delivered and seen, and what they answered
  PRIMARY KEY (call, person_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX call_people_by_seq ON call_people (call, seq);

-- The conversation of a crash call that is not about a patient.
CREATE TABLE call_rooms (
  call    TEXT PRIMARY KEY,                     -- id of the call, which may not be written yet
  room_id TEXT NOT NULL UNIQUE
) STRICT;

-- What a person's devices are pushed for besides events of rooms.
CREATE TABLE alerts (
  user_nid INTEGER NOT NULL,
  pos      INTEGER NOT NULL,                    -- its position in the stream
  subject  TEXT NOT NULL,                       -- id of the call
  class    TEXT NOT NULL,                       -- how it presses: broadcast or drill
  at       INTEGER NOT NULL,                    -- ms
  PRIMARY KEY (user_nid, pos)
) STRICT, WITHOUT ROWID;
CREATE INDEX alerts_by_subject ON alerts (subject, user_nid);
