//! `[push]`: telling devices that are not connected.

use std::time::Duration;

use serde::Deserialize;
use wardline_engine::push::PushConfig;

use super::ConfigError;

/// `[push]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PushSection {
    /// How a push service reaches the people who run this server: a `mailto:` or `https:` address. Default:
    /// `public_url` if that is `https`, else `mailto:postmaster@` and the server's name.
    pub contact: Option<String>,
    /// Pushes under way at once.
    pub parallel: usize,
    /// Seconds that a pusher rests after its first failure; each further one doubles it.
    pub rest_seconds: u64,
    /// The longest rest, in seconds.
    pub longest_rest_seconds: u64,
    /// Hours after which an event is not pushed any more.
    pub give_up_hours: u64,
    /// Whether messages in threads notify those who follow the thread (MSC4306), and nobody else.
    pub thread_subscriptions: bool,
}

impl Default for PushSection {
    fn default() -> Self {
        Self {
            contact: None,
            parallel: 64,
            rest_seconds: 5,
            longest_rest_seconds: 3600,
            give_up_hours: 24,
            thread_subscriptions: false,
        }
    }
}

impl PushSection {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key, reason| Err(ConfigError::value(key, reason));
        if self.parallel == 0 {
            return refuse("push.parallel", "must be at least 1");
        }
        if self.rest_seconds == 0 || self.longest_rest_seconds < self.rest_seconds {
            return refuse("push.rest_seconds", "must be at least 1, and at most push.longest_rest_seconds");
        }
        if self.contact.as_ref().is_some_and(|to| !to.starts_with("mailto:") && !to.starts_with("https:")) {
            return refuse("push.contact", "must begin with mailto: or https:");
        }
        Ok(())
    }

    /// What the engine is told. `app_url` is where the web app is.
    #[must_use]
    pub fn engine(&self, app_url: &str) -> PushConfig {
        PushConfig {
            silence: None,
            parallel: self.parallel,
            rest: Duration::from_secs(self.rest_seconds),
            longest_rest: Duration::from_secs(self.longest_rest_seconds),
            give_up: Duration::from_secs(self.give_up_hours.saturating_mul(3600)),
            app_url: app_url.trim_end_matches('/').to_owned(),
        }
    }
}
