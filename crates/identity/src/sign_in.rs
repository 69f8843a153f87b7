//! Signing in, refreshing, signing out.
//!
//! Specification: Client-Server API, "Legacy API" (login, logout) and "Refreshing access tokens".

use std::{net::IpAddr, sync::Arc};

use wardline_audit::{Action, Entry, Outcome};
use wardline_domain::{Timestamp, ruma::OwnedUserId};
use wardline_store::{
    Kind, StoreError, UserNid, WriteTx, accounts, dehydrated_devices, device_keys,
    oauth::clients,
    sessions::{self, GrantRow, NewGrant, Standing},
    upstream,
};

use crate::{
    Assurance, Authentication, DpopError, Identity, IdentityError, Session, Thumbprint,
    authentication::with_address,
    erasure, new_device,
    oauth::forget_pages_of,
    token::{self, TokenHash},
};

/// How long an access token lasts that can be refreshed.
const ACCESS_LIFETIME_MS: i64 = 60 * 60 * 1000;

/// The device that somebody signs in on.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// Its id, if the client has one already (1 to 255 printable bytes); otherwise one is made.
    pub device_id: Option<String>,
    /// The name for a device that is new (up to 256 bytes).
    pub display_name: Option<String>,
    /// Whether the client can refresh: the access token then lasts an hour.
    pub refresh: bool,
}

/// Who acts on their own account: with a device, or on the account page.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) user: UserNid,
    pub(crate) user_id: OwnedUserId,
    pub(crate) device: Option<String>,
    pub(crate) address: Option<IpAddr>,
}

impl Actor {
    pub(crate) fn of(session: &Session) -> Self {
        let device = Some(session.device_id.to_string());
        Self { user: session.user_nid, user_id: session.user_id.clone(), device, address: session.address() }
    }

    pub(crate) fn entry(&self, at: Timestamp, action: Action) -> Entry {
        let entry = with_address(Entry::new(at, self.user_id.as_str(), action), self.address);
        match &self.device {
            Some(device) => entry.device(device.as_str()),
            None => entry.with("on", "page"),
        }
    }
}

/// Proof that somebody is who they say, by a [`crate::oauth::SignInMethod`] or because the account was just made for
/// them.
#[derive(Clone, Debug)]
pub struct Proven {
    pub(crate) user: UserNid,
    /// The user.
    pub user_id: OwnedUserId,
    /// How they proved it.
    pub authentication: Authentication,
}

/// The tokens of a session.
#[derive(Clone)]
pub struct Tokens {
    /// The user.
    pub user_id: OwnedUserId,
    /// The device.
    pub device_id: String,
    /// The bearer token.
    pub access_token: String,
    /// What asks for the next pair.
    pub refresh_token: Option<String>,
    /// Milliseconds until the access token ends.
    pub expires_in_ms: Option<i64>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

impl Proven {
    pub(crate) fn new(user: UserNid, user_id: OwnedUserId, authentication: Authentication) -> Self {
        Self { user, user_id, authentication }
    }

    /// Whether two factors were proved.
    #[must_use]
    pub fn is_strong(&self) -> bool {
        self.authentication.assurance >= Assurance::Aal2
    }

    /// The same from this network address.
    #[must_use]
    pub fn from_address(mut self, address: Option<IpAddr>) -> Self {
        self.authentication = self.authentication.from_address(address);
        self
    }
}

impl Identity {
    /// Checks a password. `user` is a full user id of this server or a localpart. Takes the same time whether
    /// or not the user exists; a failure is audited, with the `address` that it came from.
    ///
    /// # Errors
    /// [`IdentityError::WrongPassword`]; [`IdentityError::SignInRefused`] for somebody who signs in with an identity
    /// provider only; or a failure of the server.
    pub async fn check_password(
        &self,
        user: &str,
        password: &str,
        address: Option<IpAddr>,
    ) -> Result<Proven, IdentityError> {
        let user_id = self.local_user(user);
        let account = match &user_id {
            Some(user_id) => self.store.read_now(|tx| accounts::find(tx, user_id))?,
            None => None,
        };
        let hash = account
            .as_ref()
            .filter(|a| !a.deactivated && !a.disabled)
            .and_then(|a| a.password_hash.as_deref());
        let fits = self.passwords.verify(password, hash).await?;
        if let (true, Some(account), Some(user_id)) = (fits, &account, user_id.clone()) {
            let how = Authentication::local("password", Assurance::Aal1, self.now());
            return self.admit_local(Proven::new(account.user, user_id, how.from_address(address))).await;
        }
        // What was typed for an unknown user may be somebody's password: it is not written down.
        let actor = account.and(user_id).map_or_else(|| "system:unknown-user".to_owned(), |u| u.to_string());
        let entry = Entry::new(self.now(), actor, Action::SignIn)
            .outcome(Outcome::Refused)
            .with("method", "password");
        let entry = with_address(entry, address);
        self.store.write(move |tx| wardline_audit::append(tx, &entry)).await?;
        Err(IdentityError::WrongPassword)
    }

