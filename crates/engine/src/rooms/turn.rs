//! Building events on a head: what an operation does to a room before it is committed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use wardline_audit::{Action, Entry};
use wardline_domain::Timestamp;
use wardline_domain::auth::{self, MessageAuth};
use wardline_domain::build::{BuildContext, EventTemplate, build};
use wardline_domain::event_format::{ClientEvent, write_stripped};
use wardline_domain::pdu::Pdu;
use wardline_domain::power_levels::PowerLevels;
use wardline_domain::redaction;
use wardline_domain::relations::{Relation, relation};
use wardline_domain::ruma::{EventId, OwnedEventId, OwnedUserId, UserId};
use wardline_domain::visibility::Membership;
use wardline_store::txn_ids::TxnKey;
use wardline_store::{EventNid, SnapshotNid, UserNid, events};

use super::head::Head;
use super::shard::Asker;
use crate::{Context, EngineError};

/// What an operation does to a room. It may run again on a newer head, so it must not consume anything. It
/// answers with the event that its caller wants to know.
pub(super) type Plan = Box<dyn FnMut(&mut Turn<'_>) -> Result<OwnedEventId, EngineError> + Send>;

/// State that somebody who is invited gets to see (Client-Server API, "Stripped state").
const STRIPPED: [&str; 7] = [
    "m.room.create",
    "m.room.join_rules",
    "m.room.canonical_alias",
    "m.room.avatar",
    "m.room.name",
    "m.room.encryption",
    "m.room.topic",
];

/// Numbers for events that are not committed yet.
#[derive(Debug, Default)]
pub(super) struct Nids {
    pub(super) next: i64,
    pub(super) end: i64,
}

impl Nids {
    pub(super) fn take(&mut self) -> Result<i64, EngineError> {
        if self.next == self.end {
            return Err(EngineError::Busy);
        }
        self.next += 1;
        Ok(self.next - 1)
    }

    pub(super) fn left(&self) -> i64 {
        self.end - self.next
    }
}

/// A membership that an event sets.
#[derive(Debug)]
pub(super) struct StagedMember {
    pub(super) user: OwnedUserId,
    pub(super) membership: Membership,
    pub(super) stripped: Option<String>,
    pub(super) audit: Option<Entry>,
}

/// An event that is built, allowed and on the head, with all that its commit needs.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) nid: EventNid,
    pub(super) pdu: Arc<Pdu>,
    /// The number of its sender, if that is who asked.
    pub(super) sender: Option<UserNid>,
    pub(super) client: ClientEvent,
    /// Whether an event before it has a later time.
    pub(super) late: bool,
    pub(super) state_before: Option<SnapshotNid>,
    pub(super) replaces: Option<EventNid>,
    /// For a state event: its ordinal and its auth events.
    pub(super) auth: Option<(u32, Vec<EventNid>)>,
    pub(super) relation: Option<Relation>,
    pub(super) member: Option<StagedMember>,
    /// For a redaction that takes effect: the target and what is left of it.
    pub(super) redacted: Option<(EventNid, Arc<Pdu>)>,
    pub(super) txn: Option<TxnKey>,
}

/// One operation at work on a head.
pub(super) struct Turn<'a> {
    pub(super) context: &'a Context,
    pub(super) head: &'a mut Head,
    /// Events on the head that are not durable yet.
    pub(super) pending: &'a HashMap<EventNid, Arc<Pdu>>,
    pub(super) nids: &'a mut Nids,
    pub(super) staged: Vec<Staged>,
    pub(super) now: Timestamp,
    pub(super) caller: &'a Asker,
}

