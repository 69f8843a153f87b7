//! The authorisation request, and what consent to it gives.
//!
//! Specification: Client-Server API, "Login flow"; RFC 6749 section 4.1, RFC 7636, RFC 9207.

use serde::{Deserialize, Serialize};
use url::{Origin, Url, form_urlencoded};
use wardline_audit::{Action, Outcome};
use wardline_domain::Timestamp;
use wardline_store::oauth::{
    browsers, clients,
    codes::{self, NewCode},
};

use super::{
    Client, ErrorCode, OAuthError, Visitor,
    client::CODE,
    redirect::{self, Kind},
    scope::Scope,
};
use crate::{Identity, IdentityError, Thumbprint, parse_thumbprint, token};

/// How long a code lasts.
const LIFETIME_MS: i64 = 10 * 60 * 1000;
/// How long a code is remembered after its end, so that a second use is recognised.
const REMEMBERED_MS: i64 = 24 * 60 * 60 * 1000;
/// How long the way from the sign-in page back to the authorisation request takes at most.
const JUST_NOW_MS: i64 = 60 * 1000;
/// The longest `state`, in bytes.
const MAX_STATE: usize = 2048;

/// The parameters of an authorisation request, unchecked. Others are ignored.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct AuthorizationRequest {
    client_id: Option<String>,
    redirect_uri: Option<String>,
    response_type: Option<String>,
    response_mode: Option<String>,
    scope: Option<String>,
    state: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    dpop_jkt: Option<String>,
    max_age: Option<String>,
    prompt: Option<String>,
}

impl AuthorizationRequest {
    /// The parameters that were given, by name.
    #[must_use]
    pub fn parameters(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("response_type", &self.response_type),
            ("response_mode", &self.response_mode),
            ("scope", &self.scope),
            ("state", &self.state),
            ("code_challenge", &self.code_challenge),
            ("code_challenge_method", &self.code_challenge_method),
            ("dpop_jkt", &self.dpop_jkt),
            ("max_age", &self.max_age),
            ("prompt", &self.prompt),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }
}

/// Where the answer's parameters go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// Into the query of the redirect URI.
    Query,
    /// Into its fragment, which no web server sees.
    Fragment,
}

/// Where an answer goes, once the client and its redirect URI are known to belong together.
#[derive(Clone, Debug)]
struct Return {
    uri: Url,
    mode: ResponseMode,
    state: Option<String>,
}

impl Return {
    /// The address that the browser is sent to with this answer of the server `issuer`.
    fn with(&self, issuer: &str, answer: &[(&str, &str)]) -> String {
        let mut uri = self.uri.clone();
        let pairs = answer.iter().copied();
        let state = self.state.as_deref().map(|state| ("state", state));
        let pairs = pairs.chain(state).chain([("iss", issuer)]);
        match self.mode {
            ResponseMode::Query => drop(uri.query_pairs_mut().extend_pairs(pairs)),
            ResponseMode::Fragment => {
                let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
                uri.set_fragment(Some(&text));
            }
        }
        uri.into()
    }
}

/// An authorisation request that may be put before a person.
#[derive(Clone, Debug)]
pub struct Authorization {
    /// Who asks.
    pub client: Client,
    /// The device that the session will be on.
    pub device_id: String,
    scope: String,
    challenge: String,
    thumbprint: Option<Thumbprint>,
    /// How long ago the person may have proved who they are, in milliseconds.
    max_age_ms: Option<i64>,
    /// As it was given.
    redirect_uri: String,
    back: Return,
}

impl Authorization {
    /// The address for a browser whose user said no.
    #[must_use]
    pub fn refused(&self, issuer: &str) -> String {
        let (code, text) = (ErrorCode::AccessDenied.as_str(), "the person said no");
        self.back.with(issuer, &[("error", code), ("error_description", text)])
    }

    /// Whether the answer goes to an application on the person's own device. Any application there can claim to be
    /// this client (RFC 8252 section 8.6), so its name and host prove nothing.
    #[must_use]
    pub fn is_on_this_device(&self) -> bool {
        self.client.kind() == Kind::Native && self.back.uri.scheme() != "https"
    }

