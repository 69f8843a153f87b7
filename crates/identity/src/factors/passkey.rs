//! Passkeys: discoverable WebAuthn credentials with user verification.
//!
//! Specification: Web Authentication Level 3, sections 7.1 (registration) and 7.2 (authentication).

use std::{collections::HashMap, net::IpAddr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::{Host, Url};
use wardline_audit::{Action, Entry, Outcome};
use wardline_domain::Timestamp;
use wardline_store::{
    StoreError,
    factors::{self, PasskeyRow},
};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Uuid, Webauthn, WebauthnBuilder, WebauthnError,
};

use crate::{
    Assurance, Authentication, Identity, IdentityError, Proven, authentication::with_address, oauth::Visitor,
};

const SIGN_IN: &str = "passkey-sign-in";
const REGISTER: &str = "passkey-register";
/// How long a used challenge is remembered: longer than it is good.
const REMEMBERED_MS: i64 = 15 * 60 * 1000;
/// The most passkeys of one person.
const MAX_PASSKEYS: usize = 20;
/// The longest name of a passkey, in characters.
const MAX_NAME: usize = 64;

/// The relying party, for an address at which browsers allow passkeys.
#[derive(Debug)]
pub(crate) struct Passkeys {
    webauthn: Webauthn,
    /// Challenges that were used, by hash, and until when they are remembered.
    used: Mutex<HashMap<[u8; 32], Timestamp>>,
}

impl Passkeys {
    /// For the server at this address. `None`: browsers have no passkeys for a bare network address.
    pub(crate) fn at(public_base_url: &str) -> Option<Self> {
        let url = Url::parse(public_base_url).ok()?;
        let Some(Host::Domain(host)) = url.host() else { return None };
        let secure = url.scheme() == "https" || host == "localhost";
        let webauthn = WebauthnBuilder::new(host, &url).ok()?.rp_name("Wardline").build().ok()?;
        secure.then(|| Self { webauthn, used: Mutex::default() })
    }

    /// Uses a challenge up. `false`: it was used before.
    fn use_up(&self, challenge: &str, now: Timestamp) -> bool {
        let mut used = self.used.lock();
        used.retain(|_, until| *until > now);
        let hash = Sha256::digest(challenge.as_bytes()).into();
        used.insert(hash, now.plus_millis(REMEMBERED_MS)).is_none()
    }
}

/// What a page needs to ask the browser for a passkey.
#[derive(Clone, Debug)]
pub struct PasskeyRequest {
    /// The options for the browser, as JSON.
    pub options: String,
    /// What the page must bring back with the browser's answer.
    pub challenge: String,
}

/// The name of a passkey in forms: its credential id in base64url.
#[must_use]
pub fn passkey_id(passkey: &PasskeyRow) -> String {
    URL_SAFE_NO_PAD.encode(&passkey.credential_id)
}

#[derive(Serialize, Deserialize)]
struct Registering {
    user: i64,
    handle: [u8; 16],
    state: PasskeyRegistration,
}

fn malformed(error: impl std::fmt::Display) -> IdentityError {
    StoreError::Malformed(error.to_string()).into()
}

impl Identity {
    /// Whether browsers have passkeys for this server.
    #[must_use]
    pub fn has_passkeys(&self) -> bool {
        self.passkeys.is_some()
    }

    fn relying_party(&self) -> Result<&Passkeys, IdentityError> {
        self.passkeys.as_ref().ok_or(IdentityError::NotFound("passkeys"))
    }

    /// Asks for any passkey of this server: who it belongs to follows from the answer.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] if there are none at this address, or a failure of the server.
    pub fn begin_passkey_sign_in(&self) -> Result<PasskeyRequest, IdentityError> {
        let (options, state) =
            self.relying_party()?.webauthn.start_discoverable_authentication().map_err(malformed)?;
        let options = serde_json::to_value(&options).map_err(malformed)?;
        Ok(PasskeyRequest {
            options: options["publicKey"].to_string(),
            challenge: self.seal(SIGN_IN, state)?,
        })
    }

