//! The administration API: who may, what it shows and changes, that it is audited and described.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{PASSWORD, Server, password_auth, text};

const BASE: &str = "/_wardline/admin/v1";
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol/admin-openapi.json");

struct House {
    server: Server,
    zoe: String,
    amy: String,
}

impl House {
    async fn new() -> Self {
        let server = Server::with(|config| config.registration_tokens = true).await;
        server.identity.create_account("zoe", Some(PASSWORD), true).await.unwrap();
        let (zoe, amy) = (server.token("zoe").await, server.token("amy").await);
        Self { server, zoe, amy }
    }

    async fn get(&self, path: &str) -> Value {
        self.server.get(&format!("{BASE}{path}"), &self.zoe).await.ok()
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> crate::support::Answer {
        self.server.call(&format!("{method} {BASE}{path}"), &self.zoe, body).await
    }

    /// How often the audit log has an action.
    fn audited(&self, action: &str) -> usize {
        let mut found = 0;
        let visit = |row: wardline_store::audit_log::AuditRow| {
            found += usize::from(row.action == action);
            Ok(())
        };
        self.server.store.read_now(|tx| wardline_store::audit_log::for_each(tx, 1, 100_000, visit)).unwrap();
        found
    }
}

const BOB: &str = "@bob:riverside.example";

#[tokio::test]
async fn only_administrators_and_every_look_is_audited() {
    let house = House::new().await;
    for path in
        ["/users", "/rooms", "/media", "/reports", "/statistics", "/federation", "/registration-tokens"]
    {
        house.server.get(&format!("{BASE}{path}"), &house.amy).await.refused(403, "M_FORBIDDEN");
        house.server.get(&format!("{BASE}{path}"), "").await.refused(401, "M_MISSING_TOKEN");
        house.get(path).await;
    }
    assert_eq!(house.audited("administration.read"), 7);
    assert_eq!(house.get("/federation").await["enabled"], false);
    assert_eq!(house.get("/statistics").await["counts"]["accounts"], 3);
}

#[tokio::test]
async fn the_document_is_the_one_in_the_repository() {
    let text = wardline_http::admin_openapi() + "\n";
    if std::env::var_os("WARDLINE_UPDATE").is_some() {
        fs::write(DOCUMENT, &text).unwrap();
    }
    let kept = fs::read_to_string(Path::new(DOCUMENT)).unwrap_or_default();
    assert!(
        kept == text,
        "docs/protocol/admin-openapi.json has drifted: WARDLINE_UPDATE=1 cargo test -p wardline-http admin"
    );
    let served = Server::new().await.get(&format!("{BASE}/openapi.json"), "").await.ok();
    assert_eq!(served, serde_json::from_str::<Value>(&text).unwrap());
    // Every route is described, and what is described is a route.
    let house = House::new().await;
    for (path, operations) in served["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let call = format!("{} {}", method.to_uppercase(), path.replace(['{', '}'], ""));
            let answer = house.server.call(&call, &house.zoe, json!({})).await;
            assert_ne!(answer.body["errcode"], "M_UNRECOGNIZED", "{call}");
        }
    }
}

