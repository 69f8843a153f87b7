//! Looking things up in the history of a room.

use proptest::prelude::*;
use wardline_domain::Timestamp;
use wardline_domain::ruma::{EventId, room_id, user_id};
use wardline_store::events::{self, NewEvent};
use wardline_store::rooms::{self, RoomRow};
use wardline_store::{EventNid, Kind, RoomNid, Store, StoreConfig, history, users};

const ROOM: RoomNid = RoomNid(1);

/// A room whose events have these times, in this order.
async fn room_of(store: &Store, times: Vec<i64>) {
    store
        .write(move |tx| {
            let sender = users::intern(tx, user_id!("@ada:x.example"))?;
            let room = RoomRow {
                nid: ROOM,
                room_id: room_id!("!r:x.example").to_owned(),
                room_version: "12".into(),
                room_type: None,
                creator: sender,
                fence: 1,
                extremities: Vec::new(),
                depth: 0,
                state: None,
                auth_count: 0,
                joined: 1,
                invited: 0,
                encrypted: false,
                last_pos: 0,
                created_at: Timestamp(0),
                newest_ts: Timestamp(0),
            };
            rooms::insert(tx, &room)?;
            let mut newest = 0;
            for (nid, ts) in (1..).zip(times) {
                let pos = tx.record(Kind::Event, Some(ROOM), Some(sender), nid)?;
                let event_id = EventId::parse(format!("${nid}")).unwrap();
                let event = NewEvent {
                    nid: EventNid(nid),
                    event_id: &event_id,
                    room: ROOM,
                    pos,
                    topo: nid,
                    kind: "m.room.message",
                    state_key: None,
                    sender,
                    ts: Timestamp(ts),
                    state_before: None,
                    replaces: None,
                    relates_to: None,
                    rel_type: None,
                    thread: None,
                    late: ts < newest,
                    txn: None,
                    pdu: "{}",
                };
                events::insert(tx, &event)?;
                newest = newest.max(ts);
            }
            Ok(())
        })
        .await
        .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Clocks jump, so times do not always grow; what is found is what sorting all events would give.
    #[test]
    fn events_around_an_instant(times in prop::collection::vec(0_i64..30, 0..40), skip in 0_usize..5) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreConfig::at(folder.path().join("wardline.db"))).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(room_of(&store, times.clone()));
        let mut sorted: Vec<(i64, i64)> = times.into_iter().zip(1..).collect();
        sorted.sort_unstable();
        for at in -1..=31 {
            for backwards in [false, true] {
                let found = store
                    .read_now(|tx| history::around_instant(tx, ROOM, Timestamp(at), backwards, skip, 7))
                    .unwrap();
                let mut expected: Vec<_> = sorted
                    .iter()
                    .filter(|(ts, _)| if backwards { *ts <= at } else { *ts >= at })
                    .map(|(_, nid)| EventNid(*nid))
                    .collect();
                if backwards {
                    expected.reverse();
                }
                let expected: Vec<_> = expected.into_iter().skip(skip).take(7).collect();
                prop_assert_eq!(found, expected, "at {}, backwards: {}", at, backwards);
            }
        }
    }
}
