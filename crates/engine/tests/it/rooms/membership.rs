//! Invite, join, leave, kick, ban, unban, forget.

use serde_json::json;
use wardline_domain::visibility::Membership;
use wardline_engine::EngineError;
use wardline_engine::rooms::{CreateRoom, Direction, InitialState, Preset};
use wardline_store::members;

use super::{all, bodies};
use crate::home::{Home, Person, json as parse, raw};

fn forbidden<T: std::fmt::Debug>(result: Result<T, EngineError>) {
    assert!(matches!(result, Err(EngineError::Forbidden(_))), "{result:?}");
}

#[tokio::test]
async fn invited_joined_left_forgotten() {
    let home = Home::new();
    let (anna, ben, cat) = (home.person("anna").await, home.person("ben").await, home.person("cat").await);
    let request = CreateRoom { name: Some("Ward".into()), encrypted: true, ..CreateRoom::default() };
    let room = home.room(&anna, request).await;
    let rooms = &home.engine.rooms;
    forbidden(rooms.join(ben.caller(), &room, None).await);
    forbidden(rooms.invite(ben.caller(), &room, &cat.id, None).await);
    rooms.invite(anna.caller(), &room, &ben.id, Some("please")).await.unwrap();
    let nid = rooms.nid(&room).unwrap();
    let invite = rooms.membership(nid, ben.nid).unwrap().unwrap();
    assert_eq!(invite.membership, Membership::Invite);
    let stripped = parse(&invite.stripped.unwrap());
    let kinds: Vec<_> =
        stripped.as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "m.room.create",
            "m.room.join_rules",
            "m.room.name",
            "m.room.encryption",
            "m.room.member",
            "m.room.member"
        ]
    );
    let joined = rooms.join(ben.caller(), &room, None).await.unwrap();
    assert_eq!(rooms.join(ben.caller(), &room, None).await.unwrap(), joined);
    assert!(rooms.is_joined(nid, ben.nid).unwrap());
    forbidden(rooms.invite(anna.caller(), &room, &ben.id, None).await);
    assert!(matches!(rooms.forget(ben.caller(), &room).await, Err(EngineError::Invalid { .. })));
    let left = rooms.leave(ben.caller(), &room, None).await.unwrap();
    assert_eq!(rooms.leave(ben.caller(), &room, None).await.unwrap(), left);
    forbidden(rooms.leave(cat.caller(), &room, None).await);
    forbidden(home.say(&ben, &room, "still here", "1").await);
    rooms.forget(ben.caller(), &room).await.unwrap();
    rooms.forget(ben.caller(), &room).await.unwrap();
    forbidden(rooms.state_at_now(ben.caller(), &room).await);
    // The room, two joins, an invite, a leave.
    assert_eq!(home.audited(), 5);
}

#[tokio::test]
async fn kicked_banned_unbanned() {
    let home = Home::new();
    let (anna, ben, cat) = (home.person("anna").await, home.person("ben").await, home.person("cat").await);
    let request = CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() };
    let room = home.room(&anna, request).await;
    let rooms = &home.engine.rooms;
    forbidden(rooms.kick(anna.caller(), &room, &ben.id, None).await);
    rooms.join(ben.caller(), &room, None).await.unwrap();
    rooms.join(cat.caller(), &room, None).await.unwrap();
    forbidden(rooms.kick(ben.caller(), &room, &cat.id, None).await);
    forbidden(rooms.ban(ben.caller(), &room, &anna.id, None).await);
    rooms.kick(anna.caller(), &room, &ben.id, Some("wrong ward")).await.unwrap();
    rooms.join(ben.caller(), &room, None).await.unwrap();
    rooms.ban(anna.caller(), &room, &ben.id, None).await.unwrap();
    forbidden(rooms.join(ben.caller(), &room, None).await);
    forbidden(rooms.invite(anna.caller(), &room, &ben.id, None).await);
    forbidden(rooms.unban(cat.caller(), &room, &ben.id, None).await);
    rooms.unban(anna.caller(), &room, &ben.id, None).await.unwrap();
    forbidden(rooms.unban(anna.caller(), &room, &ben.id, None).await);
    rooms.join(ben.caller(), &room, None).await.unwrap();
    let joined = rooms.joined_members(ben.caller(), &room).await.unwrap();
    assert_eq!(joined.len(), 3);
    home.store()
        .read_now(|tx| {
            let nid = wardline_store::rooms::find(tx, &room)?.unwrap();
            let row = wardline_store::rooms::get(tx, nid)?.unwrap();
            assert_eq!((row.joined, row.invited), (3, 0));
            assert_eq!(members::users_in(tx, nid, Membership::Join)?.len(), 3);
            Ok::<_, EngineError>(())
        })
        .unwrap();
}

