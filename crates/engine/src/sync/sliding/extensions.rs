//! What is told besides rooms: messages to the device, keys, account data, receipts, typing people.

use wardline_domain::ruma::OwnedRoomId;
use wardline_store::{
    Pos, RoomNid, StoreError, account_data, device_lists, one_time_keys, push_rules, receipts,
    thread_subscriptions, to_device,
};

use super::super::json::{Object, array, plain_event};
use super::super::{SyncToken, ephemeral};
use super::build::{Build, Candidate};
use super::connection::{Head, Last};
use crate::EngineError;
use crate::rooms::thread_changes;

/// The most messages to the device in one answer; the rest follows in the next.
const MOST_TO_DEVICE: usize = 100;
/// The most changes of followed threads in one answer; `GET /thread_subscriptions` has the rest.
const MOST_THREADS: usize = 100;

/// What is told of rooms besides the rooms: JSON by room.
#[derive(Default)]
pub(super) struct Extras {
    receipts: Vec<(OwnedRoomId, String)>,
    typing: Vec<(OwnedRoomId, String)>,
    account_data: Vec<(OwnedRoomId, Vec<String>)>,
}

impl Build<'_> {
    /// Whether a client that shows the typing people of version `shown` (0: nobody) shows the wrong ones.
    pub(super) fn types_anew(&self, room: RoomNid, shown: u64) -> bool {
        self.typing.get(&room).is_some_and(|version| *version > shown)
            && (shown > 0 || self.inner.typing.is_anybody(room))
    }

    /// Tells what is new besides the room, and notes it in `last`.
    pub(super) fn extras_of(
        &self,
        candidate: &Candidate,
        room_id: &OwnedRoomId,
        last: &mut Last,
        extras: &mut Extras,
    ) -> Result<(), StoreError> {
        let (by, room) = (candidate.asked_by, candidate.room);
        if by.receipts && candidate.changed > last.receipts {
            let (user, most) = (self.request().user, ephemeral::MOST_RECEIPTS);
            let mut moved = receipts::moved_since(self.tx, room, user, last.receipts, most)?;
            // There is one event: of receipts that exclude one another in it, the one for the whole room goes in.
            moved.sort_by_key(|receipt| !receipt.thread.is_empty());
            extras
                .receipts
                .extend(ephemeral::receipts(&moved).into_iter().next().map(|e| (room_id.clone(), e)));
            last.receipts = self.upto;
        }
        if by.account_data && candidate.changed > last.account_data {
            let events = self.account_data_of(room, last.account_data)?;
            if !events.is_empty() {
                extras.account_data.push((room_id.clone(), events));
            }
            last.account_data = self.upto;
        }
        if by.typing && self.types_anew(room, last.typing) {
            let users = self.inner.typing.users(room);
            last.typing = if users.is_empty() { 0 } else { self.typing_version };
            extras.typing.push((room_id.clone(), ephemeral::typing(&users)));
        }
        Ok(())
    }

    fn account_data_of(&self, room: RoomNid, since: Pos) -> Result<Vec<String>, StoreError> {
        let user = self.request().user;
        let data = if since == 0 {
            account_data::of_room(self.tx, user, room)?
        } else if self.last.account_data > since {
            let mut data = account_data::changed_since(self.tx, user, since)?;
            data.retain(|data| data.room == Some(room));
            data
        } else {
            Vec::new()
        };
        Ok(data.iter().map(|data| plain_event(&data.kind, &data.content)).collect())
    }

    /// Writes all extensions; whether they say anything that the client does not know.
    pub(super) fn write_extensions(
        &self,
        extras: &Extras,
        head: &mut Head,
        out: &mut Object<'_>,
    ) -> Result<bool, EngineError> {
        let mut tells = self.write_to_device(out)?;
        tells |= self.write_e2ee(head, out)?;
        tells |= self.write_thread_subscriptions(head, out)?;
        let global = self.global_account_data(head)?;
        if !global.is_empty() || !extras.account_data.is_empty() {
            tells = true;
            let mut object = out.object("account_data");
            array(object.key("global"), &global, |out, event| out.push_str(event));
            let mut rooms = object.object("rooms");
            for (room, events) in &extras.account_data {
                array(rooms.key(room.as_str()), events, |out, event| out.push_str(event));
            }
            rooms.close();
            object.close();
        }
        for (name, events) in [("receipts", &extras.receipts), ("typing", &extras.typing)] {
            if !events.is_empty() {
                tells = true;
                let mut object = out.object(name);
                let mut rooms = object.object("rooms");
                for (room, event) in events {
                    rooms.raw(room.as_str(), event);
                }
                rooms.close();
                object.close();
            }
        }
        Ok(tells)
    }

    fn write_to_device(&self, out: &mut Object<'_>) -> Result<bool, StoreError> {
        let extension = &self.request().body.extensions.to_device;
        if extension.enabled != Some(true) {
            return Ok(false);
        }
        let (user, device) = (self.request().user, &*self.request().device);
        let limit = extension.limit.unwrap_or(MOST_TO_DEVICE).clamp(1, MOST_TO_DEVICE);
        let mut messages =
            to_device::pending(self.tx, user, device, self.asked.messages, self.upto, limit + 1)?;
        let mut upto = self.upto;
        if messages.len() > limit {
            messages.truncate(limit);
            upto = messages.last().map_or(self.asked.messages, |message| message.pos);
        }
        let mut object = out.object("to_device");
        let epoch = self.inner.context.store.epochs().current();
        object.string("next_batch", &SyncToken { epoch, ..SyncToken::at(upto) }.to_string());
        array(object.key("events"), &messages, |out, message| out.push_str(&message.json));
        object.close();
        Ok(!messages.is_empty())
    }

    fn write_e2ee(&self, head: &mut Head, out: &mut Object<'_>) -> Result<bool, StoreError> {
        if self.request().body.extensions.e2ee.enabled != Some(true) {
            return Ok(false);
        }
        let (user, device, since) = (self.request().user, &*self.request().device, head.device_lists);
        let changes = if since > 0 && self.last.device_lists > since {
            device_lists::changed_between(self.tx, user, since, self.upto)?
        } else {
            device_lists::Changes::default()
        };
        let tells =
            changes != device_lists::Changes::default() || since == 0 || self.last.one_time_keys > since;
        head.device_lists = self.upto;
        let mut object = out.object("e2ee");
        let mut lists = object.object("device_lists");
        lists.strings("changed", &changes.changed);
        lists.strings("left", &changes.left);
        lists.close();
        let mut counts = object.object("device_one_time_keys_count");
        for (algorithm, count) in one_time_keys::counts(self.tx, user, device)? {
            counts.number(&algorithm, count);
        }
        counts.close();
        let unused = one_time_keys::unused_fallback_types(self.tx, user, device)?;
        object.strings("device_unused_fallback_key_types", unused);
        object.close();
        Ok(tells)
    }

    fn write_thread_subscriptions(&self, head: &mut Head, out: &mut Object<'_>) -> Result<bool, StoreError> {
        let extension = &self.request().body.extensions.thread_subscriptions;
        let since = head.thread_subscriptions;
        if extension.enabled != Some(true) {
            return Ok(false);
        }
        head.thread_subscriptions = self.upto;
        if since > 0 && self.last.thread_subscriptions <= since {
            return Ok(false);
        }
        let limit = extension.limit.unwrap_or(MOST_THREADS).clamp(1, MOST_THREADS);
        let user = self.request().user;
        let mut found = thread_subscriptions::changes(self.tx, user, since, self.upto, limit + 1)?;
        if since == 0 {
            // Who knows nothing need not learn what is over.
            found.retain(|followed| followed.subscription.subscribed);
        }
        let changes = thread_changes(found, limit);
        if changes.members.is_empty() {
            return Ok(false);
        }
        let text = out.key("io.element.msc4308.thread_subscriptions");
        text.push('{');
        text.push_str(&changes.members);
        if let Some(before) = changes.before {
            text.push_str(&format!(",\"prev_batch\":\"{}\"", SyncToken::at(before)));
        }
        text.push('}');
        Ok(true)
    }

    fn global_account_data(&self, head: &mut Head) -> Result<Vec<String>, EngineError> {
        let (user, since) = (self.request().user, head.account_data);
        let mut events = Vec::new();
        if !self.request().body.extensions.account_data.is_on() {
            return Ok(events);
        }
        if since == 0 || self.last.account_data > since {
            let all = account_data::changed_since(self.tx, user, since)?;
            let global = all.iter().filter(|data| data.room.is_none());
            events.extend(global.map(|data| plain_event(&data.kind, &data.content)));
        }
        let is_newer = |(_, pos): (_, Pos)| pos > since;
        if since == 0
            || (self.last.push_rules > since && push_rules::get(self.tx, user)?.is_some_and(is_newer))
        {
            let rules = self.inner.context.rule_book.account_data(self.tx, user, &self.request().user_id)?;
            events.push(plain_event("m.push_rules", &rules));
        }
        head.account_data = self.upto;
        Ok(events)
    }
}