#[tokio::test]
async fn accounts_are_found_made_changed_and_closed() {
    let house = House::new().await;
    let page = house.get("/users?limit=2").await;
    assert_eq!(
        (&page["total"], &page["next"], page["users"].as_array().unwrap().len()),
        (&json!(3), &json!(2), 2)
    );
    let found = house.get("/users?search=BO").await;
    assert_eq!(found["users"][0]["user_id"], BOB);
    assert_eq!(house.get("/users?search=%25").await["total"], 0);
    assert_eq!(house.get("/users?admin=true").await["total"], 1);

    let new = json!({ "password": PASSWORD, "display_name": "Cat" });
    let cat = house.call("PUT", "/users/@cat:riverside.example", new.clone()).await.ok();
    assert_eq!((&cat["display_name"], &cat["admin"]), (&json!("Cat"), &json!(false)));
    house.call("PUT", "/users/@cat:riverside.example", new).await.refused(400, "M_USER_IN_USE");
    let cat = house.server.token("cat").await;
    house.call("PATCH", "/users/@cat:riverside.example", json!({ "locked": true })).await.ok();
    house.server.get("/_matrix/client/v3/joined_rooms", &cat).await.refused(401, "M_USER_LOCKED");
    house
        .call("PATCH", "/users/@cat:riverside.example", json!({ "locked": false, "admin": true }))
        .await
        .ok();
    house.server.get(&format!("{BASE}/users"), &cat).await.ok();
    house.call("PATCH", "/users/@cat:riverside.example", json!({ "admin": false })).await.ok();
    house.server.get(&format!("{BASE}/users"), &cat).await.refused(403, "M_FORBIDDEN");
    let last = house.call("PATCH", "/users/@zoe:riverside.example", json!({ "admin": false })).await;
    last.refused(400, "M_INVALID_PARAM");

    let devices = house.get("/users/@cat:riverside.example/devices").await;
    let device = text(&devices["devices"][0], "device_id");
    house.call("DELETE", &format!("/users/@cat:riverside.example/devices/{device}"), Value::Null).await.ok();
    house.server.get("/_matrix/client/v3/joined_rooms", &cat).await.refused(401, "M_UNKNOWN_TOKEN");
    let bob = house.server.token("bob").await;
    let reset = json!({ "password": "another long password" });
    house.call("POST", &format!("/users/{BOB}/password"), reset).await.ok();
    house.server.get("/_matrix/client/v3/joined_rooms", &bob).await.refused(401, "M_UNKNOWN_TOKEN");
    let login = crate::support::login_body("bob", "another long password");
    house.server.call("POST /_matrix/client/v3/login", "", login.clone()).await.ok();
    house.call("POST", &format!("/users/{BOB}/deactivate"), Value::Null).await.ok();
    house.server.call("POST /_matrix/client/v3/login", "", login).await.refused(403, "M_FORBIDDEN");
    assert_eq!(house.get(&format!("/users/{BOB}")).await["deactivated"], true);
    house.call("POST", &format!("/users/{BOB}/deactivate"), Value::Null).await.refused(404, "M_NOT_FOUND");
    assert_eq!(house.audited("account.changed"), 3);
    assert_eq!(house.audited("account.deactivated"), 1);
}

#[tokio::test]
async fn rooms_are_shown_blocked_and_closed() {
    let house = House::new().await;
    let bob = house.server.token("bob").await;
    let body = json!({ "name": "Ward 7", "preset": "public_chat", "room_version": "11", "room_alias_name": "ward7" });
    let room = text(
        &house.server.call("POST /_matrix/client/v3/createRoom", &house.amy, body).await.ok(),
        "room_id",
    );
    let join = format!("POST /_matrix/client/v3/join/{room}");
    house.server.call(&join, &bob, json!({})).await.ok();
    for search in ["Ward", "WARD7", &room] {
        let search = search.replace('#', "%23");
        assert_eq!(
            house.get(&format!("/rooms?search={search}")).await["rooms"][0]["room_id"],
            room.as_str(),
            "{search}"
        );
    }
    assert_eq!(house.get("/rooms?search=nothing").await["total"], 0);
    let one = house.get(&format!("/rooms/{room}")).await;
    assert_eq!(
        (&one["name"], &one["num_joined_members"], &one["blocked"]),
        (&json!("Ward 7"), &json!(2), &json!(false))
    );
    assert_eq!(house.get(&format!("/rooms/{room}/members")).await["total"], 2);
    let state = house.get(&format!("/rooms/{room}/state")).await;
    assert!(state.as_array().unwrap().iter().any(|event| event["type"] == "m.room.name"));

    house.call("POST", &format!("/rooms/{room}/make-admin"), json!({ "user_id": BOB })).await.ok();
    let levels = format!("/_matrix/client/v3/rooms/{room}/state/m.room.power_levels");
    assert_eq!(house.server.get(&levels, &bob).await.ok()["users"][BOB], 100);
    house.call("POST", &format!("/rooms/{room}/make-admin"), json!({})).await.refused(403, "M_FORBIDDEN");

    house.call("PUT", &format!("/rooms/{room}/block"), json!({ "blocked": true })).await.ok();
    house.server.call(&join, &house.zoe, json!({})).await.refused(403, "M_FORBIDDEN");
    house.call("PUT", &format!("/rooms/{room}/block"), json!({ "blocked": false })).await.ok();
    house.server.call(&join, &house.zoe, json!({})).await.ok();
    let closed = house.call("DELETE", &format!("/rooms/{room}"), Value::Null).await.ok();
    assert_eq!(closed["removed"], 3);
    house.server.call(&join, &house.amy, json!({})).await.refused(403, "M_FORBIDDEN");
    house
        .server
        .get("/_matrix/client/v3/directory/room/%23ward7:riverside.example", &house.amy)
        .await
        .refused(404, "M_NOT_FOUND");
    house.call("DELETE", "/rooms/!unknown:riverside.example", Value::Null).await.refused(404, "M_NOT_FOUND");
    assert_eq!(house.audited("room.administered"), 5);
}

