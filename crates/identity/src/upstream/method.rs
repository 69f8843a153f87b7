//! The steps of a sign-in with a provider: away, back, and the choice of a role.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use wardline_audit::{Action, Entry, Outcome};
use wardline_domain::{Clock, Timestamp};
use wardline_outgoing::Outgoing;

use super::{
    Claims, ClientAuthentication, ClientKey, Profile, ProviderConfig, UpstreamError,
    admit::Admission,
    discovery::{Link, address},
    exchange::{self, TokenSet},
    jwt,
    logout::Replays,
    pending::Pending,
    person::Person,
    profile_cis2::{self, NrbacRole, RoleChoice},
    profile_nhs_login,
};
use crate::{
    Assurance, Authentication, Identity, IdentityError, Proven,
    authentication::with_address,
    oauth::{Asks, Attempt, Choice, Offer, Question, SignInMethod, Step, StepFuture},
};

/// A provider with its state: the sign-in method `oidc:<id>`.
#[derive(Debug)]
pub struct Upstream {
    pub(super) config: ProviderConfig,
    name: String,
    redirect_uri: String,
    signed_out_uri: String,
    pub(super) link: Link,
    away: Pending<Away>,
    choosing: Pending<Choosing>,
    pub(super) replays: Replays,
}

/// A browser that is at the provider.
#[derive(Debug)]
struct Away {
    nonce: String,
    verifier: String,
    next: String,
    anew: bool,
}

/// For how long after it a proof counts as one that was just given, in seconds.
const RECENT_S: u32 = 600;

/// A person who chooses a role; everything else has been checked.
#[derive(Debug)]
struct Choosing {
    accepted: Accepted,
    roles: Vec<NrbacRole>,
    next: String,
}

/// A sign-in that the provider vouches for.
#[derive(Debug)]
struct Accepted {
    person: Person,
    token_sub: String,
    sid: Option<String>,
    assurance: Assurance,
    at: Timestamp,
    tokens: TokenSet,
}

impl Upstream {
    /// The provider of `config`, reached by `outgoing`; the browser comes back to an address below `public_base_url`.
    #[must_use]
    pub fn new(
        config: ProviderConfig,
        outgoing: Outgoing,
        clock: Arc<dyn Clock>,
        public_base_url: &str,
    ) -> Arc<Self> {
        let base = format!("{}/oauth/upstream/{}", public_base_url.trim_end_matches('/'), config.id);
        Arc::new(Self {
            name: config.method(),
            redirect_uri: format!("{base}/callback"),
            signed_out_uri: format!("{base}/signed-out"),
            link: Link::new(outgoing, clock),
            away: Pending::default(),
            choosing: Pending::default(),
            replays: Replays::default(),
            config,
        })
    }

    /// What the configuration says of it.
    #[must_use]
    pub fn config(&self) -> &ProviderConfig {
        &self.config
    }

    /// The key with which this server signs for it, if it does.
    #[must_use]
    pub fn client_key(&self) -> Option<&ClientKey> {
        match &self.config.authentication {
            ClientAuthentication::PrivateKeyJwt(key) => Some(key),
            _ => None,
        }
    }

    /// The address at the provider where the browser signs out there too, if it has one (RP-Initiated Logout 1.0).
    pub(super) async fn sign_out_address(&self, id_token: Option<&str>) -> Option<String> {
        let metadata = self.link.metadata(&self.config).await.ok()?;
        let mut url = address(metadata.end_session_endpoint.as_deref()?).ok()?;
        {
            let mut query = url.query_pairs_mut();
            if let Some(token) = id_token {
                query.append_pair("id_token_hint", token);
            }
            query
                .append_pair("client_id", &self.config.client_id)
                .append_pair("post_logout_redirect_uri", &self.signed_out_uri);
        }
        Some(url.into())
    }

