//! Pushers against a gateway and a push service that behave well and badly.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use wardline_domain::ruma::OwnedRoomId;
use wardline_engine::EngineError;
use wardline_engine::push::{Delivering, Disturb, PushConfig, PusherToSet, Silence, Vapid, deliver};
use wardline_engine::receipts::NewReceipt;
use wardline_engine::rooms::{CreateRoom, Message, Preset};
use wardline_outgoing::{Networks, Outgoing, OutgoingConfig};
use wardline_store::pushers::Activation;
use web_push_native::p256::elliptic_curve::sec1::ToEncodedPoint;
use web_push_native::{Auth, p256};

use crate::home::{Home, Person, json as parse, raw};

/// One request as it came.
struct Pushed {
    headers: HeaderMap,
    body: Bytes,
}

/// What it answers next; when there is nothing, 200 and nothing rejected.
type Script = Arc<Mutex<Vec<(StatusCode, Value)>>>;

/// A push gateway and push service in one.
struct Receiver {
    url: String,
    script: Script,
    pushed: mpsc::UnboundedReceiver<Pushed>,
}

impl Receiver {
    async fn start() -> Self {
        let (sender, pushed) = mpsc::unbounded_channel();
        let script = Script::default();
        let answer = |State((script, sender)): State<(Script, mpsc::UnboundedSender<Pushed>)>,
                      _: Uri,
                      headers: HeaderMap,
                      body: Bytes| async move {
            sender.send(Pushed { headers, body }).ok();
            let mut script = script.lock();
            let (status, body) = if script.is_empty() {
                (StatusCode::OK, json!({ "rejected": [] }))
            } else {
                script.remove(0)
            };
            (status, [("retry-after", "0")], body.to_string()).into_response()
        };
        let app = Router::new().fallback(answer).with_state((Arc::clone(&script), sender));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, script, pushed }
    }

    fn answers(&self, answers: impl IntoIterator<Item = (StatusCode, Value)>) {
        self.script.lock().extend(answers);
    }

    async fn raw(&mut self) -> Pushed {
        tokio::time::timeout(Duration::from_secs(60), self.pushed.recv()).await.expect("a push").unwrap()
    }

    /// The next notification of a gateway.
    async fn next(&mut self) -> Value {
        let body = self.raw().await.body;
        parse(std::str::from_utf8(&body).unwrap())["notification"].clone()
    }
}

fn start(home: &Home) -> Delivering {
    start_with(home, None)
}

fn start_with(home: &Home, silence: Option<Arc<dyn Silence>>) -> Delivering {
    let networks = Networks { allowed: vec!["127.0.0.0/8".parse().unwrap()], ..Networks::default() };
    let outgoing = Outgoing::new(OutgoingConfig { networks, ..OutgoingConfig::default() }).unwrap();
    let config = PushConfig {
        rest: Duration::from_millis(5),
        longest_rest: Duration::from_millis(20),
        app_url: "https://ward.example".to_owned(),
        silence,
        ..PushConfig::default()
    };
    let vapid = Vapid::new(&[7; 32], "mailto:push@ward.example".to_owned());
    deliver(&home.engine, outgoing, vapid, config)
}

fn gateway_pusher(receiver: &Receiver, pushkey: &str, format: Option<&str>) -> PusherToSet {
    let mut data = Map::new();
    data.insert("url".to_owned(), json!(format!("{}/_matrix/push/v1/notify", receiver.url)));
    data.insert("brand".to_owned(), json!("ward"));
    data.extend(format.map(|format| ("format".to_owned(), json!(format))));
    PusherToSet {
        kind: "http".into(),
        app_id: "org.example.app".into(),
        pushkey: pushkey.into(),
        app_display_name: "App".into(),
        device_display_name: "Phone".into(),
        profile_tag: None,
        lang: "en".into(),
        data,
        append: false,
    }
}