impl Turn<'_> {
    /// The state event of this type and key.
    pub(super) fn state(&self, kind: &str, state_key: &str) -> Result<Option<Arc<Pdu>>, EngineError> {
        self.head.held(kind, state_key).map(|held| self.pdu(held.nid)).transpose()
    }

    fn pdu(&self, nid: EventNid) -> Result<Arc<Pdu>, EngineError> {
        let staged = || self.staged.iter().find(|staged| staged.nid == nid).map(|staged| &staged.pdu);
        if let Some(pdu) = self.pending.get(&nid).or_else(staged) {
            return Ok(Arc::clone(pdu));
        }
        let events = &self.context.events;
        let event = self.context.store.read_now(|tx| events.get(tx, nid))?;
        Ok(Arc::clone(&event.pdu))
    }

    /// An event of this room by its id.
    pub(super) fn find(&self, event_id: &EventId) -> Result<Option<(EventNid, Arc<Pdu>)>, EngineError> {
        let staged = self.staged.iter().map(|staged| (&staged.nid, &staged.pdu));
        if let Some((nid, pdu)) = self.pending.iter().chain(staged).find(|(_, pdu)| pdu.event_id == event_id)
        {
            return Ok(Some((*nid, Arc::clone(pdu))));
        }
        let room = self.head.nid;
        match self.context.store.read_now(|tx| events::find_in_room(tx, room, event_id))? {
            Some((nid, _)) => Ok(Some((nid, self.pdu(nid)?))),
            None => Ok(None),
        }
    }

    /// A user's membership.
    pub(super) fn membership(&self, user: &UserId) -> Membership {
        self.head.membership(user)
    }

    /// Refuses somebody who is not in the room.
    pub(super) fn require_joined(&self, user: &UserId) -> Result<(), EngineError> {
        match self.membership(user) {
            Membership::Join => Ok(()),
            _ => Err(EngineError::forbidden("you are not joined to the room")),
        }
    }

    /// The power levels in force.
    pub(super) fn levels(&mut self) -> Result<PowerLevels, EngineError> {
        Ok(self.message_auth()?.levels.clone())
    }

    fn message_auth(&mut self) -> Result<Arc<MessageAuth>, EngineError> {
        if let Some(known) = &self.head.message_auth {
            return Ok(Arc::clone(known));
        }
        let create = self.state("m.room.create", "")?.ok_or(EngineError::NotFound("room"))?;
        let levels = self.state("m.room.power_levels", "")?;
        let made = Arc::new(MessageAuth::new(&create, levels.as_ref(), self.head.version)?);
        self.head.message_auth = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Puts a first event on a fresh head: the `m.room.create` event that gave the room its id.
    pub(super) fn adopt(&mut self, create: &Arc<Pdu>) -> Result<OwnedEventId, EngineError> {
        auth::check(create, &|_: &str, _: &str| None, self.head.version)?;
        self.stage(Arc::clone(create), None, Vec::new())
    }

    /// Builds an event, checks that it is allowed and puts it on the head. A state event that would change
    /// nothing is not made again: the answer is the event that already says so.
    pub(super) fn send(&mut self, template: EventTemplate) -> Result<OwnedEventId, EngineError> {
        let version = self.head.version;
        let types = auth::auth_types(
            &template.kind,
            &template.sender,
            template.state_key.as_deref(),
            &template.content,
            version,
        )?;
        let held: Vec<_> = types.iter().filter_map(|(kind, key)| self.head.held(kind, key)).collect();
        let auth_nids: Vec<EventNid> = held.iter().map(|held| held.nid).collect();
        let place = BuildContext {
            version,
            room_id: Some(self.head.room_id.clone()),
            prev_events: self.head.extremities.iter().map(|held| held.event_id.clone()).collect(),
            depth: self.head.depth + 1,
            auth_events: held.iter().map(|held| held.event_id.clone()).collect(),
        };
        let pdu = Arc::new(build(template, place, &self.context.signer)?);
        self.check(&pdu)?;
        let related = relation(&pdu);
        if let Some(related) = &related {
            self.check_relation(&pdu, related)?;
        }
        if let Some(state_key) = &pdu.state_key
            && let Some(existing) = self.state(&pdu.kind, state_key)?
            && existing.sender == pdu.sender
            && existing.content() == pdu.content()
        {
            return Ok(existing.event_id.clone());
        }
        self.stage(pdu, related, auth_nids)
    }

    fn check(&mut self, pdu: &Arc<Pdu>) -> Result<(), EngineError> {
        if pdu.state_key.is_none() {
            let joined = self.membership(&pdu.sender) == Membership::Join;
            return Ok(self.message_auth()?.check(&pdu.sender, joined, &pdu.kind)?);
        }
        // The rules see the state through a function that cannot fail; what went wrong is kept aside.
        let failed = RefCell::new(None);
        let view = |kind: &str, key: &str| {
            self.state(kind, key).unwrap_or_else(|error| {
                *failed.borrow_mut() = Some(error);
                None
            })
        };
        let allowed = auth::check(pdu, &view, self.head.version);
        match failed.into_inner() {
            Some(error) => Err(error),
            None => Ok(allowed?),
        }
    }

    fn stage(
        &mut self,
        pdu: Arc<Pdu>,
        relation: Option<Relation>,
        auth_nids: Vec<EventNid>,
    ) -> Result<OwnedEventId, EngineError> {
        let nid = EventNid(self.nids.take()?);
        let state_key = pdu.state_key.as_deref();
        let replaces = state_key.and_then(|key| self.head.held(&pdu.kind, key)).map(|held| held.nid);
        let staged = Staged {
            nid,
            sender: (pdu.sender == self.caller.user_id).then_some(self.caller.user),
            client: ClientEvent::new(&pdu),
            late: pdu.origin_server_ts < self.head.newest_ts,
            state_before: self.head.snapshot,
            replaces,
            auth: state_key.map(|_| (self.head.auth_count, auth_nids)),
            relation,
            member: self.staged_member(&pdu)?,
            redacted: self.redacted(&pdu)?,
            txn: None,
            pdu: Arc::clone(&pdu),
        };
        self.head.apply(nid, &pdu);
        self.staged.push(staged);
        Ok(pdu.event_id.clone())
    }

    fn staged_member(&self, pdu: &Pdu) -> Result<Option<StagedMember>, EngineError> {
        let Some(user) = pdu.state_key.as_deref().filter(|_| pdu.kind == "m.room.member") else {
            return Ok(None);
        };
        let user = OwnedUserId::try_from(user)
            .map_err(|_| EngineError::bad_content("state_key", "not a user id"))?;
        let membership = Membership::of(Some(pdu));
        let stripped = match membership {
            Membership::Invite | Membership::Knock => Some(self.stripped_state(pdu)?),
            _ => None,
        };
        let changed = self.head.members.get(&user) != Some(&membership);
        let audit = changed.then(|| {
            let entry = Entry::new(self.now, pdu.sender.as_str(), Action::MembershipChanged)
                .target(user.as_str())
                .with("room", self.head.room_id.as_str())
                .with("membership", membership.as_str());
            match &self.caller.device {
                Some(device) => entry.device(device),
                None => entry,
            }
        });
        Ok(Some(StagedMember { user, membership, stripped, audit }))
    }

    /// The state that a user sees who is invited or knocks, with the invite or the knock itself last.
    fn stripped_state(&self, invite: &Pdu) -> Result<String, EngineError> {
        let mut out = String::from("[");
        let keys = STRIPPED.iter().map(|kind| (*kind, ""));
        for (kind, key) in keys.chain([("m.room.member", invite.sender.as_str())]) {
            if let Some(event) = self.state(kind, key)?
                && !invite.is_state(kind, key)
            {
                write_stripped(&mut out, &event);
                out.push(',');
            }
        }
        write_stripped(&mut out, invite);
        out.push(']');
        Ok(out)
    }

    /// The target of a redaction that takes effect, and what is left of it.
    fn redacted(&mut self, pdu: &Pdu) -> Result<Option<(EventNid, Arc<Pdu>)>, EngineError> {
        let Some(target) = &pdu.redacts else { return Ok(None) };
        let Some((nid, target)) = self.find(target)? else { return Ok(None) };
        if !redaction::applies(pdu, &target, &self.levels()?) {
            return Ok(None);
        }
        let left = redaction::redact(&target, self.head.version)?;
        Ok(Some((nid, Arc::new(left))))
    }
}
