//! `[accounts]`: rules for local accounts.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use wardline_identity::AccountPolicy;

use super::{ConfigError, under};

/// `[accounts]`. What is not said is strict, except where anybody may register: such a server is for tests.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Accounts {
    /// Whether the legacy login API takes passwords too, and not only the sign-in page.
    pub password_login: Option<bool>,
    /// Whether administrators have their rights only with a second factor.
    pub admin_second_factor: Option<bool>,
    /// For how many hours after that proof they have them. Default: 12.
    pub admin_hours: Option<u32>,
    /// The fewest characters of a new password: 8 (the default) or more.
    pub password_min_chars: Option<usize>,
    /// Whether new passwords that are common or easy to guess are refused.
    pub refuse_common_passwords: Option<bool>,
    /// A folder with hashes of breached passwords, one file for each five hexadecimal digits.
    pub breached_hashes: Option<PathBuf>,
}

impl Accounts {
    pub(super) fn resolve(&mut self, folder: &Path) {
        under(folder, &mut self.breached_hashes);
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.password_min_chars.is_some_and(|chars| !(8..=64).contains(&chars)) {
            return Err(ConfigError::value("accounts.password_min_chars", "must be 8 to 64"));
        }
        if self.admin_hours == Some(0) {
            return Err(ConfigError::value("accounts.admin_hours", "must be at least 1"));
        }
        match &self.breached_hashes {
            Some(folder) if !folder.is_dir() => {
                let reason = format!("{} is not a folder", folder.display());
                Err(ConfigError::value("accounts.breached_hashes", reason))
            }
            _ => Ok(()),
        }
    }

    /// The rules; `open` says whether anybody may register.
    #[must_use]
    pub fn policy(&self, open: bool) -> AccountPolicy {
        let rest = if open { AccountPolicy::lenient() } else { AccountPolicy::default() };
        AccountPolicy {
            password_login: self.password_login.unwrap_or(rest.password_login),
            admin_second_factor: self.admin_second_factor.unwrap_or(rest.admin_second_factor),
            admin_lifetime_ms: self
                .admin_hours
                .map_or(rest.admin_lifetime_ms, |hours| i64::from(hours) * 60 * 60 * 1000),
            password_min_chars: self.password_min_chars.unwrap_or(rest.password_min_chars),
            refuse_common_passwords: self.refuse_common_passwords.unwrap_or(rest.refuse_common_passwords),
            breached_hashes: self.breached_hashes.clone(),
        }
    }
}
