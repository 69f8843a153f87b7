//! `required_state` and `timeline_limit`: how much of a room a client wants.

use std::collections::BTreeSet;
use std::sync::Arc;

use wardline_domain::ruma::UserId;
use wardline_store::{EventNid, ReadTx, RoomNid, StoreError, state};

use crate::events::{Event, EventCache};

/// Stands for any type or state key.
const ANY: &str = "*";
/// As a state key: the one who asks.
const ME: &str = "$ME";
/// As the state key of `m.room.member`: members who say something.
const LAZY: &str = "$LAZY";

/// How much of a room a client wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The most events of the timeline.
    pub(super) limit: usize,
    /// Pairs of event type and state key.
    pub(super) state: BTreeSet<(String, String)>,
}

impl Wanted {
    /// As much as both want.
    pub(super) fn and(&self, other: &Self) -> Self {
        Self { limit: self.limit.max(other.limit), state: self.state.union(&other.state).cloned().collect() }
    }

    /// Whether members are wanted when they say something.
    pub(super) fn is_lazy(&self) -> bool {
        self.state.contains(&("m.room.member".to_owned(), LAZY.to_owned()))
    }

    /// Whether a state event is wanted, whoever speaks.
    pub(super) fn has(&self, kind: &str, state_key: &str, me: &UserId) -> bool {
        self.state.iter().any(|(wanted_kind, wanted_key)| {
            (wanted_kind == ANY || wanted_kind == kind)
                && (wanted_key == ANY
                    || wanted_key == state_key
                    || (wanted_key == ME && state_key == me.as_str()))
        })
    }

    /// [`Wanted::has`] for an event.
    pub(super) fn has_event(&self, event: &Event, me: &UserId) -> bool {
        event.pdu.state_key.as_deref().is_some_and(|key| self.has(&event.pdu.kind, key, me))
    }

    /// The wanted events of the present state, without those that `known` has, in the order of their numbers.
    pub(super) fn present(
        &self,
        tx: &ReadTx<'_>,
        cache: &EventCache,
        room: RoomNid,
        me: &UserId,
        known: Option<&Self>,
    ) -> Result<Vec<Arc<Event>>, StoreError> {
        let mut nids: BTreeSet<EventNid> = BTreeSet::new();
        for (kind, key) in &self.state {
            if known.is_some_and(|known| known.state.contains(&(kind.clone(), key.clone()))) {
                continue;
            }
            match (kind.as_str(), key.as_str()) {
                (ANY, ANY) => nids.extend(state::current(tx, room)?.into_values()),
                (ANY, _) => {
                    let key = if key == ME { me.as_str() } else { key };
                    let all = state::current_entries(tx, room)?;
                    nids.extend(all.iter().filter(|entry| entry.state_key == key).map(|entry| entry.event));
                }
                (_, ANY) => nids.extend(state::current_of_kind(tx, room, kind)?),
                (_, ME) => nids.extend(state::current_event(tx, room, kind, me.as_str())?),
                (_, LAZY) => {}
                _ => nids.extend(state::current_event(tx, room, kind, key)?),
            }
        }
        let mut events = nids.into_iter().map(|nid| cache.get(tx, nid)).collect::<Result<Vec<_>, _>>()?;
        if let Some(known) = known {
            events.retain(|event| !known.has_event(event, me));
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use wardline_domain::ruma::owned_user_id;

    use super::*;

    fn wanted(pairs: &[(&str, &str)]) -> Wanted {
        let state = pairs.iter().map(|(kind, key)| ((*kind).to_owned(), (*key).to_owned())).collect();
        Wanted { limit: 1, state }
    }

    #[test]
    fn patterns() {
        let me = owned_user_id!("@me:x.example");
        let cases = [
            (("m.room.name", ""), "m.room.name", "", true),
            (("m.room.name", ""), "m.room.name", "x", false),
            (("m.space.child", "*"), "m.space.child", "!a", true),
            (("*", "*"), "anything", "at all", true),
            (("*", ""), "m.room.topic", "", true),
            (("*", ""), "m.room.member", "@me:x.example", false),
            (("m.room.member", "$ME"), "m.room.member", "@me:x.example", true),
            (("m.room.member", "$ME"), "m.room.member", "@you:x.example", false),
            (("m.room.member", "$LAZY"), "m.room.member", "@you:x.example", false),
        ];
        for (pattern, kind, key, expected) in cases {
            assert_eq!(wanted(&[pattern]).has(kind, key, &me), expected, "{pattern:?} {kind} {key}");
        }
        assert!(wanted(&[("m.room.member", "$LAZY")]).is_lazy());
        assert!(!wanted(&[("m.room.member", "*")]).is_lazy());
        let both = wanted(&[("a", "")]).and(&Wanted { limit: 5, ..wanted(&[("b", "")]) });
        assert_eq!(both, Wanted { limit: 5, ..wanted(&[("a", ""), ("b", "")]) });
    }
}
