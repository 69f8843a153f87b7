-- Unread counts are made when somebody looks, from the events after what they have read.

-- The rows that every message wrote for every member are gone.
DROP TABLE notify;

-- Long counts, kept so that a restart does not count them again from the first unread event. Only a memory aid: what
-- is missing here or was counted by other rules is counted from the events.
CREATE TABLE unread_counters (
  user_nid INTEGER NOT NULL,
  room_nid INTEGER NOT NULL,
  counter  TEXT    NOT NULL,                    -- JSON: counts by thread, and up to where and by what they were made
  PRIMARY KEY (user_nid, room_nid)
) STRICT, WITHOUT ROWID;
