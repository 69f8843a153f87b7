//! The real clock and the real randomness: the only place of the product that asks the machine for either.

use std::time::{SystemTime, UNIX_EPOCH};

use wardline_domain::{Clock, Random, Timestamp};

/// The machine's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
    fn now(&self) -> Timestamp {
        let millis = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Timestamp(millis(since)),
            Err(before) => Timestamp(-millis(before.duration())),
        }
    }
}

/// A wall clock that was set to another time and goes on from there: a demonstration shows an evening's handover by day.
#[derive(Debug, Clone, Copy)]
pub struct SetClock {
    /// How far it is ahead of the machine's clock, in milliseconds.
    ahead: i64,
}

impl SetClock {
    /// A clock that shows `at` now.
    #[must_use]
    pub fn starting(at: Timestamp) -> Self {
        Self { ahead: at.millis_since(SystemClock.now()) }
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_millis(self.ahead)
    }
}

/// The operating system's random number generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    /// # Panics
    /// When the operating system has no randomness to give: nothing safe can be done without it.
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("invariant: the operating system gives random bytes once it is up");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_goes_on_from_there() {
        let at = Timestamp(1_795_348_800_000);
        let clock = SetClock::starting(at);
        let (first, second) = (clock.now(), clock.now());
        assert!(first >= at && second >= first, "{first:?} {second:?}");
        assert!(first.millis_since(at) < 60_000, "it shows the time that it was set to");
    }
}
