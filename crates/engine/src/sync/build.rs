//! Building one answer of `/sync` from one snapshot of the store.

use std::collections::{HashMap, HashSet};

use wardline_domain::Timestamp;
use wardline_domain::canonical::write_string;
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId};
use wardline_store::account_data::{self, AccountData};
use wardline_store::device_lists;
use wardline_store::members::{self, MemberRow, Membership};
use wardline_store::{
    Pos, ReadTx, RoomNid, StoreError, UserNid, push_rules, rooms, stream, to_device, users,
};

use super::json::{Object, plain_event};
use super::memo::KeyCounts;
use super::shape::Shape;
use super::{Answer, Inner, SyncRequest, SyncToken};
use crate::events::Viewer;
use crate::hub::{LastChanges, News};
use crate::presence::Status;
use crate::{EngineError, unread};

/// The most messages to the device in one answer; the rest follows in the next.
const MOST_TO_DEVICE: usize = 100;

/// One answer at work.
pub(super) struct Build<'a> {
    pub(super) tx: &'a ReadTx<'a>,
    pub(super) inner: &'a Inner,
    pub(super) request: &'a SyncRequest,
    /// What the client has seen; `None`: nothing.
    pub(super) since: Option<Pos>,
    /// The position of the snapshot: what the client will have seen.
    pub(super) upto: Pos,
    pub(super) now: Timestamp,
    /// Senders whom the user ignores.
    pub(super) ignored: HashSet<String>,
    /// What the user's unread counts depend on.
    pub(super) who: unread::Who,
    /// Account data of rooms that changed.
    pub(super) account_data: HashMap<RoomNid, Vec<AccountData>>,
    /// Rooms in which the typing people are to be told.
    pub(super) typing: HashSet<RoomNid>,
    /// The form in which the filter wants events.
    pub(super) shape: Shape,
}

/// The beginning of a large answer, whose rooms come first.
const FIRST: &str = "{\"rooms\":{\"join\":{";

/// The rooms of a section, in the form in which they are sent: each is written there as soon as it is made, so that a
/// large answer is in memory but once.
#[derive(Default)]
struct Written {
    text: String,
    count: usize,
}

impl Written {
    fn push(&mut self, (room, json): (OwnedRoomId, String)) {
        if self.count > 0 {
            self.text.push(',');
        }
        write_string(&mut self.text, room.as_str());
        self.text.push(':');
        self.text.push_str(&json);
        self.count += 1;
    }
}

/// The rooms of an answer, by section.
#[derive(Default)]
struct Sections {
    /// Begins with [`FIRST`] if the answer is about all rooms.
    join: Written,
    invite: Vec<(OwnedRoomId, String)>,
    knock: Vec<(OwnedRoomId, String)>,
    leave: Vec<(OwnedRoomId, String)>,
    /// Rooms that the user has come into since the client last asked.
    entered: Vec<RoomNid>,
}

/// Builds the answer for a client that has seen `since`.
pub(super) fn build(
    tx: &ReadTx<'_>,
    inner: &Inner,
    request: &SyncRequest,
    since: Option<SyncToken>,
    news: &News,
) -> Result<Answer, EngineError> {
    // The snapshot is fixed by the first read; the hub is asked after it, so it misses nothing of it but what
    // `gap` adds.
    let upto = stream::head(tx)?;
    let since = since.filter(|since| since.pos <= upto);
    // What the client knows of rooms.
    let known = since.filter(|since| !since.is_void);
    let typing_version = inner.typing.version();
    let seen = news.since(known.map_or(0, |since| since.pos), 0);
    let gap = stream::range(tx, seen.applied, upto, usize::MAX)?;
    let (typing, anybody_types) = typing_rooms(inner, request, known, news);
    let ignored = unread::ignored_users(tx, request.user)?;
    let mut build = Build {
        tx,
        inner,
        request,
        since: known.map(|since| since.pos),
        upto,
        now: inner.context.now(),
        who: unread::Who::new(tx, &inner.context, request.user, &request.user_id, &ignored)?,
        ignored,
        account_data: HashMap::new(),
        typing,
        shape: Shape::of(&request.filter),
    };
    let last = if gap.is_empty() { seen.last } else { seen.last.at_least(upto) };
    let global = build.load_account_data(last)?;
    let candidates = seen.rooms.into_iter().chain(gap.iter().filter_map(|row| row.room));
    let sections = build.rooms(candidates)?;
    build.finish(since, last, typing_version, anybody_types, &global, sections)
}

