//! A room executor: the one writer of the rooms whose ids hash to it.
//!
//! It drains many operations in one turn, builds them on the heads in memory, hands the result to the
//! committer and goes on with the next turn while the disk syncs. Callers are answered after commit. If a
//! commit fails, everything later that was built on the same head fails too (its fence does not match); then
//! the head is read again and what lost its head through no fault of its own is built once more.

use std::collections::hash_map::Entry as Slots;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use tokio::sync::{mpsc, oneshot};
use wardline_domain::pdu::Pdu;
use wardline_domain::room_version::RoomVersion;
use wardline_domain::ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use wardline_store::rooms;
use wardline_store::txn_ids::{self, TxnKey};
use wardline_store::{EventNid, RoomNid, StoreError, UserNid, events};

use super::Caller;
use super::commit::{Commit, CommitError, SharedAlso};
use super::head::Head;
use super::turn::{Nids, Plan, Staged, Turn};
use crate::{Context, EngineError};

/// Operations taken in one turn.
const TURN: usize = 64;
/// Batches that may wait for the disk at once.
const PIPELINE: usize = 64;
/// Times that an operation is built before its caller is told to come back later.
const ATTEMPTS: u8 = 5;
/// Numbers reserved at a time, and how few may be left before a turn.
const BLOCK: i64 = 16_384;
const LOW: i64 = 4096;

pub(super) type Reply = oneshot::Sender<Result<OwnedEventId, EngineError>>;

/// A room that does not exist yet: its create event, built by the caller because it may name the room.
#[derive(Clone, Debug)]
pub(super) struct Fresh {
    pub(super) create: Arc<Pdu>,
    pub(super) version: RoomVersion,
    pub(super) room_type: Option<String>,
}

/// Who asks for an operation, kept for as long as it takes.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    pub(super) user: UserNid,
    pub(super) user_id: OwnedUserId,
    pub(super) device: Option<String>,
}

impl Asker {
    pub(super) fn of(caller: Caller<'_>) -> Self {
        let (user_id, device) = (caller.user_id.to_owned(), caller.device.map(str::to_owned));
        Self { user: caller.user, user_id, device }
    }
}

/// Something to do in a room.
pub(super) struct Operation {
    pub(super) room: OwnedRoomId,
    pub(super) fresh: Option<Fresh>,
    pub(super) plan: Plan,
    pub(super) txn: Option<TxnKey>,
    pub(super) caller: Asker,
    pub(super) also: Option<SharedAlso>,
    pub(super) reply: Reply,
    /// How often it lost its head through no fault of its own.
    pub(super) attempts: u8,
    /// Whether it was built before.
    pub(super) again: bool,
}

/// One room of the executor.
#[derive(Default)]
struct Slot {
    head: Option<Head>,
    /// Events on the head that are not durable yet.
    pending: HashMap<EventNid, Arc<Pdu>>,
    /// Requests under way, with those who asked the same again.
    txns: HashMap<TxnKey, Vec<Reply>>,
    in_flight: usize,
    /// A commit failed: nothing is built until everything in flight has come back.
    poisoned: bool,
    /// It failed for a request that was answered long ago: whoever was built after it makes no attempt of theirs.
    harmless: bool,
    waiting: VecDeque<Operation>,
    last_used: u64,
}

/// Operations of one room that are committed together.
struct Batch {
    room: OwnedRoomId,
    from: i64,
    fresh: Option<Fresh>,
    operations: Vec<(Operation, OwnedEventId)>,
    events: Vec<Staged>,
    also: Option<SharedAlso>,
    head: Head,
}

/// A batch that came back from the committer.
struct Done {
    room: OwnedRoomId,
    operations: Vec<(Operation, OwnedEventId)>,
    events: Vec<EventNid>,
    outcome: Result<(), CommitError>,
}

pub(super) struct Shard {
    context: Arc<Context>,
    queue: mpsc::Receiver<Operation>,
    slots: HashMap<OwnedRoomId, Slot>,
    nids: Nids,
    in_flight: FuturesOrdered<BoxFuture<'static, Done>>,
    turns: u64,
}

impl Shard {
    pub(super) fn new(context: Arc<Context>, queue: mpsc::Receiver<Operation>) -> Self {
        let in_flight = FuturesOrdered::new();
        Self { context, queue, slots: HashMap::new(), nids: Nids::default(), in_flight, turns: 0 }
    }

    /// Runs until nobody can send operations any more and everything in flight is answered.
    pub(super) async fn run(mut self) {
        let mut operations = Vec::with_capacity(TURN);
        let mut open = true;
        while open || !self.in_flight.is_empty() {
            tokio::select! {
                biased;
                Some(done) = self.in_flight.next(), if !self.in_flight.is_empty() => {
                    let again = self.finish(done);
                    self.turn(again).await;
                }
                received = self.queue.recv_many(&mut operations, TURN),
                    if open && self.in_flight.len() < PIPELINE =>
                {
                    open = received > 0;
                    self.turn(std::mem::take(&mut operations)).await;
                }
            }
        }
    }

