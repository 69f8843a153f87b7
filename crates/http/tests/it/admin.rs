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
    let change = json!({ "admin": false, "display_name": "Catherine" });
    house.call("PATCH", "/users/@cat:riverside.example", change).await.ok();
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
    assert_eq!(house.audited("account.changed"), 5, "twice the rights, once at the making, and two names");
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

/// Everything that the tables of events and of the state hold of a room, as text.
fn kept_of(house: &House, room: &str) -> Vec<String> {
    let room = wardline_domain::ruma::OwnedRoomId::try_from(room).unwrap();
    house
        .server
        .store
        .read_now(|tx| {
            let nid = wardline_store::rooms::find(tx, &room)?.unwrap();
            assert!(wardline_store::state::current(tx, nid)?.is_empty());
            let points = wardline_store::events::newest(tx, nid, 0, u64::MAX >> 1, 1000)?;
            points.into_iter().map(|p| Ok(wardline_store::events::get(tx, p.nid)?.unwrap().pdu)).collect()
        })
        .map_err(|error: wardline_store::StoreError| error)
        .unwrap()
}

#[tokio::test]
async fn of_a_purged_room_nothing_is_left_but_who_left_it() {
    let house = House::new().await;
    let bob = house.server.token("bob").await;
    let upload = "POST /_matrix/media/v3/upload?filename=scan";
    let uri = text(&house.server.call(upload, &house.amy, json!({ "a": "scan" })).await.ok(), "content_uri");
    let body = json!({ "name": "Secret ward", "preset": "public_chat", "invite": [BOB] });
    let room = house.server.call("POST /_matrix/client/v3/createRoom", &house.amy, body).await.ok();
    let room = text(&room, "room_id");
    let at = |rest: &str| format!("/_matrix/client/v3/rooms/{room}/{rest}");
    house.server.call(&format!("POST /_matrix/client/v3/join/{room}"), &bob, json!({})).await.ok();
    let since = text(&house.server.get("/_matrix/client/v3/sync", &bob).await.ok(), "next_batch");
    let mut sent = Vec::new();
    for n in 0..250 {
        let content = json!({ "body": format!("secret {n}"), "msgtype": "m.file", "url": uri });
        let put = format!("PUT {}", at(&format!("send/m.room.message/t{n}")));
        sent.push(text(&house.server.call(&put, &house.amy, content).await.ok(), "event_id"));
    }
    let redact = format!("PUT {}", at(&format!("redact/{}/r", sent[1])));
    house.server.call(&redact, &house.amy, json!({ "reason": "secret" })).await.ok();
    let search = json!({ "search_categories": { "room_events": { "search_term": "secret" } } });
    let find = "POST /_matrix/client/v3/search";
    let count =
        |answer: Value| answer["search_categories"]["room_events"]["results"].as_array().map(Vec::len);
    assert_ne!(count(house.server.call(find, &bob, search.clone()).await.ok()), Some(0));

    let path = format!("/rooms/{room}");
    let done = house.call("DELETE", &path, json!({ "purge": true, "media": true })).await.ok();
    assert_eq!(done["removed"], 2);
    assert!(done["purged"].as_u64().unwrap() > 250, "messages, the redaction and state: {done}");
    for pdu in kept_of(&house, &room) {
        let event: Value = serde_json::from_str(&pdu).unwrap();
        assert_eq!(event["type"], "m.room.member");
        assert!(!pdu.contains("secret") && !pdu.contains("displayname"), "{pdu}");
    }
    for token in [&bob, &house.amy] {
        let event = at(&format!("event/{}", sent[9]));
        assert!(matches!(house.server.get(&event, token).await.status.as_u16(), 403 | 404));
        assert_eq!(house.server.get(&at("state"), token).await.ok(), json!([]));
        let found = house.server.get(&at("messages?dir=b&limit=100"), token).await.ok();
        assert!(found["chunk"].as_array().unwrap().iter().all(|event| event["type"] == "m.room.member"));
    }
    assert_eq!(count(house.server.call(find, &bob, search).await.ok()).unwrap_or(0), 0);
    // A device that was away is told that its owner is out, also one that begins anew.
    let news = house.server.get(&format!("/_matrix/client/v3/sync?since={since}"), &bob).await.ok();
    let left = &news["rooms"]["leave"][&room]["timeline"]["events"];
    assert_eq!(
        left.as_array().unwrap().last().unwrap()["content"],
        json!({ "membership": "leave" }),
        "{news}"
    );
    house.server.get("/_matrix/client/v3/sync?full_state=true", &house.amy).await.ok();
    let filter = "/_matrix/client/v3/sync?filter=%7B%22room%22:%7B%22include_leave%22:true%7D%7D";
    house.server.get(filter, &bob).await.ok();
    let wanted = json!({ "timeline_limit": 10, "required_state": [["*", "*"]] });
    let mut list = wanted.clone();
    list["ranges"] = json!([[0, 10]]);
    let sliding = json!({ "lists": { "all": list }, "room_subscriptions": { &room: wanted } });
    let slide = "POST /_matrix/client/unstable/org.matrix.simplified_msc3575/sync?timeout=0";
    let shown = house.server.call(slide, &bob, sliding).await.ok();
    assert!(!shown.to_string().contains("ecret"), "{shown}");
    for rest in ["members", "threads", "aliases", "context/x", "relations/x"] {
        let answer = house.server.get(&at(rest), &bob).await;
        assert!(answer.status.as_u16() < 500, "{rest}: {}", answer.body);
    }
    let download = format!("/_matrix/client/v1/media/download/{}", uri.trim_start_matches("mxc://"));
    house.server.get(&download, &house.amy).await.refused(404, "M_NOT_FOUND");
    // It does not come back.
    house
        .server
        .call(&format!("POST /_matrix/client/v3/join/{room}"), &bob, json!({}))
        .await
        .refused(403, "M_FORBIDDEN");
    let knock = house.server.call(&format!("POST /_matrix/client/v3/knock/{room}"), &bob, json!({})).await;
    assert!(matches!(knock.status.as_u16(), 403 | 404), "{}", knock.body);
    house
        .call("PUT", &format!("{path}/block"), json!({ "blocked": false }))
        .await
        .refused(403, "M_FORBIDDEN");
    assert_eq!(house.get(&path).await["purged"], true);
    assert_eq!(house.get("/rooms").await["total"], 0);
    assert_eq!(house.call("DELETE", &path, json!({ "purge": true })).await.ok()["purged"], 0);
    let gap = house.server.store.read_now(|tx| wardline_store::stream::first_gap(tx)).unwrap();
    assert_eq!(gap, None);
}

