//! Creating rooms (Client-Server API, "Creation"): all events of a new room in one commit, or none.

use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use wardline_audit::{Action, Entry};
use wardline_domain::build::{BuildContext, EventTemplate, build};
use wardline_domain::ids::new_room_id;
use wardline_domain::room_version::RoomVersion;
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId};
use wardline_domain::visibility::Membership;
use wardline_store::aliases;

use super::membership::content;
use super::profile::profile_content;
use super::send::raw;
use super::shard::Fresh;
use super::turn::Turn;
use super::{Also, Caller, Order, Rooms, carry};
use crate::EngineError;

/// The most state events and invites that one request may ask for.
const MOST: usize = 1000;

/// A ready-made set of settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// Invited people only; they see the whole history.
    #[default]
    PrivateChat,
    /// The same, and everybody invited at creation has the power of the creator.
    TrustedPrivateChat,
    /// Everybody may join.
    PublicChat,
}

impl Preset {
    /// The preset of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "private_chat" => Self::PrivateChat,
            "trusted_private_chat" => Self::TrustedPrivateChat,
            "public_chat" => Self::PublicChat,
            _ => return None,
        })
    }
}

/// A state event of a new room.
#[derive(Clone, Debug)]
pub struct InitialState {
    /// The event type.
    pub kind: String,
    /// The state key.
    pub state_key: String,
    /// The content.
    pub content: Box<RawValue>,
}

/// A room to be created.
#[derive(Default)]
pub struct CreateRoom {
    /// The settings to begin with.
    pub preset: Preset,
    /// "6" to "12"; `None`: the default of the configuration.
    pub room_version: Option<String>,
    /// Further content of `m.room.create`, for example `type`, `m.federate`, `additional_creators`.
    pub creation_content: Map<String, Value>,
    /// State events, set after those of the preset and instead of them where they name the same key.
    pub initial_state: Vec<InitialState>,
    /// Users to invite.
    pub invite: Vec<OwnedUserId>,
    /// Whether the invites are to a direct chat.
    pub is_direct: bool,
    /// The room's name.
    pub name: Option<String>,
    /// The room's topic.
    pub topic: Option<String>,
    /// The localpart of an alias to make and to set as the canonical one.
    pub alias: Option<String>,
    /// Members to put over those of the default `m.room.power_levels`.
    pub power_levels: Map<String, Value>,
    /// Encrypted from the first event on. Always so for rooms that the product makes.
    pub encrypted: bool,
    /// More work for the same transaction.
    pub also: Option<Also>,
}

impl std::fmt::Debug for CreateRoom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreateRoom").field("preset", &self.preset).finish_non_exhaustive()
    }
}

