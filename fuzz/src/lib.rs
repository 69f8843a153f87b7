//! What is done with arbitrary bytes, parser by parser. Each of these may refuse the bytes in any way but a panic, and
//! checks what must hold for whatever it accepts.
//!
//! The fuzz targets call them, and `crates/http/tests/it/fuzz` does so with random bytes in every run of the tests.

use std::str::FromStr;

use wardline_domain::canonical::Value;
use wardline_domain::care::hl7::{self, Message, adt::AdtEvent};
use wardline_domain::care::{NhsNumber, playbook::Playbook};
use wardline_domain::event_format::ClientEvent;
use wardline_domain::pdu::Pdu;
use wardline_domain::push::PushEvent;
use wardline_domain::redaction;
use wardline_domain::room_version::RoomVersion;
use wardline_domain::{ids, push};
use wardline_engine::filters::{Filter, RoomEventFilter};
use wardline_engine::rooms::{HierarchyToken, Token};
use wardline_engine::sync::SyncToken;
use wardline_engine::sync::sliding::SlidingBody;

/// A parser by its name.
pub type Target = (&'static str, fn(&[u8]));

/// All parsers.
pub const TARGETS: &[Target] = &[
    ("canonical", canonical),
    ("pdu", pdu),
    ("hl7", hl7),
    ("playbook", playbook),
    ("filter", filter),
    ("sliding", sliding),
    ("tokens", tokens),
    ("names", names),
    ("body", body),
];

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Canonical JSON: what is written is read as the same.
pub fn canonical(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Ok(value) = Value::parse(text) {
        let written = value.to_canonical();
        let again = Value::parse(&written).expect("canonical JSON is JSON");
        assert_eq!(again.to_canonical(), written);
    }
}

/// Events of other servers, in every room version.
pub fn pdu(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    for version in ["3", "6", "9", "10", "11", "12"] {
        let Ok(version) = RoomVersion::parse(version) else { continue };
        let Ok(pdu) = Pdu::parse(text, version) else { continue };
        let left = redaction::redact(&pdu, version).expect("an event that was parsed can be redacted");
        assert_eq!(left.event_id, pdu.event_id);
        let client = ClientEvent::new(&pdu);
        serde_json::from_str::<serde_json::Value>(client.as_str()).expect("clients get JSON");
        drop(PushEvent::new(&client));
    }
}

/// HL7 v2: files, messages, and what they say about a patient.
pub fn hl7(bytes: &[u8]) {
    for message in hl7::split_file(bytes) {
        assert!(message.bytes.len() <= bytes.len());
        if let Ok(message) = Message::parse(message.bytes) {
            drop(AdtEvent::read(&message));
        }
    }
}

/// Playbooks.
pub fn playbook(bytes: &[u8]) {
    if let Some(text) = text(bytes) {
        drop(Playbook::parse(text));
    }
}

/// Filters of `/sync` and of `/messages`.
pub fn filter(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    drop(Filter::parse(text));
    drop(serde_json::from_str::<RoomEventFilter>(text));
}

/// The body of sliding sync.
pub fn sliding(bytes: &[u8]) {
    if let Ok(body) = serde_json::from_slice::<SlidingBody>(bytes) {
        drop(body.check());
    }
}

/// Tokens: what is accepted is written as something that is accepted again and means the same.
pub fn tokens(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Ok(token) = SyncToken::from_str(text) {
        assert_eq!(SyncToken::from_str(&token.to_string()).expect("a token"), token);
    }
    if let Ok(token) = Token::from_str(text) {
        assert_eq!(Token::from_str(&token.to_string()).expect("a token"), token);
    }
    drop(HierarchyToken::from_str(text));
}

/// Names and numbers that stand in paths and fields.
pub fn names(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    drop(ids::parse_server_name(text));
    drop(ids::parse_user_id(text));
    let _ = NhsNumber::from_str(text);
    let _ = push::parse_kind(text);
    drop(RoomVersion::parse(text));
}

/// Any JSON body.
pub fn body(bytes: &[u8]) {
    drop(wardline_http::parse_object::<serde_json::Value>(bytes));
}
