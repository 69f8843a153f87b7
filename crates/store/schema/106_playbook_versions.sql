-- Every version of a playbook, so that what a request followed can be read later.
CREATE TABLE playbook_versions (
  playbook TEXT NOT NULL,                       -- its id
  version  INTEGER NOT NULL,                    -- from 1
  source   TEXT,                                -- TOML; NULL: it was withdrawn
  at       INTEGER NOT NULL,                    -- ms
  author   TEXT NOT NULL,                       -- user id, or system:import
  PRIMARY KEY (playbook, version)
) STRICT;
INSERT INTO playbook_versions (playbook, version, source, at, author)
  SELECT id, 1, source, 0, 'system:import' FROM playbooks;
