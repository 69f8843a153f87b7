//! Reading rooms (Client-Server API, "Getting events for a room"): state, members, single events.

use std::collections::HashSet;
use std::sync::Arc;

use wardline_domain::power_levels::PowerLevels;
use wardline_domain::room_version::RoomVersion;
use wardline_domain::ruma::{EventId, RoomId};
use wardline_domain::visibility::{HistoryVisibility, Membership};
use wardline_store::members::MemberRow;
use wardline_store::{
    EventNid, ReadTx, Reader, RoomNid, SnapshotNid, StoreError, UserNid, events, members, rooms, state,
};

use super::{Caller, Eyes, Rooms, Token, state_for};
use crate::events::{Event, Extras, Viewer};
use crate::{Context, EngineError};

/// Which members to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct MembersQuery {
    /// The state after this point of the history; `None`: now.
    pub at: Option<Token>,
    /// Only members of this membership.
    pub membership: Option<Membership>,
    /// Not members of this membership.
    pub not_membership: Option<Membership>,
}

impl Rooms {
    /// Whether a user is joined to a room now.
    ///
    /// # Errors
    /// Any failure of the database.
    pub fn is_joined(&self, room: RoomNid, user: UserNid) -> Result<bool, EngineError> {
        Ok(self.membership(room, user)?.is_some_and(|member| member.membership == Membership::Join))
    }

    /// A user's membership of a room, if they ever had one.
    ///
    /// # Errors
    /// Any failure of the database.
    pub fn membership(&self, room: RoomNid, user: UserNid) -> Result<Option<MemberRow>, EngineError> {
        Ok(self.context.store.read_now(|tx| members::get(tx, room, user))?)
    }

    /// Refuses a user who is not joined to the room; gives the room's number.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`], or any failure of the database.
    pub fn require_joined(&self, caller: Caller<'_>, room: &RoomId) -> Result<RoomNid, EngineError> {
        let nid = self.nid(room)?;
        if self.is_joined(nid, caller.user)? { Ok(nid) } else { Err(outside()) }
    }

    /// Refuses somebody who may see nothing of a room.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`], also for a room that does not exist.
    pub fn require_reader(&self, caller: Caller<'_>, room: &RoomId) -> Result<(), EngineError> {
        self.require_sight(caller, self.nid(room)?)
    }

    /// Refuses a user who may see nothing of the room.
    pub(super) fn require_sight(&self, caller: Caller<'_>, room: RoomNid) -> Result<(), EngineError> {
        self.context.store.read_now(|tx| Sight::of(tx, &self.context, room, caller.user).map(drop))
    }

    /// The state of a room as the caller may see it: now for members, at their departure for those who left.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`] for somebody who never was a member.
    pub async fn state_at_now(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
    ) -> Result<Vec<Arc<Event>>, EngineError> {
        let (context, nid, user) = (self.context.clone(), self.nid(room)?, caller.user);
        self.context
            .store
            .read(move |tx| {
                let state = Sight::of(tx, &context, nid, user)?.state(tx, nid)?;
                state.values().map(|event| Ok(context.events.get(tx, *event)?)).collect()
            })
            .await
    }

    /// One state event, of the state that [`Rooms::state_at_now`] shows.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`] or [`EngineError::NotFound`].
    pub fn state_event(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        kind: &str,
        state_key: &str,
    ) -> Result<Arc<Event>, EngineError> {
        let nid = self.nid(room)?;
        self.context.store.read_now(|tx| {
            let sight = Sight::of(tx, &self.context, nid, caller.user)?;
            let event = sight.event(tx, nid, kind, state_key)?.ok_or(EngineError::NotFound("state event"))?;
            Ok(self.context.events.get(tx, event)?)
        })
    }

    /// The member events of a room.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`] for somebody who never was a member.
    pub async fn members(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        query: MembersQuery,
    ) -> Result<Vec<Arc<Event>>, EngineError> {
        let (context, nid, user) = (self.context.clone(), self.nid(room)?, caller.user);
        self.context
            .store
            .read(move |tx| {
                let mut sight = Sight::of(tx, &context, nid, user)?;
                if let Some(at) = query.at {
                    sight = sight.no_later_than(tx, nid, at)?;
                }
                let mut found = sight.members(tx, &context, nid)?;
                found.retain(|event| {
                    let membership = Membership::of(Some(&event.pdu));
                    query.membership.is_none_or(|wanted| wanted == membership)
                        && query.not_membership != Some(membership)
                });
                Ok(found)
            })
            .await
    }