    /// Whether the client wants the person to prove again who they are: what they proved is too old for it. Who has
    /// just come from the sign-in page is never sent back there.
    #[must_use]
    pub fn wants_newer_proof(&self, visitor: &Visitor, now: Timestamp) -> bool {
        let age = now.millis_since(visitor.proved_at);
        self.max_age_ms.is_some_and(|max| age > max.max(JUST_NOW_MS))
    }

    /// Whether the client is this server's own web application, and the person has just signed in for it: nobody needs
    /// to ask them whether they want to.
    #[must_use]
    pub fn is_own_and_begun_just_now(&self, visitor: &Visitor, own: Option<&Origin>, now: Timestamp) -> bool {
        own == Some(&self.back.uri.origin()) && now.millis_since(visitor.proved_at) <= JUST_NOW_MS
    }

    /// What is asked for.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// Where the answer goes.
    #[must_use]
    pub fn redirect_uri(&self) -> &Url {
        &self.back.uri
    }
}

/// Why an authorisation request cannot be put before a person.
#[derive(Debug)]
pub enum AuthorizationError {
    /// The client or redirect URI is not known: the browser must not be sent there. To be shown.
    Show(OAuthError),
    /// The client is to be told: the address for the browser.
    Redirect(String),
}

impl From<OAuthError> for AuthorizationError {
    fn from(error: OAuthError) -> Self {
        Self::Show(error)
    }
}

