-- Events that clients asked to be sent later (MSC4140).
CREATE TABLE delayed_events (
  id        TEXT PRIMARY KEY,                   -- secret: who knows it may restart, cancel or send it
  user_nid  INTEGER NOT NULL REFERENCES users (nid),
  device_id TEXT NOT NULL,                      -- from which the event is sent
  room_id   TEXT NOT NULL,
  kind      TEXT NOT NULL,                      -- event type
  state_key TEXT,                               -- NULL: a message-like event
  content   TEXT NOT NULL,                      -- JSON object
  delay_ms  INTEGER NOT NULL,
  due_at    INTEGER NOT NULL,                   -- ms since the Unix epoch
  txn_id    TEXT                                -- message-like events: the client's transaction id
) STRICT;
CREATE INDEX delayed_events_due ON delayed_events (due_at);
CREATE UNIQUE INDEX delayed_events_txn ON delayed_events (user_nid, device_id, room_id, kind, txn_id);
