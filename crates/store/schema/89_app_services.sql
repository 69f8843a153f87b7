-- How far each application service has come. Its registration is in a file of the configuration.
CREATE TABLE app_services (
  id   TEXT PRIMARY KEY,                        -- the id in its registration
  pos  INTEGER NOT NULL,                        -- it has taken everything up to this position of the stream
  txn  INTEGER NOT NULL,                        -- the number of the transaction that is under way, or comes next
  upto INTEGER                                  -- the last position of the transaction under way; NULL: there is none
) STRICT;

-- Rooms that an application service lists in the directory of one of its networks.
CREATE TABLE app_service_rooms (
  service  TEXT NOT NULL,                       -- the id in its registration
  network  TEXT NOT NULL,                       -- the network, as the service names it
  room_nid INTEGER NOT NULL,                    -- the room
  PRIMARY KEY (service, network, room_nid)
) STRICT;