    /// Checks the browser's answer (JSON). A passkey whose counter went back may have been copied: it is refused from
    /// then on.
    ///
    /// # Errors
    /// [`IdentityError::WrongPassword`] if it proves nothing, or a failure of the server. A refusal is audited.
    pub async fn finish_passkey_sign_in(
        &self,
        challenge: &str,
        answer: &str,
        address: Option<IpAddr>,
    ) -> Result<Proven, IdentityError> {
        match self.check_passkey(challenge, answer)? {
            Checked::Good(row, user_id, credential) => {
                let (at, id, user) = (self.now(), row.credential_id, row.user);
                self.store.write(move |tx| factors::note_passkey_used(tx, &id, &credential, at)).await?;
                let how = Authentication::local("passkey", Assurance::Aal2, at).from_address(address);
                self.admit_local(Proven::new(user, user_id, how)).await
            }
            Checked::Copied(row, user_id) => {
                let at = self.now();
                self.store
                    .write(move |tx| {
                        factors::refuse_passkey(tx, &row.credential_id, at)?;
                        let entry = Entry::new(at, user_id.as_str(), Action::FactorChanged)
                            .outcome(Outcome::Refused)
                            .with("factor", "passkey")
                            .with("why", "its counter went back: it may have been copied");
                        wardline_audit::append(tx, &entry)
                    })
                    .await?;
                Err(IdentityError::WrongPassword)
            }
            Checked::Bad => {
                let entry = Entry::new(self.now(), "system:unknown-user", Action::SignIn)
                    .outcome(Outcome::Refused)
                    .with("method", "passkey");
                let entry = with_address(entry, address);
                self.store.write(move |tx| wardline_audit::append(tx, &entry)).await?;
                Err(IdentityError::WrongPassword)
            }
        }
    }

    fn check_passkey(&self, challenge: &str, answer: &str) -> Result<Checked, IdentityError> {
        let party = self.relying_party()?;
        let Some(state) = self.unseal::<DiscoverableAuthentication>(SIGN_IN, challenge) else {
            return Ok(Checked::Bad);
        };
        let Ok(answer) = serde_json::from_str::<PublicKeyCredential>(answer) else { return Ok(Checked::Bad) };
        let Ok((handle, id)) = party.webauthn.identify_discoverable_authentication(&answer) else {
            return Ok(Checked::Bad);
        };
        let found = self.store.read_now(|tx| {
            let row = factors::passkey(tx, id)?;
            Ok::<_, StoreError>(row.zip(factors::by_handle(tx, handle.as_bytes())?))
        })?;
        let Some((row, (user, user_id))) = found else { return Ok(Checked::Bad) };
        if row.user != user || row.refused_at.is_some() || !party.use_up(challenge, self.now()) {
            return Ok(Checked::Bad);
        }
        let mut passkey: Passkey = serde_json::from_str(&row.credential).map_err(malformed)?;
        match party.webauthn.finish_discoverable_authentication_v2(&answer, state, &passkey) {
            Ok(result) if result.user_verified() => {
                passkey.update_credential(&result);
                let credential = serde_json::to_string(&passkey).map_err(malformed)?;
                Ok(Checked::Good(row, user_id, credential))
            }
            Err(WebauthnError::CredentialPossibleCompromise) => Ok(Checked::Copied(row, user_id)),
            Ok(_) | Err(_) => Ok(Checked::Bad),
        }
    }

    /// Asks the browser of the person at the pages to make a passkey.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] if there are none at this address, or a failure of the server.
    pub fn begin_passkey_registration(&self, visitor: &Visitor) -> Result<PasskeyRequest, IdentityError> {
        let (user, name) = (visitor.proven.user, visitor.user_id.localpart());
        let party = self.relying_party()?;
        let (known, handle) = self.store.read_now(|tx| {
            Ok::<_, StoreError>((factors::passkeys(tx, user)?, factors::handle_of(tx, user)?))
        })?;
        let handle = handle.unwrap_or_else(|| {
            let mut handle = [0; 16];
            self.random.fill(&mut handle);
            handle
        });
        let known = known.into_iter().map(|row| row.credential_id).collect();
        let (options, state) = party
            .webauthn
            .start_passkey_registration(Uuid::from_bytes(handle), visitor.user_id.as_str(), name, Some(known))
            .map_err(malformed)?;
        let mut options = serde_json::to_value(&options).map_err(malformed)?;
        let options = &mut options["publicKey"];
        // Kept by the authenticator, so that nobody types a user name.
        options["authenticatorSelection"]["residentKey"] = "required".into();
        options["authenticatorSelection"]["requireResidentKey"] = true.into();
        let carried = Registering { user: user.0, handle, state };
        Ok(PasskeyRequest { options: options.to_string(), challenge: self.seal(REGISTER, carried)? })
    }

