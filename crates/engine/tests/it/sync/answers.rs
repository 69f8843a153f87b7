//! What single answers say.

use serde_json::json;
use wardline_engine::EngineError;
use wardline_engine::receipts::NewReceipt;
use wardline_engine::rooms::{CreateRoom, Message, Preset};

use super::phone::{Mode, Phone, array, text};
use super::waiting::public_room;
use crate::home::{Home, raw};

#[tokio::test]
async fn lazy_members_are_told_when_they_speak_and_only_then() {
    let home = Home::new();
    let mut people = Vec::new();
    for n in 0..12 {
        people.push(home.person(&format!("p{n:02}")).await);
    }
    let room = public_room(&home, &people.iter().collect::<Vec<_>>()).await;
    for n in 0..12 {
        home.say(&people[0], &room, "text", &format!("a{n}")).await.unwrap();
    }
    let mut phone = Phone::new(&people[0], "PHONE", Mode::Lazy);
    phone.sync(&home).await;
    let members = |phone: &Phone| {
        let state = &phone.rooms[room.as_str()].state;
        state
            .keys()
            .filter(|(kind, _)| kind == "m.room.member")
            .map(|(_, user)| user.clone())
            .collect::<Vec<_>>()
    };
    // Oneself, who spoke, and the five who name a room without a name.
    let told: Vec<_> = people[..6].iter().map(|person| person.id.to_string()).collect();
    assert_eq!(members(&phone), told);

    home.say(&people[9], &room, "text", "b").await.unwrap();
    let lost = phone.ask(&home).await;
    let answer = phone.sync(&home).await;
    assert_eq!(
        lost["rooms"]["join"][room.as_str()]["state"],
        answer["rooms"]["join"][room.as_str()]["state"]
    );
    let state: Vec<_> = array(&answer["rooms"]["join"][room.as_str()]["state"]["events"]).collect();
    assert_eq!(state.len(), 1, "only who spoke");
    assert_eq!(state[0]["state_key"], people[9].id.as_str());

    home.say(&people[9], &room, "text", "c").await.unwrap();
    let answer = phone.sync(&home).await;
    let state = &answer["rooms"]["join"][room.as_str()]["state"]["events"];
    assert_eq!(*state, json!([]), "known by now");
    phone.filter["room"]["state"]["include_redundant_members"] = json!(true);
    home.say(&people[9], &room, "text", "d").await.unwrap();
    let answer = phone.sync(&home).await;
    assert_eq!(array(&answer["rooms"]["join"][room.as_str()]["state"]["events"]).count(), 1);
}

#[tokio::test]
async fn a_gap_is_marked_and_bridged_by_the_state() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let room = public_room(&home, &[&ada, &ben]).await;
    let mut phone = Phone::new(&ada, "PHONE", Mode::Full);
    phone.limit(2);
    phone.sync(&home).await;
    let rooms = &home.engine.rooms;
    rooms
        .send_state(ben.caller(), &room, "m.room.topic", "", raw(&json!({ "topic": "no" })))
        .await
        .unwrap_err();
    let topic = raw(&json!({ "topic": "one" }));
    let topic = rooms.send_state(ada.caller(), &room, "m.room.topic", "", topic).await.unwrap();
    for n in 0..5 {
        home.say(&ben, &room, "text", &n.to_string()).await.unwrap();
    }
    let answer = phone.sync(&home).await;
    let told = &answer["rooms"]["join"][room.as_str()];
    assert_eq!(told["timeline"]["limited"], json!(true));
    assert_eq!(array(&told["timeline"]["events"]).count(), 2);
    let state: Vec<_> = array(&told["state"]["events"]).map(|event| text(&event["event_id"])).collect();
    assert_eq!(state, [topic.as_str()], "exactly what changed in the gap");
    assert_eq!(told["unread_notifications"], json!({ "highlight_count": 0, "notification_count": 5 }));
    assert!(text(&told["timeline"]["prev_batch"]).starts_with('t'));

    let topic = raw(&json!({ "topic": "two" }));
    rooms.send_state(ada.caller(), &room, "m.room.topic", "", topic).await.unwrap();
    let answer = phone.sync(&home).await;
    let event = &answer["rooms"]["join"][room.as_str()]["timeline"]["events"][0];
    assert_eq!(event["unsigned"]["prev_content"], json!({ "topic": "one" }));
    assert!(event["unsigned"]["age"].is_i64());
    assert_eq!(answer["rooms"]["join"][room.as_str()]["state"]["events"], json!([]));
}

