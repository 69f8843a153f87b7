//! A client of sliding sync that keeps what it is told in the same way as one of `/sync`.

use std::time::Duration;

use serde_json::{Value, json};
use wardline_engine::EngineError;
use wardline_engine::sync::sliding::SlidingRequest;

use super::phone::{Mode, Phone, Room, array, text};
use crate::home::{Home, Person};

/// A device of somebody that looks at a part of the rooms.
#[derive(Clone, Debug)]
pub(crate) struct Glance {
    /// What it knows, and who it is.
    pub(crate) phone: Phone,
    pub(crate) body: Value,
    pub(crate) pos: Option<String>,
    pub(crate) to_device: Option<String>,
}

impl Glance {
    /// All rooms and everything, in one list.
    pub(crate) fn new(person: &Person, device: &str, mode: Mode) -> Self {
        let state = match mode {
            Mode::Lazy => json!([["m.room.member", "$LAZY"], ["m.room.member", "$ME"], ["*", ""]]),
            _ => json!([["*", "*"]]),
        };
        let on = json!({ "enabled": true });
        let body = json!({
            "lists": { "all": { "ranges": [[0, 99]], "required_state": state, "timeline_limit": 5 } },
            "extensions": { "to_device": on, "e2ee": on, "account_data": on, "receipts": on, "typing": on },
        });
        Self { phone: Phone::new(person, device, mode), body, pos: None, to_device: None }
    }

    pub(crate) fn request(&self) -> SlidingRequest {
        let mut body = self.body.clone();
        if let Some(since) = &self.to_device {
            body["extensions"]["to_device"]["since"] = json!(since);
        }
        SlidingRequest {
            user: self.phone.person.nid,
            user_id: self.phone.person.id.clone(),
            device: self.phone.device.as_str().into(),
            pos: self.pos.clone(),
            stable: false,
            body: serde_json::from_value(body).unwrap(),
        }
    }

    /// Asks, and loses the answer.
    pub(crate) async fn ask(&self, home: &Home) -> Value {
        self.try_ask(home, Duration::ZERO).await.unwrap()
    }

    pub(crate) async fn try_ask(&self, home: &Home, wait: Duration) -> Result<Value, EngineError> {
        let answer = home.engine.sliding.sync(self.request(), wait).await?;
        Ok(serde_json::from_str(&answer).unwrap())
    }

    /// Asks without waiting, and keeps what it is told.
    pub(crate) async fn sync(&mut self, home: &Home) -> Value {
        let answer = self.ask(home).await;
        self.keep(&answer);
        answer
    }

    /// Asks and waits until it is told something.
    pub(crate) async fn wait(&mut self, home: &Home) -> Value {
        let answer = self.try_ask(home, Duration::from_secs(30)).await.unwrap();
        self.keep(&answer);
        answer
    }

    pub(crate) fn keep(&mut self, answer: &Value) {
        self.pos = Some(text(&answer["pos"]));
        for (id, told) in answer["rooms"].as_object().unwrap() {
            let room = self.phone.rooms.entry(id.clone()).or_default();
            match told["membership"].as_str().unwrap() {
                "invite" => "invite",
                "knock" => "knock",
                "join" => "join",
                _ => "leave",
            }
            .clone_into(&mut room.section);
            if told["initial"] == json!(true) {
                *room = Room { section: room.section.clone(), ..Room::default() };
            }
            if room.section == "join" || room.section == "leave" {
                room.keep_glance(told, self.phone.mode);
            }
        }
        let extensions = &answer["extensions"];
        if let Some(next) = extensions["to_device"]["next_batch"].as_str() {
            self.to_device = Some(next.to_owned());
        }
        self.phone.to_device.extend(array(&extensions["to_device"]["events"]).cloned());
        for event in array(&extensions["account_data"]["global"]) {
            self.phone.account_data.insert(text(&event["type"]), event["content"].clone());
        }
        for (id, events) in extensions["account_data"]["rooms"].as_object().into_iter().flatten() {
            let room = self.phone.rooms.get_mut(id).unwrap();
            for event in array(events) {
                room.account_data.insert(text(&event["type"]), event["content"].clone());
            }
        }
        for (id, event) in extensions["receipts"]["rooms"].as_object().into_iter().flatten() {
            self.phone.rooms.get_mut(id).unwrap().keep_receipts(&event["content"]);
        }
        for (id, event) in extensions["typing"]["rooms"].as_object().into_iter().flatten() {
            let typing = array(&event["content"]["user_ids"]).map(text).collect();
            self.phone.rooms.get_mut(id).unwrap().typing = typing;
        }
    }
}

impl Room {
    fn keep_glance(&mut self, told: &Value, mode: Mode) {
        if told["limited"] == json!(true) || told["unstable_expanded_timeline"] == json!(true) {
            self.timeline.clear();
        }
        for event in array(&told["timeline"]) {
            let id = text(&event["event_id"]);
            assert!(!self.timeline.contains(&id), "no event twice");
            self.timeline.push(id);
        }
        self.set(array(&told["required_state"]));
        if mode == Mode::Lazy && self.section == "join" {
            for event in array(&told["timeline"]) {
                let key = ("m.room.member".to_owned(), text(&event["sender"]));
                assert!(self.state.contains_key(&key), "every sender is known: {key:?}");
            }
        }
        if let Some(count) = told["notification_count"].as_u64() {
            self.unread = (count, told["highlight_count"].as_u64().unwrap());
        }
    }
}
