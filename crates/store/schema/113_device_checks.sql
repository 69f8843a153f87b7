-- What members of staff last found when they tested the device that they work with.

CREATE TABLE device_checks (
  person_index BLOB PRIMARY KEY,                -- blind index of the practitioner
  record       BLOB NOT NULL                    -- sealed: when, and what did not work, as JSON
) STRICT;
