//! Authorisation: the flow of a room, power levels, and the fast path for messages against ruma.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use wardline_domain::auth::{self, AuthError, MessageAuth, StateView};
use wardline_domain::power_levels::{PowerLevels, UserLevel};
use wardline_domain::room_version::RoomVersion;
use wardline_domain::visibility::Membership;

use crate::build::versions;
use crate::fixture::{AMY, BEN, CAT, Room, user};

#[test]
fn a_room_lives_by_its_rules_in_every_version() {
    for version in RoomVersion::understood() {
        let mut room = Room::new(version);
        room.send("m.room.join_rules", Some(""), AMY, json!({ "join_rule": "invite" })).unwrap();
        assert!(room.member(BEN, BEN, "join").is_err(), "{version}: nobody invited Ben");
        assert!(room.message(BEN, json!({ "body": "hello" })).is_err(), "{version}: Ben is outside");
        room.member(AMY, BEN, "invite").unwrap();
        room.member(BEN, BEN, "join").unwrap();
        room.message(BEN, json!({ "body": "hello" })).unwrap();
        let levels = json!({ "users": { BEN: 100 } });
        let grab = room.send("m.room.power_levels", Some(""), BEN, levels);
        assert!(matches!(grab, Err(AuthError::Forbidden(_))), "{version}: Ben may not make himself powerful");
        assert!(
            room.send("org.example", Some(AMY), BEN, json!({})).is_err(),
            "{version}: another's state key"
        );
        room.member(AMY, BEN, "ban").unwrap();
        assert!(room.message(BEN, json!({ "body": "hello" })).is_err(), "{version}: Ben is banned");
        assert!(room.member(BEN, BEN, "join").is_err(), "{version}: Ben is banned");
        assert_eq!(Membership::of(room.state.get("m.room.member", BEN).as_deref()), Membership::Ban);
    }
}

#[test]
fn a_room_closed_to_other_servers_stays_closed() {
    let mut room = Room::with_create(RoomVersion::V12, json!({ "m.federate": false }));
    room.open();
    assert!(room.member(CAT, CAT, "join").is_err());
    room.member(BEN, BEN, "join").unwrap();
    let create = room.state.get("m.room.create", "").unwrap();
    let auth = MessageAuth::new(&create, None, room.version).unwrap();
    assert_eq!(auth.check(&user(CAT), true, "m.room.message"), Err(AuthError::NotFederated));
    assert_eq!(auth.check(&user(BEN), true, "m.room.message"), Ok(()));
}

#[test]
fn creators_of_version_12_stand_above_every_number() {
    let mut room = Room::with_create(RoomVersion::V12, json!({ "additional_creators": [BEN] }));
    let demote = json!({ "users": { AMY: 0 }, "events_default": 100 });
    assert!(room.send("m.room.power_levels", Some(""), AMY, demote).is_err());
    room.send("m.room.power_levels", Some(""), AMY, json!({ "users": { CAT: 100 }, "events_default": 101 }))
        .unwrap();
    let create = room.state.get("m.room.create", "").unwrap();
    let event = room.state.get("m.room.power_levels", "").unwrap();
    let levels = PowerLevels::new(&create, Some(&event), room.version).unwrap();
    assert_eq!(levels.user_level(&user(AMY)), UserLevel::Infinite);
    assert_eq!(levels.user_level(&user(BEN)), UserLevel::Infinite);
    assert_eq!(levels.user_level(&user(CAT)), UserLevel::Number(100));
    assert!(levels.can_send(&user(BEN), "m.room.message", false));
    assert!(!levels.can_send(&user(CAT), "m.room.message", false));
    assert!(levels.can_kick(&user(AMY), &user(CAT)) && !levels.can_kick(&user(CAT), &user(AMY)));
    assert!(!levels.can_ban(&user(AMY), &user(BEN)), "creators are equals");
}

#[test]
fn levels_have_the_defaults_of_the_specification() {
    let mut room = Room::new(RoomVersion::V11);
    let create = room.state.get("m.room.create", "").unwrap();
    let levels = PowerLevels::new(&create, None, room.version).unwrap();
    let (amy, ben) = (user(AMY), user(BEN));
    assert_eq!(
        (levels.user_level(&amy), levels.user_level(&ben)),
        (UserLevel::Number(100), UserLevel::Number(0))
    );
    assert_eq!((levels.event_level("x", true), levels.event_level("x", false)), (50, 0));
    assert!(levels.can_invite(&ben) && !levels.can_redact(&ben) && !levels.can_notify(&ben, "room"));
    assert!(levels.can_redact(&amy) && levels.can_kick(&amy, &ben) && levels.can_notify(&amy, "room"));

    let content =
        json!({ "users": { AMY: 100, BEN: 60 }, "notifications": { "room": 61 }, "events": { "x": 7 } });
    let event = room.send("m.room.power_levels", Some(""), AMY, content).unwrap();
    let levels = PowerLevels::new(&create, Some(&event), room.version).unwrap();
    assert!(
        !levels.can_notify(&ben, "room") && levels.can_ban(&ben, &user(CAT)) && !levels.can_kick(&ben, &amy)
    );
    assert_eq!((levels.event_level("x", true), levels.event_level("y", true)), (7, 50));
}

