//! What became of a user's membership of a room since they last asked.

use wardline_domain::visibility::Membership;
use wardline_store::members::MemberRow;
use wardline_store::{EventNid, Pos, Reader, StoreError};

use crate::events::EventCache;

/// A user's membership of a room, seen from an earlier position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stay {
    /// The membership at that position; `None` if there was none.
    pub(super) at_since: Option<Membership>,
    /// Whether the user was joined at any time after that position.
    pub(super) joined_after: bool,
    /// Whether every membership after that position was a join.
    pub(super) only_joins_after: bool,
    /// Whether the user was joined at any time up to that position.
    pub(super) joined_before: bool,
    /// The event that ended the last time in which the user was joined, if there was one and it is over.
    pub(super) ended_by: Option<EventNid>,
}

impl Stay {
    /// Whether the client knows the room and has only to be told what changed.
    pub(super) fn is_continued(self) -> bool {
        self.at_since == Some(Membership::Join) && self.only_joins_after
    }
}

/// Looks back from the present membership to position `since`, member event by member event.
pub(super) fn stay(
    tx: &impl Reader,
    cache: &EventCache,
    member: &MemberRow,
    since: Pos,
) -> Result<Stay, StoreError> {
    let mut stay = Stay { only_joins_after: true, ..Stay::default() };
    let (mut next, mut later) = (Some(member.event), None);
    let mut seen_join = false;
    while let Some(nid) = next {
        let event = cache.get(tx, nid)?;
        let membership = Membership::of(Some(&event.pdu));
        let joined = membership == Membership::Join;
        if joined && !std::mem::replace(&mut seen_join, true) {
            stay.ended_by = later;
        }
        later = Some(nid);
        if event.pos > since {
            stay.joined_after |= joined;
            stay.only_joins_after &= joined;
        } else {
            stay.at_since.get_or_insert(membership);
            stay.joined_before |= joined;
            if stay.joined_before {
                break;
            }
        }
        next = event.replaces;
    }
    Ok(stay)
}
