//! Removing a room's history for good, in steps that nobody waits for, also over a restart.
//!
//! Only rooms that nobody is in are purged. What stays is that the room was there and who left it (see
//! [`wardline_store::purge`]), so that devices that were away learn that its people are out.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use wardline_domain::Timestamp;
use wardline_domain::pdu::Pdu;
use wardline_domain::redaction;
use wardline_domain::room_version::RoomVersion;
use wardline_domain::ruma::{OwnedEventId, OwnedServerName, RoomId};
use wardline_store::blobs::BlobId;
use wardline_store::purge::{self, Doomed, Part, Purge};
use wardline_store::{
    Kind, Pos, RoomNid, StoreError, UserNid, WriteTx, events, retention, rooms, stream, sync,
};

use crate::media::{Media, delete_row};
use crate::rooms::Rooms;
use crate::{Context, EngineError};

/// Events that one transaction removes.
const AT_ONCE: usize = 200;

/// Removes rooms' histories.
#[derive(Clone, Debug)]
pub struct Purges {
    context: Arc<Context>,
    media: Media,
    rooms: Arc<Rooms>,
}

/// Up to where a history is erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upto {
    /// This event, itself included.
    Event(OwnedEventId),
    /// What was sent before this instant, by its own account.
    Time(Timestamp),
}

/// The same, in a room's order.
#[derive(Clone, Copy)]
struct End {
    pos: Pos,
    before: Option<Timestamp>,
}

/// What a step did.
#[derive(Default)]
struct Step {
    /// The position of the last event that was looked at; `None`: there are no more.
    upto: Option<Pos>,
    removed: u64,
    blobs: Vec<BlobId>,
}

impl Step {
    fn forget_files(&mut self, tx: &mut WriteTx<'_>, files: BTreeSet<String>) -> Result<(), StoreError> {
        for file in files {
            self.blobs.extend(delete_row(tx, &file)?.into_iter().flatten());
        }
        Ok(())
    }
}

impl Purges {
    /// Over `context`, its media and its rooms.
    #[must_use]
    pub fn new(context: Arc<Context>, media: Media, rooms: Arc<Rooms>) -> Self {
        Self { context, media, rooms }
    }

