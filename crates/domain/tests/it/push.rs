//! Push rules: what they make of an event, with ruma as the oracle.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use wardline_domain::event_format::ClientEvent;
use wardline_domain::pdu::Pdu;
use wardline_domain::power_levels::PowerLevels;
use wardline_domain::push::{self, CompiledRules, Outcome, PushContext, PushEvent, default_ruleset};
use wardline_domain::room_version::RoomVersion;
use wardline_domain::ruma::events::AnySyncTimelineEvent;
use wardline_domain::ruma::power_levels::NotificationPowerLevels;
use wardline_domain::ruma::push::{Action, PushConditionPowerLevelsCtx, PushConditionRoomCtx, Ruleset};
use wardline_domain::ruma::room_version_rules::RoomPowerLevelsRules;
use wardline_domain::ruma::serde::Raw;
use wardline_domain::ruma::{Int, UInt};

use crate::fixture::{AMY, BEN, CAT, Room, State, user};

const NAME: &str = "Ben Okri";

/// The room's events come from Amy (100), Ben (0) and Cat (50); the rules are Ben's.
fn room() -> Room {
    let mut room = Room::new(RoomVersion::V11);
    let levels = json!({ "users": { AMY: 100, CAT: 49 }, "notifications": { "room": 49 } });
    room.send("m.room.power_levels", Some(""), AMY, levels).unwrap();
    room
}

fn state(room: &Room, kind: &str) -> Arc<Pdu> {
    let State(state) = &room.state;
    state[&(kind.to_owned(), String::new())].clone()
}

fn outcome(rules: &Ruleset, room: &Room, event: &Pdu, members: u64) -> Outcome {
    let create = state(room, "m.room.create");
    let levels = state(room, "m.room.power_levels");
    let power_levels = PowerLevels::new(&create, Some(&levels), room.version).unwrap();
    let event = ClientEvent::new(event);
    let context = PushContext {
        member_count: members,
        display_name: NAME,
        power_levels: &power_levels,
        follows_thread: false,
    };
    CompiledRules::compile(rules, &user(BEN)).evaluate(&PushEvent::new(&event).unwrap(), &context)
}

/// Runs a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("ruma's rules wait for nothing here"),
    }
}

fn ruma_outcome(rules: &Ruleset, room: &Room, event: &Pdu, members: u64) -> Outcome {
    let users = [(user(AMY), Int::from(100)), (user(CAT), Int::from(49))].into();
    let mut notifications = NotificationPowerLevels::new();
    notifications.room = Int::from(49);
    let no_creators = RoomPowerLevelsRules::new(room.version.authorization(), []);
    let levels = PushConditionPowerLevelsCtx::new(users, Int::from(0), notifications, no_creators);
    let members = UInt::new_saturating(members);
    let context = PushConditionRoomCtx::new(room.room_id.clone(), members, user(BEN), NAME.to_owned())
        .with_power_levels(levels);
    let json = ClientEvent::new(event).as_str().to_owned();
    let raw: Raw<AnySyncTimelineEvent> = Raw::from_json_string(json).unwrap();
    let actions = now(rules.get_actions(&raw, &context));
    Outcome {
        notify: actions.iter().any(Action::should_notify),
        highlight: actions.iter().any(Action::is_highlight),
        sound: actions.iter().any(|action| action.sound().is_some()),
    }
}

const QUIET: Outcome = Outcome { notify: false, highlight: false, sound: false };
const NOTIFY: Outcome = Outcome { notify: true, ..QUIET };
const SOUND: Outcome = Outcome { notify: true, highlight: false, sound: true };
const ALARM: Outcome = Outcome { notify: true, highlight: true, sound: true };

#[test]
fn the_default_rules_do_what_people_expect() {
    let room = room();
    let rules = default_ruleset(&user(BEN));
    let cases = [
        ("m.room.message", None, AMY, json!({ "body": "hello" }), NOTIFY),
        ("m.room.message", None, BEN, json!({ "body": "my own" }), QUIET),
        ("m.room.message", None, AMY, json!({ "body": "hello", "msgtype": "m.notice" }), QUIET),
        ("m.room.message", None, AMY, json!({ "body": "Ben", "m.mentions": { "user_ids": [BEN] } }), ALARM),
        ("m.room.message", None, AMY, json!({ "body": "Cat", "m.mentions": { "user_ids": [CAT] } }), NOTIFY),
        (
            "m.room.message",
            None,
            CAT,
            json!({ "m.mentions": { "room": true } }),
            Outcome { highlight: true, ..NOTIFY },
        ),
        ("m.room.encrypted", None, AMY, json!({ "ciphertext": "x" }), NOTIFY),
        ("m.room.encrypted", None, AMY, json!({ "ciphertext": "x", "org.wardline.class": "urgent" }), ALARM),
        ("m.room.encrypted", None, AMY, json!({ "ciphertext": "x", "org.wardline.class": "action" }), NOTIFY),
        ("m.room.encrypted", None, AMY, json!({ "ciphertext": "x", "org.wardline.class": "call" }), NOTIFY),
        ("m.room.encrypted", None, AMY, json!({ "ciphertext": "x", "org.wardline.class": "signal" }), QUIET),
        ("m.room.encrypted", None, BEN, json!({ "org.wardline.class": "urgent" }), QUIET),
        ("m.room.member", Some(BEN), AMY, json!({ "membership": "invite" }), SOUND),
        ("m.room.member", Some(CAT), AMY, json!({ "membership": "invite" }), QUIET),
        (
            "m.reaction",
            None,
            AMY,
            json!({ "m.relates_to": { "rel_type": "m.annotation", "key": "x" } }),
            QUIET,
        ),
        ("m.room.message", None, AMY, json!({ "m.relates_to": { "rel_type": "m.replace" } }), QUIET),
        ("m.call.invite", None, AMY, json!({}), SOUND),
        ("org.wardline.request.update", None, AMY, json!({ "body": "seen" }), QUIET),
    ];
    for (kind, state_key, sender, content, expected) in cases {
        let event = room.build(room.template(kind, state_key, sender, content.clone()));
        assert_eq!(outcome(&rules, &room, &event, 9), expected, "{kind} {content}");
        assert_eq!(ruma_outcome(&rules, &room, &event, 9), expected, "ruma: {kind} {content}");
    }
    let message = room.build(room.template("m.room.encrypted", None, AMY, json!({})));
    assert_eq!(outcome(&rules, &room, &message, 2), SOUND, "between two people");
}

