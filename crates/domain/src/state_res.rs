//! State resolution (room versions 2 and 12, "State resolution"): one state from the several that a fork left.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use ruma::events::StateEventType;
use ruma::state_res::{self, StateMap as RumaStateMap, utils::event_id_set::EventIdSet};
use ruma::{EventId, OwnedEventId};

use crate::auth::AuthEvent;
use crate::pdu::Pdu;
use crate::room_version::RoomVersion;

/// A state as event ids: from event type and state key.
pub type StateIds = BTreeMap<(String, String), OwnedEventId>;

/// The states could not be resolved, for example because an event of them is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("state resolution failed: {0}")]
pub struct ResolveError(String);

/// Resolves the states of the forks of a room into one.
///
/// `chains` gives for each state the union of the auth chains of its events, those events included; `event` gives
/// an event of the room by id.
///
/// # Errors
/// [`ResolveError`] if an event that decides is missing or cannot be read.
pub fn resolve(
    version: RoomVersion,
    states: &[StateIds],
    chains: Vec<Vec<OwnedEventId>>,
    event: &dyn Fn(&EventId) -> Option<Arc<Pdu>>,
) -> Result<StateIds, ResolveError> {
    let states: Vec<RumaStateMap<OwnedEventId>> = states
        .iter()
        .map(|state| {
            let entry = |((kind, key), id): (&(String, String), &OwnedEventId)| {
                ((StateEventType::from(kind.as_str()), key.clone()), id.clone())
            };
            state.iter().map(entry).collect()
        })
        .collect();
    let chains = chains.into_iter().map(|chain| chain.into_iter().collect()).collect();
    let resolved = state_res::resolve(
        version.authorization(),
        version.state_resolution(),
        &states,
        chains,
        |id| event(id).map(AuthEvent::new),
        |conflicted| conflicted_subgraph(conflicted.values().flatten(), event),
    )
    .map_err(|error| ResolveError(error.to_string()))?;
    Ok(resolved.into_iter().map(|((kind, key), id)| ((kind.to_string(), key), id)).collect())
}

/// The conflicted state subgraph of version 12: every event on a path of `auth_events` from one conflicted event
/// to another. `None` if an event is not known.
fn conflicted_subgraph<'a>(
    conflicted: impl Iterator<Item = &'a OwnedEventId>,
    event: &dyn Fn(&EventId) -> Option<Arc<Pdu>>,
) -> Option<EventIdSet<OwnedEventId>> {
    let conflicted: Vec<OwnedEventId> = conflicted.cloned().collect();
    let mut named_by: HashMap<OwnedEventId, Vec<OwnedEventId>> = HashMap::new();
    let mut seen: HashSet<OwnedEventId> = conflicted.iter().cloned().collect();
    let mut queue = conflicted.clone();
    while let Some(id) = queue.pop() {
        for parent in &event(&id)?.auth_events {
            named_by.entry(parent.clone()).or_default().push(id.clone());
            if seen.insert(parent.clone()) {
                queue.push(parent.clone());
            }
        }
    }
    // All that was seen lies below a conflicted event; keep what also lies above one.
    let mut kept: EventIdSet<OwnedEventId> = EventIdSet::new();
    let mut queue = conflicted;
    while let Some(id) = queue.pop() {
        queue.extend(named_by.get(&id).into_iter().flatten().filter(|id| !kept.contains(id)).cloned());
        kept.insert(id);
    }
    Some(kept)
}
