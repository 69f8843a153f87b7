//! One-time codes from an application on the person's phone, asked after the password.
//!
//! Specification: RFC 6238 (30 seconds, six digits, SHA-1, one step either way).

use std::net::IpAddr;

use qrcodegen::{QrCode, QrCodeEcc};
use serde::{Deserialize, Serialize};
use totp_rs::{Builder, Secret, Totp};
use wardline_audit::Action;
use wardline_domain::{Timestamp, ruma::OwnedUserId};
use wardline_store::{
    StoreError, UserNid,
    factors::{self, TotpRow},
};
use zeroize::Zeroizing;

use crate::{
    Assurance, Authentication, Identity, IdentityError, Proven, authentication::with_address, oauth::Visitor,
};

const COLUMN: &str = "totp_secrets.secret";
const ENROL: &str = "totp-enrol";
const SECOND: &str = "second-factor";

/// What a page needs to add an application for one-time codes.
#[derive(Clone, Debug)]
pub struct TotpEnrolment {
    /// The secret for typing, in groups of four.
    pub secret: String,
    /// The same as a picture: the path of an SVG whose squares are 1 by 1, and its side length.
    pub picture: (String, i32),
    /// What the page must bring back with the first code.
    pub carried: String,
}

#[derive(Serialize, Deserialize)]
struct Enrolling {
    user: i64,
    secret: [u8; 20],
}

/// Somebody who has given their password and not yet the second factor.
#[derive(Serialize, Deserialize)]
struct Half {
    user: i64,
    user_id: OwnedUserId,
}

fn codes(secret: &[u8]) -> Result<Totp, IdentityError> {
    let built = Builder::new().with_secret(Secret::from(secret.to_vec())).build();
    built.map_err(|_| StoreError::Malformed("a secret of one-time codes".into()).into())
}

/// The step whose code this is, if it is right now.
fn step_of(totp: &Totp, code: &str, now: Timestamp) -> Option<i64> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let seconds = u64::try_from(now.as_millis() / 1000).ok()?;
    totp.check(&digits, seconds).and_then(|step| i64::try_from(step).ok())
}

/// The path of a QR code's dark squares, with the quiet zone that readers need.
fn picture(text: &str) -> Result<(String, i32), IdentityError> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium)
        .map_err(|_| StoreError::Malformed("a QR code that is too long".into()))?;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            path.push_str(&format!("M{} {}h1v1h-1z", x + 4, y + 4));
        }
    }
    Ok((path, code.size() + 8))
}

