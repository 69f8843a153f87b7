//! `[app]`: what the organisation allows and asks of the web app.

use serde::Deserialize;
use wardline_http::{AppLock, AppPolicy};

use super::ConfigError;

/// `[app]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct App {
    /// Whether messages may be passed on to other conversations.
    pub forward: bool,
    /// Whether a notification may show who wrote and what.
    pub notification_text: bool,
    /// Whether the app locks itself: `required`, `offered` or `off`.
    pub lock: AppLock,
    /// After how long without a touch it does, in seconds.
    pub lock_idle_seconds: u32,
    /// After how long in the background it does, in seconds.
    pub lock_background_seconds: u32,
    /// After how many wrong PINs in a row the device erases what it holds.
    pub lock_attempts: u32,
}

impl Default for App {
    fn default() -> Self {
        let policy = AppPolicy::default();
        Self {
            forward: policy.forward,
            notification_text: policy.notification_text,
            lock: policy.lock,
            lock_idle_seconds: policy.lock_idle_seconds,
            lock_background_seconds: policy.lock_background_seconds,
            lock_attempts: policy.lock_attempts,
        }
    }
}

impl App {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.lock_idle_seconds == 0 {
            return Err(ConfigError::value("app.lock_idle_seconds", "must be at least 1"));
        }
        if self.lock_background_seconds == 0 {
            return Err(ConfigError::value("app.lock_background_seconds", "must be at least 1"));
        }
        if self.lock_attempts < 3 {
            return Err(ConfigError::value("app.lock_attempts", "must be at least 3"));
        }
        Ok(())
    }

    /// What the app is told.
    #[must_use]
    pub fn policy(&self) -> AppPolicy {
        AppPolicy {
            forward: self.forward,
            notification_text: self.notification_text,
            lock: self.lock,
            lock_idle_seconds: self.lock_idle_seconds,
            lock_background_seconds: self.lock_background_seconds,
            lock_attempts: self.lock_attempts,
        }
    }
}
