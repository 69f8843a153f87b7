//! Guests, and what the operator decides about rooms, people, contacts and haste.

use serde_json::{Value, json};
use wardline_http::{Bucket, Publishers, SupportConfig, SupportContact, UserDirectory};

use crate::support::{Server, text};

const GUEST: &str = "POST /_matrix/client/v3/register?kind=guest";
const CREATE: &str = "POST /_matrix/client/v3/createRoom";

async fn room(server: &Server, token: &str, guest_access: &str) -> String {
    let body = json!({
        "preset": "public_chat",
        "initial_state": [
            { "type": "m.room.guest_access", "content": { "guest_access": guest_access } },
            { "type": "m.room.history_visibility", "content": { "history_visibility": "world_readable" } },
        ],
    });
    text(&server.call(CREATE, token, body).await.ok(), "room_id")
}

#[tokio::test]
async fn a_guest_reads_open_rooms_and_joins_those_that_let_guests_in() {
    let server = Server::with(|config| config.guests = true).await;
    let amy = server.token("amy").await;
    let (open, shut) = (room(&server, &amy, "can_join").await, room(&server, &amy, "forbidden").await);
    let answer = server.call(GUEST, "", Value::Null).await.ok();
    let guest = text(&answer, "access_token");
    assert!(text(&answer, "user_id").starts_with("@guest-"));

    server.get(&format!("/_matrix/client/v3/rooms/{shut}/messages?dir=b"), &guest).await.ok();
    let join = |room: &str| format!("POST /_matrix/client/v3/join/{room}");
    server.call(&join(&shut), &guest, json!({})).await.refused(403, "M_FORBIDDEN");
    server.call(&join(&open), &guest, json!({})).await.ok();
    let send = format!("PUT /_matrix/client/v3/rooms/{open}/send/m.room.message/1");
    server.call(&send, &guest, json!({ "msgtype": "m.text", "body": "hello" })).await.ok();
    for call in [CREATE, "POST /_matrix/client/v3/account/password"] {
        server.call(call, &guest, json!({})).await.refused(403, "M_GUEST_ACCESS_FORBIDDEN");
    }

    let access = format!("PUT /_matrix/client/v3/rooms/{open}/state/m.room.guest_access");
    server.call(&access, &amy, json!({ "guest_access": "forbidden" })).await.ok();
    let joined = server.get("/_matrix/client/v3/joined_rooms", &guest).await.ok();
    assert_eq!(joined["joined_rooms"], json!([]));
}

#[tokio::test]
async fn the_operator_decides_who_lists_rooms_and_who_is_found() {
    let server = Server::with(|config| {
        config.publishers = Publishers::Nobody;
        config.user_directory = UserDirectory::Nobody;
    })
    .await;
    let amy = server.token("amy").await;
    let public = json!({ "visibility": "public" });
    server.call(CREATE, &amy, public.clone()).await.refused(403, "M_FORBIDDEN");
    let room = text(&server.call(CREATE, &amy, json!({})).await.ok(), "room_id");
    let list = format!("PUT /_matrix/client/v3/directory/list/room/{room}");
    server.call(&list, &amy, public.clone()).await.refused(403, "M_FORBIDDEN");
    server.call(&list, &amy, json!({ "visibility": "private" })).await.ok();
    let search = json!({ "search_term": "bob" });
    let found = server.call("POST /_matrix/client/v3/user_directory/search", &amy, search).await.ok();
    assert_eq!(found["results"], json!([]));

    let server = Server::with(|config| config.publishers = Publishers::Administrators).await;
    server.identity.create_account("zoe", Some(crate::support::PASSWORD), true).await.unwrap();
    let (amy, zoe) = (server.token("amy").await, server.token("zoe").await);
    server.call(CREATE, &amy, public.clone()).await.refused(403, "M_FORBIDDEN");
    server.call(CREATE, &zoe, public).await.ok();
}

#[tokio::test]
async fn contacts_are_told_when_there_are_any() {
    let server = Server::new().await;
    server.get("/.well-known/matrix/support", "").await.refused(404, "M_NOT_FOUND");
    let contact = SupportContact {
        role: "m.role.security".to_owned(),
        email_address: Some("security@riverside.example".to_owned()),
        matrix_id: None,
        pgp_key: None,
    };
    let support =
        SupportConfig { support_page: Some("https://help.example".to_owned()), contacts: vec![contact] };
    let server = Server::with(|config| config.support = Some(support)).await;
    let told = server.get("/.well-known/matrix/support", "").await.ok();
    assert_eq!(
        told,
        json!({ "support_page": "https://help.example", "contacts": [
            { "role": "m.role.security", "email_address": "security@riverside.example" },
        ] })
    );
}

#[tokio::test]
async fn haste_is_limited_per_device_and_reading_is_not() {
    let server = Server::with(|config| config.write_limit = Bucket { burst: 3, per_minute: 60 }).await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    for _ in 0..3 {
        server.call(CREATE, &amy, json!({})).await.ok();
    }
    let answer = server.call(CREATE, &amy, json!({})).await;
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(answer.refused(429, "M_LIMIT_EXCEEDED")["retry_after_ms"], 1000);
    for _ in 0..20 {
        server.get("/_matrix/client/v3/joined_rooms", &amy).await.ok();
    }
    server.call(CREATE, &bob, json!({})).await.ok();
    // Another device of the same person has buckets of its own, up to what one person may do in all.
    let mut made = 0;
    for _ in 0..5 {
        let device = server.token("amy").await;
        for _ in 0..3 {
            made += u32::from(server.call(CREATE, &device, json!({})).await.status == 200);
        }
    }
    assert_eq!(made, 4 * 3 - 3);
    server.clock.advance(60_000);
    server.call(CREATE, &amy, json!({})).await.ok();
}
