//! Built events against ruma's hashes and signatures.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use wardline_domain::Timestamp;
use wardline_domain::build::{BuildContext, EventTemplate, build};
use wardline_domain::pdu::{MAX_EVENT_BYTES, Pdu, PduError};
use wardline_domain::room_version::RoomVersion;
use wardline_domain::ruma::canonical_json::try_from_json_map;
use wardline_domain::ruma::serde::Base64;
use wardline_domain::ruma::signatures::{PublicKeyMap, Verified, content_hash, reference_hash, verify_event};
use wardline_domain::ruma::{OwnedEventId, RoomId};

use crate::fixture::{AMY, BEN, Room, signer, user};
use crate::json;

const KINDS: [&str; 11] = [
    "m.room.message",
    "m.room.encrypted",
    "m.room.create",
    "m.room.member",
    "m.room.power_levels",
    "m.room.join_rules",
    "m.room.history_visibility",
    "m.room.redaction",
    "m.room.aliases",
    "m.room.server_acl",
    "org.wardline.\"odd\" \u{1}type",
];

pub(crate) fn versions() -> impl Strategy<Value = RoomVersion> {
    prop::sample::select(RoomVersion::understood().collect::<Vec<_>>())
}

/// Arbitrary content, with many of the keys that redaction treats specially.
fn contents() -> impl Strategy<Value = Map<String, Value>> {
    let special = prop::sample::select(vec![
        "membership",
        "creator",
        "users",
        "users_default",
        "invite",
        "ban",
        "events",
        "notifications",
        "allow",
        "join_rule",
        "history_visibility",
        "redacts",
        "aliases",
        "room_version",
        "m.federate",
        "deny",
    ]);
    let invite = json!({ "signed": { "mxid": BEN }, "display_name": "Ben" });
    let third_party = prop::option::of(Just(invite));
    (
        json::object(),
        prop::collection::vec((special, prop_oneof![json::json(), Just(json!("$in_the_content"))]), 0..6),
        third_party,
    )
        .prop_map(|(mut content, special, third_party)| {
            content.extend(special.into_iter().map(|(key, value)| (key.to_owned(), value)));
            content.extend(third_party.map(|value| ("third_party_invite".to_owned(), value)));
            content
        })
}

/// An arbitrary event built here.
pub(crate) fn events() -> impl Strategy<Value = (RoomVersion, Pdu)> {
    let place = (versions(), prop::sample::select(KINDS.to_vec()), prop::option::of(any::<String>()));
    (place, contents(), 0..i64::MAX, any::<bool>()).prop_map(
        |((version, kind, state_key), mut content, depth, redacts)| {
            if kind == "m.room.member" {
                // ruma verifies a signature only of members whose membership it can read.
                content.insert("membership".to_owned(), "leave".into());
            }
            let target = OwnedEventId::try_from("$gT4Bh0BjT9MWJz-Wz7Cx2Y5G8gXIaYBTqsuMQfhDRFo").unwrap();
            let template = EventTemplate {
                state_key: state_key.map(|key| key.chars().take(40).collect()),
                redacts: redacts.then(|| target.clone()),
                ..EventTemplate::message(kind, user(AMY), &content, Timestamp(1_700_000_000_000)).unwrap()
            };
            let is_root = kind == "m.room.create" && version.room_id_is_create_hash();
            let context = BuildContext {
                version,
                room_id: (!is_root).then(|| RoomId::parse("!ward:riverside.example").unwrap()),
                prev_events: vec![target.clone()],
                depth,
                auth_events: vec![target.clone(), target],
            };
            (version, build(template, context, &signer()).unwrap())
        },
    )
}

