//! The only source of chance in a history: everything follows from the seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use wardline_domain::{Clock, Random, Timestamp};

/// Seeded numbers (splitmix64), and a fingerprint of what was decided with them.
#[derive(Debug)]
pub(crate) struct Dice {
    state: AtomicU64,
    trace: AtomicU64,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed), trace: AtomicU64::new(0) }
    }

    fn next(&self) -> u64 {
        let seed = self.state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `count - 1`.
    pub(crate) fn below(&self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }

    /// True `percent` times out of a hundred.
    pub(crate) fn chance(&self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Adds something that happened to the fingerprint.
    pub(crate) fn note(&self, what: &[u8]) {
        let mut trace = self.trace.load(Ordering::Relaxed);
        for byte in what {
            trace = (trace ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.trace.store(trace.wrapping_add(1), Ordering::Relaxed);
    }

    /// The fingerprint: equal for two runs only if they were the same history.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.trace.load(Ordering::Relaxed)
    }
}

impl Random for Dice {
    fn fill(&self, buffer: &mut [u8]) {
        for byte in buffer {
            *byte = (self.next() >> 24) as u8;
        }
    }
}

/// A clock that the scheduler moves.
#[derive(Debug)]
pub(crate) struct Hand(AtomicI64);

impl Hand {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_800_000_000_000)))
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}
