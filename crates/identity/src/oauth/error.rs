//! What the authorisation server refuses.

use wardline_store::StoreError;

use crate::{DpopError, IdentityError};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// The machine-readable part of a refusal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ErrorCode { $($(#[$doc])* $name),* }

        impl ErrorCode {
            /// The code as its RFC spells it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

codes! {
    /// A parameter is missing, repeated or malformed. RFC 6749 section 5.2.
    InvalidRequest = "invalid_request",
    /// The client is unknown or did not authenticate. RFC 6749 section 5.2.
    InvalidClient = "invalid_client",
    /// The code or refresh token is not good, or not this client's. RFC 6749 section 5.2.
    InvalidGrant = "invalid_grant",
    /// The client has not registered for this. RFC 6749 section 5.2.
    UnauthorizedClient = "unauthorized_client",
    /// There is no such grant type here. RFC 6749 section 5.2.
    UnsupportedGrantType = "unsupported_grant_type",
    /// There is no such response type here. RFC 6749 section 4.1.2.1.
    UnsupportedResponseType = "unsupported_response_type",
    /// The scope is not acceptable. RFC 6749 section 5.2.
    InvalidScope = "invalid_scope",
    /// The person said no. RFC 6749 section 4.1.2.1.
    AccessDenied = "access_denied",
    /// Come again later. RFC 6749 section 4.1.2.1.
    TemporarilyUnavailable = "temporarily_unavailable",
    /// A redirect URI is not acceptable. RFC 7591 section 3.2.2.
    InvalidRedirectUri = "invalid_redirect_uri",
    /// Another part of the metadata is not acceptable. RFC 7591 section 3.2.2.
    InvalidClientMetadata = "invalid_client_metadata",
    /// Nobody has decided yet. RFC 8628 section 3.5.
    AuthorizationPending = "authorization_pending",
    /// Nobody has decided yet, and the device asks too often. RFC 8628 section 3.5.
    SlowDown = "slow_down",
    /// The proof of possession is wrong. RFC 9449 section 5.
    InvalidDpopProof = "invalid_dpop_proof",
    /// The proof of possession must carry the nonce of this answer. RFC 9449 section 8.
    UseDpopNonce = "use_dpop_nonce",
    /// The device code has ended. RFC 8628 section 3.5.
    ExpiredToken = "expired_token",
}

/// Why the authorisation server did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OAuthError {
    /// The request is at fault: the code, and a sentence for a developer that names the parameter.
    #[error("{code}: {1}", code = .0.as_str())]
    Refused(ErrorCode, String),
    /// The server failed.
    #[error(transparent)]
    Server(IdentityError),
}

impl OAuthError {
    pub(crate) fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self::Refused(code, text.into())
    }

    pub(crate) fn invalid_grant(text: &str) -> Self {
        Self::new(ErrorCode::InvalidGrant, text)
    }
}

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        Self::Server(error.into())
    }
}

impl From<IdentityError> for OAuthError {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::UnknownToken { .. } => Self::invalid_grant("the token is unknown or has ended"),
            IdentityError::Dpop(error @ DpopError::Invalid(_)) => {
                Self::new(ErrorCode::InvalidDpopProof, error.to_string())
            }
            IdentityError::Dpop(error @ DpopError::UseNonce(_)) => {
                Self::new(ErrorCode::UseDpopNonce, error.to_string())
            }
            IdentityError::WrongPassword => Self::invalid_grant("the account is not active"),
            other => Self::Server(other),
        }
    }
}
