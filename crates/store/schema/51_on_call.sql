-- Who holds a role beyond the rota: sign-ons, deputies, shifts put down early, offers; and what follows the role.

-- How a shift counts if it is not a plain one of the rota (which has rank 1): of the shifts that cover an instant
-- the one with the highest rank holds the role.
CREATE TABLE shift_ranks (
  shift TEXT PRIMARY KEY REFERENCES practitioner_roles (id),
  rank  INTEGER NOT NULL                        -- 2 a sign-on, 0 a deputy, who holds while nobody else does
) STRICT;

-- Shifts of the rota that their holder put down or handed over before the end. Sign-ons simply end.
CREATE TABLE shift_releases (
  shift TEXT PRIMARY KEY REFERENCES practitioner_roles (id),
  at    INTEGER NOT NULL                        -- ms; from then on it does not count
) STRICT;

-- The open offer of a role to a person; at most one per role.
CREATE TABLE role_offers (
  service TEXT PRIMARY KEY REFERENCES services (id),
  ends_at INTEGER NOT NULL,                     -- ms; it lapses then
  record  BLOB NOT NULL                         -- sealed: from, to and until as JSON
) STRICT;

-- The holder of a role that was last acted upon (people brought in, requests handed over).
CREATE TABLE role_holders (
  service TEXT PRIMARY KEY REFERENCES services (id),
  person  BLOB                                  -- sealed: id of the practitioner; NULL for a vacancy
) STRICT;

-- Who is in a patient's conversation only because they held a role when they were brought in.
CREATE TABLE duty_members (
  patient      TEXT NOT NULL REFERENCES patients (ref),
  service      TEXT NOT NULL REFERENCES services (id),
  person_index BLOB NOT NULL,                   -- blind index of the practitioner
  PRIMARY KEY (patient, person_index, service)
) STRICT;

-- The roles that an open request has asked so far, by which it follows them.
CREATE TABLE task_roles (
  service TEXT NOT NULL,                        -- id of the HealthcareService
  task    INTEGER NOT NULL REFERENCES tasks (nid),
  PRIMARY KEY (service, task)
) STRICT;
CREATE INDEX task_roles_by_task ON task_roles (task);

-- When shifts end, for the clock that watches the rota.
CREATE INDEX practitioner_roles_by_end ON practitioner_roles (ends_at);
