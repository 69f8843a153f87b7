//! Cross-signing keys, and signatures that are added to keys after their upload.

use crate::{Reader, StoreError, UserNid, WriteTx, params};

/// What a cross-signing key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// The user's identity.
    Master,
    /// Signs the user's own devices.
    SelfSigning,
    /// Signs other users' master keys. Shown to its owner only.
    UserSigning,
}

impl Usage {
    /// Its name in `usage` of the key and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::SelfSigning => "self_signing",
            Self::UserSigning => "user_signing",
        }
    }
}

/// A stored cross-signing key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrossSigningKey {
    /// The public key in base64.
    pub public: String,
    /// Canonical JSON as uploaded.
    pub json: String,
}

/// A signature that was added to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Who signed.
    pub signer: UserNid,
    /// With which key, for example `ed25519:ABC`.
    pub key_id: String,
    /// The signature in base64.
    pub signature: String,
}

/// A user's cross-signing key.
///
/// # Errors
/// Any failure of the database.
pub fn get(tx: &impl Reader, user: UserNid, usage: Usage) -> Result<Option<CrossSigningKey>, StoreError> {
    tx.query_row(
        "SELECT public, json FROM cross_signing_keys WHERE user_nid = ?1 AND usage = ?2",
        params![user, usage.as_str()],
        |row| Ok(CrossSigningKey { public: row.get(0)?, json: row.get(1)? }),
    )
}

/// The users who have a master key.
///
/// # Errors
/// Any failure of the database.
pub fn owners(tx: &impl Reader) -> Result<Vec<UserNid>, StoreError> {
    tx.query(
        "SELECT user_nid FROM cross_signing_keys WHERE usage = 'master' ORDER BY user_nid",
        params![],
        |row| row.get(0),
    )
}

/// Sets a cross-signing key. Signatures on a key that it replaces, and those that the replaced key made, go.
/// The caller records the change of the device list.
///
/// # Errors
/// Any failure of the database.
pub fn set(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    usage: Usage,
    key: &CrossSigningKey,
) -> Result<(), StoreError> {
    if let Some(old) = get(tx, user, usage)?
        && old.public != key.public
    {
        forget_signatures(tx, user, &old.public)?;
    }
    tx.execute(
        "INSERT INTO cross_signing_keys (user_nid, usage, public, json) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (user_nid, usage) DO UPDATE SET public = excluded.public, json = excluded.json",
        params![user, usage.as_str(), key.public, key.json],
    )?;
    Ok(())
}

/// Removes a cross-signing key with the signatures on it and by it.
///
/// # Errors
/// Any failure of the database.
pub fn remove(tx: &mut WriteTx<'_>, user: UserNid, usage: Usage) -> Result<(), StoreError> {
    if let Some(old) = get(tx, user, usage)? {
        forget_signatures(tx, user, &old.public)?;
    }
    tx.execute(
        "DELETE FROM cross_signing_keys WHERE user_nid = ?1 AND usage = ?2",
        params![user, usage.as_str()],
    )?;
    Ok(())
}

/// Removes the signatures on a user's key and those that it made.
fn forget_signatures(tx: &mut WriteTx<'_>, user: UserNid, public: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM key_signatures WHERE user_nid = ?1 AND key = ?2", params![user, public])?;
    tx.execute(
        "DELETE FROM key_signatures WHERE signer_nid = ?1 AND key_id = ?2",
        params![user, format!("ed25519:{public}")],
    )?;
    Ok(())
}

/// Adds a signature to a user's `key` (a device id or public master key). Whether it was new.
///
/// # Errors
/// Any failure of the database.
pub fn add_signature(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    key: &str,
    signature: &Signature,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "INSERT INTO key_signatures (user_nid, key, signer_nid, key_id, signature) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (user_nid, key, signer_nid, key_id) DO UPDATE SET signature = excluded.signature \
         WHERE signature <> excluded.signature",
        params![user, key, signature.signer, signature.key_id, signature.signature],
    )?;
    Ok(changed == 1)
}

/// The signatures added to a user's `key` that `viewer` may see: the user's own and the viewer's own.
///
/// # Errors
/// Any failure of the database.
pub fn signatures(
    tx: &impl Reader,
    user: UserNid,
    key: &str,
    viewer: UserNid,
) -> Result<Vec<Signature>, StoreError> {
    tx.query(
        "SELECT signer_nid, key_id, signature FROM key_signatures \
         WHERE user_nid = ?1 AND key = ?2 AND signer_nid IN (?1, ?3) ORDER BY signer_nid, key_id",
        params![user, key, viewer],
        |row| Ok(Signature { signer: row.get(0)?, key_id: row.get(1)?, signature: row.get(2)? }),
    )
}
