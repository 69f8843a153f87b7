//! Delayed events (MSC4140): sent later unless their client calls in time. They survive a restart.

use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::Notify;
use wardline_domain::ruma::RoomId;
use wardline_store::delayed_events::{self, DelayedEvent};
use wardline_store::{StoreError, UserNid};

use crate::rooms::{Also, Caller, Message, Rooms};
use crate::{Context, EngineError};

/// The longest delay: a day, in milliseconds.
pub const LONGEST_DELAY_MS: i64 = 86_400_000;
/// The most events that one user has waiting.
pub const MOST_DELAYED: usize = 100;
/// Events sent in one go.
const AT_ONCE: usize = 64;
/// How long to wait after a failure of the server's own.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// An event to be sent later.
#[derive(Clone, Copy, Debug)]
pub struct NewDelayed<'a> {
    /// The room.
    pub room: &'a RoomId,
    /// The event type.
    pub kind: &'a str,
    /// The state key; `None` for a message-like event.
    pub state_key: Option<&'a str>,
    /// The content, an object.
    pub content: &'a RawValue,
    /// How long to wait, in milliseconds, from 1 to [`LONGEST_DELAY_MS`].
    pub delay_ms: i64,
    /// The client's transaction id: the same one again makes no second event.
    pub txn: Option<&'a str>,
}

/// Events that wait.
#[derive(Debug)]
pub struct Delayed {
    context: Arc<Context>,
    rooms: Weak<Rooms>,
    /// Rung when something may be due earlier than the timer knows.
    timer: Notify,
}

impl Delayed {
    /// Over `context`; what is due goes to `rooms` for as long as they are there.
    #[must_use]
    pub fn new(context: Arc<Context>, rooms: &Arc<Rooms>) -> Self {
        Self { context, rooms: Arc::downgrade(rooms), timer: Notify::new() }
    }

    /// Lets an event wait; its secret id. Whether the caller may send it is decided when it is sent.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`] for somebody who is not in the room, [`EngineError::TooManyDelayed`],
    /// [`EngineError::Invalid`] for a delay that is too long.
    pub async fn add(&self, caller: Caller<'_>, new: NewDelayed<'_>) -> Result<String, EngineError> {
        if !(1..=LONGEST_DELAY_MS).contains(&new.delay_ms) {
            return Err(EngineError::invalid("delay", format!("must be from 1 to {LONGEST_DELAY_MS}")));
        }
        self.rooms()?.require_joined(caller, new.room)?;
        let event = DelayedEvent {
            id: self.context.random.token(24),
            user: caller.user,
            user_id: caller.user_id.to_owned(),
            device: caller.device.unwrap_or_default().to_owned(),
            room: new.room.to_owned(),
            kind: new.kind.to_owned(),
            state_key: new.state_key.map(str::to_owned),
            content: new.content.get().to_owned(),
            delay_ms: new.delay_ms,
            due_at: self.context.now().plus_millis(new.delay_ms),
            txn: new.txn.map(str::to_owned),
        };
        let added = self.context.store.write_with(move |tx| {
            if delayed_events::of_user(tx, event.user)?.len() >= MOST_DELAYED {
                return Err(EngineError::TooManyDelayed);
            }
            Ok(delayed_events::insert(tx, &event)?)
        });
        let id = added.await?;
        self.timer.notify_one();
        Ok(id)
    }

    /// The events of a user that wait, the next one first.
    ///
    /// # Errors
    /// Any failure of the database.
    pub fn of_user(&self, user: UserNid) -> Result<Vec<DelayedEvent>, EngineError> {
        Ok(self.context.store.read_now(|tx| delayed_events::of_user(tx, user))?)
    }

    /// Begins the delay of an event again.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for one that does not wait (any more).
    pub async fn restart(&self, id: &str) -> Result<(), EngineError> {
        let (id, now) = (id.to_owned(), self.context.now());
        let moved = self.context.store.write(move |tx| match delayed_events::get(tx, &id)? {
            Some(event) => delayed_events::postpone(tx, &id, now.plus_millis(event.delay_ms)),
            None => Ok(false),
        });
        found(moved.await?)
    }

    /// Gives an event up.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for one that does not wait (any more).
    pub async fn cancel(&self, id: &str) -> Result<(), EngineError> {
        let id = id.to_owned();
        found(self.context.store.write(move |tx| delayed_events::delete(tx, &id)).await?)
    }

    /// Sends an event now.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for one that does not wait (any more), or why it cannot be sent; it is given up then.
    pub async fn send(&self, id: &str) -> Result<(), EngineError> {
        let event = self.context.store.read_now(|tx| delayed_events::get(tx, id))?;
        self.deliver(event.ok_or(EngineError::NotFound("delayed event"))?).await
    }

    /// Sends what is due by now; how long until the next one is due, if one waits.
    ///
    /// # Errors
    /// A failure of the server's own. What nobody may send is given up without an error.
    pub async fn send_due(&self) -> Result<Option<Duration>, EngineError> {
        loop {
            let waiting = self.context.store.read_now(|tx| delayed_events::next(tx, AT_ONCE))?;
            let mut sent = false;
            for event in waiting {
                let wait = event.due_at.millis_since(self.context.now());
                if wait > 0 {
                    return Ok(Some(Duration::from_millis(wait.unsigned_abs())));
                }
                sent = true;
                match self.deliver(event).await {
                    Err(EngineError::Store(error)) => return Err(error.into()),
                    Err(error @ (EngineError::Stopping | EngineError::Busy)) => return Err(error),
                    Ok(()) | Err(_) => {}
                }
            }
            if !sent {
                return Ok(None);
            }
        }
    }

    /// Sends what is due, for as long as the rooms are there.
    pub async fn run(self: Arc<Self>) {
        while self.rooms.strong_count() > 0 {
            let wait = match self.send_due().await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "delayed events wait longer");
                    Some(AFTER_FAILURE)
                }
            };
            match wait {
                Some(wait) => drop(tokio::time::timeout(wait, self.timer.notified()).await),
                None => self.timer.notified().await,
            }
        }
    }

    fn rooms(&self) -> Result<Arc<Rooms>, EngineError> {
        self.rooms.upgrade().ok_or(EngineError::Stopping)
    }

    /// An event and its row go in one transaction.
    async fn deliver(&self, event: DelayedEvent) -> Result<(), EngineError> {
        let rooms = self.rooms()?;
        let caller = Caller { user: event.user, user_id: &event.user_id, device: Some(&event.device) };
        let content =
            RawValue::from_string(event.content).map_err(|error| StoreError::Malformed(error.to_string()))?;
        let id = event.id.clone();
        let row = event.id.clone();
        let also: Option<Also> = Some(Box::new(move |tx, _| Ok(delayed_events::delete(tx, &row).map(drop)?)));
        let sent = match &event.state_key {
            Some(key) => {
                rooms.set_state(caller, &event.room, (&event.kind, key), content, (None, also)).await
            }
            None => {
                let (room, kind, txn) = (&*event.room, &*event.kind, Some(&*event.id));
                rooms.send(caller, Message { room, kind, content, txn, also }).await
            }
        };
        if let Err(error @ (EngineError::Store(_) | EngineError::Stopping | EngineError::Busy)) = sent {
            return Err(error);
        }
        self.context.store.write(move |tx| delayed_events::delete(tx, &id)).await?;
        sent.map(drop)
    }
}

fn found(found: bool) -> Result<(), EngineError> {
    if found { Ok(()) } else { Err(EngineError::NotFound("delayed event")) }
}
