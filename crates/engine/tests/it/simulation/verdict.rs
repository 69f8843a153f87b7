//! What must hold, whatever happened.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use wardline_domain::auth;
use wardline_domain::pdu::Pdu;
use wardline_domain::room_version::RoomVersion;
use wardline_domain::ruma::RoomId;
use wardline_engine::hub::Hub;
use wardline_store::members::{self, Membership};
use wardline_store::{
    EventNid, Pos, ReadTx, Reader, Store, StoreError, StreamRow, StreamSink, events, params, rooms, state,
    stream,
};

use super::people::{GUEST, World};

/// A follower that is told every position once, in order, and never of one that is not durable.
pub(crate) struct Witness(pub(crate) Mutex<Pos>);

impl StreamSink for Witness {
    fn committed(&self, rows: &[StreamRow]) {
        let mut last = self.0.lock();
        for row in rows {
            assert_eq!(row.pos, *last + 1, "positions come once and in order");
            *last = row.pos;
        }
    }
}

/// An event as the store holds it.
struct Stored {
    nid: EventNid,
    pdu: Arc<Pdu>,
    body: Option<String>,
}

/// Checks everything that the last life left behind.
pub(crate) fn check(store: &Store, world: &World) {
    let told = store.read_now(|tx| {
        assert_eq!(stream::first_gap(tx)?, None, "positions have no gaps");
        assert_eq!(stream::head(tx)?, store.head());
        wardline_audit::verify(tx).expect("the audit log is whole");
        let mut told = BTreeMap::new();
        for (number, room) in world.rooms.iter().enumerate() {
            let stored = history(tx, room)?;
            line(tx, room, &stored)?;
            promises(tx, world, number, &stored)?;
            told.insert(room.to_string(), stored);
        }
        Ok::<_, StoreError>(told)
    });
    for phone in &world.phones {
        let phone = phone.lock();
        for (room, stored) in told.as_ref().unwrap() {
            let all: Vec<&str> = stored.iter().map(|event| event.pdu.event_id.as_str()).collect();
            assert_eq!(phone.seen[room], all, "a device was told everything, in order");
        }
    }
}

/// The events of a room in the order of their positions.
fn history(tx: &ReadTx<'_>, room: &RoomId) -> Result<Vec<Stored>, StoreError> {
    let nid = rooms::find(tx, room)?.unwrap();
    let version = version(tx, room)?;
    let points: Vec<EventNid> =
        tx.query("SELECT nid FROM events WHERE room_nid = ?1 ORDER BY pos", params![nid], |row| row.get(0))?;
    points
        .into_iter()
        .map(|nid| {
            let row = events::get(tx, nid)?.unwrap();
            let pdu = Arc::new(Pdu::from_stored(row.event_id, row.pdu, version).unwrap());
            let content: serde_json::Value = serde_json::from_str(pdu.content()).unwrap();
            let body = content["body"].as_str().map(str::to_owned);
            Ok(Stored { nid, pdu, body })
        })
        .collect()
}

fn version(tx: &ReadTx<'_>, room: &RoomId) -> Result<RoomVersion, StoreError> {
    let nid = rooms::find(tx, room)?.unwrap();
    Ok(RoomVersion::parse(&rooms::get(tx, nid)?.unwrap().room_version).unwrap())
}

/// A room is one line of events, each built on and allowed by what came before it and nothing else.
fn line(tx: &ReadTx<'_>, room: &RoomId, stored: &[Stored]) -> Result<(), StoreError> {
    let version = version(tx, room)?;
    let mut held: HashMap<(String, String), Arc<Pdu>> = HashMap::new();
    for (index, event) in stored.iter().enumerate() {
        let pdu = &event.pdu;
        let before: Vec<_> =
            index.checked_sub(1).map(|at| stored[at].pdu.event_id.clone()).into_iter().collect();
        assert_eq!(pdu.prev_events, before, "an event follows the one before it");
        assert_eq!(pdu.depth, index as i64 + 1);
        let view = |kind: &str, key: &str| held.get(&(kind.to_owned(), key.to_owned())).cloned();
        auth::check(pdu, &view, version).unwrap_or_else(|error| {
            panic!("{} is not allowed by the head it stands on: {error}", pdu.event_id)
        });
        if let Some(key) = &pdu.state_key {
            held.insert((pdu.kind.clone(), key.clone()), Arc::clone(pdu));
        }
    }
    let nid = rooms::find(tx, room)?.unwrap();
    let current: BTreeMap<_, _> = state::current_entries(tx, nid)?
        .into_iter()
        .map(|entry| ((entry.kind, entry.state_key), entry.event_id.to_string()))
        .collect();
    let replayed: BTreeMap<_, _> =
        held.into_iter().map(|(key, event)| (key, event.event_id.to_string())).collect();
    assert_eq!(current, replayed, "the current state is that of the history");
    let row = rooms::get(tx, nid)?.unwrap();
    let joined = members::users_in(tx, nid, Membership::Join)?.len() as u64;
    assert_eq!((row.joined, row.extremities), (joined, vec![stored.last().unwrap().nid]));
    Ok(())
}

/// Whatever was answered is there, once, and under the transaction id it was sent with.
fn promises(tx: &ReadTx<'_>, world: &World, room: usize, stored: &[Stored]) -> Result<(), StoreError> {
    let ledger = world.ledger.lock();
    let mut by_body: HashMap<&str, Vec<&str>> = HashMap::new();
    for event in stored {
        if let Some(body) = &event.body {
            by_body.entry(body).or_default().push(event.pdu.event_id.as_str());
        }
    }
    for (body, events) in &by_body {
        assert_eq!(events.len(), 1, "request {body} made more than one event");
    }
    for ((_, _, number), event) in ledger.answered.iter().filter(|((_, of, _), _)| *of == room) {
        let name = number.to_string();
        assert_eq!(by_body.get(name.as_str()), Some(&vec![event.as_str()]), "what was answered is there");
        let noted: Option<String> =
            tx.query_row("SELECT event_id FROM events WHERE txn_id = ?1", params![name], |row| row.get(0))?;
        assert_eq!(noted.as_ref(), Some(event));
    }
    for event in &ledger.state {
        let id: &wardline_domain::ruma::EventId = event.as_str().try_into().unwrap();
        assert!(events::find(tx, id)?.is_some(), "state that was answered is there");
    }
    Ok(())
}

/// The hub that followed the stream knows what one knows that is loaded now.
pub(crate) fn check_hub(hub: &Arc<Hub>, store: &Store, world: &World, from: Pos) {
    let loaded = Hub::start(store).unwrap();
    assert_eq!((hub.applied(), loaded.applied()), (store.head(), store.head()));
    let sorted = |mut rooms: Vec<wardline_store::RoomNid>| {
        rooms.sort_unstable();
        rooms
    };
    for (number, person) in world.people.iter().enumerate() {
        assert_eq!(sorted(hub.rooms_of(person.nid)), sorted(loaded.rooms_of(person.nid)));
        // Of the guest the followed hub also knows what happened before they went.
        for since in (from..=store.head()).filter(|_| number != GUEST) {
            let known = hub.news(person.nid).since(since, 0).rooms;
            assert_eq!(known, loaded.news(person.nid).since(since, 0).rooms, "news since {since}");
        }
    }
}