#[test]
fn the_auth_events_of_a_join_are_those_that_decide_about_it() {
    let room = Room::new(RoomVersion::V11);
    let template = room.template("m.room.member", Some(BEN), BEN, json!({ "membership": "join" }));
    let mut types =
        auth::auth_types(&template.kind, &template.sender, Some(BEN), &template.content, room.version)
            .unwrap();
    types.sort();
    let expected = [
        ("m.room.create", ""),
        ("m.room.join_rules", ""),
        ("m.room.member", BEN),
        ("m.room.power_levels", ""),
    ];
    assert!(types.iter().map(|(kind, key)| (kind.as_str(), key.as_str())).eq(expected));
    let malformed = room.template("m.room.member", Some(BEN), BEN, json!({}));
    let refused =
        auth::auth_types(&malformed.kind, &malformed.sender, Some(BEN), &malformed.content, room.version);
    assert!(matches!(refused, Err(AuthError::Malformed(_))));
}

const KINDS: [&str; 8] = [
    "m.room.message",
    "m.room.encrypted",
    "m.reaction",
    "m.room.redaction",
    "m.room.aliases",
    "m.room.third_party_invite",
    "m.room.power_levels",
    "org.example",
];

/// Levels near each other, so that comparisons go both ways.
fn level() -> impl Strategy<Value = i64> {
    -2..6_i64
}

fn levels() -> impl Strategy<Value = Value> {
    let field =
        prop::sample::select(vec!["users_default", "events_default", "state_default", "invite", "redact"]);
    (
        prop::collection::btree_map(field, level(), 0..4),
        prop::collection::btree_map(prop::sample::select(KINDS.to_vec()), level(), 0..5),
        prop::collection::btree_map(prop::sample::select(vec![AMY, BEN, CAT]), level(), 0..3),
    )
        .prop_map(|(fields, events, users)| {
            let mut content = json!({ "events": events, "users": users });
            for (field, level) in fields {
                content[field] = level.into();
            }
            content
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_fast_path_for_messages_decides_as_ruma_does(
        version in versions(),
        federate in prop::option::of(any::<bool>()),
        levels in prop::option::of(levels()),
        memberships in prop::collection::btree_map(
            prop::sample::select(vec![AMY, BEN, CAT]),
            prop::sample::select(vec!["join", "invite", "leave", "ban", "knock"]),
            0..4,
        ),
    ) {
        let create = federate.map_or(json!({}), |federate| json!({ "m.federate": federate }));
        let mut room = Room::with_create(version, create);
        // Put the state in place without asking whether it is allowed: here only its effect is of interest.
        let mut put = |kind: &str, key: &str, content: Value| {
            let event = room.build(room.template(kind, Some(key), AMY, content));
            room.state.0.insert((kind.to_owned(), key.to_owned()), event);
        };
        if let Some(levels) = levels {
            put("m.room.power_levels", "", levels);
        }
        let memberships: BTreeMap<&str, &str> = memberships;
        for (user, membership) in memberships {
            put("m.room.member", user, json!({ "membership": membership }));
        }
        let create = room.state.get("m.room.create", "").unwrap();
        let levels = room.state.get("m.room.power_levels", "");
        let auth = MessageAuth::new(&create, levels.as_ref(), version).unwrap();
        for sender in [AMY, BEN, CAT] {
            let member = room.state.get("m.room.member", sender);
            let joined = Membership::of(member.as_deref()) == Membership::Join;
            for kind in KINDS {
                if kind == "m.room.power_levels" {
                    continue; // A message of this type is judged by its content.
                }
                let event = room.build(room.template(kind, None, sender, json!({ "body": "hello" })));
                let slow = auth::check_state(&event, &room.state, version);
                let fast = auth.check(&user(sender), joined, kind);
                prop_assert_eq!(slow.is_ok(), fast.is_ok(), "{} {} {:?} {:?}", sender, kind, slow, fast);
            }
        }
    }
}
