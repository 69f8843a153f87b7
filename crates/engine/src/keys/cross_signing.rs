//! Cross-signing (Client-Server API, "Cross-signing"): `POST /keys/device_signing/upload` and
//! `POST /keys/signatures/upload`.

use std::collections::BTreeMap;

use wardline_audit::{Action, Entry};
use wardline_domain::ruma::{OwnedUserId, UserId};
use wardline_domain::signing::verify_signed_json;
use wardline_store::cross_signing::{self, CrossSigningKey, Signature, Usage};
use wardline_store::{StoreError, UserNid, WriteTx, device_keys, device_lists, sessions, users};

use super::{KeyError, Keys, parse};

/// Cross-signing keys to upload, each a JSON text.
#[derive(Clone, Debug, Default)]
pub struct SigningKeys {
    /// The user's identity.
    pub master: Option<String>,
    /// Signs the user's devices; must be signed by the master key.
    pub self_signing: Option<String>,
    /// Signs other users; must be signed by the master key.
    pub user_signing: Option<String>,
}

/// The signatures that were refused: by user and key, why.
pub type SignatureFailures = BTreeMap<String, BTreeMap<String, KeyError>>;

impl Keys {
    /// Stores cross-signing keys that `device` uploads. The first upload and a repetition of the same keys need no proof; replacing or
    /// adding keys does: `proven` says that the user has just authenticated.
    ///
    /// # Errors
    /// [`KeyError::AuthRequired`]; [`KeyError::Invalid`] and [`KeyError::BadSignature`] for keys that are not
    /// well-formed or not signed by the master key; [`KeyError::NameTaken`] for one that is named as a device is;
    /// [`KeyError::Missing`] if there is no master key at all.
    pub async fn upload_signing_keys(
        &self,
        user: (&UserId, UserNid),
        device: &str,
        keys: SigningKeys,
        proven: bool,
    ) -> Result<(), KeyError> {
        let (user_id, user) = (user.0.to_owned(), user.1);
        let mut parsed = Vec::new();
        for (field, usage, json) in [
            ("master_key", Usage::Master, keys.master),
            ("self_signing_key", Usage::SelfSigning, keys.self_signing),
            ("user_signing_key", Usage::UserSigning, keys.user_signing),
        ] {
            if let Some(json) = json {
                parsed.push((field, usage, parse::cross_signing_key(field, &json, &user_id, usage)?));
            }
        }
        if parsed.is_empty() {
            return Ok(());
        }
        let signature = match parsed.iter().find(|(_, usage, _)| *usage == Usage::Master) {
            Some((_, _, master)) if self.is_acceptable(user, master, proven)? => {
                self.signed_by_authority(&user_id, user, master).await?.map(|by| (master.public.clone(), by))
            }
            _ => None,
        };
        let names: Vec<_> = parsed.iter().map(|(_, usage, _)| usage.as_str()).collect();
        let entry = Entry::new(self.clock.now(), user_id.as_str(), Action::CrossSigningSet)
            .device(device)
            .with("keys", names.join(" "));
        self.store
            .write_with(move |tx| {
                if replace(tx, &user_id, user, &parsed, proven)? {
                    if let Some((master, signature)) = &signature {
                        cross_signing::add_signature(tx, user, master, signature)?;
                    }
                    wardline_audit::append(tx, &entry)?;
                }
                Ok::<_, KeyError>(())
            })
            .await
    }

    /// Whether this master key is new and may be stored as far as can be told beforehand: nothing is signed for those who
    /// have not proven who they are.
    fn is_acceptable(
        &self,
        user: UserNid,
        master: &CrossSigningKey,
        proven: bool,
    ) -> Result<bool, StoreError> {
        let old = self.store.read_now(|tx| cross_signing::get(tx, user, Usage::Master))?;
        Ok(old.is_none_or(|old| proven && old.public != master.public))
    }

    /// Adds signatures that `user` made: of their own devices (by the self-signing key), of their own master key
    /// (by a device) and of other users' master keys (by the user-signing key). `signed`: user, key and the signed
    /// object as JSON text. What does not verify is refused one by one.
    ///
    /// # Errors
    /// Only a failure of the store.
    pub async fn upload_signatures(
        &self,
        user: (&UserId, UserNid),
        signed: Vec<(String, String, String)>,
    ) -> Result<SignatureFailures, KeyError> {
        let (user_id, user) = (user.0.to_owned(), user.1);
        self.store
            .write_with(move |tx| {
                let mut failures = SignatureFailures::new();
                for (target, key, json) in signed {
                    match add_signatures(tx, (&user_id, user), (&target, &key), &json) {
                        Ok(()) => {}
                        Err(KeyError::Store(error)) => return Err(KeyError::Store(error)),
                        Err(error) => {
                            failures.entry(target).or_default().insert(key, error);
                        }
                    }
                }
                Ok(failures)
            })
            .await
    }
}