#[tokio::test]
async fn only_the_sending_device_gets_its_transaction_id() {
    let home = Home::new();
    let ada = home.person("ada").await;
    let room = public_room(&home, &[&ada]).await;
    let (mut sender, mut other) =
        (Phone::new(&ada, "DEVICE", Mode::Full), Phone::new(&ada, "OTHER", Mode::Full));
    sender.sync(&home).await;
    other.sync(&home).await;
    home.say(&ada, &room, "text", "mine").await.unwrap();
    let event = |answer: serde_json::Value| {
        answer["rooms"]["join"][room.as_str()]["timeline"]["events"][0]["unsigned"]["transaction_id"].clone()
    };
    assert_eq!(event(sender.sync(&home).await), "mine");
    assert!(event(other.sync(&home).await).is_null());
}

#[tokio::test]
async fn invites_come_with_stripped_state_and_refusing_them_ends_them() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let mut phone = Phone::new(&ben, "PHONE", Mode::Full);
    phone.sync(&home).await;
    let request =
        CreateRoom { name: Some("Ward 4".into()), invite: vec![ben.id.clone()], ..CreateRoom::default() };
    let room = home.room(&ada, request).await;
    home.say(&ada, &room, "secret", "1").await.unwrap();
    let answer = phone.sync(&home).await;
    let state = &answer["rooms"]["invite"][room.as_str()]["invite_state"]["events"];
    assert!(array(state).any(|event| event["content"]["name"] == "Ward 4"));
    assert!(array(state).any(|event| event["state_key"] == ben.id.as_str()));
    assert!(!answer.to_string().contains("secret"));

    home.engine.rooms.leave(ben.caller(), &room, None).await.unwrap();
    let answer = phone.sync(&home).await;
    let left = &answer["rooms"]["leave"][room.as_str()];
    assert_eq!(array(&left["timeline"]["events"]).count(), 1, "the refusal itself and nothing else");
    assert_eq!(left["state"]["events"], json!([]));
    assert!(!answer.to_string().contains("secret"));
    assert!(phone.sync(&home).await.get("rooms").is_none());
}

#[tokio::test]
async fn nobody_sees_what_was_said_before_they_came_or_after_they_left() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let room = public_room(&home, &[&ada]).await;
    let rooms = &home.engine.rooms;
    let setting = raw(&json!({ "history_visibility": "joined" }));
    rooms.send_state(ada.caller(), &room, "m.room.history_visibility", "", setting).await.unwrap();
    home.say(&ada, &room, "before", "1").await.unwrap();
    let mut phone = Phone::new(&ben, "PHONE", Mode::Full);
    phone.sync(&home).await;
    rooms.join(ben.caller(), &room, None).await.unwrap();
    home.say(&ada, &room, "during", "2").await.unwrap();
    let answer = phone.sync(&home).await.to_string();
    assert!(answer.contains("during") && !answer.contains("before"));
    rooms.leave(ben.caller(), &room, None).await.unwrap();
    home.say(&ada, &room, "after", "3").await.unwrap();
    let answer = phone.sync(&home).await;
    let left = &answer["rooms"]["leave"][room.as_str()];
    assert_eq!(array(&left["timeline"]["events"]).count(), 1);
    assert!(!answer.to_string().contains("after"));

    // Looking anew at what was left, if asked for.
    let mut fresh = Phone::new(&ben, "FRESH", Mode::Full);
    assert!(fresh.ask(&home).await.get("rooms").is_none());
    fresh.filter["room"]["include_leave"] = json!(true);
    let answer = fresh.ask(&home).await.to_string();
    assert!(answer.contains("during") && !answer.contains("before") && !answer.contains("after"));
    rooms.forget(ben.caller(), &room).await.unwrap();
    assert!(fresh.ask(&home).await.get("rooms").is_none(), "what is forgotten is gone");
}

