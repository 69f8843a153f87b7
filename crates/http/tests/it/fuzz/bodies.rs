//! Mutated bodies against every endpoint, in this process.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use wardline_clinical::ImportMode;

use super::dice::Dice;
use super::{endpoints, factor, mutate};
use crate::support::{PASSWORD, Server, request, text};

const V3: &str = "/_matrix/client/v3";
/// Mutants of each body in an ordinary run.
const MUTANTS: usize = 16;
/// The longest answer to anything, in bytes.
const LONGEST_ANSWER: usize = 4 << 20;
/// A request that waits for news is given up after this: nobody has any.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(50);

/// Somebody with a room, an event in it, and a backup.
struct World {
    server: Server,
    token: String,
    room: String,
    event: String,
    version: String,
    names: usize,
}

impl World {
    async fn new() -> Self {
        let server = Server::with(|config| {
            config.registration_open = true;
            config.registration_shared_secret = Some("secret".to_owned());
        })
        .await;
        let blank = String::new;
        let mut world =
            Self { server, token: blank(), room: blank(), event: blank(), version: blank(), names: 0 };
        world.begin().await;
        world
    }

    /// Signs in anew and makes a room, an event and a backup.
    async fn begin(&mut self) {
        let user = format!("amy{}", self.names);
        let user = if self.names == 0 { "amy".to_owned() } else { user };
        self.names += 1;
        drop(self.server.identity.create_account(&user, Some(PASSWORD), false).await);
        self.token = self.server.token(&user).await;
        let room = self.server.call(&format!("POST {V3}/createRoom"), &self.token, json!({})).await;
        self.room = text(&room.ok(), "room_id");
        let path = format!("PUT {V3}/rooms/{}/send/m.room.message/first", self.room);
        let message = json!({ "msgtype": "m.text", "body": "text" });
        self.event = text(&self.server.call(&path, &self.token, message).await.ok(), "event_id");
        let backup = json!({ "algorithm": "a", "auth_data": {} });
        let made = self.server.call(&format!("POST {V3}/room_keys/version"), &self.token, backup).await;
        self.version = text(&made.ok(), "version");
    }

    fn filled(&mut self, text: &str) -> String {
        self.names += 1;
        text.replace("{room}", &self.room)
            .replace("{event}", &self.event)
            .replace("{version}", &self.version)
            .replace("{n}", &self.names.to_string())
    }

    /// Sends a body; how it was answered, unless nobody waited for it.
    async fn send(&mut self, call: &str, body: &[u8]) -> Option<u16> {
        let call = self.filled(call);
        let request: Request<Body> = request(&call, &self.token, Body::from(body.to_vec()));
        let answer = async {
            let response = tower::ServiceExt::oneshot(self.server.router.clone(), request).await.unwrap();
            let status = response.status().as_u16();
            let bytes = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
            (status, bytes)
        };
        let answered = match call.ends_with("/sync") {
            true => tokio::time::timeout(PATIENCE, answer).await.ok(),
            false => Some(answer.await),
        };
        let (status, bytes) = answered?;
        let shown = String::from_utf8_lossy(&body[..body.len().min(2000)]);
        assert!(status < 500, "{status} to {call} {shown}: {}", String::from_utf8_lossy(&bytes));
        assert!(bytes.len() <= LONGEST_ANSWER, "{} bytes to {call} {shown}", bytes.len());
        if status >= 400 && call.contains("/_matrix/") {
            let error: Value = serde_json::from_slice(&bytes).unwrap_or_default();
            let explained = error["errcode"].is_string() || error["flows"].is_array();
            assert!(explained, "{status} to {call} {shown}: {}", String::from_utf8_lossy(&bytes));
        }
        Some(status)
    }

    /// Whether the world is still there: some calls sign out, leave or lock out.
    async fn mend(&mut self) {
        let path = format!("{V3}/rooms/{}/joined_members", self.room);
        if self.server.get(&path, &self.token).await.status != 200 {
            self.begin().await;
        }
    }
}

#[test]
fn every_endpoint_with_a_body_is_among_them() {
    let calls = endpoints::all();
    let shape = |path: &str| -> Vec<String> {
        path.split('?').next().unwrap().split('/').map(str::to_owned).collect()
    };
    let is_like = |pattern: &[String], path: &[String]| {
        pattern.len() == path.len()
            && pattern.iter().zip(path).all(|(part, other)| part.contains('{') || part == other)
    };
    let known = include_str!("../endpoints.txt").lines().filter_map(|line| line.split_once(' '));
    let missing: Vec<_> = known
        .map(|(_, call)| call)
        .filter(|call| call.starts_with("PUT ") || call.starts_with("POST "))
        .filter(|call| !endpoints::WITHOUT.iter().any(|start| call.starts_with(start)))
        // Refused experiments have no handler whose body could matter.
        .filter(|call| !["msc4195", "msc4560", "msc4536"].iter().any(|name| call.contains(name)))
        .filter(|call| {
            let pattern = shape(call);
            !calls.iter().any(|(other, _)| is_like(&pattern, &shape(other)))
        })
        .collect();
    assert!(missing.is_empty(), "no body is tried for {missing:#?}");
}

#[tokio::test]
async fn no_body_brings_the_server_down() {
    let mut world = World::new().await;
    let mut dice = Dice::new(2);
    for (call, body) in endpoints::all() {
        let valid = world.filled(&body.to_string());
        let valid: Value = serde_json::from_str(&valid).unwrap();
        world.send(&call, valid.to_string().as_bytes()).await;
        world.mend().await;
        for _ in 0..MUTANTS * factor() {
            let mutant = mutate::body(&mut dice, &valid);
            let status = world.send(&call, &mutant).await;
            if status == Some(401) || status == Some(403) || status == Some(200) {
                world.mend().await;
            }
        }
    }
    // Whatever was left behind, what everybody does all the time goes on.
    let sync = format!("{V3}/sync?full_state=true");
    world.server.get(&sync, &world.token).await.ok();
    let peak = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = peak.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    let kilobytes: u64 = peak.trim().split(' ').next().unwrap().parse().unwrap();
    assert!(kilobytes < 1 << 20, "{kilobytes} KiB were needed");
}

#[tokio::test]
async fn no_imported_file_brings_the_server_down() {
    let server = Server::new().await;
    let demo = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo");
    let mut dice = Dice::new(3);
    for file in ["bundle.json", "playbooks/deteriorating-patient.toml", "admissions.hl7"] {
        let valid = std::fs::read(demo.join(file)).unwrap();
        server.clinical.import(&valid, ImportMode::Skip).await.unwrap();
        let parsed: Option<Value> = serde_json::from_slice(&valid).ok();
        for at in 0..12 * factor() {
            let mutant = match &parsed {
                Some(bundle) if at % 2 == 0 => mutate::body(&mut dice, bundle),
                _ => mutate::bytes(&mut dice, &valid),
            };
            if let Err(error) = server.clinical.import(&mutant, ImportMode::Skip).await {
                assert!(!error.to_string().contains("panicked"), "{error}");
            }
        }
    }
}
