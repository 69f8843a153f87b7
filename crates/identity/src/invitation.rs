//! Invitations: one-time links by which an administrator lets somebody make an account.

use wardline_audit::{Action, Entry};
use wardline_store::{
    accounts::{self, AccountKind},
    invitations::{self, Invitation},
};

use crate::{
    Assurance, Authentication, DISPLAY_NAME, Identity, IdentityError, Proven, Session, account::new_account,
    token,
};

/// The longest that an invitation may last.
const LONGEST_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// How many are listed.
const LISTED: u32 = 500;

/// What an administrator asks for.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// Kind of the account.
    pub kind: AccountKind,
    /// Whether it will be an administrator's. Only staff are.
    pub admin: bool,
    /// For whom it is.
    pub note: String,
    /// How long it lasts, in milliseconds: up to 30 days.
    pub lifetime_ms: i64,
}

impl Identity {
    /// Makes an invitation in the name of an administrator (the caller has checked that it is one); its token and what
    /// is kept of it.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] naming the field, or a failure of the server.
    pub async fn invite(
        &self,
        by: &Session,
        new: NewInvitation,
    ) -> Result<(String, Invitation), IdentityError> {
        if new.lifetime_ms <= 0 || new.lifetime_ms > LONGEST_MS {
            return Err(IdentityError::Invalid("expires_in_ms", "must be up to 30 days"));
        }
        if new.note.chars().count() > 200 || new.note.chars().any(char::is_control) {
            return Err(IdentityError::Invalid("note", "must be up to 200 printable characters"));
        }
        if matches!(new.kind, AccountKind::Service) || (new.admin && new.kind != AccountKind::Staff) {
            return Err(IdentityError::Invalid(
                "kind",
                "must be staff, patient or outsider; administrators are staff",
            ));
        }
        let (token, at) = (format!("wli_{}", self.random.token(32)), self.now());
        let invitation = Invitation {
            id: self.random.token(9),
            kind: new.kind.as_str().to_owned(),
            admin: new.admin,
            note: new.note,
            created_by: by.user_id.to_string(),
            created_at: at,
            expires_at: at.plus_millis(new.lifetime_ms),
            used: None,
        };
        let (hash, kept) = (token::hash(&token), invitation.clone());
        let entry = Entry::new(at, by.user_id.as_str(), Action::InvitationMade)
            .device(by.device_id.as_str())
            .target(&*kept.id)
            .with("kind", &*kept.kind)
            .with("admin", kept.admin.to_string());
        self.store
            .write(move |tx| {
                invitations::add(tx, &hash, &kept)?;
                wardline_audit::append(tx, &entry)
            })
            .await?;
        Ok((token, invitation))
    }

    /// The newest invitations, used and ended ones too.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn invitations(&self) -> Result<Vec<Invitation>, IdentityError> {
        Ok(self.store.read_now(|tx| invitations::list(tx, LISTED))?)
    }

    /// Withdraws an invitation that was not used.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], or a failure of the server.
    pub async fn withdraw_invitation(&self, by: &Session, id: &str) -> Result<(), IdentityError> {
        let id = id.to_owned();
        let entry = Entry::new(self.now(), by.user_id.as_str(), Action::InvitationWithdrawn)
            .device(by.device_id.as_str())
            .target(&*id);
        self.store
            .write_with(move |tx| {
                if !invitations::withdraw(tx, &id)? {
                    return Err(IdentityError::NotFound("invitation"));
                }
                wardline_audit::append(tx, &entry)?;
                Ok(())
            })
            .await
    }

    /// The invitation with this token, if it is still good.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn invitation(&self, token: &str) -> Result<Option<Invitation>, IdentityError> {
        let hash = token::hash(token);
        let found = self.store.read_now(|tx| invitations::by_token(tx, &hash))?;
        Ok(found.filter(|found| found.used.is_none() && found.expires_at > self.now()))
    }

    /// Uses an invitation up: makes the account, with its name for others and its password.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] if the invitation is not good (any more), and those of
    /// [`Identity::create_account`]. Nothing is changed then.
    pub async fn accept_invitation(
        &self,
        token: &str,
        localpart: &str,
        display_name: &str,
        password: &str,
    ) -> Result<Proven, IdentityError> {
        let gone = IdentityError::NotFound("invitation");
        let invitation = self.invitation(token)?.ok_or(gone.clone())?;
        let kind = AccountKind::parse(&invitation.kind).ok_or(gone.clone())?;
        let user_id = self.free_name(localpart)?;
        let display_name = display_name.trim();
        if display_name.is_empty() || display_name.len() > 256 || display_name.chars().any(char::is_control) {
            return Err(IdentityError::Invalid("displayname", "must be 1 to 256 printable characters"));
        }
        self.check_new_password(password, user_id.localpart()).await?;
        let hash = self.passwords.hash(password).await?;
        let (at, id) = (self.now(), user_id.clone());
        let name = serde_json::Value::from(display_name);
        let shown = name.to_string();
        let user = self
            .store
            .write_with(move |tx| {
                if !invitations::spend(tx, &invitation.id, id.as_str(), at)? {
                    return Err(gone);
                }
                let by = format!("invitation:{}", invitation.id);
                let user = new_account(tx, at, &by, &id, kind, Some(&hash), invitation.admin)?;
                accounts::set_profile_field(tx, user, DISPLAY_NAME, Some(&shown))?;
                Ok::<_, IdentityError>(user)
            })
            .await?;
        Ok(Proven::new(user, user_id, Authentication::local("password", Assurance::Aal1, at)))
    }
}
