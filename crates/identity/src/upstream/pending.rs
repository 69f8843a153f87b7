//! What waits for a browser to come back: in memory, bound to the browser's cookie, for a short time. A restart makes
//! people begin again, which is one click.

use std::collections::HashMap;

use parking_lot::Mutex;
use wardline_domain::Timestamp;

use crate::token::{self, TokenHash};

/// How long a person may take at the provider or over a question.
const LIFETIME_MS: i64 = 15 * 60 * 1000;
/// Entries at one time; more push the oldest out. Above what the limits of a few addresses allow in a lifetime.
const MAX: usize = 16_384;

/// Values of one kind by the hash of their key.
#[derive(Debug)]
pub(super) struct Pending<T>(Mutex<HashMap<TokenHash, Waiting<T>>>);

#[derive(Debug)]
struct Waiting<T> {
    browser: TokenHash,
    ends: Timestamp,
    value: T,
}

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Pending<T> {
    /// Keeps a value for the browser with this cookie.
    pub(super) fn put(&self, key: &str, cookie: &str, value: T, now: Timestamp) {
        let mut all = self.0.lock();
        if all.len() >= MAX {
            all.retain(|_, waiting| waiting.ends > now);
        }
        if all.len() >= MAX {
            let oldest = all.iter().min_by_key(|(_, waiting)| waiting.ends).map(|(key, _)| *key);
            oldest.map(|key| all.remove(&key));
        }
        let ends = now.plus_millis(LIFETIME_MS);
        all.insert(token::hash(key), Waiting { browser: token::hash(cookie), ends, value });
    }

    /// Takes a value, once. `None` if there is none for this browser.
    pub(super) fn take(&self, key: &str, cookie: &str, now: Timestamp) -> Option<T> {
        let mut all = self.0.lock();
        let hash = token::hash(key);
        let waiting = all.get(&hash)?;
        // Another browser's answer does not spend it: that would let others end a sign-in.
        if waiting.browser != token::hash(cookie) {
            return None;
        }
        let waiting = all.remove(&hash)?;
        (waiting.ends > now).then_some(waiting.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_in_time_and_in_the_same_browser_only() {
        let pending = Pending::default();
        let start = Timestamp(0);
        for key in ["a", "b"] {
            pending.put(key, "mine", key.to_owned(), start);
        }
        assert_eq!(pending.take("a", "other", start), None);
        assert_eq!(pending.take("a", "mine", start).as_deref(), Some("a"));
        assert_eq!(pending.take("a", "mine", start), None);
        assert_eq!(pending.take("b", "mine", Timestamp(LIFETIME_MS)), None);
    }

    #[test]
    fn memory_is_bounded() {
        let pending = Pending::default();
        for n in 0..=MAX {
            pending.put(&n.to_string(), "mine", n, Timestamp(i64::try_from(n).unwrap()));
        }
        assert_eq!(pending.0.lock().len(), MAX);
        assert_eq!(pending.take("0", "mine", Timestamp(0)), None);
        assert_eq!(pending.take("1", "mine", Timestamp(0)), Some(1));
    }
}
