//! Accounts, sessions, devices and tokens.
//!
//! [`Identity`] is the whole floor: built once with the store, the clock, the random source and its ports, and
//! asked by `http`. Its parts: `account` (making, password, deactivation), `sign_in` (sessions, refresh),
//! `authentication` (how surely somebody proved who they are), `device`, `profile`, `shared_secret` (registration by a secret of the operator), `uia` (user-interactive
//! authentication), `oauth` (the OAuth 2.0 authorisation server), `session` (the in-memory table of hot tokens), `password` (Argon2id, bounded).
//!
//! # Invariants
//! - Tokens are stored as SHA-256 only; passwords as Argon2id only. Neither is ever logged or audited.
//! - A revoked token is refused from the moment the revoking call is answered.
//! - A device and its keys go in one transaction.
//! - Every sign-in, failed sign-in and sign-out is in the audit log, in the transaction that did it.

mod account;
mod administration;
mod authentication;
mod device;
mod dpop;
mod erasure;
mod error;
mod factors;
mod invitation;
mod new_device;
pub mod oauth;
mod openid;
mod password;
mod policy;
mod ports;
mod profile;
mod rendezvous;
pub mod scim;
mod session;
mod shared_secret;
mod sign_in;
mod step_up;
mod strength;
mod token;
mod uia;
pub mod upstream;

use std::sync::Arc;

use wardline_domain::{
    Clock, Random, Timestamp,
    ruma::{OwnedServerName, OwnedUserId, ServerName, UserId},
};
use wardline_store::Store;

pub use authentication::{Assurance, Authentication, SignedInRole};
pub use dpop::{DPOP_ALGORITHMS, Dpop, DpopError, Thumbprint, parse_thumbprint, show_thumbprint};
pub use error::IdentityError;
pub use factors::{Factors, PasskeyRequest, TotpEnrolment, passkey_id};
pub use invitation::NewInvitation;
pub use new_device::NEW_DEVICES;
pub use openid::OPENID_LIFETIME_S;
pub use policy::AccountPolicy;
pub use ports::{ProfileListener, StaffDirectory, StaffEntry};
pub use profile::{AVATAR_URL, DISPLAY_NAME, KIND, MAX_FIELD_NAME, MAX_PROFILE};
pub use rendezvous::{MAX_RENDEZVOUS, Rendezvous, RendezvousError, Rendezvouses};
pub use session::Session;
pub use shared_secret::SharedSecretRequest;
pub use sign_in::{Device, Proven, Tokens};
pub use uia::UiaSessions;
pub use wardline_store::accounts::AccountKind;
pub use wardline_store::clinical::ColumnCipher;

/// Accounts, sessions, devices and tokens of one server.
pub struct Identity {
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    server_name: OwnedServerName,
    passwords: password::Passwords,
    sessions: Arc<session::SessionTable>,
    nonces: shared_secret::Nonces,
    uia: UiaSessions,
    listeners: Vec<Arc<dyn ProfileListener>>,
    methods: Vec<Arc<dyn oauth::SignInMethod>>,
    policy: Arc<AccountPolicy>,
    cipher: ColumnCipher,
    passkeys: Option<factors::Passkeys>,
    dpop: Dpop,
    rendezvous: Rendezvouses,
    providers: Vec<Arc<upstream::Upstream>>,
    directory: Option<Arc<dyn StaffDirectory>>,
    system_keys: oauth::SystemKeys,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

impl Identity {
    /// The identity floor of the server `server_name`, without ports, with the lenient policy, without passkeys and with
    /// a cipher that ends with the process.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        server_name: OwnedServerName,
    ) -> Self {
        let mut key = [0; 32];
        random.fill(&mut key);
        Self {
            cipher: ColumnCipher::new(&key, Arc::clone(&random)),
            policy: Arc::new(AccountPolicy::lenient()),
            passkeys: None,
            dpop: Dpop::new(Arc::clone(&clock), &*random),
            rendezvous: Rendezvouses::new(Arc::clone(&clock), Arc::clone(&random)),
            passwords: password::Passwords::new(Arc::clone(&random)),
            nonces: shared_secret::Nonces::default(),
            uia: UiaSessions::new(Arc::clone(&clock), Arc::clone(&random)),
            sessions: Arc::default(),
            listeners: Vec::new(),
            methods: vec![Arc::new(oauth::LocalPasskey), Arc::new(oauth::LocalPassword)],
            providers: Vec::new(),
            directory: None,
            system_keys: oauth::SystemKeys::default(),
            store,
            clock,
            random,
            server_name,
        }
    }

