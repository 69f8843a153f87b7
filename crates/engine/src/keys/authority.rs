//! The organisation's signature on the identities of its staff: added to a master key when it is uploaded, and at the
//! start to those that have none.

use wardline_domain::canonical::{self, Value};
use wardline_store::accounts::{self, AccountKind};
use wardline_store::cross_signing::{self, Signature, Usage};
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
    /// Signs the identity of a member of staff in the organisation's name, unless it has that signature. Others have no
    /// identity that the organisation could vouch for. A failure of the authority is logged: the identity is as good as
    /// one that was never signed, and the next start tries again.
    ///
    /// # Errors
    /// Only a failure of the store.
    pub async fn vouch_for(&self, user: UserNid) -> Result<(), KeyError> {
        let Some(authority) = self.authority.clone() else { return Ok(()) };
        let found = self.store.read_now(|tx| {
            let user_id = users::user_id(tx, user)?;
            let kind = accounts::kind(tx, &user_id)?;
            let master = cross_signing::get(tx, user, Usage::Master)?;
            let Some(master) = master.filter(|_| kind == Some(AccountKind::Staff)) else { return Ok(None) };
            let signatures = cross_signing::signatures(tx, user, &master.public, user)?;
            let names: Vec<String> = signatures.into_iter().map(|signature| signature.key_id).collect();
            Ok::<_, StoreError>(Some((user_id, master, names)))
        })?;
        let Some((user_id, master, names)) = found else { return Ok(()) };
        let json = unsigned(&master.json)?;
        let signed = tokio::task::spawn_blocking(move || {
            if names.contains(&authority.signature_name()?) {
                return Ok(None);
            }
            authority.sign(user_id.as_str(), &json).map(Some)
        });
        let signature: IdentitySignature = match signed.await.map_err(|_| StoreError::Panicked)? {
            Ok(Some(signature)) => signature,
            Ok(None) => return Ok(()),
            Err(error) => {
                let error: String = error;
                tracing::error!(error, "an identity was not signed in the organisation's name");
                return Ok(());
            }
        };
        self.store
            .write(move |tx| {
                // It may have been replaced in the meantime; the new one is signed by its own upload.
                if cross_signing::get(tx, user, Usage::Master)?.is_none_or(|now| now.public != master.public)
                {
                    return Ok(());
                }
                let IdentitySignature { key_id, signature } = signature;
                let signature = Signature { signer: user, key_id, signature };
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
        if self.authority.is_none() {
            return Ok(());
        }
        for user in self.store.read(|tx| cross_signing::owners(tx)).await? {
            self.vouch_for(user).await?;
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
