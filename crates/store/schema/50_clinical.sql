-- Directory, rota, patients and requests. Columns marked "sealed" hold XChaCha20-Poly1305 ciphertext, columns
-- marked "blind" a keyed hash by which a row is found; the keys are outside the database.

-- An organisation: the Trust.
CREATE TABLE organisations (
  id   TEXT PRIMARY KEY,                        -- FHIR id
  name TEXT NOT NULL,
  ods  TEXT NOT NULL                            -- ODS code
) STRICT;

-- A site, a ward or a bed.
CREATE TABLE locations (
  id           TEXT PRIMARY KEY,                -- FHIR id
  kind         TEXT NOT NULL,                   -- site, ward or bed
  name         TEXT NOT NULL,
  code         TEXT NOT NULL,                   -- as hospital systems name it (HL7 PV1-3)
  part_of      TEXT REFERENCES locations (id),  -- the ward of a bed, the site of a ward
  organisation TEXT REFERENCES organisations (id),
  description  TEXT                             -- such as the specialty of a ward
) STRICT;
CREATE INDEX locations_by_kind ON locations (kind, name);
CREATE INDEX locations_by_code ON locations (code, kind);
CREATE INDEX locations_by_part ON locations (part_of);

-- A member of staff.
CREATE TABLE practitioners (
  id     TEXT PRIMARY KEY,                      -- the local part of their user id
  family TEXT NOT NULL,
  given  TEXT NOT NULL,
  title  TEXT NOT NULL,                         -- may be empty
  job    TEXT NOT NULL                          -- such as "Staff nurse"
) STRICT;

-- A role: an on-call function.
CREATE TABLE services (
  id           TEXT PRIMARY KEY,                -- FHIR id of the HealthcareService
  name         TEXT NOT NULL,
  organisation TEXT REFERENCES organisations (id),
  phone        TEXT                             -- bleep or extension, if it has one
) STRICT;

-- The wards that a role covers.
CREATE TABLE service_wards (
  service TEXT NOT NULL REFERENCES services (id),
  ward    TEXT NOT NULL REFERENCES locations (id),
  PRIMARY KEY (service, ward)
) STRICT;

-- Who works when: a shift in a role, or an assignment to a ward.
CREATE TABLE practitioner_roles (
  id           TEXT PRIMARY KEY,                -- FHIR id
  service      TEXT REFERENCES services (id),   -- the role; NULL for a ward assignment
  ward         TEXT REFERENCES locations (id),  -- the ward; NULL for a shift
  starts_at    INTEGER NOT NULL,                -- ms since the Unix epoch
  ends_at      INTEGER NOT NULL,                -- ms, exclusive
  person       BLOB NOT NULL,                   -- sealed: id of the practitioner
  person_index BLOB NOT NULL                    -- blind index of the same
) STRICT;
CREATE INDEX practitioner_roles_by_service ON practitioner_roles (service, ends_at);
CREATE INDEX practitioner_roles_by_ward ON practitioner_roles (ward, ends_at);
CREATE INDEX practitioner_roles_by_start ON practitioner_roles (starts_at);
CREATE INDEX practitioner_roles_by_person ON practitioner_roles (person_index, ends_at);

-- Up to when the begins of shifts have been acted on.
CREATE TABLE rota_cursor (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  at INTEGER NOT NULL                           -- ms
) STRICT;

-- A patient. Everything that says who or where they are is sealed.
CREATE TABLE patients (
  ref         TEXT PRIMARY KEY,                 -- the opaque reference used everywhere else
  room_id     TEXT UNIQUE,                      -- the conversation; NULL until it is open
  nhs_index   BLOB UNIQUE,                      -- blind index of the NHS number
  local_index BLOB UNIQUE,                      -- blind index of authority and local identifier
  ward_index  BLOB,                             -- blind index of the ward; NULL when not in hospital
  replaced_by TEXT REFERENCES patients (ref),   -- the record that this one was merged into
  record      BLOB NOT NULL,                    -- sealed: identifiers, demographics, ward and bed as JSON
  changed_at  INTEGER NOT NULL                  -- ms
) STRICT;
CREATE INDEX patients_by_ward ON patients (ward_index);

-- The playbooks, as text.
CREATE TABLE playbooks (
  id     TEXT PRIMARY KEY,
  source TEXT NOT NULL                          -- TOML, valid when it was written
) STRICT;

-- A request.
CREATE TABLE tasks (
  nid        INTEGER PRIMARY KEY,               -- what the stream refers to
  id         TEXT NOT NULL UNIQUE,              -- FHIR id, chosen by the client
  patient    TEXT NOT NULL REFERENCES patients (ref),
  state      TEXT NOT NULL,                     -- the request's state
  open       INTEGER NOT NULL,                  -- 1 until it is completed or cancelled
  version    INTEGER NOT NULL,                  -- number of transitions
  changed_at INTEGER NOT NULL,                  -- ms
  record     BLOB NOT NULL                      -- sealed: the whole request as JSON
) STRICT;
CREATE INDEX tasks_by_patient ON tasks (patient, changed_at);
CREATE INDEX tasks_open ON tasks (open, changed_at);

-- Who has to do with a request.
CREATE TABLE task_people (
  person_index BLOB NOT NULL,                   -- blind index of the practitioner's id
  part         TEXT NOT NULL,                   -- requester, owner (asked now or accepted) or asked (ever)
  task         INTEGER NOT NULL REFERENCES tasks (nid),
  PRIMARY KEY (person_index, part, task)
) STRICT;
CREATE INDEX task_people_by_task ON task_people (task, part);

-- Every change of a request, in order.
CREATE TABLE task_transitions (
  task   INTEGER NOT NULL REFERENCES tasks (nid),
  ord    INTEGER NOT NULL,                      -- from 1
  at     INTEGER NOT NULL,                      -- ms
  state  TEXT NOT NULL,
  record BLOB NOT NULL,                         -- sealed: the transition as JSON
  PRIMARY KEY (task, ord)
) STRICT;

-- Clocks that must ring even if the server was off meanwhile.
CREATE TABLE timers (
  kind    TEXT NOT NULL,                        -- step or invite
  subject TEXT NOT NULL,                        -- id of the task
  step    INTEGER NOT NULL,                     -- the request's step when the clock was set
  due_at  INTEGER NOT NULL,                     -- ms
  PRIMARY KEY (kind, subject)
) STRICT;
CREATE INDEX timers_by_due ON timers (due_at);

-- Work in rooms that is decided but not done: written with the decision, deleted when done.
CREATE TABLE clerk_outbox (
  seq     INTEGER PRIMARY KEY,                  -- order of execution
  subject TEXT NOT NULL,                        -- the patient; jobs of one patient are done in order
  job     TEXT NOT NULL                         -- the job as JSON; ids only
) STRICT;