    /// With somebody who wants to know when a profile changed.
    #[must_use]
    pub fn with_profile_listener(mut self, listener: Arc<dyn ProfileListener>) -> Self {
        self.listeners.push(listener);
        self
    }

    /// With the operator's rules for local accounts.
    #[must_use]
    pub fn with_policy(mut self, policy: AccountPolicy) -> Self {
        self.policy = Arc::new(policy);
        self
    }

    /// With the cipher that seals secrets of one-time codes in the database.
    #[must_use]
    pub fn with_cipher(mut self, cipher: ColumnCipher) -> Self {
        self.cipher = cipher;
        self
    }

    /// With the address under which browsers reach the server. Without it, and at a bare network address, there are no
    /// passkeys.
    #[must_use]
    pub fn with_public_url(mut self, url: &str) -> Self {
        self.passkeys = factors::Passkeys::at(url);
        self
    }

    /// The operator's rules for local accounts.
    #[must_use]
    pub fn policy(&self) -> &AccountPolicy {
        &self.policy
    }

    /// Checks proofs of possession.
    #[must_use]
    pub fn dpop(&self) -> &Dpop {
        &self.dpop
    }

    /// Where devices leave each other messages to sign in by QR code.
    #[must_use]
    pub fn rendezvous(&self) -> &Rendezvouses {
        &self.rendezvous
    }

    /// With a directory of staff, which first sign-ins and provisioning write to.
    #[must_use]
    pub fn with_directory(mut self, directory: Arc<dyn StaffDirectory>) -> Self {
        self.directory = Some(directory);
        self
    }

    /// With the client for connections to others, by which public keys of systems are fetched.
    #[must_use]
    pub fn with_outgoing(mut self, outgoing: wardline_outgoing::Outgoing) -> Self {
        self.system_keys.outgoing = Some(outgoing);
        self
    }

    /// With an identity provider; its button stands before the ways of local accounts.
    #[must_use]
    pub fn with_provider(mut self, provider: Arc<upstream::Upstream>) -> Self {
        self.methods.insert(self.providers.len(), Arc::clone(&provider) as Arc<dyn oauth::SignInMethod>);
        self.providers.push(provider);
        self
    }

    /// The identity providers.
    #[must_use]
    pub fn providers(&self) -> &[Arc<upstream::Upstream>] {
        &self.providers
    }

    fn provider(&self, id: &str) -> Option<Arc<upstream::Upstream>> {
        self.providers.iter().find(|provider| provider.config().id == id).cloned()
    }

    /// With one more way of proving who one is on the sign-in page.
    #[must_use]
    pub fn with_sign_in_method(mut self, method: Arc<dyn oauth::SignInMethod>) -> Self {
        self.methods.push(method);
        self
    }

    /// The right-hand side of this server's user ids.
    #[must_use]
    pub fn server_name(&self) -> &ServerName {
        &self.server_name
    }

    /// The running user-interactive authentications.
    #[must_use]
    pub fn uia(&self) -> &UiaSessions {
        &self.uia
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The user id that somebody typed: a full id of this server or a localpart, in any letter case. `None` if
    /// it cannot be one of this server's.
    #[must_use]
    pub fn local_user(&self, typed: &str) -> Option<OwnedUserId> {
        let typed = typed.trim();
        if let Some(full) = typed.strip_prefix('@') {
            let (localpart, server) = full.split_once(':')?;
            (server == self.server_name.as_str()).then_some(())?;
            return self.user_of(&localpart.to_lowercase());
        }
        self.user_of(&typed.to_lowercase())
    }

    fn user_of(&self, localpart: &str) -> Option<OwnedUserId> {
        UserId::parse_with_server_name(localpart, &self.server_name).ok()
    }
}
