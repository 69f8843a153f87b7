//! What single answers of sliding sync say.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use wardline_domain::ruma::RoomId;
use wardline_engine::EngineError;
use wardline_engine::receipts::NewReceipt;
use wardline_engine::rooms::CreateRoom;
use wardline_store::to_device;

use super::glance::Glance;
use super::phone::{Mode, array, text};
use super::waiting::public_room;
use crate::home::{Home, Person, raw};

async fn rooms(home: &Home, people: &[&Person], count: usize) -> Vec<String> {
    let mut rooms = Vec::new();
    for _ in 0..count {
        rooms.push(public_room(home, people).await.to_string());
    }
    rooms
}

fn told(answer: &Value) -> Vec<String> {
    answer["rooms"].as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn the_window_holds_the_rooms_used_last() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let rooms = rooms(&home, &[&ada, &ben], 5).await;
    let mut glance = Glance::new(&ada, "PHONE", Mode::Full);
    glance.body["lists"]["all"]["ranges"] = json!([[0, 1]]);
    let answer = glance.sync(&home).await;
    assert_eq!(answer["lists"], json!({ "all": { "count": 5 } }));
    let mut expected = rooms[3..].to_vec();
    expected.sort();
    assert_eq!(told(&answer), expected);
    let newest = &answer["rooms"][&rooms[4]];
    assert_eq!(newest["initial"], true);
    assert_eq!(newest["num_live"], 0);
    assert_eq!(newest["limited"], true);
    assert_eq!((&newest["joined_count"], &newest["invited_count"]), (&json!(2), &json!(0)));
    assert_eq!(newest["heroes"], json!([{ "user_id": ben.id }]));
    assert!(newest["bump_stamp"].as_u64() > answer["rooms"][&rooms[3]]["bump_stamp"].as_u64());

    // A message brings a room into the window from below; a member event does not.
    let room = rooms[0].as_str().try_into().unwrap();
    home.say(&ben, room, "text", "1").await.unwrap();
    let topic = raw(&json!({ "topic": "t" }));
    let quiet = rooms[1].as_str().try_into().unwrap();
    home.engine.rooms.send_state(ada.caller(), quiet, "m.room.topic", "", topic).await.unwrap();
    let answer = glance.sync(&home).await;
    assert_eq!(told(&answer), [rooms[0].clone()]);
    let told_now = &answer["rooms"][&rooms[0]];
    assert_eq!(told_now["initial"], true, "the client saw it never before");
    assert_eq!(told_now["num_live"], 1);
    assert_eq!(told_now["notification_count"], 1);

    // What happened to a room outside the window is told when it comes back.
    home.say(&ben, rooms[3].as_str().try_into().unwrap(), "text", "2").await.unwrap();
    let answer = glance.sync(&home).await;
    assert_eq!(told(&answer), [rooms[3].clone()]);
    assert!(answer["rooms"][&rooms[3]].get("initial").is_none());
    assert_eq!(array(&answer["rooms"][&rooms[3]]["timeline"]).count(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_given_again_and_an_old_position_is_refused() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let room = public_room(&home, &[&ada, &ben]).await;
    let mut glance = Glance::new(&ada, "PHONE", Mode::Full);
    glance.sync(&home).await;
    let first = glance.clone();
    home.say(&ben, &room, "text", "1").await.unwrap();
    let mut lost = glance.ask(&home).await;
    let mut again = glance.ask(&home).await;
    lost["pos"].take();
    let pos = again["pos"].take();
    assert_eq!(lost, again);
    again["pos"] = pos;
    glance.keep(&again);
    glance.sync(&home).await;
    let refused = first.try_ask(&home, Duration::ZERO).await;
    assert!(matches!(refused, Err(EngineError::UnknownPos)), "{refused:?}");
    for pos in ["", "x", "1.1", "x.1"] {
        let unknown = Glance { pos: Some(pos.to_owned()), ..first.clone() };
        assert!(
            matches!(unknown.try_ask(&home, Duration::ZERO).await, Err(EngineError::UnknownPos)),
            "{pos}"
        );
    }
    // Another connection of the same device is another client.
    let mut other = Glance::new(&ada, "PHONE", Mode::Full);
    other.body["conn_id"] = json!("other");
    assert_eq!(told(&other.sync(&home).await), [room.to_string()]);
    glance.sync(&home).await;
    let home = home.restart();
    let refused = glance.try_ask(&home, Duration::ZERO).await;
    assert!(matches!(refused, Err(EngineError::UnknownPos)));
}

#[tokio::test]
async fn filters_choose_rooms() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let plain = public_room(&home, &[&ada, &ben]).await;
    let create = |kind: &str| CreateRoom {
        creation_content: [("type".to_owned(), json!(kind))].into_iter().collect(),
        ..CreateRoom::default()
    };
    let space = home.room(&ada, create("m.space")).await;
    let ward = home.room(&ada, create("org.wardline.patient")).await;
    let invited = home.room(&ben, CreateRoom { invite: vec![ada.id.clone()], ..CreateRoom::default() }).await;
    let engine = &home.engine;
    let state = async |room, kind: &str, key: &str, content| {
        engine.rooms.send_state(ada.caller(), room, kind, key, raw(&content)).await.unwrap();
    };
    state(&space, "m.space.child", ward.as_str(), json!({ "via": ["ward.example"] })).await;
    state(&space, "m.space.child", plain.as_str(), json!({})).await;
    state(&ward, "m.room.encryption", "", json!({ "algorithm": "m.megolm.v1.aes-sha2" })).await;
    let direct = raw(&json!({ ben.id.as_str(): [plain] }));
    engine.account_data.put(ada.nid, None, "m.direct", &direct).await.unwrap();
    let tag = raw(&json!({ "tags": { "m.favourite": {} } }));
    engine.account_data.put(ada.nid, Some(&ward), "m.tag", &tag).await.unwrap();

    let all = [&plain, &space, &ward, &invited];
    let cases = [
        (json!({}), vec![0, 1, 2, 3]),
        (json!({ "is_dm": true }), vec![0]),
        (json!({ "is_dm": false, "is_invite": false }), vec![1, 2]),
        (json!({ "is_invite": true }), vec![3]),
        (json!({ "is_encrypted": true }), vec![2]),
        (json!({ "room_types": ["m.space"] }), vec![1]),
        (json!({ "room_types": [null] }), vec![0, 3]),
        (json!({ "not_room_types": ["m.space"] }), vec![0, 2, 3]),
        (json!({ "room_types": ["m.space", null], "not_room_types": ["m.space"] }), vec![0, 3]),
        (json!({ "tags": ["m.favourite"] }), vec![2]),
        (json!({ "not_tags": ["m.favourite"] }), vec![0, 1, 3]),
        (json!({ "spaces": [space] }), vec![2]),
        (json!({ "spaces": ["!nowhere:ward.example"] }), vec![]),
    ];
    for (filter, expected) in cases {
        let mut glance = Glance::new(&ada, "PHONE", Mode::Full);
        glance.body["lists"]["all"]["filters"] = filter.clone();
        let answer = glance.sync(&home).await;
        let mut expected: Vec<_> = expected.into_iter().map(|index| all[index].to_string()).collect();
        expected.sort();
        assert_eq!(told(&answer), expected, "{filter}");
        assert_eq!(answer["lists"]["all"]["count"], expected.len(), "{filter}");
    }
    let mut glance = Glance::new(&ada, "PHONE", Mode::Full);
    let answer = glance.sync(&home).await;
    assert_eq!(answer["rooms"][plain.as_str()]["is_dm"], true);
    let invite = &answer["rooms"][invited.as_str()];
    assert_eq!(invite["initial"], true);
    assert!(array(&invite["invite_state"]).any(|event| event["state_key"] == ada.id.as_str()));
    engine.account_data.put(ada.nid, None, "m.direct", &raw(&json!({}))).await.unwrap();
    glance.body["lists"]["all"]["filters"] = json!({ "is_dm": true });
    assert_eq!(glance.sync(&home).await["lists"]["all"]["count"], 0);
}

#[tokio::test]
async fn a_subscription_shows_more_and_stays() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let rooms = rooms(&home, &[&ada, &ben], 3).await;
    let first = rooms[0].as_str().try_into().unwrap();
    for n in 0..4 {
        home.say(&ben, first, "text", &n.to_string()).await.unwrap();
    }
    let mut glance = Glance::new(&ada, "PHONE", Mode::Lazy);
    glance.body["lists"]["all"]["timeline_limit"] = json!(1);
    glance.body["lists"]["all"]["required_state"] =
        json!([["m.room.member", "$LAZY"], ["m.room.create", ""]]);
    glance.sync(&home).await;
    glance.body["room_subscriptions"] = json!({ first.as_str(): {
        "timeline_limit": 3, "required_state": [["m.room.join_rules", ""]]
    }});
    let answer = glance.sync(&home).await;
    assert_eq!(told(&answer), [rooms[0].clone()]);
    let shown = &answer["rooms"][&rooms[0]];
    assert!(shown.get("initial").is_none());
    assert_eq!(shown["unstable_expanded_timeline"], true);
    assert_eq!(array(&shown["timeline"]).count(), 3);
    let state: Vec<_> = array(&shown["required_state"]).map(|event| text(&event["type"])).collect();
    assert_eq!(state, ["m.room.join_rules"], "only what is wanted anew");

    glance.body.as_object_mut().unwrap().remove("room_subscriptions");
    glance.body["lists"] = json!({});
    home.say(&ben, first, "text", "more").await.unwrap();
    assert_eq!(told(&glance.sync(&home).await), [rooms[0].clone()], "some clients name it but once");
    glance.body["unsubscribe_rooms"] = json!([first]);
    home.say(&ben, first, "text", "unheard").await.unwrap();
    assert!(told(&glance.sync(&home).await).is_empty());

    // Who is not in a room learns nothing of it.
    let theirs = public_room(&home, &[&ben]).await;
    glance.body["room_subscriptions"] = json!({ theirs.as_str(): { "timeline_limit": 3 } });
    glance.body["unsubscribe_rooms"] = json!([]);
    assert!(told(&glance.sync(&home).await).is_empty());
}

