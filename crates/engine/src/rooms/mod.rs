//! Rooms: everything that changes or reads one.
//!
//! A change is an operation that the room's executor (`shard`) builds on the room's head in memory and
//! answers when it is durable; see the architecture. Reading goes to the store and the cache of events and
//! never waits for an executor. Every read takes a [`Caller`] and shows only what that user may see.

mod administration;
mod aliases;
mod carry;
mod commit;
mod create;
mod directory;
mod guests;
mod head;
mod hierarchy;
mod knock;
mod membership;
mod messages;
mod profile;
mod read;
mod relating;
mod relations;
mod report;
mod search;
mod send;
mod shard;
mod summary;
mod thread_subscriptions;
mod threads;
mod token;
mod turn;
mod upgrade;
mod visibility;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use wardline_domain::ruma::{OwnedEventId, OwnedRoomId, RoomId, UserId};
use wardline_store::txn_ids::TxnKey;
use wardline_store::{RoomNid, UserNid, rooms, users};

pub use administration::Overview;
pub use commit::Also;
pub use create::{CreateRoom, InitialState, Preset};
pub use directory::{DirectoryPage, DirectoryQuery, Network};
pub use hierarchy::{Hierarchy, HierarchyQuery, HierarchyRoom, HierarchyToken};
pub use messages::{Context as EventContext, Direction, MessagesQuery, Page};
pub use read::MembersQuery;
pub use relations::{RelationsQuery, bundle};
pub use search::{Hit, SearchPage, SearchQuery};
pub use send::Message;
pub use summary::Summary;
pub use thread_subscriptions::Changes as ThreadChanges;
pub(crate) use thread_subscriptions::changes as thread_changes;
pub use threads::{ThreadsPage, ThreadsQuery};
pub use token::Token;
pub use visibility::{Eyes, state_for};

use crate::{Context, EngineError};
use shard::{Asker, Fresh, Operation, Shard};
use turn::Plan;

/// Operations that may wait for one executor; more are refused, to come back later.
const QUEUE: usize = 4096;

/// Rooms whose numbers are kept in memory.
const ROOMS: usize = 20_000;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The user's number.
    pub user: UserNid,
    /// The user.
    pub user_id: &'a UserId,
    /// The device; `None` for the server itself acting in the name of the clerk.
    pub device: Option<&'a str>,
}

/// The rooms of this server.
#[derive(Debug)]
pub struct Rooms {
    context: Arc<Context>,
    shards: Vec<mpsc::Sender<Operation>>,
    /// Numbers of rooms. A room keeps its number for good.
    numbers: Cache<OwnedRoomId, RoomNid>,
}

/// An operation to be sent to an executor.
struct Order<'a> {
    room: &'a RoomId,
    fresh: Option<Fresh>,
    caller: Caller<'a>,
    txn: Option<TxnKey>,
    also: Option<Also>,
    plan: Plan,
}

impl Rooms {
    /// Starts the executors. They end when the last handle is dropped and everything is answered.
    #[must_use]
    pub fn start(context: Arc<Context>) -> Self {
        let (rooms, tasks) = Self::prepare(context);
        for task in tasks {
            tokio::spawn(task);
        }
        rooms
    }

    /// The same, with the executors for the caller to run.
    #[must_use]
    pub fn prepare(context: Arc<Context>) -> (Self, Vec<BoxFuture<'static, ()>>) {
        let (mut shards, mut tasks) = (Vec::new(), Vec::new());
        for _ in 0..context.config.shards.max(1) {
            let (sender, queue) = mpsc::channel(QUEUE);
            let task: BoxFuture<'static, ()> = Box::pin(Shard::new(Arc::clone(&context), queue).run());
            tasks.push(task);
            shards.push(sender);
        }
        (Self { context, shards, numbers: Cache::new(ROOMS) }, tasks)
    }

    /// The number of a room.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`] for an unknown room, so that nobody learns which rooms exist.
    pub fn nid(&self, room: &RoomId) -> Result<RoomNid, EngineError> {
        if let Some(known) = self.numbers.get(room) {
            return Ok(known);
        }
        let found = self.context.store.read_now(|tx| rooms::find(tx, room))?;
        let nid = found.ok_or_else(|| EngineError::forbidden("you are not joined to the room"))?;
        self.numbers.insert(room.to_owned(), nid);
        Ok(nid)
    }

    /// The server's own user (the clerk) as a caller.
    fn server_caller<'a>(&self, user_id: &'a UserId) -> Result<Caller<'a>, EngineError> {
        let user = self.context.store.read_now(|tx| users::find(tx, user_id))?;
        Ok(Caller { user: user.ok_or(EngineError::NotFound("user"))?, user_id, device: None })
    }

    async fn order(&self, order: Order<'_>) -> Result<OwnedEventId, EngineError> {
        let (reply, answer) = oneshot::channel();
        let operation = Operation {
            room: order.room.to_owned(),
            fresh: order.fresh,
            plan: order.plan,
            txn: order.txn,
            caller: Asker::of(order.caller),
            also: order.also.map(|also| Arc::new(Mutex::new(Some(also)))),
            reply,
            attempts: 0,
            again: false,
        };
        let mut hasher = DefaultHasher::new();
        order.room.hash(&mut hasher);
        let shard = usize::try_from(hasher.finish() % self.shards.len() as u64).unwrap_or(0);
        self.shards[shard].try_send(operation).map_err(|error| match error {
            TrySendError::Full(_) => EngineError::Busy,
            TrySendError::Closed(_) => EngineError::Stopping,
        })?;
        answer.await.map_err(|_| EngineError::Stopping)?
    }

    /// An operation of `caller` on a room that exists, without more ado.
    async fn change(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        plan: impl FnMut(&mut turn::Turn<'_>) -> Result<OwnedEventId, EngineError> + Send + 'static,
    ) -> Result<OwnedEventId, EngineError> {
        let plan: Plan = Box::new(plan);
        self.order(Order { room, fresh: None, caller, txn: None, also: None, plan }).await
    }
}