    /// Opens a session for somebody who proved who they are. A device that the user already has keeps its
    /// name and keys; its earlier session ends.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] names `device_id` or `initial_device_display_name`.
    pub async fn sign_in(&self, who: Proven, device: Device) -> Result<Tokens, IdentityError> {
        let device_id = match device.device_id {
            Some(id) => acceptable_device_id(id)?,
            None => self.new_device_id(),
        };
        if device.display_name.as_ref().is_some_and(|name| name.len() > 256) {
            return Err(IdentityError::Invalid(
                "initial_device_display_name",
                "must not be longer than 256 bytes",
            ));
        }
        let (tokens, grant) = self.new_tokens(who.user_id.clone(), device_id.clone(), device.refresh);
        let (user, name, at) = (who.user, device.display_name, self.now());
        let id = device_id.clone();
        self.store
            .write_with(move |tx| open_session(tx, at, &who, (&id, name.as_deref()), &grant, &[]).map(|_| ()))
            .await?;
        self.sessions.forget(|s| s.user_nid == user && s.device_id == *device_id);
        Ok(tokens)
    }

    /// The session of an access token. A token in use is found in memory; the first use of a refreshed token
    /// puts its pair in force.
    ///
    /// # Errors
    /// [`IdentityError::UnknownToken`], or a failure of the server.
    pub async fn verify_token(&self, token: &str) -> Result<Arc<Session>, IdentityError> {
        let hash = token::hash(token);
        let session = match self.sessions.get(&hash) {
            Some(session) => session,
            None => self.load(hash).await?,
        };
        let now = self.now();
        if session.expired(now) || session.outlived(now) {
            return Err(IdentityError::UnknownToken { soft_logout: true });
        }
        if session.must_note_seen(now) {
            let (store, user, device) = (self.store.clone(), session.user_nid, session.device_id.clone());
            let from = session.address().map(|address| address.to_canonical().to_string());
            tokio::spawn(async move {
                let noted = store
                    .write(move |tx| sessions::touch_device(tx, user, device.as_str(), now, from.as_deref()))
                    .await;
                if let Err(error) = noted {
                    tracing::warn!(%error, "could not note when a device was last seen");
                }
            });
        }
        Ok(session)
    }

    async fn load(&self, hash: TokenHash) -> Result<Arc<Session>, IdentityError> {
        let (mut read_at, restored) = (self.sessions.revocations(), self.is_restored());
        let mut grant =
            self.usable_access(self.store.read_now(|tx| sessions::by_access_token(tx, &hash))?)?;
        // The store notes every ten minutes only that a device was used; the session's earlier token knows better.
        // Only sessions that end without use need it; the look goes through all that are in memory.
        let ends_idle = |text: &&str| Authentication::of_text(text, grant.opened_at).idle_ms.is_some();
        let limited = grant.authentication.as_deref().filter(ends_idle);
        let used_at = limited.and_then(|_| self.sessions.used_at(grant.session_id));
        if grant.standing == Standing::Pending {
            let now = self.now();
            grant = self
                .store
                .write_with(move |tx| {
                    let grant = usable_access(sessions::by_access_token(tx, &hash)?, now, restored)?;
                    sessions::confirm(tx, grant.session_id, grant.id)?;
                    Ok::<_, IdentityError>(grant)
                })
                .await?;
            self.sessions.forget(|s| s.session_id == grant.session_id);
            read_at = self.sessions.revocations();
            // Whatever was revoked between the write and this line is seen by a second look.
            grant = self.usable_access(self.store.read_now(|tx| sessions::by_access_token(tx, &hash))?)?;
        }
        let session = Arc::new(Session::of(grant));
        if let Some(used_at) = used_at {
            session.note_used(used_at);
        }
        self.sessions.insert(read_at, hash, &session);
        Ok(session)
    }

    /// Whether this database was restored from a backup: a token that it does not know may be one that was given
    /// after the backup, and its device must not throw its keys away.
    fn is_restored(&self) -> bool {
        self.store.epochs().current() > 0
    }

    fn usable_access(&self, grant: Option<GrantRow>) -> Result<GrantRow, IdentityError> {
        usable_access(grant, self.now(), self.is_restored())
    }

