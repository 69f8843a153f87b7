//! Sending events (Client-Server API, "Sending events to a room" and "Redactions").

use serde::Deserialize;
use serde_json::value::RawValue;
use wardline_domain::Timestamp;
use wardline_domain::build::EventTemplate;
use wardline_domain::ruma::{EventId, OwnedEventId, OwnedUserId, RoomId, UserId};
use wardline_store::txn_ids::TxnKey;

use super::turn::Turn;
use super::{Also, Caller, Order, Rooms, aliases};
use crate::EngineError;

const REDACTION: &str = "m.room.redaction";

/// A message-like event to send.
pub struct Message<'a> {
    /// The room.
    pub room: &'a RoomId,
    /// The event type.
    pub kind: &'a str,
    /// The content, an object.
    pub content: Box<RawValue>,
    /// The client's transaction id: the same one, sent again from the same device, makes no second event.
    pub txn: Option<&'a str>,
    /// More work for the same transaction.
    pub also: Option<Also>,
}

impl std::fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message").field("room", &self.room).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Rooms {
    /// Sends a message-like event; answers with its id when it is durable.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`] if the caller may not, [`EngineError::BadContent`] or
    /// [`EngineError::TooLarge`] for content that makes no event.
    pub async fn send(&self, caller: Caller<'_>, message: Message<'_>) -> Result<OwnedEventId, EngineError> {
        self.send_at(caller, message, None).await
    }

    /// [`Rooms::send`] with a time of the caller's choice (Application Service API, "Timestamp massaging").
    ///
    /// # Errors
    /// As [`Rooms::send`].
    pub async fn send_at(
        &self,
        caller: Caller<'_>,
        message: Message<'_>,
        at: Option<Timestamp>,
    ) -> Result<OwnedEventId, EngineError> {
        if message.kind == REDACTION {
            let (target, content) = target_in(&message.content)?;
            return self.redact_with(caller, message.room, &target, content, message.txn).await;
        }
        let room = self.nid(message.room)?;
        let (kind, content) = (message.kind.to_owned(), message.content);
        let sender = caller.user_id.to_owned();
        let plan = move |turn: &mut Turn<'_>| {
            let event = template(turn, &kind, None, &content, &sender);
            turn.send(EventTemplate { origin_server_ts: at.unwrap_or(turn.now), ..event })
        };
        self.order(Order {
            room: message.room,
            fresh: None,
            caller,
            txn: message.txn.map(|txn| txn_key(caller, room, message.kind, txn)),
            also: message.also,
            plan: Box::new(plan),
        })
        .await
    }

    /// Sends a clear-text event in the name of the server's clerk. The same `txn` makes no second event.
    ///
    /// # Errors
    /// As [`Rooms::send`].
    pub async fn announce(
        &self,
        room: &RoomId,
        clerk: &UserId,
        kind: &str,
        content: Box<RawValue>,
        txn: &str,
    ) -> Result<OwnedEventId, EngineError> {
        let message = Message { room, kind, content, txn: Some(txn), also: None };
        self.send(self.server_caller(clerk)?, message).await
    }

    /// Sets a state event; answers with its id when it is durable. Setting what is already set makes no event.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`] if the caller may not, [`EngineError::BadContent`], [`EngineError::BadAlias`]
    /// or [`EngineError::TooLarge`] for content that makes no event.
    pub async fn send_state(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        kind: &str,
        state_key: &str,
        content: Box<RawValue>,
    ) -> Result<OwnedEventId, EngineError> {
        self.send_state_at(caller, room, (kind, state_key), content, None).await
    }

    /// [`Rooms::send_state`] with a time of the caller's choice (Application Service API, "Timestamp massaging").
    ///
    /// # Errors
    /// As [`Rooms::send_state`].
    pub async fn send_state_at(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        (kind, state_key): (&str, &str),
        content: Box<RawValue>,
        at: Option<Timestamp>,
    ) -> Result<OwnedEventId, EngineError> {
        let nid = self.nid(room)?;
        let (kind, state_key) = (kind.to_owned(), state_key.to_owned());
        let sender = caller.user_id.to_owned();
        let context = self.context.clone();
        let guests = (kind == "m.room.guest_access" && state_key.is_empty()).then(|| content.clone());
        let event = self.change(caller, room, move |turn| {
            match kind.as_str() {
                "m.room.canonical_alias" => {
                    let before = turn.state(&kind, &state_key)?;
                    aliases::check_canonical(&context, nid, &content, before.as_deref())?;
                }
                "m.room.encryption" if turn.head.encrypted => check_encryption(turn, &content)?,
                _ => {}
            }
            let event = template(turn, &kind, Some(&state_key), &content, &sender);
            turn.send(EventTemplate { origin_server_ts: at.unwrap_or(turn.now), ..event })
        });
        let event = event.await?;
        if let Some(content) = guests {
            self.remove_guests(room, content.get()).await?;
        }
        Ok(event)
    }

    /// Redacts an event: one's own, or anybody's with the power level for it. What a redaction removes is
    /// removed from the store in the same transaction.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`], or [`EngineError::NotFound`] for an event that is not in the room.
    pub async fn redact(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        target: &EventId,
        reason: Option<&str>,
        txn: Option<&str>,
    ) -> Result<OwnedEventId, EngineError> {
        let content = match reason {
            Some(reason) => serde_json::json!({ "reason": reason }),
            None => serde_json::json!({}),
        };
        let content = raw(&content)?;
        self.redact_with(caller, room, target, content, txn).await
    }

    async fn redact_with(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        target: &EventId,
        content: Box<RawValue>,
        txn: Option<&str>,
    ) -> Result<OwnedEventId, EngineError> {
        let nid = self.nid(room)?;
        let (sender, target) = (caller.user_id.to_owned(), target.to_owned());
        let plan = move |turn: &mut Turn<'_>| {
            turn.require_joined(&sender)?;
            let (_, event) = turn.find(&target)?.ok_or(EngineError::NotFound("event"))?;
            if event.sender != sender && !turn.levels()?.can_redact(&sender) {
                return Err(EngineError::forbidden("your power level does not suffice to redact this event"));
            }
            let template = template(turn, REDACTION, None, &content, &sender);
            turn.send(EventTemplate { redacts: Some(target.clone()), ..template })
        };
        self.order(Order {
            room,
            fresh: None,
            caller,
            txn: txn.map(|txn| txn_key(caller, nid, REDACTION, txn)),
            also: None,
            plan: Box::new(plan),
        })
        .await
    }
}

