-- Accounts of guests (Client-Server API, "Guest Access"): they have no password and end with their device.
CREATE TABLE guests (
  user_nid INTEGER PRIMARY KEY REFERENCES users (nid)
) STRICT;
