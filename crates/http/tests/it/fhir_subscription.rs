//! FHIR Subscription: who is told, of what, and what happens when nobody listens.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{Router, extract::State, http::HeaderMap, http::StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use wardline_clinical::{Caller, ImportMode, NewRequest};
use wardline_domain::{
    care::{
        playbook::{Ask, Class},
        request::Command,
    },
    ruma::UserId,
};
use wardline_outgoing::{Networks, Outgoing, OutgoingConfig};

use crate::support::{PASSWORD, Server, text};

/// A subscriber that notes what it is told with, and can be broken.
struct Subscriber {
    url: String,
    broken: Arc<AtomicBool>,
    told: mpsc::UnboundedReceiver<(HeaderMap, usize)>,
}

/// Whether it is broken, and where it notes the headers and the length of the body.
type Shared = (Arc<AtomicBool>, mpsc::UnboundedSender<(HeaderMap, usize)>);

impl Subscriber {
    async fn start() -> Self {
        let (sender, told) = mpsc::unbounded_channel();
        let broken = Arc::new(AtomicBool::new(false));
        let answer = |State((broken, sender)): State<Shared>, headers: HeaderMap, body: axum::body::Bytes| async move {
            if broken.load(Ordering::SeqCst) {
                return StatusCode::BAD_GATEWAY;
            }
            sender.send((headers, body.len())).unwrap();
            StatusCode::OK
        };
        let app = Router::new().fallback(answer).with_state((Arc::clone(&broken), sender));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/changed", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, broken, told }
    }
}

fn outgoing() -> Outgoing {
    let networks = Networks { allowed: vec!["127.0.0.0/8".parse().unwrap()], ..Networks::default() };
    Outgoing::new(OutgoingConfig { networks, ..OutgoingConfig::default() }).unwrap()
}

fn caller(person: &str) -> Caller {
    Caller { user: UserId::parse(format!("@{person}:riverside.example")).unwrap(), device: None }
}

async fn hospital() -> Server {
    let server = Server::new().await;
    let demo = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo");
    for file in ["bundle.json", "admissions.hl7"] {
        server.clinical.import(&std::fs::read(demo.join(file)).unwrap(), ImportMode::Strict).await.unwrap();
    }
    server.clinical.drain_outbox().await.unwrap();
    for person in ["grace.adeyemi", "priya.raman", "megan.evans"] {
        server.identity.create_account(person, Some(PASSWORD), false).await.unwrap();
    }
    server
}

async fn raise(server: &Server, id: &str) {
    let grace = caller("grace.adeyemi");
    let patient = server.clinical.patients_in_hospital(&grace, None).await.unwrap().remove(0).reference;
    let new = NewRequest {
        id: id.to_owned(),
        class: Class::Urgent,
        patient,
        addressed: Ask::Role("medical-registrar".to_owned()),
        needed_by: None,
        playbook: None,
        event: None,
        room: None,
    };
    server.clinical.raise(&grace, new).await.unwrap();
}

fn subscription(endpoint: &str, criteria: &str) -> Value {
    json!({
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "Show my requests on the wall board",
        "criteria": criteria,
        "channel": { "type": "rest-hook", "endpoint": endpoint, "header": ["Authorization: Bearer secret"] },
    })
}

