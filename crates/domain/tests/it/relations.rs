//! Relations and edits.

use serde_json::json;
use wardline_domain::pdu::Pdu;
use wardline_domain::relations::{Relation, RelationKind, in_reply_to, is_valid_edit, relation};
use wardline_domain::room_version::RoomVersion;

use crate::fixture::{AMY, BEN, Room};

#[test]
fn relations_are_read_from_the_content() {
    let room = Room::new(RoomVersion::V12);
    let target = room.last.as_ref().unwrap().event_id.clone();
    let message = |relates_to: serde_json::Value| {
        room.build(room.template("m.room.message", None, AMY, json!({ "m.relates_to": relates_to })))
    };
    let reaction = message(json!({ "rel_type": "m.annotation", "event_id": target, "key": "👍" }));
    let expected =
        Relation { kind: RelationKind::Annotation, event_id: target.clone(), key: Some("👍".to_owned()) };
    assert_eq!(relation(&reaction), Some(expected));
    assert_eq!(in_reply_to(&reaction), None);

    let reply =
        json!({ "rel_type": "m.thread", "event_id": target, "m.in_reply_to": { "event_id": target } });
    let reply = message(reply);
    assert_eq!(relation(&reply).unwrap().kind, RelationKind::Thread);
    assert_eq!(in_reply_to(&reply), Some(target.clone()));

    let wrong = [
        json!({}),
        json!({ "rel_type": "m.thread" }),
        json!("x"),
        json!({ "rel_type": 1, "event_id": target }),
    ];
    for wrong in wrong {
        assert_eq!(relation(&message(wrong)), None);
    }
    let content = json!({ "m.relates_to": { "rel_type": "m.thread", "event_id": target } });
    assert_eq!(relation(&room.build(room.template("org.example", Some(""), AMY, content))), None, "state");
}

#[test]
fn kinds_have_the_names_of_the_specification() {
    let bundled = |name| RelationKind::parse(name).is_bundled();
    for name in ["m.annotation", "m.reference", "m.replace", "m.thread", "org.example"] {
        assert_eq!(RelationKind::parse(name).as_str(), name);
    }
    assert!(bundled("m.reference") && bundled("m.replace") && bundled("m.thread"));
    assert!(!bundled("m.annotation") && !bundled("org.example"));
}

#[test]
fn an_edit_replaces_only_what_it_may() {
    let mut room = Room::new(RoomVersion::V12);
    room.open();
    room.member(BEN, BEN, "join").unwrap();
    let original = room.message(AMY, json!({ "body": "1 mg" })).unwrap();
    let content = |target: &Pdu| {
        json!({
            "body": "* 2 mg",
            "m.new_content": { "body": "2 mg" },
            "m.relates_to": { "rel_type": "m.replace", "event_id": target.event_id },
        })
    };
    let edit = room.message(AMY, content(&original)).unwrap();
    assert!(is_valid_edit(&edit, &original));
    let of_ben = room.message(BEN, content(&original)).unwrap();
    assert!(!is_valid_edit(&of_ben, &original), "another sender");
    let of_edit = room.message(AMY, content(&edit)).unwrap();
    assert!(!is_valid_edit(&of_edit, &edit), "an edit of an edit");
    assert!(!is_valid_edit(&of_edit, &original), "it points elsewhere");
    let sealed = room.send("m.room.encrypted", None, AMY, content(&original)).unwrap();
    assert!(!is_valid_edit(&sealed, &original), "another type");
    let mut empty = content(&original);
    empty.as_object_mut().unwrap().remove("m.new_content");
    let empty = room.message(AMY, empty).unwrap();
    assert!(!is_valid_edit(&empty, &original), "no new content");
    let mut other = Room::new(RoomVersion::V11);
    let elsewhere = other.message(AMY, content(&original)).unwrap();
    assert!(!is_valid_edit(&elsewhere, &original), "another room");

    let secret = json!({ "algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x" });
    let secret = room.send("m.room.encrypted", None, AMY, secret).unwrap();
    let relates_to = json!({ "rel_type": "m.replace", "event_id": secret.event_id });
    let edit = room.send("m.room.encrypted", None, AMY, json!({ "m.relates_to": relates_to })).unwrap();
    assert!(is_valid_edit(&edit, &secret), "the new content is within the ciphertext");
}
