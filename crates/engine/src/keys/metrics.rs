//! How well encryption works, as counts: what clients could not read, and what became of one-time keys. Nobody, no room
//! and no message can be told from them. They begin at zero with the process, as counters of Prometheus may.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why a client could not read a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The key of the message never came.
    MissingKey,
    /// The key came, and begins after the message.
    UnknownIndex,
    /// The sender withheld the key.
    Withheld,
    /// The message is older than the device, and the backup has no key of it.
    BeforeDevice,
    /// Anything else.
    Other,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::MissingKey, Self::UnknownIndex, Self::Withheld, Self::BeforeDevice, Self::Other];

    /// Its name in reports and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingKey => "missing_key",
            Self::UnknownIndex => "unknown_index",
            Self::Withheld => "withheld",
            Self::BeforeDevice => "before_device",
            Self::Other => "other",
        }
    }
}

/// The counters.
#[derive(Debug, Default)]
pub struct KeyMetrics {
    undecryptable: [AtomicU64; Cause::ALL.len()],
    decrypted: AtomicU64,
    recovered: AtomicU64,
    pub(super) one_time_keys: AtomicU64,
    pub(super) fallback_keys: AtomicU64,
    pub(super) no_key_left: AtomicU64,
    pub(super) conflicting_keys: AtomicU64,
}

/// What a client reports of the time since its last report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Messages that it read at once.
    pub decrypted: u64,
    /// Messages that it could read later, after it had reported them as unreadable.
    pub recovered: u64,
    /// Messages that it could not read, in the order of [`Cause::ALL`].
    pub undecryptable: [u64; Cause::ALL.len()],
}

impl KeyMetrics {
    /// Counts a client's report.
    pub fn report(&self, reading: &Reading) {
        self.decrypted.fetch_add(reading.decrypted, Ordering::Relaxed);
        self.recovered.fetch_add(reading.recovered, Ordering::Relaxed);
        for (counter, count) in self.undecryptable.iter().zip(reading.undecryptable) {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }

    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The counters in the text format of Prometheus (version 0.0.4).
    #[must_use]
    pub fn prometheus(&self) -> String {
        let mut out = "# HELP wardline_undecryptable_total Messages that clients could not read, by cause.\n\
                       # TYPE wardline_undecryptable_total counter\n"
            .to_owned();
        for (cause, counter) in Cause::ALL.iter().zip(&self.undecryptable) {
            let count = counter.load(Ordering::Relaxed);
            out += &format!("wardline_undecryptable_total{{cause=\"{}\"}} {count}\n", cause.as_str());
        }
        for (name, help, counter) in [
            ("wardline_decrypted_total", "Messages that clients read at once.", &self.decrypted),
            ("wardline_recovered_total", "Messages that clients could read later.", &self.recovered),
            ("wardline_one_time_keys_issued_total", "One-time keys given out.", &self.one_time_keys),
            ("wardline_fallback_keys_issued_total", "Fallback keys given out.", &self.fallback_keys),
            (
                "wardline_claims_unanswered_total",
                "Claims of a device that had no key left.",
                &self.no_key_left,
            ),
            (
                "wardline_one_time_key_conflicts_total",
                "Uploads of another one-time key under a known id.",
                &self.conflicting_keys,
            ),
        ] {
            let count = counter.load(Ordering::Relaxed);
            out += &format!("# HELP {name} {help}\n# TYPE {name} counter\n{name} {count}\n");
        }
        out
    }
}