impl Rooms {
    /// Creates a room with all its first events, its alias and its invites in one commit.
    ///
    /// # Errors
    /// [`EngineError::UnsupportedRoomVersion`], [`EngineError::AliasTaken`], [`EngineError::BadRoomState`] for
    /// settings that contradict each other, [`EngineError::Invalid`] or [`EngineError::BadContent`].
    pub async fn create(&self, caller: Caller<'_>, mut room: CreateRoom) -> Result<OwnedRoomId, EngineError> {
        let version = match &room.room_version {
            None => self.context.config.default_room_version,
            Some(name) => RoomVersion::parse(name)
                .ok()
                .filter(|version| version.is_creatable())
                .ok_or_else(|| EngineError::UnsupportedRoomVersion(name.clone()))?,
        };
        self.check_request(&room)?;
        room.encrypted |= self.context.config.force_encryption;
        let alias = match room.alias.take() {
            Some(localpart) => Some(self.new_alias(&localpart)?),
            None => None,
        };
        let fresh = self.create_event(caller, &mut room, version)?;
        let room_id = fresh.create.room_id.clone();
        let carried =
            self.context.store.read_now(|tx| carry::on_create(tx, &self.context, caller, &fresh.create))?;
        let own = room.also.take();
        let both: Also = Box::new(move |tx, room| {
            carried.map_or(Ok(()), |carried| carried(tx, room))?;
            own.map_or(Ok(()), |own| own(tx, room))
        });
        let also = self.with_alias_and_audit(caller, Some(both), alias.clone(), &room_id);
        let events = self.first_events(caller, &room, version, alias)?;
        let plan = move |turn: &mut Turn<'_>| {
            let mut last = fresh_id(turn)?;
            for event in &events {
                last = turn
                    .send(EventTemplate { origin_server_ts: turn.now, ..event.clone() })
                    .map_err(contradiction)?;
            }
            Ok(last)
        };
        self.order(Order {
            room: &room_id,
            fresh: Some(fresh),
            caller,
            txn: None,
            also: Some(also),
            plan: Box::new(plan),
        })
        .await
        .map_err(contradiction)?;
        Ok(room_id)
    }

    fn check_request(&self, room: &CreateRoom) -> Result<(), EngineError> {
        if room.initial_state.len() > MOST {
            return Err(EngineError::invalid("initial_state", format!("the most is {MOST} events")));
        }
        if room.invite.len() > MOST {
            return Err(EngineError::invalid("invite", format!("the most is {MOST} users")));
        }
        if let Some(at) = room.invite.iter().position(|user| !self.context.is_local(user)) {
            return Err(EngineError::invalid(format!("invite[{at}]"), "not a user of this server"));
        }
        let made_here = |kind: &str| matches!(kind, "m.room.create" | "m.room.member");
        if let Some(at) = room.initial_state.iter().position(|event| made_here(&event.kind)) {
            let reason = "this event type is made by the server";
            return Err(EngineError::invalid(format!("initial_state[{at}].type"), reason));
        }
        Ok(())
    }

    fn new_alias(&self, localpart: &str) -> Result<String, EngineError> {
        let bad = || EngineError::invalid("room_alias_name", "not the local part of an alias");
        if localpart.is_empty()
            || localpart.contains([':', '#', '\0'])
            || localpart.contains(char::is_whitespace)
        {
            return Err(bad());
        }
        let alias = format!("#{localpart}:{}", self.context.server_name);
        super::aliases::parse(&alias).map_err(|_| bad())?;
        if self.context.store.read_now(|tx| aliases::get(tx, &alias))?.is_some() {
            return Err(EngineError::AliasTaken);
        }
        Ok(alias)
    }

    /// The create event. A salt makes the hash of it, which since version 12 is the id of the room, one that
    /// nobody can guess and that no second room gets.
    pub(super) fn create_event(
        &self,
        caller: Caller<'_>,
        room: &mut CreateRoom,
        version: RoomVersion,
    ) -> Result<Fresh, EngineError> {
        let creator = caller.user_id;
        let mut content = std::mem::take(&mut room.creation_content);
        content.insert("room_version".to_owned(), version.as_str().into());
        if version.creator_in_content() {
            content.insert("creator".to_owned(), creator.as_str().into());
        } else {
            content.remove("creator");
        }
        let is_hash = version.room_id_is_create_hash();
        if is_hash {
            content.insert("org.wardline.salt".to_owned(), self.context.random.token(16).into());
            if room.preset == Preset::TrustedPrivateChat && !room.invite.is_empty() {
                let more = content.entry("additional_creators").or_insert_with(|| json!([]));
                let more = more.as_array_mut().ok_or_else(|| {
                    EngineError::invalid("creation_content.additional_creators", "not an array")
                })?;
                for user in &room.invite {
                    if user != creator && !more.iter().any(|known| known == user.as_str()) {
                        more.push(user.as_str().into());
                    }
                }
            }
        }
        let room_type = match content.get("type") {
            None => None,
            Some(Value::String(room_type)) => Some(room_type.clone()),
            Some(_) => return Err(EngineError::invalid("creation_content.type", "not a string")),
        };
        let now = self.context.now();
        let template = EventTemplate::state("m.room.create", "", creator.to_owned(), &content, now)
            .map_err(|error| EngineError::invalid("creation_content", error.to_string()))?;
        let room_id = match is_hash {
            true => None,
            false => Some(
                new_room_id(&*self.context.random, &self.context.server_name)
                    .map_err(|error| EngineError::invalid("room_id", error.to_string()))?,
            ),
        };
        let place =
            BuildContext { version, room_id, prev_events: Vec::new(), depth: 1, auth_events: Vec::new() };
        let create = build(template, place, &self.context.signer)?;
        Ok(Fresh { create: Arc::new(create), version, room_type })
    }

    /// Everything after the create event, in the order of the specification.
    fn first_events(
        &self,
        caller: Caller<'_>,
        room: &CreateRoom,
        version: RoomVersion,
        alias: Option<String>,
    ) -> Result<Vec<EventTemplate>, EngineError> {
        let creator = caller.user_id.to_owned();
        let now = self.context.now();
        let mut events = Vec::new();
        let mut push = |kind: &str, key: &str, content: &RawValue| {
            events.push(EventTemplate {
                kind: kind.to_owned(),
                state_key: Some(key.to_owned()),
                content: content.to_owned(),
                sender: creator.clone(),
                redacts: None,
                origin_server_ts: now,
            });
        };
        let profile = |user| self.context.store.read_now(|tx| profile_content(tx, user));
        let join = content(Membership::Join, profile(&creator)?, None);
        push("m.room.member", creator.as_str(), &raw(&join)?);
        let asked = |kind: &str| room.initial_state.iter().find(|e| e.kind == kind && e.state_key.is_empty());
        match asked("m.room.power_levels") {
            Some(event) => push(&event.kind, "", &event.content),
            None => push("m.room.power_levels", "", &raw(&power_levels(&creator, room, version))?),
        }
        if let Some(alias) = alias {
            push("m.room.canonical_alias", "", &raw(&json!({ "alias": alias }))?);
        }
        for (kind, content) in preset_state(room.preset) {
            if asked(kind).is_none() {
                push(kind, "", &raw(&content)?);
            }
        }
        if room.encrypted && asked("m.room.encryption").is_none() {
            push("m.room.encryption", "", &raw(&json!({ "algorithm": "m.megolm.v1.aes-sha2" }))?);
        }
        for event in room.initial_state.iter().filter(|event| event.kind != "m.room.power_levels") {
            push(&event.kind, &event.state_key, &event.content);
        }
        if let Some(name) = &room.name {
            push("m.room.name", "", &raw(&json!({ "name": name }))?);
        }
        if let Some(topic) = &room.topic {
            let text = json!({ "m.text": [{ "body": topic }] });
            push("m.room.topic", "", &raw(&json!({ "topic": topic, "m.topic": text }))?);
        }
        let mut invited: Vec<&OwnedUserId> = Vec::new();
        for user in room.invite.iter().filter(|user| **user != creator) {
            if invited.contains(&user) {
                continue;
            }
            invited.push(user);
            let mut invite = content(Membership::Invite, profile(user)?, None);
            if room.is_direct {
                invite.insert("is_direct".to_owned(), true.into());
            }
            push("m.room.member", user.as_str(), &raw(&invite)?);
        }
        Ok(events)
    }

    /// The alias, the audit entry and the caller's own work, in the room's transaction.
    pub(super) fn with_alias_and_audit(
        &self,
        caller: Caller<'_>,
        also: Option<Also>,
        alias: Option<String>,
        room_id: &OwnedRoomId,
    ) -> Also {
        let now = self.context.now();
        let mut entry =
            Entry::new(now, caller.user_id.as_str(), Action::RoomCreated).target(room_id.as_str());
        if let Some(device) = caller.device {
            entry = entry.device(device);
        }
        let user = caller.user;
        Box::new(move |tx, room| {
            if let Some(alias) = alias
                && !aliases::create(tx, &alias, room, user, now)?
            {
                return Err(EngineError::AliasTaken);
            }
            wardline_audit::append(tx, &entry)?;
            also.map_or(Ok(()), |also| also(tx, room))
        })
    }
}

