//! Identifiers.

use proptest::prelude::*;
use wardline_domain::Random;
use wardline_domain::ids::{
    IdError, event_id_from_hash, event_id_to_hash, new_room_id, new_user_id, parse_server_name, parse_user_id,
};
use wardline_domain::room_version::RoomVersion;
use wardline_domain::ruma::{event_id, server_name};

#[derive(Debug)]
struct Fixed;

impl Random for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0xfb);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_event_id_and_its_hash_are_the_same_thing(hash: [u8; 32]) {
        for version in RoomVersion::understood() {
            prop_assert_eq!(event_id_to_hash(&event_id_from_hash(&hash, version).unwrap()).unwrap(), hash);
        }
    }

    #[test]
    fn any_text_is_refused_or_is_an_id(text: String) {
        if let Ok(id) = parse_user_id(&format!("@{text}:riverside.example")) {
            prop_assert!(id.as_str().len() <= 255);
        }
        if let Ok(id) = new_user_id(&text, server_name!("riverside.example")) {
            prop_assert_eq!(id.localpart(), &text);
        }
        let _ = parse_server_name(&text);
    }
}

#[test]
fn user_ids_are_strict_when_new_and_lenient_when_foreign() {
    let server = server_name!("riverside.example");
    for localpart in ["amy", "a.b_c=d-e/f+9", "0"] {
        assert_eq!(new_user_id(localpart, server).unwrap().localpart(), localpart);
    }
    for localpart in ["", "Amy", "amy b", "amy:b", "é", &"x".repeat(250)] {
        assert!(new_user_id(localpart, server).is_err(), "{localpart}");
    }
    assert!(parse_user_id("@Amy!:riverside.example").is_ok());
    for id in ["amy:riverside.example", "@amy", "@amy:", "", &format!("@{}:x.example", "a".repeat(250))] {
        assert!(parse_user_id(id).is_err(), "{id}");
    }
}

#[test]
fn room_ids_and_server_names() {
    let id = new_room_id(&Fixed, server_name!("riverside.example")).unwrap();
    assert_eq!(id.as_str(), "!-_v7-_v7-_v7-_v7-_v7-_v7:riverside.example");
    for name in ["riverside.example", "riverside.example:8448", "10.0.0.1", "[::1]:80"] {
        assert_eq!(parse_server_name(name).unwrap().as_str(), name);
    }
    for name in ["", "a b", "riverside.example:port", "[::1", &"x".repeat(231)] {
        assert!(parse_server_name(name).is_err(), "{name}");
    }
    assert_eq!(event_id_to_hash(event_id!("$old:riverside.example")), Err(IdError::NotAHash));
}
