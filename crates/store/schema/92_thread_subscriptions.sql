-- Threads that users follow or have followed (MSC4306).
CREATE TABLE thread_subscriptions (
  user_nid   INTEGER NOT NULL REFERENCES users (nid),
  root_nid   INTEGER NOT NULL REFERENCES events (nid),  -- the event that the thread hangs from
  room_nid   INTEGER NOT NULL REFERENCES rooms (nid),
  subscribed INTEGER NOT NULL,               -- 1: follows the thread; 0: did once
  automatic  INTEGER NOT NULL,               -- 1: the client followed it by itself, for example on a mention
  pos        INTEGER NOT NULL,               -- position of the last change
  PRIMARY KEY (user_nid, root_nid)
) STRICT, WITHOUT ROWID;
CREATE INDEX thread_subscriptions_pos ON thread_subscriptions (user_nid, pos);