async fn two_in_a_room(home: &Home) -> (Person, Person, OwnedRoomId) {
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let request =
        CreateRoom { preset: Preset::PublicChat, name: Some("Ward 7".into()), ..CreateRoom::default() };
    let room = home.room(&ada, request).await;
    home.engine.rooms.join(ben.caller(), &room, None).await.unwrap();
    (ada, ben, room)
}

#[tokio::test]
async fn a_gateway_is_told_of_events_by_id_and_of_what_is_read_elsewhere() {
    let home = Home::new();
    let (ada, ben, room) = two_in_a_room(&home).await;
    let mut receiver = Receiver::start().await;
    let _delivering = start(&home);
    let pusher = gateway_pusher(&receiver, "key", Some("event_id_only"));
    home.engine.pushers.set(ada.nid, "PHONE", pusher).await.unwrap();
    let first = home.say(&ben, &room, "the words", "1").await.unwrap();
    let told = receiver.next().await;
    assert_eq!(told["event_id"], json!(first));
    assert_eq!(told["room_id"], json!(room));
    assert_eq!(told["counts"], json!({ "unread": 1 }));
    assert_eq!(told["prio"], json!("high"), "a room of two has a sound");
    let device = &told["devices"][0];
    assert_eq!((&device["app_id"], &device["pushkey"]), (&json!("org.example.app"), &json!("key")));
    assert_eq!(device["tweaks"], json!({ "sound": "default" }));
    assert_eq!(device["data"], json!({ "brand": "ward", "format": "event_id_only" }), "without the address");
    assert!(told.get("content").is_none() && !told.to_string().contains("the words"));

    home.say(&ada, &room, "my own", "1").await.unwrap();
    let told = receiver.next().await;
    assert_eq!(
        (told.get("event_id"), &told["counts"]),
        (None, &json!({ "unread": 0 })),
        "her answer read it"
    );
    let second = home.say(&ben, &room, "more", "2").await.unwrap();
    assert_eq!(receiver.next().await["event_id"], json!(second));
    let receipt = NewReceipt { kind: "m.read.private".into(), event_id: second, thread: None };
    home.engine.receipts.advance(ada.nid, &room, vec![receipt]).await.unwrap();
    let told = receiver.next().await;
    assert_eq!((told.get("event_id"), &told["counts"]), (None, &json!({ "unread": 0 })));
}

