//! Which state events a client lacks.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use parking_lot::RwLock;
use wardline_domain::ruma::{OwnedUserId, UserId};
use wardline_store::{EventNid, ReadTx, SnapshotNid, StateKeyNid, StoreError, state};

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

/// How members are treated.
pub(super) enum Members {
    /// Like all other state.
    All,
    /// Lazily: of the state that the client gets as a whole only these, besides those of `needed`.
    Only(BTreeSet<OwnedUserId>),
    /// Lazily, but what changed is told.
    Changed,
}

/// A stretch of a room's state.
pub(super) struct Delta {
    /// What the client has; `None` for nothing.
    pub(super) from: Option<SnapshotNid>,
    /// What it shall have.
    pub(super) to: Option<SnapshotNid>,
    pub(super) members: Members,
    /// Members that it needs in any case, changed or not, because it was never told of them.
    pub(super) needed: BTreeSet<OwnedUserId>,
}

/// The state events that make `to` of `from`, in the order of their numbers.
pub(super) fn events(tx: &ReadTx<'_>, names: &KeyNames, delta: &Delta) -> Result<Vec<EventNid>, StoreError> {
    let mut found = BTreeSet::new();
    let Some(to) = delta.to else { return Ok(Vec::new()) };
    if delta.from != delta.to {
        let have = delta.from.map(|from| state::at(tx, from)).transpose()?.unwrap_or_default();
        for (key, event) in state::at(tx, to)? {
            if have.get(&key) == Some(&event) {
                continue;
            }
            let name = names.get(tx, key)?;
            if is_wanted(&name, &delta.members) {
                found.insert(event);
            }
        }
    }
    for member in &delta.needed {
        found.extend(member_at(tx, to, member)?);
    }
    Ok(found.into_iter().collect())
}

fn is_wanted(name: &(String, String), members: &Members) -> bool {
    match members {
        Members::Only(only) if name.0 == "m.room.member" => {
            UserId::parse(name.1.as_str()).is_ok_and(|user| only.contains(&user))
        }
        _ => true,
    }
}

/// The event that holds somebody's membership in the state at a snapshot.
fn member_at(tx: &ReadTx<'_>, snapshot: SnapshotNid, user: &UserId) -> Result<Option<EventNid>, StoreError> {
    match state::find_key(tx, "m.room.member", user.as_str())? {
        Some(key) => state::event_at(tx, snapshot, key),
        None => Ok(None),
    }
}
