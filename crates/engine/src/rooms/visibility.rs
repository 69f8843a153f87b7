//! Which events of a room a user may see (Client-Server API, "Room History Visibility").

use std::collections::HashMap;

use wardline_domain::ruma::{OwnedUserId, UserId};
use wardline_domain::visibility::{HistoryVisibility, Membership, Sight};
use wardline_store::{
    EventNid, Pos, Reader, RoomNid, SnapshotNid, StateKeyNid, StoreError, UserNid, members, state,
};

use crate::events::{Event, EventCache};

/// Answers for one user and one room, event by event. What it reads about the room's state is kept for the
/// next question, so a page of messages costs one look at the state, not one per message.
#[derive(Debug)]
pub struct Eyes<'c> {
    cache: &'c EventCache,
    user: OwnedUserId,
    visibility_key: Option<StateKeyNid>,
    member_key: Option<StateKeyNid>,
    /// Events before this position were followed by a time in which the user was joined.
    joined_until: Pos,
    at: HashMap<Option<SnapshotNid>, (HistoryVisibility, Membership)>,
}

impl<'c> Eyes<'c> {
    /// The eyes of `user` on `room`.
    ///
    /// # Errors
    /// Any failure of the database.
    pub fn new(
        tx: &impl Reader,
        cache: &'c EventCache,
        room: RoomNid,
        user: UserNid,
        user_id: &UserId,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            cache,
            user: user_id.to_owned(),
            visibility_key: state::find_key(tx, "m.room.history_visibility", "")?,
            member_key: state::find_key(tx, "m.room.member", user_id.as_str())?,
            joined_until: last_stay(tx, cache, room, user)?.0,
            at: HashMap::new(),
        })
    }

    /// The user's membership at the event if they may see it, else `None`.
    ///
    /// # Errors
    /// Any failure of the database.
    pub fn see(&mut self, tx: &impl Reader, event: &Event) -> Result<Option<Membership>, StoreError> {
        let (mut visibility, mut membership) = self.state_at(tx, event.state_before)?;
        let mut told = membership;
        if event.pdu.is_state("m.room.history_visibility", "") {
            visibility = visibility.max(HistoryVisibility::of(Some(&event.pdu)));
        } else if event.pdu.is_state("m.room.member", self.user.as_str()) {
            told = Membership::of(Some(&event.pdu));
            membership = membership.max(told);
        }
        let sight = Sight { visibility, membership, joined_since: event.pos < self.joined_until };
        Ok(sight.allows().then_some(told))
    }

    fn state_at(
        &mut self,
        tx: &impl Reader,
        snapshot: Option<SnapshotNid>,
    ) -> Result<(HistoryVisibility, Membership), StoreError> {
        if let Some(known) = self.at.get(&snapshot) {
            return Ok(*known);
        }
        let [visibility, member] = match snapshot {
            Some(snapshot) => state::events_at(tx, snapshot, [self.visibility_key, self.member_key])?,
            None => [None, None],
        };
        let event = |nid: Option<EventNid>| nid.map(|nid| self.cache.get(tx, nid)).transpose();
        let visibility = HistoryVisibility::of(event(visibility)?.as_ref().map(|event| &*event.pdu));
        let membership = Membership::of(event(member)?.as_ref().map(|event| &*event.pdu));
        self.at.insert(snapshot, (visibility, membership));
        Ok((visibility, membership))
    }
}

/// When the user last was joined: until which position (everything for a member, 0 for somebody who never
/// was), and, for somebody who is no more, the event that ended it.
fn last_stay(
    tx: &impl Reader,
    cache: &EventCache,
    room: RoomNid,
    user: UserNid,
) -> Result<(Pos, Option<EventNid>), StoreError> {
    let Some(member) = members::get(tx, room, user)? else { return Ok((0, None)) };
    let (mut next, mut until, mut ended_by) = (Some(member.event), Pos::MAX, None);
    while let Some(nid) = next {
        let event = cache.get(tx, nid)?;
        if Membership::of(Some(&event.pdu)) == Membership::Join {
            return Ok((until, ended_by));
        }
        (until, ended_by, next) = (event.pos, Some(nid), event.replaces);
    }
    Ok((0, None))
}

/// What a user may see as the state of a room: `Some(None)` the current one (members), `Some(Some(_))` the one
/// right after they left or were banned, `None` nothing (never joined, or forgotten).
///
/// # Errors
/// Any failure of the database.
pub fn state_for(
    tx: &impl Reader,
    cache: &EventCache,
    room: RoomNid,
    user: UserNid,
) -> Result<Option<Option<SnapshotNid>>, StoreError> {
    if members::get(tx, room, user)?.is_none_or(|member| member.forgotten) {
        return Ok(None);
    }
    Ok(match last_stay(tx, cache, room, user)? {
        (0, _) => None,
        (_, ended_by) => Some(ended_by.map(|event| SnapshotNid(event.0))),
    })
}
