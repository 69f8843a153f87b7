//! Simplified sliding sync (MSC4186): the client says which part of its list of rooms it looks at, and gets that.
//!
//! - [`SlidingSync`]: the long poll, like that of `/sync` and over the same hub.
//! - `request`: what a client asks for; `required`: how much of a room.
//! - `order`: a user's rooms in their order, and the filters of lists.
//! - `connection`: what each client was told, as of its last two positions.
//! - `build`: one answer from one snapshot; `room`: one room in it; `extensions`: what is told besides.
//!
//! # Invariants
//! - An answer is a function of the request, what the client has acknowledged, and one snapshot of the store: a
//!   lost answer is given again.
//! - A room is looked at only if something happened in it that the client does not know, or if the client asks for
//!   more of it. Besides that an answer costs a walk through the user's rooms in memory.
//! - A room that leaves the window and comes back is told from where the client knows it.

mod build;
mod connection;
mod extensions;
mod order;
mod request;
mod required;
mod room;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use wardline_domain::ruma::OwnedRoomId;
use wardline_store::{Pos, StoreError, stream, to_device};

pub use request::{
    Details, Extensions, Limited, List, ListFilter, Scope, SlidingBody, SlidingRequest, Switch, ToDevice,
};
pub use required::RequiredState;

use self::connection::{Change, Connections, Told};
use self::required::Wanted;
use super::{FEW_ROOMS, LONGEST_WAIT, SyncToken, rang, state};
use crate::hub::{Hub, News};
use crate::typing::Typing;
use crate::{Context, EngineError};

/// The long poll.
#[derive(Clone, Debug)]
pub struct SlidingSync {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    context: Arc<Context>,
    hub: Arc<Hub>,
    typing: Arc<Typing>,
    names: state::KeyNames,
    orders: order::Orders,
    connections: Connections,
    /// Tells positions of this process from those of others.
    life: String,
    /// The number of the last answer.
    last: AtomicU64,
}

/// One request, once it is clear what its client knows.
struct Asked {
    request: SlidingRequest,
    told: Arc<Told>,
    subscriptions: Arc<BTreeMap<OwnedRoomId, Arc<Wanted>>>,
    /// Messages to the device up to this position are there.
    messages: Pos,
}

/// An answer that is built; its `pos` is not in it yet.
struct Answer {
    body: String,
    change: Change,
    /// The version of the typing people that the answer is based on.
    typing: u64,
    /// Whether it says anything that the client does not know.
    worth_telling: bool,
}

