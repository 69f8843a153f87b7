//! Sending events (Client-Server API, "Sending events to a room" and "Redactions").

use serde::Deserialize;
use serde_json::value::RawValue;
use wardline_domain::Timestamp;
use wardline_domain::build::EventTemplate;
use wardline_domain::ruma::{EventId, OwnedEventId, OwnedUserId, RoomId, UserId};
use wardline_store::txn_ids::TxnKey;

use super::membership::VOUCHER;
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
        self.set_state(caller, room, (kind, state_key), content, (None, None)).await
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
        self.set_state(caller, room, (kind, state_key), content, (at, None)).await
    }

    /// [`Rooms::send_state`] with a time of the caller's choice and more work for the same transaction.
    pub(crate) async fn set_state(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        (kind, state_key): (&str, &str),
        content: Box<RawValue>,
        (at, also): (Option<Timestamp>, Option<Also>),
    ) -> Result<OwnedEventId, EngineError> {
        let nid = self.nid(room)?;
        let content = match own_join(caller, kind, state_key, &content) {
            Some(join) if self.is_joined(nid, caller.user)? => raw(&join)?,
            // As by the endpoints that join.
            Some(join) => return self.join_with(caller, room, join).await,
            None => content,
        };
        let (kind, state_key) = (kind.to_owned(), state_key.to_owned());
        let sender = caller.user_id.to_owned();
        let context = self.context.clone();
        let guests = (kind == "m.room.guest_access" && state_key.is_empty()).then(|| content.clone());
        let plan = move |turn: &mut Turn<'_>| {
            match kind.as_str() {
                "m.room.canonical_alias" => {
                    let before = turn.state(&kind, &state_key)?;
                    aliases::check_canonical(&context, nid, &content, before.as_deref())?;
                }
                "m.room.encryption" if turn.head.encrypted => check_encryption(turn, &content)?,
                "m.room.create" => {
                    return Err(EngineError::bad_content("type", "a room is created once"));
                }
                "m.room.power_levels" => check_levels(turn, &content)?,
                _ => {}
            }
            let event = template(turn, &kind, Some(&state_key), &content, &sender);
            turn.send(EventTemplate { origin_server_ts: at.unwrap_or(turn.now), ..event })
        };
        let plan = Box::new(plan);
        let event = self.order(Order { room, fresh: None, caller, txn: None, also, plan }).await?;
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

/// The content of an event by which the caller joins, without who vouches for it: that is for the server to say.
fn own_join(
    caller: Caller<'_>,
    kind: &str,
    state_key: &str,
    content: &RawValue,
) -> Option<serde_json::Map<String, serde_json::Value>> {
    if kind != "m.room.member" || state_key != caller.user_id.as_str() {
        return None;
    }
    let mut content: serde_json::Map<String, serde_json::Value> = serde_json::from_str(content.get()).ok()?;
    content.remove(VOUCHER);
    (content.get("membership").and_then(serde_json::Value::as_str) == Some("join")).then_some(content)
}

/// Levels are integers since version 10. Since version 12 no level can be written down for those who created the room.
fn check_levels(turn: &Turn<'_>, content: &RawValue) -> Result<(), EngineError> {
    #[derive(Deserialize)]
    struct Levels {
        #[serde(default)]
        users: serde_json::Map<String, serde_json::Value>,
    }
    #[derive(Deserialize)]
    struct Create {
        #[serde(default)]
        additional_creators: Vec<String>,
    }
    let rules = turn.head.version.authorization();
    if rules.integer_power_levels {
        let levels: serde_json::Map<String, serde_json::Value> = serde_json::from_str(content.get())
            .map_err(|_| EngineError::bad_content("content", "must be an object"))?;
        check_integers(&levels)?;
    }
    if !rules.explicitly_privilege_room_creators {
        return Ok(());
    }
    let Some(create) = turn.state("m.room.create", "")? else { return Ok(()) };
    let more = create.content_as::<Create>().map(|create| create.additional_creators).unwrap_or_default();
    let mut creators = more.iter().map(String::as_str).chain([create.sender.as_str()]);
    let levels: Levels = serde_json::from_str(content.get())
        .map_err(|_| EngineError::bad_content("content.users", "must be an object"))?;
    match creators.any(|creator| levels.users.contains_key(creator)) {
        true => Err(EngineError::bad_content("content.users", "creators of the room have no level")),
        false => Ok(()),
    }
}

fn check_integers(levels: &serde_json::Map<String, serde_json::Value>) -> Result<(), EngineError> {
    let bad = |field: &str| EngineError::bad_content(format!("content.{field}"), "must be integers");
    for field in ["ban", "events_default", "invite", "kick", "redact", "state_default", "users_default"] {
        if levels.get(field).is_some_and(|level| !level.is_i64()) {
            return Err(bad(field));
        }
    }
    for field in ["events", "notifications", "users"] {
        let fine = match levels.get(field) {
            None => true,
            Some(serde_json::Value::Object(all)) => all.values().all(serde_json::Value::is_i64),
            Some(_) => false,
        };
        if !fine {
            return Err(bad(field));
        }
    }
    Ok(())
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