    async fn turn(&mut self, operations: Vec<Operation>) {
        if operations.is_empty() {
            return;
        }
        self.turns += 1;
        if let Err(error) = self.reserve().await {
            for operation in operations {
                drop(operation.reply.send(Err(error.clone())));
            }
            return;
        }
        let mut batches: Vec<Batch> = Vec::new();
        for operation in operations {
            self.prepare(operation, &mut batches).await;
        }
        for batch in batches {
            self.submit(batch).await;
        }
        self.evict();
    }

    async fn reserve(&mut self) -> Result<(), EngineError> {
        if self.nids.left() < LOW {
            let next = self.context.store.write(|tx| rooms::reserve_nids(tx, BLOCK)).await?;
            self.nids = Nids { next, end: next + BLOCK };
        }
        Ok(())
    }

    /// Builds one operation and adds it to its room's batch, or answers it at once.
    async fn prepare(&mut self, operation: Operation, batches: &mut Vec<Batch>) {
        let slot = self.slots.entry(operation.room.clone()).or_default();
        slot.last_used = self.turns;
        if slot.poisoned {
            slot.waiting.push_back(operation);
            return;
        }
        let Some(mut operation) = join_repeated(slot, operation) else { return };
        if slot.head.is_none() {
            match load(&self.context, &operation.room, operation.fresh.as_ref(), &mut self.nids).await {
                Ok(head) => slot.head = Some(head),
                Err(error) => {
                    drop(operation.reply.send(Err(error)));
                    return;
                }
            }
        }
        let Some(head) = &mut slot.head else { return };
        match build(&self.context, head, &slot.pending, &mut self.nids, &mut operation) {
            Ok((from, answer, staged)) => {
                if let Some(txn) = &operation.txn {
                    slot.txns.entry(txn.clone()).or_default();
                }
                slot.pending.extend(staged.iter().map(|staged| (staged.nid, Arc::clone(&staged.pdu))));
                add(batches, head, operation, from, answer, staged);
            }
            Err(error) => {
                let found = refused(&self.context, &operation, error);
                answer(slot, operation, &found);
            }
        }
    }

    async fn submit(&mut self, mut batch: Batch) {
        let events = batch.events.iter().map(|staged| staged.nid).collect();
        let commit = Commit {
            context: Arc::clone(&self.context),
            from: batch.from,
            head: batch.head.to_row(),
            creator: batch.fresh.take().map(|fresh| fresh.create.sender.clone()),
            events: batch.events,
            also: batch.also,
        };
        if let Some(slot) = self.slots.get_mut(&batch.room) {
            slot.in_flight += 1;
        }
        let store = &self.context.store;
        let queued = if commit.also.is_none() {
            store.submit_decided(move |tx| commit.run(tx)).await
        } else {
            store.submit(move |tx| commit.run(tx)).await
        };
        self.in_flight.push_back(Box::pin(async move {
            let outcome = match queued {
                Ok(answer) => answer.await.unwrap_or(Err(CommitError::Failed(StoreError::Closed.into()))),
                Err(error) => Err(error.into()),
            };
            Done { room: batch.room, operations: batch.operations, events, outcome }
        }));
    }

    /// Answers the callers of a batch. What has to be built again comes back, oldest first.
    fn finish(&mut self, done: Done) -> Vec<Operation> {
        let Some(slot) = self.slots.get_mut(&done.room) else { return Vec::new() };
        slot.in_flight -= 1;
        for nid in done.events {
            slot.pending.remove(&nid);
        }
        slot.poisoned |= done.outcome.is_err();
        slot.harmless |= matches!(done.outcome, Err(CommitError::Repeated(_)));
        let mut again: Vec<Operation> = Vec::new();
        for (mut operation, event_id) in done.operations {
            match &done.outcome {
                Ok(()) => answer(slot, operation, &Ok(event_id)),
                Err(CommitError::Failed(error)) => answer(slot, operation, &Err(error.clone())),
                Err(CommitError::Repeated(known)) => {
                    match known.iter().find(|(txn, _)| operation.txn.as_ref() == Some(txn)) {
                        Some((_, made)) => answer(slot, operation, &Ok(made.clone())),
                        None => again.push(operation),
                    }
                }
                Err(CommitError::Moved) if slot.harmless => again.push(operation),
                Err(CommitError::Moved) if operation.attempts + 1 < ATTEMPTS => {
                    operation.attempts += 1;
                    again.push(operation);
                }
                Err(CommitError::Moved) => answer(slot, operation, &Err(EngineError::Busy)),
            }
        }
        // What failed was asked before anything that waits.
        let at = slot.waiting.iter().take_while(|waiting| waiting.again).count();
        for (offset, operation) in again.into_iter().enumerate() {
            slot.waiting.insert(at + offset, Operation { again: true, ..operation });
        }
        if !slot.poisoned || slot.in_flight > 0 {
            return Vec::new();
        }
        (slot.poisoned, slot.harmless) = (false, false);
        slot.head = None;
        slot.waiting.drain(..).collect()
    }