type Parsed = (&'static str, Usage, CrossSigningKey);

/// Whether anything was replaced.
fn replace(
    tx: &mut WriteTx<'_>,
    user_id: &UserId,
    user: UserNid,
    parsed: &[Parsed],
    proven: bool,
) -> Result<bool, KeyError> {
    let old_master = cross_signing::get(tx, user, Usage::Master)?;
    let mut new = Vec::new();
    for (field, usage, key) in parsed {
        if cross_signing::get(tx, user, *usage)?.is_none_or(|old| old.public != key.public) {
            new.push((*field, *usage, key));
        }
    }
    if new.is_empty() {
        return Ok(false);
    }
    for (field, _, key) in &new {
        if sessions::device(tx, user, &key.public)?.is_some() {
            return Err(KeyError::NameTaken(field));
        }
    }
    if old_master.is_some() && !proven {
        return Err(KeyError::AuthRequired);
    }
    let given = parsed.iter().find(|(_, usage, _)| *usage == Usage::Master).map(|(_, _, key)| key);
    let master = given
        .or(old_master.as_ref())
        .ok_or_else(|| KeyError::Missing("master_key: none was given and none is known".into()))?;
    for (field, usage, key) in parsed {
        if *usage != Usage::Master {
            let key_id = format!("ed25519:{}", master.public);
            verify_signed_json(&master.public, &key_id, user_id.as_str(), &key.json)
                .map_err(|error| KeyError::BadSignature(format!("{field}: {error}")))?;
        }
    }
    if old_master.as_ref().is_some_and(|old| old.public != master.public) {
        // The keys that the old master key signed mean nothing under the new one.
        cross_signing::remove(tx, user, Usage::SelfSigning)?;
        cross_signing::remove(tx, user, Usage::UserSigning)?;
    }
    for (_, usage, key) in parsed {
        cross_signing::set(tx, user, *usage, key)?;
    }
    device_lists::record(tx, user)?;
    Ok(true)
}

/// Verifies and stores the signatures by `signer` in one signed object.
fn add_signatures(
    tx: &mut WriteTx<'_>,
    signer: (&UserId, UserNid),
    target: (&str, &str),
    json: &str,
) -> Result<(), KeyError> {
    let (target_id, key) = target;
    let target_id: OwnedUserId = super::user_id_of("user", target_id)?;
    let user = users::find(tx, &target_id)?.ok_or(KeyError::UnknownKey)?;
    let own = user == signer.1;
    let device = if own { device_keys::get(tx, user, key)? } else { None };
    let is_device = device.is_some();
    let stored = match device {
        Some(json) => json,
        None => {
            cross_signing::get(tx, user, Usage::Master)?
                .filter(|master| master.public == key)
                .ok_or(KeyError::UnknownKey)?
                .json
        }
    };
    if !parse::same_key(&stored, json) {
        return Err(KeyError::Invalid("the signed object is not the key that was uploaded".into()));
    }
    let mut verified = Vec::new();
    for (key_id, signature) in parse::signatures_of(json, signer.0) {
        let public = match (own, is_device) {
            (true, false) => key_of_device(tx, user, &key_id)?,
            (true, true) => public_of(tx, user, Usage::SelfSigning, &key_id)?,
            (false, _) => public_of(tx, signer.1, Usage::UserSigning, &key_id)?,
        };
        // Keys that are not known here (a device's own signature comes along) are passed over.
        let Some(public) = public else { continue };
        verify_signed_json(&public, &key_id, signer.0.as_str(), json)
            .map_err(|error| KeyError::BadSignature(error.to_string()))?;
        verified.push(Signature { signer: signer.1, key_id, signature });
    }
    if verified.is_empty() {
        return Err(KeyError::BadSignature("no signature by a key that may sign this".into()));
    }
    let mut changed = false;
    for signature in &verified {
        changed |= cross_signing::add_signature(tx, user, key, signature)?;
    }
    match (changed, own) {
        (true, true) => drop(device_lists::record(tx, user)?),
        (true, false) => drop(device_lists::record_signature(tx, user, signer.1)?),
        (false, _) => {}
    }
    Ok(())
}

fn public_of(
    tx: &WriteTx<'_>,
    user: UserNid,
    usage: Usage,
    key_id: &str,
) -> Result<Option<String>, KeyError> {
    let key = cross_signing::get(tx, user, usage)?;
    Ok(key.map(|key| key.public).filter(|public| key_id.strip_prefix("ed25519:") == Some(public)))
}

fn key_of_device(tx: &WriteTx<'_>, user: UserNid, key_id: &str) -> Result<Option<String>, KeyError> {
    let Some(device) = key_id.strip_prefix("ed25519:") else { return Ok(None) };
    Ok(device_keys::get(tx, user, device)?.and_then(|json| parse::public_key(&json, key_id)))
}
