//! The organisation's signature on the identities of its staff: added to a master key when it is uploaded, and at the
//! start to those that have none.

use wardline_domain::canonical::{self, Value};
use wardline_domain::ruma::UserId;
use wardline_store::accounts::{self, AccountKind};
use wardline_store::cross_signing::{self, CrossSigningKey, Signature, Usage};
use wardline_store::{StoreError, UserNid, device_lists, users};

use super::{KeyError, Keys};

/// A signature of a master key, as it stands in its `signatures`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentitySignature {
    /// Its name, `algorithm:id`.
    pub key_id: String,
    /// The signature.
    pub signature: String,
}

/// Signs the identities of staff in the organisation's name (port; answered in `wardline`'s house).
pub trait IdentityAuthority: Send + Sync + std::fmt::Debug {
    /// The name that its signatures have; another one means that identities must be signed anew. May block.
    ///
    /// # Errors
    /// The text for the log.
    fn signature_name(&self) -> Result<String, String>;

    /// Signs a master key: its canonical JSON without signatures. May block.
    ///
    /// # Errors
    /// The text for the log.
    fn sign(&self, user_id: &str, master_key: &str) -> Result<IdentitySignature, String>;
}

impl Keys {
    /// The organisation's signature on an identity, which is made before the identity is stored, so that both are one
    /// change: nobody is warned of an identity that is about to be signed. `None` for those who are no staff, and if the
    /// authority fails, which is logged: the identity is as good as one that was never signed, and the next start tries
    /// again.
    pub(super) async fn signed_by_authority(
        &self,
        user_id: &UserId,
        user: UserNid,
        master: &CrossSigningKey,
    ) -> Result<Option<Signature>, KeyError> {
        let Some(authority) = self.authority.clone() else { return Ok(None) };
        if self.store.read_now(|tx| accounts::kind(tx, user_id))? != Some(AccountKind::Staff) {
            return Ok(None);
        }
        let json = unsigned(&master.json)?;
        let signed_for = user_id.to_owned();
        let signed = tokio::task::spawn_blocking(move || authority.sign(signed_for.as_str(), &json));
        match signed.await.map_err(|_| StoreError::Panicked)? {
            Ok(IdentitySignature { key_id, signature }) => {
                Ok(Some(Signature { signer: user, key_id, signature }))
            }
            Err(error) => {
                tracing::error!(error, "an identity was not signed in the organisation's name");
                Ok(None)
            }
        }
    }

    /// Signs the identity of a member of staff in the organisation's name, unless it has that signature.
    async fn vouch_for(&self, user: UserNid, name: &str) -> Result<(), KeyError> {
        let found = self.store.read_now(|tx| {
            let Some(master) = cross_signing::get(tx, user, Usage::Master)? else { return Ok(None) };
            let signatures = cross_signing::signatures(tx, user, &master.public, user)?;
            let signed = signatures.iter().any(|signature| signature.key_id == name);
            Ok::<_, StoreError>((!signed).then_some((users::user_id(tx, user)?, master)))
        })?;
        let Some((user_id, master)) = found else { return Ok(()) };
        let Some(signature) = self.signed_by_authority(&user_id, user, &master).await? else { return Ok(()) };
        self.store
            .write(move |tx| {
                // It may have been replaced in the meantime; the new one came with its signature.
                if cross_signing::get(tx, user, Usage::Master)?.is_none_or(|now| now.public != master.public)
                {
                    return Ok(());
                }
                if cross_signing::add_signature(tx, user, &master.public, &signature)? {
                    device_lists::record(tx, user)?;
                }
                Ok(())
            })
            .await?;
        Ok(())
    }

    /// Signs the identities of all staff that lack the organisation's signature, one after the other.
    ///
    /// # Errors
    /// Only a failure of the store.
    pub async fn vouch_for_all(&self) -> Result<(), KeyError> {
        let Some(authority) = self.authority.clone() else { return Ok(()) };
        let name = tokio::task::spawn_blocking(move || authority.signature_name());
        let name = match name.await.map_err(|_| StoreError::Panicked)? {
            Ok(name) => name,
            Err(error) => {
                tracing::error!(error, "identities are not signed in the organisation's name");
                return Ok(());
            }
        };
        for user in self.store.read(|tx| cross_signing::owners(tx)).await? {
            self.vouch_for(user, &name).await?;
        }
        Ok(())
    }
}

/// The canonical JSON of a stored key without its signatures.
fn unsigned(json: &str) -> Result<String, StoreError> {
    let mut members = canonical::parse_object(json)
        .map_err(|_| StoreError::Malformed("a stored key is not a JSON object".into()))?;
    members.retain(|(key, _)| key != "signatures" && key != "unsigned");
    Ok(Value::Object(members).to_canonical())
}