#[tokio::test]
async fn members_are_told_when_they_speak_and_when_what_was_told_changes() {
    let home = Home::new();
    let mut people = Vec::new();
    for n in 0..6 {
        people.push(home.person(&format!("p{n}")).await);
    }
    let room = public_room(&home, &people.iter().collect::<Vec<_>>()).await;
    home.say(&people[1], &room, "text", "1").await.unwrap();
    let mut glance = Glance::new(&people[0], "PHONE", Mode::Lazy);
    glance.body["lists"]["all"]["timeline_limit"] = json!(1);
    let members = |answer: &Value| -> Vec<String> {
        array(&answer["rooms"][room.as_str()]["required_state"])
            .filter(|event| event["type"] == "m.room.member")
            .map(|event| text(&event["state_key"]))
            .collect()
    };
    let id = |n: usize| people[n].id.to_string();
    assert_eq!(members(&glance.sync(&home).await), [id(0), id(1)]);
    home.say(&people[2], &room, "text", "2").await.unwrap();
    assert_eq!(members(&glance.ask(&home).await), [id(2)]);
    assert_eq!(members(&glance.sync(&home).await), [id(2)], "the first answer was lost");
    home.say(&people[2], &room, "text", "3").await.unwrap();
    assert!(members(&glance.sync(&home).await).is_empty(), "known by now");
    for (n, heard) in [(2, true), (3, false)] {
        home.engine.rooms.leave(people[n].caller(), &room, None).await.unwrap();
        home.say(&people[1], &room, "text", &format!("after {n}")).await.unwrap();
        let answer = glance.sync(&home).await;
        assert_eq!(members(&answer).contains(&id(n)), heard, "{n}");
        assert_eq!(answer["rooms"][room.as_str()]["joined_count"], 7 - n);
    }
}

