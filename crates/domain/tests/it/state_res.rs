//! State resolution of simple forks.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;
use wardline_domain::pdu::Pdu;
use wardline_domain::room_version::RoomVersion;
use wardline_domain::ruma::{EventId, OwnedEventId};
use wardline_domain::state_res::{StateIds, resolve};

use crate::fixture::{AMY, BEN, Room};

fn ids(room: &Room) -> StateIds {
    room.state.0.iter().map(|(key, event)| (key.clone(), event.event_id.clone())).collect()
}

/// All events of the state and everything that allows them.
fn chain(room: &Room) -> Vec<OwnedEventId> {
    let mut seen = BTreeSet::new();
    let mut queue: Vec<OwnedEventId> = ids(room).into_values().collect();
    while let Some(id) = queue.pop() {
        if seen.insert(id.clone()) {
            queue.extend(room.events[&id].auth_events.iter().cloned());
        }
    }
    seen.into_iter().collect()
}

fn resolved(left: &Room, right: &Room) -> StateIds {
    let event =
        |id: &EventId| -> Option<Arc<Pdu>> { left.events.get(id).or_else(|| right.events.get(id)).cloned() };
    resolve(left.version, &[ids(left), ids(right)], vec![chain(left), chain(right)], &event).unwrap()
}

#[test]
fn a_ban_wins_over_what_the_banned_did_meanwhile() {
    for version in [RoomVersion::V10, RoomVersion::V11, RoomVersion::V12] {
        let mut room = Room::new(version);
        room.open();
        let levels = json!({ "users": if version == RoomVersion::V12 { json!({ BEN: 50 }) } else { json!({ AMY: 100, BEN: 50 }) } });
        room.send("m.room.power_levels", Some(""), AMY, levels).unwrap();
        room.member(BEN, BEN, "join").unwrap();

        let (mut left, mut right) = (room.clone(), room);
        let ban = left.member(AMY, BEN, "ban").unwrap();
        right.send("m.room.topic", Some(""), BEN, json!({ "topic": "mine" })).unwrap();
        let state = resolved(&left, &right);
        assert_eq!(state[&("m.room.member".to_owned(), BEN.to_owned())], ban.event_id, "{version}");
        assert!(!state.contains_key(&("m.room.topic".to_owned(), String::new())), "{version}");
        assert_eq!(state, resolved(&right, &left), "{version}: the order of the forks does not matter");
    }
}

#[test]
fn states_that_agree_stay_as_they_are_and_a_missing_event_is_an_error() {
    let mut room = Room::new(RoomVersion::V12);
    room.open();
    assert_eq!(resolved(&room, &room), ids(&room));
    let (mut left, mut right) = (room.clone(), room);
    left.send("m.room.topic", Some(""), AMY, json!({ "topic": "left" })).unwrap();
    right.send("m.room.topic", Some(""), AMY, json!({ "topic": "right" })).unwrap();
    let states = [ids(&left), ids(&right)];
    assert!(resolve(left.version, &states, vec![chain(&left), chain(&right)], &|_| None).is_err());
}