fn keys() -> PublicKeyMap {
    let key = Base64::parse(signer().public_key()).unwrap();
    BTreeMap::from([("riverside.example".to_owned(), BTreeMap::from([("ed25519:a1".to_owned(), key)]))])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn ruma_agrees_with_hashes_signature_and_bytes((version, pdu) in events()) {
        let object: Map<String, Value> = serde_json::from_str(pdu.json()).unwrap();
        prop_assert_eq!(&object["content"], &serde_json::from_str::<Value>(pdu.content()).unwrap());
        let object = try_from_json_map(object).unwrap();
        prop_assert_eq!(serde_json::to_string(&object).unwrap(), pdu.json());
        let hash = object["hashes"].as_object().unwrap()["sha256"].as_str().unwrap();
        prop_assert_eq!(content_hash(&object).unwrap().encode(), hash);
        let id = reference_hash(&object, version.rules()).unwrap();
        prop_assert_eq!(pdu.event_id.as_str(), format!("${id}"));
        prop_assert_eq!(verify_event(&keys(), &object, version.rules()).unwrap(), Verified::All);
    }

    #[test]
    fn parsing_gives_back_what_was_built((version, pdu) in events()) {
        let spaced = serde_json::to_string_pretty(&serde_json::from_str::<Value>(pdu.json()).unwrap()).unwrap();
        let again = Pdu::parse(&spaced, version).unwrap();
        let stored = Pdu::from_stored(pdu.event_id.clone(), pdu.json(), version).unwrap();
        prop_assert!(again == pdu && stored == pdu);
        prop_assert!(!format!("{pdu:?}").contains("json"), "what the event says stays out of logs");
    }
}

#[test]
fn the_room_id_of_version_12_is_the_hash_of_its_create_event() {
    let room = Room::new(RoomVersion::V12);
    let create = room.state.0[&("m.room.create".to_owned(), String::new())].clone();
    assert_eq!(create.room_id.as_str()[1..], create.event_id.as_str()[1..]);
    assert!(!create.json().contains("room_id"));
    let member = room.last.unwrap();
    assert_eq!(member.room_id, create.room_id);
    assert!(!member.auth_events.contains(&create.event_id));
}

#[test]
fn what_cannot_be_an_event_is_refused_and_the_field_named() {
    let room = Room::new(RoomVersion::V11);
    let message = |content: &str| EventTemplate {
        content: serde_json::from_str(content).unwrap(),
        ..room.template("m.room.message", None, AMY, json!({}))
    };
    let context = BuildContext {
        version: room.version,
        room_id: Some(room.room_id.clone()),
        prev_events: vec![],
        depth: 1,
        auth_events: vec![],
    };
    let refused =
        |template: EventTemplate| build(template, context.clone(), &signer()).unwrap_err().to_string();

    assert!(refused(message(r#"{"n":1.5}"#)).starts_with("content: "));
    assert!(refused(message("[]")).starts_with("content: not an object"));
    let long = "x".repeat(256);
    assert!(refused(EventTemplate { kind: long.clone(), ..message("{}") }).starts_with("type has 256 bytes"));
    let keyed = EventTemplate { state_key: Some(long), ..message("{}") };
    assert!(refused(keyed).starts_with("state_key has 256 bytes"));
    let body = format!(r#"{{"body":"{}"}}"#, "x".repeat(MAX_EVENT_BYTES));
    assert!(matches!(build(message(&body), context.clone(), &signer()), Err(PduError::TooLarge { .. })));
    let homeless = BuildContext { room_id: None, ..context.clone() };
    assert!(build(message("{}"), homeless, &signer()).unwrap_err().to_string().starts_with("room_id: "));
}

#[test]
fn what_other_servers_send_is_checked_and_the_field_named() {
    let room = Room::new(RoomVersion::V11);
    let good: Value = serde_json::from_str(room.last.unwrap().json()).unwrap();
    let with = |key: &str, value: Value| {
        let mut event = good.clone();
        event[key] = value;
        Pdu::parse(&event.to_string(), RoomVersion::V11)
    };
    assert!(with("unsigned", json!({ "age": 4 })).is_ok());
    let wrong = [
        ("sender", json!("amy")),
        ("type", json!(3)),
        ("prev_events", json!(["no sigil"])),
        ("auth_events", json!([["$old", { "sha256": "" }]])),
        ("depth", json!("1")),
        ("origin_server_ts", json!(-1)),
        ("content", json!("text")),
        ("room_id", Value::Null),
    ];
    for (field, value) in wrong {
        let error = with(field, value).unwrap_err().to_string();
        assert!(error.starts_with(field), "{field}: {error}");
    }
    assert!(matches!(Pdu::parse("[]", RoomVersion::V11), Err(PduError::Canonical(_))));
    assert!(matches!(Pdu::parse("nonsense", RoomVersion::V11), Err(PduError::Canonical(_))));
}

#[test]
fn a_create_event_of_version_12_may_not_name_a_room() {
    let room = Room::new(RoomVersion::V11);
    let create = room.state.0[&("m.room.create".to_owned(), String::new())].clone();
    let error = Pdu::parse(create.json(), RoomVersion::V12).unwrap_err();
    assert!(error.to_string().starts_with("room_id"), "{error}");
}
