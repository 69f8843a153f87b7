//! Redactions (client-server specification, "Redactions", and each room version's "Redactions").

use ruma::UserId;

use crate::canonical::{Members, Value};
use crate::pdu::{Pdu, PduError};
use crate::power_levels::PowerLevels;
use crate::room_version::RoomVersion;

const KEPT: [&str; 12] = [
    "auth_events",
    "content",
    "depth",
    "event_id",
    "hashes",
    "origin_server_ts",
    "prev_events",
    "room_id",
    "sender",
    "signatures",
    "state_key",
    "type",
];

const KEPT_BEFORE_11: [&str; 3] = ["membership", "origin", "prev_state"];

const POWER_LEVELS: [&str; 8] =
    ["ban", "events", "events_default", "kick", "redact", "state_default", "users", "users_default"];

/// The event with everything removed that a redaction removes. Its id stays the same.
///
/// # Errors
/// Never for an event that was parsed or built here; the error says what could not be read.
pub fn redact(pdu: &Pdu, version: RoomVersion) -> Result<Pdu, PduError> {
    let members = crate::canonical::parse_object(pdu.json())?;
    let json = Value::Object(redact_members(&members, version)).to_canonical();
    Pdu::from_stored(pdu.event_id.clone(), json, version)
}

/// Whether a redaction that was accepted into the room takes effect on its target (each room version since 3,
/// "Handling redactions"): the redaction's sender has the redact level, or both senders are of the same server.
#[must_use]
pub fn applies(redaction: &Pdu, target: &Pdu, power_levels: &PowerLevels) -> bool {
    redaction.redacts.as_ref() == Some(&target.event_id)
        && redaction.room_id == target.room_id
        && may_redact(&redaction.sender, &target.sender, power_levels)
}

/// Whether `sender` may redact an event that `author` sent.
#[must_use]
pub fn may_redact(sender: &UserId, author: &UserId, power_levels: &PowerLevels) -> bool {
    sender.server_name() == author.server_name() || power_levels.can_redact(sender)
}

/// The members of an event that survive a redaction.
pub(crate) fn redact_members<'a>(members: &Members<'a>, version: RoomVersion) -> Members<'a> {
    let old = version.redaction().keep_origin_membership_prev_state;
    let kind =
        members.iter().find(|(key, _)| key == "type").and_then(|(_, value)| value.as_str()).unwrap_or("");
    members
        .iter()
        .filter(|(key, _)| KEPT.contains(&key.as_ref()) || (old && KEPT_BEFORE_11.contains(&key.as_ref())))
        .map(|(key, value)| {
            let value = if key == "content" { redact_content(kind, value, version) } else { value.clone() };
            (key.clone(), value)
        })
        .collect()
}

/// The part of an event's content that survives a redaction.
pub(crate) fn redact_content<'a>(kind: &str, content: &Value<'a>, version: RoomVersion) -> Value<'a> {
    let Value::Object(members) = content else { return content.clone() };
    let rules = version.redaction();
    let keep = |key: &str| match kind {
        "m.room.member" => {
            key == "membership"
                || (key == "join_authorised_via_users_server"
                    && rules.keep_room_member_join_authorised_via_users_server)
                || (key == "third_party_invite" && rules.keep_room_member_third_party_invite_signed)
        }
        "m.room.create" => rules.keep_room_create_content || key == "creator",
        "m.room.join_rules" => key == "join_rule" || (key == "allow" && rules.keep_room_join_rules_allow),
        "m.room.power_levels" => {
            POWER_LEVELS.contains(&key) || (key == "invite" && rules.keep_room_power_levels_invite)
        }
        "m.room.history_visibility" => key == "history_visibility",
        "m.room.aliases" => key == "aliases" && rules.keep_room_aliases_aliases,
        "m.room.redaction" => key == "redacts" && rules.keep_room_redaction_redacts,
        _ => false,
    };
    let kept = members.iter().filter(|(key, _)| keep(key)).filter_map(|(key, value)| {
        if kind == "m.room.member" && key == "third_party_invite" {
            let signed = value.get("signed")?.clone();
            return Some((key.clone(), Value::Object(vec![("signed".into(), signed)])));
        }
        Some((key.clone(), value.clone()))
    });
    Value::Object(kept.collect())
}
