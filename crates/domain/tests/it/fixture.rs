//! A room that grows by events that pass the authorisation rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use wardline_domain::Timestamp;
use wardline_domain::auth::{self, AuthError, StateView};
use wardline_domain::build::{BuildContext, EventTemplate, build};
use wardline_domain::pdu::Pdu;
use wardline_domain::room_version::RoomVersion;
use wardline_domain::ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, server_name};
use wardline_domain::signing::Signer;

pub(crate) const AMY: &str = "@amy:riverside.example";
pub(crate) const BEN: &str = "@ben:riverside.example";
pub(crate) const CAT: &str = "@cat:elsewhere.example";

pub(crate) fn user(id: &str) -> OwnedUserId {
    id.try_into().unwrap()
}

pub(crate) fn signer() -> Signer {
    Signer::from_seed(server_name!("riverside.example").to_owned(), "a1", [7; 32]).unwrap()
}

#[derive(Clone, Default)]
pub(crate) struct State(pub(crate) BTreeMap<(String, String), Arc<Pdu>>);

impl StateView for State {
    fn get(&self, kind: &str, state_key: &str) -> Option<Arc<Pdu>> {
        self.0.get(&(kind.to_owned(), state_key.to_owned())).cloned()
    }
}

#[derive(Clone)]
pub(crate) struct Room {
    pub(crate) version: RoomVersion,
    pub(crate) room_id: OwnedRoomId,
    pub(crate) state: State,
    pub(crate) events: BTreeMap<OwnedEventId, Arc<Pdu>>,
    pub(crate) last: Option<Arc<Pdu>>,
    clock: i64,
}

impl Room {
    /// A room of Amy's, with only its create event and her membership.
    pub(crate) fn new(version: RoomVersion) -> Self {
        Self::with_create(version, json!({}))
    }

    /// The same, with more in the create event.
    pub(crate) fn with_create(version: RoomVersion, mut create: Value) -> Self {
        create["room_version"] = version.as_str().into();
        if version.creator_in_content() {
            create["creator"] = AMY.into();
        }
        let room_id = RoomId::parse("!ward:riverside.example").unwrap();
        let mut room = Self {
            version,
            room_id,
            state: State::default(),
            events: BTreeMap::new(),
            last: None,
            clock: 1000,
        };
        let event = room.send("m.room.create", Some(""), AMY, create).unwrap();
        room.room_id = event.room_id.clone();
        room.member(AMY, AMY, "join").unwrap();
        room
    }

    pub(crate) fn template(
        &self,
        kind: &str,
        state_key: Option<&str>,
        sender: &str,
        content: Value,
    ) -> EventTemplate {
        let message = EventTemplate::message(kind, user(sender), &content, Timestamp(self.clock)).unwrap();
        EventTemplate { state_key: state_key.map(str::to_owned), ..message }
    }

    /// Builds an event at the end of the room without checking or keeping it.
    pub(crate) fn build(&self, template: EventTemplate) -> Arc<Pdu> {
        let is_root = template.kind == "m.room.create" && self.version.room_id_is_create_hash();
        let auth_events = auth::select_auth_events(&template, &self.state, self.version).unwrap();
        let context = BuildContext {
            version: self.version,
            room_id: (!is_root).then(|| self.room_id.clone()),
            prev_events: self.last.iter().map(|event| event.event_id.clone()).collect(),
            depth: self.last.as_ref().map_or(1, |event| event.depth + 1),
            auth_events: auth_events.iter().map(|event| event.event_id.clone()).collect(),
        };
        Arc::new(build(template, context, &signer()).unwrap())
    }

    /// Adds an event if it is allowed.
    pub(crate) fn send(
        &mut self,
        kind: &str,
        state_key: Option<&str>,
        sender: &str,
        content: Value,
    ) -> Result<Arc<Pdu>, AuthError> {
        self.add(self.template(kind, state_key, sender, content))
    }

    pub(crate) fn add(&mut self, template: EventTemplate) -> Result<Arc<Pdu>, AuthError> {
        let pdu = self.build(template);
        auth::check(&pdu, &self.state, self.version)?;
        if let Some(key) = &pdu.state_key {
            self.state.0.insert((pdu.kind.clone(), key.clone()), pdu.clone());
        }
        self.events.insert(pdu.event_id.clone(), pdu.clone());
        self.last = Some(pdu.clone());
        self.clock += 1;
        Ok(pdu)
    }

    pub(crate) fn member(
        &mut self,
        sender: &str,
        target: &str,
        membership: &str,
    ) -> Result<Arc<Pdu>, AuthError> {
        self.send("m.room.member", Some(target), sender, json!({ "membership": membership }))
    }

    pub(crate) fn message(&mut self, sender: &str, content: Value) -> Result<Arc<Pdu>, AuthError> {
        self.send("m.room.message", None, sender, content)
    }

    /// Opens the room to everybody.
    pub(crate) fn open(&mut self) {
        self.send("m.room.join_rules", Some(""), AMY, json!({ "join_rule": "public" })).unwrap();
    }
}
