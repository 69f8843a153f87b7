//! Whose device lists changed: what `/sync` and `/keys/changes` tell.
//!
//! The stream is the log: [`Kind::DeviceList`] rows are written with the keys that changed, [`Kind::Membership`]
//! rows with the membership. Answering reads the rows of these two kinds between two positions and nothing that
//! grows with the rooms that did not change.

use std::collections::{BTreeSet, HashMap, HashSet};

use wardline_domain::ruma::OwnedUserId;

use crate::members::{self, Membership};
use crate::stream::membership_of;
use crate::{EventNid, Kind, Pos, Reader, RoomNid, StoreError, UserNid, WriteTx, params, users};

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
    let rows: Vec<Row> = tx.query(
        "SELECT kind, room_nid, user_nid, ref FROM stream WHERE kind IN (5, 8) AND pos > ?1 AND pos <= ?2 \
         AND user_nid IS NOT NULL AND (kind = 8 OR ref IN (0, ?3)) ORDER BY pos",
        params![from, to, user],
        |row| Ok(Row { kind: row.get(0)?, room: row.get(1)?, user: row.get(2)?, reference: row.get(3)? }),
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
    let moved = rooms_entered_or_left(tx, user, &rows)?;
    for room in &moved {
        let mut others = members::users_in(tx, *room, Membership::Join)?;
        others.extend(members::users_in(tx, *room, Membership::Invite)?);
        if view.mine.contains(room) { changed.extend(others) } else { candidates.extend(others) }
    }
    for row in rows.iter().filter(|row| row.kind == Kind::Membership) {
        match row.room {
            Some(room) if view.mine.contains(&room) && is_member(tx, room, row.user)? => {
                changed.insert(row.user);
            }
            Some(room) if view.mine.contains(&room) || moved.contains(&room) => {
                candidates.insert(row.user);
            }
            _ => {}
        }
    }
    // A change of one's own keys is told; one's own coming and going is not.
    changed.remove(&user);
    for row in rows.iter().filter(|row| row.kind == Kind::DeviceList) {
        if view.shares_room(row.user)? {
            changed.insert(row.user);
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

/// A row of the stream that may concern device lists.
struct Row {
    kind: Kind,
    room: Option<RoomNid>,
    user: UserNid,
    reference: i64,
}

/// The rooms that the user came to or left. An invite that was not accepted is neither: who is in such a room is
/// no affair of theirs.
fn rooms_entered_or_left(
    tx: &impl Reader,
    user: UserNid,
    rows: &[Row],
) -> Result<HashSet<RoomNid>, StoreError> {
    let mut first = HashMap::new();
    let mut moved = HashSet::new();
    for row in rows.iter().filter(|row| row.kind == Kind::Membership && row.user == user) {
        let Some(room) = row.room else { continue };
        let (event, joined) = membership_of(row.reference);
        first.entry(room).or_insert(event);
        if joined {
            moved.insert(room);
        }
    }
    for (room, event) in first {
        if !moved.contains(&room) && was_joined_before(tx, event)? {
            moved.insert(room);
        }
    }
    Ok(moved)
}

/// Whether the membership that a member event replaced was `join`.
fn was_joined_before(tx: &impl Reader, event: EventNid) -> Result<bool, StoreError> {
    #[derive(serde::Deserialize)]
    struct Member {
        content: Content,
    }
    #[derive(serde::Deserialize)]
    struct Content {
        membership: String,
    }
    let replaced: Option<String> = tx.query_row(
        "SELECT j.pdu FROM events e JOIN event_json j ON j.nid = e.replaces WHERE e.nid = ?1",
        params![event],
        |row| row.get(0),
    )?;
    let Some(replaced) = replaced else { return Ok(false) };
    let member: Member = serde_json::from_str(&replaced)
        .map_err(|_| StoreError::Malformed("a stored member event has no membership".into()))?;
    Ok(Membership::parse(&member.content.membership) == Some(Membership::Join))
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
