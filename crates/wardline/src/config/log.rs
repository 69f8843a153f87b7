//! `[log]`: what goes to standard error.

use serde::Deserialize;

use super::ConfigError;

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// A `tracing` filter such as `info` or `warn,wardline_engine=debug`.
    pub level: String,
    /// One JSON object a line instead of plain text.
    pub json: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), json: false }
    }
}

impl Log {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        crate::log::filter(&self.level).map_err(|error| ConfigError::value("log.level", error))?;
        Ok(())
    }
}
