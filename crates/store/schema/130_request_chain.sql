-- The provable chain of requests: each transition signed with the server's key.

CREATE TABLE task_links (
  task INTEGER NOT NULL REFERENCES tasks (nid),
  ord  INTEGER NOT NULL,                        -- number of the transition, from 1
  hash BLOB NOT NULL,                           -- SHA-256 of the link, which the next one names
  link BLOB NOT NULL,                           -- sealed: the signed link as canonical JSON
  PRIMARY KEY (task, ord)
) STRICT;
