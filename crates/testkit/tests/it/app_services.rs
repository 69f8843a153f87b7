//! Application services: a bridge that is really there, one that is away, and one that a crash finds in between.

use std::collections::VecDeque;
use std::fs;
use std::path::Path as FilePath;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post, put};
use axum::{Json, serve};
use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use wardline_testkit::{Client, TestServer};

const AS_TOKEN: &str = "the-token-of-the-pager";
const HS_TOKEN: &str = "the-token-of-the-server";

/// What the bridge was told, and how it answers.
#[derive(Default)]
struct Told {
    /// Transactions that it took: number and body.
    taken: Mutex<Vec<(String, Value)>>,
    /// Every attempt.
    tried: Mutex<Vec<String>>,
    /// Answers to the next transactions, then 200.
    answers: Mutex<VecDeque<u16>>,
    news: Notify,
}

#[derive(Clone)]
struct Bridge(Arc<Told>);

impl Bridge {
    /// A bridge at a port of its own.
    async fn start() -> (Self, u16) {
        let bridge = Self(Arc::default());
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let router = Router::new()
            .route("/_matrix/app/v1/transactions/{txn}", put(transaction))
            .route("/_matrix/app/v1/ping", post(async || Json(json!({}))))
            .route("/_matrix/app/v1/users/{user}", get(async || StatusCode::NOT_FOUND))
            .route("/_matrix/app/v1/thirdparty/protocol/pager", get(protocol))
            .route("/_matrix/app/v1/thirdparty/user/pager", get(look))
            .with_state(bridge.clone());
        tokio::spawn(async move { serve(socket, router).await });
        (bridge, port)
    }

    /// Waits until what was taken is as `enough` wants it.
    async fn until(&self, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        loop {
            let news = self.0.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            let taken: Vec<Value> = self.0.taken.lock().iter().map(|(_, body)| body.clone()).collect();
            if enough(&taken) {
                return taken;
            }
            news.await;
        }
    }

    /// The bodies of the messages that it was told of, in order.
    fn messages(&self) -> Vec<String> {
        bodies(&self.0.taken.lock().iter().map(|(_, body)| body.clone()).collect::<Vec<_>>())
    }
}

fn events(taken: &[Value]) -> Vec<Value> {
    taken.iter().flat_map(|body| body["events"].as_array().unwrap().clone()).collect()
}

fn bodies(taken: &[Value]) -> Vec<String> {
    let bodies = events(taken).into_iter().filter(|event| event["type"] == "m.room.message");
    bodies.map(|event| event["content"]["body"].as_str().unwrap().to_owned()).collect()
}

fn each<'a>(taken: &'a [Value], member: &'a str) -> impl Iterator<Item = &'a Value> {
    taken.iter().flat_map(move |body| body[member].as_array().into_iter().flatten())
}