    /// Forgets the rooms that were not used for longest, if there are too many.
    fn evict(&mut self) {
        let most = self.context.config.heads_per_shard.max(1);
        if self.slots.len() <= most {
            return;
        }
        let idle = |slot: &Slot| slot.in_flight == 0 && slot.waiting.is_empty();
        let mut ages: Vec<u64> =
            self.slots.values().filter(|slot| idle(slot)).map(|slot| slot.last_used).collect();
        ages.sort_unstable();
        let Some(&newest_dropped) = ages.get(ages.len() / 4) else { return };
        self.slots.retain(|_, slot| !idle(slot) || slot.last_used > newest_dropped);
    }
}

/// Answers an operation and whoever asked the same while it was under way.
fn answer(slot: &mut Slot, operation: Operation, answer: &Result<OwnedEventId, EngineError>) {
    let followers = operation.txn.as_ref().and_then(|txn| slot.txns.remove(txn));
    for reply in followers.into_iter().flatten() {
        drop(reply.send(answer.clone()));
    }
    drop(operation.reply.send(answer.clone()));
}

/// Lets an operation that repeats one under way wait for the answer of that. Gives back an operation that does not.
/// Whether it repeats one of long ago is found when it is committed.
fn join_repeated(slot: &mut Slot, operation: Operation) -> Option<Operation> {
    let Some(txn) = operation.txn.as_ref().filter(|_| !operation.again) else { return Some(operation) };
    if let Slots::Occupied(mut under_way) = slot.txns.entry(txn.clone()) {
        under_way.get_mut().push(operation.reply);
        return None;
    }
    Some(operation)
}

/// The answer to an operation that could not be built: what its request was answered before, if it was.
fn refused(
    context: &Context,
    operation: &Operation,
    error: EngineError,
) -> Result<OwnedEventId, EngineError> {
    let Some(txn) = &operation.txn else { return Err(error) };
    let known = context.store.read_now(|tx| match txn_ids::find(tx, txn)? {
        Some(nid) => events::event_id(tx, nid).map(Some),
        None => Ok(None),
    });
    match known {
        Ok(Some(event_id)) => Ok(event_id),
        Ok(None) => Err(error),
        Err(failed) => Err(EngineError::Store(failed)),
    }
}

async fn load(
    context: &Context,
    room: &OwnedRoomId,
    fresh: Option<&Fresh>,
    nids: &mut Nids,
) -> Result<Head, EngineError> {
    if let Some(fresh) = fresh {
        let nid = RoomNid(nids.take()?);
        return Ok(Head::fresh(nid, &fresh.create, fresh.version, fresh.room_type.clone()));
    }
    let room = room.clone();
    let head = context.store.read(move |tx| Head::load(tx, &room)).await.map_err(EngineError::Store)?;
    head.ok_or(EngineError::NotFound("room"))
}

/// Runs an operation's plan on a head: the fence before it, the answer, the events. If it fails the head is as
/// before.
fn build(
    context: &Context,
    head: &mut Head,
    pending: &HashMap<EventNid, Arc<Pdu>>,
    nids: &mut Nids,
    operation: &mut Operation,
) -> Result<(i64, OwnedEventId, Vec<Staged>), EngineError> {
    let before = head.clone();
    let fence = nids.take()?;
    let (now, caller) = (context.now(), &operation.caller);
    let mut turn = Turn { context, head, pending, nids, staged: Vec::new(), now, caller };
    let adopted = match &operation.fresh {
        Some(fresh) => turn.adopt(&fresh.create).map(drop),
        None => Ok(()),
    };
    match adopted.and_then(|()| (operation.plan)(&mut turn)) {
        Ok(answer) => {
            let mut staged = turn.staged;
            if let (Some(txn), Some(last)) = (&operation.txn, staged.last_mut()) {
                last.txn = Some(txn.clone());
            }
            head.fence = fence;
            Ok((before.fence, answer, staged))
        }
        Err(error) => {
            *head = before;
            Err(error)
        }
    }
}

/// Adds what was built to the last batch of the same room. An operation with work of its caller stands alone,
/// so that the failure of that work undoes nobody else's.
fn add(
    batches: &mut Vec<Batch>,
    head: &Head,
    operation: Operation,
    from: i64,
    answer: OwnedEventId,
    staged: Vec<Staged>,
) {
    let also = operation.also.clone();
    let last = batches.iter_mut().rev().find(|batch| batch.room == head.room_id);
    match last {
        Some(batch) if batch.also.is_none() && also.is_none() && operation.fresh.is_none() => {
            batch.operations.push((operation, answer));
            batch.events.extend(staged);
            batch.head = head.clone();
        }
        _ => batches.push(Batch {
            room: head.room_id.clone(),
            from,
            fresh: operation.fresh.clone(),
            operations: vec![(operation, answer)],
            events: staged,
            also,
            head: head.clone(),
        }),
    }
}