fn fresh_id(turn: &Turn<'_>) -> Result<wardline_domain::ruma::OwnedEventId, EngineError> {
    let create = turn.head.held("m.room.create", "").ok_or(EngineError::NotFound("room"))?;
    Ok(create.event_id.clone())
}

/// What the rules forbid at creation is a contradiction in the request, not a lack of rights.
pub(super) fn contradiction(error: EngineError) -> EngineError {
    match error {
        EngineError::Forbidden(reason) => EngineError::BadRoomState(reason),
        other => other,
    }
}

fn preset_state(preset: Preset) -> [(&'static str, Value); 3] {
    let (join_rule, guests) = match preset {
        Preset::PublicChat => ("public", "forbidden"),
        Preset::PrivateChat | Preset::TrustedPrivateChat => ("invite", "can_join"),
    };
    [
        ("m.room.join_rules", json!({ "join_rule": join_rule })),
        ("m.room.history_visibility", json!({ "history_visibility": "shared" })),
        ("m.room.guest_access", json!({ "guest_access": guests })),
    ]
}

fn power_levels(creator: &OwnedUserId, room: &CreateRoom, version: RoomVersion) -> Map<String, Value> {
    let is_hash = version.room_id_is_create_hash();
    let mut users = Map::new();
    // Since version 12 the creators stand above all levels and may not be listed.
    if !is_hash {
        users.insert(creator.to_string(), 100.into());
        if room.preset == Preset::TrustedPrivateChat {
            users.extend(room.invite.iter().map(|user| (user.to_string(), 100.into())));
        }
    }
    let defaults = json!({
        "ban": 50, "kick": 50, "redact": 50, "invite": 0,
        "events_default": 0, "state_default": 50, "users_default": 0,
        "events": {
            "m.room.avatar": 50,
            "m.room.canonical_alias": 50,
            "m.room.encryption": 100,
            "m.room.history_visibility": 100,
            "m.room.name": 50,
            "m.room.power_levels": 100,
            "m.room.server_acl": 100,
            "m.room.tombstone": if is_hash { 150 } else { 100 },
        },
        "notifications": { "room": 50 },
        "users": users,
    });
    let mut levels = match defaults {
        Value::Object(levels) => levels,
        _ => Map::new(),
    };
    levels.extend(room.power_levels.clone());
    levels
}
