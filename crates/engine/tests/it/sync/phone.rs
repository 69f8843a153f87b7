//! A client that keeps what `/sync` tells it, as a real one does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use wardline_engine::filters::Filter;
use wardline_engine::sync::SyncRequest;

use crate::home::{Home, Person};

/// How the client wants to be told the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// All of it.
    Full,
    /// Members when they say something.
    Lazy,
    /// The state after the timeline (MSC4222).
    After,
    /// The same, of the timeline only messages, and no receipts.
    Filtered,
}

impl Mode {
    /// Whether the state is wanted after the timeline.
    pub(crate) fn is_after(self) -> bool {
        matches!(self, Self::After | Self::Filtered)
    }
}

/// What the client knows of one room.
#[derive(Clone, Debug, Default)]
pub(crate) struct Room {
    /// `join`, `invite`, `knock` or `leave`.
    pub(crate) section: String,
    /// Event ids, oldest first.
    pub(crate) timeline: Vec<String>,
    /// Event ids by type and state key.
    pub(crate) state: BTreeMap<(String, String), String>,
    /// Event ids by user, type and thread.
    pub(crate) receipts: BTreeMap<(String, String, String), String>,
    pub(crate) unread: (u64, u64),
    pub(crate) typing: Vec<String>,
    pub(crate) account_data: BTreeMap<String, Value>,
}

/// A device of somebody.
#[derive(Clone, Debug)]
pub(crate) struct Phone {
    pub(crate) person: Person,
    pub(crate) device: String,
    pub(crate) mode: Mode,
    pub(crate) filter: Value,
    pub(crate) token: Option<String>,
    pub(crate) rooms: BTreeMap<String, Room>,
    pub(crate) account_data: BTreeMap<String, Value>,
    pub(crate) to_device: Vec<Value>,
}

impl Phone {
    pub(crate) fn new(person: &Person, device: &str, mode: Mode) -> Self {
        Self {
            person: person.clone(),
            device: device.to_owned(),
            mode,
            filter: match mode {
                Mode::Filtered => json!({ "room": {
                    "timeline": { "types": ["m.room.message"] }, "ephemeral": { "not_types": ["m.receipt"] }
                } }),
                // What is chosen of presence does not matter to an answer without it.
                Mode::Lazy => json!({
                    "presence": { "not_types": ["*"] }, "room": { "state": { "lazy_load_members": true } }
                }),
                _ => json!({ "room": { "state": { "lazy_load_members": false } } }),
            },
            token: None,
            rooms: BTreeMap::new(),
            account_data: BTreeMap::new(),
            to_device: Vec::new(),
        }
    }

    pub(crate) fn limit(&mut self, limit: usize) {
        self.filter["room"]["timeline"]["limit"] = json!(limit);
    }

    pub(crate) fn request(&self) -> SyncRequest {
        SyncRequest {
            user: self.person.nid,
            user_id: self.person.id.clone(),
            device: self.device.as_str().into(),
            since: self.token.as_deref().map(|token| token.parse().unwrap()),
            filter: Filter::parse(&self.filter.to_string()).unwrap().into(),
            full_state: false,
            state_after: self.mode.is_after(),
            stable_state_after: true,
            set_presence: wardline_engine::presence::State::Offline,
        }
    }

    /// Asks, and loses the answer.
    pub(crate) async fn ask(&self, home: &Home) -> Value {
        let answer = home.engine.sync.sync(self.request(), Duration::ZERO).await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        // A filter that chooses, though it leaves nothing out, is answered from the store and never from memory alone.
        let mut choosing = self.request();
        std::sync::Arc::make_mut(&mut choosing.filter)
            .room
            .not_rooms
            .push("!nowhere:none.example".try_into().unwrap());
        let other = home.engine.sync.sync(choosing, Duration::ZERO).await.unwrap();
        assert_eq!(answer, serde_json::from_str::<Value>(&other).unwrap());
        answer
    }

    /// Asks without waiting, and keeps what it is told.
    pub(crate) async fn sync(&mut self, home: &Home) -> Value {
        let answer = self.ask(home).await;
        self.keep(&answer);
        answer
    }

    /// Asks and waits until it is told something.
    pub(crate) async fn wait(&mut self, home: &Home) -> Value {
        let answer = home.engine.sync.sync(self.request(), Duration::from_secs(30)).await.unwrap();
        let answer = serde_json::from_str(&answer).unwrap();
        self.keep(&answer);
        answer
    }

    pub(crate) fn keep(&mut self, answer: &Value) {
        self.token = Some(answer["next_batch"].as_str().unwrap().to_owned());
        for event in array(&answer["account_data"]["events"]) {
            self.account_data.insert(text(&event["type"]), event["content"].clone());
        }
        self.to_device.extend(array(&answer["to_device"]["events"]).cloned());
        for section in ["join", "invite", "knock", "leave"] {
            for (id, told) in answer["rooms"][section].as_object().into_iter().flatten() {
                let room = self.rooms.entry(id.clone()).or_default();
                room.section = section.to_owned();
                if section == "join" || section == "leave" {
                    room.keep(told, self.mode);
                }
            }
        }
    }
}

impl Room {
    fn keep(&mut self, told: &Value, mode: Mode) {
        let timeline = &told["timeline"];
        if timeline["limited"] == json!(true) {
            self.timeline.clear();
        }
        let state = if mode.is_after() { "state_after" } else { "state" };
        assert!(told.get(if mode.is_after() { "state" } else { "state_after" }).is_none());
        if !mode.is_after() {
            self.set(array(&told[state]["events"]));
        }
        for event in array(&timeline["events"]) {
            assert!(event.get("room_id").is_none(), "no room id inside a room");
            self.timeline.push(text(&event["event_id"]));
            if !mode.is_after() {
                self.set(std::iter::once(event));
            }
        }
        let unique: BTreeSet<_> = self.timeline.iter().collect();
        assert_eq!(unique.len(), self.timeline.len(), "no event twice");
        if mode.is_after() {
            self.set(array(&told[state]["events"]));
        }
        if mode == Mode::Lazy && self.section == "join" {
            for event in array(&timeline["events"]) {
                let key = ("m.room.member".to_owned(), text(&event["sender"]));
                assert!(self.state.contains_key(&key), "every sender is known: {key:?}");
            }
        }
        for event in array(&told["ephemeral"]["events"]) {
            match event["type"].as_str() {
                Some("m.typing") => {
                    self.typing = array(&event["content"]["user_ids"]).map(text).collect();
                }
                _ => self.keep_receipts(&event["content"]),
            }
        }
        for event in array(&told["account_data"]["events"]) {
            self.account_data.insert(text(&event["type"]), event["content"].clone());
        }
        if let Some(unread) = told.get("unread_notifications") {
            let count = |name: &str| unread[name].as_u64().unwrap();
            self.unread = (count("notification_count"), count("highlight_count"));
        }
    }

    pub(super) fn set<'e>(&mut self, events: impl Iterator<Item = &'e Value>) {
        for event in events.filter(|event| event.get("state_key").is_some()) {
            self.state.insert((text(&event["type"]), text(&event["state_key"])), text(&event["event_id"]));
        }
    }

    pub(super) fn keep_receipts(&mut self, content: &Value) {
        for (event, kinds) in content.as_object().unwrap() {
            for (kind, users) in kinds.as_object().unwrap() {
                for (user, data) in users.as_object().unwrap() {
                    let thread = data["thread_id"].as_str().unwrap_or_default().to_owned();
                    self.receipts.insert((user.clone(), kind.clone(), thread), event.clone());
                }
            }
        }
    }
}

pub(crate) fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}
