//! `GET /sync` (Client-Server API, "Syncing").
//!
//! - [`Sync`]: the long poll. It asks the hub whether there is news, builds an answer if so, and else waits.
//! - `build`: one answer from one snapshot of the store; `room`: one room in it, with its `timeline`, its `state`,
//!   its `summary` and what is `ephemeral`.
//! - `membership`: what became of the user's membership since they last asked.
//! - `quick`: the usual answer, from memory; `memo`: what it keeps for that.
//! - `lazy`: which members each device knows.
//! - `token`: what a client has seen.
//! - [`sliding`]: the same for a part of the rooms (MSC4186).
//!
//! # Invariants
//! - An answer is a function of the token, the filter and one snapshot of the store. Asking again with the same
//!   token loses nothing, whatever became of the first answer.
//! - An incremental answer looks only at rooms in which something happened, as the hub names them.
//! - Events are copied from the bytes that were made when they were sent.

mod build;
mod ephemeral;
mod json;
mod lazy;
mod membership;
mod memo;
mod quick;
mod room;
mod shape;
pub mod sliding;
mod state;
mod summary;
mod timeline;
mod token;
mod write;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::futures::Notified;
use tokio::time::{Instant, sleep_until};
use wardline_domain::ruma::OwnedUserId;
use wardline_store::{Pos, StoreError, UserNid, stream, to_device};

pub use token::SyncToken;

use quick::Quick;

use crate::filters::Filter;
use crate::hub::{Hub, News};
use crate::presence::{self, Presence};
use crate::typing::Typing;
use crate::{Context, EngineError};

/// The longest that one request waits.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// An answer about more rooms than this is built on a thread for blocking work.
const FEW_ROOMS: usize = 16;

/// What a client asks for.
#[derive(Clone, Debug)]
pub struct SyncRequest {
    /// Who asks.
    pub user: UserNid,
    /// The same, as an id.
    pub user_id: OwnedUserId,
    /// From which device.
    pub device: Arc<str>,
    /// What the client has seen; `None`: nothing.
    pub since: Option<SyncToken>,
    /// What it wants to get. Shared: many devices have the same.
    pub filter: Arc<Filter>,
    /// Whether it wants the whole state of all rooms.
    pub full_state: bool,
    /// Whether it wants the state after instead of before the timeline (`use_state_after`).
    pub state_after: bool,
    /// Whether it asked for that under the stable name (MSC4222).
    pub stable_state_after: bool,
    /// How others are to see the user while they wait.
    pub set_presence: presence::State,
}

/// The long poll.
#[derive(Clone, Debug)]
pub struct Sync {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    context: Arc<Context>,
    hub: Arc<Hub>,
    typing: Arc<Typing>,
    presence: Arc<Presence>,
    names: state::KeyNames,
    told: lazy::ToldMembers,
    memo: memo::Memo,
}

/// An answer that is built.
struct Answer {
    body: String,
    token: SyncToken,
    /// The version of the typing people that the answer is based on.
    typing: u64,
    /// Likewise the version of presence.
    presence: u64,
    /// Whether it says anything that the client does not know.
    worth_telling: bool,
}

/// What a waiting request has looked at so far.
#[derive(Clone, Copy)]
struct Looked {
    token: SyncToken,
    /// The position after which anything is news: that of the token, or an earlier one if messages wait.
    pos: Pos,
    typing: u64,
    presence: u64,
}

