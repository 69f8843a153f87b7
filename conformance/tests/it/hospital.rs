//! People of the demo hospital, over plain HTTP. Every call gives `None` when the server is gone, and panics when
//! it refuses.

use std::time::Duration;

use reqwest::{Client, Method, Url};
use serde_json::{Value, json};
use tokio::time::timeout;

/// After how long a call that is answered at once gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// A signed-in member of staff.
pub(crate) struct Person {
    http: Client,
    url: String,
    token: String,
    pub(crate) name: String,
    user_id: String,
}

/// `text` as one segment of a path.
pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

impl Person {
    /// Signs in at the demo hospital.
    pub(crate) async fn sign_in(url: &str, name: &str) -> Self {
        let http = Client::builder().no_proxy().build().expect("an HTTP client");
        let mut person = Self {
            http,
            url: url.to_owned(),
            token: String::new(),
            name: name.to_owned(),
            user_id: String::new(),
        };
        let body = json!({
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": name },
            "password": "riverside-demo",
        });
        let answer = person.post("/_matrix/client/v3/login", body).await.expect("the server answers");
        person.token = text(&answer["access_token"]);
        person.user_id = text(&answer["user_id"]);
        person
    }

    async fn call(
        &self,
        method: Method,
        url: Url,
        body: Option<Value>,
    ) -> Option<Result<Value, (u16, Value)>> {
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.ok()?;
        let status = response.status();
        let body: Value = response.json().await.ok()?;
        Some(if status.is_success() { Ok(body) } else { Err((status.as_u16(), body)) })
    }

    async fn done(&self, method: Method, path: &str, body: Option<Value>) -> Option<Value> {
        let url = self.at(path, &[]);
        // The HTTP client may miss that the server was killed, and wait with no connection left.
        let answer = timeout(PATIENCE, self.call(method, url, body)).await.ok()??;
        Some(answer.unwrap_or_else(|(status, body)| panic!("{path}: {status} {body}")))
    }

    fn at(&self, path: &str, query: &[(&str, &str)]) -> Url {
        Url::parse_with_params(&format!("{}{path}", self.url), query).expect("a URL")
    }

    pub(crate) async fn get(&self, path: &str) -> Option<Value> {
        self.done(Method::GET, path, None).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Option<Value> {
        self.done(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Option<Value> {
        self.done(Method::POST, path, Some(body)).await
    }

    /// Sends an event that looks encrypted and gives its id.
    pub(crate) async fn send(&self, room: &str, txn: &str) -> Option<String> {
        let path = format!("/_matrix/client/v3/rooms/{}/send/m.room.encrypted/{txn}", encode(room));
        let content = json!({
            "algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgAEpABqj8lOhvb", "session_id": txn,
            "sender_key": "key", "device_id": "device",
        });
        self.put(&path, content).await.map(|answer| text(&answer["event_id"]))
    }

    pub(crate) async fn has_event(&self, room: &str, event: &str) -> bool {
        let path = format!("/_matrix/client/v3/rooms/{}/event/{}", encode(room), encode(event));
        let answer = self.call(Method::GET, self.at(&path, &[]), None).await;
        answer.is_some_and(|answer| answer.is_ok_and(|found| found["event_id"] == event))
    }

    /// Everything of a room, newest first, as event ids.
    pub(crate) async fn timeline(&self, room: &str) -> Vec<String> {
        let path = format!("/_matrix/client/v3/rooms/{}/messages", encode(room));
        let (mut events, mut from) = (Vec::new(), None::<String>);
        loop {
            let mut query = vec![("dir", "b"), ("limit", "1000")];
            query.extend(from.as_deref().map(|from| ("from", from)));
            let page =
                self.call(Method::GET, self.at(&path, &query), None).await.expect("the server answers");
            let page = page.expect("a page of messages");
            let chunk = page["chunk"].as_array().expect("a list");
            events.extend(chunk.iter().map(|event| text(&event["event_id"])));
            from = page["end"].as_str().map(str::to_owned);
            if from.is_none() || chunk.is_empty() {
                return events;
            }
        }
    }

    /// The place in the stream from which to wait for news.
    pub(crate) async fn next_batch(&self) -> String {
        text(&self.sync().await["next_batch"])
    }

    /// Waits in a sync for news since then for as long as the server lets it.
    pub(crate) async fn wait_for_news(&self, since: &str) -> Option<Result<Value, (u16, Value)>> {
        let url = self.at("/_matrix/client/v3/sync", &[("timeout", "30000"), ("since", since)]);
        self.call(Method::GET, url, None).await
    }

    /// The patients of this person's conversations, one reference for each room.
    pub(crate) async fn patients(&self) -> Vec<String> {
        let mut patients = Vec::new();
        for room in self.sync().await["rooms"]["join"].as_object().into_iter().flat_map(|rooms| rooms.keys())
        {
            patients.extend(self.patient_of(room).await);
        }
        patients
    }

    async fn patient_of(&self, room: &str) -> Option<String> {
        let path = format!("/_matrix/client/v3/rooms/{}/state/org.wardline.patient/", encode(room));
        let state = self.call(Method::GET, self.at(&path, &[]), None).await?;
        state.ok().map(|state| text(&state["ref"]))
    }

    /// A first sync with as little timeline as possible.
    async fn sync(&self) -> Value {
        let filter =
            json!({ "room": { "timeline": { "limit": 1 } }, "presence": { "types": [] } }).to_string();
        let url = self.at("/_matrix/client/v3/sync", &[("timeout", "0"), ("filter", &filter)]);
        self.call(Method::GET, url, None).await.expect("the server answers").expect("a sync")
    }

    /// The event on which this person's read receipt stands.
    pub(crate) async fn own_receipt(&self, room: &str) -> Option<String> {
        let sync = self.sync().await;
        let ephemeral = sync["rooms"]["join"][room]["ephemeral"]["events"].as_array()?;
        let receipts = ephemeral.iter().find(|event| event["type"] == "m.receipt")?["content"].as_object()?;
        let own = |content: &Value| content["m.read"].get(&self.user_id).is_some();
        receipts.iter().find(|(_, content)| own(content)).map(|(event, _)| event.clone())
    }

    /// A conversation about a patient that both are in: its room and the patient's reference.
    pub(crate) async fn a_patient_shared_with(&self, other: &Self) -> (String, String) {
        let (mine, theirs) = (self.sync().await, other.sync().await);
        let joined = |sync: &Value| sync["rooms"]["join"].as_object().cloned().unwrap_or_default();
        let theirs = joined(&theirs);
        for room in joined(&mine).keys().filter(|room| theirs.contains_key(*room)) {
            if let Some(patient) = self.patient_of(room).await {
                return (room.clone(), patient);
            }
        }
        panic!("{} and {} share no patient", self.name, other.name)
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}
