//! What guests may do. Specification: Client-Server API, "Guest Access".

use http::{Method, StatusCode};

use crate::MatrixError;

/// Refuses what a guest may not do.
///
/// # Errors
/// 403 `M_GUEST_ACCESS_FORBIDDEN`.
pub(crate) fn check(method: &Method, path: &str) -> Result<(), MatrixError> {
    let segments: Vec<&str> = path.strip_prefix("/_matrix/").unwrap_or_default().split('/').collect();
    let allowed = match (segments.first(), segments.get(2..)) {
        (Some(&"client"), Some(rest)) => allows(method, rest),
        (Some(&"media"), _) => method == Method::GET,
        _ => false,
    };
    if allowed {
        return Ok(());
    }
    let text = "guests may not do this; make an account";
    Err(MatrixError::new(StatusCode::FORBIDDEN, "M_GUEST_ACCESS_FORBIDDEN", text))
}

/// `rest` is the path after `/_matrix/client/v3/`.
fn allows(method: &Method, rest: &[&str]) -> bool {
    match (method, rest) {
        // Looking at rooms that everybody may read.
        (&Method::GET, ["rooms", _, "state" | "context" | "event" | "messages" | "members" | "initialSync", ..])
        | (&Method::GET, ["rooms", _, "joined_members" | "aliases" | "relations" | "threads" | "hierarchy", ..])
        | (&Method::GET, ["room_summary" | "sync" | "events" | "initialSync" | "publicRooms", ..])
        | (&Method::POST, ["publicRooms" | "org.matrix.simplified_msc3575", ..])
        | (&Method::GET, ["directory", "room", _])
        // In rooms that let guests in.
        | (&Method::POST, ["rooms", _, "join" | "leave" | "forget" | "receipt" | "read_markers", ..])
        | (&Method::POST, ["join", _])
        | (&Method::PUT, ["rooms", _, "send" | "state" | "typing" | "redact", ..])
        | (&Method::PUT, ["sendToDevice", ..])
        // The own account and devices.
        | (&Method::GET, ["account", "whoami"] | ["capabilities"] | ["profile", ..] | ["joined_rooms"])
        | (&Method::PUT, ["profile", _, "displayname"])
        | (&Method::GET | &Method::PUT, ["devices", ..])
        | (&Method::POST, ["keys", "upload" | "query" | "claim"])
        | (&Method::GET, ["keys", "changes"])
        | (&Method::GET | &Method::POST, ["user", _, "filter", ..])
        | (&Method::GET | &Method::PUT, ["user", _, "account_data", ..])
        | (&Method::GET | &Method::PUT, ["user", _, "rooms", _, "account_data", ..])
        | (&Method::GET, ["pushrules", ..] | ["voip", "turnServer"] | ["thirdparty", "protocols"])
        | (&Method::GET, ["media", ..])
        | (&Method::POST, ["logout", ..]) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_look_and_speak_but_make_and_change_nothing() {
        for (method, path, allowed) in [
            (Method::GET, "/_matrix/client/v3/sync", true),
            (Method::GET, "/_matrix/client/v3/rooms/!r/messages", true),
            (Method::PUT, "/_matrix/client/v3/rooms/!r/send/m.room.message/1", true),
            (Method::POST, "/_matrix/client/v3/join/!r", true),
            (Method::PUT, "/_matrix/client/v3/profile/@g:x/displayname", true),
            (Method::GET, "/_matrix/client/v1/media/download/x/y", true),
            (Method::POST, "/_matrix/client/v3/createRoom", false),
            (Method::POST, "/_matrix/client/v3/rooms/!r/invite", false),
            (Method::PUT, "/_matrix/client/v3/profile/@g:x/avatar_url", false),
            (Method::POST, "/_matrix/client/v3/account/password", false),
            (Method::PUT, "/_matrix/client/v3/directory/room/#a:x", false),
            (Method::POST, "/_matrix/media/v3/upload", false),
            (Method::GET, "/_wardline/admin/v1/users", false),
            (Method::GET, "/fhir/R4/Patient", false),
        ] {
            assert_eq!(check(&method, path).is_ok(), allowed, "{method} {path}");
        }
    }
}
