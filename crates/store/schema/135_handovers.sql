-- Handovers of roles: who took over which open requests, on record.

CREATE TABLE handovers (
  id      INTEGER PRIMARY KEY,
  service TEXT NOT NULL,                        -- id of the HealthcareService
  at      INTEGER NOT NULL,                     -- ms
  digest  TEXT NOT NULL,                        -- of the list that was accepted: its requests and their versions
  tasks   INTEGER NOT NULL,                     -- how many requests were on it
  person  BLOB NOT NULL                         -- sealed: id of the practitioner who accepted it
) STRICT;
CREATE INDEX handovers_by_service ON handovers (service, at);