#[tokio::test]
async fn receipts_never_go_back_and_private_ones_stay_private() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let room = public_room(&home, &[&ada, &ben]).await;
    let first = home.say(&ada, &room, "text", "1").await.unwrap();
    let second = home.say(&ada, &room, "text", "2").await.unwrap();
    let mut phone = Phone::new(&ada, "PHONE", Mode::Full);
    phone.sync(&home).await;
    let send = |kind: &str, event: &wardline_domain::ruma::OwnedEventId, thread: Option<&str>| {
        let receipt =
            NewReceipt { kind: kind.into(), event_id: event.clone(), thread: thread.map(str::to_owned) };
        home.engine.receipts.advance(ben.nid, &room, vec![receipt])
    };
    send("m.read", &second, None).await.unwrap();
    send("m.read", &first, None).await.unwrap();
    send("org.wardline.delivered", &second, None).await.unwrap();
    send("m.read.private", &second, None).await.unwrap();
    phone.sync(&home).await;
    let ben_id = ben.id.to_string();
    let receipts = phone.rooms[room.as_str()].receipts.clone();
    assert_eq!(receipts[&(ben_id.clone(), "m.read".into(), String::new())], second.as_str());
    assert_eq!(receipts[&(ben_id.clone(), "org.wardline.delivered".into(), String::new())], second.as_str());
    assert_eq!(receipts.len(), 2, "the private one is not told");
    send("m.read.private", &second, Some("main")).await.unwrap();
    assert!(phone.sync(&home).await.get("rooms").is_none());

    for (kind, thread) in [
        ("m.wrong", None),
        ("plain", None),
        ("a..b", None),
        ("m.read", Some("x")),
        ("m.fully_read", Some("main")),
    ] {
        assert!(matches!(send(kind, &second, thread).await, Err(EngineError::Invalid { .. })), "{kind}");
    }
    assert!(send(&"a.".repeat(200), &second, None).await.is_err());
    let unknown = "$nothing".try_into().unwrap();
    assert!(matches!(send("m.read", &unknown, None).await, Err(EngineError::NotFound(_))));
    home.engine.rooms.leave(ben.caller(), &room, None).await.unwrap();
    assert!(matches!(send("m.read", &second, None).await, Err(EngineError::Forbidden(_))));
}

#[tokio::test]
async fn threads_are_counted_apart_if_asked_for() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let room = public_room(&home, &[&ada, &ben]).await;
    let root = home.say(&ada, &room, "root", "1").await.unwrap();
    let content = raw(&json!({
        "msgtype": "m.text", "body": "@ada", "m.mentions": { "user_ids": [ada.id] },
        "m.relates_to": { "rel_type": "m.thread", "event_id": root }
    }));
    let message = Message { room: &room, kind: "m.room.message", content, txn: None, also: None };
    let reply = home.engine.rooms.send(ben.caller(), message).await.unwrap();
    home.say(&ben, &room, "beside", "2").await.unwrap();

    let mut phone = Phone::new(&ada, "PHONE", Mode::Full);
    phone.sync(&home).await;
    assert_eq!(phone.rooms[room.as_str()].unread, (2, 1));
    let mut phone = Phone::new(&ada, "TABLET", Mode::Full);
    phone.filter["room"]["timeline"]["unread_thread_notifications"] = json!(true);
    let answer = phone.sync(&home).await;
    let told = &answer["rooms"]["join"][room.as_str()];
    assert_eq!(phone.rooms[room.as_str()].unread, (1, 0));
    let thread = json!({ "highlight_count": 1, "notification_count": 1 });
    assert_eq!(told["unread_thread_notifications"][root.as_str()], thread);

    let receipt = NewReceipt { kind: "m.read".into(), event_id: reply, thread: Some(root.to_string()) };
    home.engine.receipts.advance(ada.nid, &room, vec![receipt]).await.unwrap();
    let answer = phone.sync(&home).await;
    let told = &answer["rooms"]["join"][room.as_str()];
    assert!(told.get("unread_thread_notifications").is_none(), "what is not there is left out");
    assert_eq!(phone.rooms[room.as_str()].unread, (1, 0), "the rest is unread still");
}