async fn transaction(
    State(Bridge(told)): State<Bridge>,
    Path(txn): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> impl IntoResponse {
    if headers["authorization"] != format!("Bearer {HS_TOKEN}") {
        return (StatusCode::FORBIDDEN, Json(json!({})));
    }
    told.tried.lock().push(txn.clone());
    if let Some(status) = told.answers.lock().pop_front() {
        told.news.notify_waiters();
        return (StatusCode::from_u16(status).unwrap(), Json(json!({})));
    }
    let mut taken = told.taken.lock();
    if !taken.iter().any(|(known, _)| *known == txn) {
        taken.push((txn, body));
    }
    drop(taken);
    told.news.notify_waiters();
    (StatusCode::OK, Json(json!({})))
}

async fn protocol() -> Json<Value> {
    Json(json!({
        "user_fields": ["number"], "location_fields": [], "icon": "mxc://a/b", "field_types": {},
        "instances": [{ "network_id": "site", "desc": "The site", "fields": {} }],
    }))
}

async fn look(Query(fields): Query<Vec<(String, String)>>) -> Json<Value> {
    Json(json!([{ "userid": "@_pager_7:test.example", "protocol": "pager", "fields": fields }]))
}

fn registration(folder: &FilePath, id: &str, token: &str, url: &str, more: &str) -> std::path::PathBuf {
    let path = folder.join(format!("{id}.yaml"));
    let text = format!(
        "id: {id}\nurl: {url}\nas_token: {token}\nhs_token: {HS_TOKEN}\nsender_localpart: _{id}_bot\n\
         namespaces:\n  users:\n    - exclusive: true\n      regex: '@_{id}_.*'\n  aliases:\n    - exclusive: true\n      \
         regex: '#_{id}_.*'\n  rooms: []\n{more}"
    );
    fs::write(&path, text).unwrap();
    path
}

const EAGER: &str =
    "rate_limited: false\nprotocols: [pager]\nreceive_ephemeral: true\norg.matrix.msc3202: true\n";

struct It {
    server: TestServer,
    bridge: Bridge,
    folder: TempDir,
}

async fn it() -> It {
    let folder = tempfile::tempdir().unwrap();
    let (bridge, port) = Bridge::start().await;
    let file = registration(folder.path(), "pager", AS_TOKEN, &format!("http://127.0.0.1:{port}"), EAGER);
    let server = TestServer::start_with(|config| {
        config.application_services.files = vec![file];
        config.outgoing.allow = vec!["127.0.0.0/8".to_owned()];
    })
    .await;
    It { server, bridge, folder }
}

impl It {
    /// The bridge as a client.
    fn service(&self) -> Client {
        let mut client = self.server.client();
        client.token = Some(AS_TOKEN.to_owned());
        client
    }

    async fn ghost(&self, name: &str) {
        let body = json!({ "type": "m.login.application_service", "username": name, "inhibit_login": true });
        self.service().post("/_matrix/client/v3/register", body).await.ok();
    }

    /// A room with amy and the ghost `@_pager_7`.
    async fn room(&self, amy: &Client) -> String {
        self.ghost("_pager_7").await;
        let room = amy.create_room(json!({ "preset": "public_chat" })).await;
        let join = format!("/_matrix/client/v3/join/{room}?user_id=@_pager_7:test.example");
        self.service().post(&join, json!({})).await.ok();
        room
    }
}

fn text(body: &str) -> Value {
    json!({ "msgtype": "m.text", "body": body })
}

#[tokio::test]
async fn a_ghost_speaks_and_the_bridge_is_told_of_its_rooms_only() {
    let it = it().await;
    let amy = it.server.register("amy").await;
    let (room, other) = (it.room(&amy).await, amy.create_room(json!({})).await);
    amy.send(&other, "m.room.message", "1", text("not for the bridge")).await;
    amy.send(&room, "m.room.message", "2", text("for the bridge")).await;
    let send = format!(
        "/_matrix/client/v3/rooms/{room}/send/m.room.message/1?user_id=@_pager_7:test.example&ts=1000"
    );
    it.service().put(&send, text("from the pager")).await.ok();
    let taken = it.bridge.until(|taken| bodies(taken).len() == 2).await;
    assert_eq!(bodies(&taken), ["for the bridge", "from the pager"]);
    let said = events(&taken).pop().unwrap();
    assert_eq!(
        (&said["sender"], &said["origin_server_ts"]),
        (&json!("@_pager_7:test.example"), &json!(1000))
    );
    assert_eq!(said["room_id"], room.as_str());
    // Only application services choose the time.
    let massaged = format!("/_matrix/client/v3/rooms/{room}/send/m.room.message/3?ts=1000");
    amy.put(&massaged, text("now")).await.ok();
    let taken = it.bridge.until(|taken| bodies(taken).len() == 3).await;
    assert_ne!(events(&taken).pop().unwrap()["origin_server_ts"], 1000);
}

#[tokio::test]
async fn a_bridge_that_is_away_misses_nothing_and_hears_it_in_order() {
    let it = it().await;
    let amy = it.server.register("amy").await;
    let room = it.room(&amy).await;
    it.bridge.0.answers.lock().extend([500, 429, 503]);
    let mut expected = Vec::new();
    for n in 0..250 {
        expected.push(format!("message {n}"));
        amy.send(&room, "m.room.message", &n.to_string(), text(expected.last().unwrap())).await;
    }
    it.bridge.until(|taken| bodies(taken).len() >= expected.len()).await;
    assert_eq!(it.bridge.messages(), expected);
    let tried = it.bridge.0.tried.lock().clone();
    let mut numbers: Vec<u64> = tried.iter().map(|txn| txn.parse().unwrap()).collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    numbers.dedup();
    assert_eq!(numbers.len() + 3, tried.len());
}

#[tokio::test]
async fn a_restart_in_the_middle_of_a_transaction_repeats_it_under_its_number() {
    let mut it = it().await;
    let amy = it.server.register("amy").await;
    let room = it.room(&amy).await;
    it.bridge.until(|taken| !taken.is_empty()).await;
    it.bridge.0.answers.lock().extend([500; 1]);
    let before = it.bridge.0.tried.lock().len();
    amy.send(&room, "m.room.message", "1", text("before")).await;
    while it.bridge.0.tried.lock().len() == before {
        it.bridge.0.news.notified().await;
    }
    let refused = it.bridge.0.tried.lock().last().cloned();
    it.server = it.server.restart().await;
    let mut amy = it.server.client();
    amy.login("amy").await;
    amy.send(&room, "m.room.message", "2", text("after")).await;
    it.bridge.until(|taken| bodies(taken).len() == 2).await;
    assert_eq!(it.bridge.messages(), ["before", "after"]);
    let of_before = it
        .bridge
        .0
        .taken
        .lock()
        .iter()
        .find(|(_, body)| !bodies(std::slice::from_ref(body)).is_empty())
        .cloned();
    assert_eq!(of_before.map(|(txn, _)| txn), refused);
}

#[tokio::test]
async fn typing_receipts_and_messages_to_devices_reach_the_bridge() {
    let it = it().await;
    let amy = it.server.register("amy").await;
    let room = it.room(&amy).await;
    let event = amy.send(&room, "m.room.message", "1", text("hello")).await;
    let typing = format!("/_matrix/client/v3/rooms/{room}/typing/{}", amy.user_id);
    amy.put(&typing, json!({ "typing": true, "timeout": 60_000 })).await.ok();
    amy.post(&format!("/_matrix/client/v3/rooms/{room}/receipt/m.read/{event}"), json!({})).await.ok();
    let taken = it
        .bridge
        .until(|taken| {
            let kinds: Vec<_> = each(taken, "ephemeral").map(|edu| edu["type"].clone()).collect();
            kinds.contains(&json!("m.typing")) && kinds.contains(&json!("m.receipt"))
        })
        .await;
    let receipt = each(&taken, "ephemeral").find(|edu| edu["type"] == "m.receipt").unwrap();
    assert!(receipt["content"][&event]["m.read"][&amy.user_id]["ts"].is_i64(), "{receipt}");
    assert_eq!(receipt["room_id"], room.as_str());

    // A device made without signing in (MSC4190), with keys (MSC3202).
    let as_ghost = "user_id=@_pager_7:test.example";
    let device = format!("/_matrix/client/v3/devices/PAGER?{as_ghost}");
    assert_eq!(it.service().put(&device, json!({ "display_name": "Pager" })).await.status, 201);
    assert_eq!(it.service().put(&device, json!({})).await.status, 200);
    let keys = format!("/_matrix/client/v3/keys/upload?{as_ghost}&device_id=PAGER");
    let one_time = json!({ "one_time_keys": {
        "signed_curve25519:AAAA": { "key": "dGVzdA", "signatures": {} },
    } });
    it.service().post(&keys, one_time).await.ok();
    let body = json!({ "messages": { "@_pager_7:test.example": { "PAGER": { "n": 1 } } } });
    amy.put("/_matrix/client/v3/sendToDevice/org.test/1", body).await.ok();
    let taken = it.bridge.until(|taken| each(taken, "to_device").next().is_some()).await;
    let message = each(&taken, "to_device").next().unwrap();
    assert_eq!(
        (&message["type"], &message["to_device_id"], &message["content"]),
        (&json!("org.test"), &json!("PAGER"), &json!({ "n": 1 }))
    );
    let counts =
        |body: &&Value| body["device_one_time_keys_count"]["@_pager_7:test.example"]["PAGER"].is_object();
    assert!(taken.iter().any(|body| counts(&body)), "{taken:?}");
    let unknown = format!("/_matrix/client/v3/account/whoami?{as_ghost}&device_id=OTHER");
    assert_eq!(it.service().get(&unknown).await.refusal(), (400, "M_UNKNOWN_DEVICE"));
    assert_eq!(it.service().call(Method::DELETE, &device, None).await.status, 200);
}

#[tokio::test]
async fn names_belong_to_their_service() {
    let it = it().await;
    let (amy, service) = (it.server.register("amy").await, it.service());
    it.ghost("_pager_7").await;
    let register = |name: &str| json!({ "username": name, "password": "long enough", "auth": { "type": "m.login.dummy" } });
    let refused = it.server.client().post("/_matrix/client/v3/register", register("_pager_8")).await;
    assert_eq!(refused.refusal(), (400, "M_EXCLUSIVE"));
    let outside = json!({ "type": "m.login.application_service", "username": "bob" });
    assert_eq!(
        service.post("/_matrix/client/v3/register", outside.clone()).await.refusal(),
        (400, "M_EXCLUSIVE")
    );
    assert_eq!(
        it.server.client().post("/_matrix/client/v3/register", outside).await.refusal(),
        (401, "M_MISSING_TOKEN")
    );
    for (user, refusal) in [
        (amy.user_id.as_str(), (403, "M_FORBIDDEN")),
        ("@_pager_9:test.example", (403, "M_FORBIDDEN")),
        ("@_pager_7:elsewhere.example", (403, "M_FORBIDDEN")),
    ] {
        let whoami = format!("/_matrix/client/v3/account/whoami?user_id={user}");
        assert_eq!(service.get(&whoami).await.refusal(), refusal, "{user}");
    }
    let told = service.get("/_matrix/client/v3/account/whoami").await.ok();
    assert_eq!((&told["user_id"], &told["device_id"]), (&json!("@_pager_bot:test.example"), &Value::Null));

    let room = amy.create_room(json!({ "preset": "public_chat" })).await;
    let alias = |name: &str| format!("/_matrix/client/v3/directory/room/%23{name}:test.example");
    let to = json!({ "room_id": room });
    assert_eq!(amy.put(&alias("_pager_x"), to.clone()).await.refusal(), (400, "M_EXCLUSIVE"));
    let make = json!({ "room_alias_name": "_pager_x" });
    assert_eq!(amy.post("/_matrix/client/v3/createRoom", make).await.refusal(), (400, "M_EXCLUSIVE"));
    service.post(&format!("/_matrix/client/v3/join/{room}"), json!({})).await.ok();
    service.put(&alias("_pager_x"), to.clone()).await.ok();
    assert_eq!(service.put(&alias("other"), to).await.refusal(), (400, "M_EXCLUSIVE"));

    let login = json!({
        "type": "m.login.application_service",
        "identifier": { "type": "m.id.user", "user": "_pager_7" },
    });
    assert_eq!(
        service.post("/_matrix/client/v3/login", login.clone()).await.ok()["user_id"],
        "@_pager_7:test.example"
    );
    assert_eq!(
        it.server.client().post("/_matrix/client/v3/login", login).await.refusal(),
        (401, "M_MISSING_TOKEN")
    );
}

#[tokio::test]
async fn ping_networks_and_room_lists() {
    let it = it().await;
    let (amy, service) = (it.server.register("amy").await, it.service());
    let ping = "/_matrix/client/v1/appservice/pager/ping";
    assert!(service.post(ping, json!({ "transaction_id": "x" })).await.ok()["duration_ms"].is_i64());
    assert_eq!(
        service.post("/_matrix/client/v1/appservice/other/ping", json!({})).await.refusal(),
        (403, "M_FORBIDDEN")
    );
    assert_eq!(amy.post(ping, json!({})).await.refusal(), (401, "M_UNKNOWN_TOKEN"));

    let protocols = amy.get("/_matrix/client/v3/thirdparty/protocols").await.ok();
    assert_eq!(protocols["pager"]["instances"][0]["instance_id"], "pager|site");
    assert_eq!(amy.get("/_matrix/client/v3/thirdparty/protocol/fax").await.refusal(), (404, "M_NOT_FOUND"));
    let found = amy.get("/_matrix/client/v3/thirdparty/user/pager?number=7").await.ok();
    assert_eq!(found[0]["fields"], json!([["number", "7"]]));

    let room = amy.create_room(json!({ "preset": "public_chat" })).await;
    let list = format!("/_matrix/client/v3/directory/list/appservice/site/{room}");
    assert_eq!(amy.put(&list, json!({ "visibility": "public" })).await.refusal(), (403, "M_FORBIDDEN"));
    service.put(&list, json!({ "visibility": "public" })).await.ok();
    for (body, rooms) in [
        (json!({}), 0),
        (json!({ "third_party_instance_id": "pager|site" }), 1),
        (json!({ "third_party_instance_id": "pager|other" }), 0),
        (json!({ "include_all_networks": true }), 1),
    ] {
        let page = amy.post("/_matrix/client/v3/publicRooms", body.clone()).await.ok();
        assert_eq!(page["chunk"].as_array().unwrap().len(), rooms, "{body}");
    }
    assert!(it.folder.path().join("pager.yaml").exists());
}
