-- Rooms whose history administrators removed for good, and uses of registration tokens that are under way.

-- Rooms of which nothing is left but who left them: their ids never come back, and nobody may join them.
CREATE TABLE purged_rooms (
  room_nid INTEGER PRIMARY KEY REFERENCES rooms (nid),
  by_nid   INTEGER NOT NULL REFERENCES users (nid), -- the administrator
  at       INTEGER NOT NULL,                    -- ms since the Unix epoch
  media    INTEGER NOT NULL,                    -- 1: the files that its events name go too
  done_at  INTEGER                              -- ms; NULL: the removal is under way
) STRICT;

-- Accounts that are being made with the token: they count as made until it is known that they were not.
ALTER TABLE registration_tokens ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;

-- What refers to events, so that removing one need not look through all of it.
CREATE INDEX current_state_event ON current_state (event_nid);
CREATE INDEX members_event ON members (event_nid);
CREATE INDEX thread_subscriptions_root ON thread_subscriptions (root_nid);
CREATE INDEX reports_event ON reports (event_nid);
