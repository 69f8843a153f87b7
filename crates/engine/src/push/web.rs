//! Web Push: encrypted for the device (RFC 8291), authorised by the server's key (RFC 8292, VAPID), as a pusher of
//! MSC4174. The payload is made of ids, a class and a count; its words are neutral.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use wardline_domain::Timestamp;
use wardline_store::alerts::Alert;
use wardline_store::pushers::Pusher;
use web_push_native::p256::elliptic_curve::sec1::ToEncodedPoint;
use web_push_native::p256::pkcs8::EncodePrivateKey;
use web_push_native::{Auth, p256};

use super::gateway;
use super::plan::{Notice, Unread};

/// How long an authorisation is good: half of what push services accept, in seconds.
const AUTHORISED_S: i64 = 12 * 3600;

/// The server's key for Web Push (RFC 8292).
#[derive(Clone)]
pub struct Vapid {
    key: EncodingKey,
    public: String,
    contact: String,
}

impl std::fmt::Debug for Vapid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vapid").field("public", &self.public).finish_non_exhaustive()
    }
}

impl Vapid {
    /// The key with this secret. `contact` is a `mailto:` or `https:` URI by which a push service reaches the people
    /// who run the server. `None` for the few secrets that are no key: take another one.
    #[must_use]
    pub fn new(secret: &[u8; 32], contact: String) -> Option<Self> {
        let secret = p256::SecretKey::from_slice(secret).ok()?;
        let key = EncodingKey::from_ec_der(secret.to_pkcs8_der().ok()?.as_bytes());
        let public = URL_SAFE_NO_PAD.encode(secret.public_key().to_encoded_point(false).as_bytes());
        Some(Self { key, public, contact })
    }

    /// The public key as clients take it to subscribe: uncompressed, in URL-safe base64 without padding.
    #[must_use]
    pub fn public_key(&self) -> &str {
        &self.public
    }

    /// The `Authorization` for a push service at `origin`.
    fn authorization(&self, origin: &str, now: Timestamp) -> Option<String> {
        #[derive(Serialize)]
        struct Claims<'a> {
            aud: &'a str,
            exp: i64,
            sub: &'a str,
        }
        let claims = Claims { aud: origin, exp: now.as_millis() / 1000 + AUTHORISED_S, sub: &self.contact };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.key).ok()?;
        Some(format!("vapid t={token}, k={}", self.public))
    }
}

/// Where the push service of a pusher is: `url`, or `endpoint` as earlier drafts had it.
pub(super) fn address(data: &Map<String, Value>) -> Option<&str> {
    data.get("url").or_else(|| data.get("endpoint")).and_then(Value::as_str)
}

/// Whether two data of a pusher reach the same device.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    let (a, b) = (read(a), read(b));
    address(&a) == address(&b) && a.get("auth") == b.get("auth")
}

pub(super) fn public_key(text: &str) -> Option<p256::PublicKey> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    p256::PublicKey::from_sec1_bytes(&bytes).ok()
}

