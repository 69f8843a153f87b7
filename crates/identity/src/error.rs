//! What identity refuses.

use wardline_store::StoreError;

/// Why identity did not do what was asked. Nothing was changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IdentityError {
    /// The access or refresh token is unknown, spent or expired. With `soft_logout` the device still exists
    /// and the client should keep its keys.
    #[error("the token is unknown or has expired")]
    UnknownToken {
        /// Whether the client should keep its keys and sign in again with the same device.
        soft_logout: bool,
    },
    /// User and password do not fit together. Deliberately the same for unknown users.
    #[error("user or password is wrong")]
    WrongPassword,
    /// Signing in is refused for a reason that the person may read: a whole sentence.
    #[error("{0}")]
    SignInRefused(String),
    /// The identity provider does not answer.
    #[error("your organisation's sign-in cannot be reached")]
    ProviderUnavailable,
    /// The token of `m.login.token` is unknown, was used or has ended.
    #[error("the login token is unknown, was used before or has ended")]
    LoginToken,
    /// The one-time code or recovery code is wrong, was used before, or came too late.
    #[error("the code is wrong or was used before")]
    WrongCode,
    /// The session may not use the administration API: a sentence that says why and what to do.
    #[error("{0}")]
    NotAdministrator(&'static str),
    /// The proof of possession that must come with the token is missing or wrong.
    #[error(transparent)]
    Dpop(#[from] crate::DpopError),
    /// The name is taken.
    #[error("the user name is taken")]
    UserInUse,
    /// The name is not acceptable; the text says why.
    #[error("username: {0}")]
    InvalidUsername(&'static str),
    /// The new password is not acceptable; the text says why.
    #[error("password: {0}")]
    WeakPassword(&'static str),
    /// A value is not acceptable: the field's name and why.
    #[error("{0}: {1}")]
    Invalid(&'static str, &'static str),
    /// The profile field's name is too long.
    #[error("the name of the profile field is longer than 255 bytes")]
    KeyTooLarge,
    /// The whole profile would be larger than 64 KiB.
    #[error("the profile would be larger than 64 KiB")]
    ProfileTooLarge,
    /// There is no such user, device or field here.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The shared secret's nonce or MAC is wrong.
    #[error("{0}")]
    SharedSecret(&'static str),
    /// The server failed, not the request.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Hashing a password failed.
    #[error("the password could not be hashed")]
    Hashing,
}
