//! A node is restarted under load: whoever waits or sends goes on as if nothing had happened.

use std::{
    collections::{HashMap, HashSet},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use tokio::sync::Notify;

use crate::process::{Person, Process, configure, text};

/// Clients that wait for news, and those that send.
const WAITING: usize = 200;
const SENDING: usize = 4;
/// Messages that each sender has to get through before, between and after the restarts.
const EACH: usize = 3;

/// What the clients saw of the restarts.
#[derive(Default)]
struct Seen {
    /// Connections that nobody took.
    refused: AtomicUsize,
    /// Connections that ended before an answer came: a client asks again.
    cut: AtomicUsize,
    /// Requests sent to a server that was stopping: a client asks again.
    stopping: AtomicUsize,
    sent: AtomicUsize,
    moved: Notify,
}

impl Seen {
    fn note(&self, error: &reqwest::Error) {
        let counter = if error.is_connect() { &self.refused } else { &self.cut };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Waits for news until `over`; every event of the room that was told, in order.
async fn wait(
    person: Person,
    since: String,
    room: String,
    seen: Arc<Seen>,
    over: Arc<AtomicBool>,
) -> Vec<String> {
    let (mut since, mut told) = (since, Vec::new());
    loop {
        let last = over.load(Ordering::SeqCst);
        let timeout = if last { 0 } else { 30_000 };
        let filter = "%7B%22room%22:%7B%22timeline%22:%7B%22limit%22:500%7D%7D%7D";
        let path = format!("/_matrix/client/v3/sync?timeout={timeout}&since={since}&filter={filter}");
        match person.call(Method::GET, &path, None).await {
            Err(error) => seen.note(&error),
            Ok((StatusCode::SERVICE_UNAVAILABLE, _)) => {
                seen.stopping.fetch_add(1, Ordering::Relaxed);
            }
            Ok((status, answer)) => {
                assert_eq!(status, 200, "{answer}");
                since = text(&answer["next_batch"]);
                let timeline = &answer["rooms"]["join"][&room]["timeline"];
                assert_ne!(timeline["limited"], true, "nothing is left out");
                for event in timeline["events"].as_array().into_iter().flatten() {
                    told.push(text(&event["event_id"]));
                }
                if last {
                    return told;
                }
            }
        }
    }
}

/// Sends one message after the other until `over`; the event of each.
async fn send(
    person: Person,
    name: usize,
    room: String,
    seen: Arc<Seen>,
    over: Arc<AtomicBool>,
) -> Vec<String> {
    let mut events = Vec::new();
    while !over.load(Ordering::SeqCst) {
        let txn = format!("{name}-{}", events.len());
        match person.send(&room, &txn).await {
            Err(error) => seen.note(&error),
            Ok((StatusCode::SERVICE_UNAVAILABLE, _)) => {
                seen.stopping.fetch_add(1, Ordering::Relaxed);
            }
            Ok((status, answer)) => {
                assert_eq!(status, 200, "{answer}");
                events.push(text(&answer["event_id"]));
                seen.sent.fetch_add(1, Ordering::SeqCst);
                seen.moved.notify_one();
            }
        }
    }
    events
}

/// Waits until so many messages were sent in all.
async fn until_sent(seen: &Seen, count: usize) {
    while seen.sent.load(Ordering::SeqCst) < count {
        seen.moved.notified().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_loses_nobody_and_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let config = configure(dir.path(), "");
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut server = Process::on_socket(&config, &socket, &[]);
    let url = server.url.clone();
    let mut people = Vec::new();
    for name in 0..SENDING {
        people.push(Person::register(&url, &format!("person{name}")).await);
    }
    let room = people[0].room().await;
    for person in &people[1..] {
        person.join(&room).await;
    }
    let mut since = HashMap::new();
    for person in &people {
        let first = person.ok(Method::GET, "/_matrix/client/v3/sync", None).await;
        since.insert(person.user.clone(), text(&first["next_batch"]));
    }

    let (seen, over) = (Arc::new(Seen::default()), Arc::new(AtomicBool::new(false)));
    let sent_out = Arc::new(AtomicBool::new(false));
    let waiting: Vec<_> = (0..WAITING)
        .map(|number| {
            let person = people[number % SENDING].at(&url);
            let since = since[&person.user].clone();
            tokio::spawn(wait(person, since, room.clone(), seen.clone(), over.clone()))
        })
        .collect();
    let sending: Vec<_> = people
        .iter()
        .enumerate()
        .map(|(name, person)| {
            tokio::spawn(send(person.at(&url), name, room.clone(), seen.clone(), sent_out.clone()))
        })
        .collect();
    let mut target = SENDING * EACH;
    until_sent(&seen, target).await;
    for signal in ["TERM", "INT"] {
        // The next one begins while this one is answering what it has begun.
        server.signal(signal);
        let (config, socket) = (config.clone(), socket.try_clone().unwrap());
        let next =
            tokio::task::spawn_blocking(move || Process::on_socket(&config, &socket, &["--take-over"]));
        let status = server.ended();
        assert!(status.success(), "{status}");
        server = next.await.unwrap();
        target = seen.sent.load(Ordering::SeqCst) + SENDING * EACH;
        until_sent(&seen, target).await;
    }
    sent_out.store(true, Ordering::SeqCst);
    let sent: Vec<String> = join_all(sending).await.into_iter().flat_map(|events| events.unwrap()).collect();
    over.store(true, Ordering::SeqCst);
    // Wakes those who wait.
    let (status, last) = people[0].at(&url).send(&room, "last").await.unwrap();
    assert_eq!(status, 200, "{last}");

    let timeline = people[0].at(&url).timeline(&room).await;
    let unique: HashSet<&String> = timeline.iter().collect();
    assert_eq!(unique.len(), timeline.len(), "nothing is there twice");
    assert!(sent.iter().all(|event| unique.contains(event)), "nothing that was answered is lost");
    for told in join_all(waiting).await {
        let told = told.unwrap();
        // Who looked for the last time just before the last message has not seen that one.
        let before = &timeline[..timeline.len() - 1];
        assert!(
            timeline.ends_with(&told) || before.ends_with(&told),
            "everything is told, once and in order"
        );
        assert!(told.len() >= sent.len(), "{} of {}", told.len(), sent.len());
    }
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    println!(
        "{} messages over two restarts with {WAITING} waiting clients: {} connections refused, {} cut, {} told to come \
         back",
        sent.len(),
        count(&seen.refused),
        count(&seen.cut),
        count(&seen.stopping)
    );
    assert_eq!(count(&seen.refused), 0, "there is always somebody to connect to");
    server.stop();
}

#[test]
fn a_standard_input_that_is_no_socket_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let config = configure(dir.path(), "");
    let refused = crate::process::run(&["serve", "--inherit-socket", "--config", config.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("not a listening socket"));
    assert!(!dir.path().join("data").exists(), "nothing was begun");
}
