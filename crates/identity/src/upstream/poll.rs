//! Sessions end because the provider says so when it is asked: within 15 minutes of a person's account there being
//! disabled, or of the role that they signed in with being taken away.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::MissedTickBehavior};
use wardline_store::upstream::{self, Ended, LoginRow};

use super::{
    Poll, Profile, Upstream, UpstreamError,
    exchange::{self, Still, TokenSet},
    profile_cis2,
};
use crate::{Identity, IdentityError};

/// How often the server looks for questions that are due, in seconds, where no provider is to be asked more often.
const LOOK_EVERY_S: u32 = 30;
/// Questions at one time to one provider.
const AT_ONCE: usize = 8;
/// Sign-ins that are read at one time.
const A_PAGE: u32 = 500;
/// Sign-ins that nothing follows from are forgotten after this long.
const UNUSED_MS: i64 = 24 * 60 * 60 * 1000;

impl Upstream {
    /// Asks the provider about one sign-in.
    async fn ask_about(
        &self,
        identity: &Identity,
        row: &LoginRow,
        tokens: &TokenSet,
    ) -> Result<Still, UpstreamError> {
        let (config, random, link) = (&self.config, &*identity.random, &self.link);
        let still = match config.poll {
            Poll::None => return Ok(Still::Yes(None)),
            Poll::RefreshToken => exchange::refresh(config, random, link, tokens).await?,
            Poll::Introspection => exchange::introspect(config, random, link, tokens).await?,
            Poll::UserInfo => Still::Yes(None),
        };
        let Still::Yes(new) = still else { return Ok(Still::No) };
        let access = new.as_ref().unwrap_or(tokens).access_token.as_deref();
        let ask_person = config.poll == Poll::UserInfo || (config.user_info && new.is_some());
        let (true, Some(access)) = (ask_person, access) else { return Ok(Still::Yes(new)) };
        let Some(claims) = exchange::user_info(config, link, access).await? else {
            // An access token that was just given and is refused, or that was the only sign of life.
            return Ok(Still::No);
        };
        let role_gone = config.profile == Profile::Cis2
            && row.login.role.as_deref().is_some_and(|role| !profile_cis2::still_has(&claims, role));
        if claims.text("sub") != Some(&row.login.token_sub) || role_gone {
            return Ok(Still::No);
        }
        Ok(Still::Yes(new))
    }
}

impl Identity {
    /// Asks providers about sign-ins for ever, as often as each one's configuration says.
    pub async fn watch_providers(self: Arc<Self>) {
        let asked =
            self.providers.iter().map(|provider| &provider.config).filter(|one| one.poll != Poll::None);
        let Some(shortest) = asked.map(|config| config.poll_s).min() else { return };
        let mut ticks = tokio::time::interval(Duration::from_secs(shortest.clamp(1, LOOK_EVERY_S).into()));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.ask_providers().await {
                tracing::warn!(%error, "could not look after sign-ins with identity providers");
            }
        }
    }

    /// Asks providers about the sign-ins that are due, once, and ends what they say has ended. How many sessions
    /// ended.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn ask_providers(self: &Arc<Self>) -> Result<usize, IdentityError> {
        let before = self.now().plus_millis(-UNUSED_MS);
        self.store.write(move |tx| upstream::forget_unused(tx, before)).await?;
        // Each on its own: one that does not answer must not hold up the others.
        let mut rounds = JoinSet::new();
        for provider in self.providers.iter().filter(|provider| provider.config.poll != Poll::None) {
            let (identity, provider) = (Arc::clone(self), Arc::clone(provider));
            rounds.spawn(async move { identity.ask_provider(&provider).await });
        }
        let mut ended = 0;
        while let Some(done) = rounds.join_next().await {
            ended += counted(Some(done));
        }
        Ok(ended)
    }

    /// Asks one provider about every sign-in that is due. How many sessions ended.
    async fn ask_provider(self: &Arc<Self>, provider: &Arc<Upstream>) -> Result<usize, IdentityError> {
        let id = &provider.config.id;
        let due_before = self.now().plus_millis(-i64::from(provider.config.poll_s) * 1000);
        let (mut ended, mut after, mut asking) = (0, 0, JoinSet::new());
        loop {
            let due = self.store.read_now(|tx| upstream::due(tx, id, due_before, after, A_PAGE))?;
            let Some(last) = due.last() else { break };
            after = last.id;
            for row in due {
                if asking.len() >= AT_ONCE {
                    ended += counted(asking.join_next().await);
                }
                let (identity, provider) = (Arc::clone(self), Arc::clone(provider));
                asking.spawn(async move { identity.ask_about(&provider, row).await });
            }
        }
        while let Some(done) = asking.join_next().await {
            ended += counted(Some(done));
        }
        Ok(ended)
    }

    async fn ask_about(&self, provider: &Upstream, row: LoginRow) -> Result<usize, IdentityError> {
        let tokens = self.open_tokens(&row.login)?;
        match provider.ask_about(self, &row, &tokens).await {
            Ok(Still::Yes(new)) => {
                let at = self.now();
                let login = &row.login;
                let sealed =
                    new.map(|new| self.seal_tokens(&login.provider, &login.subject, &new)).transpose()?;
                self.store.write(move |tx| upstream::checked(tx, row.id, at, sealed.as_deref())).await?;
                Ok(0)
            }
            Ok(Still::No) => {
                self.end_upstream(&row.login.provider, Ended::Login(row.id), "ended-at-provider").await
            }
            // Asked again at the next round: a provider that is down signs nobody out.
            Err(UpstreamError::Unavailable(why)) => {
                tracing::warn!(provider = %provider.config.id, %why, "an identity provider cannot be asked now");
                Ok(0)
            }
            Err(UpstreamError::Refused { why, .. }) => {
                tracing::warn!(provider = %provider.config.id, why, "an identity provider's answer is not acceptable");
                Ok(0)
            }
            Err(UpstreamError::Server(error)) => Err(error),
        }
    }
}

fn counted(done: Option<Result<Result<usize, IdentityError>, tokio::task::JoinError>>) -> usize {
    match done {
        Some(Ok(Ok(ended))) => ended,
        Some(Ok(Err(error))) => {
            tracing::warn!(%error, "a sign-in with an identity provider could not be looked after");
            0
        }
        Some(Err(_)) | None => 0,
    }
}
