//! TLS on the ports of plain HTTP: the certificate, and taking a new one without a restart.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use rustls::{
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert, ServerConfig},
    sign::CertifiedKey,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::{ConfigError, config::TlsSection};

/// How often the files are looked at for a new certificate.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// A certificate with its key.
#[derive(Debug, Clone)]
pub struct Certificate(Arc<CertifiedKey>);

impl Certificate {
    /// Reads a certificate (with those between it and its authority) and its key, both PEM.
    ///
    /// # Errors
    /// [`ConfigError`] when a file cannot be read, is not PEM, or the two do not fit.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, ConfigError> {
        let read = |path: &Path| {
            fs::read(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
        };
        let wrong = |name, path: &Path| ConfigError::value(name, format!("{} is not PEM", path.display()));
        let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| wrong("tls.certificate", certificate))?;
        if chain.is_empty() {
            return Err(wrong("tls.certificate", certificate));
        }
        let key = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| wrong("tls.key", key))?;
        let both = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
            .map_err(|error| ConfigError::value("tls", error))?;
        Ok(Self(Arc::new(both)))
    }
}

/// The certificate in force.
#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// What makes TLS connections, with the certificate that is in force.
#[derive(Clone)]
pub struct Tls {
    current: Arc<Current>,
    acceptor: TlsAcceptor,
    files: TlsSection,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Tls {
    /// TLS 1.2 and 1.3 with the certificate that `files` names.
    ///
    /// # Errors
    /// [`ConfigError`] as [`Certificate::load`].
    pub fn open(files: TlsSection) -> Result<Self, ConfigError> {
        let current = Arc::new(Current(ArcSwap::new(files.load()?.0)));
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| ConfigError::value("tls", error))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { current, acceptor: TlsAcceptor::from(Arc::new(config)), files })
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// Reads the files again and takes what they hold for new connections. A certificate that cannot be used leaves
    /// the one in force.
    ///
    /// # Errors
    /// [`ConfigError`] as [`Certificate::load`].
    pub fn reload(&self) -> Result<(), ConfigError> {
        self.current.0.store(self.files.load()?.0);
        Ok(())
    }

    /// Follows the files until `stop`: a new certificate is taken within half a minute, on SIGHUP at once.
    ///
    /// # Errors
    /// When the signal cannot be listened to.
    pub async fn follow(self, stop: CancellationToken) -> io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut seen = self.stamp();
        loop {
            let asked = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = hangup.recv() => true,
                _ = look.tick() => false,
            };
            let stamp = self.stamp();
            if !asked && stamp == seen {
                continue;
            }
            seen = stamp;
            match self.reload() {
                Ok(()) => tracing::info!("took the certificate from its files"),
                Err(error) => tracing::error!(%error, "the certificate in force stays"),
            }
        }
    }

    /// When the two files were written last, and how long they are.
    fn stamp(&self) -> [Option<(std::time::SystemTime, u64)>; 2] {
        let of = |path: &PathBuf| {
            let seen = fs::metadata(path).ok()?;
            Some((seen.modified().ok()?, seen.len()))
        };
        [of(&self.files.certificate), of(&self.files.key)]
    }
}