    /// Adds the passkey that the browser of the person at the pages made (JSON), under a name for them.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] if it is not one, or there are too many; or a failure of the server.
    pub async fn finish_passkey_registration(
        &self,
        visitor: &Visitor,
        challenge: &str,
        answer: &str,
        name: &str,
    ) -> Result<(), IdentityError> {
        self.may_have_factors(visitor.proven.user)?;
        let refuse = |text| IdentityError::Invalid("passkey", text);
        let party = self.relying_party()?;
        let user = visitor.proven.user;
        let begun = self.unseal::<Registering>(REGISTER, challenge).filter(|begun| begun.user == user.0);
        let begun = begun.ok_or(refuse("took too long: try again"))?;
        if !party.use_up(challenge, self.now()) {
            return Err(refuse("was made already"));
        }
        let answer: RegisterPublicKeyCredential =
            serde_json::from_str(answer).map_err(|_| refuse("the browser's answer cannot be read"))?;
        let passkey = party
            .webauthn
            .finish_passkey_registration(&answer, &begun.state)
            .map_err(|_| refuse("the browser's answer is not right"))?;
        let at = self.now();
        let row = PasskeyRow {
            credential_id: passkey.cred_id().to_vec(),
            user,
            name: acceptable_name(name)?,
            credential: serde_json::to_string(&passkey).map_err(malformed)?,
            created_at: at,
            used_at: None,
            refused_at: None,
        };
        let entry = visitor
            .actor()
            .entry(at, Action::FactorChanged)
            .with("factor", "passkey")
            .with("change", "added");
        self.store
            .write_with(move |tx| {
                if factors::passkeys(tx, user)?.len() >= MAX_PASSKEYS {
                    return Err(IdentityError::Invalid("passkey", "there are 20 already: remove one first"));
                }
                factors::set_handle(tx, user, &begun.handle)?;
                if factors::handle_of(tx, user)? != Some(begun.handle) || !factors::add_passkey(tx, &row)? {
                    return Err(IdentityError::Invalid("passkey", "cannot be added: try again"));
                }
                wardline_audit::append(tx, &entry)?;
                Ok(())
            })
            .await?;
        self.note_stronger(visitor, "passkey").await
    }

    /// Renames a passkey of the person at the pages.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], [`IdentityError::Invalid`], or a failure of the server.
    pub async fn rename_passkey(&self, visitor: &Visitor, id: &str, name: &str) -> Result<(), IdentityError> {
        let (user, id, name) = (visitor.proven.user, decode(id)?, acceptable_name(name)?);
        let done = self.store.write(move |tx| factors::rename_passkey(tx, user, &id, &name)).await?;
        if done { Ok(()) } else { Err(IdentityError::NotFound("passkey")) }
    }

    /// Removes a passkey of the person at the pages.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] if it is the last way to sign in, [`IdentityError::NotFound`], or a failure of the
    /// server.
    pub async fn remove_passkey(&self, visitor: &Visitor, id: &str) -> Result<(), IdentityError> {
        let (user, id, at) = (visitor.proven.user, decode(id)?, self.now());
        let entry = visitor
            .actor()
            .entry(at, Action::FactorChanged)
            .with("factor", "passkey")
            .with("change", "removed");
        self.store
            .write_with(move |tx| {
                let has = super::Factors::of(tx, user)?;
                let others = has.passkeys.iter().any(|p| p.credential_id != id && p.refused_at.is_none());
                if !has.password && !others {
                    return Err(IdentityError::Invalid(
                        "passkey",
                        "is your only way to sign in: add another one first",
                    ));
                }
                if !factors::remove_passkey(tx, user, &id)? {
                    return Err(IdentityError::NotFound("passkey"));
                }
                wardline_audit::append(tx, &entry)?;
                Ok(())
            })
            .await
    }
}

enum Checked {
    Good(PasskeyRow, wardline_domain::ruma::OwnedUserId, String),
    Copied(PasskeyRow, wardline_domain::ruma::OwnedUserId),
    Bad,
}

fn decode(id: &str) -> Result<Vec<u8>, IdentityError> {
    URL_SAFE_NO_PAD.decode(id).map_err(|_| IdentityError::NotFound("passkey"))
}

fn acceptable_name(name: &str) -> Result<String, IdentityError> {
    let name = name.trim();
    if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(IdentityError::Invalid("name", "must be up to 64 printable characters"));
    }
    Ok(if name.is_empty() { "Passkey".to_owned() } else { name.to_owned() })
}
