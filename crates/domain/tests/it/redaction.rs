//! Redaction against ruma, and when it takes effect.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use wardline_domain::build::EventTemplate;
use wardline_domain::power_levels::PowerLevels;
use wardline_domain::redaction::{applies, redact};
use wardline_domain::room_version::RoomVersion;
use wardline_domain::ruma::canonical_json::{self, try_from_json_map};

use crate::build::events;
use crate::fixture::{AMY, BEN, Room};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_same_bytes_as_ruma_and_the_same_id((version, pdu) in events()) {
        let object = try_from_json_map(serde_json::from_str::<Map<String, Value>>(pdu.json()).unwrap()).unwrap();
        let expected = canonical_json::redact(object, version.redaction(), None).unwrap();
        let redacted = redact(&pdu, version).unwrap();
        prop_assert_eq!(redacted.json(), serde_json::to_string(&expected).unwrap());
        prop_assert_eq!(&redacted.event_id, &pdu.event_id);
        prop_assert_eq!(wardline_domain::pdu::Pdu::parse(redacted.json(), version).unwrap().event_id, pdu.event_id);
    }
}

#[test]
fn a_redaction_needs_the_level_or_the_same_server() {
    for version in [RoomVersion::V10, RoomVersion::V11, RoomVersion::V12] {
        let mut room = Room::new(version);
        room.open();
        room.member(BEN, BEN, "join").unwrap();
        room.member(crate::fixture::CAT, crate::fixture::CAT, "join").unwrap();
        let from_cat = room.message(crate::fixture::CAT, json!({ "body": "hello" })).unwrap();
        let from_amy = room.message(AMY, json!({ "body": "hello" })).unwrap();
        let create = room.state.0[&("m.room.create".to_owned(), String::new())].clone();
        let levels = PowerLevels::new(&create, None, version).unwrap();
        let redaction = |sender: &str, target: &wardline_domain::pdu::Pdu| {
            let template = EventTemplate {
                redacts: Some(target.event_id.clone()),
                ..room.template("m.room.redaction", None, sender, json!({ "reason": "mistake" }))
            };
            room.build(template)
        };
        assert!(applies(&redaction(AMY, &from_cat), &from_cat, &levels), "the creator may");
        assert!(!applies(&redaction(BEN, &from_cat), &from_cat, &levels), "another server, no level");
        assert!(applies(&redaction(BEN, &from_amy), &from_amy, &levels), "the same server");
        assert!(!applies(&redaction(AMY, &from_amy), &from_cat, &levels), "another event");
        assert_eq!(redaction(AMY, &from_cat).redacts, Some(from_cat.event_id.clone()));
    }
}
