//! Events as readers see them: parsed once, their client format made once, shared by everybody.

use std::sync::Arc;

use parking_lot::RwLock;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::value::RawValue;
use wardline_domain::Timestamp;
use wardline_domain::event_format::{ClientEvent, Unsigned};
use wardline_domain::pdu::Pdu;
use wardline_domain::room_version::RoomVersion;
use wardline_domain::visibility::Membership;
use wardline_store::events::{self, EventRow};
use wardline_store::{EventNid, Pos, Reader, RoomNid, SnapshotNid, StoreError, UserNid, stream};

/// A stored event. Immutable: a redaction makes a new one.
#[derive(Debug)]
pub struct Event {
    /// Its number.
    pub nid: EventNid,
    /// Its room.
    pub room: RoomNid,
    /// Its position in the stream.
    pub pos: Pos,
    /// Its depth: with `pos` its place in the room's history.
    pub topo: i64,
    /// Its sender.
    pub sender: UserNid,
    /// The event itself (redacted events: what is left).
    pub pdu: Arc<Pdu>,
    /// The bytes that clients get, without `unsigned`.
    pub client: ClientEvent,
    /// The state before it; `None`: empty. A state event leads to the snapshot of its own number.
    pub state_before: Option<SnapshotNid>,
    /// For a state event: the event that held the key before.
    pub replaces: Option<EventNid>,
    /// The event that it relates to, and how (`rel_type`).
    pub relates_to: Option<(EventNid, String)>,
    /// Root of the thread that it belongs to.
    pub thread: Option<EventNid>,
    /// The redaction that removed its content.
    pub redacted_by: Option<EventNid>,
    /// The device that sent it and the transaction id it used.
    pub transaction: Option<(String, String)>,
}

impl Event {
    /// The state right after the event.
    #[must_use]
    pub fn state_after(&self) -> Option<SnapshotNid> {
        match self.pdu.state_key {
            Some(_) => Some(SnapshotNid(self.nid.0)),
            None => self.state_before,
        }
    }

    fn from_row(row: EventRow) -> Result<Self, StoreError> {
        let malformed = |what: &str| StoreError::Malformed(format!("event {}: {what}", row.nid.0));
        let version = RoomVersion::parse(&row.room_version).map_err(|_| malformed("room version"))?;
        let pdu = Pdu::from_stored(row.event_id, row.pdu, version).map_err(|_| malformed("text"))?;
        Ok(Self {
            nid: row.nid,
            room: row.room,
            pos: row.pos,
            topo: row.topo,
            sender: row.sender,
            client: ClientEvent::new(&pdu),
            pdu: Arc::new(pdu),
            state_before: row.state_before,
            replaces: row.replaces,
            relates_to: row.relates_to.zip(row.rel_type),
            thread: row.thread,
            redacted_by: row.redacted_by,
            transaction: row.transaction,
        })
    }
}

/// Who reads events, and when: what `unsigned` depends on.
#[derive(Clone, Copy, Debug)]
pub struct Viewer<'a> {
    /// The user.
    pub user: UserNid,
    /// The device, for `transaction_id`.
    pub device: Option<&'a str>,
    /// The present instant, for `age`.
    pub now: Timestamp,
}

/// What a reader is told about an event besides the event.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extras<'a> {
    /// The reader's membership at the event.
    pub membership: Option<Membership>,
    /// Bundled aggregations (`m.relations`).
    pub relations: Option<&'a RawValue>,
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<EventNid, Arc<Event>> for ByBytes {
    fn weight(&self, _: &EventNid, event: &Arc<Event>) -> u64 {
        (event.pdu.json().len() + event.client.as_str().len() + 512) as u64
    }
}

/// Events in memory, by number, bounded by bytes.
///
/// Never call it inside a read closure without passing that closure's transaction: a second connection taken
/// while holding the first may be one that nobody gives back.
#[derive(Debug)]
pub struct EventCache {
    cache: Cache<EventNid, Arc<Event>, ByBytes>,
    /// The position of the last redaction. A reader whose snapshot is older must not put into the cache what
    /// it read, or the unredacted event could outlive its redaction in memory.
    redacted_at: RwLock<Pos>,
}

impl EventCache {
    /// An empty cache for about `bytes` bytes.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let items = usize::try_from(bytes / 2048).unwrap_or(usize::MAX).max(16);
        Self { cache: Cache::with_weighter(items, bytes, ByBytes), redacted_at: RwLock::new(0) }
    }

    /// An event, from memory or from the store.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] if there is none with this number, or any failure of the database.
    pub fn get(&self, tx: &impl Reader, nid: EventNid) -> Result<Arc<Event>, StoreError> {
        if let Some(event) = self.cache.get(&nid) {
            return Ok(event);
        }
        let row = events::get(tx, nid)?
            .ok_or_else(|| StoreError::Malformed(format!("no event has the number {}", nid.0)))?;
        let event = Arc::new(Event::from_row(row)?);
        let snapshot = stream::head(tx)?;
        let redacted_at = self.redacted_at.read();
        if snapshot >= *redacted_at {
            self.cache.insert(nid, Arc::clone(&event));
        }
        drop(redacted_at);
        Ok(event)
    }

    /// An event, if it is in memory.
    #[must_use]
    pub fn peek(&self, nid: EventNid) -> Option<Arc<Event>> {
        self.cache.get(&nid)
    }

    /// Puts an event in that is being committed, so that nobody needs to read it back.
    pub fn insert(&self, event: Arc<Event>) {
        self.cache.insert(event.nid, event);
    }

    /// Takes an event out that a redaction at `pos`, being committed, changes.
    pub fn redacted(&self, nid: EventNid, pos: Pos) {
        let mut redacted_at = self.redacted_at.write();
        *redacted_at = pos.max(*redacted_at);
        self.cache.remove(&nid);
    }

    /// Appends the client format of an event with the `unsigned` that `viewer` gets; `with_room` says whether
    /// with the room id (everywhere but in `/sync`).
    ///
    /// # Errors
    /// Any failure of the database: an event that this one replaced, or its redaction, may have to be read.
    pub fn write(
        &self,
        tx: &impl Reader,
        event: &Event,
        viewer: Viewer<'_>,
        extras: Extras<'_>,
        with_room: bool,
        out: &mut String,
    ) -> Result<(), StoreError> {
        let previous = event.replaces.map(|nid| self.get(tx, nid)).transpose()?;
        let redaction = event.redacted_by.map(|nid| self.get(tx, nid)).transpose()?;
        let transaction = event
            .transaction
            .as_ref()
            .filter(|(device, _)| event.sender == viewer.user && viewer.device == Some(device.as_str()));
        let unsigned = Unsigned {
            age: Some(viewer.now.millis_since(event.pdu.origin_server_ts).max(0)),
            transaction_id: transaction.map(|(_, txn)| txn.as_str()),
            prev_content: previous
                .as_ref()
                .and_then(|previous| serde_json::from_str(previous.pdu.content()).ok()),
            replaces_state: previous.as_ref().map(|previous| &*previous.pdu.event_id),
            redacted_because: redaction
                .as_ref()
                .and_then(|event| serde_json::from_str(event.client.as_str()).ok()),
            membership: extras.membership.map(Membership::as_str),
            relations: extras.relations,
        };
        if with_room {
            event.client.write(out, &unsigned);
        } else {
            event.client.write_without_room(out, &unsigned);
        }
        Ok(())
    }
}
