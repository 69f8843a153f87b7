//! The service itself: who may have which key, and the record of who did.

use std::{fs, path::Path, sync::Arc};

use wardline_domain::{Clock, Random};
use zeroize::Zeroizing;

use super::{
    KeyServiceError, OpenError, Sealer,
    server::Server,
    vault::{Caller, Vault},
};

/// For how long after signing in a session may store and fetch the recovery key, in milliseconds.
pub const STEP_UP_MILLIS: i64 = 10 * 60 * 1000;
/// Longest recovery key taken, in bytes. The specified form is 59 characters with its spaces.
const LONGEST_KEY: usize = 256;

/// Who keeps recovery keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// This service does: a new device asks for nothing but a step-up.
    #[default]
    Managed,
    /// Each person does: this service takes and gives none. What it kept before stays sealed and is not given out.
    Personal,
}

impl Policy {
    /// Its name, as clients are told.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Managed => "managed",
            Self::Personal => "personal",
        }
    }
}

/// Custody of recovery keys. Cheap to clone.
#[derive(Clone)]
pub struct KeyService(Arc<Inner>, Policy);

struct Inner {
    vault: Vault,
    sealer: Box<dyn Sealer>,
    server: Server,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl std::fmt::Debug for KeyService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyService").field("server", &self.0.server).finish_non_exhaustive()
    }
}

impl KeyService {
    /// Opens (or creates) the vault `keys.db` in `dir` and speaks for people of the server whose client-server
    /// API answers at `server_url` (for example `http://127.0.0.1:8008`).
    ///
    /// # Errors
    /// [`OpenError`] when the folder or the database cannot be opened.
    pub fn open(
        dir: &Path,
        sealer: impl Sealer + 'static,
        server_url: &str,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, OpenError> {
        fs::create_dir_all(dir).map_err(|source| OpenError::Io { path: dir.to_owned(), source })?;
        let vault = Vault::open(&dir.join("keys.db"))?;
        let server = Server::new(server_url)?;
        let sealer = Box::new(sealer);
        Ok(Self(Arc::new(Inner { vault, sealer, server, clock, random }), Policy::Managed))
    }

    /// This service under another policy.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Self(self.0, policy)
    }

    /// Who keeps recovery keys here.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.1
    }

    fn managed(&self) -> Result<(), KeyServiceError> {
        match self.1 {
            Policy::Managed => Ok(()),
            Policy::Personal => Err(KeyServiceError::PersonalPolicy),
        }
    }

    /// Keeps `recovery_key` for the owner of `token`, who signed in a moment ago. Replaces what was kept before.
    ///
    /// # Errors
    /// [`KeyServiceError`]; nothing is changed then.
    pub async fn store(&self, token: &str, recovery_key: &str) -> Result<(), KeyServiceError> {
        self.managed()?;
        check_key(recovery_key)?;
        let caller = self.step_up(token, "store").await?;
        let recovery_key = Zeroizing::new(recovery_key.to_owned());
        self.vault(move |inner| {
            let sealed = inner.sealer.seal(&caller.user_id, &recovery_key, inner.random.as_ref())?;
            Ok::<_, KeyServiceError>(inner.vault.put(&caller, &sealed, inner.clock.now())?)
        })
        .await
    }

    /// Gives the owner of `token`, who signed in a moment ago, the recovery key kept for them.
    ///
    /// # Errors
    /// [`KeyServiceError::NotFound`] when none is kept, otherwise as the variant says.
    pub async fn unseal(&self, token: &str) -> Result<Zeroizing<String>, KeyServiceError> {
        self.managed()?;
        let caller = self.step_up(token, "unseal").await?;
        self.vault(move |inner| {
            let opened = match inner.vault.get(&caller)? {
                Some(sealed) => inner.sealer.open(&caller.user_id, &sealed),
                None => Err(KeyServiceError::NotFound),
            };
            inner.vault.note(&caller, "unseal", outcome(opened.as_ref().err()), inner.clock.now())?;
            opened
        })
        .await
    }

    /// Who holds `token`, if they signed in a moment ago. Every refusal is on the record of `action`.
    async fn step_up(&self, token: &str, action: &'static str) -> Result<Caller, KeyServiceError> {
        let (caller, signed_in_at) = self.0.server.introspect(token).await?;
        if self.0.clock.now().millis_since(signed_in_at) <= STEP_UP_MILLIS {
            return Ok(caller);
        }
        let outcome = outcome(Some(&KeyServiceError::StepUp));
        self.vault(move |inner| inner.vault.note(&caller, action, outcome, inner.clock.now())).await?;
        Err(KeyServiceError::StepUp)
    }

    /// Runs `work` on a thread that may block: the vault syncs to disk.
    async fn vault<T, E>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, E> + Send + 'static,
    ) -> Result<T, KeyServiceError>
    where
        T: Send + 'static,
        E: Into<KeyServiceError> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(answer) => answer.map_err(Into::into),
            Err(stopped) => {
                tracing::error!(error = &stopped as &dyn std::error::Error, "key vault task");
                Err(KeyServiceError::Vault(rusqlite::Error::InvalidQuery))
            }
        }
    }
}

/// The word that the record of accesses has for a result.
fn outcome(error: Option<&KeyServiceError>) -> &'static str {
    match error {
        None => "done",
        Some(KeyServiceError::StepUp) => "step-up",
        Some(KeyServiceError::NotFound) => "not-found",
        Some(_) => "failed",
    }
}

/// A recovery key is opaque text: base58 in groups of four as the specification prints it, or base64.
fn check_key(key: &str) -> Result<(), KeyServiceError> {
    let printable = key.chars().all(|c| c == ' ' || c.is_ascii_graphic()) && !key.trim().is_empty();
    if printable && key.len() <= LONGEST_KEY {
        return Ok(());
    }
    Err(KeyServiceError::BadRequest(format!(
        "recovery_key: expected 1 to {LONGEST_KEY} printable ASCII characters"
    )))
}