#[test]
fn the_master_rule_silences_even_the_urgent() {
    let room = room();
    let mut rules = default_ruleset(&user(BEN));
    let kind = push::parse_kind("override").unwrap();
    push::set_enabled(&mut rules, &kind, ".m.rule.master", true).unwrap();
    let event =
        room.build(room.template("m.room.encrypted", None, AMY, json!({ "org.wardline.class": "urgent" })));
    assert_eq!(outcome(&rules, &room, &event, 9), QUIET);
}

/// Words and patterns over few letters, so that they often meet.
fn text() -> impl Strategy<Value = String> {
    "[ab_É .!]{0,8}"
}

fn pattern() -> impl Strategy<Value = String> {
    // Never two wildcards in a row: ruma 0.20 takes the second of them literally.
    let wild = "[ab_é ]{0,2}[*?]?[ab_é ]{1,2}[*?]?";
    prop_oneof!["[abé ]{1,4}", wild, Just("m.room.*".to_owned()), Just("@cat*".to_owned())]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        (0..3_i64).prop_map(Into::into),
        Just(json!("a")),
        Just(json!(BEN))
    ]
}

fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "content.body",
        "content.x",
        r"content.m\.mentions.room",
        r"content.a\.b.c\\d",
        "content.x.y",
        r"content.\x",
        "type",
        "sender",
        "room_id",
        "state_key",
        "nothing",
        "",
    ])
}

fn condition() -> impl Strategy<Value = Value> {
    prop_oneof![
        (key(), pattern())
            .prop_map(|(key, pattern)| json!({ "kind": "event_match", "key": key, "pattern": pattern })),
        (key(), scalar())
            .prop_map(|(key, value)| json!({ "kind": "event_property_is", "key": key, "value": value })),
        (key(), scalar()).prop_map(
            |(key, value)| json!({ "kind": "event_property_contains", "key": key, "value": value })
        ),
        prop::sample::select(vec!["2", "==3", "<3", ">3", ">=3", "<=3"])
            .prop_map(|is| json!({ "kind": "room_member_count", "is": is })),
        key().prop_map(|key| json!({ "kind": "event_match", "key": key, "pattern": BEN })),
        key().prop_map(|key| json!({ "kind": "event_property_is", "key": key, "value": BEN })),
        key().prop_map(|key| json!({ "kind": "event_property_contains", "key": key, "value": BEN })),
        Just(json!({ "kind": "contains_display_name" })),
        Just(json!({ "kind": "sender_notification_permission", "key": "room" })),
        Just(json!({ "kind": "org.example.unknown" })),
    ]
}

/// A rule of any kind with its own mark on the outcome.
fn rule() -> impl Strategy<Value = (&'static str, Value)> {
    let actions = prop::sample::select(vec![
        json!([]),
        json!(["notify"]),
        json!(["notify", { "set_tweak": "highlight" }]),
        json!(["notify", { "set_tweak": "highlight", "value": false }, { "set_tweak": "sound", "value": "default" }]),
    ]);
    let kind = prop::sample::select(vec!["override", "underride", "content", "room", "sender"]);
    (kind, prop::collection::vec(condition(), 0..3), pattern(), actions).prop_map(
        |(kind, conditions, pattern, actions)| {
            (kind, json!({ "conditions": conditions, "pattern": pattern, "actions": actions }))
        },
    )
}

fn content() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        scalar(),
        prop::collection::vec(scalar(), 0..3).prop_map(Into::into),
        text().prop_map(Into::into)
    ];
    let nested = value.clone().prop_map(|value| json!({ "y": value, "c\\d": value, "room": value }));
    let key = prop::sample::select(vec!["x", "a.b", "m.mentions", "\\x"]);
    (prop::collection::btree_map(key, prop_oneof![value, nested], 0..4), prop::option::of(text())).prop_map(
        |(members, body)| {
            let mut content: Map<String, Value> =
                members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            content.extend(body.map(|body| ("body".to_owned(), body.into())));
            content
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn compiled_rules_decide_as_ruma_does(
        added in prop::collection::vec(rule(), 0..6),
        kind in prop::sample::select(vec!["m.room.message", "m.room.encrypted", "m.room.tombstone"]),
        state_key in prop::option::of(Just("")),
        sender in prop::sample::select(vec![AMY, BEN, CAT]),
        content in content(),
        members in 1..5_u64,
    ) {
        let room = room();
        let mut rules = default_ruleset(&user(BEN));
        for (at, (kind, body)) in added.iter().enumerate() {
            let id = match *kind {
                "room" => room.room_id.to_string(),
                "sender" => CAT.to_owned(),
                _ => format!("rule{at}"),
            };
            push::put(&mut rules, &push::parse_kind(kind).unwrap(), &id, &body.to_string(), None, None).unwrap();
        }
        let event = room.build(room.template(kind, state_key, sender, content.into()));
        prop_assert_eq!(outcome(&rules, &room, &event, members), ruma_outcome(&rules, &room, &event, members));
    }
}
