-- What a send writes: every tree that a message need not touch costs each commit a page or more.

-- The order of a room's history is that of the stream: depth only grows with the position. events_pos serves both.
DROP INDEX events_topo;

-- Few events relate to another one, fewer are in threads.
DROP INDEX events_relations;
DROP INDEX events_thread;
CREATE INDEX events_relations ON events (relates_to, rel_type, topo, pos) WHERE relates_to IS NOT NULL;


-- By time an event is found through its position. Only those older than one before them need an index for it.
DROP INDEX events_ts;
ALTER TABLE events ADD COLUMN late INTEGER NOT NULL DEFAULT 0; -- 1: an earlier event of the room has a later ts
ALTER TABLE rooms ADD COLUMN newest_ts INTEGER NOT NULL DEFAULT 0; -- greatest ts of an event of the room, ms
UPDATE rooms SET newest_ts = coalesce((SELECT max(e.ts) FROM events e WHERE e.room_nid = rooms.nid), 0);
UPDATE events SET late = 1 WHERE nid IN (SELECT nid FROM (
  SELECT nid, ts, max(ts) OVER (PARTITION BY room_nid ORDER BY pos ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    AS newest FROM events) WHERE ts < newest);
CREATE INDEX events_late ON events (room_nid, ts, pos) WHERE late = 1;

-- The graph is in the text of the events; nothing reads it from a table.
DROP TABLE event_edges;

-- The request that made an event stands in the event's own row. A client counts its transaction ids up, so those of
-- one sender lie close together.
ALTER TABLE events ADD COLUMN txn_device TEXT; -- device that sent it with a transaction id
ALTER TABLE events ADD COLUMN txn_id TEXT;     -- that transaction id
UPDATE events SET
  txn_device = (SELECT t.device_id FROM event_txns t WHERE t.event_nid = events.nid),
  txn_id = (SELECT t.txn_id FROM event_txns t WHERE t.event_nid = events.nid)
  WHERE nid IN (SELECT event_nid FROM event_txns);
DROP TABLE event_txns;
CREATE INDEX events_txn ON events (sender_nid, txn_id) WHERE txn_id IS NOT NULL;