#[tokio::test]
async fn leaving_is_told_once_and_coming_back_begins_anew() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let room = public_room(&home, &[&ada, &ben]).await;
    let mut glance = Glance::new(&ben, "PHONE", Mode::Full);
    glance.sync(&home).await;
    home.engine.rooms.kick(ada.caller(), &room, &ben.id, None).await.unwrap();
    home.say(&ada, &room, "secret", "1").await.unwrap();
    let answer = glance.sync(&home).await;
    assert_eq!(answer["lists"]["all"]["count"], 1, "who was removed may not know it yet");
    let left = &answer["rooms"][room.as_str()];
    assert_eq!(left["membership"], "leave");
    assert!(array(&left["required_state"]).any(|event| event["state_key"] == ben.id.as_str()));
    assert!(!answer.to_string().contains("secret"));
    assert!(told(&glance.sync(&home).await).is_empty());
    home.engine.rooms.join(ben.caller(), &room, None).await.unwrap();
    let answer = glance.sync(&home).await;
    assert_eq!(answer["rooms"][room.as_str()]["initial"], true);
}

#[tokio::test]
async fn a_room_that_was_left_does_not_come_back_by_somebody_who_is_ignored() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let room = public_room(&home, &[&ada, &ben]).await;
    let list = raw(&json!({ "ignored_users": { ada.id.as_str(): {} } }));
    home.engine.account_data.put(ben.nid, None, "m.ignored_user_list", &list).await.unwrap();
    let mut glance = Glance::new(&ben, "PHONE", Mode::Full);
    assert_eq!(told(&glance.sync(&home).await), [room.to_string()]);
    home.engine.rooms.leave(ben.caller(), &room, None).await.unwrap();
    home.engine.rooms.invite(ada.caller(), &room, &ben.id, None).await.unwrap();
    let answer = glance.sync(&home).await;
    assert!(told(&answer).is_empty(), "{answer}");
    assert_eq!(answer["lists"]["all"]["count"], 0);
}

