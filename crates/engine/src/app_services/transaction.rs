//! What a service is told of a stretch of the stream.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::{Map, Value, json};
use wardline_domain::ruma::OwnedUserId;
use wardline_domain::visibility::Membership;
use wardline_store::{
    EventNid, Kind, Pos, Reader, RoomNid, StoreError, StreamRow, UserNid, aliases, members, one_time_keys,
    receipts, rooms, sessions, stream, to_device, users,
};

use super::{Interest, Service};
use crate::Context;
use crate::events::{Extras, Viewer};
use crate::typing::Typing;

/// Rows of the stream that are looked at for one transaction.
const ROWS: usize = 500;
/// Events in one transaction.
const EVENTS: usize = 100;
/// Receipts of one room, and messages to one device, in one transaction.
const EDUS: usize = 1000;

/// A transaction to be sent.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    /// The last position that it covers.
    pub(super) upto: Pos,
    /// Events in client format.
    events: Vec<String>,
    ephemeral: Vec<Value>,
    to_device: Vec<Value>,
    changed: BTreeSet<OwnedUserId>,
    left: BTreeSet<OwnedUserId>,
    key_counts: BTreeMap<OwnedUserId, Map<String, Value>>,
    fallback_types: BTreeMap<OwnedUserId, Map<String, Value>>,
    /// Messages to devices that are handed over with it.
    pub(super) handed: Vec<(UserNid, String)>,
}

impl Transaction {
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.ephemeral.is_empty()
            && self.to_device.is_empty()
            && self.changed.is_empty()
            && self.left.is_empty()
            && self.key_counts.is_empty()
    }

    /// The body of `PUT /_matrix/app/v1/transactions/{txnId}`.
    pub(super) fn body(&self) -> String {
        let mut more = Map::new();
        if !self.ephemeral.is_empty() {
            more.insert("ephemeral".to_owned(), json!(self.ephemeral));
            more.insert("de.sorunome.msc2409.ephemeral".to_owned(), json!(self.ephemeral));
        }
        if !self.to_device.is_empty() {
            more.insert("to_device".to_owned(), json!(self.to_device));
            more.insert("de.sorunome.msc2409.to_device".to_owned(), json!(self.to_device));
        }
        if !self.changed.is_empty() || !self.left.is_empty() {
            let lists = json!({ "changed": self.changed, "left": self.left });
            more.insert("device_lists".to_owned(), lists.clone());
            more.insert("org.matrix.msc3202.device_lists".to_owned(), lists);
        }
        if !self.key_counts.is_empty() {
            for (name, value) in [
                ("device_one_time_keys_count", json!(self.key_counts)),
                ("device_unused_fallback_key_types", json!(self.fallback_types)),
            ] {
                more.insert(name.to_owned(), value.clone());
                more.insert(format!("org.matrix.msc3202.{name}"), value);
            }
        }
        let more = Value::Object(more).to_string();
        let more = more.trim_start_matches('{');
        let comma = if more == "}" { "" } else { "," };
        format!("{{\"events\":[{}]{comma}{more}", self.events.join(","))
    }
}

/// Collects what `service` is told of the stream after `from`: up to `upto` if a transaction was begun with that end,
/// else as far as fits into one. `typing` are the rooms whose typing people changed.
pub(super) fn collect(
    tx: &impl Reader,
    context: &Context,
    service: &Service,
    from: Pos,
    upto: Option<Pos>,
    typing: (&Typing, HashSet<RoomNid>),
) -> Result<Transaction, StoreError> {
    let head = stream::head(tx)?;
    let rows =
        stream::range(tx, from, upto.unwrap_or(head), if upto.is_some() { usize::MAX >> 1 } else { ROWS })?;
    let mut collector = Collector {
        tx,
        context,
        service,
        told: Transaction { upto: upto.unwrap_or(from), ..Transaction::default() },
        receipts: BTreeSet::new(),
        devices_of: BTreeSet::new(),
        keys_of: BTreeSet::new(),
    };
    for row in &rows {
        collector.row(row)?;
        collector.told.upto = collector.told.upto.max(row.pos);
        if upto.is_none() && collector.told.events.len() >= EVENTS {
            break;
        }
    }
    collector.finish(from, typing)
}

