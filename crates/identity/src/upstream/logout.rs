//! Sessions end because the provider says so (Back-Channel Logout 1.0), and the way to sign out there too
//! (RP-Initiated Logout 1.0).

use std::collections::HashMap;

use parking_lot::Mutex;
use serde_json::Value;
use wardline_audit::{Action, Entry};
use wardline_domain::Timestamp;
use wardline_store::{
    sessions,
    upstream::{self, Ended},
};

use super::{Claims, LogoutError, Upstream, UpstreamError, jwt};
use crate::{
    Identity, IdentityError,
    oauth::{Visitor, forget_pages_of},
    token::{self, TokenHash},
};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// A logout token is good for this long after it was made, in seconds.
const FRESH_S: i64 = 5 * 60;
/// Tokens remembered at one time.
const MAX_REPLAYS: usize = 65_536;

/// The ids of logout tokens that were used, for as long as they would be accepted.
#[derive(Debug, Default)]
pub(super) struct Replays(Mutex<HashMap<TokenHash, Timestamp>>);

impl Replays {
    /// Notes an id. False if it was used before.
    fn first(&self, id: &str, now: Timestamp) -> bool {
        let mut seen = self.0.lock();
        if seen.len() >= MAX_REPLAYS {
            seen.retain(|_, ends| *ends > now);
        }
        let ends = now.plus_millis((FRESH_S + 2 * jwt::LEEWAY_S) * 1000);
        match seen.insert(token::hash(id), ends) {
            Some(before) => before <= now,
            None => true,
        }
    }
}

impl Upstream {
    /// Checks a logout token: which sign-ins it ends.
    async fn logout_token(&self, text: &str) -> Result<Ended, LogoutError> {
        let refused = |why: &str| LogoutError::Token(why.to_owned());
        let explain = |error| match error {
            UpstreamError::Refused { why, .. } => LogoutError::Token(why.to_owned()),
            UpstreamError::Unavailable(_) | UpstreamError::Server(_) => LogoutError::Server,
        };
        let (claims, kind) = self.link.verify(&self.config, text).await.map_err(explain)?;
        // "logout+jwt" is recommended, other types are tolerated as the specification asks, but never an access token.
        if kind.is_some_and(|kind| kind.contains("at+jwt")) {
            return Err(refused("typ: is not a logout token's"));
        }
        let now = self.link.now();
        jwt::check_common(&claims, &self.config.issuer, &self.config.client_id, now).map_err(explain)?;
        let age = claims.number("iat").map(|at| now.as_millis() / 1000 - at);
        if age.is_none_or(|age| age > FRESH_S + jwt::LEEWAY_S) {
            return Err(refused("iat: is too long ago"));
        }
        ended_by(&claims).map_err(refused).and_then(|ended| {
            let id =
                claims.text("jti").filter(|id| !id.is_empty()).ok_or_else(|| refused("jti: is required"))?;
            if !self.replays.first(id, now) {
                return Err(refused("jti: was used before"));
            }
            Ok(ended)
        })
    }
}

/// What a logout token's own claims say.
fn ended_by(claims: &Claims) -> Result<Ended, &'static str> {
    if claims.get("nonce").is_some() {
        return Err("nonce: must not be there");
    }
    let event = claims.get("events").and_then(|events| events.get(EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err("events: must have the back-channel logout event");
    }
    let sub = claims.text("sub").filter(|sub| !sub.is_empty()).map(str::to_owned);
    match (claims.text("sid").filter(|sid| !sid.is_empty()), sub) {
        (Some(sid), sub) => Ok(Ended::Session(sid.to_owned(), sub)),
        (None, Some(sub)) => Ok(Ended::Person(sub)),
        (None, None) => Err("sub: sub or sid is required"),
    }
}

impl Identity {
    /// Acts on a logout token of a provider: the sessions that follow from the sign-ins that it names end at once.
    /// How many there were.
    ///
    /// # Errors
    /// [`LogoutError`].
    pub async fn back_channel_logout(
        &self,
        provider: &str,
        logout_token: &str,
    ) -> Result<usize, LogoutError> {
        let upstream = self.provider(provider).ok_or(LogoutError::UnknownProvider)?;
        let ended = upstream.logout_token(logout_token).await?;
        self.end_upstream(provider, ended, "back-channel-logout").await.map_err(|_| LogoutError::Server)
    }

    /// Ends what follows from sign-ins at a provider. Devices and their keys stay: their people may sign in again if
    /// the provider lets them. How many sessions there were.
    pub(super) async fn end_upstream(
        &self,
        provider: &str,
        ended: Ended,
        why: &'static str,
    ) -> Result<usize, IdentityError> {
        let (at, provider) = (self.now(), provider.to_owned());
        let gone = self
            .store
            .write(move |tx| {
                let mut gone = Vec::new();
                for row in upstream::of_ended(tx, &provider, &ended)? {
                    forget_pages_of(tx, row.login.user)?;
                    let entry = |action| {
                        Entry::new(at, format!("system:oidc:{provider}"), action)
                            .target(row.user_id.as_str())
                            .with("why", why)
                    };
                    let mut any = false;
                    for (session, device) in upstream::end(tx, row.id)? {
                        if sessions::revoke(tx, session)? {
                            let entry = entry(Action::SignOut).device(device);
                            wardline_audit::append(tx, &entry.with("session", session.to_string()))?;
                            gone.push(session);
                            any = true;
                        }
                    }
                    if !any {
                        wardline_audit::append(tx, &entry(Action::SignOut).with("on", "page"))?;
                    }
                }
                Ok(gone)
            })
            .await?;
        self.sessions.forget(|session| gone.contains(&session.session_id));
        Ok(gone.len())
    }

    /// The address at the visitor's provider where their browser signs out there too, if they came from one that has
    /// one.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn upstream_sign_out(&self, visitor: &Visitor) -> Result<Option<String>, IdentityError> {
        let Some(login) = visitor.proven.authentication.upstream else { return Ok(None) };
        let Some(row) = self.store.read_now(|tx| upstream::login(tx, login))? else { return Ok(None) };
        let Some(provider) = self.provider(&row.login.provider) else { return Ok(None) };
        let tokens = self.open_tokens(&row.login)?;
        Ok(provider.sign_out_address(tokens.id_token.as_deref()).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_logout_token_must_say() {
        let read = |value: Value| ended_by(&Claims(value.as_object().unwrap().clone()));
        let events = json!({ EVENT: {} });
        assert_eq!(
            read(json!({ "events": events, "sub": "1", "sid": "s" })),
            Ok(Ended::Session("s".into(), Some("1".into())))
        );
        assert_eq!(read(json!({ "events": events, "sub": "1" })), Ok(Ended::Person("1".into())));
        for bad in [
            json!({ "events": events, "sub": "1", "nonce": "n" }),
            json!({ "events": events }),
            json!({ "events": { EVENT: true }, "sub": "1" }),
            json!({ "events": { "other": {} }, "sub": "1" }),
            json!({ "sub": "1" }),
        ] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_is_acted_on_once() {
        let replays = Replays::default();
        assert!(replays.first("a", Timestamp(0)));
        assert!(!replays.first("a", Timestamp(1)));
        assert!(replays.first("b", Timestamp(1)));
    }
}