    /// Removes the history of a room that nobody is in, together with what `also` writes when it begins; with `media` also
    /// this server's files that the events name in clear. How many events were removed. If the server ends meanwhile, the
    /// next start goes on.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Busy`] if somebody is in the room or invited after all.
    pub async fn purge(
        &self,
        room: &RoomId,
        media: bool,
        by: UserNid,
        also: impl FnOnce(&mut WriteTx<'_>) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<u64, EngineError> {
        let (now, room) = (self.context.now(), room.to_owned());
        let id = room.clone();
        let purge = self
            .context
            .store
            .write_with(move |tx| {
                let nid = rooms::find(tx, &id)?.ok_or(EngineError::NotFound("room"))?;
                let row = rooms::get(tx, nid)?.ok_or(EngineError::NotFound("room"))?;
                if row.joined + row.invited > 0 {
                    return Err(EngineError::Busy);
                }
                let purge = Purge { room: nid, media };
                purge::begin(tx, (purge, &id), (by, now))?;
                also(tx)?;
                Ok(purge)
            })
            .await?;
        self.rooms.look_again(&room, by).await?;
        // It goes on if whoever asked does not wait.
        let this = self.clone();
        tokio::spawn(async move { this.carry_out(purge).await })
            .await
            .map_err(|_| EngineError::Store(StoreError::Panicked))?
    }

    /// Erases what was said in a room up to `upto`: of each message stays what a redaction would leave, so that the room's
    /// graph, pagination tokens and receipts stay whole. State stays. `also` is written first. With `media` also this
    /// server's files that the messages name in clear go. How many messages were erased; asking again goes on where a
    /// crash ended it.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown room or event.
    pub async fn erase_history(
        &self,
        room: &RoomId,
        upto: Upto,
        media: bool,
        also: impl FnOnce(&mut WriteTx<'_>) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<u64, EngineError> {
        let room = room.to_owned();
        let (room, end) = self
            .context
            .store
            .write_with(move |tx| {
                let nid = rooms::find(tx, &room)?.ok_or(EngineError::NotFound("room"))?;
                let end = match &upto {
                    Upto::Event(event) => {
                        let found = events::find_in_room(tx, nid, event)?;
                        let (event, _) = found.ok_or(EngineError::NotFound("event"))?;
                        let row = events::get(tx, event)?.ok_or(EngineError::NotFound("event"))?;
                        End { pos: row.pos, before: None }
                    }
                    Upto::Time(before) => End { pos: stream::head(tx)?, before: Some(*before) },
                };
                also(tx)?;
                Ok::<_, EngineError>((nid, end))
            })
            .await?;
        let this = self.clone();
        let work = async move {
            let (mut erased, mut after) = (0, 0);
            loop {
                let context = Arc::clone(&this.context);
                let purge = Purge { room, media };
                let step = this.context.store.write(move |tx| erase(tx, &context, purge, end, after)).await?;
                erased += step.removed;
                this.media.remove_unnamed(step.blobs).await?;
                match step.upto {
                    Some(upto) => after = upto,
                    None => return Ok(erased),
                }
            }
        };
        tokio::spawn(work).await.map_err(|_| EngineError::Store(StoreError::Panicked))?
    }

    /// Goes on with what an earlier process began.
    pub(crate) async fn resume(self) {
        let begun = self.context.store.read_now(|tx| purge::unfinished(tx));
        for purge in begun.unwrap_or_default() {
            if let Err(error) = self.carry_out(purge).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the purge of a room waits for the next start");
            }
        }
    }

    async fn carry_out(&self, purge: Purge) -> Result<u64, EngineError> {
        let mut removed = 0;
        for part in [Part::Messages, Part::Members, Part::State] {
            let mut after = 0;
            loop {
                let context = Arc::clone(&self.context);
                let step = self.context.store.write(move |tx| step(tx, &context, purge, part, after)).await?;
                removed += step.removed;
                self.media.remove_unnamed(step.blobs).await?;
                match step.upto {
                    Some(upto) => after = upto,
                    None => break,
                }
            }
        }
        let now = self.context.now();
        self.context.store.write(move |tx| purge::finish(tx, purge.room, now)).await?;
        Ok(removed)
    }
}

fn step(
    tx: &mut WriteTx<'_>,
    context: &Context,
    purge: Purge,
    part: Part,
    after: Pos,
) -> Result<Step, StoreError> {
    let doomed = purge::next(tx, purge.room, part, after, AT_ONCE)?;
    let Some(last) = doomed.last() else { return Ok(Step::default()) };
    let mut step = Step { upto: Some(last.pos), ..Step::default() };
    // A position of its own tells readers of an older snapshot from those of a newer one.
    let pos = tx.record(Kind::Purged, Some(purge.room), None, 0)?;
    let version = version(tx, purge.room)?;
    let mut files = BTreeSet::new();
    for event in &doomed {
        if purge.media {
            files_in(&event.pdu, &context.server_name, &mut files);
        }
        if part == Part::Members {
            purge::cut_down(tx, event.event, &redacted(&parsed(tx, event, version)?, version)?)?;
        } else {
            purge::remove(tx, event.event, event.pos)?;
            step.removed += 1;
        }
        context.events.redacted(event.event, pos);
    }
    step.forget_files(tx, files)?;
    Ok(step)
}

/// Erases the next messages up to an end.
fn erase(
    tx: &mut WriteTx<'_>,
    context: &Context,
    purge: Purge,
    end: End,
    after: Pos,
) -> Result<Step, StoreError> {
    let doomed = purge::next(tx, purge.room, Part::Messages, after, AT_ONCE)?;
    let Some(last) = doomed.last().filter(|_| after < end.pos) else { return Ok(Step::default()) };
    let mut step = Step { upto: Some(last.pos), ..Step::default() };
    let pos = tx.record(Kind::Erased, Some(purge.room), None, 0)?;
    let version = version(tx, purge.room)?;
    let mut files = BTreeSet::new();
    for message in doomed.iter().filter(|message| message.pos <= end.pos) {
        let pdu = parsed(tx, message, version)?;
        // What a redaction says of another event must stay, or that event would come back.
        if pdu.kind == "m.room.redaction" || end.before.is_some_and(|before| pdu.origin_server_ts >= before) {
            continue;
        }
        let left = redacted(&pdu, version)?;
        if left != message.pdu {
            if purge.media {
                files_in(&message.pdu, &context.server_name, &mut files);
            }
            retention::erase(tx, message.event, &left)?;
            context.events.redacted(message.event, pos);
            step.removed += 1;
        }
    }
    step.forget_files(tx, files)?;
    Ok(step)
}

fn version(tx: &WriteTx<'_>, room: RoomNid) -> Result<RoomVersion, StoreError> {
    let version = sync::room_version(tx, room)?.and_then(|version| RoomVersion::parse(&version).ok());
    version.ok_or_else(|| StoreError::Malformed(format!("room {}: version", room.0)))
}

fn parsed(tx: &WriteTx<'_>, doomed: &Doomed, version: RoomVersion) -> Result<Pdu, StoreError> {
    let id = events::event_id(tx, doomed.event)?;
    Pdu::from_stored(id, doomed.pdu.clone(), version)
        .map_err(|error| StoreError::Malformed(error.to_string()))
}

/// What a redaction would leave of an event.
fn redacted(pdu: &Pdu, version: RoomVersion) -> Result<String, StoreError> {
    let left = redaction::redact(pdu, version).map_err(|error| StoreError::Malformed(error.to_string()))?;
    Ok(left.json().to_owned())
}

/// The ids of this server's files that an event names in clear, wherever it does.
fn files_in(pdu: &str, server: &OwnedServerName, found: &mut BTreeSet<String>) {
    let prefix = format!("mxc://{server}/");
    let mut open: Vec<Value> = serde_json::from_str(pdu).into_iter().collect();
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => found.extend(text.strip_prefix(&prefix).map(str::to_owned)),
            Value::Array(values) => open.extend(values),
            Value::Object(members) => open.extend(members.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
}
