//! SIGKILL while devices upload keys and write to one another: whoever can be found has been told of, and what was
//! acknowledged arrives, once and in order.
//!
//! `DEVICE_ROUNDS` sets how often (25); `CRASH_SEED` repeats a run.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::{
    crash::{Dice, from_environment},
    encrypted::{PASSWORD, register},
    server::Server,
};

/// A signed-in device over plain HTTP.
struct Device {
    http: reqwest::Client,
    url: String,
    token: String,
    user: String,
    id: String,
}

impl Device {
    async fn sign_in(url: &str, name: &str) -> Option<Self> {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut device =
            Self { http, url: url.to_owned(), token: String::new(), user: String::new(), id: String::new() };
        let body = json!({
            "type": "m.login.password", "password": PASSWORD,
            "identifier": { "type": "m.id.user", "user": name },
        });
        let answer = device.call(Method::POST, "/login", Some(body)).await?;
        let text = |name: &str| answer[name].as_str().expect("a text").to_owned();
        (device.token, device.user, device.id) = (text("access_token"), text("user_id"), text("device_id"));
        Some(device)
    }

    /// `None`: the server is gone. Panics if it refuses.
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Option<Value> {
        let url = format!("{}/_matrix/client/v3{path}", self.url);
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.ok()?;
        let status = answer.status();
        let body: Value = answer.json().await.ok()?;
        assert!(status.is_success(), "{path}: {status} {body}");
        Some(body)
    }

    /// One-time keys need no signature of the device that the server checks.
    async fn upload(&self, number: usize) -> Option<Value> {
        let keys = json!({ "one_time_keys": { format!("signed_curve25519:{number}"): { "key": number.to_string() } } });
        self.call(Method::POST, "/keys/upload", Some(keys)).await
    }