#[tokio::test]
async fn rooms_that_one_was_removed_from_stay_in_lists_and_those_that_one_left_do_not() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let all = rooms(&home, &[&ada, &ben], 4).await;
    let [kicked, banned, left, revoked] = [0, 1, 2, 3].map(|n| <&RoomId>::try_from(all[n].as_str()).unwrap());
    let said = home.say(&ada, kicked, "before", "1").await.unwrap();
    let doors = &home.engine.rooms;
    doors.kick(ada.caller(), kicked, &ben.id, None).await.unwrap();
    home.say(&ada, kicked, "after", "2").await.unwrap();
    doors.ban(ada.caller(), banned, &ben.id, None).await.unwrap();
    doors.leave(ben.caller(), left, None).await.unwrap();
    doors.leave(ben.caller(), revoked, None).await.unwrap();
    doors.invite(ada.caller(), revoked, &ben.id, None).await.unwrap();

    let mut glance = Glance::new(&ben, "PHONE", Mode::Full);
    let details = glance.body["lists"]["all"].clone();
    glance.body["lists"]["invites"] = details;
    glance.body["lists"]["invites"]["filters"] = json!({ "is_invite": true });
    let answer = glance.sync(&home).await;
    assert_eq!(answer["lists"]["all"]["count"], 3);
    assert_eq!(answer["lists"]["invites"]["count"], 1);
    let [a, b] = [kicked, banned].map(|room| &answer["rooms"][room.as_str()]);
    assert_eq!((&a["membership"], &a["initial"]), (&json!("leave"), &json!(true)));
    assert_eq!((&b["membership"], &b["initial"]), (&json!("ban"), &json!(true)));
    assert!(
        array(&a["timeline"]).any(|event| event["event_id"] == said.as_str()),
        "up to the end of the stay"
    );
    assert!(!a.to_string().contains("after"), "and nothing of what came then");
    assert!(array(&a["required_state"]).any(|event| event["type"] == "m.room.create"));
    assert!(told(&glance.sync(&home).await).is_empty(), "told once");

    glance.body["lists"].as_object_mut().unwrap().remove("all");
    glance.sync(&home).await;
    doors.kick(ada.caller(), revoked, &ben.id, None).await.unwrap();
    let answer = glance.sync(&home).await;
    assert_eq!(answer["rooms"][revoked.as_str()]["membership"], "leave", "no invitation is left behind");
    assert!(told(&glance.sync(&home).await).is_empty());
    doors.unban(ada.caller(), banned, &ben.id, None).await.unwrap();
    doors.join(ben.caller(), banned, None).await.unwrap();
    glance.body["room_subscriptions"] = json!({ banned.as_str(): { "timeline_limit": 1 } });
    assert_eq!(glance.sync(&home).await["rooms"][banned.as_str()]["initial"], true);
}

