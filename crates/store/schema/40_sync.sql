-- What clients keep beside the timeline: receipts, account data, filters, push rules, unread notifications.

-- How far somebody has read (or received) a room. One row per user, type and thread; it only moves forward.
CREATE TABLE receipts (
  room_nid  INTEGER NOT NULL,
  user_nid  INTEGER NOT NULL,                -- whose receipt
  kind      TEXT    NOT NULL,                -- m.read, m.read.private, or a namespaced type
  thread    TEXT    NOT NULL,                -- '' for an unthreaded receipt, 'main', or the thread's root event id
  event_id  TEXT    NOT NULL,                -- the event that the receipt stands at
  event_pos INTEGER NOT NULL,                -- that event's position: what "forward" is measured by
  ts        INTEGER NOT NULL,                -- when the receipt was sent, milliseconds since the epoch
  pos       INTEGER NOT NULL,                -- position of the last move
  PRIMARY KEY (room_nid, user_nid, kind, thread)
) STRICT, WITHOUT ROWID;
CREATE INDEX receipts_by_pos ON receipts (room_nid, pos);

-- Account data, global and per room.
CREATE TABLE account_data (
  user_nid INTEGER NOT NULL,
  room_nid INTEGER NOT NULL,                 -- 0 for global account data
  kind     TEXT    NOT NULL,                 -- event type, for example m.tag
  content  TEXT    NOT NULL,                 -- JSON object as the client gave it
  mark     INTEGER NOT NULL,                 -- m.fully_read: position of the event it stands at; otherwise 0
  pos      INTEGER NOT NULL,                 -- position of the last change
  PRIMARY KEY (user_nid, room_nid, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX account_data_by_pos ON account_data (user_nid, pos);

-- Sync filters that clients stored. The same filter stored twice is one row.
CREATE TABLE filters (
  user_nid INTEGER NOT NULL,
  id       INTEGER NOT NULL,                 -- what the client calls it by; from 1 per user
  filter   TEXT    NOT NULL,                 -- JSON object as the client gave it
  PRIMARY KEY (user_nid, id)
) STRICT, WITHOUT ROWID;

-- Push rules of users who changed theirs; everybody else has the specification's default rules.
CREATE TABLE push_rules (
  user_nid INTEGER PRIMARY KEY,
  rules    TEXT    NOT NULL,                 -- JSON: the ruleset that m.push_rules shows under "global"
  pos      INTEGER NOT NULL                  -- position of the last change
) STRICT;

-- Events that a push rule told somebody of and that are not read yet. The unread counts are counts of these rows.
CREATE TABLE notify (
  user_nid  INTEGER NOT NULL,
  room_nid  INTEGER NOT NULL,
  event_pos INTEGER NOT NULL,                -- the event's position
  event_nid INTEGER NOT NULL,
  thread    TEXT    NOT NULL,                -- 'main', or the thread's root event id
  highlight INTEGER NOT NULL,                -- 1 if the rule also asked for a highlight
  actions   TEXT    NOT NULL,                -- JSON array: the actions of the rule that matched
  PRIMARY KEY (user_nid, room_nid, event_pos)
) STRICT, WITHOUT ROWID;
CREATE INDEX notify_by_pos ON notify (user_nid, event_pos);
