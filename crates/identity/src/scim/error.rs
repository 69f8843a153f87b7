//! What provisioning refuses.

use wardline_store::StoreError;

use crate::IdentityError;

/// Why a request of the provisioning system was not done; RFC 7644 section 3.12. Nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ScimError {
    /// A filter cannot be understood.
    #[error("filter: {0}")]
    InvalidFilter(String),
    /// A path cannot be understood, or names no attribute.
    #[error("path: {0}")]
    InvalidPath(String),
    /// A path selects nothing.
    #[error("path: {0}")]
    NoTarget(String),
    /// A value does not fit its attribute.
    #[error("{0}")]
    InvalidValue(String),
    /// The request is not in order.
    #[error("{0}")]
    InvalidSyntax(String),
    /// The attribute cannot be changed.
    #[error("{0}: cannot be changed")]
    Mutability(String),
    /// Another resource has this value.
    #[error("{0}")]
    Uniqueness(String),
    /// There is no such resource.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The resource is not as the request expects it (`If-Match`).
    #[error("the resource has changed since")]
    Precondition,
    /// The token is missing, unknown or over.
    #[error("a bearer token for provisioning is needed")]
    Unauthorized,
    /// The server failed.
    #[error(transparent)]
    Server(#[from] IdentityError),
}

impl From<StoreError> for ScimError {
    fn from(error: StoreError) -> Self {
        Self::Server(error.into())
    }
}