impl Identity {
    /// Begins to add an application for one-time codes for the person at the pages.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn begin_totp(&self, visitor: &Visitor) -> Result<TotpEnrolment, IdentityError> {
        let mut secret = [0; 20];
        self.random.fill(&mut secret);
        self.show_totp(visitor, secret)
    }

    fn show_totp(&self, visitor: &Visitor, secret: [u8; 20]) -> Result<TotpEnrolment, IdentityError> {
        let text = Secret::from(secret.to_vec()).to_base32();
        let account = url::form_urlencoded::byte_serialize(visitor.user_id.localpart().as_bytes());
        let issuer = self.server_name.as_str();
        let account: String = account.collect();
        let uri = format!("otpauth://totp/{issuer}:{account}?secret={text}&issuer={issuer}");
        let groups: Vec<String> =
            text.as_bytes().chunks(4).map(|c| String::from_utf8_lossy(c).into()).collect();
        let carried = self.seal(ENROL, Enrolling { user: visitor.proven.user.0, secret })?;
        Ok(TotpEnrolment { secret: groups.join(" "), picture: picture(&uri)?, carried })
    }

    /// The same enrolment again, after a wrong code.
    ///
    /// # Errors
    /// A failure of the server; an enrolment that is too old begins anew.
    pub fn repeat_totp(&self, visitor: &Visitor, carried: &str) -> Result<TotpEnrolment, IdentityError> {
        match self.enrolling(visitor, carried) {
            Some(begun) => self.show_totp(visitor, begun.secret),
            None => self.begin_totp(visitor),
        }
    }

    fn enrolling(&self, visitor: &Visitor, carried: &str) -> Option<Enrolling> {
        self.unseal::<Enrolling>(ENROL, carried).filter(|begun| begun.user == visitor.proven.user.0)
    }

    /// Adds the application once it has shown a right code; new recovery codes, to be shown once.
    ///
    /// # Errors
    /// [`IdentityError::WrongCode`] if the code is wrong or the enrolment too old, or a failure of the server.
    pub async fn finish_totp(
        &self,
        visitor: &Visitor,
        carried: &str,
        code: &str,
    ) -> Result<Vec<String>, IdentityError> {
        self.may_have_factors(visitor.proven.user)?;
        let begun = self.enrolling(visitor, carried).ok_or(IdentityError::WrongCode)?;
        let (user, at) = (visitor.proven.user, self.now());
        let step = step_of(&codes(&begun.secret)?, code, at).ok_or(IdentityError::WrongCode)?;
        let row = TotpRow {
            secret: self.cipher.seal(COLUMN, &user.0.to_string(), &begun.secret)?,
            added_at: at,
            last_step: step,
        };
        let (shown, hashes) = self.new_recovery_codes(user);
        let entry =
            visitor.actor().entry(at, Action::FactorChanged).with("factor", "totp").with("change", "added");
        self.store
            .write(move |tx| {
                factors::set_totp(tx, user, &row)?;
                factors::set_recovery_codes(tx, user, &hashes)?;
                wardline_audit::append(tx, &entry)
            })
            .await?;
        self.note_stronger(visitor, "password+totp").await?;
        Ok(shown)
    }

    /// Removes the application for one-time codes of the person at the pages, with the recovery codes.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn remove_totp(&self, visitor: &Visitor) -> Result<(), IdentityError> {
        let (user, at) = (visitor.proven.user, self.now());
        let entry =
            visitor.actor().entry(at, Action::FactorChanged).with("factor", "totp").with("change", "removed");
        let done = self.store.write(move |tx| {
            if factors::remove_totp(tx, user)? {
                factors::set_recovery_codes(tx, user, &[])?;
                wardline_audit::append(tx, &entry)?;
            }
            Ok(())
        });
        Ok(done.await?)
    }

    /// Whether somebody who proved their password must also give a code; then what the page must bring back with it.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn second_factor(&self, who: &Proven) -> Result<Option<String>, IdentityError> {
        if who.is_strong() || self.store.read_now(|tx| factors::totp(tx, who.user))?.is_none() {
            return Ok(None);
        }
        Ok(Some(self.seal(SECOND, Half { user: who.user.0, user_id: who.user_id.clone() })?))
    }

    /// Who it is that waits for the second factor.
    #[must_use]
    pub fn half_signed_in(&self, carried: &str) -> Option<OwnedUserId> {
        self.unseal::<Half>(SECOND, carried).map(|half| half.user_id)
    }

    /// Checks the code, or a recovery code, of somebody who has proved their password. No code is good twice.
    ///
    /// # Errors
    /// [`IdentityError::WrongCode`], or a failure of the server. A refusal is audited.
    pub async fn finish_second_factor(
        &self,
        carried: &str,
        code: &str,
        address: Option<IpAddr>,
    ) -> Result<Proven, IdentityError> {
        let half = self.unseal::<Half>(SECOND, carried).ok_or(IdentityError::WrongCode)?;
        let user = UserNid(half.user);
        match self.use_code(user, &half.user_id, code, address).await? {
            Some(method) => {
                let how = Authentication::local(method, Assurance::Aal2, self.now()).from_address(address);
                Ok(Proven::new(user, half.user_id, how))
            }
            None => Err(IdentityError::WrongCode),
        }
    }

    /// Uses a code up: by which method it proves who somebody is who has also proved the password.
    async fn use_code(
        &self,
        user: UserNid,
        user_id: &OwnedUserId,
        code: &str,
        address: Option<IpAddr>,
    ) -> Result<Option<&'static str>, IdentityError> {
        let at = self.now();
        let recovery = self.recovery_hash(user, code);
        let step = match self.store.read_now(|tx| factors::totp(tx, user))? {
            Some(row) => {
                let secret = Zeroizing::new(self.cipher.open(COLUMN, &user.0.to_string(), &row.secret)?);
                step_of(&codes(&secret)?, code, at)
            }
            None => None,
        };
        let by = user_id.clone();
        let done = self.store.write(move |tx| {
            if let Some(step) = step
                && factors::use_totp_step(tx, user, step)?
            {
                return Ok(Some("password+totp"));
            }
            if let Some(hash) = recovery
                && factors::use_recovery_code(tx, user, &hash, at)?
            {
                let entry = wardline_audit::Entry::new(at, by.as_str(), Action::FactorChanged)
                    .with("factor", "recovery-code")
                    .with("change", "used");
                wardline_audit::append(tx, &entry)?;
                return Ok(Some("password+recovery-code"));
            }
            let entry = wardline_audit::Entry::new(at, by.as_str(), Action::SignIn)
                .outcome(wardline_audit::Outcome::Refused)
                .with("method", "password+totp");
            wardline_audit::append(tx, &with_address(entry, address))?;
            Ok::<_, StoreError>(None)
        });
        Ok(done.await?)
    }
}
