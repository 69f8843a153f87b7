//! Whose device lists changed: what `/sync` and `/keys/changes` tell.
//!
//! The stream is the log: [`Kind::DeviceList`] rows are written with the keys that changed, [`Kind::Membership`]
//! rows with the membership. Answering reads the rows of these two kinds between two positions and nothing that
//! grows with the rooms that did not change.

use std::collections::{BTreeSet, HashMap, HashSet};

use wardline_domain::ruma::OwnedUserId;

use crate::members::{self, Membership};
use crate::{Kind, Pos, Reader, RoomNid, StoreError, UserNid, WriteTx, params, users};

/// The answer to "whose devices do I have to look at again?".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Users who share a room with the asker and whose keys changed, or who came to share one. Sorted.
    pub changed: Vec<OwnedUserId>,
    /// Users who shared a room with the asker and no longer share any. Sorted.
    pub left: Vec<OwnedUserId>,
}

/// Records that a user's devices or identity keys changed, in the transaction that changes them.
///
/// # Errors
/// Any failure of the database.
pub fn record(tx: &mut WriteTx<'_>, user: UserNid) -> Result<Pos, StoreError> {
    tx.record(Kind::DeviceList, None, Some(user), 0)
}

/// Records that `signer` signed a key of `user`: a change of the user's device list that only the signer sees.
///
/// # Errors
/// Any failure of the database.
pub fn record_signature(tx: &mut WriteTx<'_>, user: UserNid, signer: UserNid) -> Result<Pos, StoreError> {
    tx.record(Kind::DeviceList, None, Some(user), signer.0)
}

/// The changes with `from < pos <= to`, as `user` may see them. Membership is judged as it is now: somebody who
/// came and went in the meantime is in neither list. Those who are invited count as sharing the room, because
/// members encrypt for them.
///
/// # Errors
/// Any failure of the database.
pub fn changed_between(tx: &impl Reader, user: UserNid, from: Pos, to: Pos) -> Result<Changes, StoreError> {
    let rows: Vec<(Kind, Option<RoomNid>, UserNid)> = tx.query(
        "SELECT DISTINCT kind, room_nid, user_nid FROM stream \
         WHERE kind IN (5, 8) AND pos > ?1 AND pos <= ?2 AND user_nid IS NOT NULL AND (kind = 8 OR ref IN (0, ?3))",
        params![from, to, user],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    if rows.is_empty() {
        return Ok(Changes::default());
    }
    let mut view = View {
        tx,
        user,
        mine: members::rooms_of(tx, user, Membership::Join)?.into_iter().collect(),
        shares: HashMap::new(),
    };
    let mut changed = BTreeSet::new();
    let mut candidates = BTreeSet::new();
    let moved: HashSet<RoomNid> = rows
        .iter()
        .filter(|(kind, _, who)| *kind == Kind::Membership && *who == user)
        .filter_map(|(_, room, _)| *room)
        .collect();
    for room in &moved {
        let mut others = members::users_in(tx, *room, Membership::Join)?;
        others.extend(members::users_in(tx, *room, Membership::Invite)?);
        if view.mine.contains(room) { changed.extend(others) } else { candidates.extend(others) }
    }
    for (kind, room, who) in &rows {
        match (kind, room) {
            (Kind::Membership, Some(room)) if view.mine.contains(room) && is_member(tx, *room, *who)? => {
                changed.insert(*who);
            }
            (Kind::Membership, Some(room)) if view.mine.contains(room) || moved.contains(room) => {
                candidates.insert(*who);
            }
            _ => {}
        }
    }
    // A change of one's own keys is told; one's own coming and going is not.
    changed.remove(&user);
    for (kind, _, who) in &rows {
        if *kind == Kind::DeviceList && view.shares_room(*who)? {
            changed.insert(*who);
        }
    }
    candidates.remove(&user);
    let mut left = Vec::new();
    for who in candidates {
        if !view.shares_room(who)? {
            left.push(users::user_id(tx, who)?);
        }
    }
    let mut changed =
        changed.into_iter().map(|who| users::user_id(tx, who)).collect::<Result<Vec<_>, _>>()?;
    changed.sort();
    left.sort();
    Ok(Changes { changed, left })
}

struct View<'t, R> {
    tx: &'t R,
    user: UserNid,
    mine: HashSet<RoomNid>,
    shares: HashMap<UserNid, bool>,
}

impl<R: Reader> View<'_, R> {
    fn shares_room(&mut self, other: UserNid) -> Result<bool, StoreError> {
        if other == self.user {
            return Ok(true);
        }
        if let Some(known) = self.shares.get(&other) {
            return Ok(*known);
        }
        let mut rooms = members::rooms_of(self.tx, other, Membership::Join)?;
        rooms.extend(members::rooms_of(self.tx, other, Membership::Invite)?);
        let shares = rooms.iter().any(|room| self.mine.contains(room));
        self.shares.insert(other, shares);
        Ok(shares)
    }
}

/// Whether the user is joined or invited.
fn is_member(tx: &impl Reader, room: RoomNid, user: UserNid) -> Result<bool, StoreError> {
    let member = members::get(tx, room, user)?;
    Ok(member.is_some_and(|member| matches!(member.membership, Membership::Join | Membership::Invite)))
}
