-- Other systems that are told when requests change (FHIR Subscription).

CREATE TABLE subscriptions (
  id            TEXT PRIMARY KEY,               -- FHIR id
  user_id       TEXT NOT NULL,                  -- who subscribed: only what they may see counts
  record        BLOB NOT NULL,                  -- sealed: reason, criteria, address and headers as JSON
  status        TEXT NOT NULL,                  -- active or error
  ends_at       INTEGER,                        -- ms; NULL: when it is deleted
  failures      INTEGER NOT NULL,               -- in a row
  failing_since INTEGER,                        -- ms; NULL while it works
  next_at       INTEGER NOT NULL                -- ms; nothing is sent before
) STRICT;
CREATE INDEX subscriptions_by_user ON subscriptions (user_id);

-- Requests that changed since a subscriber was told.
CREATE TABLE subscription_news (
  subscription TEXT NOT NULL REFERENCES subscriptions (id),
  task         TEXT NOT NULL,                   -- id of the Task
  changes      INTEGER NOT NULL,                -- how many; those that came while it was told are told again
  PRIMARY KEY (subscription, task)
) STRICT;