    /// The member events of everybody who is joined now. Only for members.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`].
    pub async fn joined_members(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
    ) -> Result<Vec<Arc<Event>>, EngineError> {
        let (context, nid) = (self.context.clone(), self.require_joined(caller, room)?);
        self.context
            .store
            .read(move |tx| {
                let all = members::of_room(tx, nid)?;
                let joined = all.into_iter().filter(|(_, member)| member.membership == Membership::Join);
                joined.map(|(_, member)| Ok(context.events.get(tx, member.event)?)).collect()
            })
            .await
    }

    /// One event in client format, with bundled aggregations, if the caller may see it.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], also for an event that the caller may not see.
    pub fn event(&self, caller: Caller<'_>, room: &RoomId, event: &EventId) -> Result<String, EngineError> {
        let nid = self.nid(room).map_err(|_| EngineError::NotFound("event"))?;
        self.context.store.read_now(|tx| {
            let page = &mut Scribe::new(tx, &self.context, nid, caller)?;
            let (event, membership) = page.find(tx, nid, event)?;
            let mut out = String::new();
            page.write(tx, &event, membership, &mut out)?;
            Ok(out)
        })
    }
}

pub(super) fn outside() -> EngineError {
    EngineError::forbidden("you are not joined to the room")
}

/// The power levels that are in force in a room now.
pub(super) fn levels(tx: &impl Reader, context: &Context, room: RoomNid) -> Result<PowerLevels, EngineError> {
    let pdu = |kind: &str| -> Result<_, StoreError> {
        let event = state::current_event(tx, room, kind, "")?;
        event.map(|nid| Ok(Arc::clone(&context.events.get(tx, nid)?.pdu))).transpose()
    };
    let row = rooms::get(tx, room)?.ok_or(EngineError::NotFound("room"))?;
    let version = RoomVersion::parse(&row.room_version)
        .map_err(|_| EngineError::UnsupportedRoomVersion(row.room_version.clone()))?;
    let create = pdu("m.room.create")?.ok_or(EngineError::NotFound("room"))?;
    Ok(PowerLevels::new(&create, pdu("m.room.power_levels")?.as_ref(), version)?)
}

/// Which state of a room somebody may see.
#[derive(Clone, Copy, Debug)]
enum Sight {
    Current,
    At(SnapshotNid),
}

impl Sight {
    fn of(tx: &impl Reader, context: &Context, room: RoomNid, user: UserNid) -> Result<Self, EngineError> {
        match state_for(tx, &context.events, room, user)? {
            Some(None) => Ok(Self::Current),
            Some(Some(snapshot)) => Ok(Self::At(snapshot)),
            None => {
                let event = state::current_event(tx, room, "m.room.history_visibility", "")?;
                let event = event.map(|nid| context.events.get(tx, nid)).transpose()?;
                match HistoryVisibility::of(event.as_ref().map(|event| &*event.pdu)) {
                    HistoryVisibility::WorldReadable => Ok(Self::Current),
                    _ => Err(outside()),
                }
            }
        }
    }

    fn state(self, tx: &impl Reader, room: RoomNid) -> Result<state::StateMap, StoreError> {
        match self {
            Self::Current => state::current(tx, room),
            Self::At(snapshot) => state::at(tx, snapshot),
        }
    }

    fn event(
        self,
        tx: &impl Reader,
        room: RoomNid,
        kind: &str,
        state_key: &str,
    ) -> Result<Option<EventNid>, StoreError> {
        match self {
            Self::Current => state::current_event(tx, room, kind, state_key),
            Self::At(snapshot) => match state::find_key(tx, kind, state_key)? {
                Some(key) => state::event_at(tx, snapshot, key),
                None => Ok(None),
            },
        }
    }

    /// The state after a point of the history, unless the sight ends before it.
    fn no_later_than(self, tx: &impl Reader, room: RoomNid, at: Token) -> Result<Self, EngineError> {
        let mut asked = events::backwards(tx, room, at.resolve(tx, room)?, 1)?;
        if asked.is_empty() {
            // Before the room began, where a timeline that shows all of it begins: its creator alone was there.
            asked = events::forwards(tx, room, (0, 0), 2)?.into_iter().skip(1).collect();
        }
        let Some(asked) = asked.first() else { return Err(EngineError::NotFound("state at this point")) };
        if let Self::At(end) = self
            && events::get(tx, EventNid(end.0))?
                .is_some_and(|event| (event.topo, event.pos) < (asked.topo, asked.pos))
        {
            return Ok(self);
        }
        match events::state_after(tx, asked.nid)? {
            Some(snapshot) => Ok(Self::At(snapshot)),
            None => Err(EngineError::NotFound("state at this point")),
        }
    }

