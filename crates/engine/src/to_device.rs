//! Messages from device to device (Client-Server API, "Send-to-Device messaging"): `PUT /sendToDevice`.
//!
//! A message is durable before the sender is answered, and stays until a `/sync` with a later `since` acknowledges
//! it. A repeated transaction sends nothing again, after a restart neither.

use std::sync::Arc;

use serde_json::value::RawValue;
use wardline_domain::Clock;
use wardline_domain::ruma::{OwnedUserId, UserId};
use wardline_store::{Store, StoreError, UserNid, sessions, to_device, users};

/// Messages from device to device.
#[derive(Clone, Debug)]
pub struct ToDevice {
    store: Store,
    clock: Arc<dyn Clock>,
}

/// A message for one device, or with the device `*` for all devices of the user.
#[derive(Clone, Debug)]
pub struct Message {
    /// To whom.
    pub user: OwnedUserId,
    /// To which device.
    pub device: String,
    /// The content, a JSON object.
    pub content: Box<RawValue>,
}

/// Who sends, and under which transaction.
#[derive(Clone, Debug)]
pub struct Origin<'a> {
    /// The sender.
    pub user_id: &'a UserId,
    /// The sender.
    pub user: UserNid,
    /// The sending device.
    pub device: &'a str,
    /// The type of the messages.
    pub event_type: &'a str,
    /// The transaction.
    pub txn_id: &'a str,
}

#[derive(serde::Serialize)]
struct Event<'a> {
    content: &'a RawValue,
    sender: &'a UserId,
    r#type: &'a str,
}

impl ToDevice {
    /// Messages between devices of this server's users.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Queues the messages, once for each transaction. Messages to devices that do not exist are dropped.
    ///
    /// # Errors
    /// Only a failure of the store.
    pub async fn send(&self, origin: Origin<'_>, messages: Vec<Message>) -> Result<(), StoreError> {
        let mut events = Vec::with_capacity(messages.len());
        for Message { user, device, content } in messages {
            let event = Event { content: &content, sender: origin.user_id, r#type: origin.event_type };
            let json = serde_json::to_string(&event)
                .map_err(|error| StoreError::Malformed(format!("a message has no JSON form: {error}")))?;
            events.push((user, device, json));
        }
        let (sender, device) = (origin.user, origin.device.to_owned());
        let (event_type, txn_id) = (origin.event_type.to_owned(), origin.txn_id.to_owned());
        let now = self.clock.now();
        self.store
            .write(move |tx| {
                if !to_device::begin_txn(tx, sender, &device, &event_type, &txn_id, now)? {
                    return Ok(());
                }
                for (user, device, json) in &events {
                    let Some(user) = users::find(tx, user)? else { continue };
                    if device == "*" {
                        for device in sessions::devices(tx, user)? {
                            to_device::send(tx, user, &device.device_id, json)?;
                        }
                    } else {
                        to_device::send(tx, user, device, json)?;
                    }
                }
                Ok(())
            })
            .await
    }
}
