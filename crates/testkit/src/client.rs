//! A small client: JSON over HTTP with a bearer token, and the few calls that most tests begin with.

use reqwest::Method;
use serde_json::{Value, json};

/// The password of everybody that [`Client::register`] makes.
const PASSWORD: &str = "a long enough passphrase";

/// An answer of the server.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body; `null` when it is not JSON.
    pub body: Value,
}

impl Answer {
    /// The body of a 2xx answer.
    ///
    /// # Panics
    /// When the answer is another one.
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.body);
        self.body
    }

    /// The status and Matrix error code of a refusal.
    #[must_use]
    pub fn refusal(&self) -> (u16, &str) {
        (self.status, self.body["errcode"].as_str().unwrap_or_default())
    }
}

/// A client of one server, signed in or not.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    /// The access token, once signed in.
    pub token: Option<String>,
    /// The full Matrix id, once signed in.
    pub user_id: String,
    /// The device, once signed in.
    pub device_id: String,
}

impl Client {
    /// A client of the server at `url`, not signed in.
    ///
    /// # Panics
    /// When no HTTP client can be made.
    #[must_use]
    pub fn new(url: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        Self { http, url: url.to_owned(), token: None, user_id: String::new(), device_id: String::new() }
    }

    /// Sends `body` to `path` (with its query) and gives the answer, whatever it is.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.expect("the server answers");
        let status = response.status().as_u16();
        Answer { status, body: response.json().await.unwrap_or(Value::Null) }
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    /// `PUT path` with a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(&body)).await
    }

    /// `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(&body)).await
    }

    /// Registers `name` and is signed in from here on.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn register(&mut self, name: &str) {
        let body = json!({ "username": name, "password": PASSWORD, "auth": { "type": "m.login.dummy" } });
        let answer = self.post("/_matrix/client/v3/register", body).await.ok();
        self.signed_in(&answer);
    }

    /// Signs `name` in with the password of [`Client::register`], on a new device.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn login(&mut self, name: &str) {
        let body = json!({
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": name },
            "password": PASSWORD,
        });
        let answer = self.post("/_matrix/client/v3/login", body).await.ok();
        self.signed_in(&answer);
    }

    fn signed_in(&mut self, answer: &Value) {
        self.token = answer["access_token"].as_str().map(str::to_owned);
        self.user_id = text(&answer["user_id"]);
        self.device_id = text(&answer["device_id"]);
    }

    /// Makes a room as `body` says and gives its id.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn create_room(&self, body: Value) -> String {
        text(&self.post("/_matrix/client/v3/createRoom", body).await.ok()["room_id"])
    }

    /// Joins the room.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn join(&self, room: &str) {
        self.post(&format!("/_matrix/client/v3/join/{room}"), json!({})).await.ok();
    }

    /// Sends an event under a transaction id and gives its event id.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn send(&self, room: &str, kind: &str, txn: &str, content: Value) -> String {
        let path = format!("/_matrix/client/v3/rooms/{room}/send/{kind}/{txn}");
        text(&self.put(&path, content).await.ok()["event_id"])
    }

    /// Syncs: from the beginning, or from `since` and waiting for news for at most `timeout` milliseconds.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn sync(&self, since: Option<&str>, timeout: u32) -> Value {
        let since = since.map_or(String::new(), |since| format!("&since={since}"));
        self.get(&format!("/_matrix/client/v3/sync?timeout={timeout}{since}")).await.ok()
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}
