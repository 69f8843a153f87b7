-- Why the privacy officer looked for a patient. The audit log names each by id and carries a hash of the reason, so that
-- neither can be changed unseen.
CREATE TABLE access_reasons (
  id     TEXT PRIMARY KEY,                      -- as in the audit entry
  at     INTEGER NOT NULL,                      -- ms
  reason BLOB NOT NULL                          -- sealed: why, in the officer's words
) STRICT;
