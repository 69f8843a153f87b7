//! How somebody proves who they are on the sign-in page.

use std::{future::Future, pin::Pin};

use crate::{Identity, IdentityError, Proven};

/// A way of proving who one is. Local accounts have [`LocalPassword`]; an identity provider of the organisation
/// is another one.
pub trait SignInMethod: std::fmt::Debug + Send + Sync {
    /// Its stable name, as the page's form sends it in `method`.
    fn name(&self) -> &'static str;

    /// Checks what the person's browser brought (the fields of a form, or the query of a callback).
    ///
    /// # Errors
    /// [`IdentityError::WrongPassword`] if it proves nothing, or a failure of the server.
    fn prove<'a>(
        &'a self,
        identity: &'a Identity,
        fields: &'a [(String, String)],
    ) -> Pin<Box<dyn Future<Output = Result<Proven, IdentityError>> + Send + 'a>>;
}

/// The password of a local account: the fields `username` and `password`.
#[derive(Clone, Copy, Debug)]
pub struct LocalPassword;

impl SignInMethod for LocalPassword {
    fn name(&self) -> &'static str {
        "password"
    }

    fn prove<'a>(
        &'a self,
        identity: &'a Identity,
        fields: &'a [(String, String)],
    ) -> Pin<Box<dyn Future<Output = Result<Proven, IdentityError>> + Send + 'a>> {
        let field = |name: &str| {
            fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.as_str())
        };
        Box::pin(identity.check_password(field("username"), field("password")))
    }
}