/// An event by `sender` now.
pub(super) fn template(
    turn: &Turn<'_>,
    kind: &str,
    state_key: Option<&str>,
    content: &RawValue,
    sender: &OwnedUserId,
) -> EventTemplate {
    EventTemplate {
        kind: kind.to_owned(),
        state_key: state_key.map(str::to_owned),
        content: content.to_owned(),
        sender: sender.clone(),
        redacts: None,
        origin_server_ts: turn.now,
    }
}

/// A value as raw JSON.
pub(super) fn raw(value: &impl serde::Serialize) -> Result<Box<RawValue>, EngineError> {
    serde_json::value::to_raw_value(value)
        .map_err(|error| EngineError::bad_content("content", error.to_string()))
}

fn txn_key(caller: Caller<'_>, room: wardline_store::RoomNid, kind: &str, txn: &str) -> TxnKey {
    TxnKey {
        user: caller.user,
        device: caller.device.unwrap_or_default().to_owned(),
        room,
        kind: kind.to_owned(),
        txn: txn.to_owned(),
    }
}

/// The target of a redaction that a client sent as an ordinary event, and the content without it.
fn target_in(content: &RawValue) -> Result<(OwnedEventId, Box<RawValue>), EngineError> {
    let mut members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(content.get())
        .map_err(|_| EngineError::bad_content("content", "not an object"))?;
    let target = members.remove("redacts");
    let target = target.as_ref().and_then(|target| OwnedEventId::try_from(target.as_str()?).ok());
    let target = target.ok_or_else(|| EngineError::bad_content("content.redacts", "not an event id"))?;
    Ok((target, raw(&members)?))
}

/// A room that is encrypted stays so, with the same algorithm.
fn check_encryption(turn: &Turn<'_>, content: &RawValue) -> Result<(), EngineError> {
    #[derive(Deserialize)]
    struct Encryption {
        algorithm: Option<String>,
    }
    let algorithm = |text: &str| serde_json::from_str::<Encryption>(text).ok()?.algorithm;
    let before = turn.state("m.room.encryption", "")?.and_then(|event| algorithm(event.content()));
    if before.is_some() && algorithm(content.get()) != before {
        return Err(EngineError::bad_content(
            "content.algorithm",
            "encryption cannot be switched off or changed",
        ));
    }
    Ok(())
}