#[tokio::test]
async fn a_patients_conversation_is_closed_but_never_purged() {
    let house = House::new().await;
    let body = json!({ "creation_content": { "type": "org.wardline.patient" } });
    let room = house.server.call("POST /_matrix/client/v3/createRoom", &house.amy, body).await.ok();
    let path = format!("/rooms/{}", text(&room, "room_id"));
    house.call("DELETE", &path, json!({ "purge": true })).await.refused(403, "M_FORBIDDEN");
    let history = format!("{path}/purge-history");
    house.call("POST", &history, json!({ "before": 1 })).await.refused(403, "M_FORBIDDEN");
    assert_eq!(house.get(&path).await["num_joined_members"], 1, "nothing was changed");
}

#[tokio::test]
async fn history_is_erased_up_to_an_event_or_an_instant() {
    let house = House::new().await;
    let room = house
        .server
        .call("POST /_matrix/client/v3/createRoom", &house.amy, json!({ "name": "Ward 7" }))
        .await;
    let room = text(&room.ok(), "room_id");
    let uri = text(
        &house.server.call("POST /_matrix/media/v3/upload", &house.amy, json!({ "a": "scan" })).await.ok(),
        "content_uri",
    );
    let mut sent = Vec::new();
    for n in 0..6 {
        house.server.clock.advance(1000);
        let put = format!("PUT /_matrix/client/v3/rooms/{room}/send/m.room.message/t{n}");
        let content = json!({ "body": format!("word {n}"), "msgtype": "m.file", "url": uri });
        sent.push(text(&house.server.call(&put, &house.amy, content).await.ok(), "event_id"));
    }
    let bodies = async || {
        let found = house
            .server
            .get(&format!("/_matrix/client/v3/rooms/{room}/messages?dir=f&limit=100"), &house.amy)
            .await;
        let chunk = found.ok()["chunk"].as_array().unwrap().clone();
        let messages = chunk.into_iter().filter(|event| event["type"] == "m.room.message");
        messages.map(|event| event["content"]["body"].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>()
    };
    let path = format!("/rooms/{room}/purge-history");
    let upto = json!({ "event_id": sent[2] });
    assert_eq!(house.call("POST", &path, upto.clone()).await.ok()["erased"], 3);
    assert_eq!(bodies().await, ["-", "-", "-", "word 3", "word 4", "word 5"]);
    assert_eq!(house.call("POST", &path, upto).await.ok()["erased"], 0);
    let download = format!("/_matrix/client/v1/media/download/{}", uri.trim_start_matches("mxc://"));
    house.server.get(&download, &house.amy).await.ok();
    let before = json!({ "before": 1_800_000_005_000_i64, "media": true });
    assert_eq!(house.call("POST", &path, before).await.ok()["erased"], 1);
    assert_eq!(bodies().await, ["-", "-", "-", "-", "word 4", "word 5"]);
    house.server.get(&download, &house.amy).await.refused(404, "M_NOT_FOUND");
    let name = format!("/_matrix/client/v3/rooms/{room}/state/m.room.name");
    assert_eq!(house.server.get(&name, &house.amy).await.ok()["name"], "Ward 7");
    for wrong in [json!({}), json!({ "event_id": sent[0], "before": 1 }), json!({ "event_id": "x" })] {
        house.call("POST", &path, wrong).await.refused(400, "M_INVALID_PARAM");
    }
    house.call("POST", &path, json!({ "event_id": "$unknown" })).await.refused(404, "M_NOT_FOUND");
    assert_eq!(house.audited("room.administered"), 3);
}

#[tokio::test]
async fn the_bytes_of_a_deleted_file_go_with_the_last_that_has_them() {
    let house = House::new().await;
    let upload = "POST /_matrix/media/v3/upload";
    let mut ids = Vec::new();
    for _ in 0..2 {
        let uri = text(
            &house.server.call(upload, &house.amy, json!({ "same": "bytes" })).await.ok(),
            "content_uri",
        );
        ids.push(uri.rsplit('/').next().unwrap().to_owned());
    }
    let blobs = || house.server.blobs();
    assert_eq!(blobs(), 1);
    house.call("DELETE", &format!("/media/{}", ids[0]), Value::Null).await.ok();
    assert_eq!(blobs(), 1);
    let other = format!("/_matrix/client/v1/media/download/riverside.example/{}", ids[1]);
    assert_eq!(house.server.get(&other, &house.amy).await.ok(), json!({ "same": "bytes" }));
    house.call("DELETE", &format!("/media/{}", ids[1]), Value::Null).await.ok();
    assert_eq!(blobs(), 0);
    // The same again finds no ruins.
    house.server.call(upload, &house.amy, json!({ "same": "bytes" })).await.ok();
    assert_eq!(blobs(), 1);
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
    let shown = house.get(&path).await;
    assert_eq!((&shown["used"], &shown["pending"]), (&json!(1), &json!(0)));
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
async fn an_account_that_is_being_made_counts_also_when_the_server_ends_meanwhile() {
    use wardline_store::registration_tokens::{is_valid, settle, settle_interrupted, take};
    let house = House::new().await;
    let new = json!({ "token": "ward7", "uses_allowed": 2 });
    let path =
        format!("/registration-tokens/{}", house.call("POST", "/registration-tokens", new).await.ok()["id"]);
    let now = wardline_domain::Timestamp(1_800_000_000_000);
    let store = &house.server.store;
    for _ in 0..2 {
        assert!(store.write(move |tx| take(tx, "ward7", now)).await.unwrap());
    }
    assert!(!store.write(move |tx| take(tx, "ward7", now)).await.unwrap(), "both uses are under way");
    let shown = house.get(&path).await;
    assert_eq!((&shown["used"], &shown["pending"]), (&json!(0), &json!(2)));
    store.write(|tx| settle(tx, "ward7", false)).await.unwrap();
    assert!(store.read_now(|tx| is_valid(tx, "ward7", now)).unwrap());
    store.write(settle_interrupted).await.unwrap();
    let shown = house.get(&path).await;
    assert_eq!((&shown["used"], &shown["pending"]), (&json!(1), &json!(0)));
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