impl SlidingSync {
    /// Over `context`; `hub` follows its store.
    #[must_use]
    pub fn new(context: Arc<Context>, hub: Arc<Hub>, typing: Arc<Typing>) -> Self {
        let life = context.random.token(6);
        let inner = Inner {
            context,
            hub,
            typing,
            names: state::KeyNames::default(),
            orders: order::Orders::default(),
            connections: Connections::default(),
            life,
            last: AtomicU64::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Answers with the JSON of the response as soon as there is something to tell, at the latest after `wait`. A
    /// request without `pos` is answered at once.
    ///
    /// Messages to the device that the request acknowledges are deleted.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] that names the field; [`EngineError::UnknownPos`] if the client has to begin anew;
    /// any failure of the database.
    pub async fn sync(&self, request: SlidingRequest, wait: Duration) -> Result<String, EngineError> {
        request.body.check()?;
        let inner = &self.inner;
        let base = request.pos.as_deref().map_or(Ok(0), |pos| inner.parse(pos))?;
        let key =
            (request.user, Arc::clone(&request.device), request.body.conn_id.clone().unwrap_or_default());
        let connection = match base {
            0 => inner.connections.begin(key),
            _ => inner.connections.find(&key).ok_or(EngineError::UnknownPos)?,
        };
        let told = connection.told(base).ok_or(EngineError::UnknownPos)?;
        let messages = inner.acknowledge(&request).await?;
        let subscriptions = inner.subscriptions(&request, &told);
        let asked = Arc::new(Asked { request, told, subscriptions, messages });
        let news = inner.hub.news(asked.request.user);
        let deadline = Instant::now() + wait.min(LONGEST_WAIT);
        loop {
            // Registered before looking: what happens from here on rings it.
            let mut waiter = pin!(news.waiter());
            waiter.as_mut().enable();
            let answer = self.build(&asked, &news).await?;
            let (upto, typing) = (answer.change.head.pos, answer.typing);
            let mut is_over = answer.worth_telling || base == 0;
            while !is_over && !news.any_since(upto, typing) {
                is_over = !rang(&inner.context, deadline, waiter.as_mut()).await;
                waiter.set(news.waiter());
                waiter.as_mut().enable();
            }
            if is_over || Instant::now() >= deadline {
                let id = inner.last.fetch_add(1, Ordering::Relaxed) + 1;
                connection.answered(base, id, answer.change);
                return Ok(format!("{{\"pos\":\"s{upto}_{}_{id}\"{}", inner.life, answer.body));
            }
        }
    }

    async fn build(&self, asked: &Arc<Asked>, news: &News) -> Result<Answer, EngineError> {
        let store = &self.inner.context.store;
        if asked.is_small(news) {
            return store.read_now(|tx| build::build(tx, &self.inner, asked, news));
        }
        let (inner, asked, news) = (Arc::clone(&self.inner), Arc::clone(asked), news.clone());
        store.read(move |tx| build::build(tx, &inner, &asked, &news)).await
    }
}

impl Inner {
    /// The number in a `pos` of this process. Before it is the position of the stream, so that a `pos` is also a
    /// token for `GET /messages`.
    fn parse(&self, pos: &str) -> Result<u64, EngineError> {
        let (_, mine) = pos.split_once('_').ok_or(EngineError::UnknownPos)?;
        let (_, id) =
            mine.rsplit_once('_').filter(|(life, _)| *life == self.life).ok_or(EngineError::UnknownPos)?;
        id.parse().ok().filter(|id| *id != 0).ok_or(EngineError::UnknownPos)
    }

    /// Deletes the messages to the device that it has got, and answers up to where that is.
    ///
    /// The deletion is not waited for: what is lost in a crash is deleted by the next request.
    async fn acknowledge(&self, request: &SlidingRequest) -> Result<Pos, EngineError> {
        let extension = &request.body.extensions.to_device;
        let Some(since) = extension.since.as_deref().filter(|_| extension.enabled == Some(true)) else {
            return Ok(0);
        };
        // Of the same form as those of `/sync`: a client may come from there.
        let since: SyncToken = since
            .parse()
            .map_err(|_| EngineError::invalid("extensions.to_device.since", "not a token of this server"))?;
        let (store, user, device) = (&self.context.store, request.user, Arc::clone(&request.device));
        let since = store.read_now(|tx| {
            let Some(since) = since.believed(store.epochs(), stream::head(tx)?) else { return Ok(None) };
            let since = since.to_device.min(since.pos);
            Ok::<_, StoreError>(Some((since, to_device::waits_upto(tx, user, &device, since)?)))
        })?;
        let Some((since, acknowledges)) = since else { return Ok(0) };
        if acknowledges {
            drop(store.submit(move |tx| to_device::delete_upto(tx, user, &device, since)).await?);
        }
        Ok(since)
    }

    /// The rooms that the client is subscribed to from now on: some clients name them once, others every time.
    fn subscriptions(
        &self,
        request: &SlidingRequest,
        told: &Told,
    ) -> Arc<BTreeMap<OwnedRoomId, Arc<Wanted>>> {
        let body = &request.body;
        if body.room_subscriptions.is_empty() && body.unsubscribe_rooms.is_empty() {
            return Arc::clone(&told.head.subscriptions);
        }
        let mut all = (*told.head.subscriptions).clone();
        all.retain(|room, _| !body.unsubscribe_rooms.contains(room));
        let fresh = body.room_subscriptions.keys().filter(|room| !all.contains_key(*room)).count();
        if all.len() + fresh > request::MOST_SUBSCRIPTIONS {
            all.clear();
        }
        for (room, details) in &body.room_subscriptions {
            let wanted = details.wanted();
            if all.get(room).is_none_or(|known| **known != wanted) {
                all.insert(room.clone(), Arc::new(wanted));
            }
        }
        Arc::new(all)
    }
}

impl Asked {
    /// Whether the answer is about few rooms.
    fn is_small(&self, news: &News) -> bool {
        let head = &self.told.head;
        if head.pos == 0 || news.since(head.pos, 0).rooms.len() > FEW_ROOMS {
            return false;
        }
        let asked_for = |(name, list): (&String, &List)| {
            let count = head.counts.get(name).copied().unwrap_or(usize::MAX);
            let ranges = list.ranges().map(|(first, last)| last.min(count).saturating_sub(first));
            ranges.fold(0_usize, usize::saturating_add)
        };
        let rooms = self.request.body.lists.iter().map(asked_for).fold(0, usize::saturating_add);
        rooms.saturating_add(self.subscriptions.len()) <= self.told.rooms.len() + FEW_ROOMS
    }
}