#[tokio::test]
async fn the_server_joins_people_to_its_rooms() {
    let home = Home::new();
    let (clerk, ben) = (home.person("clerk").await, home.person("ben").await);
    let room = home.room(&clerk, CreateRoom { encrypted: true, ..CreateRoom::default() }).await;
    let rooms = &home.engine.rooms;
    let head = home.store().head();
    let joined = rooms.join_by_server(&room, &clerk.id, &ben.id).await.unwrap();
    // An invite and a join, each an event and a membership.
    assert_eq!(home.store().head(), head + 4);
    assert_eq!(rooms.join_by_server(&room, &clerk.id, &ben.id).await.unwrap(), joined);
    let content = || raw(&json!({ "request_id": "r1", "state": "raised" }));
    let update = "org.wardline.request.update";
    let first = rooms.announce(&room, &clerk.id, update, content(), "r1-raised").await.unwrap();
    assert_eq!(rooms.announce(&room, &clerk.id, update, content(), "r1-raised").await.unwrap(), first);
    rooms.ban(clerk.caller(), &room, &ben.id, None).await.unwrap();
    forbidden(rooms.join_by_server(&room, &clerk.id, &ben.id).await);
}

#[tokio::test]
async fn a_restricted_room_lets_members_of_another_in() {
    let home = Home::new();
    let (anna, ben, cat) = (home.person("anna").await, home.person("ben").await, home.person("cat").await);
    let lobby = home.room(&anna, CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() }).await;
    let rules = json!({
        "join_rule": "restricted", "allow": [{ "type": "m.room_membership", "room_id": lobby }]
    });
    let rules =
        InitialState { kind: "m.room.join_rules".into(), state_key: String::new(), content: raw(&rules) };
    let inner = home.room(&anna, CreateRoom { initial_state: vec![rules], ..CreateRoom::default() }).await;
    let rooms = &home.engine.rooms;
    rooms.join(ben.caller(), &lobby, None).await.unwrap();
    rooms.join(ben.caller(), &inner, None).await.unwrap();
    forbidden(rooms.join(cat.caller(), &inner, None).await);
}

#[tokio::test]
async fn profiles_follow_into_rooms() {
    let home = Home::new();
    let anna = home.person("anna").await;
    let rooms =
        [home.room(&anna, CreateRoom::default()).await, home.room(&anna, CreateRoom::default()).await];
    let nid = anna.nid;
    let set = move |tx: &mut wardline_store::WriteTx<'_>| {
        wardline_store::accounts::set_profile_field(tx, nid, "displayname", Some("\"Anna Bell\""))
    };
    home.store().write(set).await.unwrap();
    home.engine.rooms.update_profile(anna.nid, &anna.id).await.unwrap();
    let head = home.store().head();
    home.engine.rooms.update_profile(anna.nid, &anna.id).await.unwrap();
    assert_eq!(home.store().head(), head);
    for room in &rooms {
        let member =
            home.engine.rooms.state_event(anna.caller(), room, "m.room.member", anna.id.as_str()).unwrap();
        assert!(member.pdu.content().contains("Anna Bell"));
    }
    home.engine.rooms.leave_all(anna.nid, &anna.id).await.unwrap();
    assert!(home.engine.rooms.rooms_of(anna.nid, Membership::Join).unwrap().is_empty());
}

#[tokio::test]
async fn what_those_see_who_came_late_or_left() {
    let home = Home::new();
    let (anna, ben, cat) = (home.person("anna").await, home.person("ben").await, home.person("cat").await);
    for (visibility, late, left) in [
        ("shared", ["one", "two", "three"].as_slice(), ["one", "two"].as_slice()),
        ("invited", &["two", "three"], &["two"]),
        ("joined", &["three"], &[]),
        ("world_readable", &["one", "two", "three"], &["one", "two", "three"]),
    ] {
        let setting = InitialState {
            kind: "m.room.history_visibility".into(),
            state_key: String::new(),
            content: raw(&json!({ "history_visibility": visibility })),
        };
        let room =
            home.room(&anna, CreateRoom { initial_state: vec![setting], ..CreateRoom::default() }).await;
        let rooms = &home.engine.rooms;
        home.say(&anna, &room, "one", "1").await.unwrap();
        rooms.invite(anna.caller(), &room, &ben.id, None).await.unwrap();
        rooms.invite(anna.caller(), &room, &cat.id, None).await.unwrap();
        let two = home.say(&anna, &room, "two", "2").await.unwrap();
        rooms.join(ben.caller(), &room, None).await.unwrap();
        rooms.join(cat.caller(), &room, None).await.unwrap();
        rooms.leave(cat.caller(), &room, None).await.unwrap();
        let three = home.say(&anna, &room, "three", "3").await.unwrap();
        let sees = async |who: &Person| {
            let events = all(&home, who, &room, Direction::Forwards, 7).await;
            bodies(&events).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(sees(&ben).await, late, "{visibility}");
        assert_eq!(sees(&cat).await, left, "{visibility}");
        assert_eq!(rooms.event(cat.caller(), &room, &three).is_ok(), left.contains(&"three"));
        assert_eq!(rooms.event(ben.caller(), &room, &two).is_ok(), late.contains(&"two"));
        // Who left sees the state as it was then.
        rooms
            .send_state(anna.caller(), &room, "m.room.topic", "", raw(&json!({ "topic": "new" })))
            .await
            .unwrap();
        let topic = rooms.state_event(cat.caller(), &room, "m.room.topic", "");
        assert!(matches!(topic, Err(EngineError::NotFound(_))));
        let dan = home.person("dan").await;
        let outside = rooms.state_at_now(dan.caller(), &room).await;
        assert_eq!(outside.is_ok(), visibility == "world_readable");
    }
}
