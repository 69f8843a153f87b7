//! Listing threads and finding the event at an instant (Client-Server API, "Threading" and `GET
//! /rooms/{roomId}/timestamp_to_event`).

use wardline_domain::Timestamp;
use wardline_domain::ruma::{OwnedEventId, OwnedRoomId, RoomId};
use wardline_store::{Pos, StoreError, UserNid, history, rooms};

use super::read::Scribe;
use super::{Caller, Direction, Rooms};
use crate::EngineError;

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;
/// Events looked at for one instant, if many cannot be seen.
const MAX_SCANNED: usize = 1000;

/// Which threads to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadsQuery {
    /// Only threads that the caller takes part in.
    pub participated: bool,
    /// Only threads whose newest answer is before this position.
    pub before: Option<Pos>,
    /// The most threads, 20 if not said, never more than 100.
    pub limit: Option<usize>,
}

/// A page of threads.
#[derive(Clone, Debug)]
pub struct ThreadsPage {
    /// JSON array of the roots in client format, the thread with the newest answer first.
    pub chunk: String,
    /// The `before` of the next page.
    pub next: Option<Pos>,
}

impl Rooms {
    /// The threads of a room whose roots the caller may see.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`] for somebody who may see nothing of the room.
    pub async fn threads(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        query: ThreadsQuery,
    ) -> Result<ThreadsPage, EngineError> {
        let (context, nid) = (self.context.clone(), self.nid(room)?);
        self.require_sight(caller, nid)?;
        let (user, user_id, device) =
            (caller.user, caller.user_id.to_owned(), caller.device.map(str::to_owned));
        self.context
            .store
            .read(move |tx| {
                let caller = Caller { user, user_id: &user_id, device: device.as_deref() };
                let mut scribe = Scribe::new(tx, &context, nid, caller)?;
                let limit = query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
                let participant = query.participated.then_some(user);
                let before = query.before.unwrap_or(Pos::MAX);
                let mut roots = history::threads(tx, nid, participant, before, limit + 1)?;
                let more = roots.len() > limit;
                roots.truncate(limit);
                let mut chunk = String::from("[");
                for (root, _) in &roots {
                    let event = context.events.get(tx, *root)?;
                    if let Some(membership) = scribe.eyes.see(tx, &event)? {
                        if chunk.len() > 1 {
                            chunk.push(',');
                        }
                        scribe.write(tx, &event, membership, &mut chunk)?;
                    }
                }
                chunk.push(']');
                let next = roots.last().filter(|_| more).map(|(_, latest)| *latest);
                Ok(ThreadsPage { chunk, next })
            })
            .await
    }

    /// The event of a room that is closest to an instant, looking forwards or backwards from it.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`] for somebody who may see nothing of the room, [`EngineError::NotFound`] if there
    /// is no such event that the caller may see.
    pub async fn event_at(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        at: Timestamp,
        direction: Direction,
    ) -> Result<(OwnedEventId, Timestamp), EngineError> {
        let (context, nid) = (self.context.clone(), self.nid(room)?);
        self.require_sight(caller, nid)?;
        let (user, user_id) = (caller.user, caller.user_id.to_owned());
        self.context
            .store
            .read(move |tx| {
                let mut scribe =
                    Scribe::new(tx, &context, nid, Caller { user, user_id: &user_id, device: None })?;
                let (backwards, step) = (direction == Direction::Backwards, 50);
                for skip in (0..MAX_SCANNED).step_by(step) {
                    let events = history::around_instant(tx, nid, at, backwards, skip, step)?;
                    for event in &events {
                        let event = context.events.get(tx, *event)?;
                        if scribe.eyes.see(tx, &event)?.is_some() {
                            return Ok((event.pdu.event_id.clone(), event.pdu.origin_server_ts));
                        }
                    }
                    if events.len() < step {
                        break;
                    }
                }
                Err(EngineError::NotFound("event"))
            })
            .await
    }

    /// The rooms that both users are joined to.
    ///
    /// # Errors
    /// Any failure of the database.
    pub fn mutual(&self, a: UserNid, b: UserNid) -> Result<Vec<OwnedRoomId>, EngineError> {
        Ok(self.context.store.read_now(|tx| -> Result<_, StoreError> {
            history::mutual_rooms(tx, a, b)?.into_iter().map(|room| rooms::room_id(tx, room)).collect()
        })?)
    }
}