    fn members(
        self,
        tx: &impl Reader,
        context: &Context,
        room: RoomNid,
    ) -> Result<Vec<Arc<Event>>, StoreError> {
        if matches!(self, Self::Current) {
            let all = members::of_room(tx, room)?;
            return all.into_iter().map(|(_, member)| context.events.get(tx, member.event)).collect();
        }
        let mut found = Vec::new();
        for (key, event) in self.state(tx, room)? {
            if state::key(tx, key)?.0 == "m.room.member" {
                found.push(context.events.get(tx, event)?);
            }
        }
        Ok(found)
    }
}

/// Writes events of one room for one reader.
pub(super) struct Scribe<'c> {
    pub(super) context: &'c Context,
    pub(super) eyes: Eyes<'c>,
    viewer: Viewer<'c>,
}

impl<'c> Scribe<'c> {
    pub(super) fn new(
        tx: &ReadTx<'_>,
        context: &'c Context,
        room: RoomNid,
        caller: Caller<'c>,
    ) -> Result<Self, EngineError> {
        let eyes = Eyes::new(tx, &context.events, room, caller.user, caller.user_id)?;
        let viewer = Viewer { user: caller.user, device: caller.device, now: context.now() };
        Ok(Self { context, eyes, viewer })
    }

    /// An event of the room that the reader may see, and their membership at it.
    pub(super) fn find(
        &mut self,
        tx: &ReadTx<'_>,
        room: RoomNid,
        event_id: &EventId,
    ) -> Result<(Arc<Event>, Membership), EngineError> {
        if members::get(tx, room, self.viewer.user)?.is_some_and(|member| member.forgotten) {
            return Err(EngineError::NotFound("event"));
        }
        let (nid, _) = events::find_in_room(tx, room, event_id)?.ok_or(EngineError::NotFound("event"))?;
        let event = self.context.events.get(tx, nid)?;
        let membership = self.eyes.see(tx, &event)?.ok_or(EngineError::NotFound("event"))?;
        Ok((event, membership))
    }

    /// Appends an event with its bundled aggregations.
    pub(super) fn write(
        &self,
        tx: &ReadTx<'_>,
        event: &Event,
        membership: Membership,
        out: &mut String,
    ) -> Result<(), EngineError> {
        let relations = super::bundle(tx, &self.context.events, event, self.viewer)?;
        let extras = Extras { membership: Some(membership), relations: relations.as_deref() };
        Ok(self.context.events.write(tx, event, self.viewer, extras, true, out)?)
    }

    /// Appends a JSON array of state events.
    pub(super) fn write_state(
        &self,
        tx: &ReadTx<'_>,
        state: &[Arc<Event>],
        out: &mut String,
    ) -> Result<(), EngineError> {
        out.push('[');
        for (at, event) in state.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            self.context.events.write(tx, event, self.viewer, Extras::default(), true, out)?;
        }
        out.push(']');
        Ok(())
    }

    /// The member events of the senders of `shown`, in the state after the last of them.
    pub(super) fn senders(
        &self,
        tx: &ReadTx<'_>,
        shown: &[Arc<Event>],
        snapshot: Option<SnapshotNid>,
    ) -> Result<Vec<Arc<Event>>, EngineError> {
        let Some(snapshot) = snapshot else { return Ok(Vec::new()) };
        let senders: HashSet<&str> = shown.iter().map(|event| event.pdu.sender.as_str()).collect();
        let mut found = Vec::with_capacity(senders.len());
        for sender in senders {
            let Some(key) = state::find_key(tx, "m.room.member", sender)? else { continue };
            if let Some(nid) = state::event_at(tx, snapshot, key)? {
                found.push(self.context.events.get(tx, nid)?);
            }
        }
        found.sort_by_key(|event| event.pos);
        Ok(found)
    }

    /// Who reads.
    pub(super) fn user(&self) -> UserNid {
        self.viewer.user
    }
}