    /// A new pair of tokens for a refresh token. The old pair stays valid until the new one is used, so that a
    /// lost answer costs nothing. A refresh token whose successor was already used may be stolen: the session
    /// is revoked and that is audited. The device and its keys stay, and its owner is told to sign in again.
    ///
    /// # Errors
    /// [`IdentityError::UnknownToken`], or a failure of the server.
    pub async fn refresh(&self, refresh_token: &str) -> Result<Tokens, IdentityError> {
        Ok(self.rotate(refresh_token, None, None).await?.0)
    }

    /// [`Self::refresh`] for a session that belongs to `client` (`None`: to the legacy login API); the tokens and
    /// the session's scope, and the key to which
    /// they are bound. `key` is what the client has proved.
    pub(crate) async fn rotate(
        &self,
        refresh_token: &str,
        client: Option<String>,
        key: Option<Thumbprint>,
    ) -> Result<(Tokens, Option<String>, Option<Thumbprint>), IdentityError> {
        let hash = token::hash(refresh_token);
        let find = self.store.read_now(|tx| sessions::by_refresh_token(tx, &hash))?;
        let Some(seen) = find else {
            return Err(IdentityError::UnknownToken { soft_logout: self.is_restored() });
        };
        // A bound token is good with its key only; to spend it takes the key too.
        if seen.thumbprint.is_some() && seen.thumbprint != key {
            return Err(DpopError::Invalid("the refresh token is bound to another key").into());
        }
        let key = seen.thumbprint;
        self.may_go_on(&seen)?;
        let (tokens, new) = self.new_tokens(seen.user_id.clone(), seen.device_id.clone(), true);
        let at = self.now();
        let scope = self
            .store
            .write_with(move |tx| {
                let Some(grant) = sessions::by_refresh_token(tx, &hash)? else {
                    return Err(IdentityError::UnknownToken { soft_logout: true });
                };
                let (owner, scope) = clients::of_session(tx, grant.session_id)?.unzip();
                if owner != client {
                    return Err(IdentityError::UnknownToken { soft_logout: false });
                }
                if grant.standing == Standing::Spent {
                    if sessions::revoke(tx, grant.session_id)? {
                        let entry = Entry::new(at, grant.user_id.as_str(), Action::TokenReused)
                            .device(grant.device_id)
                            .outcome(Outcome::Refused)
                            .with("session", grant.session_id.to_string());
                        wardline_audit::append(tx, &entry)?;
                    }
                    return Ok(None);
                }
                if grant.standing == Standing::Pending {
                    sessions::confirm(tx, grant.session_id, grant.id)?;
                }
                sessions::add_grant(tx, grant.session_id, Some(grant.id), &new)?;
                Ok(Some(scope))
            })
            .await?;
        if scope.is_none() || seen.standing == Standing::Pending {
            self.sessions.forget(|s| s.session_id == seen.session_id);
        }
        match scope {
            None => Err(IdentityError::UnknownToken { soft_logout: true }),
            Some(scope) => Ok((tokens, scope, key)),
        }
    }

    /// Refuses to refresh a session that has outlived its authentication: its person must sign in again.
    fn may_go_on(&self, grant: &GrantRow) -> Result<(), IdentityError> {
        let Some(text) = &grant.authentication else { return Ok(()) };
        let (how, now) = (Authentication::of_text(text, grant.opened_at), self.now());
        let limited = how.ends_at.is_some() || how.idle_ms.is_some();
        // What memory knows is finer than what the store notes every ten minutes.
        let used_at = || self.sessions.used_at(grant.session_id).unwrap_or(grant.last_seen_at);
        if limited && how.outlived(used_at(), now) {
            return Err(IdentityError::UnknownToken { soft_logout: true });
        }
        Ok(())
    }

    /// Signs out: the device goes with its keys and tokens.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn sign_out(&self, session: &Session) -> Result<(), IdentityError> {
        let device = session.device_id.to_string();
        self.remove_devices(&Actor::of(session), Action::SignOut, move |_| Ok(vec![device])).await
    }

