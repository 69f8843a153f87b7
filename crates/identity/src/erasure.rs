//! Devices that were signed out from elsewhere erase what they hold, and say when they have done it.

use wardline_audit::{Action, Entry};
use wardline_domain::Timestamp;
use wardline_store::{
    StoreError, UserNid, WriteTx,
    erasures::{self, Erasure},
};

use crate::{Identity, IdentityError, Session, oauth::Visitor, token};

/// For how long a device that does not come back is remembered.
const REMEMBERED_MS: i64 = 180 * 24 * 60 * 60 * 1000;

/// Asks a device to erase what it holds, before it is deleted.
pub(crate) fn ask(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    device: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    erasures::ask(tx, user, device, at, at.plus_millis(-REMEMBERED_MS))
}

impl Identity {
    /// Whether the client with this dead access or refresh token is to erase what it holds.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn must_erase(&self, token: &str) -> Result<bool, IdentityError> {
        self.must_erase_by_hash(&token::hash(token))
    }

    /// Notes that the client with this dead token has erased what it held.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] if it was not asked to, or a failure of the server.
    pub async fn confirm_erasure(&self, token: &str) -> Result<(), IdentityError> {
        self.confirm_erasure_by_hash(token::hash(token)).await
    }

    /// Whether the client whose token had this SHA-256 is to erase what it holds: a locked client knows no more of its token.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn must_erase_by_hash(&self, hash: &[u8; 32]) -> Result<bool, IdentityError> {
        Ok(self.store.read_now(|tx| erasures::by_token(tx, hash))?.is_some())
    }

    /// Notes that the client whose dead token had this SHA-256 has erased what it held.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] if it was not asked to, or a failure of the server.
    pub async fn confirm_erasure_by_hash(&self, hash: [u8; 32]) -> Result<(), IdentityError> {
        let at = self.now();
        self.store
            .write_with(move |tx| {
                let found = erasures::by_token(tx, &hash)?;
                let (user, erasure) = found.ok_or(IdentityError::NotFound("erasure"))?;
                if erasures::confirm(tx, erasure.id, at)? {
                    let user_id = wardline_store::users::user_id(tx, user)?;
                    let entry =
                        Entry::new(at, user_id.as_str(), Action::DeviceErased).device(erasure.device_id);
                    wardline_audit::append(tx, &entry)?;
                }
                Ok(())
            })
            .await
    }

    /// The devices of the session's user that were signed out from elsewhere, newest first.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn erasures(&self, session: &Session) -> Result<Vec<Erasure>, IdentityError> {
        Ok(self.store.read_now(|tx| erasures::of_user(tx, session.user_nid))?)
    }

    /// The devices of the person at the pages that were signed out from elsewhere, newest first.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn erasures_of(&self, visitor: &Visitor) -> Result<Vec<Erasure>, IdentityError> {
        Ok(self.store.read_now(|tx| erasures::of_user(tx, visitor.proven.user))?)
    }
}