/// The rooms in which the typing people are news for the client, and whether anybody types in a room of the user.
pub(super) fn typing_rooms(
    inner: &Inner,
    request: &SyncRequest,
    since: Option<SyncToken>,
    news: &News,
) -> (HashSet<RoomNid>, bool) {
    let known = news.since(Pos::MAX, 0).typing;
    let mut busy: HashSet<RoomNid> = known
        .into_iter()
        .filter(|room| inner.typing.is_anybody(*room) && inner.hub.is_joined(*room, request.user))
        .collect();
    let anybody = !busy.is_empty();
    match since {
        Some(since) if since.typing != 0 && since.typing < inner.typing.epoch() => {
            // What an earlier process told is gone: nobody types where nobody is known to.
            busy.extend(inner.hub.rooms_of(request.user));
        }
        Some(since) if since.typing != 0 => {
            busy = news.since(Pos::MAX, since.typing).typing.into_iter().collect()
        }
        _ => {}
    }
    (busy, anybody)
}

impl Build<'_> {
    pub(super) fn viewer(&self) -> Viewer<'_> {
        Viewer { user: self.request.user, device: Some(&self.request.device), now: self.now }
    }

    /// Sorts what changed into rooms; what is left is the account's own.
    fn load_account_data(&mut self, last: LastChanges) -> Result<Vec<String>, EngineError> {
        let (user, since) = (self.request.user, self.since.unwrap_or(0));
        let filter = &self.request.filter.account_data;
        let mut global = Vec::new();
        if self.since.is_none() || last.account_data > since {
            for data in account_data::changed_since(self.tx, user, since)? {
                match data.room {
                    Some(room) => self.account_data.entry(room).or_default().push(data),
                    None if filter.allows_unsent(&data.kind) => {
                        global.push(plain_event(&data.kind, &data.content))
                    }
                    None => {}
                }
            }
        }
        let rules_changed = self.since.is_none()
            || (last.push_rules > since
                && push_rules::get(self.tx, user)?.is_some_and(|(_, pos)| pos > since));
        if rules_changed && filter.allows_unsent("m.push_rules") {
            let rules = self.inner.context.rule_book.account_data(self.tx, user, &self.request.user_id)?;
            global.push(plain_event("m.push_rules", &rules));
        }
        Ok(global)
    }

    /// Whether the answer is about all rooms.
    fn is_whole(&self) -> bool {
        self.since.is_none() || self.request.full_state
    }

    fn rooms(&self, candidates: impl Iterator<Item = RoomNid>) -> Result<Sections, StoreError> {
        let mut sections = Sections::default();
        // Whatever the client knows, it is told how things stand.
        let whole = self.is_whole();
        if whole {
            sections.join.text.push_str(FIRST);
        }
        for member in self.candidates(candidates)? {
            let is_new = self.since.is_some_and(|since| member.pos > since);
            match member.membership {
                Membership::Join => {
                    sections.entered.extend(is_new.then_some(member.room));
                    if let Some(room) = self.joined(&member)? {
                        sections.join.push(room);
                    }
                }
                Membership::Invite if is_new || whole => {
                    sections.invite.extend(self.invited(&member, "invite_state")?)
                }
                Membership::Knock if is_new || whole => {
                    sections.knock.extend(self.invited(&member, "knock_state")?)
                }
                Membership::Leave | Membership::Ban if is_new => {
                    sections.leave.extend(self.left(&member, self.since)?)
                }
                Membership::Leave | Membership::Ban if whole && self.request.filter.room.include_leave => {
                    sections.leave.extend(self.left(&member, None)?)
                }
                _ => {}
            }
        }
        Ok(sections)
    }

    /// The user's memberships of rooms in which something may be new, each once.
    fn candidates(&self, named: impl Iterator<Item = RoomNid>) -> Result<Vec<MemberRow>, StoreError> {
        let user = self.request.user;
        if self.is_whole() {
            let mut all = members::of_user(self.tx, user)?;
            all.retain(|member| !member.forgotten);
            return Ok(all);
        }
        let mut nids: Vec<RoomNid> = named.chain(self.account_data.keys().copied()).collect();
        nids.extend(&self.typing);
        let mut seen = HashSet::new();
        let mut found = Vec::with_capacity(nids.len());
        for room in nids.into_iter().filter(|room| seen.insert(*room)) {
            // Of a room that was left and forgotten in between, the client has still to hear that it was left.
            let since = self.since.unwrap_or(0);
            let member = members::get(self.tx, room, user)?;
            found.extend(member.filter(|member| !member.forgotten || member.pos > since));
        }
        Ok(found)
    }

    fn invited(&self, member: &MemberRow, name: &str) -> Result<Option<(OwnedRoomId, String)>, StoreError> {
        let room_id = rooms::room_id(self.tx, member.room)?;
        let invite = self.inner.context.events.get(self.tx, member.event)?;
        if !self.request.filter.room.allows(&room_id) || self.ignored.contains(invite.pdu.sender.as_str()) {
            return Ok(None);
        }
        let mut out = String::new();
        let mut object = Object::open(&mut out);
        let mut state = object.object(name);
        state.raw("events", member.stripped.as_deref().unwrap_or("[]"));
        state.close();
        object.close();
        Ok(Some((room_id, out)))
    }

    fn finish(
        &self,
        since: Option<SyncToken>,
        last: LastChanges,
        typing_version: u64,
        anybody_types: bool,
        global: &[String],
        mut sections: Sections,
    ) -> Result<Answer, EngineError> {
        let (user, device) = (self.request.user, &*self.request.device);
        let (mut messages, to_device) = self.to_device(since)?;
        let changes = match since {
            Some(since) if last.device_lists > since.pos => {
                device_lists::changed_between(self.tx, user, since.pos, self.upto)?
            }
            _ => device_lists::Changes::default(),
        };
        let typing = if anybody_types { typing_version } else { 0 };
        let epoch = self.inner.context.store.epochs().current();
        let presence = self.inner.presence.version();
        let present = self.presence(since, &sections)?;
        let token = SyncToken { typing, to_device, epoch, presence, ..SyncToken::at(self.upto) };
        let others = [&sections.invite, &sections.knock, &sections.leave];
        let room_count = sections.join.count + others.iter().map(|section| section.len()).sum::<usize>();
        let worth_telling = since.is_none_or(|since| last.one_time_keys > since.pos)
            || room_count > 0
            || !global.is_empty()
            || !messages.is_empty()
            || !present.is_empty()
            || changes != device_lists::Changes::default();

        let rooms_first = self.is_whole() && sections.join.count > 0;
        let mut body = String::new();
        let mut out = if rooms_first {
            body = std::mem::take(&mut sections.join.text);
            body.push('}');
            write_others(&sections, &mut Object::go_on(&mut body));
            body.push('}');
            Object::go_on(&mut body)
        } else {
            body.reserve(512 + sections.join.text.len());
            Object::open(&mut body)
        };
        out.string("next_batch", &token.to_string());
        if !global.is_empty() {
            out.events("account_data", global);
        }
        if !present.is_empty() {
            out.events("presence", &present);
        }
        if room_count > 0 && !rooms_first {
            let mut rooms = out.object("rooms");
            if sections.join.count > 0 {
                let join = rooms.key("join");
                join.push('{');
                join.push_str(&sections.join.text);
                join.push('}');
            }
            write_others(&sections, &mut rooms);
            rooms.close();
        }
        if !messages.is_empty() {
            out.events("to_device", messages.drain(..).map(|message| message.json));
        }
        let mut lists = out.object("device_lists");
        lists.strings("changed", &changes.changed);
        lists.strings("left", &changes.left);
        lists.close();
        let keys = KeyCounts::read(self.tx, user, device)?;
        out.raw("device_one_time_keys_count", &keys.counts);
        out.raw("device_unused_fallback_key_types", &keys.fallback_types);
        out.close();
        Ok(Answer { body, token, typing: typing_version, presence, worth_telling })
    }

    /// `m.presence` of those whose presence is news: they changed, or the user has met them just now.
    fn presence(&self, since: Option<SyncToken>, sections: &Sections) -> Result<Vec<String>, StoreError> {
        let (presence, filter) = (&self.inner.presence, &self.request.filter.presence);
        if !presence.is_on() || !filter.allows_kind("m.presence") {
            return Ok(Vec::new());
        }
        let me = self.request.user;
        let known = since.map_or(0, |since| since.presence);
        let met: HashSet<UserNid> =
            sections.entered.iter().flat_map(|room| presence.present(*room)).collect();
        let mut told = Vec::new();
        let mut tell = |id: &OwnedUserId, status: &Status| -> Result<(), StoreError> {
            let content =
                serde_json::to_string(status).map_err(|error| StoreError::Malformed(error.to_string()))?;
            let mut out = format!("{{\"content\":{content},\"sender\":");
            write_string(&mut out, id.as_str());
            out.push_str(",\"type\":\"m.presence\"}");
            told.push(out);
            Ok(())
        };
        let mut recent = HashSet::new();
        for (user, id, status) in presence.changed_since(if met.is_empty() { known } else { 0 }) {
            recent.insert(user);
            let is_news = presence.changed_after(user, known) || met.contains(&user);
            let may = || Ok::<_, StoreError>(user == me || members::share_room(self.tx, me, user)?);
            if is_news && filter.allows_sender(&id) && may()? {
                tell(&id, &status)?;
            }
        }
        if known != 0 && known < presence.epoch() {
            // What an earlier process told is over: who has not come back is not there.
            for user in members::neighbours(self.tx, me)? {
                let id = users::user_id(self.tx, user)?;
                if !recent.contains(&user) && !presence.is_known(user) && filter.allows_sender(&id) {
                    tell(&id, &Status::default())?;
                }
            }
        }
        Ok(told)
    }

    /// The messages to the device, and up to which position they go.
    fn to_device(&self, since: Option<SyncToken>) -> Result<(Vec<to_device::Pending>, Pos), StoreError> {
        let after = since.map_or(0, |since| since.to_device);
        let (user, device) = (self.request.user, &*self.request.device);
        let mut messages = to_device::pending(self.tx, user, device, after, self.upto, MOST_TO_DEVICE + 1)?;
        if messages.len() <= MOST_TO_DEVICE {
            return Ok((messages, self.upto));
        }
        messages.truncate(MOST_TO_DEVICE);
        let last = messages.last().map_or(after, |message| message.pos);
        Ok((messages, last))
    }
}

/// The sections behind that of the joined rooms.
fn write_others(sections: &Sections, rooms: &mut Object<'_>) {
    for (name, section) in
        [("invite", &sections.invite), ("knock", &sections.knock), ("leave", &sections.leave)]
    {
        if section.is_empty() {
            continue;
        }
        let mut object = rooms.object(name);
        for (room, json) in section {
            object.raw(room.as_str(), json);
        }
        object.close();
    }
}