#[tokio::test]
async fn files_in_quarantine_are_given_to_nobody() {
    let house = House::new().await;
    let upload = "POST /_matrix/media/v3/upload";
    let uri = text(&house.server.call(upload, &house.amy, json!({ "a": "file" })).await.ok(), "content_uri");
    let id = uri.rsplit('/').next().unwrap();
    let download = format!("/_matrix/client/v1/media/download/riverside.example/{id}");
    house.server.get(&download, &house.amy).await.ok();
    assert_eq!(house.get("/media").await["users"][0]["files"], 1);
    let quarantine = format!("/media/{id}/quarantine");
    house.call("PUT", &quarantine, json!({ "quarantined": true })).await.ok();
    house.server.get(&download, &house.amy).await.refused(404, "M_NOT_FOUND");
    assert_eq!(house.get("/users/@amy:riverside.example/media").await["media"][0]["quarantined"], true);
    house.call("PUT", &quarantine, json!({ "quarantined": false })).await.ok();
    house.server.get(&download, &house.amy).await.ok();
    house.call("DELETE", &format!("/media/{id}"), Value::Null).await.ok();
    house.server.get(&download, &house.amy).await.refused(404, "M_NOT_FOUND");
    house.call("DELETE", &format!("/media/{id}"), Value::Null).await.refused(404, "M_NOT_FOUND");
    assert_eq!(house.audited("media.administered"), 3);
}

