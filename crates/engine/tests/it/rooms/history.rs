//! Reading history: pages, context, relations, redactions.

use serde_json::json;
use wardline_domain::ruma::{OwnedEventId, RoomId};
use wardline_engine::EngineError;
use wardline_engine::filters::RoomEventFilter;
use wardline_engine::rooms::{CreateRoom, Direction, Message, Preset, RelationsQuery, Token};
use wardline_store::Reader;

use super::{all, bodies, kinds, page};
use crate::home::{Home, Person, json as parse, raw};

async fn send(
    home: &Home,
    who: &Person,
    room: &RoomId,
    kind: &str,
    content: serde_json::Value,
) -> OwnedEventId {
    let message = Message { room, kind, content: raw(&content), txn: None, also: None };
    home.engine.rooms.send(who.caller(), message).await.unwrap()
}

fn relation(kind: &str, to: &OwnedEventId) -> serde_json::Value {
    json!({ "rel_type": kind, "event_id": to })
}

#[tokio::test]
async fn pages_meet_without_gap_or_overlap() {
    let home = Home::new();
    let anna = home.person("anna").await;
    let room = home.room(&anna, CreateRoom::default()).await;
    for n in 0..25 {
        home.say(&anna, &room, &format!("{n}"), &format!("{n}")).await.unwrap();
    }
    let whole = all(&home, &anna, &room, Direction::Forwards, 100).await;
    for limit in [1, 2, 7, 16, 31] {
        assert_eq!(all(&home, &anna, &room, Direction::Forwards, limit).await, whole, "{limit}");
        let mut back = all(&home, &anna, &room, Direction::Backwards, limit).await;
        back.reverse();
        assert_eq!(back, whole, "{limit}");
    }
    // From a token of /sync, both ways.
    let middle = Token::Stream(home.store().head() - 10);
    let older = page(&home, &anna, &room, Direction::Backwards, Some(middle), 500).await;
    let newer = page(&home, &anna, &room, Direction::Forwards, Some(middle), 500).await;
    assert_eq!(bodies(parse(&older.chunk).as_array().unwrap()).first(), Some(&"14"));
    assert_eq!(bodies(parse(&newer.chunk).as_array().unwrap()).len(), 10);
    // The end of one page is the beginning of the other way.
    let back = page(&home, &anna, &room, Direction::Backwards, None, 5).await;
    let forth = page(&home, &anna, &room, Direction::Forwards, back.end, 500).await;
    let mut back: Vec<_> = parse(&back.chunk).as_array().unwrap().clone();
    back.reverse();
    assert_eq!(parse(&forth.chunk).as_array().unwrap(), &back);
}

#[tokio::test]
async fn an_event_with_what_is_around_it() {
    let home = Home::new();
    let (anna, ben) = (home.person("anna").await, home.person("ben").await);
    let room = home.room(&anna, CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() }).await;
    home.engine.rooms.join(ben.caller(), &room, None).await.unwrap();
    let mut ids = Vec::new();
    for n in 0..9 {
        ids.push(home.say(&anna, &room, &format!("{n}"), &format!("{n}")).await.unwrap());
    }
    let filter = RoomEventFilter { lazy_load_members: true, ..RoomEventFilter::default() };
    let context = home.engine.rooms.context(ben.caller(), &room, &ids[4], Some(4), filter).await.unwrap();
    assert_eq!(parse(&context.event)["content"]["body"], "4");
    assert_eq!(bodies(parse(&context.before).as_array().unwrap()), ["3", "2"]);
    assert_eq!(bodies(parse(&context.after).as_array().unwrap()), ["5", "6"]);
    let state = parse(&context.state);
    let members: Vec<_> =
        state.as_array().unwrap().iter().filter(|event| event["type"] == "m.room.member").collect();
    assert_eq!(members.len(), 1);
    assert_eq!(members[0]["state_key"], anna.id.as_str());
    let before = page(&home, &ben, &room, Direction::Backwards, Some(context.start), 2).await;
    assert_eq!(bodies(parse(&before.chunk).as_array().unwrap()), ["1", "0"]);
    let after = page(&home, &ben, &room, Direction::Forwards, Some(context.end), 2).await;
    assert_eq!(bodies(parse(&after.chunk).as_array().unwrap()), ["7", "8"]);
    let alone = home
        .engine
        .rooms
        .context(ben.caller(), &room, &ids[4], Some(0), RoomEventFilter::default())
        .await
        .unwrap();
    assert_eq!((alone.before.as_str(), alone.after.as_str()), ("[]", "[]"));
}

