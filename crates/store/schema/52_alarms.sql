-- Requests that the server raises itself: a role that nobody holds, a patient's conversation opened by break-glass.

-- A request need not be about a patient: the table is made anew with that column optional, its rows kept.
CREATE TABLE tasks_next (
  nid        INTEGER PRIMARY KEY,               -- what the stream refers to
  id         TEXT NOT NULL UNIQUE,              -- FHIR id
  patient    TEXT REFERENCES patients (ref),    -- NULL if it is not about a patient
  state      TEXT NOT NULL,                     -- the request's state
  open       INTEGER NOT NULL,                  -- 1 until it is completed or cancelled
  version    INTEGER NOT NULL,                  -- number of transitions
  changed_at INTEGER NOT NULL,                  -- ms
  record     BLOB NOT NULL                      -- sealed: the whole request as JSON
) STRICT;
INSERT INTO tasks_next (nid, id, patient, state, open, version, changed_at, record)
  SELECT nid, id, patient, state, open, version, changed_at, record FROM tasks;
-- What refers to the table must be out of the way while it is dropped.
CREATE TABLE kept_people AS SELECT * FROM task_people;
CREATE TABLE kept_transitions AS SELECT * FROM task_transitions;
CREATE TABLE kept_roles AS SELECT * FROM task_roles;
DELETE FROM task_people;
DELETE FROM task_transitions;
DELETE FROM task_roles;
DROP TABLE tasks;
ALTER TABLE tasks_next RENAME TO tasks;
CREATE INDEX tasks_by_patient ON tasks (patient, changed_at);
CREATE INDEX tasks_open ON tasks (open, changed_at);
INSERT INTO task_people (person_index, part, task) SELECT person_index, part, task FROM kept_people;
INSERT INTO task_transitions (task, ord, at, state, record)
  SELECT task, ord, at, state, record FROM kept_transitions;
INSERT INTO task_roles (service, task) SELECT service, task FROM kept_roles;
DROP TABLE kept_people;
DROP TABLE kept_transitions;
DROP TABLE kept_roles;

-- More about a role.
CREATE TABLE service_traits (
  service  TEXT PRIMARY KEY REFERENCES services (id),
  fallback TEXT,                                -- the role that is told when this one is vacant
  kind     TEXT                                 -- a code that gives it a duty of its own, such as privacy-officer
) STRICT;
CREATE INDEX service_traits_by_kind ON service_traits (kind, service);

-- The conversation of a role, in which the server's own requests about it are announced.
CREATE TABLE role_rooms (
  service TEXT PRIMARY KEY REFERENCES services (id),
  room_id TEXT NOT NULL UNIQUE
) STRICT;

-- Roles that nobody holds and that somebody was told of: one request for each vacancy, until it ends.
CREATE TABLE vacancies (
  service TEXT PRIMARY KEY REFERENCES services (id),
  task    TEXT NOT NULL,                        -- id of the request that it raised
  since   INTEGER NOT NULL                      -- ms
) STRICT;
