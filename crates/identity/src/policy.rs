//! What the operator decided about local accounts.

use std::path::PathBuf;

/// Rules for local accounts. [`Default`] is the strict form, which a configuration file starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountPolicy {
    /// Whether the legacy login API takes passwords (`m.login.password`). The sign-in page does in any case.
    pub password_login: bool,
    /// Whether administrators have their rights only after proving a second factor.
    pub admin_second_factor: bool,
    /// For how long after that proof they have them, in milliseconds.
    pub admin_lifetime_ms: i64,
    /// The fewest characters of a new password.
    pub password_min_chars: usize,
    /// Whether new passwords are compared with common ones and with words around the account.
    pub refuse_common_passwords: bool,
    /// A folder with hashes of breached passwords: for each five hexadecimal digits a file `ABCDE.txt` (or `ABCDE`)
    /// whose lines begin with the other 35 digits of a SHA-1 hash, as range queries by k-anonymity give them.
    pub breached_hashes: Option<PathBuf>,
}

impl Default for AccountPolicy {
    fn default() -> Self {
        Self {
            password_login: false,
            admin_second_factor: true,
            admin_lifetime_ms: 12 * 60 * 60 * 1000,
            password_min_chars: 8,
            refuse_common_passwords: true,
            breached_hashes: None,
        }
    }
}

impl AccountPolicy {
    /// Passwords everywhere and of any kind, administrators without a second factor: for conformance suites, which
    /// know nothing else.
    #[must_use]
    pub fn lenient() -> Self {
        Self {
            password_login: true,
            admin_second_factor: false,
            refuse_common_passwords: false,
            ..Self::default()
        }
    }
}
