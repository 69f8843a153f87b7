//! Auth chains as bitmaps (server-server specification, "Room state resolution").
//!
//! Within a room every event that others name in `auth_events` has an ordinal. The chain of an event is the set
//! of ordinals of all events reachable over `auth_events`.

use roaring::RoaringBitmap;

/// The auth chain of one event: the ordinals of its ancestors, without itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuthChain(RoaringBitmap);

/// Stored bytes are not an auth chain.
#[derive(Debug, thiserror::Error)]
#[error("malformed auth chain: {0}")]
pub struct AuthChainError(#[from] std::io::Error);

impl AuthChain {
    /// The chain of an event from its auth events: each with its ordinal and its own chain.
    pub fn from_parents<'a>(parents: impl IntoIterator<Item = (u32, &'a Self)>) -> Self {
        let mut chain = RoaringBitmap::new();
        for (ordinal, parent) in parents {
            chain |= &parent.0;
            chain.insert(ordinal);
        }
        Self(chain)
    }

    /// The chain together with the event itself.
    #[must_use]
    pub fn with(&self, ordinal: u32) -> Self {
        let mut chain = self.0.clone();
        chain.insert(ordinal);
        Self(chain)
    }

    /// All ordinals that are in one of the chains.
    pub fn union<'a>(chains: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut union = RoaringBitmap::new();
        for chain in chains {
            union |= &chain.0;
        }
        Self(union)
    }

    /// The auth difference: the ordinals that are in some of the chains but not in all.
    pub fn difference<'a>(chains: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut chains = chains.into_iter();
        let Some(first) = chains.next() else { return Self::default() };
        let (mut any, mut all) = (first.0.clone(), first.0.clone());
        for chain in chains {
            any |= &chain.0;
            all &= &chain.0;
        }
        Self(any - all)
    }

    /// Whether the event with this ordinal is in the chain.
    #[must_use]
    pub fn contains(&self, ordinal: u32) -> bool {
        self.0.contains(ordinal)
    }

    /// The number of events in the chain.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether the chain is empty, as that of a create event is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ordinals, least first.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter()
    }

    /// The chain as bytes, in the portable format of Roaring bitmaps.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.serialized_size());
        // Writing to a Vec cannot fail.
        let _ = self.0.serialize_into(&mut bytes);
        bytes
    }

    /// Reads what [`AuthChain::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`AuthChainError`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AuthChainError> {
        Ok(Self(RoaringBitmap::deserialize_from(bytes)?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Each event n names some earlier events; chains must equal plain reachability.
        #[test]
        fn chains_are_reachability(parents in prop::collection::vec(prop::collection::vec(any::<u32>(), 0..4), 1..40)) {
            let mut chains: Vec<AuthChain> = Vec::new();
            let mut sets: Vec<BTreeSet<u32>> = Vec::new();
            for (n, picks) in parents.iter().enumerate() {
                let own: BTreeSet<u32> =
                    if n == 0 { BTreeSet::new() } else { picks.iter().map(|p| p % n as u32).collect() };
                chains.push(AuthChain::from_parents(own.iter().map(|p| (*p, &chains[*p as usize]))));
                let mut reached = own.clone();
                reached.extend(own.iter().flat_map(|p| sets[*p as usize].clone()));
                sets.push(reached);
            }
            for (chain, set) in chains.iter().zip(&sets) {
                prop_assert!(chain.iter().eq(set.iter().copied()));
                prop_assert_eq!(&AuthChain::from_bytes(&chain.to_bytes()).unwrap(), chain);
                prop_assert_eq!(chain.len(), set.len() as u64);
            }
            let last: Vec<_> = chains.iter().rev().take(3).collect();
            let last_sets: Vec<_> = sets.iter().rev().take(3).collect();
            let difference = AuthChain::difference(last.iter().copied());
            let union = AuthChain::union(last.iter().copied());
            for ordinal in 0..chains.len() as u32 {
                let count = last_sets.iter().filter(|set| set.contains(&ordinal)).count();
                prop_assert_eq!(difference.contains(ordinal), count > 0 && count < last.len());
                prop_assert_eq!(union.contains(ordinal), count > 0);
            }
        }
    }

    #[test]
    fn edge_cases() {
        assert!(AuthChain::difference([]).is_empty());
        assert!(AuthChain::from_bytes(b"nonsense").is_err());
        assert!(AuthChain::default().with(3).contains(3));
    }
}