async fn subscribe(server: &Server, token: &str, body: Value) -> Value {
    let made = server.call("POST /fhir/R4/Subscription", token, body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.body
}

#[tokio::test]
async fn a_subscriber_is_told_without_a_word_and_reads_what_it_may() {
    let server = hospital().await;
    let mut subscriber = Subscriber::start().await;
    let registrar = server.token("priya.raman").await;
    let made =
        subscribe(&server, &registrar, subscription(&subscriber.url, "Task?owner=me&code=urgent")).await;
    assert_eq!(made["status"], "active");
    assert!(!made.to_string().contains("secret"), "headers are not shown again");
    raise(&server, "r1").await;
    server.clinical.tell_subscribers(&outgoing()).await.unwrap();
    let (headers, length) = subscriber.told.try_recv().unwrap();
    assert_eq!((headers["authorization"].to_str().unwrap(), length), ("Bearer secret", 0));
    server.clinical.tell_subscribers(&outgoing()).await.unwrap();
    assert!(subscriber.told.try_recv().is_err(), "once");
    for command in [Command::Deliver, Command::See, Command::Accept] {
        server.clinical.command(&caller("priya.raman"), "r1", command).await.unwrap();
    }
    server.clinical.tell_subscribers(&outgoing()).await.unwrap();
    assert!(subscriber.told.try_recv().is_ok());
    assert!(subscriber.told.try_recv().is_err(), "three changes, one call");

    let path = format!("/fhir/R4/Subscription/{}", text(&made, "id"));
    let other = server.token("megan.evans").await;
    assert_eq!(server.get(&path, &other).await.status, 404);
    assert_eq!(server.call(&format!("DELETE {path}"), &other, Value::Null).await.status, 404);
    assert_eq!(server.call(&format!("DELETE {path}"), &registrar, Value::Null).await.status, 204);
    server.clinical.command(&caller("priya.raman"), "r1", Command::Complete).await.unwrap();
    server.clinical.tell_subscribers(&outgoing()).await.unwrap();
    assert!(subscriber.told.try_recv().is_err(), "it has ended");
}

#[tokio::test]
async fn nobody_is_told_of_what_they_may_not_see_or_did_not_ask_for() {
    let server = hospital().await;
    let mut subscriber = Subscriber::start().await;
    let stranger = server.token("megan.evans").await;
    subscribe(&server, &stranger, subscription(&subscriber.url, "Task")).await;
    let nurse = server.token("grace.adeyemi").await;
    subscribe(&server, &nurse, subscription(&subscriber.url, "Task?business-status=completed")).await;
    raise(&server, "r1").await;
    server.clinical.tell_subscribers(&outgoing()).await.unwrap();
    assert!(subscriber.told.try_recv().is_err());
    server.clinical.command(&caller("priya.raman"), "r1", Command::Complete).await.unwrap();
    server.clinical.tell_subscribers(&outgoing()).await.unwrap();
    assert!(subscriber.told.try_recv().is_ok(), "the nurse's");
    assert!(subscriber.told.try_recv().is_err());
}

#[tokio::test]
async fn a_subscriber_that_fails_is_tried_again_and_given_up_after_a_day() {
    let server = hospital().await;
    let mut subscriber = Subscriber::start().await;
    let nurse = server.token("grace.adeyemi").await;
    let made = subscribe(&server, &nurse, subscription(&subscriber.url, "Task?requester=me")).await;
    let path = format!("/fhir/R4/Subscription/{}", text(&made, "id"));
    subscriber.broken.store(true, Ordering::SeqCst);
    raise(&server, "r1").await;
    let wait = server.clinical.tell_subscribers(&outgoing()).await.unwrap();
    assert_eq!(wait, 5000);
    assert!(text(&server.get(&path, &nurse).await.ok(), "error").contains("1 times"));
    subscriber.broken.store(false, Ordering::SeqCst);
    server.clinical.tell_subscribers(&outgoing()).await.unwrap();
    assert!(subscriber.told.try_recv().is_err(), "it rests first");
    server.clock.advance(5000);
    server.clinical.tell_subscribers(&outgoing()).await.unwrap();
    assert!(subscriber.told.try_recv().is_ok(), "nothing was forgotten");
    assert!(server.get(&path, &nurse).await.ok().get("error").is_none());

    subscriber.broken.store(true, Ordering::SeqCst);
    server.clinical.command(&caller("priya.raman"), "r1", Command::Accept).await.unwrap();
    server.clinical.tell_subscribers(&outgoing()).await.unwrap();
    server.clock.advance(24 * 3_600_000);
    server.clinical.tell_subscribers(&outgoing()).await.unwrap();
    let nurse = server.token("grace.adeyemi").await;
    assert_eq!(server.get(&path, &nurse).await.ok()["status"], "error");
}

#[tokio::test]
async fn a_subscription_that_cannot_be_served_is_refused_by_name() {
    let server = hospital().await;
    let nurse = server.token("grace.adeyemi").await;
    let refused = async |change: &dyn Fn(&mut Value), expression: &str| {
        let mut body = subscription("https://board.example/changed", "Task?owner=me");
        change(&mut body);
        let answer = server.call("POST /fhir/R4/Subscription", &nurse, body).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert_eq!(answer.body["issue"][0]["expression"][0], expression, "{}", answer.body);
    };
    refused(&|it| it["status"] = json!("active"), "Subscription.status").await;
    refused(&|it| it["reason"] = json!(" "), "Subscription.reason").await;
    refused(&|it| it["criteria"] = json!("Patient?name=x"), "Subscription.criteria").await;
    refused(&|it| it["criteria"] = json!("Task?colour=red"), "Subscription.criteria").await;
    refused(&|it| it["criteria"] = json!("Task?code=later"), "Subscription.criteria").await;
    refused(&|it| it["end"] = json!("2020-01-01T00:00:00Z"), "Subscription.end").await;
    refused(&|it| it["channel"]["type"] = json!("email"), "Subscription.channel.type").await;
    refused(
        &|it| it["channel"]["endpoint"] = json!("http://board.example/x"),
        "Subscription.channel.endpoint",
    )
    .await;
    refused(
        &|it| it["channel"]["endpoint"] = json!("https://a:b@board.example/"),
        "Subscription.channel.endpoint",
    )
    .await;
    refused(&|it| it["channel"]["header"] = json!(["Host: evil"]), "Subscription.channel.header[0]").await;
    refused(&|it| it["channel"]["payload"] = json!("application/fhir+json"), "Subscription.channel.payload")
        .await;
}
