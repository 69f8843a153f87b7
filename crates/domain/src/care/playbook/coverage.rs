//! Whether somebody is behind a role at every moment of a time to come.

use crate::Timestamp;

/// A time in which nobody holds a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// First instant.
    pub from: Timestamp,
    /// First instant after it.
    pub until: Timestamp,
}

/// The gaps that `shifts` (each from its start to its end) leave between `from` and `until`, in order.
#[must_use]
pub fn gaps(shifts: &[(Timestamp, Timestamp)], from: Timestamp, until: Timestamp) -> Vec<Gap> {
    let mut sorted = shifts.to_vec();
    sorted.sort_unstable();
    let mut covered = from;
    let mut found = Vec::new();
    for (start, end) in sorted {
        if start > covered && covered < until {
            found.push(Gap { from: covered, until: start.min(until) });
        }
        covered = covered.max(end);
    }
    if covered < until {
        found.push(Gap { from: covered, until });
    }
    found
}
