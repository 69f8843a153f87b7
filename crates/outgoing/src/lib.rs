//! Every connection that the server opens to somebody else's system: push gateways, application services, identity
//! providers, subscribers. One client, so that trusted certificates, forbidden networks, time and size limits are
//! decided in one place.
//!
//! Invariants:
//! - No byte is sent to an address of a denied network, however the name resolves and whatever form the address has
//!   in the URL. The check is made on the addresses that are connected to, after resolution, so that a name which
//!   changes its answer between check and use gains nothing.
//! - Redirects are not followed: who configured an address meant that address.
//! - An answer longer than the caller's limit is an error, never memory.

mod networks;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};

pub use networks::{Networks, Refused};

/// How the server reaches others.
#[derive(Debug, Clone)]
pub struct OutgoingConfig {
    /// Certificates (PEM, any number in each text) that are trusted besides those of the operating system.
    pub ca_certificates: Vec<Vec<u8>>,
    /// Where connections may go.
    pub networks: Networks,
    /// From the beginning of a connection to the last byte of an answer.
    pub timeout: Duration,
}

impl Default for OutgoingConfig {
    /// No further certificates, [`Networks::default`], 30 seconds.
    fn default() -> Self {
        Self { ca_certificates: Vec::new(), networks: Networks::default(), timeout: Duration::from_secs(30) }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    /// A configured certificate cannot be read, or the client cannot be made.
    #[error("the client for outgoing connections cannot be made")]
    Setup(#[source] reqwest::Error),
    /// The request has no usable URL, or one that is neither `http` nor `https`.
    #[error("the address is not an http or https URL")]
    Address,
    /// The address, or every address of the name, is in a network that is not allowed.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// No answer came: refused, unreachable, no trust in the certificate, time over. The URL is left out, as it may
    /// hold a secret.
    #[error("no answer")]
    Unreachable(#[source] reqwest::Error),
    /// The answer is longer than the caller takes.
    #[error("the answer is longer than {limit} bytes")]
    TooLong {
        /// What the caller takes, in bytes.
        limit: usize,
    },
}

impl OutgoingError {
    /// Whether the time was over before there was an answer.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Unreachable(error) if error.is_timeout())
    }
}

/// The one client for connections to others. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Outgoing {
    client: Client,
    networks: Arc<Networks>,
}

impl Outgoing {
    /// A client that keeps to `config`.
    ///
    /// # Errors
    /// [`OutgoingError::Setup`]: a certificate is not PEM.
    pub fn new(config: OutgoingConfig) -> Result<Self, OutgoingError> {
        let networks = Arc::new(config.networks);
        let mut extra = Vec::new();
        for pem in &config.ca_certificates {
            extra.extend(Certificate::from_pem_bundle(pem).map_err(OutgoingError::Setup)?);
        }
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .timeout(config.timeout)
            .no_proxy()
            .dns_resolver(Arc::new(networks::Resolver::new(Arc::clone(&networks))))
            .user_agent(concat!("Wardline/", env!("CARGO_PKG_VERSION")));
        if !extra.is_empty() {
            builder = builder.tls_certs_merge(extra);
        }
        Ok(Self { client: builder.build().map_err(OutgoingError::Setup)?, networks })
    }

    /// Sends a request and reads the whole answer, whatever its status, if it is at most `limit` bytes long.
    ///
    /// # Errors
    /// [`OutgoingError::Address`], [`OutgoingError::Refused`], [`OutgoingError::Unreachable`],
    /// [`OutgoingError::TooLong`].
    pub async fn send(
        &self,
        request: http::Request<Bytes>,
        limit: usize,
    ) -> Result<http::Response<Bytes>, OutgoingError> {
        let request = reqwest::Request::try_from(request).map_err(|_| OutgoingError::Address)?;
        self.networks.check(request.url())?;
        let mut response = self.client.execute(request).await.map_err(failure)?;
        let mut answer = http::Response::new(Bytes::new());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > limit {
                return Err(OutgoingError::TooLong { limit });
            }
            body.extend_from_slice(&chunk);
        }
        *answer.body_mut() = body.freeze();
        Ok(answer)
    }
}

/// A refusal of the resolver comes wrapped in the client's error.
fn failure(error: reqwest::Error) -> OutgoingError {
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        if let Some(refused) = cause.downcast_ref::<Refused>() {
            return OutgoingError::Refused(*refused);
        }
        source = cause.source();
    }
    OutgoingError::Unreachable(error.without_url())
}

#[cfg(test)]
mod tests;
