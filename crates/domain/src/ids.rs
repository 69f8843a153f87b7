//! Identifiers (Matrix appendices, "Common Namespaced Identifier Grammar" and the grammars that follow it).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use ruma::{
    EventId, IdParseError, OwnedEventId, OwnedRoomId, OwnedServerName, OwnedUserId, ServerName, UserId,
};

use crate::random::Random;
use crate::room_version::RoomVersion;

/// Why an identifier is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// It does not follow its grammar.
    #[error("{what}: {reason}")]
    Malformed {
        /// Which identifier.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// An event id that is not a 32-byte hash in base64.
    #[error("event id: not a 32-byte hash in base64")]
    NotAHash,
}

fn malformed(what: &'static str) -> impl Fn(IdParseError) -> IdError {
    move |error| IdError::Malformed { what, reason: error.to_string() }
}

/// A new room id of room versions before 12: 18 random bytes (opaque) and the server's name.
///
/// # Errors
/// [`IdError::Malformed`] if the server name is too long for a room id.
pub fn new_room_id(random: &dyn Random, server_name: &ServerName) -> Result<OwnedRoomId, IdError> {
    let id = format!("!{}:{server_name}", random.token(18));
    OwnedRoomId::try_from(id).map_err(malformed("room id"))
}

/// The event id made of a reference hash, in the base64 alphabet of the room version.
///
/// # Errors
/// None in practice; the type keeps callers from panicking should the grammar of ids change.
pub fn event_id_from_hash(hash: &[u8; 32], version: RoomVersion) -> Result<OwnedEventId, IdError> {
    let mut id = String::with_capacity(44);
    id.push('$');
    if version.as_str() == "3" {
        STANDARD_NO_PAD.encode_string(hash, &mut id);
    } else {
        URL_SAFE_NO_PAD.encode_string(hash, &mut id);
    }
    OwnedEventId::try_from(id).map_err(malformed("event id"))
}

/// The 32 bytes of an event id of room version 3 or later, for compact storage.
///
/// # Errors
/// [`IdError::NotAHash`] for any other id.
pub fn event_id_to_hash(event_id: &EventId) -> Result<[u8; 32], IdError> {
    let text = event_id.as_str().strip_prefix('$').ok_or(IdError::NotAHash)?;
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .or_else(|_| STANDARD_NO_PAD.decode(text))
        .map_err(|_| IdError::NotAHash)?;
    bytes.try_into().map_err(|_| IdError::NotAHash)
}

/// Parses a server name: DNS name, IPv4 or bracketed IPv6 address, with an optional port.
///
/// # Errors
/// [`IdError::Malformed`].
pub fn parse_server_name(name: &str) -> Result<OwnedServerName, IdError> {
    let name = ServerName::parse(name).map_err(malformed("server name"))?;
    // The longest name that leaves room for a localpart within the 255 bytes of an id.
    if name.as_str().len() > 230 {
        return Err(IdError::Malformed { what: "server name", reason: "the most is 230 bytes".to_owned() });
    }
    Ok(name)
}

/// The user id of a new account. The localpart must follow today's grammar: `a-z 0-9 . _ = - / +`, not empty,
/// and the whole id at most 255 bytes.
///
/// # Errors
/// [`IdError::Malformed`].
pub fn new_user_id(localpart: &str, server_name: &ServerName) -> Result<OwnedUserId, IdError> {
    let id = UserId::parse(format!("@{localpart}:{server_name}")).map_err(malformed("user id"))?;
    id.validate_strict().map_err(malformed("user id"))?;
    if id.localpart() != localpart || localpart.is_empty() {
        return Err(IdError::Malformed { what: "user id", reason: "the localpart is not valid".to_owned() });
    }
    Ok(id)
}

/// Parses a user id that may follow the historical grammar (printable ASCII localpart), as other servers' may.
///
/// # Errors
/// [`IdError::Malformed`].
pub fn parse_user_id(id: &str) -> Result<OwnedUserId, IdError> {
    let id = UserId::parse(id).map_err(malformed("user id"))?;
    id.validate_historical().map_err(malformed("user id"))?;
    Ok(id)
}