#[tokio::test]
async fn a_gateway_that_asks_for_everything_gets_it_but_not_of_an_encrypted_room() {
    let home = Home::new();
    let (ada, ben, room) = two_in_a_room(&home).await;
    let mut receiver = Receiver::start().await;
    let _delivering = start(&home);
    home.engine.pushers.set(ada.nid, "PHONE", gateway_pusher(&receiver, "key", None)).await.unwrap();
    home.say(&ben, &room, "the words", "1").await.unwrap();
    let told = receiver.next().await;
    assert_eq!((&told["type"], &told["sender"]), (&json!("m.room.message"), &json!(ben.id)));
    assert_eq!((&told["content"]["body"], &told["room_name"]), (&json!("the words"), &json!("Ward 7")));

    let encryption = raw(&json!({ "algorithm": "m.megolm.v1.aes-sha2" }));
    home.engine.rooms.send_state(ada.caller(), &room, "m.room.encryption", "", encryption).await.unwrap();
    let content = raw(&json!({ "algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "secret" }));
    let message = Message { room: &room, kind: "m.room.encrypted", content, txn: None, also: None };
    let sealed = home.engine.rooms.send(ben.caller(), message).await.unwrap();
    let told = loop {
        let told = receiver.next().await;
        if told.get("event_id").is_some() {
            break told;
        }
    };
    assert_eq!(told["event_id"], json!(sealed));
    assert!(told.get("content").is_none() && told.get("room_name").is_none() && told.get("sender").is_none());

    let invitation = CreateRoom { invite: vec![ada.id.clone()], ..CreateRoom::default() };
    let other = home.room(&ben, invitation).await;
    let told = receiver.next().await;
    assert_eq!((&told["room_id"], &told["user_is_target"]), (&json!(other), &json!(true)), "an invitation");
}

#[tokio::test]
async fn an_outage_delays_and_loses_nothing() {
    let home = Home::new();
    let (ada, ben, room) = two_in_a_room(&home).await;
    let mut receiver = Receiver::start().await;
    let bad = [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::TOO_MANY_REQUESTS, StatusCode::BAD_GATEWAY];
    receiver.answers(bad.map(|status| (status, json!({}))));
    let _delivering = start(&home);
    let pusher = gateway_pusher(&receiver, "key", Some("event_id_only"));
    home.engine.pushers.set(ada.nid, "PHONE", pusher).await.unwrap();
    let first = home.say(&ben, &room, "one", "1").await.unwrap();
    for _ in bad {
        assert_eq!(receiver.next().await["event_id"], json!(first), "refused, so tried again");
    }
    let second = home.say(&ben, &room, "two", "2").await.unwrap();
    assert_eq!(receiver.next().await["event_id"], json!(first));
    assert_eq!(receiver.next().await["event_id"], json!(second), "in order, once each");
}

#[tokio::test]
async fn what_was_committed_before_a_crash_is_told_after_it() {
    let home = Home::new();
    let (ada, ben, room) = two_in_a_room(&home).await;
    let mut receiver = Receiver::start().await;
    let pusher = gateway_pusher(&receiver, "key", Some("event_id_only"));
    home.engine.pushers.set(ada.nid, "PHONE", pusher).await.unwrap();
    // Nobody delivers: as if the process died between the commit and the push.
    let first = home.say(&ben, &room, "one", "1").await.unwrap();
    let read = home.say(&ben, &room, "two", "2").await.unwrap();
    let home = home.restart();
    let delivering = start(&home);
    assert_eq!(receiver.next().await["event_id"], json!(first));
    assert_eq!(receiver.next().await["event_id"], json!(read));
    let third = home.say(&ben, &room, "three", "3").await.unwrap();
    assert_eq!(receiver.next().await["event_id"], json!(third));
    drop(delivering);

    // Read before anybody could tell of it: only the newest is told.
    let fourth = home.say(&ben, &room, "four", "4").await.unwrap();
    let receipt = NewReceipt { kind: "m.read".into(), event_id: fourth, thread: None };
    home.engine.receipts.advance(ada.nid, &room, vec![receipt]).await.unwrap();
    let fifth = home.say(&ben, &room, "five", "5").await.unwrap();
    let home = home.restart();
    let _delivering = start(&home);
    // The push of the third may be repeated, if its cursor had not moved yet; by then it is read.
    assert_eq!(receiver.next().await["event_id"], json!(fifth));
}

#[tokio::test]
async fn who_is_behind_is_not_held_up_by_a_room_that_was_purged() {
    let home = Home::new();
    let (ada, ben, room) = two_in_a_room(&home).await;
    let mut receiver = Receiver::start().await;
    let pusher = gateway_pusher(&receiver, "key", Some("event_id_only"));
    home.engine.pushers.set(ada.nid, "PHONE", pusher).await.unwrap();
    // Nobody delivers while all of this happens.
    home.say(&ben, &room, "one", "1").await.unwrap();
    home.engine.rooms.remove_everybody(&room).await.unwrap();
    home.engine.purges.purge(&room, false, ben.nid, |_| Ok(())).await.unwrap();
    let request = CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() };
    let other = home.room(&ada, request).await;
    home.engine.rooms.join(ben.caller(), &other, None).await.unwrap();
    let told = home.say(&ben, &other, "two", "2").await.unwrap();
    let home = home.restart();
    let _delivering = start(&home);
    assert_eq!(receiver.next().await["event_id"], json!(told));
}

#[tokio::test]
async fn a_rejected_pusher_and_that_of_a_device_that_signs_out_are_gone() {
    let home = Home::new();
    let (ada, ben, room) = two_in_a_room(&home).await;
    let mut receiver = Receiver::start().await;
    receiver.answers([(StatusCode::OK, json!({ "rejected": ["old"] }))]);
    let _delivering = start(&home);
    let pushers = &home.engine.pushers;
    let old = gateway_pusher(&receiver, "old", Some("event_id_only"));
    pushers.set(ada.nid, "PHONE", old.clone()).await.unwrap();
    home.say(&ben, &room, "one", "1").await.unwrap();
    receiver.next().await;
    let second = home.say(&ben, &room, "two", "2").await.unwrap();
    pushers.set(ada.nid, "PHONE", gateway_pusher(&receiver, "new", Some("event_id_only"))).await.unwrap();
    let third = home.say(&ben, &room, "three", "3").await.unwrap();
    let told = receiver.next().await;
    assert_eq!(told["devices"][0]["pushkey"], json!("new"), "the other is asked no more");
    assert_eq!(
        told["event_id"],
        json!(third),
        "and it is told of what comes after it was set, not of {second}"
    );
    let keys: Vec<_> = pushers.of_user(ada.nid).unwrap().into_iter().map(|pusher| pusher.pushkey).collect();
    assert_eq!(keys, ["new"]);

    pushers
        .set(ben.nid, "OTHER", PusherToSet { append: true, ..gateway_pusher(&receiver, "new", None) })
        .await
        .unwrap();
    assert_eq!(pushers.of_user(ada.nid).unwrap().len(), 1, "both have the key");
    pushers.set(ben.nid, "OTHER", gateway_pusher(&receiver, "new", None)).await.unwrap();
    assert_eq!(pushers.of_user(ada.nid).unwrap(), [], "the device changed hands");
    let nid = ben.nid;
    home.store().write(move |tx| wardline_store::sessions::delete_device(tx, nid, "OTHER")).await.unwrap();
    assert_eq!(pushers.of_user(ben.nid).unwrap(), []);
}

/// A browser's side of a subscription.
struct Browser {
    secret: p256::SecretKey,
    auth: [u8; 16],
}

impl Browser {
    fn pusher(&self, receiver: &Receiver) -> PusherToSet {
        let key = self.secret.public_key().to_encoded_point(false);
        let data = json!({
            "url": format!("{}/send/secret-path", receiver.url), "auth": URL_SAFE_NO_PAD.encode(self.auth)
        });
        PusherToSet {
            kind: "webpush".into(),
            pushkey: URL_SAFE_NO_PAD.encode(key.as_bytes()),
            data: data.as_object().unwrap().clone(),
            ..gateway_pusher(receiver, "", None)
        }
    }

    fn open(&self, pushed: &Pushed) -> Value {
        assert_eq!(pushed.headers["content-encoding"], "aes128gcm");
        let auth = Auth::from_slice(&self.auth);
        let text = web_push_native::decrypt(pushed.body.to_vec(), &self.secret, auth).unwrap();
        parse(std::str::from_utf8(&text).unwrap())
    }
}

#[tokio::test]
async fn a_browser_is_told_ids_and_a_class_under_its_own_key() {
    let home = Home::new();
    let (ada, ben, room) = two_in_a_room(&home).await;
    let mut receiver = Receiver::start().await;
    let _delivering = start(&home);
    let browser = Browser { secret: p256::SecretKey::from_slice(&[3; 32]).unwrap(), auth: [9; 16] };
    let pushers = &home.engine.pushers;
    assert!(pushers.set(ada.nid, "BROWSER", browser.pusher(&receiver)).await.unwrap(), "must be activated");
    let pushed = receiver.raw().await;
    let validation = browser.open(&pushed);
    assert_eq!(validation["app_id"], json!("org.example.app"));
    let unknown = pushers.activate(ada.nid, "org.example.app", "guess").await.unwrap();
    assert_eq!(unknown, Activation::Unknown);
    assert_eq!(pushers.activate(ada.nid, "other", "guess").await.unwrap(), Activation::NoPusher);
    home.say(&ben, &room, "before", "1").await.unwrap();
    let token = validation["ack_token"].as_str().unwrap();
    assert_eq!(pushers.activate(ada.nid, "org.example.app", token).await.unwrap(), Activation::Done);
    assert!(!pushers.set(ada.nid, "BROWSER", browser.pusher(&receiver)).await.unwrap(), "as it was");

    let event = home.say(&ben, &room, "the words", "2").await.unwrap();
    let pushed = receiver.raw().await;
    let told = browser.open(&pushed);
    assert_eq!((&told["room_id"], &told["event_id"]), (&json!(room), &json!(event)));
    assert_eq!((&told["class"], &told["web_push"]), (&json!("message"), &json!(8030)));
    assert_eq!(told["counts"], json!({ "unread": 2, "conversations": 1 }));
    assert_eq!(told["app_badge"], json!("1"), "two messages in one conversation");
    assert_eq!(told["notification"]["title"], json!("New message"));
    assert!(told["notification"]["navigate"].as_str().unwrap().starts_with("https://ward.example/chats/"));
    assert!(!told.to_string().contains("words") && !told.to_string().contains("ben"));
    assert_eq!(pushed.headers["urgency"], "normal");
    assert!(pushed.headers.contains_key("topic") && pushed.headers.contains_key("ttl"));

    // The authorisation is ours, for this service, and not for long.
    let authorization = pushed.headers["authorization"].to_str().unwrap();
    let (token, key) = authorization.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
    let point = URL_SAFE_NO_PAD.decode(key).unwrap();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[&receiver.url]);
    validation.validate_exp = false;
    let decoding = DecodingKey::from_ec_components(&x, &y).unwrap();
    let claims = jsonwebtoken::decode::<Value>(token, &decoding, &validation).unwrap().claims;
    assert_eq!(claims["sub"], json!("mailto:push@ward.example"));
    let now = home.engine.context.now().as_millis() / 1000;
    assert!(claims["exp"].as_i64().unwrap() > now && claims["exp"].as_i64().unwrap() <= now + 24 * 3600);

    let content = raw(&json!({ "ciphertext": "secret", "org.wardline.class": "urgent" }));
    let message = Message { room: &room, kind: "m.room.encrypted", content, txn: None, also: None };
    receiver.answers([(StatusCode::GONE, json!({}))]);
    home.engine.rooms.send(ben.caller(), message).await.unwrap();
    let pushed = receiver.raw().await;
    let told = browser.open(&pushed);
    assert_eq!((&told["class"], &told["prio"]), (&json!("urgent"), &json!("high")));
    assert_eq!(
        (&pushed.headers["urgency"], &pushed.headers["ttl"]),
        (&"high".parse().unwrap(), &"900".parse().unwrap())
    );
    assert!(!pushed.headers.contains_key("topic"), "no urgent request takes the place of another");
    let removed = async {
        while !pushers.of_user(ada.nid).unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), removed)
        .await
        .expect("a subscription that is gone is removed");
}

