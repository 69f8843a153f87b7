//! The state of a room at one point: a map that is cheap to copy, to keep in many versions, and to compare.

use std::borrow::Borrow;

use imbl::OrdMap;
use imbl::ordmap::DiffItem;

/// A sorted map from a state key (however interned) to an event (however referred to). Copies share structure;
/// a change copies a few nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateMap<K: Ord + Clone, V: Clone>(OrdMap<K, V>);

/// One difference between two states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a, K, V> {
    /// Only the newer state has the key.
    Added(&'a K, &'a V),
    /// The value differs: key, older value, newer value.
    Replaced(&'a K, &'a V, &'a V),
    /// Only the older state has the key.
    Removed(&'a K, &'a V),
}

impl<K: Ord + Clone, V: Clone> Default for StateMap<K, V> {
    fn default() -> Self {
        Self(OrdMap::new())
    }
}

impl<K: Ord + Clone, V: Clone> StateMap<K, V> {
    /// The empty state.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value under a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.0.get(key)
    }

    /// Sets a value; gives back the one it replaces.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.insert(key, value)
    }

    /// Removes a key; gives back its value.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.0.remove(key)
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All entries in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter()
    }

    /// The entries from `start` on, in key order.
    pub fn iter_from(&self, start: K) -> impl Iterator<Item = (&K, &V)> {
        self.0.range(start..)
    }
}

impl<K: Ord + Clone, V: Clone + PartialEq> StateMap<K, V> {
    /// What changed from `older` to this state, in key order. Takes time proportional to the number of changes if
    /// one was made from the other, because shared parts are skipped.
    pub fn changes_since<'a>(&'a self, older: &'a Self) -> impl Iterator<Item = Change<'a, K, V>> {
        older.0.diff(&self.0).map(|item| match item {
            DiffItem::Add(key, value) => Change::Added(key, value),
            DiffItem::Update { old: (key, old), new: (_, new) } => Change::Replaced(key, old, new),
            DiffItem::Remove(key, value) => Change::Removed(key, value),
        })
    }
}

impl<K: Ord + Clone, V: Clone> FromIterator<(K, V)> for StateMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn changes_turn_one_state_into_the_other(
            older in prop::collection::btree_map(0_u8..60, 0_u8..3, 0..60),
            edits in prop::collection::vec((0_u8..60, prop::option::of(0_u8..3)), 0..20),
        ) {
            let old: StateMap<u8, u8> = older.clone().into_iter().collect();
            let (mut new, mut newer) = (old.clone(), older.clone());
            for (key, value) in edits {
                match value {
                    Some(value) => prop_assert_eq!(new.insert(key, value), newer.insert(key, value)),
                    None => prop_assert_eq!(new.remove(&key), newer.remove(&key)),
                }
            }
            let mut replayed: BTreeMap<u8, u8> = older;
            for change in new.changes_since(&old) {
                match change {
                    Change::Added(k, v) => prop_assert_eq!(replayed.insert(*k, *v), None),
                    Change::Replaced(k, from, to) => {
                        prop_assert_ne!(from, to);
                        prop_assert_eq!(replayed.insert(*k, *to), Some(*from));
                    }
                    Change::Removed(k, v) => prop_assert_eq!(replayed.remove(k), Some(*v)),
                }
            }
            prop_assert_eq!(&replayed, &newer);
            prop_assert_eq!(new.len(), newer.len());
            prop_assert_eq!(new.is_empty(), newer.is_empty());
            prop_assert!(new.iter_from(30).eq(newer.range(30..)));
            prop_assert!(new.iter().eq(newer.iter()));
        }
    }

    #[test]
    fn comparing_skips_what_is_shared() {
        thread_local! { static COMPARED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) } }

        #[derive(Clone, Copy, Debug)]
        struct Counted(u32);
        impl PartialEq for Counted {
            fn eq(&self, other: &Self) -> bool {
                COMPARED.set(COMPARED.get() + 1);
                self.0 == other.0
            }
        }

        let old: StateMap<u32, Counted> = (0..20_000).map(|n| (n, Counted(n))).collect();
        let mut new = old.clone();
        new.insert(7_000, Counted(0));
        assert_eq!(new.changes_since(&old).count(), 1);
        assert!(COMPARED.get() < 1_000, "{} values were compared", COMPARED.get());
    }
}
