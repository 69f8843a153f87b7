//! Upgrading a room (Client-Server API, "Room Upgrades"): a new room of another version takes the old one's place.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use wardline_domain::build::EventTemplate;
use wardline_domain::power_levels::PowerLevels;
use wardline_domain::room_version::RoomVersion;
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId, RoomId};
use wardline_domain::visibility::Membership;
use wardline_store::upgrades::{self, Upgrade};
use wardline_store::{ReadTx, RoomNid, StoreError, aliases, events, members, published, rooms, state, users};

use super::create::{CreateRoom, contradiction};
use super::membership::content;
use super::profile::profile_content;
use super::send::raw;
use super::turn::Turn;
use super::{Also, Caller, Order, Rooms, carry, read};
use crate::{Context, EngineError};

/// State that the new room takes over, besides everything of the product's own (`org.wardline.`).
const CARRIED: [&str; 12] = [
    "m.room.server_acl",
    "m.room.encryption",
    "m.room.name",
    "m.room.avatar",
    "m.room.topic",
    "m.room.guest_access",
    "m.room.history_visibility",
    "m.room.join_rules",
    "m.room.canonical_alias",
    "m.room.retention",
    "m.space.child",
    "m.space.parent",
];
const OWN: &str = "org.wardline.";
/// The most bans that are carried over.
const MOST_BANS: usize = 2000;

/// What is carried over from the old room.
struct Old {
    room: OwnedRoomId,
    version: RoomVersion,
    create: Map<String, Value>,
    levels: PowerLevels,
    /// Content of `m.room.power_levels`.
    powers: Map<String, Value>,
    creators: Vec<OwnedUserId>,
    state: Vec<(String, String, Map<String, Value>)>,
    banned: Vec<(OwnedUserId, Map<String, Value>)>,
    last_event: Option<String>,
}

impl Rooms {
    /// Replaces a room by a new one of version `version`: with its settings, power levels, bans, aliases and place in
    /// the directory. The old room gets a tombstone and, as far as the caller may do that, is closed to new messages.
    /// `more_creators` counts only since version 12.
    ///
    /// # Errors
    /// [`EngineError::UnsupportedRoomVersion`], [`EngineError::Forbidden`] for somebody who may not send the
    /// tombstone.
    pub async fn upgrade(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        version: &str,
        more_creators: Vec<OwnedUserId>,
    ) -> Result<OwnedRoomId, EngineError> {
        let version = RoomVersion::parse(version)
            .ok()
            .filter(|version| version.is_creatable())
            .ok_or_else(|| EngineError::UnsupportedRoomVersion(version.to_owned()))?;
        let nid = self.require_joined(caller, room)?;
        if let Some(begun) = self.context.store.read_now(|tx| upgrades::of_room(tx, nid))? {
            // A process ended in the middle of this upgrade, or another request is in it.
            return self.conclude(begun).await;
        }
        let context = self.context.clone();
        let old = self.context.store.read(move |tx| Old::read(tx, &context, nid)).await?;
        if !old.levels.can_send(caller.user_id, "m.room.tombstone", true) {
            return Err(EngineError::forbidden("your power level does not suffice to upgrade the room"));
        }
        let begun = self.replace(caller, nid, old, version, more_creators).await?;
        self.conclude(begun).await
    }

    /// Finishes the upgrades that an earlier process began.
    pub(crate) async fn finish_upgrades(self: Arc<Self>) {
        let begun = self.context.store.read_now(|tx| upgrades::all(tx));
        for upgrade in begun.unwrap_or_default() {
            let room = upgrade.room;
            match self.conclude(upgrade).await {
                Ok(_) => {}
                Err(EngineError::Forbidden(_) | EngineError::NotFound(_)) => {
                    // Who asked may not do it any more: the old room stays as it is.
                    drop(self.context.store.write(move |tx| upgrades::end(tx, room)).await);
                }
                Err(error) => tracing::warn!(%error, "an upgrade of a room waits for the next start"),
            }
        }
    }

