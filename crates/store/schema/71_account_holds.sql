-- Accounts that administrators suspended or locked. An account without a row is neither.
CREATE TABLE account_holds (
  user_nid  INTEGER PRIMARY KEY REFERENCES users (nid),
  suspended INTEGER NOT NULL,                   -- 1: may read, and may not say or change anything
  locked    INTEGER NOT NULL                    -- 1: may do nothing until it is unlocked
) STRICT;