struct Collector<'a, R> {
    tx: &'a R,
    context: &'a Context,
    service: &'a Service,
    told: Transaction,
    receipts: BTreeSet<RoomNid>,
    devices_of: BTreeSet<UserNid>,
    keys_of: BTreeSet<UserNid>,
}

impl<R: Reader> Collector<'_, R> {
    fn row(&mut self, row: &StreamRow) -> Result<(), StoreError> {
        let registration = &self.service.registration;
        match (row.kind, row.room, row.user) {
            (Kind::Event, Some(room), _) => self.event(room, row)?,
            (Kind::Membership, Some(room), Some(user)) => self.membership(room, user, row)?,
            (Kind::Receipt, Some(room), _)
                if registration.receive_ephemeral && self.room_concerns(room, row.pos)? =>
            {
                self.receipts.insert(room);
            }
            (Kind::ToDevice, _, Some(user)) if registration.receive_ephemeral && self.is_own(user)? => {
                self.devices_of.insert(user);
                self.keys_of.insert(user);
            }
            (Kind::OneTimeKeys, _, Some(user)) if registration.encrypted && self.is_own(user)? => {
                self.keys_of.insert(user);
            }
            (Kind::DeviceList, _, Some(user))
                if registration.encrypted && self.shares_room(user, row.pos)? =>
            {
                self.told.changed.insert(users::user_id(self.tx, user)?);
            }
            _ => {}
        }
        Ok(())
    }

    fn event(&mut self, room: RoomNid, row: &StreamRow) -> Result<(), StoreError> {
        let event = self.context.events.get(self.tx, EventNid(row.reference))?;
        let about = event.pdu.state_key.as_deref().filter(|_| event.pdu.kind == "m.room.member");
        let concerns = self.service.has_user(&event.pdu.sender)
            || about
                .and_then(|user| <&wardline_domain::ruma::UserId>::try_from(user).ok())
                .is_some_and(|user| self.service.has_user(user))
            || self.room_concerns(room, row.pos)?;
        if concerns {
            let viewer = Viewer { user: UserNid(0), device: None, now: self.context.now() };
            let mut json = String::new();
            self.context.events.write(self.tx, &event, viewer, Extras::default(), true, &mut json)?;
            self.told.events.push(json);
        }
        Ok(())
    }

    fn membership(&mut self, room: RoomNid, user: UserNid, row: &StreamRow) -> Result<(), StoreError> {
        let joined = stream::membership_of(row.reference).1;
        if self.is_own(user)? {
            self.service.interest.lock().remove(&room);
            if joined && self.service.registration.encrypted {
                for member in members::users_in(self.tx, room, Membership::Join)? {
                    self.told.changed.insert(users::user_id(self.tx, member)?);
                }
            }
        } else if self.service.registration.encrypted && self.room_concerns(room, row.pos)? {
            let user_id = users::user_id(self.tx, user)?;
            if joined {
                self.told.changed.insert(user_id);
            } else if !self.shares_room(user, row.pos)? {
                self.told.left.insert(user_id);
            }
        }
        Ok(())
    }

    fn is_own(&self, user: UserNid) -> Result<bool, StoreError> {
        Ok(self.service.has_user(&users::user_id(self.tx, user)?))
    }

    fn shares_room(&self, user: UserNid, pos: Pos) -> Result<bool, StoreError> {
        for room in members::rooms_of(self.tx, user, Membership::Join)? {
            if self.room_concerns(room, pos)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a room concerns the service as it was at a position: by its id, an alias, or one of its users in it.
    fn room_concerns(&self, room: RoomNid, pos: Pos) -> Result<bool, StoreError> {
        let names = &self.service.namespaces;
        if !names.rooms.is_empty() && names.rooms.have(rooms::room_id(self.tx, room)?.as_str()) {
            return Ok(true);
        }
        if !names.aliases.is_empty()
            && aliases::of_room(self.tx, room)?.iter().any(|alias| names.aliases.have(alias))
        {
            return Ok(true);
        }
        let known = self.service.interest.lock().get(&room).copied();
        let interest = match known {
            Some(interest) => interest,
            None => {
                let interest = self.look(room)?;
                self.service.interest.lock().insert(room, interest);
                interest
            }
        };
        Ok(interest.now || pos <= interest.left_at)
    }

    fn look(&self, room: RoomNid) -> Result<Interest, StoreError> {
        let mut interest = Interest::default();
        for (user, member) in members::of_room(self.tx, room)? {
            match member.membership {
                _ if !self.service.has_user(&user) => {}
                Membership::Join => interest.now = true,
                Membership::Leave | Membership::Ban => interest.left_at = interest.left_at.max(member.pos),
                _ => {}
            }
        }
        Ok(interest)
    }

    fn finish(mut self, from: Pos, typing: (&Typing, HashSet<RoomNid>)) -> Result<Transaction, StoreError> {
        let upto = self.told.upto;
        for room in std::mem::take(&mut self.receipts) {
            let moved = receipts::moved_since(self.tx, room, UserNid(0), from, EDUS)?;
            if !moved.is_empty() {
                let room_id = rooms::room_id(self.tx, room)?;
                self.told
                    .ephemeral
                    .push(json!({ "type": "m.receipt", "room_id": room_id, "content": content(&moved) }));
            }
        }
        for room in typing.1 {
            if self.room_concerns(room, upto)? {
                let room_id = rooms::room_id(self.tx, room)?;
                let content = json!({ "user_ids": typing.0.users(room) });
                self.told
                    .ephemeral
                    .push(json!({ "type": "m.typing", "room_id": room_id, "content": content }));
            }
        }
        for user in std::mem::take(&mut self.devices_of) {
            self.messages_to(user, upto)?;
        }
        if self.service.registration.encrypted {
            for user in std::mem::take(&mut self.keys_of) {
                self.keys(user)?;
            }
        }
        Ok(self.told)
    }

    fn messages_to(&mut self, user: UserNid, upto: Pos) -> Result<(), StoreError> {
        let user_id = users::user_id(self.tx, user)?;
        for device in sessions::devices(self.tx, user)? {
            let waiting = to_device::pending(self.tx, user, &device.device_id, 0, upto, EDUS)?;
            if waiting.is_empty() {
                continue;
            }
            for message in waiting {
                let mut event: Value = serde_json::from_str(&message.json)
                    .map_err(|error| StoreError::Malformed(format!("a message to a device: {error}")))?;
                event["to_user_id"] = json!(user_id);
                event["to_device_id"] = json!(device.device_id);
                self.told.to_device.push(event);
            }
            self.told.handed.push((user, device.device_id));
        }
        Ok(())
    }

    fn keys(&mut self, user: UserNid) -> Result<(), StoreError> {
        let user_id = users::user_id(self.tx, user)?;
        for device in sessions::devices(self.tx, user)? {
            let counts: Map<String, Value> = one_time_keys::counts(self.tx, user, &device.device_id)?
                .into_iter()
                .map(|(algorithm, count)| (algorithm, json!(count)))
                .collect();
            let unused = one_time_keys::unused_fallback_types(self.tx, user, &device.device_id)?;
            let id = device.device_id;
            self.told
                .key_counts
                .entry(user_id.clone())
                .or_default()
                .insert(id.clone(), Value::Object(counts));
            self.told.fallback_types.entry(user_id.clone()).or_default().insert(id, json!(unused));
        }
        Ok(())
    }
}

/// The content of `m.receipt`.
fn content(moved: &[receipts::Receipt]) -> Value {
    let mut content = json!({});
    for receipt in moved {
        let mut data = json!({ "ts": receipt.ts });
        if !receipt.thread.is_empty() {
            data["thread_id"] = json!(receipt.thread);
        }
        content[receipt.event_id.as_str()][&receipt.kind][receipt.user_id.as_str()] = data;
    }
    content
}