impl Identity {
    /// Checks an authorisation request. `issuer` names this server in answers (RFC 9207).
    ///
    /// # Errors
    /// See [`AuthorizationError`].
    pub fn check_authorization(
        &self,
        request: &AuthorizationRequest,
        issuer: &str,
    ) -> Result<Authorization, AuthorizationError> {
        let invalid = |text: &str| OAuthError::new(ErrorCode::InvalidRequest, text);
        let id = request.client_id.as_deref().ok_or_else(|| invalid("client_id: is required"))?;
        let client = self.client(id)?;
        let given = request.redirect_uri.as_deref().ok_or_else(|| invalid("redirect_uri: is required"))?;
        let known = client.metadata.redirect_uris.iter();
        if !known.into_iter().any(|registered| redirect::matches(client.kind(), registered, given)) {
            return Err(invalid("redirect_uri: is not one that the client registered").into());
        }
        let uri = Url::parse(given).map_err(|_| invalid("redirect_uri: is not a URI"))?;
        let mode = request.response_mode.as_deref();
        let back = Return {
            uri,
            mode: if mode == Some("fragment") { ResponseMode::Fragment } else { ResponseMode::Query },
            state: request.state.clone().filter(|state| state.len() <= MAX_STATE),
        };
        match rest(request, mode, &client) {
            Ok(asked) => Ok(Authorization {
                // The page is made twice, for the question and for its answer: both must name the same.
                device_id: asked
                    .scope
                    .device_id
                    .unwrap_or_else(|| format!("SMART-{}", asked.challenge.get(..16).unwrap_or_default())),
                scope: asked.scope.text,
                challenge: asked.challenge,
                thumbprint: asked.thumbprint,
                max_age_ms: asked.max_age_ms,
                redirect_uri: given.to_owned(),
                client,
                back,
            }),
            Err(OAuthError::Refused(code, text)) => {
                let answer = [("error", code.as_str()), ("error_description", &*text)];
                Err(AuthorizationError::Redirect(back.with(issuer, &answer)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Notes the consent of the person at the pages and ends their visit; the address for their browser, with the
    /// code.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn allow_authorization(
        &self,
        visitor: &Visitor,
        authorization: &Authorization,
        issuer: &str,
    ) -> Result<String, IdentityError> {
        let code = format!("wlo_{}", self.random.token(32));
        let at = self.now();
        let new = NewCode {
            code_hash: token::hash(&code),
            client_id: authorization.client.id.clone(),
            user: visitor.proven.user,
            device_id: authorization.device_id.clone(),
            scope: authorization.scope.clone(),
            redirect_uri: authorization.redirect_uri.clone(),
            challenge: authorization.challenge.clone(),
            method: visitor.proven.authentication.to_text(),
            expires_at: at.plus_millis(LIFETIME_MS),
            thumbprint: authorization.thumbprint,
        };
        let (actor, cookie) = (visitor.actor(), visitor.cookie_hash);
        self.store
            .write(move |tx| {
                codes::add(tx, &new, at.plus_millis(-REMEMBERED_MS))?;
                clients::note_used(tx, &new.client_id, at)?;
                browsers::forget(tx, &cookie)?;
                let entry = actor
                    .entry(at, Action::ConsentGiven)
                    .device(new.device_id)
                    .target(new.client_id)
                    .with("grant", CODE);
                wardline_audit::append(tx, &entry)
            })
            .await?;
        Ok(authorization.back.with(issuer, &[("code", &code)]))
    }

    /// Notes that the person at the pages said no, and ends their visit.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn refuse_authorization(
        &self,
        visitor: &Visitor,
        authorization: &Authorization,
    ) -> Result<(), IdentityError> {
        let (at, cookie) = (self.now(), visitor.cookie_hash);
        let entry = visitor
            .actor()
            .entry(at, Action::ConsentGiven)
            .device(&authorization.device_id)
            .target(&authorization.client.id)
            .outcome(Outcome::Refused);
        let done = self.store.write(move |tx| {
            browsers::forget(tx, &cookie)?;
            wardline_audit::append(tx, &entry)
        });
        Ok(done.await?)
    }
}

/// What the client asks for.
struct Asked {
    scope: Scope,
    challenge: String,
    thumbprint: Option<Thumbprint>,
    max_age_ms: Option<i64>,
}

/// Checks what the client may be told about: the scope, code challenge, key and age.
fn rest(request: &AuthorizationRequest, mode: Option<&str>, client: &Client) -> Result<Asked, OAuthError> {
    let invalid = |text: &str| OAuthError::new(ErrorCode::InvalidRequest, text);
    client.may(CODE)?;
    match request.response_type.as_deref() {
        Some("code") => {}
        None => return Err(invalid("response_type: is required")),
        Some(_) => {
            let text = "response_type: must be code";
            return Err(OAuthError::new(ErrorCode::UnsupportedResponseType, text));
        }
    }
    if !matches!(mode, None | Some("query" | "fragment")) {
        return Err(invalid("response_mode: must be query or fragment"));
    }
    if request.state.as_ref().is_some_and(|state| state.len() > MAX_STATE) {
        return Err(invalid("state: must not be longer than 2048 bytes"));
    }
    if request.code_challenge_method.as_deref() != Some("S256") {
        return Err(invalid("code_challenge_method: must be S256"));
    }
    let challenge = request.code_challenge.as_deref().unwrap_or_default();
    let alphabet = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if challenge.len() != 43 || !challenge.chars().all(alphabet) {
        return Err(invalid("code_challenge: must be the base64url form of a SHA-256 hash"));
    }
    let thumbprint = match request.dpop_jkt.as_deref() {
        None => None,
        Some(text) => {
            let thumbprint = parse_thumbprint(text);
            Some(thumbprint.ok_or_else(|| invalid("dpop_jkt: must be the SHA-256 thumbprint of a key"))?)
        }
    };
    let seconds = request.max_age.as_deref().map(str::parse::<u32>).transpose();
    let seconds = seconds.map_err(|_| invalid("max_age: must be a number of seconds"))?;
    let login = request.prompt.as_deref().is_some_and(|prompt| prompt.split(' ').any(|word| word == "login"));
    let max_age_ms = if login { Some(0) } else { seconds.map(|seconds| i64::from(seconds) * 1000) };
    let scope = Scope::parse(request.scope.as_deref().unwrap_or_default())?;
    Ok(Asked { scope, challenge: challenge.to_owned(), thumbprint, max_age_ms })
}
