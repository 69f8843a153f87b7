//! Following threads (MSC4306), and listing which threads somebody follows (MSC4308).

use std::collections::BTreeMap;

use wardline_domain::canonical::write_string;
use wardline_domain::ruma::{EventId, RoomId};
use wardline_store::thread_subscriptions::{self as subscriptions, Followed};
use wardline_store::{EventNid, Pos, RoomNid};

use super::read::Scribe;
use super::{Caller, Rooms};
use crate::EngineError;

/// Changes in one answer if the client does not say, and at most.
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// A part of the changes of what somebody follows, newest first.
#[derive(Clone, Debug)]
pub struct Changes {
    /// Members of a JSON object: `subscribed` and `unsubscribed`, if there are any, by room and root. Without the
    /// braces.
    pub members: String,
    /// Everything after this position was looked at; `None`: there is nothing older within what was asked for.
    pub before: Option<Pos>,
}

impl Rooms {
    /// Lets the caller follow a thread. `cause`: the event of the thread for whose sake the client does so by itself.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for a root that the caller may not see, [`EngineError::NotInThread`] for a cause that
    /// is not in the thread, [`EngineError::Unsubscribed`] if the caller gave the thread up after the cause.
    pub async fn follow_thread(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        root: &EventId,
        cause: Option<&EventId>,
    ) -> Result<(), EngineError> {
        let (room, root, cause) = self.context.store.read_now(|tx| {
            let nid = self.room_of_event(room)?;
            let mut scribe = Scribe::new(tx, &self.context, nid, caller)?;
            let (root, _) = scribe.find(tx, nid, root)?;
            let cause = cause.map(|cause| match scribe.find(tx, nid, cause) {
                Ok((event, _)) if event.thread == Some(root.nid) => Ok(event.pos),
                Ok(_) | Err(EngineError::NotFound(_)) => Err(EngineError::NotInThread),
                Err(error) => Err(error),
            });
            Ok::<_, EngineError>((nid, root.nid, cause.transpose()?))
        })?;
        let user = caller.user;
        let written = self.context.store.write_with(move |tx| {
            let known = subscriptions::get(tx, user, root)?;
            match (known, cause) {
                (Some(known), Some(cause)) if !known.subscribed && cause <= known.pos => {
                    return Err(EngineError::Unsubscribed);
                }
                // What somebody decided themselves is not overruled, and nothing is told twice.
                (Some(known), _) if known.subscribed && (cause.is_some() || !known.automatic) => {}
                _ => drop(subscriptions::put(tx, user, room, root, true, cause.is_some())?),
            }
            Ok(())
        });
        written.await
    }

    /// The caller no longer follows a thread, whether they did before or not.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for a root that the caller may not see.
    pub async fn unfollow_thread(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        root: &EventId,
    ) -> Result<(), EngineError> {
        let (room, root) = self.root(caller, room, root)?;
        let user = caller.user;
        let written = self.context.store.write_with(move |tx| {
            if subscriptions::get(tx, user, root)?.is_some_and(|known| known.subscribed) {
                subscriptions::put(tx, user, room, root, false, false)?;
            }
            Ok(())
        });
        written.await
    }

    /// Whether the caller's client followed the thread by itself.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for a thread that the caller does not follow.
    pub fn follows_thread(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        root: &EventId,
    ) -> Result<bool, EngineError> {
        let (_, root) = self.root(caller, room, root)?;
        let known = self.context.store.read_now(|tx| subscriptions::get(tx, caller.user, root))?;
        let known = known.filter(|known| known.subscribed).ok_or(EngineError::NotFound("subscription"))?;
        Ok(known.automatic)
    }

    /// What the caller changed with `after < position <= upto`; `limit` 100 if not said, never more than 1000.
    ///
    /// # Errors
    /// Any failure of the database.
    pub fn followed_threads(
        &self,
        caller: Caller<'_>,
        after: Pos,
        upto: Option<Pos>,
        limit: Option<usize>,
    ) -> Result<Changes, EngineError> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
        let upto = upto.unwrap_or(i64::MAX.unsigned_abs());
        let found = self
            .context
            .store
            .read_now(|tx| subscriptions::changes(tx, caller.user, after, upto, limit + 1))?;
        Ok(changes(found, limit))
    }

    fn root(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        root: &EventId,
    ) -> Result<(RoomNid, EventNid), EngineError> {
        self.context.store.read_now(|tx| {
            let nid = self.room_of_event(room)?;
            let (root, _) = Scribe::new(tx, &self.context, nid, caller)?.find(tx, nid, root)?;
            Ok((nid, root.nid))
        })
    }

    /// Whether the room or the event is unknown is all the same to somebody who asks for an event.
    fn room_of_event(&self, room: &RoomId) -> Result<RoomNid, EngineError> {
        self.nid(room).map_err(|_| EngineError::NotFound("event"))
    }
}

/// Writes at most `limit` of the changes, which are ordered from the newest.
pub(crate) fn changes(mut found: Vec<Followed>, limit: usize) -> Changes {
    let more = found.len() > limit;
    found.truncate(limit);
    let before = found.last().filter(|_| more).map(|last| last.subscription.pos.saturating_sub(1));
    let mut rooms: [BTreeMap<_, Vec<_>>; 2] = Default::default();
    for followed in &found {
        let section = usize::from(!followed.subscription.subscribed);
        rooms[section].entry(followed.room.as_str()).or_default().push(followed);
    }
    let mut out = String::new();
    for (name, rooms) in ["subscribed", "unsubscribed"].into_iter().zip(&rooms) {
        if rooms.is_empty() {
            continue;
        }
        out.push_str(if out.is_empty() { "" } else { "," });
        write_string(&mut out, name);
        out.push_str(":{");
        for (at, (room, threads)) in rooms.iter().enumerate() {
            out.push_str(if at == 0 { "" } else { "," });
            write_string(&mut out, room);
            out.push_str(":{");
            for (at, thread) in threads.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write_string(&mut out, thread.root.as_str());
                let subscription = thread.subscription;
                out.push_str(&match subscription.subscribed {
                    true => format!(
                        ":{{\"automatic\":{},\"bump_stamp\":{}}}",
                        subscription.automatic, subscription.pos
                    ),
                    false => format!(":{{\"bump_stamp\":{}}}", subscription.pos),
                });
            }
            out.push('}');
        }
        out.push('}');
    }
    Changes { members: out, before }
}