#[tokio::test]
async fn what_is_no_pusher_is_refused() {
    let home = Home::new();
    let ada = home.person("ada").await;
    let receiver = Receiver::start().await;
    let good = || gateway_pusher(&receiver, "key", None);
    let with = |field: &str, value: Value| {
        let mut pusher = good();
        pusher.data.insert(field.to_owned(), value);
        pusher
    };
    let browser = Browser { secret: p256::SecretKey::from_slice(&[3; 32]).unwrap(), auth: [9; 16] };
    let mut plain = browser.pusher(&receiver);
    plain.data.insert("url".into(), json!("http://push.example/x"));
    let mut short = browser.pusher(&receiver);
    short.data.insert("auth".into(), json!("AAAA"));
    let cases = [
        (PusherToSet { app_id: "x".repeat(65), ..good() }, "app_id"),
        (PusherToSet { pushkey: "x".repeat(513), ..good() }, "pushkey"),
        (PusherToSet { kind: "email".into(), ..good() }, "kind"),
        (PusherToSet { lang: "x".repeat(1025), ..good() }, "lang"),
        (with("url", json!(3)), "data.url"),
        (with("url", json!("https://push.example/elsewhere")), "data.url"),
        (with("url", json!("ftp://push.example/_matrix/push/v1/notify")), "data.url"),
        (with("format", json!(1)), "data.format"),
        (with("much", json!("x".repeat(9000))), "data"),
        (plain, "data.url"),
        (short, "data.auth"),
        (PusherToSet { pushkey: "AAAA".into(), ..browser.pusher(&receiver) }, "pushkey"),
    ];
    for (pusher, field) in cases {
        match home.engine.pushers.set(ada.nid, "PHONE", pusher).await {
            Err(EngineError::Invalid { field: named, .. }) => assert_eq!(named, field),
            other => panic!("{field}: {other:?}"),
        }
    }
    assert_eq!(home.engine.pushers.of_user(ada.nid).unwrap(), []);
}