/// What is pushed.
pub(super) enum Message<'a> {
    /// The token that activates the pusher.
    Validation(&'a str),
    /// An event, and what is unread.
    Event(&'a Notice, Unread),
    /// An alert, and what is unread.
    Alert(&'a Alert, Unread),
}

/// How urgent a push is, and how long it is worth to be delivered, in seconds.
struct Weight {
    class: String,
    title: &'static str,
    urgency: &'static str,
    ttl: u32,
}

/// The request to the push service; `None` if the pusher's data make none.
pub(super) fn request(
    pusher: &Pusher,
    message: &Message<'_>,
    vapid: &Vapid,
    app_url: &str,
    now: Timestamp,
) -> Option<http::Request<Bytes>> {
    let data = gateway::data(pusher);
    let url = address(&data)?;
    let uri: http::Uri = url.parse().ok()?;
    let origin = format!("{}://{}", uri.scheme_str()?, uri.authority()?);
    let auth = URL_SAFE_NO_PAD.decode(data.get("auth")?.as_str()?.trim_end_matches('=')).ok()?;
    if auth.len() != 16 {
        return None;
    }
    let (payload, weight, topic) = match message {
        Message::Validation(token) => {
            let payload = json!({ "app_id": pusher.app_id, "ack_token": token });
            (payload, Weight { class: String::new(), title: "", urgency: "high", ttl: 300 }, None)
        }
        Message::Event(notice, unread) => {
            let weight = weigh(notice);
            let topic = (weight.urgency != "high").then(|| topic(notice));
            (payload(pusher, notice, *unread, &weight, app_url), weight, topic)
        }
        Message::Alert(alert, unread) => {
            let weight = of_alert(alert);
            (alert_payload(pusher, alert, *unread, &weight, app_url), weight, None)
        }
    };
    let key = public_key(&pusher.pushkey)?;
    let sealed =
        web_push_native::encrypt(payload.to_string().into_bytes(), &key, Auth::from_slice(&auth)).ok()?;
    let mut request = http::Request::post(url)
        .header(http::header::AUTHORIZATION, vapid.authorization(&origin, now)?)
        .header(http::header::CONTENT_ENCODING, "aes128gcm")
        .header(http::header::CONTENT_TYPE, "application/octet-stream")
        .header("TTL", weight.ttl)
        .header("Urgency", weight.urgency);
    if let Some(topic) = topic {
        request = request.header("Topic", topic);
    }
    request.body(Bytes::from(sealed)).ok()
}

/// A late bleep must not ring, a late message is still worth a look.
fn weigh(notice: &Notice) -> Weight {
    let weight = |class: &str, title, urgency, ttl| Weight { class: class.to_owned(), title, urgency, ttl };
    match class(notice).as_deref() {
        Some("urgent") if drill(notice) == Some(true) => weight("drill", DRILL, "high", 15 * 60),
        Some("urgent") if drill(notice) == Some(false) => weight("crash", "Crash call", "high", 15 * 60),
        Some("urgent") => weight("urgent", "Urgent request", "high", 15 * 60),
        // It rings for a minute.
        Some("call") => weight("call", "Incoming call", "high", 60),
        Some("action") => weight("action", "Request", "high", 4 * 3600),
        Some("information") => weight("information", "For your information", "normal", 24 * 3600),
        _ if notice.invites => weight("invite", "Invitation", "normal", 24 * 3600),
        _ if notice.highlight => weight("mention", "You were mentioned", "high", 4 * 3600),
        _ => weight("message", "New message", "normal", 24 * 3600),
    }
}

/// What the push of an exercise is called, so that nobody takes it for an emergency.
const DRILL: &str = "DRILL: not an emergency";

/// A call is worth to be heard of for four hours: people are asked whether they can come in.
fn of_alert(alert: &Alert) -> Weight {
    let title = if alert.class == "drill" { DRILL } else { "Broadcast: please answer" };
    Weight { class: alert.class.clone(), title, urgency: "high", ttl: 4 * 3600 }
}

fn alert_payload(pusher: &Pusher, alert: &Alert, unread: Unread, weight: &Weight, app_url: &str) -> Value {
    let mut shown = json!({
        "title": weight.title,
        "tag": alert.subject,
        "data": { "call_id": alert.subject, "class": weight.class },
    });
    if !app_url.is_empty() {
        shown["navigate"] = json!(format!("{app_url}/on-call"));
    }
    json!({
        "web_push": 8030,
        "notification": shown,
        "app_badge": unread.conversations.to_string(),
        "app_id": pusher.app_id,
        "call_id": alert.subject,
        "class": weight.class,
        "prio": "high",
        "counts": { "unread": unread.messages, "conversations": unread.conversations },
    })
}

/// Whether an event is of a crash call, and then whether of an exercise.
fn drill(notice: &Notice) -> Option<bool> {
    #[derive(Deserialize)]
    struct Part {
        drill: bool,
    }
    #[derive(Deserialize)]
    struct Content {
        call: Part,
    }
    notice.event.pdu.content_as::<Content>().ok().map(|content| content.call.drill)
}

/// The class that stands in clear beside the ciphertext (`org.wardline.class`), or that of a request's progress.
pub(super) fn class(notice: &Notice) -> Option<String> {
    #[derive(Deserialize)]
    struct Update {
        class: String,
    }
    if notice.event.pdu.kind == "org.wardline.request.update" {
        return notice.event.pdu.content_as::<Update>().ok().map(|content| content.class);
    }
    #[derive(Deserialize)]
    struct Content {
        #[serde(rename = "org.wardline.class")]
        class: String,
    }
    notice.event.pdu.content_as::<Content>().ok().map(|content| content.class)
}

/// A later message of a room takes the place of an earlier one that was not delivered yet.
fn topic(notice: &Notice) -> String {
    let hash = blake3::hash(notice.room.room_id.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_bytes()[..24])
}

/// Readable by a service worker, and by a browser alone (declarative web push).
fn payload(pusher: &Pusher, notice: &Notice, unread: Unread, weight: &Weight, app_url: &str) -> Value {
    let (room, event) = (&notice.room.room_id, &notice.event.pdu.event_id);
    let mut shown = json!({
        "title": weight.title,
        "tag": room,
        "data": { "room_id": room, "event_id": event, "class": weight.class },
    });
    if !app_url.is_empty() {
        shown["navigate"] = json!(format!("{app_url}/chats/{}", encoded(room.as_str())));
    }
    json!({
        "web_push": 8030,
        "notification": shown,
        "app_badge": unread.conversations.to_string(),
        "app_id": pusher.app_id,
        "room_id": room,
        "event_id": event,
        "class": weight.class,
        "prio": if weight.urgency == "high" { "high" } else { "low" },
        "counts": { "unread": unread.messages, "conversations": unread.conversations },
    })
}

/// A path segment of a URL.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