    /// Signs out everywhere: all devices of the user go.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn sign_out_everywhere(&self, session: &Session) -> Result<(), IdentityError> {
        let user = session.user_nid;
        self.remove_devices(&Actor::of(session), Action::SignOut, move |tx| {
            forget_pages_of(tx, user)?;
            Ok(dehydrated_devices::awake(tx, user)?.into_iter().map(|d| d.device_id).collect())
        })
        .await
    }

    /// Deletes devices of the actor's in one transaction, each with one audit entry.
    pub(crate) async fn remove_devices(
        &self,
        actor: &Actor,
        action: Action,
        which: impl FnOnce(&mut WriteTx<'_>) -> Result<Vec<String>, StoreError> + Send + 'static,
    ) -> Result<(), IdentityError> {
        let (actor, at) = (actor.clone(), self.now());
        let user = actor.user;
        self.store
            .write(move |tx| {
                for device in which(tx)? {
                    let itself = actor.device.as_ref() == Some(&device);
                    let gone = if itself { Gone::Itself } else { Gone::Elsewhere(at) };
                    if remove_device(tx, user, &device, gone)? {
                        wardline_audit::append(tx, &actor.entry(at, action).target(device))?;
                    }
                }
                Ok(())
            })
            .await?;
        self.sessions.forget(|s| s.user_nid == user);
        Ok(())
    }

    pub(crate) fn new_tokens(
        &self,
        user_id: OwnedUserId,
        device_id: String,
        refresh: bool,
    ) -> (Tokens, NewGrant) {
        let at = self.now();
        let (access_token, access_hash) = token::access(&*self.random);
        let refreshing = refresh.then(|| token::refresh(&*self.random));
        let (refresh_token, refresh_hash) = refreshing.unzip();
        let expires_in_ms = refresh.then_some(ACCESS_LIFETIME_MS);
        let access_expires_at = expires_in_ms.map(|ms| at.plus_millis(ms));
        (
            Tokens { user_id, device_id, access_token, refresh_token, expires_in_ms },
            NewGrant { access_hash, access_expires_at, refresh_hash, at },
        )
    }

    /// Ten capital letters, easy to read out on the telephone.
    fn new_device_id(&self) -> String {
        let mut bytes = [0; 10];
        self.random.fill(&mut bytes);
        bytes.iter().map(|b| char::from(b'A' + b % 26)).collect()
    }
}

/// A device id that a client chose.
pub(crate) fn acceptable_device_id(id: String) -> Result<String, IdentityError> {
    if id.is_empty() || id.len() > 255 || id.chars().any(char::is_control) {
        return Err(IdentityError::Invalid("device_id", "must be 1 to 255 printable bytes"));
    }
    Ok(id)
}

/// Opens a session on a device (its id, and its name if it is new) inside the caller's transaction, with `more`
/// details in its audit entry. The session's number.
pub(crate) fn open_session(
    tx: &mut WriteTx<'_>,
    at: Timestamp,
    who: &Proven,
    (device, name): (&str, Option<&str>),
    grant: &NewGrant,
    more: &[(&str, &str)],
) -> Result<i64, IdentityError> {
    // Deactivated between the proof and now.
    match accounts::find(tx, &who.user_id)? {
        Some(account) if !account.deactivated && !account.disabled => {}
        _ => return Err(IdentityError::WrongPassword),
    }
    let address = who.authentication.address.map(|address| address.to_canonical().to_string());
    let new = sessions::add_device(tx, who.user, device, name, at)?;
    sessions::touch_device(tx, who.user, device, at, address.as_deref())?;
    if new {
        tx.record(Kind::Device, None, Some(who.user), 0)?;
        new_device::tell(tx, who.user, device, at)?;
    }
    let session = sessions::open(tx, who.user, device, grant, Some(&who.authentication.to_text()))?;
    if let Some(login) = who.authentication.upstream
        && !upstream::add_session(tx, session, login)?
    {
        // Ended by its provider between the proof and now.
        return Err(IdentityError::WrongPassword);
    }
    let entry = Entry::new(at, who.user_id.as_str(), Action::SignIn).device(device);
    let mut entry = who
        .authentication
        .describe(entry)
        .with("new_device", new.to_string())
        .with("session", session.to_string());
    for (name, value) in more {
        entry = entry.with(name, *value);
    }
    wardline_audit::append(tx, &entry)?;
    Ok(session)
}

fn usable_access(grant: Option<GrantRow>, now: Timestamp, restored: bool) -> Result<GrantRow, IdentityError> {
    let grant = grant.ok_or(IdentityError::UnknownToken { soft_logout: restored })?;
    let over = grant.access_expires_at.is_some_and(|at| at <= now);
    if over || grant.standing == Standing::Spent {
        return Err(IdentityError::UnknownToken { soft_logout: true });
    }
    Ok(grant)
}

/// How a device is signed out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gone {
    /// By itself: it erases what it held of its own accord.
    Itself,
    /// From elsewhere, now: when it comes back it is told to erase what it holds.
    Elsewhere(Timestamp),
}

/// Deletes a device with its session, its keys and what waits for it. Whether it existed.
pub(crate) fn remove_device(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    device: &str,
    gone: Gone,
) -> Result<bool, StoreError> {
    if let Gone::Elsewhere(at) = gone {
        erasure::ask(tx, user, device, at)?;
    }
    device_keys::delete_all(tx, user, device)?;
    let existed = sessions::delete_device(tx, user, device)?;
    if existed {
        tx.record(Kind::Device, None, Some(user), 0)?;
    }
    Ok(existed)
}
