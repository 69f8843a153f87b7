-- The lives of this database. A backup that is restored goes back in time: positions are then given out a second time,
-- for other changes. Each restoration begins an epoch, so that what was told in an earlier one can be told apart.
CREATE TABLE epochs (
  epoch    INTEGER PRIMARY KEY,              -- consecutive from 1; before the first restoration there is no row
  from_pos INTEGER NOT NULL,                 -- the last position of the backup: later ones of earlier epochs are void
  began_at INTEGER NOT NULL                  -- ms since the Unix epoch
) STRICT;