#[tokio::test]
async fn a_redaction_removes_the_content_everywhere() {
    let home = Home::new();
    let (anna, ben) = (home.person("anna").await, home.person("ben").await);
    for version in ["10", "12"] {
        let request = CreateRoom {
            preset: Preset::PublicChat,
            room_version: Some(version.into()),
            ..CreateRoom::default()
        };
        let room = home.room(&anna, request).await;
        let rooms = &home.engine.rooms;
        rooms.join(ben.caller(), &room, None).await.unwrap();
        let secret = home.say(&anna, &room, "secret-word", "1").await.unwrap();
        let own = home.say(&ben, &room, "secret-word", "1").await.unwrap();
        let refused = rooms.redact(ben.caller(), &room, &secret, None, None).await;
        assert!(matches!(refused, Err(EngineError::Forbidden(_))));
        let smuggled = Message {
            room: &room,
            kind: "m.room.redaction",
            content: raw(&json!({ "redacts": secret })),
            txn: None,
            also: None,
        };
        assert!(matches!(rooms.send(ben.caller(), smuggled).await, Err(EngineError::Forbidden(_))));
        rooms.redact(ben.caller(), &room, &own, Some("mistake"), Some("r")).await.unwrap();
        let by = rooms.redact(anna.caller(), &room, &secret, None, Some("r")).await.unwrap();
        assert_eq!(rooms.redact(anna.caller(), &room, &secret, None, Some("r")).await.unwrap(), by);
        for event in [&secret, &own] {
            let seen = rooms.event(ben.caller(), &room, event).unwrap();
            assert!(!seen.contains("secret-word"));
            let seen = parse(&seen);
            assert_eq!(seen["content"], json!({}));
            assert_eq!(seen["unsigned"]["redacted_because"]["redacts"], event.as_str());
        }
        let unknown = "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".try_into().unwrap();
        let unknown: OwnedEventId = unknown;
        let refused = rooms.redact(anna.caller(), &room, &unknown, None, None).await;
        assert!(matches!(refused, Err(EngineError::NotFound("event"))));
    }
    let left: Option<i64> = home
        .store()
        .read_now(|tx| {
            let sql = "SELECT nid FROM event_json WHERE pdu LIKE '%secret-word%'";
            tx.query_row(sql, &[], |row| row.get(0))
        })
        .unwrap();
    assert_eq!(left, None);
}

#[tokio::test]
async fn relations_are_bundled_and_listed() {
    let home = Home::new();
    let (anna, ben) = (home.person("anna").await, home.person("ben").await);
    let room = home.room(&anna, CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() }).await;
    let rooms = &home.engine.rooms;
    rooms.join(ben.caller(), &room, None).await.unwrap();
    let root = home.say(&anna, &room, "root", "1").await.unwrap();
    let edit = |text: &str, to: &OwnedEventId| json!({ "body": text, "m.new_content": { "body": text }, "m.relates_to": relation("m.replace", to) });
    send(&home, &anna, &room, "m.room.message", edit("first edit", &root)).await;
    home.clock.0.fetch_add(5, std::sync::atomic::Ordering::Relaxed);
    let last = send(&home, &anna, &room, "m.room.message", edit("last edit", &root)).await;
    send(&home, &ben, &room, "m.room.message", edit("not his", &root)).await;
    let reply = json!({ "body": "reply", "m.relates_to": relation("m.thread", &root) });
    let reply = send(&home, &ben, &room, "m.room.message", reply).await;
    let like = json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": reply, "key": "+1" } });
    let like = send(&home, &anna, &room, "m.reaction", like).await;
    let reference = json!({ "m.relates_to": relation("m.reference", &root) });
    let reference = send(&home, &anna, &room, "org.test", reference).await;

    let seen = parse(&rooms.event(ben.caller(), &room, &root).unwrap());
    assert_eq!(seen["content"]["body"], "root");
    let bundled = &seen["unsigned"]["m.relations"];
    assert_eq!(bundled["m.replace"]["event_id"], last.as_str());
    assert_eq!(bundled["m.thread"]["count"], 1);
    assert_eq!(bundled["m.thread"]["current_user_participated"], true);
    assert_eq!(bundled["m.thread"]["latest_event"]["event_id"], reply.as_str());
    assert_eq!(bundled["m.reference"]["chunk"], json!([{ "event_id": reference }]));

    let query = |rel_type: Option<&str>, recurse: bool, limit: usize, from: Option<Token>| RelationsQuery {
        rel_type: rel_type.map(str::to_owned),
        kind: None,
        direction: Direction::Backwards,
        from,
        to: None,
        limit: Some(limit),
        recurse,
    };
    let list = async |query: RelationsQuery| {
        let page = rooms.relations(ben.caller(), &room, &root, query).await.unwrap();
        (parse(&page.chunk).as_array().unwrap().clone(), page.end)
    };
    let (direct, end) = list(query(None, false, 50, None)).await;
    assert_eq!((direct.len(), end), (5, None));
    let (all_of_it, _) = list(query(None, true, 50, None)).await;
    assert_eq!(all_of_it.len(), 6);
    assert!(kinds(&all_of_it).contains(&"m.reaction"));
    let (edits, _) = list(query(Some("m.replace"), false, 50, None)).await;
    assert_eq!(edits.len(), 3);
    let (mut paged, mut from) = (Vec::new(), None);
    loop {
        let (events, end) = list(query(None, true, 2, from)).await;
        paged.extend(events);
        from = end;
        if end.is_none() {
            break;
        }
    }
    assert_eq!(paged, all_of_it);

    // A redacted relation relates no more.
    rooms.redact(anna.caller(), &room, &last, None, None).await.unwrap();
    rooms.redact(anna.caller(), &room, &like, None, None).await.unwrap();
    let seen = parse(&rooms.event(ben.caller(), &room, &root).unwrap());
    let edit = &seen["unsigned"]["m.relations"]["m.replace"]["content"]["body"];
    assert_eq!(edit, "first edit");
    assert_eq!(list(query(None, true, 50, None)).await.0.len(), 4);
}
