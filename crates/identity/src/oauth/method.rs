//! How somebody proves who they are on the sign-in page.
//!
//! A method takes one or more steps. Each step gets what the browser brought and ends in a [`Step`]: the proof, a
//! further question, or the address of another system that the browser is sent to. What belongs to the steps between
//! (a ticket, a state) the method keeps itself and binds to the browser's cookie.

use std::{future::Future, net::IpAddr, pin::Pin};

use crate::{Identity, IdentityError, Proven};

/// What a browser brought for one step.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The fields of the form, or the query of a callback.
    pub fields: &'a [(String, String)],
    /// The browser's cookie: steps that belong together come from one browser.
    pub cookie: &'a str,
    /// Its network address, if that is known.
    pub address: Option<IpAddr>,
    /// Where the pages go on to after signing in: path and query.
    pub next: &'a str,
}

impl Attempt<'_> {
    /// The value of a field, or nothing.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.as_str())
    }
}

/// How a step ended.
#[derive(Clone, Debug)]
pub enum Step {
    /// The person has proved who they are.
    Proven {
        /// Who.
        who: Proven,
        /// Where the pages go on to, when the method remembers it itself (it was away with the browser).
        next: Option<String>,
    },
    /// The person is asked something more. The answer is the next attempt.
    Ask(Question),
    /// The browser goes to this address of another system.
    Leave(String),
}

/// Something more that a person is asked between the first step and the proof.
#[derive(Clone, Debug)]
pub struct Question {
    /// The page's heading.
    pub title: &'static str,
    /// A sentence that says what to do.
    pub text: String,
    /// What was wrong with the answer before, if there was one.
    pub wrong: Option<String>,
    /// What ties the answer to the steps before; the form sends it back in `ticket`.
    pub ticket: String,
    /// What is asked.
    pub asks: Asks,
    /// Where the pages go on to, when the method remembers it itself.
    pub next: Option<String>,
}

/// What a question asks.
#[derive(Clone, Debug)]
pub enum Asks {
    /// One of several, in the field `choice`.
    Choice(Vec<Choice>),
    /// A code of an authenticator, in the field `code`.
    Code,
}

/// One of several.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    /// What the person reads first.
    pub label: String,
    /// What tells it from the others.
    pub detail: String,
}

/// How the sign-in page offers a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Fields for user name and password.
    Password,
    /// A passkey of this browser or of a device beside it.
    Passkey,
    /// A button that leads to another system.
    Elsewhere {
        /// What the button says, such as "Sign in with NHS CIS2".
        label: String,
    },
    /// Not by itself.
    Hidden,
}

/// What a step of a method takes time for.
pub type StepFuture<'a> = Pin<Box<dyn Future<Output = Result<Step, IdentityError>> + Send + 'a>>;

/// A way of proving who one is. Local accounts have [`LocalPassword`]; an identity provider of the organisation
/// is another one.
pub trait SignInMethod: std::fmt::Debug + Send + Sync {
    /// Its stable name, as the page's form sends it in `method`.
    fn name(&self) -> &str;

    /// How the sign-in page offers it.
    fn offer(&self) -> Offer;

    /// Takes the next step with what the browser brought.
    ///
    /// # Errors
    /// [`IdentityError::WrongPassword`] if it proves nothing, [`IdentityError::SignInRefused`] with a reason that the
    /// person may read, or a failure of the server. Refusals have been audited.
    fn prove<'a>(&'a self, identity: &'a Identity, attempt: Attempt<'a>) -> StepFuture<'a>;
}

/// The password of a local account: the fields `username` and `password`.
#[derive(Clone, Copy, Debug)]
pub struct LocalPassword;

impl SignInMethod for LocalPassword {
    fn name(&self) -> &'static str {
        "password"
    }

    fn offer(&self) -> Offer {
        Offer::Password
    }

    fn prove<'a>(&'a self, identity: &'a Identity, attempt: Attempt<'a>) -> StepFuture<'a> {
        Box::pin(async move {
            let (user, password) = (attempt.field("username"), attempt.field("password"));
            let who = identity.check_password(user, password, attempt.address).await?;
            Ok(Step::Proven { who, next: None })
        })
    }
}
