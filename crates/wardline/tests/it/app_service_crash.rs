//! A bridge hears everything, in order and once, although the server is killed in between.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use axum::{
    Json, Router,
    extract::{Path as Segment, State},
    http::StatusCode,
    routing::put,
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Mutex, watch},
};

/// What the bridge took: transactions by number.
struct Bridge {
    taken: Mutex<Vec<(String, Vec<String>)>>,
    /// How many messages it has; the server is killed whenever a multiple of this many came.
    count: watch::Sender<usize>,
}

async fn take(
    State(bridge): State<Arc<Bridge>>,
    Segment(txn): Segment<String>,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let mut taken = bridge.taken.lock().await;
    if !taken.iter().any(|(known, _)| *known == txn) {
        let messages = body["events"].as_array().unwrap().iter();
        let messages = messages.filter(|event| event["type"] == "m.room.message");
        let messages = messages.map(|event| event["content"]["body"].as_str().unwrap().to_owned());
        taken.push((txn, messages.collect()));
    }
    bridge.count.send_replace(taken.iter().map(|(_, messages)| messages.len()).sum());
    (StatusCode::OK, Json(json!({})))
}

/// The real server, killed without a warning when it is dropped.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(config: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_wardline"))
            .args(["serve", "--config"])
            .arg(config)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = lines.find_map(|line| line.unwrap().split_once("ready at ").map(|(_, url)| url.to_owned()));
        Self { process, url: url.unwrap() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

async fn call(request: reqwest::RequestBuilder, token: &str, body: Value) -> Value {
    let answer = request.bearer_auth(token).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_hears_everything_once_although_the_server_is_killed() {
    let bridge = Arc::new(Bridge { taken: Mutex::default(), count: watch::Sender::new(0) });
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let router =
        Router::new().route("/_matrix/app/v1/transactions/{txn}", put(take)).with_state(Arc::clone(&bridge));
    tokio::spawn(async move { axum::serve(socket, router).await });

    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("bridge.yaml"),
        format!(
            "id: bridge\nurl: http://127.0.0.1:{port}\nas_token: token-of-the-bridge\nhs_token: token-of-the-server\n\
             sender_localpart: _bridge\nnamespaces:\n  users: []\n"
        ),
    )
    .unwrap();
    let config = folder.path().join("wardline.toml");
    fs::write(
        &config,
        "server_name = \"a.example\"\ndata = \"data\"\nlisten = \"127.0.0.1:0\"\nregistration.open = true\n\
         limits.rates = false\noutgoing.allow = [\"127.0.0.0/8\"]\nlog.level = \"error\"\n\
         application_services.files = [\"bridge.yaml\"]\n",
    )
    .unwrap();
    let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    let mut server = Server::start(&config);
    let body =
        json!({ "username": "amy", "password": "a long password", "auth": { "type": "m.login.dummy" } });
    let amy = call(http.post(format!("{}/_matrix/client/v3/register", server.url)), "", body).await;
    let amy = amy["access_token"].as_str().unwrap().to_owned();
    let create = http.post(format!("{}/_matrix/client/v3/createRoom", server.url));
    let room = call(create, &amy, json!({ "preset": "public_chat" })).await;
    let room = room["room_id"].as_str().unwrap().to_owned();
    let join = http.post(format!("{}/_matrix/client/v3/join/{room}", server.url));
    call(join, "token-of-the-bridge", json!({})).await;

    let mut sent = Vec::new();
    for round in 0..4 {
        for n in 0..25 {
            let body = format!("{round}.{n}");
            let path = format!("/_matrix/client/v3/rooms/{room}/send/m.room.message/{body}");
            call(
                http.put(format!("{}{path}", server.url)),
                &amy,
                json!({ "msgtype": "m.text", "body": body }),
            )
            .await;
            sent.push(body);
        }
        // In the middle of what the bridge is being told.
        drop(server);
        server = Server::start(&config);
    }
    bridge.count.subscribe().wait_for(|count| *count >= sent.len()).await.unwrap();
    let taken = bridge.taken.lock().await;
    let heard: Vec<&String> = taken.iter().flat_map(|(_, messages)| messages).collect();
    assert_eq!(heard, sent.iter().collect::<Vec<_>>());
    drop(server);
}
