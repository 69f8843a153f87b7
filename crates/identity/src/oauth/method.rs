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
    /// The person is to show anew that it is them, and not only that their browser is signed in somewhere.
    pub anew: bool,
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
            let ticket = attempt.field("ticket");
            if !ticket.is_empty() {
                return match identity
                    .finish_second_factor(ticket, attempt.field("code"), attempt.address)
                    .await
                {
                    Ok(who) => Ok(Step::Proven { who, next: None }),
                    Err(IdentityError::WrongCode) if identity.half_signed_in(ticket).is_some() => {
                        let wrong = "The code is wrong or was used before. Wait for the next one.".to_owned();
                        Ok(Step::Ask(code_question(ticket.to_owned(), Some(wrong))))
                    }
                    Err(IdentityError::WrongCode) => Err(IdentityError::WrongPassword),
                    Err(error) => Err(error),
                };
            }
            let who = identity.check_password(user, password, attempt.address).await?;
            match identity.second_factor(&who)? {
                Some(ticket) => Ok(Step::Ask(code_question(ticket, None))),
                None => Ok(Step::Proven { who, next: None }),
            }
        })
    }
}

fn code_question(ticket: String, wrong: Option<String>) -> Question {
    Question {
        title: "Your one-time code",
        text: "Type the six digits that your authenticator application shows, or one of your recovery codes."
            .into(),
        wrong,
        ticket,
        asks: Asks::Code,
        next: None,
    }
}

/// A passkey of a local account: the fields `challenge` and `credential`, as the page's script fills them in.
#[derive(Clone, Copy, Debug)]
pub struct LocalPasskey;

impl SignInMethod for LocalPasskey {
    fn name(&self) -> &'static str {
        "passkey"
    }

    fn offer(&self) -> Offer {
        Offer::Passkey
    }

    fn prove<'a>(&'a self, identity: &'a Identity, attempt: Attempt<'a>) -> StepFuture<'a> {
        Box::pin(async move {
            let (challenge, answer) = (attempt.field("challenge"), attempt.field("credential"));
            let who = identity.finish_passkey_sign_in(challenge, answer, attempt.address).await?;
            Ok(Step::Proven { who, next: None })
        })
    }
}