#[tokio::test]
async fn filters_leave_out_what_is_not_wanted_and_ignored_users_are_silent() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let (room, other) = (public_room(&home, &[&ada, &ben]).await, public_room(&home, &[&ada, &ben]).await);
    let list = raw(&json!({ "ignored_users": { ben.id.as_str(): {} } }));
    home.say(&ben, &room, "heard", "1").await.unwrap();
    home.say(&ada, &other, "elsewhere", "2").await.unwrap();
    let mut phone = Phone::new(&ada, "PHONE", Mode::Full);
    phone.filter = json!({
        "account_data": { "not_types": ["*"] },
        "room": { "rooms": [room], "timeline": { "types": ["m.room.message"] }, "state": { "types": ["m.room.create"] } }
    });
    let answer = phone.sync(&home).await;
    assert!(answer.get("account_data").is_none());
    assert_eq!(answer["rooms"]["join"].as_object().unwrap().len(), 1);
    let told = &answer["rooms"]["join"][room.as_str()];
    assert_eq!(
        array(&told["timeline"]["events"]).map(|e| text(&e["content"]["body"])).collect::<Vec<_>>(),
        ["heard"]
    );
    assert_eq!(
        array(&told["state"]["events"]).map(|e| text(&e["type"])).collect::<Vec<_>>(),
        ["m.room.create"]
    );

    home.engine.account_data.put(ada.nid, None, "m.ignored_user_list", &list).await.unwrap();
    home.say(&ben, &room, "ignored", "3").await.unwrap();
    assert!(!phone.sync(&home).await.to_string().contains("ignored"));
}

#[tokio::test]
async fn account_data_of_the_server_is_not_for_clients_to_write() {
    let home = Home::new();
    let ada = home.person("ada").await;
    let room = public_room(&home, &[&ada]).await;
    let data = &home.engine.account_data;
    for (room, kind) in [(None, "m.push_rules"), (Some(&*room), "m.fully_read")] {
        let refused = data.put(ada.nid, room, kind, &raw(&json!({}))).await;
        assert!(matches!(refused, Err(EngineError::ServerControlled(_))), "{kind}");
    }
    let large = raw(&json!({ "x": "x".repeat(70_000) }));
    assert!(matches!(data.put(ada.nid, None, "a.b", &large).await, Err(EngineError::TooLarge(_))));
    assert!(matches!(data.get(ada.nid, &ada.id, None, "a.b"), Err(EngineError::NotFound(_))));
    let wrong: wardline_domain::ruma::OwnedRoomId = "!nowhere:ward.example".try_into().unwrap();
    assert!(matches!(data.tags(ada.nid, &wrong), Err(EngineError::NotFound(_))));
}

#[tokio::test]
async fn a_token_of_another_life_begins_anew() {
    let home = Home::new();
    let ada = home.person("ada").await;
    let request = CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() };
    let room = home.room(&ada, request).await;
    let mut phone = Phone::new(&ada, "PHONE", Mode::Full);
    phone.token = Some("s999999".to_owned());
    let answer = phone.sync(&home).await;
    assert!(answer["rooms"]["join"][room.as_str()]["timeline"]["events"].is_array());
    assert!(!phone.token.as_deref().unwrap().contains("999999"));
}
