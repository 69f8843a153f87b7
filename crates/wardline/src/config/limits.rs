//! `[limits]`: what one client may ask of the server.

use std::time::Duration;

use serde::Deserialize;
use wardline_http::Places;

use super::ConfigError;
use crate::listener::Limits;

/// `[limits]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Connections open at once.
    pub connections: usize,
    /// Largest request head, in bytes.
    pub header_bytes: usize,
    /// Seconds for a request head, and of idleness of a kept-alive connection.
    pub header_seconds: u64,
    /// Largest upload, in bytes.
    pub upload_bytes: u64,
    /// Failed sign-ins that an address and account may make at once before it has to wait.
    pub login_burst: u32,
    /// Whether anything is limited by how often it is asked for. Off for conformance suites only.
    pub rates: bool,
    /// Requests that change something which one device may make at once; a person may make four times as many over
    /// all devices, an address forty times as many over all people.
    pub write_burst: u32,
    /// How many of them flow back in a minute.
    pub write_per_minute: u32,
    /// Requests to the FHIR API, reading ones too, which one device may make at once; a person and an address as above.
    pub fhir_burst: u32,
    /// How many of them flow back in a minute.
    pub fhir_per_minute: u32,
    /// Requests without credentials, or with wrong ones, which one address may make at once.
    pub open_burst: u32,
    /// How many of them flow back in a minute.
    pub open_per_minute: u32,
    /// Ordinary requests that are worked on at once; more are told to come back.
    pub requests: usize,
    /// Requests for news at once, waiting ones included.
    pub long_polls: usize,
    /// Uploads at once.
    pub uploads: usize,
    /// Downloads at once, until they begin to flow.
    pub downloads: usize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let places = Places::default();
        Self {
            connections: 10_000,
            header_bytes: 32 * 1024,
            header_seconds: 30,
            upload_bytes: 50 << 20,
            login_burst: 5,
            rates: true,
            write_burst: 500,
            write_per_minute: 1200,
            fhir_burst: 500,
            fhir_per_minute: 1200,
            open_burst: 2000,
            open_per_minute: 6000,
            requests: places.requests,
            long_polls: places.long_polls,
            uploads: places.uploads,
            downloads: places.downloads,
        }
    }
}

impl LimitsConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key, reason| Err(ConfigError::value(key, reason));
        if self.connections == 0 {
            return refuse("limits.connections", "must be at least 1");
        }
        for (key, places) in [
            ("limits.requests", self.requests),
            ("limits.long_polls", self.long_polls),
            ("limits.uploads", self.uploads),
            ("limits.downloads", self.downloads),
        ] {
            if places == 0 {
                return refuse(key, "must be at least 1");
            }
        }
        if self.header_bytes < 8192 {
            return refuse("limits.header_bytes", "must be at least 8192");
        }
        if self.header_seconds == 0 {
            return refuse("limits.header_seconds", "must be at least 1");
        }
        for (key, rate) in [
            ("limits.write_burst", self.write_burst),
            ("limits.write_per_minute", self.write_per_minute),
            ("limits.fhir_burst", self.fhir_burst),
            ("limits.fhir_per_minute", self.fhir_per_minute),
            ("limits.open_burst", self.open_burst),
            ("limits.open_per_minute", self.open_per_minute),
        ] {
            if rate == 0 {
                return refuse(key, "must be at least 1");
            }
        }
        Ok(())
    }

    /// How many requests are worked on at once.
    #[must_use]
    pub fn places(&self) -> Places {
        Places {
            requests: self.requests,
            long_polls: self.long_polls,
            uploads: self.uploads,
            downloads: self.downloads,
        }
    }

    /// What the listener allows.
    #[must_use]
    pub fn listener(&self) -> Limits {
        Limits {
            connections: self.connections,
            header_bytes: self.header_bytes,
            header_time: Duration::from_secs(self.header_seconds),
        }
    }
}
