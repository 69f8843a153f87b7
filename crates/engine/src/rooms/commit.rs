//! What the committer runs for a room: everything of a batch of operations, in one transaction.

use std::sync::Arc;

use parking_lot::Mutex;
use wardline_domain::auth_chain::AuthChain;
use wardline_domain::ruma::{OwnedEventId, OwnedUserId};
use wardline_domain::visibility::Membership;
use wardline_store::events::{self, NewEvent};
use wardline_store::members::{self, MemberRow};
use wardline_store::rooms::{self, RoomRow};
use wardline_store::stream::membership_reference;
use wardline_store::txn_ids::{self, TxnKey};
use wardline_store::{EventNid, Kind, Pos, RoomNid, StoreError, WriteTx, delayed_events, state, users};

use super::turn::{Staged, StagedMember};
use crate::events::Event;
use crate::{Context, EngineError};

/// More work of a caller, done in the same transaction as the events: all or nothing. It runs after the events
/// are written and must be quick.
pub type Also = Box<dyn FnOnce(&mut WriteTx<'_>, RoomNid) -> Result<(), EngineError> + Send>;

/// An [`Also`] that is taken only by the attempt that owns the room's head.
pub(super) type SharedAlso = Arc<Mutex<Option<Also>>>;

/// Why a batch was not committed.
#[derive(Clone, Debug)]
pub(super) enum CommitError {
    /// Somebody else moved the room's head: build again on the new one.
    Moved,
    /// These requests made these events already: build the others again.
    Repeated(Vec<(TxnKey, OwnedEventId)>),
    /// Anything else.
    Failed(EngineError),
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// A batch of operations on one room, ready to be written.
pub(super) struct Commit {
    pub(super) context: Arc<Context>,
    /// The fence that the batch was built on.
    pub(super) from: i64,
    /// The head after the batch.
    pub(super) head: RoomRow,
    /// For a room that does not exist yet: who makes it.
    pub(super) creator: Option<OwnedUserId>,
    pub(super) events: Vec<Staged>,
    pub(super) also: Option<SharedAlso>,
}

impl Commit {
    pub(super) fn run(mut self, tx: &mut WriteTx<'_>) -> Result<(), CommitError> {
        let room = self.head.nid;
        if let Some(creator) = &self.creator {
            self.head.creator = users::intern(tx, creator)?;
            rooms::insert(tx, &self.head)?;
        } else if self.events.is_empty() {
            rooms::claim(tx, room, self.from, self.head.fence).map_err(moved)?;
        } else {
            rooms::check_fence(tx, room, self.from).map_err(moved)?;
            self.check_requests(tx)?;
        }
        let has_events = !self.events.is_empty();
        for staged in self.events.drain(..) {
            self.head.last_pos = write(tx, &self.context, &self.head, staged)?;
        }
        if has_events {
            rooms::advance(tx, &self.head)?;
        }
        // Taken only now: had the head been moved, the next attempt would still find it.
        let also = self.also.and_then(|also| also.lock().take());
        match also {
            Some(also) => also(tx, room).map_err(CommitError::Failed),
            None => Ok(()),
        }
    }

    /// Refuses the batch if some of its requests were answered before. Looked up here, where the pages are at hand, and
    /// not by the executor, as nearly every request is new.
    fn check_requests(&self, tx: &WriteTx<'_>) -> Result<(), CommitError> {
        let mut known = Vec::new();
        for txn in self.events.iter().filter_map(|staged| staged.txn.as_ref()) {
            if let Some(nid) = txn_ids::find(tx, txn)? {
                known.push((txn.clone(), events::event_id(tx, nid)?));
            }
        }
        if !known.is_empty() {
            return Err(CommitError::Repeated(known));
        }
        Ok(())
    }
}

fn moved(error: StoreError) -> CommitError {
    match error {
        StoreError::Conflict => CommitError::Moved,
        other => other.into(),
    }
}

fn write(tx: &mut WriteTx<'_>, context: &Context, head: &RoomRow, staged: Staged) -> Result<Pos, StoreError> {
    let room = head.nid;
    let pdu = &staged.pdu;
    let sender = match staged.sender {
        Some(known) => known,
        None => users::intern(tx, &pdu.sender)?,
    };
    let pos = tx.record(Kind::Event, Some(room), Some(sender), staged.nid.0)?;
    let state_key = match &pdu.state_key {
        Some(state_key) => Some(state::intern_key(tx, &pdu.kind, state_key)?),
        None => None,
    };
    let (relates_to, thread) = resolve(tx, room, &staged)?;
    let rel_type = staged.relation.as_ref().map(|relation| relation.kind.as_str());
    events::insert(
        tx,
        &NewEvent {
            nid: staged.nid,
            event_id: &pdu.event_id,
            room,
            pos,
            topo: pdu.depth,
            kind: &pdu.kind,
            state_key,
            sender,
            ts: pdu.origin_server_ts,
            state_before: staged.state_before,
            replaces: staged.replaces,
            relates_to,
            rel_type: rel_type.filter(|_| relates_to.is_some()),
            thread,
            late: staged.late,
            txn: staged.txn.as_ref(),
            pdu: pdu.json(),
        },
    )?;
    if let Some(state_key) = &pdu.state_key {
        delayed_events::supersede(tx, &pdu.room_id, (&pdu.kind, state_key), sender)?;
    }
    if let (Some(key), Some((ordinal, parents))) = (state_key, &staged.auth) {
        state::apply(tx, room, staged.state_before, key, staged.nid)?;
        let chain = auth_chain(tx, parents)?;
        events::insert_auth(tx, staged.nid, room, *ordinal, &chain.to_bytes())?;
    }
    if let Some((target, left)) = &staged.redacted {
        events::redact(tx, *target, staged.nid, left.json())?;
        context.events.redacted(*target, pos);
    }
    if let Some(member) = &staged.member {
        write_member(tx, room, staged.nid, member)?;
    }
    let event = Event {
        nid: staged.nid,
        room,
        pos,
        topo: pdu.depth,
        sender,
        state_before: staged.state_before,
        replaces: staged.replaces,
        relates_to: relates_to.zip(rel_type.map(str::to_owned)),
        thread,
        redacted_by: None,
        transaction: staged.txn.map(|txn| (txn.device, txn.txn)),
        client: staged.client,
        pdu: staged.pdu,
    };
    context.events.insert(Arc::new(event));
    Ok(pos)
}

/// The event that an event relates to, if it is known in this room, and the thread that the event belongs to:
/// that of a thread relation, else that of the event it relates to.
fn resolve(
    tx: &WriteTx<'_>,
    room: RoomNid,
    staged: &Staged,
) -> Result<(Option<EventNid>, Option<EventNid>), StoreError> {
    use wardline_domain::relations::RelationKind;
    let Some(relation) = &staged.relation else { return Ok((None, None)) };
    Ok(match events::find_in_room(tx, room, &relation.event_id)? {
        Some((target, _)) if relation.kind == RelationKind::Thread => (Some(target), Some(target)),
        Some((target, thread)) => (Some(target), thread),
        None => (None, None),
    })
}

fn auth_chain(tx: &WriteTx<'_>, parents: &[EventNid]) -> Result<AuthChain, StoreError> {
    let mut chains = Vec::with_capacity(parents.len());
    for parent in parents {
        let (ordinal, bytes) = events::auth(tx, *parent)?
            .ok_or_else(|| StoreError::Malformed(format!("event {} has no auth chain", parent.0)))?;
        let chain =
            AuthChain::from_bytes(&bytes).map_err(|error| StoreError::Malformed(error.to_string()))?;
        chains.push((ordinal, chain));
    }
    Ok(AuthChain::from_parents(chains.iter().map(|(ordinal, chain)| (*ordinal, chain))))
}

fn write_member(
    tx: &mut WriteTx<'_>,
    room: RoomNid,
    event: EventNid,
    member: &StagedMember,
) -> Result<(), StoreError> {
    let user = users::intern(tx, &member.user)?;
    let reference = membership_reference(event, member.membership == Membership::Join);
    let pos = tx.record(Kind::Membership, Some(room), Some(user), reference)?;
    members::set(
        tx,
        &MemberRow {
            room,
            user,
            membership: member.membership,
            event,
            pos,
            forgotten: false,
            stripped: member.stripped.clone(),
        },
    )?;
    match &member.audit {
        Some(entry) => wardline_audit::append(tx, entry),
        None => Ok(()),
    }
}