    /// The first step: the address of the provider for this browser.
    async fn begin(&self, identity: &Identity, attempt: &Attempt<'_>) -> Result<Step, UpstreamError> {
        let metadata = self.link.metadata(&self.config).await?;
        let (state, nonce) = (identity.random.token(32), identity.random.token(32));
        let verifier = identity.random.token(48);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let mut url = address(&metadata.authorization_endpoint)?;
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &self.config.client_id)
                .append_pair("redirect_uri", &self.redirect_uri)
                .append_pair("scope", &self.config.scopes.join(" "))
                .append_pair("state", &state)
                .append_pair("nonce", &nonce)
                .append_pair("code_challenge", &challenge)
                .append_pair("code_challenge_method", "S256");
            if let Some(max_age) = self.config.max_age_s {
                query.append_pair("max_age", &max_age.to_string());
            }
            if attempt.anew && !self.config.parameters.iter().any(|(name, _)| name == "prompt") {
                query.append_pair("prompt", "login");
            }
            for (name, value) in &self.config.parameters {
                query.append_pair(name, value);
            }
        }
        let away = Away { nonce, verifier, next: attempt.next.to_owned(), anew: attempt.anew };
        self.away.put(&state, attempt.cookie, away, self.link.now());
        Ok(Step::Leave(url.into()))
    }

    /// The browser is back.
    async fn back(&self, identity: &Identity, attempt: &Attempt<'_>) -> Result<Step, UpstreamError> {
        let state = attempt.field("state");
        let Some(away) = self.away.take(state, attempt.cookie, self.link.now()) else {
            let text = "This sign-in was not started in this browser, or it took too long. Start again.";
            return Err(UpstreamError::refused("state", text));
        };
        // RFC 9207: an answer of another issuer is a mix-up.
        let metadata = self.link.metadata(&self.config).await?;
        let issuer = attempt.field("iss");
        let must_name = metadata.authorization_response_iss_parameter_supported;
        if (must_name || !issuer.is_empty()) && issuer != self.config.issuer {
            return Err(UpstreamError::refused(
                "issuer",
                "The answer is not that of your organisation's sign-in.",
            ));
        }
        match attempt.field("error") {
            "" => {}
            "access_denied" | "login_required" | "interaction_required" | "consent_required" => {
                let text = "You were not signed in: your organisation's sign-in was not completed.";
                return Err(UpstreamError::refused("provider_refused", text));
            }
            _ => {
                let text = "Your organisation's sign-in refused. Try again later, or ask your IT department.";
                return Err(UpstreamError::refused("provider_error", text));
            }
        }
        let code = (attempt.field("code"), &*away.verifier);
        let random = &*identity.random;
        let tokens = exchange::redeem(&self.config, random, &self.link, &self.redirect_uri, code).await?;
        let (accepted, claims) = self.accept(tokens, &away).await?;
        if self.config.profile != Profile::Cis2 {
            return self.finish(identity, attempt, accepted, None, away.next).await;
        }
        match profile_cis2::roles(&claims)? {
            RoleChoice::Only(role) => self.finish(identity, attempt, accepted, Some(role), away.next).await,
            RoleChoice::Ask(roles) => {
                Ok(self.ask(identity, attempt, Choosing { accepted, roles, next: away.next }))
            }
        }
    }

    /// Checks everything that the provider says of the person.
    async fn accept(&self, tokens: TokenSet, away: &Away) -> Result<(Accepted, Claims), UpstreamError> {
        let (config, now) = (&self.config, self.link.now());
        let text = tokens.id_token.as_deref();
        let text = text.ok_or_else(|| UpstreamError::Unavailable("it gave no ID token".to_owned()))?;
        let (mut claims, _) = self.link.verify(config, text).await?;
        jwt::check_common(&claims, &config.issuer, &config.client_id, now)?;
        // Who is to show anew that it is them has done so a moment ago, if the provider says when they did.
        let moment = claims.number("auth_time").and(away.anew.then_some(RECENT_S));
        jwt::check_id_token(&claims, &away.nonce, config.max_age_s.into_iter().chain(moment).min(), now)?;
        let assurance = self.assurance(&claims)?;
        if config.user_info
            && let Some(access) = &tokens.access_token
        {
            let more = exchange::user_info(config, &self.link, access).await?;
            let more = more.ok_or_else(|| UpstreamError::Unavailable("its userinfo refused".to_owned()))?;
            if more.text("sub") != claims.text("sub") {
                let text = "Your organisation's sign-in sent an answer that cannot be trusted.";
                return Err(UpstreamError::refused("userinfo_subject", text));
            }
            claims.complete_with(more);
        }
        let assurance = match config.profile {
            Profile::NhsLogin => profile_nhs_login::check(&claims, &self.vectors())?,
            Profile::Generic | Profile::Cis2 => assurance,
        };
        let at = claims.number("auth_time").map_or(now, |s| Timestamp(s.saturating_mul(1000)).min(now));
        let accepted = Accepted {
            person: Person::of(&claims, &config.claims)?,
            token_sub: claims.text("sub").unwrap_or_default().to_owned(),
            sid: claims.text("sid").map(str::to_owned),
            assurance,
            at,
            tokens,
        };
        Ok((accepted, claims))
    }

    /// What `acr` is worth.
    fn assurance(&self, claims: &Claims) -> Result<Assurance, UpstreamError> {
        if self.config.acr.is_empty() {
            return Ok(self.config.assurance);
        }
        let acr = claims.text("acr").unwrap_or_default();
        let known = self.config.acr.iter().find(|(name, _)| name == acr);
        known.map(|(_, assurance)| *assurance).ok_or_else(|| {
            let text = "This sign-in was not strong enough. Sign in with a second factor or a smartcard.";
            UpstreamError::refused("acr", text)
        })
    }

    /// The vectors of trust that are asked for.
    fn vectors(&self) -> Vec<&str> {
        let asked = self.config.parameters.iter().find(|(name, _)| name == "vtr");
        asked.map_or_else(Vec::new, |(_, list)| {
            list.split(['[', ']', '"', ',', ' ']).filter(|part| !part.is_empty()).collect()
        })
    }

    /// Asks for the role.
    fn ask(&self, identity: &Identity, attempt: &Attempt<'_>, choosing: Choosing) -> Step {
        let choices = choosing.roles.iter().map(|role| Choice {
            value: role.role.id.clone(),
            label: role.role.name.clone(),
            detail: match &*role.organisation_name {
                "" => format!("at {}", role.organisation),
                name => format!("at {name} ({})", role.organisation),
            },
        });
        let question = Question {
            title: "Choose your role",
            text: "You have roles at more than one place. Choose the one that you are working in now."
                .to_owned(),
            wrong: None,
            asks: Asks::Choice(choices.collect()),
            ticket: identity.random.token(32),
            next: Some(choosing.next.clone()),
        };
        self.choosing.put(&question.ticket, attempt.cookie, choosing, self.link.now());
        Step::Ask(question)
    }

    /// The role was chosen.
    async fn chosen(&self, identity: &Identity, attempt: &Attempt<'_>) -> Result<Step, UpstreamError> {
        let taken = self.choosing.take(attempt.field("ticket"), attempt.cookie, self.link.now());
        let Some(Choosing { accepted, roles, next }) = taken else {
            return Err(UpstreamError::refused("ticket", "The choice took too long. Sign in again."));
        };
        let choice = attempt.field("choice");
        let Some(role) = roles.into_iter().find(|role| role.role.id == choice) else {
            return Err(UpstreamError::refused(
                "role_unknown",
                "That is not one of your roles. Sign in again.",
            ));
        };
        self.finish(identity, attempt, accepted, Some(role), next).await
    }

    /// Finds or makes the account.
    async fn finish(
        &self,
        identity: &Identity,
        attempt: &Attempt<'_>,
        accepted: Accepted,
        role: Option<NrbacRole>,
        next: String,
    ) -> Result<Step, UpstreamError> {
        let mut how = Authentication::local(&*self.name, accepted.assurance, accepted.at);
        how.address = attempt.address;
        let now = self.link.now();
        let after = |seconds: Option<u32>| seconds.map(|s| i64::from(s) * 1000);
        how.ends_at = after(self.config.session_s).map(|ms| now.plus_millis(ms));
        how.idle_ms = after(self.config.idle_s);
        if let Some(role) = role {
            how.role = Some(role.role);
            how.organisation = Some(role.organisation);
        }
        let admission = Admission {
            person: accepted.person,
            token_sub: accepted.token_sub,
            sid: accepted.sid,
            tokens: accepted.tokens,
            how,
        };
        let who: Proven = self.admit(identity, admission).await?;
        Ok(Step::Proven { who, next: Some(next) })
    }

    async fn step(&self, identity: &Identity, attempt: Attempt<'_>) -> Result<Step, IdentityError> {
        let done = if !attempt.field("ticket").is_empty() {
            self.chosen(identity, &attempt).await
        } else if !attempt.field("state").is_empty() {
            self.back(identity, &attempt).await
        } else if attempt.fields.iter().any(|(name, _)| name == "code" || name == "error") {
            // An answer without state was not asked for.
            Err(UpstreamError::refused("state", "This sign-in was not started here. Start again."))
        } else {
            self.begin(identity, &attempt).await
        };
        match done {
            Ok(step) => Ok(step),
            Err(UpstreamError::Refused { why, text }) => {
                let entry = Entry::new(identity.now(), "system:unknown-user", Action::SignIn)
                    .outcome(Outcome::Refused)
                    .with("method", &*self.name)
                    .with("why", why);
                let entry = with_address(entry, attempt.address);
                identity.store.write(move |tx| wardline_audit::append(tx, &entry)).await?;
                Err(IdentityError::SignInRefused(text))
            }
            Err(UpstreamError::Unavailable(why)) => {
                tracing::warn!(provider = %self.config.id, %why, "an identity provider cannot be used now");
                Err(IdentityError::ProviderUnavailable)
            }
            Err(UpstreamError::Server(error)) => Err(error),
        }
    }
}

impl SignInMethod for Upstream {
    fn name(&self) -> &str {
        &self.name
    }

    fn offer(&self) -> Offer {
        Offer::Elsewhere { label: self.config.label.clone() }
    }

    fn prove<'a>(&'a self, identity: &'a Identity, attempt: Attempt<'a>) -> StepFuture<'a> {
        Box::pin(self.step(identity, attempt))
    }
}
