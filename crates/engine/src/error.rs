//! What can go wrong in the engine.

use wardline_domain::auth::AuthError;
use wardline_domain::pdu::PduError;
use wardline_domain::push::PushRuleError;
use wardline_store::StoreError;

/// An error of the engine. Its text is for a developer: it names fields and ids, never content.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    /// What was asked for does not exist, or the caller may not know that it does.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The caller may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// A part of the request has an unacceptable value.
    #[error("{field}: {reason}")]
    Invalid {
        /// Path of the field.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The content of an event is not what its type needs, or has no canonical form.
    #[error("{field}: {reason}")]
    BadContent {
        /// Path of the field.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The event is larger than the protocol allows.
    #[error("{0}")]
    TooLarge(String),
    /// The room version is not one that rooms can be created with here.
    #[error("room version {0:?} is not supported")]
    UnsupportedRoomVersion(String),
    /// The alias belongs to another room.
    #[error("the room alias is taken")]
    AliasTaken,
    /// An alias in `m.room.canonical_alias` does not point to the room.
    #[error("{0}")]
    BadAlias(String),
    /// The event relates to another one in a way that makes no sense.
    #[error("m.relates_to: {0}")]
    BadRelation(&'static str),
    /// The sender has annotated the event like this already.
    #[error("you have annotated this event with this key already")]
    DuplicateAnnotation,
    /// The initial state of a new room contradicts itself.
    #[error("{0}")]
    BadRoomState(String),
    /// The type of account data has its own endpoints; the field that named it.
    #[error("{0}: the server alone writes this type")]
    ServerControlled(&'static str),
    /// A change of push rules was refused.
    #[error(transparent)]
    PushRule(#[from] PushRuleError),
    /// The position of a sliding sync is too old, or of another connection: the client begins anew.
    #[error("the position is not known (any more)")]
    UnknownPos,
    /// The user has as many delayed events waiting as anybody may (MSC4140).
    #[error("too many delayed events are waiting")]
    TooManyDelayed,
    /// The event named as the cause of an automatic subscription is not in the thread (MSC4306).
    #[error("automatic: not an event of this thread")]
    NotInThread,
    /// The user gave up the thread after the cause of an automatic subscription (MSC4306).
    #[error("you unsubscribed from this thread later")]
    Unsubscribed,
    /// The room was changed by somebody else again and again; try later.
    #[error("the room is busy")]
    Busy,
    /// The engine is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EngineError {
    /// An [`EngineError::Invalid`] for `field`.
    pub fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), reason: reason.into() }
    }

    /// An [`EngineError::BadContent`] for `field`.
    pub fn bad_content(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::BadContent { field: field.into(), reason: reason.into() }
    }

    /// An [`EngineError::Forbidden`].
    pub fn forbidden(reason: impl Into<String>) -> Self {
        Self::Forbidden(reason.into())
    }
}

impl From<PduError> for EngineError {
    fn from(error: PduError) -> Self {
        match error {
            PduError::TooLarge { .. } | PduError::TooLong { .. } => Self::TooLarge(error.to_string()),
            PduError::Field { field, reason } => Self::BadContent { field, reason },
            PduError::Canonical(error) => Self::bad_content("content", error.to_string()),
        }
    }
}

impl From<AuthError> for EngineError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Malformed(reason) => Self::bad_content("content", reason),
            other => Self::Forbidden(other.to_string()),
        }
    }
}