#[tokio::test]
async fn extensions_tell_what_their_scope_has() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let rooms = rooms(&home, &[&ada, &ben], 2).await;
    let (old, new) = (rooms[0].as_str().try_into().unwrap(), rooms[1].as_str().try_into().unwrap());
    let mut glance = Glance::new(&ada, "PHONE", Mode::Full);
    glance.body["lists"]["all"]["ranges"] = json!([[0, 0]]);
    let answer = glance.sync(&home).await;
    assert!(array(&answer["extensions"]["account_data"]["global"]).any(|e| e["type"] == "m.push_rules"));
    assert_eq!(answer["extensions"]["e2ee"]["device_one_time_keys_count"]["signed_curve25519"], 0);

    let nid = |room| home.engine.rooms.nid(room).unwrap();
    for room in [old, new] {
        home.engine.typing.start(nid(room), &ben.id, 20_000);
        home.engine.account_data.put(ada.nid, Some(room), "a.b", &raw(&json!({ "n": 1 }))).await.unwrap();
    }
    let answer = glance.sync(&home).await;
    let in_rooms = |answer: &Value, name: &str| -> Vec<String> {
        let rooms = &answer["extensions"][name]["rooms"];
        rooms.as_object().into_iter().flat_map(|rooms| rooms.keys().cloned()).collect()
    };
    assert_eq!(in_rooms(&answer, "typing"), [rooms[1].clone()]);
    assert_eq!(in_rooms(&answer, "account_data"), [rooms[1].clone()]);
    assert!(told(&answer).is_empty());
    glance.body["extensions"]["typing"]["lists"] = json!([]);
    glance.body["extensions"]["receipts"]["rooms"] = json!(["!else:where"]);
    glance.body["room_subscriptions"] = json!({ old.as_str(): { "timeline_limit": 1 } });
    let answer = glance.sync(&home).await;
    assert_eq!(in_rooms(&answer, "typing"), [rooms[0].clone()], "of subscriptions, not of lists");
    assert_eq!(in_rooms(&answer, "account_data"), [rooms[0].clone()]);
    let event = home.say(&ada, old, "text", "1").await.unwrap();
    let receipt = NewReceipt { kind: "m.read".into(), event_id: event, thread: None };
    home.engine.receipts.advance(ben.nid, old, vec![receipt]).await.unwrap();
    let answer = glance.sync(&home).await;
    assert_eq!(in_rooms(&answer, "receipts"), [rooms[0].clone()], "now it is at the top of the list");

    // Messages to the device have a token of their own.
    super::register_device(&home, &ada, "PHONE").await;
    let send = |text: &'static str| {
        home.store().write(move |tx| to_device::send(tx, ada.nid, "PHONE", &format!("{{\"n\":\"{text}\"}}")))
    };
    for text in ["a", "b", "c"] {
        send(text).await.unwrap();
    }
    glance.body["extensions"]["to_device"]["limit"] = json!(2);
    glance.ask(&home).await;
    glance.sync(&home).await;
    glance.sync(&home).await;
    glance.sync(&home).await;
    assert_eq!(glance.phone.to_device, [json!({ "n": "a" }), json!({ "n": "b" }), json!({ "n": "c" })]);
    home.store().write(|_| Ok(())).await.unwrap();
    let left = home.store().read_now(|tx| to_device::pending(tx, ada.nid, "PHONE", 0, u64::MAX >> 1, 9));
    assert!(left.unwrap().is_empty(), "what is acknowledged is deleted");
}

#[tokio::test]
async fn who_waits_is_woken_by_what_is_in_sight() {
    let home = Arc::new(Home::new());
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let room = public_room(&home, &[&ada, &ben]).await;
    let mut glance = Glance::new(&ada, "PHONE", Mode::Full);
    glance.sync(&home).await;
    for n in 0..50 {
        let (home_, room_, ben_) = (Arc::clone(&home), room.clone(), ben.clone());
        let sent = tokio::spawn(async move {
            for _ in 0..n % 7 {
                tokio::task::yield_now().await;
            }
            home_.say(&ben_, &room_, "text", &n.to_string()).await.unwrap()
        });
        let answer = glance.wait(&home).await;
        assert_eq!(array(&answer["rooms"][room.as_str()]["timeline"]).count(), 1, "{answer}");
        sent.await.unwrap();
    }
    // What is not in sight ends no wait.
    let hidden = public_room(&home, &[&ben, &ada]).await;
    glance.sync(&home).await;
    glance.body["lists"]["all"]["filters"] = json!({ "is_dm": true });
    glance.sync(&home).await;
    home.say(&ben, &hidden, "text", "h").await.unwrap();
    let answer = glance.try_ask(&home, Duration::from_millis(20)).await.unwrap();
    assert!(told(&answer).is_empty());
}

#[tokio::test]
async fn a_request_without_bounds_is_refused() {
    let home = Home::new();
    let ada = home.person("ada").await;
    let state: Vec<_> = (0..501).map(|n| json!(["a", n.to_string()])).collect();
    let lists: serde_json::Map<_, _> = (0..101).map(|n| (n.to_string(), json!({}))).collect();
    let cases = [
        (json!({ "conn_id": "x".repeat(256) }), "conn_id"),
        (json!({ "lists": lists }), "lists"),
        (json!({ "lists": { "a": { "ranges": [[3, 1]] } } }), "lists.a.ranges"),
        (json!({ "lists": { "a": { "required_state": state } } }), "lists.a.required_state"),
        (
            json!({ "extensions": { "to_device": { "enabled": true, "since": "x" } } }),
            "extensions.to_device.since",
        ),
    ];
    for (body, field) in cases {
        let glance = Glance { body, ..Glance::new(&ada, "PHONE", Mode::Full) };
        match glance.try_ask(&home, Duration::ZERO).await {
            Err(EngineError::Invalid { field: named, .. }) => assert_eq!(named, field),
            other => panic!("{field}: {other:?}"),
        }
    }
}
