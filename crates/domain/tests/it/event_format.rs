//! What clients see of an event.

use proptest::prelude::*;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use wardline_domain::build::EventTemplate;
use wardline_domain::event_format::{ClientEvent, Unsigned, write_stripped};
use wardline_domain::room_version::RoomVersion;

use crate::build::events;
use crate::fixture::{AMY, Room};

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_format_has_what_clients_need_and_nothing_else((_, pdu) in events(), age in prop::option::of(0..9_i64)) {
        let event = ClientEvent::new(&pdu);
        let mut expected = json!({
            "content": parsed(pdu.content()),
            "event_id": pdu.event_id,
            "origin_server_ts": pdu.origin_server_ts,
            "room_id": pdu.room_id,
            "sender": pdu.sender,
            "type": pdu.kind,
        });
        if let Some(state_key) = &pdu.state_key {
            expected["state_key"] = state_key.as_str().into();
        }
        if let Some(target) = &pdu.redacts {
            expected["redacts"] = target.as_str().into();
            expected["content"]["redacts"] = target.as_str().into();
        }
        prop_assert_eq!(&parsed(event.as_str()), &expected);
        let stored = ClientEvent::from_stored(event.as_str(), &pdu.room_id).unwrap();
        prop_assert_eq!(&stored, &event);

        let unsigned = Unsigned { age, transaction_id: age.map(|_| "t\"1"), ..Unsigned::default() };
        if let Some(age) = age {
            expected["unsigned"] = json!({ "age": age, "transaction_id": "t\"1" });
        }
        prop_assert_eq!(&parsed(&event.to_json(&unsigned)), &expected);
        let mut without = String::new();
        event.write_without_room(&mut without, &unsigned);
        expected.as_object_mut().unwrap().remove("room_id");
        prop_assert_eq!(parsed(&without), expected);
    }
}

#[test]
fn everything_that_may_stand_in_unsigned() {
    let room = Room::new(RoomVersion::V12);
    let pdu = room.last.unwrap();
    let raw = |value: Value| -> Box<RawValue> { to_raw_value(&value).unwrap() };
    let content = raw(json!({ "membership": "invite" }));
    let because = raw(json!({ "type": "m.room.redaction" }));
    let relations = raw(json!({ "m.reference": { "chunk": [] } }));
    let unsigned = Unsigned {
        age: Some(5),
        transaction_id: Some("txn"),
        prev_content: Some(&content),
        replaces_state: Some(&pdu.event_id),
        redacted_because: Some(&because),
        membership: Some("join"),
        relations: Some(&relations),
    };
    let json = parsed(&ClientEvent::new(&pdu).to_json(&unsigned));
    let expected = json!({
        "age": 5,
        "transaction_id": "txn",
        "prev_content": { "membership": "invite" },
        "replaces_state": pdu.event_id,
        "redacted_because": { "type": "m.room.redaction" },
        "membership": "join",
        "m.relations": { "m.reference": { "chunk": [] } },
    });
    assert_eq!(json["unsigned"], expected);
    assert!(!unsigned.is_empty() && Unsigned::default().is_empty());
}

#[test]
fn a_redaction_names_its_target_in_both_places_in_every_version() {
    for version in [RoomVersion::V10, RoomVersion::V11] {
        let room = Room::new(version);
        let target = room.last.as_ref().unwrap().event_id.clone();
        let template = EventTemplate {
            redacts: Some(target.clone()),
            ..room.template("m.room.redaction", None, AMY, json!({ "reason": "mistake" }))
        };
        let json = parsed(ClientEvent::new(&room.build(template)).as_str());
        assert_eq!(json["redacts"], target.as_str());
        assert_eq!(json["content"], json!({ "reason": "mistake", "redacts": target }));
    }
}

#[test]
fn stripped_state_and_foreign_text() {
    let room = Room::new(RoomVersion::V12);
    let pdu = room.last.unwrap();
    let mut out = String::new();
    write_stripped(&mut out, &pdu);
    let expected = json!({ "content": { "membership": "join" }, "sender": AMY, "state_key": AMY, "type": "m.room.member" });
    assert_eq!(parsed(&out), expected);
    assert!(ClientEvent::from_stored(out, &pdu.room_id).is_none());
}