impl Sync {
    /// Over `context`; `hub` follows its store.
    #[must_use]
    pub fn new(context: Arc<Context>, hub: Arc<Hub>, typing: Arc<Typing>, presence: Arc<Presence>) -> Self {
        let inner = Inner {
            context,
            hub,
            typing,
            presence,
            names: state::KeyNames::default(),
            told: lazy::ToldMembers::default(),
            memo: memo::Memo::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Answers with the JSON of the response as soon as there is something to tell, at the latest after `wait`. A
    /// request without a token, or for the full state, is answered at once.
    ///
    /// Messages to the device that the token acknowledges are deleted.
    ///
    /// # Errors
    /// Any failure of the database.
    pub async fn sync(&self, request: SyncRequest, wait: Duration) -> Result<String, EngineError> {
        let request = Arc::new(request);
        let deadline = Instant::now() + wait.min(LONGEST_WAIT);
        let news = self.inner.hub.news(request.user);
        let _waiting = self.inner.presence.wait(request.user, &request.user_id, request.set_presence);
        let since = match request.since {
            Some(since) if self.inner.is_acknowledged(&request, since, &news) => Some(since),
            // In boxes: what seldom happens must not make every waiting request larger.
            _ => Box::pin(self.acknowledge(&request)).await?,
        };
        let known = since.filter(|since| !since.is_void);
        let mut looked = known.map(|token| self.inner.first_look(&request, &news, token));
        let mut answer = None;
        loop {
            // Registered before looking: what happens from here on rings it.
            let mut waiter = pin!(news.waiter());
            waiter.as_mut().enable();
            let is_quiet = looked.is_some_and(|looked| {
                !news.any_since(looked.pos, looked.typing) && news.presence() <= looked.presence
            });
            let quick = match looked.filter(|_| !is_quiet) {
                Some(looked) => quick::answer(&self.inner, &request, looked.token, &news)?,
                None => Quick::Elsewhere,
            };
            if let Quick::Answer(body) = quick {
                return Ok(body);
            }
            let is_quiet = is_quiet || matches!(quick, Quick::Nothing);
            if !is_quiet || request.full_state {
                let since = looked.map(|looked| looked.token).or(since);
                let built = Box::pin(self.build(&request, since, &news)).await?;
                if built.worth_telling || request.full_state || looked.is_none() {
                    return Ok(built.body);
                }
                looked = Some(Looked {
                    token: built.token,
                    pos: built.token.pos,
                    typing: built.typing,
                    presence: built.presence,
                });
                answer = Some(built);
            }
            if !rang(&self.inner.context, deadline, waiter).await {
                break;
            }
        }
        if let Some(answer) = answer {
            return Ok(answer.body);
        }
        if let Some(looked) = looked
            && let Some(body) = quick::in_vain(&self.inner, &request, looked.token, &news)?
        {
            return Ok(body);
        }
        Ok(Box::pin(self.build(&request, since, &news)).await?.body)
    }

    /// Deletes the messages to the device that it has got, and answers with what it has seen, as far as the token may
    /// be believed.
    ///
    /// The deletion is not waited for: what is lost in a crash is deleted by the next request.
    async fn acknowledge(&self, request: &SyncRequest) -> Result<Option<SyncToken>, EngineError> {
        let Some(since) = request.since else { return Ok(None) };
        let (inner, user, device) = (&self.inner, request.user, Arc::clone(&request.device));
        let store = &inner.context.store;
        let since = store.read_now(|tx| {
            let Some(since) = since.believed(store.epochs(), stream::head(tx)?) else { return Ok(None) };
            let upto = since.to_device.min(since.pos);
            Ok::<_, StoreError>(Some((since, upto, to_device::waits_upto(tx, user, &device, upto)?)))
        })?;
        let Some((since, upto, acknowledges)) = since else { return Ok(None) };
        if !acknowledges {
            inner.memo.note_empty(user, &request.device, upto);
        } else {
            drop(store.submit(move |tx| to_device::delete_upto(tx, user, &device, upto)).await?);
        }
        Ok(Some(since))
    }

    async fn build(
        &self,
        request: &Arc<SyncRequest>,
        since: Option<SyncToken>,
        news: &News,
    ) -> Result<Answer, EngineError> {
        let store = &self.inner.context.store;
        let is_small = !request.full_state
            && since.is_some_and(|since| !since.is_void && news.since(since.pos, 0).rooms.len() <= FEW_ROOMS);
        if is_small {
            return store.read_now(|tx| build::build(tx, &self.inner, request, since, news));
        }
        let (inner, request, news) = (Arc::clone(&self.inner), Arc::clone(request), news.clone());
        store.read(move |tx| build::build(tx, &inner, &request, since, &news)).await
    }
}

/// Waits for news, at the latest until the deadline or until the server stops: a waiting request is answered then
/// as if its time were up, and its client finds the successor of this process. Whether there is news.
async fn rang(context: &Context, deadline: Instant, waiter: Pin<&mut Notified<'_>>) -> bool {
    tokio::select! {
        biased;
        () = waiter => true,
        () = sleep_until(deadline) => false,
        () = context.stop.cancelled() => false,
    }
}

impl Inner {
    /// Whether there is nothing to acknowledge, as no message to the device waits.
    fn is_acknowledged(&self, request: &SyncRequest, since: SyncToken, news: &News) -> bool {
        since.epoch == self.context.store.epochs().current()
            && since.pos <= self.hub.applied()
            && self.memo.is_empty(request.user, &request.device, news.last())
    }

    /// What counts as looked at for a client that comes with `token`.
    fn first_look(&self, request: &SyncRequest, news: &News, token: SyncToken) -> Looked {
        let typing = if token.typing == 0 {
            // It shows nobody typing; where somebody does is news.
            let version = self.typing.version();
            let busy = news.since(Pos::MAX, 0).typing;
            let is_news = busy
                .iter()
                .any(|room| self.typing.is_anybody(*room) && self.hub.is_joined(*room, request.user));
            if is_news { 0 } else { version }
        } else {
            token.typing
        };
        // What an earlier process told of typing people is to be taken back at once.
        let is_old = token.typing != 0 && token.typing < self.typing.epoch();
        // More messages may wait than the last answer held.
        let pos = if is_old { 0 } else { token.pos.min(token.to_device) };
        Looked { token, pos, typing, presence: token.presence }
    }
}
