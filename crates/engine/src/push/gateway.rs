//! Telling a push gateway (Push Gateway API, `POST /_matrix/push/v1/notify`).

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wardline_store::pushers::Pusher;

use super::plan::Notice;

/// The longest answer that is read.
pub(super) const LONGEST_ANSWER: usize = 64 * 1024;

/// Whether the pusher wants more than ids.
pub(super) fn is_full(pusher: &Pusher) -> bool {
    pusher.kind == "http" && data(pusher).get("format").is_none()
}

pub(super) fn data(pusher: &Pusher) -> Map<String, Value> {
    serde_json::from_str(&pusher.data).unwrap_or_default()
}

/// The request that tells of an event, or, without one, only of the unread count.
pub(super) fn request(pusher: &Pusher, notice: Option<&Notice>, unread: u64) -> Option<http::Request<Bytes>> {
    let mut data = data(pusher);
    let url = data.remove("url")?;
    let mut device = json!({
        "app_id": pusher.app_id,
        "pushkey": pusher.pushkey,
        "pushkey_ts": pusher.created_at.as_millis() / 1000,
        "data": data,
    });
    let mut body = json!({ "counts": { "unread": unread } });
    if let Some(notice) = notice {
        device["tweaks"] = tweaks(&notice.actions);
        body["event_id"] = json!(notice.event.pdu.event_id);
        body["room_id"] = json!(notice.room.room_id);
        body["prio"] = json!(if is_urgent(notice) { "high" } else { "low" });
        if let Some(names) = &notice.names {
            let pdu = &notice.event.pdu;
            body["type"] = json!(pdu.kind);
            body["sender"] = json!(pdu.sender);
            body["content"] = serde_json::from_str(pdu.content()).unwrap_or(Value::Null);
            for (field, name) in [
                ("sender_display_name", &names.sender),
                ("room_name", &names.room),
                ("room_alias", &names.alias),
            ] {
                if let Some(name) = name {
                    body[field] = json!(name);
                }
            }
            if pdu.kind == "m.room.member" {
                body["user_is_target"] = json!(pdu.state_key.as_deref() == Some(pusher.user_id.as_str()));
            }
        }
    }
    body["devices"] = json!([device]);
    let body = Bytes::from(json!({ "notification": body }).to_string());
    http::Request::post(url.as_str()?).header(http::header::CONTENT_TYPE, "application/json").body(body).ok()
}

/// The request that wakes a device at once for what is no event: it learns from its next `/sync` what it is.
pub(super) fn wake(pusher: &Pusher, unread: u64) -> Option<http::Request<Bytes>> {
    let mut data = data(pusher);
    let url = data.remove("url")?;
    let device = json!({
        "app_id": pusher.app_id,
        "pushkey": pusher.pushkey,
        "pushkey_ts": pusher.created_at.as_millis() / 1000,
        "data": data,
    });
    let body = json!({ "notification": {
        "prio": "high",
        "counts": { "unread": unread },
        "devices": [device],
    } });
    let body = Bytes::from(body.to_string());
    http::Request::post(url.as_str()?).header(http::header::CONTENT_TYPE, "application/json").body(body).ok()
}

/// What a phone must be woken for: calls for attention, and messages whose words only the phone can judge.
fn is_urgent(notice: &Notice) -> bool {
    notice.highlight || notice.sound || notice.event.pdu.kind == "m.room.encrypted"
}

fn tweaks(actions: &str) -> Value {
    let actions: Vec<Value> = serde_json::from_str(actions).unwrap_or_default();
    let mut tweaks = Map::new();
    for action in actions {
        if let Some(name) = action.get("set_tweak").and_then(Value::as_str) {
            let value = action.get("value").cloned().unwrap_or(Value::Bool(true));
            tweaks.insert(name.to_owned(), value);
        }
    }
    Value::Object(tweaks)
}

/// Whether the gateway says that it knows the device no more.
pub(super) fn rejects(pusher: &Pusher, answer: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        rejected: Vec<String>,
    }
    serde_json::from_slice::<Answer>(answer).is_ok_and(|answer| answer.rejected.contains(&pusher.pushkey))
}
