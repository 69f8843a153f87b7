//! The key service, as a client asks it, and an outage of it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::server::Server;

/// The key service of a server. While it is down, nobody answers at its address.
pub(crate) struct KeyService {
    http: Client,
    url: String,
    down: AtomicBool,
}

impl KeyService {
    pub(crate) fn new(server: &Server) -> Self {
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().expect("a client");
        Self { http, url: server.url.clone(), down: AtomicBool::new(false) }
    }

    pub(crate) fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    /// Where it is, or a port at which nobody listens.
    fn at(&self, path: &str) -> String {
        let url = if self.is_down() { "http://127.0.0.1:1" } else { &self.url };
        format!("{url}/_wardline/gateway/v1/recovery-key{path}")
    }

    /// Leaves a recovery key with it.
    pub(crate) async fn store(&self, token: &str, key: &str) {
        let body = json!({ "recovery_key": key });
        let answer =
            self.http.put(self.at("")).bearer_auth(token).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap_or_default());
    }

    /// Asks for the recovery key back.
    pub(crate) async fn unseal(&self, token: &str) -> Unsealed {
        let Ok(answer) = self.http.post(self.at("/unseal")).bearer_auth(token).send().await else {
            return Unsealed::Down;
        };
        let (status, answer) = (answer.status(), answer.json::<Value>().await.expect("JSON"));
        if answer["errcode"] == "ORG.WARDLINE.STEP_UP" {
            return Unsealed::TooLate;
        }
        assert_eq!(status, StatusCode::OK, "{answer}");
        Unsealed::Key(answer["recovery_key"].as_str().expect("a key").to_owned())
    }
}

/// What the key service answers.
pub(crate) enum Unsealed {
    /// The recovery key.
    Key(String),
    /// The person signed in too long ago: they are to sign in again.
    TooLate,
    /// Nothing: it is down.
    Down,
}
