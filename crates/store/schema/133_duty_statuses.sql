-- What members of staff say of themselves: on duty, busy or off duty, who covers for them, and their quiet hours.

CREATE TABLE duty_statuses (
  person_index BLOB PRIMARY KEY,                -- blind index of the practitioner
  record       BLOB NOT NULL                    -- sealed: the status as JSON
) STRICT;