/// RFC 8291, appendix A: what we decrypt with is what the RFC encrypts with, so that the tests above mean something.
#[test]
fn the_example_of_the_rfc_is_read() {
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let secret = p256::SecretKey::from_slice(&bytes("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")).unwrap();
    let auth = bytes("BTBZMqHH6r4Tts7J_aSIgg");
    let sealed = bytes(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
    );
    let text = web_push_native::decrypt(sealed, &secret, Auth::from_slice(&auth)).unwrap();
    assert_eq!(text, b"When I grow up, I want to be a watermelon");
}

/// Ada has quiet hours, Cid is off duty.
#[derive(Debug)]
struct Night;

impl Silence for Night {
    fn of(
        &self,
        _: &wardline_store::ReadTx<'_>,
        user: &wardline_domain::ruma::UserId,
        _: wardline_domain::Timestamp,
    ) -> Result<Disturb, wardline_store::StoreError> {
        Ok(match user.localpart() {
            "ada" => Disturb::Urgent,
            "cid" => Disturb::Nothing,
            _ => Disturb::Everything,
        })
    }
}

#[tokio::test]
async fn only_what_is_urgent_breaks_through_quiet_hours_and_nothing_disturbs_who_is_off_duty() {
    let home = Home::new();
    let (ada, ben, room) = two_in_a_room(&home).await;
    let cid = home.person("cid").await;
    home.engine.rooms.join(cid.caller(), &room, None).await.unwrap();
    let mut receiver = Receiver::start().await;
    let _delivering = start_with(&home, Some(Arc::new(Night)));
    for (person, key) in [(&ada, "ada"), (&cid, "cid")] {
        let pusher = gateway_pusher(&receiver, key, Some("event_id_only"));
        home.engine.pushers.set(person.nid, "PHONE", pusher).await.unwrap();
    }
    home.say(&ben, &room, "good night", "1").await.unwrap();
    let content = raw(&json!({ "ciphertext": "secret", "org.wardline.class": "urgent" }));
    let message = Message { room: &room, kind: "m.room.encrypted", content, txn: Some("2"), also: None };
    let urgent = home.engine.rooms.send(ben.caller(), message).await.unwrap();
    // The count on the app's icon may move before: it disturbs nobody.
    let told = loop {
        let told = receiver.next().await;
        if told["event_id"] != Value::Null {
            break told;
        }
    };
    assert_eq!(told["event_id"], json!(urgent), "and not the message before");
    assert_eq!(told["devices"][0]["pushkey"], "ada");
}
