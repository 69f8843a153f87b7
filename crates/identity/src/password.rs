//! Password hashes: Argon2id, computed in a bounded number of threads.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash,
};
use tokio::sync::Semaphore;
use wardline_domain::Random;
use zeroize::Zeroizing;

use crate::{IdentityError, strength::MAX_BYTES};

/// OWASP's floor for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Hashes computed at one time; each takes 19 MiB and one core for some tens of milliseconds.
const AT_ONCE: usize = 2;

/// Hashes and verifies passwords.
#[derive(Debug)]
pub(crate) struct Passwords {
    random: Arc<dyn Random>,
    permits: Arc<Semaphore>,
    /// The hash of nothing anybody knows: verifying against it costs an unknown user as much time.
    decoy: tokio::sync::OnceCell<String>,
}

impl Passwords {
    pub(crate) fn new(random: Arc<dyn Random>) -> Self {
        Self { random, permits: Arc::new(Semaphore::new(AT_ONCE)), decoy: tokio::sync::OnceCell::new() }
    }

    /// The hash of `password` in PHC form, with a fresh salt.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, IdentityError> {
        let mut salt = [0; 16];
        self.random.fill(&mut salt);
        let password = Zeroizing::new(password.to_owned());
        self.run(move || {
            let hash = argon2()?.hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(|_| IdentityError::Hashing)
        })
        .await
    }

    /// Whether `password` fits `hash`. Without a hash the answer is no, after as long a time.
    pub(crate) async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, IdentityError> {
        if password.len() > MAX_BYTES {
            return Ok(false);
        }
        let known = hash.is_some();
        let hash = match hash {
            Some(hash) => hash.to_owned(),
            None => self
                .decoy
                .get_or_try_init(|| async { self.hash(&self.random.token(16)).await })
                .await?
                .clone(),
        };
        let password = Zeroizing::new(password.to_owned());
        let fits = self
            .run(move || {
                let hash = PasswordHash::new(&hash).map_err(|_| IdentityError::Hashing)?;
                Ok(argon2()?.verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(fits && known)
    }

    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, IdentityError> + Send + 'static,
    ) -> Result<T, IdentityError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| IdentityError::Hashing)?;
        tokio::task::spawn_blocking(move || {
            // Held by the work, not by the request: a client that hangs up must not make room for more.
            let _permit = permit;
            work()
        })
        .await
        .map_err(|_| IdentityError::Hashing)?
    }
}

fn argon2() -> Result<Argon2<'static>, IdentityError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| IdentityError::Hashing)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}
