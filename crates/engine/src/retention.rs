//! Erasing old messages where a room's `m.room.retention` asks for it (MSC1763). Off unless configured.
//!
//! What is erased is the content, as a redaction would: that there was an event stays, so that the room's graph, its
//! pagination tokens and its receipts stay whole. State is never erased, nor is anything of rooms whose type the
//! configuration exempts.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use wardline_domain::redaction;
use wardline_domain::room_version::RoomVersion;
use wardline_store::{Kind, ReadTx, RoomNid, StoreError, retention, state, sync};

use crate::{Context, EngineError};

/// Events that are looked at in one transaction.
const AT_ONCE: usize = 200;
/// How often rooms are looked through.
const EVERY: Duration = Duration::from_secs(3600);

/// When messages are erased. Times are milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionConfig {
    /// After how long in rooms without a policy of their own; `None`: never.
    pub default_ms: Option<i64>,
    /// The shortest time that a room's policy may ask for.
    pub shortest_ms: i64,
    /// The longest time that a room's policy may ask for; `None`: any.
    pub longest_ms: Option<i64>,
    /// Beginnings of the types of rooms in which nothing is ever erased.
    pub exempt_types: Vec<String>,
}

/// Erases what is old.
#[derive(Debug)]
pub struct Retention {
    context: Arc<Context>,
}

impl Retention {
    /// Over `context`.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Looks through all rooms once; how many messages were erased.
    ///
    /// # Errors
    /// Any failure of the database.
    pub async fn erase_due(&self) -> Result<u64, EngineError> {
        let Some(config) = self.context.config.retention.clone() else { return Ok(0) };
        let rooms = self.context.store.read(|tx| retention::rooms(tx)).await?;
        let mut erased = 0;
        for (room, kind) in rooms {
            let kind = kind.unwrap_or_default();
            if config.exempt_types.iter().any(|exempt| kind.starts_with(exempt.as_str())) {
                continue;
            }
            let lifetime = self.context.store.read_now(|tx| self.lifetime(tx, &config, room))?;
            let Some(lifetime) = lifetime else { continue };
            erased += self.erase_in(room, lifetime).await?;
        }
        Ok(erased)
    }

    /// Erases what is due every hour, for as long as the server runs.
    pub async fn run(self) {
        while self.context.config.retention.is_some() {
            match self.erase_due().await {
                Ok(0) => {}
                Ok(erased) => tracing::info!(erased, "old messages were erased"),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "old messages are kept longer");
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// How long messages of a room live, in milliseconds; `None`: for ever.
    fn lifetime(
        &self,
        tx: &ReadTx<'_>,
        config: &RetentionConfig,
        room: RoomNid,
    ) -> Result<Option<i64>, StoreError> {
        #[derive(Deserialize)]
        struct Policy {
            max_lifetime: i64,
        }
        let event = state::current_event(tx, room, "m.room.retention", "")?;
        let event = event.map(|nid| self.context.events.get(tx, nid)).transpose()?;
        let own = event.and_then(|event| event.pdu.content_as::<Policy>().ok()).map(|own| own.max_lifetime);
        let longest = config.longest_ms.unwrap_or(i64::MAX).max(config.shortest_ms);
        Ok(own.map(|own| own.clamp(config.shortest_ms, longest)).or(config.default_ms))
    }

    async fn erase_in(&self, room: RoomNid, lifetime: i64) -> Result<u64, EngineError> {
        let before = self.context.now().plus_millis(lifetime.saturating_neg());
        let mut erased = 0;
        loop {
            let context = Arc::clone(&self.context);
            let done = self.context.store.write(move |tx| {
                let mut messages = retention::next(tx, room, AT_ONCE)?;
                // The order is that of arrival: one with a wrong clock holds the later ones up, never the other way.
                let due = messages.iter().take_while(|message| message.sent < before).count();
                let more = due == AT_ONCE;
                messages.truncate(due);
                let Some(upto) = messages.last().map(|message| message.pos) else { return Ok((0, false)) };
                let version =
                    sync::room_version(tx, room)?.and_then(|version| RoomVersion::parse(&version).ok());
                let version =
                    version.ok_or_else(|| StoreError::Malformed(format!("room {}: version", room.0)))?;
                // A position of its own tells readers of an older snapshot from those of a newer one.
                let pos = tx.record(Kind::Erased, Some(room), None, 0)?;
                let mut count = 0;
                for message in messages.iter().filter(|message| message.has_content) {
                    let event = context.events.get(tx, message.event)?;
                    let left = redaction::redact(&event.pdu, version)
                        .map_err(|error| StoreError::Malformed(error.to_string()))?;
                    retention::erase(tx, message.event, left.json())?;
                    count += 1;
                    context.events.redacted(message.event, pos);
                }
                retention::looked_at(tx, room, upto)?;
                Ok((count, more))
            });
            let (count, more) = done.await?;
            erased += count;
            if !more {
                return Ok(erased);
            }
        }
    }
}
