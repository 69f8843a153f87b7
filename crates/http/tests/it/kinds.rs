//! Accounts of patients and outsiders: only in conversations that others opened, and nobody else to be seen.

use serde_json::{Value, json};
use wardline_identity::AccountKind;

use crate::support::{PASSWORD, Server, text};

struct House {
    server: Server,
    amy: String,
    pat: String,
    /// A room of amy's that pat is in.
    room: String,
}

const PAT: &str = "@pat:riverside.example";
const BOB: &str = "@bob:riverside.example";
const AMY: &str = "@amy:riverside.example";

/// A server where amy has invited the guest pat, who has joined.
async fn house(kind: AccountKind) -> House {
    let server = Server::new().await;
    for guest in ["pat", "sam"] {
        server.identity.create_account_of(kind, guest, Some(PASSWORD), false).await.unwrap();
    }
    let (amy, pat) = (server.token("amy").await, server.token("pat").await);
    let body = json!({ "preset": "private_chat", "invite": [PAT] });
    let room = text(&server.call("POST /_matrix/client/v3/createRoom", &amy, body).await.ok(), "room_id");
    server.call(&format!("POST /_matrix/client/v3/rooms/{room}/join"), &pat, json!({})).await.ok();
    House { server, amy, pat, room }
}

#[tokio::test]
async fn what_a_guest_may_never_do() {
    for kind in [AccountKind::Patient, AccountKind::Outsider] {
        let House { server, amy, pat, room } = house(kind).await;
        let open = json!({ "preset": "public_chat", "room_alias_name": "all" });
        let open = text(&server.call("POST /_matrix/client/v3/createRoom", &amy, open).await.ok(), "room_id");
        let knock = json!({ "initial_state": [
            { "type": "m.room.join_rules", "content": { "join_rule": "knock" } } ] });
        let knock =
            text(&server.call("POST /_matrix/client/v3/createRoom", &amy, knock).await.ok(), "room_id");
        let alias = "%23all%3Ariverside.example";
        for (call, body) in [
            ("POST /_matrix/client/v3/createRoom".to_owned(), json!({})),
            ("POST /_matrix/client/v3/user_directory/search".into(), json!({ "search_term": "a" })),
            ("GET /_matrix/client/v3/publicRooms".into(), Value::Null),
            ("POST /_matrix/client/v3/publicRooms".into(), json!({})),
            (format!("GET /_matrix/client/v3/directory/room/{alias}"), Value::Null),
            (format!("PUT /_matrix/client/v3/directory/room/{alias}"), json!({ "room_id": room })),
            (format!("POST /_matrix/client/v3/join/{open}"), json!({})),
            (format!("POST /_matrix/client/v3/join/{alias}"), json!({})),
            (format!("POST /_matrix/client/v3/rooms/{open}/join"), json!({})),
            (format!("POST /_matrix/client/v3/knock/{knock}"), json!({})),
            (format!("POST /_matrix/client/v3/rooms/{room}/invite"), json!({ "user_id": BOB })),
            (format!("POST /_matrix/client/v3/rooms/{room}/kick"), json!({ "user_id": AMY })),
            (format!("POST /_matrix/client/v3/rooms/{room}/upgrade"), json!({ "new_version": "12" })),
            (format!("GET /_matrix/client/v1/rooms/{room}/hierarchy"), Value::Null),
            (format!("GET /_matrix/client/v1/room_summary/{open}"), Value::Null),
        ] {
            let answer = server.call(&call, &pat, body.clone()).await;
            assert_eq!(answer.status, 403, "{kind:?} {call}: {}", answer.body);
            // It is the kind of account that is refused, and not the request.
            let staff = server.call(&call, &amy, body).await;
            assert_ne!(staff.body["error"], answer.body["error"], "{call}");
        }
        for path in ["Practitioner", "Practitioner/amy", "PractitionerRole", "Patient", "Task", "CareTeam"] {
            let answer = server.get(&format!("/fhir/R4/{path}"), &pat).await;
            assert_eq!(answer.status, 403, "{path}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn whom_a_guest_can_know_of() {
    let House { server, amy, pat, room } = house(AccountKind::Patient).await;
    let profile = |user: &str| format!("/_matrix/client/v3/profile/{user}");
    let query = |user: &str| json!({ "device_keys": { user: [] } });
    let to = |user: &str| json!({ "messages": { user: { "*": {} } } });
    let sees = async |user: &str| {
        let seen = server.get(&profile(user), &pat).await.status == 200;
        let transaction: String = user.chars().filter(char::is_ascii_alphanumeric).collect();
        let send = format!("PUT /_matrix/client/v3/sendToDevice/m.test/{transaction}{seen}");
        let reaches = server.call(&send, &pat, to(user)).await.status == 200;
        server.call("POST /_matrix/client/v3/keys/query", &pat, query(user)).await.ok();
        assert_eq!(seen, reaches, "{user}");
        seen
    };
    assert!(sees(AMY).await && sees(PAT).await);
    // Neither other staff nor another patient.
    assert!(!sees(BOB).await && !sees("@sam:riverside.example").await);
    server.get(&profile("@nobody:riverside.example"), &pat).await.refused(404, "M_NOT_FOUND");
    // Who invites is known before the invitation is accepted.
    let bob = server.token("bob").await;
    let body = json!({ "preset": "private_chat", "invite": [PAT] });
    let second = text(&server.call("POST /_matrix/client/v3/createRoom", &bob, body).await.ok(), "room_id");
    assert!(sees(BOB).await);
    server.call(&format!("POST /_matrix/client/v3/join/{second}"), &pat, json!({})).await.ok();
    // And what everybody in a conversation does.
    let send = format!("PUT /_matrix/client/v3/rooms/{room}/send/m.room.message/1");
    server.call(&send, &pat, json!({ "msgtype": "m.text", "body": "x" })).await.ok();
    server.get("/_matrix/client/v3/sync", &pat).await.ok();
    server.call(&format!("POST /_matrix/client/v3/rooms/{room}/leave"), &pat, json!({})).await.ok();
    assert!(!sees(AMY).await);
    // Staff see the guest with a mark that the guest cannot take off.
    let shown = server.get(&profile(PAT), &amy).await.ok();
    assert_eq!(shown["org.wardline.kind"], "patient");
    let own = format!("PUT {}/org.wardline.kind", profile(PAT));
    let refused = server.call(&own, &pat, json!({ "org.wardline.kind": "staff" })).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    let who = server.get("/_matrix/client/v3/account/whoami", &pat).await.ok();
    assert_eq!(who["org.wardline.kind"], "patient");
}

#[tokio::test]
async fn a_key_of_somebody_unseen_is_no_key() {
    let House { server, pat, .. } = house(AccountKind::Patient).await;
    let phone = server.login("amy", json!({ "device_id": "PHONE" })).await.ok();
    let keys = json!({ "device_keys": crate::keys::device_keys("PHONE") });
    server.call("POST /_matrix/client/v3/keys/upload", &text(&phone, "access_token"), keys).await.ok();
    // Pat shares a conversation with amy, sam does not.
    let query = json!({ "device_keys": { AMY: [] } });
    let found = server.call("POST /_matrix/client/v3/keys/query", &pat, query.clone()).await.ok();
    assert!(found["device_keys"][AMY]["PHONE"].is_object(), "{found}");
    let sam = server.token("sam").await;
    let found = server.call("POST /_matrix/client/v3/keys/query", &sam, query).await.ok();
    assert!(found["device_keys"].get(AMY).is_none(), "{found}");
}
