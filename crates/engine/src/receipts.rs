//! Receipts and the read marker (Client-Server API, "Receipts" and "Read and unread markers").

use std::sync::Arc;

use wardline_domain::ruma::{EventId, OwnedEventId, RoomId};
use wardline_store::members::{self, Membership};
use wardline_store::{Pos, RoomNid, UserNid, WriteTx, account_data, receipts, rooms, sync};

use crate::{Context, EngineError};

/// The longest receipt type, in bytes.
const LONGEST_TYPE: usize = 255;
/// The read marker: account data of the room, not a receipt that anybody else sees.
const FULLY_READ: &str = "m.fully_read";

/// A receipt that a client sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReceipt {
    /// `m.read`, `m.read.private`, `m.fully_read`, or a namespaced type such as `org.wardline.delivered`.
    pub kind: String,
    /// The event up to which it goes.
    pub event_id: OwnedEventId,
    /// `main` or the id of a thread's root; `None` for all threads.
    pub thread: Option<String>,
}

/// Moves receipts.
#[derive(Debug)]
pub struct Receipts {
    context: Arc<Context>,
}

impl Receipts {
    /// Over `context`.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Moves receipts of a joined user forward, all or none; durable when it returns. A receipt that already
    /// stands at its event or a later one stays where it is, which is no error.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a bad type or thread, [`EngineError::NotFound`] for an event that is not in
    /// the room, [`EngineError::Forbidden`] for somebody who is not joined.
    pub async fn advance(
        &self,
        user: UserNid,
        room: &RoomId,
        receipts: Vec<NewReceipt>,
    ) -> Result<(), EngineError> {
        receipts.iter().try_for_each(check)?;
        let (room, ts) = (room.to_owned(), self.context.now());
        self.context
            .store
            .write_with(move |tx| {
                let nid = rooms::find(tx, &room)?.ok_or(EngineError::NotFound("room"))?;
                if members::get(tx, nid, user)?.is_none_or(|member| member.membership != Membership::Join) {
                    return Err(EngineError::forbidden("you are not joined to the room"));
                }
                receipts.iter().try_for_each(|receipt| {
                    let event_pos =
                        sync::event_pos(tx, nid, &receipt.event_id)?.ok_or(EngineError::NotFound("event"))?;
                    if receipt.kind == FULLY_READ {
                        return mark(tx, user, nid, &receipt.event_id, event_pos);
                    }
                    let thread = receipt.thread.as_deref();
                    receipts::advance(
                        tx,
                        &receipts::Move {
                            room: nid,
                            user,
                            kind: &receipt.kind,
                            thread: thread.unwrap_or_default(),
                            event_id: receipt.event_id.as_str(),
                            event_pos,
                            ts,
                        },
                    )?;
                    Ok(())
                })
            })
            .await
    }
}

fn mark(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    room: RoomNid,
    event: &EventId,
    pos: Pos,
) -> Result<(), EngineError> {
    let content = serde_json::json!({ "event_id": event }).to_string();
    account_data::advance_marker(tx, user, room, &content, pos)?;
    Ok(())
}

fn check(receipt: &NewReceipt) -> Result<(), EngineError> {
    let kind = receipt.kind.as_str();
    let known = matches!(kind, "m.read" | "m.read.private" | FULLY_READ);
    let namespaced = kind.contains('.')
        && !kind.starts_with("m.")
        && kind.len() <= LONGEST_TYPE
        && kind.split('.').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        });
    if !known && !namespaced {
        return Err(EngineError::invalid("receiptType", "neither a known nor a namespaced receipt type"));
    }
    match receipt.thread.as_deref() {
        None => Ok(()),
        Some(_) if kind == FULLY_READ => {
            Err(EngineError::invalid("thread_id", "the read marker has no threads"))
        }
        Some(receipts::MAIN_THREAD) => Ok(()),
        Some(root) if root.starts_with('$') && EventId::parse(root).is_ok() => Ok(()),
        Some(_) => Err(EngineError::invalid("thread_id", "neither \"main\" nor an event id")),
    }
}
