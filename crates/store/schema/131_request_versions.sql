-- Versions of requests, the identifiers that other systems give them, and how often staff are interrupted.

-- A request as it was after each move, for the history of the Task.
CREATE TABLE task_versions (
  task    INTEGER NOT NULL REFERENCES tasks (nid),
  version INTEGER NOT NULL,                     -- number of transitions by then
  record  BLOB NOT NULL,                        -- sealed: the whole request as JSON
  PRIMARY KEY (task, version)
) STRICT;

-- By which identifier another system knows a request.
CREATE TABLE task_identifiers (
  identifier_index BLOB PRIMARY KEY,            -- blind index of system and value
  task             INTEGER NOT NULL REFERENCES tasks (nid)
) STRICT;

-- One row for each time that somebody was asked, asked again or reminded by a request that makes a sound.
CREATE TABLE interruptions (
  id           INTEGER PRIMARY KEY,
  at           INTEGER NOT NULL,                -- ms
  person_index BLOB NOT NULL,                   -- blind index of the practitioner
  service      TEXT,                            -- the role through which they were asked, if any
  class        TEXT NOT NULL,                   -- urgent or action
  kind         TEXT NOT NULL,                   -- asked, again or reminded
  quiet        INTEGER NOT NULL                 -- 1 if it made no sound: the team's budget was used up
) STRICT;
CREATE INDEX interruptions_by_person ON interruptions (person_index, at);
CREATE INDEX interruptions_by_service ON interruptions (service, at);
CREATE INDEX interruptions_by_time ON interruptions (at);