#[tokio::test]
async fn a_token_is_good_for_as_many_accounts_as_it_says() {
    let house = House::new().await;
    let token = house
        .call("POST", "/registration-tokens", json!({ "token": "welcome", "uses_allowed": 1 }))
        .await
        .ok();
    house
        .call("POST", "/registration-tokens", json!({ "token": "welcome" }))
        .await
        .refused(400, "M_INVALID_PARAM");
    house
        .call("POST", "/registration-tokens", json!({ "token": "a b" }))
        .await
        .refused(400, "M_INVALID_PARAM");
    let validity = "/_matrix/client/v1/register/m.login.registration_token/validity?token=welcome";
    assert_eq!(house.server.get(validity, "").await.ok()["valid"], true);

    let register = "POST /_matrix/client/v3/register";
    let mut body = json!({ "username": "cat", "password": PASSWORD });
    let challenge = house.server.call(register, "", body.clone()).await;
    assert_eq!(challenge.body["flows"], json!([{ "stages": ["m.login.registration_token"] }]));
    let auth = |token: &str| json!({ "type": "m.login.registration_token", "token": token, "session": challenge.body["session"] });
    body["auth"] = auth("wrong");
    house.server.call(register, "", body.clone()).await.refused(401, "M_UNAUTHORIZED");
    // A refused account takes no use.
    let weak = json!({ "username": "cat", "password": "x", "auth": auth("welcome") });
    house.server.call(register, "", weak).await.refused(400, "M_WEAK_PASSWORD");
    body["auth"] = auth("welcome");
    house.server.call(register, "", body.clone()).await.ok();
    body["username"] = json!("dan");
    house.server.call(register, "", body.clone()).await.refused(401, "M_UNAUTHORIZED");
    assert_eq!(house.server.get(validity, "").await.ok()["valid"], false);

    let path = format!("/registration-tokens/{}", token["id"]);
    assert_eq!(house.get(&path).await["used"], 1);
    let soon = 1_800_000_060_000_i64;
    house.call("PUT", &path, json!({ "uses_allowed": 5, "expires_at": soon })).await.ok();
    assert_eq!(house.server.get(validity, "").await.ok()["valid"], true);
    house.server.clock.advance(60_000);
    assert_eq!(house.server.get(validity, "").await.ok()["valid"], false);
    house.call("DELETE", &path, Value::Null).await.ok();
    house.call("DELETE", &path, Value::Null).await.refused(404, "M_NOT_FOUND");
    assert_eq!(house.get("/registration-tokens").await["registration_tokens"], json!([]));
    let dummy = json!({ "username": "dan", "password": PASSWORD, "auth": password_auth("dan", PASSWORD, &json!("x")) });
    assert_eq!(house.server.call(register, "", dummy).await.status, 401);
}

#[tokio::test]
async fn notices_go_to_a_room_of_their_own_and_reports_are_closed() {
    let house = House::new().await;
    let notices = "/users/@amy:riverside.example/notices";
    let first = house.call("POST", notices, json!({ "body": "Down at six" })).await.ok();
    let second = house.call("POST", notices, json!({ "body": "Up again" })).await.ok();
    assert_eq!(first["room_id"], second["room_id"]);
    let room = text(&first, "room_id");
    house.server.call(&format!("POST /_matrix/client/v3/join/{room}"), &house.amy, json!({})).await.ok();
    let page =
        house.server.get(&format!("/_matrix/client/v3/rooms/{room}/messages?dir=b"), &house.amy).await.ok();
    let said: Vec<_> =
        page["chunk"].as_array().unwrap().iter().filter(|event| event["type"] == "m.room.message").collect();
    assert_eq!(
        (&said[0]["content"]["body"], &said[1]["content"]["body"]),
        (&json!("Up again"), &json!("Down at six"))
    );
    assert_eq!(said[0]["sender"], "@_notices:riverside.example");
    let tags = format!("/_matrix/client/v3/user/@amy:riverside.example/rooms/{room}/tags");
    assert!(house.server.get(&tags, &house.amy).await.ok()["tags"]["m.server_notice"].is_object());
    house
        .call("POST", "/users/@nobody:riverside.example/notices", json!({ "body": "x" }))
        .await
        .refused(404, "M_NOT_FOUND");
    house.call("POST", notices, json!({ "body": "" })).await.refused(400, "M_INVALID_PARAM");

    let report = format!("POST /_matrix/client/v3/rooms/{room}/report/{}", text(&second, "event_id"));
    house.server.call(&report, &house.amy, json!({ "reason": "too loud" })).await.ok();
    let reports = house.get("/reports").await;
    let told = &reports["reports"][0];
    assert_eq!(
        (&told["reporter"], &told["event_id"], &told["reason"]),
        (&json!("@amy:riverside.example"), &second["event_id"], &json!("too loud"))
    );
    house.call("DELETE", &format!("/reports/{}", told["id"]), Value::Null).await.ok();
    assert_eq!(house.get("/reports").await["total"], 0);
    assert_eq!((house.audited("notice.sent"), house.audited("report.closed")), (2, 1));
}
