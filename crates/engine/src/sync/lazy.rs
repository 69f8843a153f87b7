//! Lazy members (Client-Server API, "Lazy-loading room members"): which members a device has been told of.
//!
//! Each entry carries the position of the answer that told it. A device that comes back with an older token may
//! not have got that answer, so only what an acknowledged answer told counts as known. Losing an entry costs a few
//! bytes: the member is told again.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use quick_cache::sync::Cache;
use wardline_domain::ruma::OwnedUserId;
use wardline_store::{Pos, RoomNid, UserNid};

/// Pairs of device and room whose members are remembered.
const ROOMS: usize = 20_000;

type Told = Arc<Mutex<HashMap<OwnedUserId, Pos>>>;

/// Which members every device has been told of, in memory.
#[derive(Debug)]
pub(super) struct ToldMembers {
    rooms: Cache<(UserNid, Arc<str>, RoomNid), Told>,
}

impl Default for ToldMembers {
    fn default() -> Self {
        Self { rooms: Cache::new(ROOMS) }
    }
}

impl ToldMembers {
    fn of(&self, user: UserNid, device: &Arc<str>, room: RoomNid) -> Told {
        let key = (user, Arc::clone(device), room);
        self.rooms
            .get_or_insert_with(&key, || Ok::<_, std::convert::Infallible>(Told::default()))
            .unwrap_or_default()
    }

    /// Whether an answer up to `since` told the device of this member.
    pub(super) fn knows(
        &self,
        user: UserNid,
        device: &Arc<str>,
        room: RoomNid,
        member: &OwnedUserId,
        since: Pos,
    ) -> bool {
        self.of(user, device, room).lock().get(member).is_some_and(|told| *told <= since)
    }

    /// The members that answers up to `since` told the device of.
    pub(super) fn known(
        &self,
        user: UserNid,
        device: &Arc<str>,
        room: RoomNid,
        since: Pos,
    ) -> Vec<OwnedUserId> {
        let told = self.of(user, device, room);
        let told = told.lock();
        told.iter().filter(|(_, pos)| **pos <= since).map(|(member, _)| member.clone()).collect()
    }

    /// The answer up to `pos`, for a device that had seen everything up to `since`, tells of these members.
    pub(super) fn tell<'m>(
        &self,
        user: UserNid,
        device: &Arc<str>,
        room: RoomNid,
        members: impl IntoIterator<Item = &'m OwnedUserId>,
        since: Pos,
        pos: Pos,
    ) {
        let told = self.of(user, device, room);
        let mut told = told.lock();
        for member in members {
            match told.get_mut(member) {
                Some(known) if *known <= since => {}
                Some(known) => *known = pos,
                None => drop(told.insert(member.clone(), pos)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use wardline_domain::ruma::owned_user_id;

    use super::*;

    #[test]
    fn only_an_acknowledged_answer_counts() {
        let told = ToldMembers::default();
        let (user, device, room) = (UserNid(1), Arc::<str>::from("PHONE"), RoomNid(2));
        let member = owned_user_id!("@ada:x.example");
        assert!(!told.knows(user, &device, room, &member, 10));
        told.tell(user, &device, room, [&member], 10, 20);
        assert!(!told.knows(user, &device, room, &member, 10), "the answer may have been lost");
        assert!(told.knows(user, &device, room, &member, 20));
        told.tell(user, &device, room, [&member], 10, 30);
        assert!(!told.knows(user, &device, room, &member, 20), "the second answer is the one that may count");
        assert!(told.knows(user, &device, room, &member, 30));
        told.tell(user, &device, room, [&member], 30, 40);
        assert!(told.knows(user, &device, room, &member, 30));
        assert!(!told.knows(user, &"TABLET".into(), room, &member, 30));
    }
}
