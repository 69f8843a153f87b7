//! Sessions in memory: a hot request finds its session here and does no SQL.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use parking_lot::{Mutex, RwLock};
use wardline_domain::{
    Timestamp,
    ruma::{OwnedDeviceId, OwnedUserId},
    smart::{SmartScope, scopes_of},
};
use wardline_store::{UserNid, accounts::AccountKind, sessions::GrantRow};

use crate::{Assurance, Authentication, oauth::is_whole, token::TokenHash};

/// A device is marked as seen at most this often.
const SEEN_EVERY_MS: i64 = 10 * 60 * 1000;

/// A signed-in device, as an access token proves it.
#[derive(Debug)]
pub struct Session {
    /// Number of the sign-in; stays the same when tokens are refreshed.
    pub session_id: i64,
    /// Whose it is.
    pub user_id: OwnedUserId,
    /// Whose it is, interned.
    pub user_nid: UserNid,
    /// On which device.
    pub device_id: OwnedDeviceId,
    /// Whether the account may use the administration API.
    pub admin: bool,
    /// What the account is for.
    pub kind: AccountKind,
    /// How and when its user proved who they are.
    pub authentication: Authentication,
    /// Whether the account is one of a guest.
    pub guest: bool,
    /// The id of the application service that acts as this user. Its session has no number, and without a device an
    /// empty device id.
    pub app_service: Option<String>,
    pub(crate) expires_at: Option<Timestamp>,
    seen_at: AtomicI64,
    /// When the session was opened: its user was there then.
    pub opened_at: Timestamp,
    /// The thumbprint of the client's key to which the tokens are bound (DPoP).
    pub thumbprint: Option<[u8; 32]>,
    /// The scopes within which the session may use the FHIR API, and nothing else; `None` for a session that may do what
    /// its user may.
    pub smart: Option<Vec<SmartScope>>,
    address: Mutex<Option<IpAddr>>,
    used_at: AtomicI64,
}

impl Session {
    pub(crate) fn of(row: GrantRow) -> Self {
        Self {
            session_id: row.session_id,
            user_id: row.user_id,
            user_nid: row.user,
            device_id: row.device_id.into(),
            admin: row.admin,
            kind: row.kind,
            authentication: Authentication::of_text(
                row.authentication.as_deref().unwrap_or("unknown"),
                row.opened_at,
            ),
            opened_at: row.opened_at,
            thumbprint: row.thumbprint,
            smart: row.scope.filter(|scope| !is_whole(scope)).map(|scope| scopes_of(&scope)),
            address: Mutex::new(None),
            guest: row.guest,
            app_service: None,
            used_at: AtomicI64::new(row.last_seen_at.as_millis()),
            expires_at: row.access_expires_at,
            seen_at: AtomicI64::new(row.last_seen_at.as_millis()),
        }
    }

    /// Notes a request with this session: where it came from, and whether it shows that somebody is there (a client
    /// that only waits for news does not).
    pub fn note_request(&self, address: IpAddr, now: Timestamp, somebody_is_there: bool) {
        *self.address.lock() = Some(address);
        if somebody_is_there {
            self.note_used(now);
        }
    }

    pub(crate) fn note_used(&self, at: Timestamp) {
        self.used_at.fetch_max(at.as_millis(), Ordering::Relaxed);
    }

    /// Whether the authentication that the session follows from allows it no longer.
    pub(crate) fn outlived(&self, now: Timestamp) -> bool {
        self.authentication.outlived(Timestamp(self.used_at.load(Ordering::Relaxed)), now)
    }

    /// The network address of the latest request with this session since the server started.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        *self.address.lock()
    }

    /// The session in which an application service acts as one of its users, on a device or (empty) on none.
    #[must_use]
    pub fn of_app_service(
        service: &str,
        (user, user_id): (UserNid, OwnedUserId),
        device: &str,
        at: Timestamp,
    ) -> Self {
        Self {
            session_id: 0,
            user_id,
            user_nid: user,
            device_id: device.into(),
            admin: false,
            kind: AccountKind::Service,
            authentication: Authentication::local("appservice", Assurance::Aal1, at),
            opened_at: at,
            thumbprint: None,
            smart: None,
            address: Mutex::new(None),
            guest: false,
            app_service: Some(service.to_owned()),
            expires_at: None,
            seen_at: AtomicI64::new(i64::MAX),
            used_at: AtomicI64::new(at.as_millis()),
        }
    }

    pub(crate) fn expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Whether the device's last-seen time is stale; true for one caller only.
    pub(crate) fn must_note_seen(&self, now: Timestamp) -> bool {
        let seen = self.seen_at.load(Ordering::Relaxed);
        now.as_millis().saturating_sub(seen) >= SEEN_EVERY_MS
            && self.seen_at.compare_exchange(seen, now.0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// Sessions by the hash of their access token. Holds only tokens that are in the store, so it is bounded by
/// the number of signed-in devices.
#[derive(Debug, Default)]
pub(crate) struct SessionTable(RwLock<Table>);

#[derive(Debug, Default)]
struct Table {
    revocations: u64,
    by_token: HashMap<TokenHash, Arc<Session>>,
}

impl SessionTable {
    pub(crate) fn get(&self, token: &TokenHash) -> Option<Arc<Session>> {
        self.0.read().by_token.get(token).cloned()
    }

    /// When somebody last used a session; `None`: it is not in memory.
    pub(crate) fn used_at(&self, session_id: i64) -> Option<Timestamp> {
        let table = self.0.read();
        let session = table.by_token.values().find(|session| session.session_id == session_id)?;
        Some(Timestamp(session.used_at.load(Ordering::Relaxed)))
    }

    /// To be taken before a session is read from the store, and given to [`Self::insert`].
    pub(crate) fn revocations(&self) -> u64 {
        self.0.read().revocations
    }

    /// Adds a session that was read from the store, unless something was revoked in the meantime: it might
    /// have been this one.
    pub(crate) fn insert(&self, read_at: u64, token: TokenHash, session: &Arc<Session>) {
        let mut table = self.0.write();
        if table.revocations == read_at {
            table.by_token.insert(token, Arc::clone(session));
        }
    }

    /// Forgets sessions after the store has forgotten (or changed) them.
    pub(crate) fn forget(&self, which: impl Fn(&Session) -> bool) {
        let mut table = self.0.write();
        table.revocations += 1;
        table.by_token.retain(|_, session| !which(session));
    }
}
