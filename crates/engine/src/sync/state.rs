//! Which state events a client lacks.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use parking_lot::RwLock;
use wardline_domain::ruma::{OwnedUserId, UserId};
use wardline_store::{EventNid, ReadTx, SnapshotNid, StateKeyNid, StoreError, state};

use crate::events::EventCache;

/// The names behind numbers of state keys, in memory. They never change, so they are kept for good.
#[derive(Debug, Default)]
pub(super) struct KeyNames {
    names: RwLock<HashMap<StateKeyNid, Arc<(String, String)>>>,
}

impl KeyNames {
    /// The event type and the state key.
    pub(super) fn get(&self, tx: &ReadTx<'_>, key: StateKeyNid) -> Result<Arc<(String, String)>, StoreError> {
        if let Some(name) = self.names.read().get(&key) {
            return Ok(Arc::clone(name));
        }
        let name = Arc::new(state::key(tx, key)?);
        self.names.write().insert(key, Arc::clone(&name));
        Ok(name)
    }
}

/// Which members are among the changes.
pub(super) enum Members {
    /// All, like all other state.
    All,
    /// Lazily, of a state that is told as a whole: only these.
    Only(BTreeSet<OwnedUserId>),
    /// Lazily, of a state that the client has in part: those who changed, as it may know them.
    Changed,
}

/// State events that are walked back from one state to an earlier one before both are compared as a whole.
const LONGEST_WALK: usize = 500;

/// The state events that make the state `to` of the state `from` (`None`: empty), in the order of their numbers.
pub(super) fn changes(
    tx: &ReadTx<'_>,
    cache: &EventCache,
    names: &KeyNames,
    from: Option<SnapshotNid>,
    to: Option<SnapshotNid>,
    members: &Members,
) -> Result<Vec<EventNid>, StoreError> {
    let Some(to) = to.filter(|_| from != to) else { return Ok(Vec::new()) };
    if let (Some(from), Members::All | Members::Changed) = (from, members)
        && let Some(found) = walk(tx, cache, from, to)?
    {
        return Ok(found);
    }
    let have = from.map(|from| state::at(tx, from)).transpose()?.unwrap_or_default();
    let mut found = Vec::new();
    for (key, event) in state::at(tx, to)? {
        if have.get(&key) != Some(&event) {
            let name = names.get(tx, key)?;
            if is_wanted(&name, members) {
                found.push(event);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The same by going back from event to event, so that the work is that of what changed, however large the state.
/// `None` if `from` does not lie on the way.
fn walk(
    tx: &ReadTx<'_>,
    cache: &EventCache,
    from: SnapshotNid,
    to: SnapshotNid,
) -> Result<Option<Vec<EventNid>>, StoreError> {
    let (mut next, mut found) = (to, Vec::new());
    let mut seen = HashSet::new();
    for _ in 0..LONGEST_WALK {
        // A snapshot bears the number of the state event that led to it.
        let event = cache.get(tx, EventNid(next.0))?;
        if seen.insert((event.pdu.kind.clone(), event.pdu.state_key.clone())) {
            found.push(event.nid);
        }
        match event.state_before {
            Some(before) if before == from => {
                found.sort_unstable();
                return Ok(Some(found));
            }
            // Numbers need not follow time, so only the limit ends a walk that missed its goal.
            Some(before) => next = before,
            None => return Ok(None),
        }
    }
    Ok(None)
}

fn is_wanted(name: &(String, String), members: &Members) -> bool {
    match members {
        // Few are wanted, but every member of the room is asked about: no id is parsed.
        Members::Only(only) if name.0 == "m.room.member" => only.iter().any(|user| user.as_str() == name.1),
        _ => true,
    }
}

/// The event that holds somebody's membership in the state at a snapshot.
pub(super) fn member_at(
    tx: &ReadTx<'_>,
    snapshot: SnapshotNid,
    user: &UserId,
) -> Result<Option<EventNid>, StoreError> {
    match state::find_key(tx, "m.room.member", user.as_str())? {
        Some(key) => state::event_at(tx, snapshot, key),
        None => Ok(None),
    }
}