    /// The second half of an upgrade: the old room gets its tombstone and is closed, as far as who asked may do that. In
    /// one commit, which also notes that nothing is left to do; the first half noted that this is.
    async fn conclude(&self, begun: Upgrade) -> Result<OwnedRoomId, EngineError> {
        let context = self.context.clone();
        let nid = begun.room;
        let (old, user) = self
            .context
            .store
            .read(move |tx| {
                Ok::<_, EngineError>((Old::read(tx, &context, nid)?, users::user_id(tx, begun.user)?))
            })
            .await?;
        let event = |kind: &str, content: &Value| -> Result<EventTemplate, EngineError> {
            Ok(EventTemplate {
                kind: kind.to_owned(),
                state_key: Some(String::new()),
                content: raw(content)?,
                sender: user.clone(),
                redacts: None,
                origin_server_ts: wardline_domain::Timestamp(0),
            })
        };
        let tombstone =
            json!({ "body": "This room has been replaced", "replacement_room": begun.replacement });
        let tombstone = event("m.room.tombstone", &tombstone)?;
        let mut last = Vec::new();
        if old.state.iter().any(|(kind, ..)| kind == "m.room.canonical_alias") {
            last.push(event("m.room.canonical_alias", &json!({}))?);
        }
        last.push(event("m.room.power_levels", &old.closed_powers().into())?);
        let plan = move |turn: &mut Turn<'_>| {
            let now = turn.now;
            let at_now = |event: &EventTemplate| EventTemplate { origin_server_ts: now, ..event.clone() };
            let answer = turn.send(at_now(&tombstone))?;
            for event in &last {
                match turn.send(at_now(event)) {
                    Ok(_) | Err(EngineError::Forbidden(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(answer)
        };
        let ended: Also = Box::new(move |tx, _| Ok(upgrades::end(tx, nid)?));
        let order = Order {
            room: &old.room,
            fresh: None,
            caller: Caller { user: begun.user, user_id: &user, device: begun.device.as_deref() },
            txn: None,
            also: Some(ended),
            plan: Box::new(plan),
        };
        self.order(order).await?;
        OwnedRoomId::try_from(begun.replacement)
            .map_err(|_| StoreError::Malformed("a replacement is no room id".into()).into())
    }

    /// The first half of an upgrade: makes the new room in one commit, which also moves the aliases and the entry in the
    /// directory, and notes that the second half is to follow.
    async fn replace(
        &self,
        caller: Caller<'_>,
        from: RoomNid,
        mut old: Old,
        version: RoomVersion,
        more_creators: Vec<OwnedUserId>,
    ) -> Result<Upgrade, EngineError> {
        let mut create = std::mem::take(&mut old.create);
        for member in ["room_version", "creator", "additional_creators", "predecessor", "org.wardline.salt"] {
            create.remove(member);
        }
        let mut predecessor = json!({ "room_id": old.room });
        if !version.room_id_is_create_hash() {
            predecessor["event_id"] = json!(old.last_event);
        }
        create.insert("predecessor".to_owned(), predecessor);
        let mut creators = vec![caller.user_id.to_owned()];
        if version.room_id_is_create_hash() {
            creators.extend(more_creators);
            if creators.len() > 1 {
                create.insert("additional_creators".to_owned(), json!(creators[1..]));
            }
        }
        let mut request = CreateRoom { creation_content: create, ..CreateRoom::default() };
        let fresh = self.create_event(caller, &mut request, version)?;
        let room_id = fresh.create.room_id.clone();
        let profile = self.context.store.read_now(|tx| profile_content(tx, caller.user_id))?;
        let plan = old.plan(caller.user_id.to_owned(), &creators, version, profile)?;
        let begun = Upgrade {
            room: from,
            replacement: room_id.to_string(),
            user: caller.user,
            device: caller.device.map(str::to_owned),
        };
        let noted = begun.clone();
        let settings = carry::settings(&self.context, caller, from);
        let moved: Also = Box::new(move |tx, to| {
            upgrades::begin(tx, &noted)?;
            settings(tx, to)?;
            aliases::move_all(tx, from, to)?;
            if published::is_listed(tx, from)? {
                published::set(tx, from, false)?;
                published::set(tx, to, true)?;
            }
            Ok(())
        });
        let also = self.with_alias_and_audit(caller, Some(moved), None, &room_id);
        let order = Order {
            room: &room_id,
            fresh: Some(fresh),
            caller,
            txn: None,
            also: Some(also),
            plan: Box::new(plan),
        };
        self.order(order).await?;
        Ok(begun)
    }
}

impl Old {
    fn read(tx: &ReadTx<'_>, context: &Context, room: RoomNid) -> Result<Self, EngineError> {
        let row = rooms::get(tx, room)?.ok_or(EngineError::NotFound("room"))?;
        let version = RoomVersion::parse(&row.room_version)
            .map_err(|_| EngineError::UnsupportedRoomVersion(row.room_version.clone()))?;
        let (mut create, mut powers, mut creators, mut state) =
            (Map::new(), Map::new(), Vec::new(), Vec::new());
        for entry in state::current_entries(tx, room)? {
            let (kind, key) = (entry.kind.as_str(), entry.state_key.as_str());
            let carried = (CARRIED.contains(&kind) && (key.is_empty() || kind.starts_with("m.space.")))
                || kind.starts_with(OWN);
            if !carried && !matches!(kind, "m.room.create" | "m.room.power_levels") {
                continue;
            }
            let event = context.events.get(tx, entry.event)?;
            let content: Map<String, Value> = event.pdu.content_as().unwrap_or_default();
            match kind {
                "m.room.create" => {
                    creators.push(event.pdu.sender.clone());
                    create = content;
                }
                "m.room.power_levels" => powers = content,
                _ => state.push((entry.kind, entry.state_key, content)),
            }
        }
        let more = create.get("additional_creators").and_then(Value::as_array).into_iter().flatten();
        creators.extend(more.filter_map(|user| OwnedUserId::try_from(user.as_str()?).ok()));
        let mut banned = Vec::new();
        for (user, member) in members::of_room(tx, room)? {
            if member.membership == Membership::Ban && banned.len() < MOST_BANS {
                let event = context.events.get(tx, member.event)?;
                banned.push((user, event.pdu.content_as().unwrap_or_default()));
            }
        }
        let last_event = row.extremities.first().map(|event| events::event_id(tx, *event)).transpose()?;
        Ok(Self {
            room: row.room_id,
            version,
            create,
            levels: read::levels(tx, context, room)?,
            powers,
            creators,
            state,
            banned,
            last_event: last_event.map(|event| event.to_string()),
        })
    }

    /// The power levels that close the old room: sending and inviting need more than everybody has.
    fn closed_powers(&self) -> Map<String, Value> {
        let number = |member: &str| self.powers.get(member).and_then(Value::as_i64);
        let above = number("users_default").unwrap_or(0).saturating_add(1).max(50);
        let mut powers = self.powers.clone();
        for member in ["events_default", "invite"] {
            powers.insert(member.to_owned(), number(member).unwrap_or(0).max(above).into());
        }
        powers
    }

    /// The power levels of the new room, and those to begin with if `sender` needs more while it is being made.
    fn new_powers(
        &self,
        sender: &OwnedUserId,
        creators: &[OwnedUserId],
        version: RoomVersion,
    ) -> (Map<String, Value>, Option<Map<String, Value>>) {
        let mut powers = self.powers.clone();
        let mut users = powers.get("users").and_then(Value::as_object).cloned().unwrap_or_default();
        if version.room_id_is_create_hash() {
            users.retain(|user, _| !creators.iter().any(|creator| creator == user));
            powers.insert("users".to_owned(), users.into());
            if !self.version.room_id_is_create_hash() {
                let events = powers.entry("events").or_insert_with(|| json!({}));
                if let Some(events) = events.as_object_mut() {
                    events.insert("m.room.tombstone".to_owned(), 150.into());
                }
            }
            return (powers, None);
        }
        // Creators of version 12 stand above all numbers; before it they need one.
        for creator in self.creators.iter().filter(|_| self.version.room_id_is_create_hash()) {
            users.insert(creator.to_string(), 150.into());
        }
        if self.powers.is_empty() {
            users.entry(sender.as_str()).or_insert_with(|| 100.into());
        }
        powers.insert("users".to_owned(), users.clone().into());
        let number =
            |member: &str, default| self.powers.get(member).and_then(Value::as_i64).unwrap_or(default);
        let of_events = self.powers.get("events").and_then(Value::as_object).into_iter().flatten();
        let needed = of_events.filter_map(|(_, level)| level.as_i64()).max().unwrap_or(0);
        let needed = needed.max(number("state_default", 50)).max(number("ban", 50)).max(100);
        let has = users.get(sender.as_str()).and_then(Value::as_i64);
        if has.unwrap_or_else(|| number("users_default", 0)) >= needed {
            return (powers, None);
        }
        let mut raised = powers.clone();
        users.insert(sender.to_string(), needed.into());
        raised.insert("users".to_owned(), users.into());
        (powers, Some(raised))
    }

    /// Puts everything that is carried over on the new room's head.
    fn plan(
        self,
        sender: OwnedUserId,
        creators: &[OwnedUserId],
        version: RoomVersion,
        profile: Map<String, Value>,
    ) -> Result<
        impl FnMut(&mut Turn<'_>) -> Result<wardline_domain::ruma::OwnedEventId, EngineError> + Send + use<>,
        EngineError,
    > {
        let (powers, raised) = self.new_powers(&sender, creators, version);
        let event =
            |kind: &str, key: &str, content: &Map<String, Value>| -> Result<EventTemplate, EngineError> {
                Ok(EventTemplate {
                    kind: kind.to_owned(),
                    state_key: Some(key.to_owned()),
                    content: raw(content)?,
                    sender: sender.clone(),
                    redacts: None,
                    origin_server_ts: wardline_domain::Timestamp(0),
                })
            };
        let join = content(Membership::Join, profile, None);
        let mut first = vec![event("m.room.member", sender.as_str(), &join)?];
        first.push(event("m.room.power_levels", "", raised.as_ref().unwrap_or(&powers))?);
        for (kind, key, content) in &self.state {
            first.push(event(kind, key, content)?);
        }
        let mut bans = Vec::new();
        for (user, was) in self.banned.iter().filter(|(user, _)| *user != sender) {
            let reason = was.get("reason").and_then(Value::as_str);
            bans.push(event("m.room.member", user.as_str(), &content(Membership::Ban, Map::new(), reason))?);
        }
        let last = raised.is_some().then(|| event("m.room.power_levels", "", &powers)).transpose()?;
        Ok(move |turn: &mut Turn<'_>| {
            let now = turn.now;
            let at_now = |event: &EventTemplate| EventTemplate { origin_server_ts: now, ..event.clone() };
            let mut answer = None;
            for event in &first {
                answer = Some(turn.send(at_now(event)).map_err(contradiction)?);
            }
            for ban in &bans {
                // Somebody who stands above the caller cannot be banned by them; that ban is not carried over.
                match turn.send(at_now(ban)) {
                    Ok(_) | Err(EngineError::Forbidden(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            if let Some(event) = &last {
                answer = Some(turn.send(at_now(event)).map_err(contradiction)?);
            }
            answer.ok_or(EngineError::NotFound("room"))
        })
    }
}
