//! What local accounts prove themselves with besides a password.
//!
//! - `passkey`: WebAuthn credentials with user verification; one of them is a whole sign-in with two factors.
//! - `totp`: one-time codes after the password.
//! - `recovery`: codes for the day on which the others are lost.
//! - `sealed`: what a page carries between two steps of a sign-in, so that the server need not remember it.
//!
//! # Invariants
//! - Secrets of one-time codes are sealed in the database; recovery codes are kept as hashes only.
//! - No code and no challenge is good twice.

mod passkey;
mod recovery;
mod sealed;
mod totp;

use wardline_store::{
    Reader, StoreError, UserNid, accounts,
    factors::{self, PasskeyRow},
};

use crate::{Identity, IdentityError, oauth::Visitor};

pub(crate) use passkey::Passkeys;
pub use passkey::{PasskeyRequest, passkey_id};
pub use totp::TotpEnrolment;

/// What an account can prove itself with.
#[derive(Clone, Debug, Default)]
pub struct Factors {
    /// The identity provider by which alone it signs in, as the sign-in page calls it: then it has nothing of the following.
    pub elsewhere: Option<String>,
    /// Whether it has a password.
    pub password: bool,
    /// Its passkeys, oldest first.
    pub passkeys: Vec<PasskeyRow>,
    /// Whether it has an application for one-time codes.
    pub totp: bool,
    /// How many recovery codes are left.
    pub recovery_codes_left: u64,
}

impl Factors {
    pub(crate) fn of(tx: &impl Reader, user: UserNid) -> Result<Self, StoreError> {
        Ok(Self {
            elsewhere: None,
            password: accounts::has_password(tx, user)?,
            passkeys: factors::passkeys(tx, user)?,
            totp: factors::totp(tx, user)?.is_some(),
            recovery_codes_left: factors::recovery_codes_left(tx, user)?,
        })
    }

    /// Whether it can prove more than a password.
    #[must_use]
    pub fn has_second(&self) -> bool {
        self.totp || self.passkeys.iter().any(|passkey| passkey.refused_at.is_none())
    }
}

impl Identity {
    /// What the person at the pages can prove themselves with.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn factors(&self, visitor: &Visitor) -> Result<Factors, IdentityError> {
        self.factors_of(visitor.proven.user)
    }

    /// What a user can prove themselves with.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn factors_of(&self, user: UserNid) -> Result<Factors, IdentityError> {
        if let Some(label) = self.signs_in_elsewhere(user)? {
            return Ok(Factors { elsewhere: Some(label.to_owned()), ..Factors::default() });
        }
        Ok(self.store.read_now(|tx| Factors::of(tx, user))?)
    }
}
