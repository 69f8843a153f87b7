//! `[rtc]`: by what clients make calls.

use serde::Deserialize;

/// `[rtc]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rtc {
    /// Addresses of LiveKit authorisation services (MSC4195).
    pub livekit_urls: Vec<String>,
}
