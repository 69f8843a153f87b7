//! `required_state` and `timeline_limit`: how much of a room a client wants.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use wardline_domain::ruma::UserId;
use wardline_store::{EventNid, ReadTx, RoomNid, StoreError, state};

use crate::events::{Event, EventCache};

/// Stands for any type or state key.
const ANY: &str = "*";
/// As a state key: the one who asks.
const ME: &str = "$ME";
/// The type of events that say who is a member.
const MEMBER: &str = "m.room.member";
/// As the state key of `m.room.member`: members who say something.
const LAZY: &str = "$LAZY";

/// Pairs of event type and state key.
type Pairs = BTreeSet<(String, String)>;

/// `required_state` of a request, in either of its two forms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequiredState {
    /// Which state events: pairs of event type and state key, in which `*`, `$ME` and `$LAZY` have their meanings.
    include: Pairs,
    /// Which of them not, though members who say something are told all the same.
    exclude: Pairs,
}

/// An entry of the form with names.
#[derive(Deserialize)]
struct Element {
    #[serde(rename = "type", default = "any")]
    kind: String,
    #[serde(default = "any")]
    state_key: String,
}

fn any() -> String {
    ANY.to_owned()
}

impl From<Element> for (String, String) {
    fn from(element: Element) -> Self {
        (element.kind, element.state_key)
    }
}

impl<'de> Deserialize<'de> for RequiredState {
    /// From an array of pairs (the unstable endpoint) or from `include`, `exclude` and `lazy_members` (the stable one).
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;

        impl<'de> Visitor<'de> for Forms {
            type Value = RequiredState;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of pairs, or an object")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pairs: A) -> Result<RequiredState, A::Error> {
                let mut include = Pairs::new();
                while let Some(pair) = pairs.next_element()? {
                    include.insert(pair);
                }
                Ok(RequiredState { include, exclude: Pairs::new() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RequiredState, A::Error> {
                #[derive(Default, Deserialize)]
                #[serde(default)]
                struct Named {
                    include: Vec<Element>,
                    exclude: Vec<Element>,
                    lazy_members: bool,
                }
                let named = Named::deserialize(MapAccessDeserializer::new(map))?;
                let mut include: Pairs = named.include.into_iter().map(Into::into).collect();
                if named.lazy_members {
                    include.insert((MEMBER.to_owned(), LAZY.to_owned()));
                }
                Ok(RequiredState { include, exclude: named.exclude.into_iter().map(Into::into).collect() })
            }
        }

        deserializer.deserialize_any(Forms)
    }
}

impl RequiredState {
    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.include.len() + self.exclude.len()
    }

    /// The same as something to be held against state events, without a timeline.
    pub(super) fn wanted(&self) -> Wanted {
        if self.exclude.is_empty() {
            return Wanted { state: self.include.clone(), ..Wanted::default() };
        }
        // Members who speak are told whatever is excluded.
        let lazy = |pair: &&(String, String)| pair.1 == LAZY;
        Wanted {
            limit: 0,
            state: self.include.iter().filter(lazy).cloned().collect(),
            but: [(self.include.clone(), self.exclude.clone())].into(),
        }
    }
}

/// How much of a room a client wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The most events of the timeline.
    pub(super) limit: usize,
    /// Pairs of event type and state key.
    pub(super) state: Pairs,
    /// Besides: each time the first pairs but not the second.
    pub(super) but: BTreeSet<(Pairs, Pairs)>,
}

impl Wanted {
    /// As much as both want.
    pub(super) fn and(&self, other: &Self) -> Self {
        Self {
            limit: self.limit.max(other.limit),
            state: self.state.union(&other.state).cloned().collect(),
            but: self.but.union(&other.but).cloned().collect(),
        }
    }

    /// Whether members are wanted when they say something.
    pub(super) fn is_lazy(&self) -> bool {
        self.state.contains(&(MEMBER.to_owned(), LAZY.to_owned()))
    }

    /// Whether a state event is wanted, whoever speaks.
    pub(super) fn has(&self, kind: &str, state_key: &str, me: &UserId) -> bool {
        is_in(&self.state, kind, state_key, me)
            || self
                .but
                .iter()
                .any(|(these, not)| is_in(these, kind, state_key, me) && !is_in(not, kind, state_key, me))
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
        for (kind, key) in self.state.iter().chain(self.but.iter().flat_map(|(these, _)| these)) {
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
        events.retain(|event| {
            self.has_event(event, me) && !known.is_some_and(|known| known.has_event(event, me))
        });
        Ok(events)
    }
}

fn is_in(pairs: &Pairs, kind: &str, state_key: &str, me: &UserId) -> bool {
    pairs.iter().any(|(wanted_kind, wanted_key)| {
        (wanted_kind == ANY || wanted_kind == kind)
            && (wanted_key == ANY
                || wanted_key == state_key
                || (wanted_key == ME && state_key == me.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use wardline_domain::ruma::owned_user_id;

    use super::*;

    fn wanted(pairs: &[(&str, &str)]) -> Wanted {
        let state = pairs.iter().map(|(kind, key)| ((*kind).to_owned(), (*key).to_owned())).collect();
        Wanted { limit: 1, state, ..Wanted::default() }
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
    #[test]
    fn both_forms() {
        let me = owned_user_id!("@me:x.example");
        let read = |text: &str| serde_json::from_str::<RequiredState>(text).unwrap().wanted();
        assert_eq!(read(r#"[["a","b"]]"#).state, wanted(&[("a", "b")]).state);
        let named = read(
            r#"{"include":[{}],"exclude":[{"type":"m.room.create"},{"state_key":"x"}],"lazy_members":true}"#,
        );
        assert!(named.is_lazy());
        assert!(named.has("m.room.name", "", &me));
        assert!(!named.has("m.room.create", "", &me) && !named.has("a", "x", &me));
        let create = read(r#"{"include":[{"type":"m.room.create","state_key":""}]}"#);
        assert!(create.has("m.room.create", "", &me) && !create.has("m.room.name", "", &me));
        assert!(
            named.and(&create).has("m.room.create", "", &me),
            "what one of two leaves out the other may want"
        );
        for text in ["1", r#"[["a"]]"#, r#"{"include":[1]}"#] {
            assert!(serde_json::from_str::<RequiredState>(text).is_err(), "{text}");
        }
    }
}
