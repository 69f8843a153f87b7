//! Rate limits: token buckets in memory, keyed so that nobody can lock another person out.
//!
//! A sign-in is charged to the pair (address, account) and to the address: failures from one address never
//! stop the owner of the account from signing in from another.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use parking_lot::Mutex;
use wardline_domain::{Clock, Timestamp};

use crate::MatrixError;

/// The size of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// How many requests may come at once.
    pub burst: u32,
    /// How many requests flow back in a minute. 0 in `burst` switches the limit off.
    pub per_minute: u32,
}

/// What is charged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LimitKey {
    scope: &'static str,
    address: IpAddr,
    user: String,
}

impl LimitKey {
    /// The bucket of `scope` (a stable name such as `login`) for this address and account (may be empty).
    /// An IPv6 address counts as its /64 network, because one host owns all of it.
    #[must_use]
    pub fn new(scope: &'static str, address: IpAddr, user: &str) -> Self {
        let address = match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
            v4 => v4,
        };
        // A longer name cannot be an account; it must not fill the memory either.
        Self { scope, address, user: user.chars().take(255).collect() }
    }
}

/// One request is 60 000 units, so that `per_minute` units flow back in a millisecond, exactly.
#[derive(Debug)]
struct Level {
    units: i64,
    at: Timestamp,
    full_after: Timestamp,
}

/// All buckets of the server.
#[derive(Debug)]
pub struct RateLimiter {
    clock: Arc<dyn Clock>,
    levels: Mutex<HashMap<LimitKey, Level>>,
}

/// Above this many buckets the full ones are dropped (a full bucket equals an absent one).
const SWEEP_ABOVE: usize = 10_000;

impl RateLimiter {
    /// A limiter with all buckets full.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, levels: Mutex::default() }
    }

    /// Takes one request out of the bucket.
    ///
    /// # Errors
    /// `M_LIMIT_EXCEEDED` with the milliseconds until one request fits again; nothing is taken then.
    pub fn take(&self, key: &LimitKey, bucket: Bucket) -> Result<(), MatrixError> {
        if bucket.burst == 0 {
            return Ok(());
        }
        let now = self.clock.now();
        let rate = i64::from(bucket.per_minute.max(1));
        let capacity = i64::from(bucket.burst) * 60_000;
        let mut levels = self.levels.lock();
        if levels.len() > SWEEP_ABOVE {
            levels.retain(|_, level| level.full_after > now);
        }
        let level = levels.entry(key.clone()).or_insert(Level { units: capacity, at: now, full_after: now });
        let gained = now.millis_since(level.at).max(0).saturating_mul(rate);
        level.units = level.units.saturating_add(gained).min(capacity);
        level.at = now;
        if level.units < 60_000 {
            let missing = 60_000 - level.units;
            return Err(MatrixError::limit_exceeded(u64::try_from((missing + rate - 1) / rate).unwrap_or(0)));
        }
        level.units -= 60_000;
        level.full_after = now.plus_millis((capacity - level.units) / rate + 1);
        Ok(())
    }

    /// Puts one request back: the attempt turned out to be a rightful one.
    pub fn give_back(&self, key: &LimitKey) {
        if let Some(level) = self.levels.lock().get_mut(key) {
            level.units = level.units.saturating_add(60_000);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    #[derive(Debug, Default)]
    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::Relaxed))
        }
    }

    const BUCKET: Bucket = Bucket { burst: 3, per_minute: 6 };

    fn key(address: &str, user: &str) -> LimitKey {
        LimitKey::new("login", address.parse().unwrap(), user)
    }

    #[test]
    fn burst_then_refill_at_the_rate() {
        let clock = Arc::new(Hand::default());
        let limiter = RateLimiter::new(clock.clone());
        let k = key("192.0.2.1", "amy");
        for _ in 0..3 {
            limiter.take(&k, BUCKET).unwrap();
        }
        let error = limiter.take(&k, BUCKET).unwrap_err();
        assert_eq!(error.extra["retry_after_ms"], 10_000);
        clock.0.store(9_999, Ordering::Relaxed);
        assert_eq!(limiter.take(&k, BUCKET).unwrap_err().extra["retry_after_ms"], 1);
        clock.0.store(10_000, Ordering::Relaxed);
        limiter.take(&k, BUCKET).unwrap();
        assert!(limiter.take(&k, BUCKET).is_err());
    }

    #[test]
    fn another_address_or_account_is_not_touched() {
        let limiter = RateLimiter::new(Arc::new(Hand::default()));
        while limiter.take(&key("192.0.2.1", "amy"), BUCKET).is_ok() {}
        limiter.take(&key("192.0.2.2", "amy"), BUCKET).unwrap();
        limiter.take(&key("192.0.2.1", "bob"), BUCKET).unwrap();
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        assert_eq!(key("2001:db8::1", "amy"), key("2001:db8::ffff:1", "amy"));
        assert_ne!(key("2001:db8::1", "amy"), key("2001:db8:0:1::1", "amy"));
        assert_eq!(key("::ffff:192.0.2.1", "amy"), key("192.0.2.1", "amy"));
    }

    #[test]
    fn memory_is_bounded_and_a_success_is_not_charged() {
        let clock = Arc::new(Hand::default());
        let limiter = RateLimiter::new(clock.clone());
        for n in 0..=SWEEP_ABOVE {
            limiter.take(&key("192.0.2.1", &n.to_string()), BUCKET).unwrap();
        }
        clock.0.store(60_000, Ordering::Relaxed);
        limiter.take(&key("192.0.2.1", "amy"), BUCKET).unwrap();
        assert_eq!(limiter.levels.lock().len(), 1);
        for _ in 0..10 {
            limiter.give_back(&key("192.0.2.1", "amy"));
            limiter.take(&key("192.0.2.1", "amy"), BUCKET).unwrap();
        }
    }
}
