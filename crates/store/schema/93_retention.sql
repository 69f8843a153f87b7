-- How far old messages were erased, where rooms have a policy for it (MSC1763).
CREATE TABLE retention (
  room_nid INTEGER PRIMARY KEY REFERENCES rooms (nid),
  upto     INTEGER NOT NULL                  -- messages up to this position have been looked at for good
) STRICT;