    async fn claim(&self, of: &Device) -> Option<String> {
        let wanted = json!({ "one_time_keys": { &of.user: { &of.id: "signed_curve25519" } } });
        let answer = self.call(Method::POST, "/keys/claim", Some(wanted)).await?;
        let keys = answer["one_time_keys"][&of.user][&of.id].as_object().cloned().unwrap_or_default();
        Some(keys.keys().next().cloned().unwrap_or_default())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_messages_survive_sigkill() {
    let rounds = from_environment("DEVICE_ROUNDS", || 25);
    let seed = from_environment("CRASH_SEED", || std::process::id().into());
    println!("CRASH_SEED={seed}");
    let mut dice = Dice(seed);
    let dir = tempfile::tempdir().expect("folder");
    let mut server = Server::open_registration(dir.path());
    for name in ["amara", "ben"] {
        register(&server, name).await;
    }
    let mut amara = Device::sign_in(&server.url, "amara").await.expect("signed in");
    let mut ben = Device::sign_in(&server.url, "ben").await.expect("signed in");
    let room = json!({ "preset": "public_chat" });
    let room = amara.call(Method::POST, "/createRoom", Some(room)).await.expect("room");
    let path = format!("/join/{}", room["room_id"].as_str().expect("an id"));
    ben.call(Method::POST, &path, Some(json!({}))).await.expect("joined");

    let (mut uploaded, mut claimed, mut sent) = (0, Vec::new(), 0_u64);
    let (mut since, mut received) = (None::<String>, Vec::new());
    for _ in 0..rounds {
        let end = Instant::now() + dice.up_to(200);
        {
            let (amara, ben) = (&amara, &ben);
            let uploads = async {
                while amara.upload(uploaded).await.is_some() {
                    uploaded += 1;
                }
            };
            let claims = async {
                while let Some(key) = ben.claim(amara).await {
                    claimed.extend(Some(key).filter(|key| !key.is_empty()));
                }
            };
            let messages = async {
                loop {
                    let path = format!("/sendToDevice/m.test/{sent}");
                    let body = json!({ "messages": { &amara.user: { &amara.id: { "n": sent } } } });
                    if ben.call(Method::PUT, &path, Some(body)).await.is_none() {
                        return;
                    }
                    sent += 1;
                }
            };
            let kill = async {
                sleep_until(end).await;
                server.kill();
            };
            tokio::join!(uploads, claims, messages, kill);
        }
        server = Server::open_registration(dir.path());
        (amara.url, ben.url) = (server.url.clone(), server.url.clone());
        // What was in flight may or may not have been carried out: the same again, under its own name.
        amara.upload(uploaded).await.expect("the same key again is no error");
        uploaded += 1;
        let path = format!("/sendToDevice/m.test/{sent}");
        let body = json!({ "messages": { &amara.user: { &amara.id: { "n": sent } } } });
        ben.call(Method::PUT, &path, Some(body)).await.expect("sent");
        sent += 1;
        receive(&amara, &mut since, &mut received).await;
        let expected: Vec<u64> = (0..sent).collect();
        assert_eq!(received, expected, "every acknowledged message, once, in order");
    }
    let different: BTreeSet<_> = claimed.iter().collect();
    assert_eq!(different.len(), claimed.len(), "no one-time key was given out twice");
    println!("{rounds} kills: {uploaded} keys uploaded, {} claimed, {sent} messages", claimed.len());
    assert!(sent > rounds && !claimed.is_empty(), "there was a load");
}

/// Everything that waits for the device.
async fn receive(device: &Device, since: &mut Option<String>, received: &mut Vec<u64>) {
    loop {
        let since_query = since.as_ref().map(|since| format!("&since={since}")).unwrap_or_default();
        let answer =
            device.call(Method::GET, &format!("/sync?timeout=0{since_query}"), None).await.expect("sync");
        let events = answer["to_device"]["events"].as_array().cloned().unwrap_or_default();
        received.extend(events.iter().map(|event| event["content"]["n"].as_u64().expect("a number")));
        *since = Some(answer["next_batch"].as_str().expect("a token").to_owned());
        if events.is_empty() {
            return;
        }
    }
}

/// A matrix-sdk client is killed out of its first uploads again and again: whenever somebody else can find a device of
/// hers, the stream has told of it, so nobody who asks for changes misses it.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_can_be_found_was_told_of() {
    let rounds = from_environment("DEVICE_ROUNDS", || 25);
    let mut dice = Dice(from_environment("CRASH_SEED", || std::process::id().into()));
    let dir = tempfile::tempdir().expect("folder");
    let mut server = Server::open_registration(dir.path());
    for name in ["amara", "ben"] {
        register(&server, name).await;
    }
    let amara = Device::sign_in(&server.url, "amara").await.expect("signed in");
    let mut ben = Device::sign_in(&server.url, "ben").await.expect("signed in");
    let room = json!({ "preset": "public_chat" });
    let room = amara.call(Method::POST, "/createRoom", Some(room)).await.expect("room");
    let path = format!("/join/{}", room["room_id"].as_str().expect("an id"));
    ben.call(Method::POST, &path, Some(json!({}))).await.expect("joined");
    let mut token = ben.call(Method::GET, "/sync?timeout=0", None).await.expect("sync")["next_batch"].clone();
    let (mut known, mut found) = (BTreeSet::new(), 0);
    for _ in 0..rounds {
        let end = Instant::now() + dice.up_to(400);
        let client =
            matrix_sdk::Client::builder().homeserver_url(&server.url).build().await.expect("a client");
        let upload = async {
            let signed_in = client.matrix_auth().login_username("amara", PASSWORD).send().await;
            if signed_in.is_ok() {
                let settings = matrix_sdk::config::SyncSettings::new().timeout(Duration::ZERO);
                // It may be cut off anywhere.
                drop(client.sync_once(settings).await);
            }
        };
        let kill = async {
            sleep_until(end).await;
            server.kill();
        };
        tokio::join!(async { drop(tokio::time::timeout(Duration::from_secs(5), upload).await) }, kill);
        server = Server::open_registration(dir.path());
        ben.url.clone_from(&server.url);
        let query = json!({ "device_keys": { &amara.user: [] } });
        let keys = ben.call(Method::POST, "/keys/query", Some(query)).await.expect("keys");
        let devices: BTreeSet<String> =
            keys["device_keys"][&amara.user].as_object().expect("an object").keys().cloned().collect();
        let path = format!("/sync?timeout=0&since={}", token.as_str().expect("a token"));
        let answer = ben.call(Method::GET, &path, None).await.expect("sync");
        let changed = answer["device_lists"]["changed"].as_array().cloned().unwrap_or_default();
        if devices != known {
            found += 1;
            assert!(changed.contains(&json!(amara.user)), "{devices:?} can be found, and nobody was told");
        }
        known = devices;
        token = answer["next_batch"].clone();
    }
    println!("{rounds} kills, {found} new devices");
    assert!(found > 0, "there was something to miss");
}
