//! SIGKILL at random instants under load: nothing that was acknowledged is lost.
//!
//! `CRASH_ROUNDS` sets how often (200), `CRASH_SEED` repeats a run.

use std::{collections::HashSet, env, time::Duration};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{
    hospital::{Person, encode},
    server::{Server, run},
};

/// The states that a request of this test goes through, each by the operation of the same place.
const STATES: [&str; 4] = ["raised", "seen", "accepted", "completed"];
const OPERATIONS: [&str; 4] = ["", "$seen", "$accept", "$complete"];

/// What one sender was promised: its events in order, with their transaction ids.
#[derive(Default)]
struct Sent {
    acknowledged: Vec<(String, String)>,
    next: usize,
}

/// What a reader was promised: receipts in the order of posting, and how many of them were acknowledged.
#[derive(Default)]
struct Receipts {
    posted: Vec<String>,
    acknowledged: usize,
}

/// What a requester was promised: how many of [`STATES`] each request has reached.
#[derive(Default)]
struct Requests {
    reached: Vec<usize>,
}

/// Sends events until the server is gone.
async fn send(person: &Person, room: &str, name: &str, sent: &mut Sent) {
    loop {
        let txn = format!("{name}-{}", sent.next);
        let Some(event) = person.send(room, &txn).await else { return };
        sent.acknowledged.push((txn, event));
        sent.next += 1;
    }
}

/// Sends events and moves its own receipt onto each until the server is gone.
async fn read(person: &Person, room: &str, sent: &mut Sent, receipts: &mut Receipts) {
    loop {
        let txn = format!("read-{}", sent.next);
        let Some(event) = person.send(room, &txn).await else { return };
        sent.acknowledged.push((txn, event.clone()));
        sent.next += 1;
        receipts.posted.push(event.clone());
        let path = format!("/_matrix/client/v3/rooms/{}/receipt/m.read/{}", encode(room), encode(&event));
        if person.post(&path, json!({})).await.is_none() {
            return;
        }
        receipts.acknowledged = receipts.posted.len();
    }
}

/// Raises requests and moves each to its end until the server is gone.
async fn request(nurse: &Person, doctor: &Person, patient: &str, requests: &mut Requests) {
    loop {
        let id = request_id(requests.reached.len());
        if nurse.put(&format!("/fhir/R4/Task/{id}"), task(&id, patient, nurse, doctor)).await.is_none() {
            return;
        }
        requests.reached.push(1);
        for operation in &OPERATIONS[1..] {
            let body = json!({ "resourceType": "Parameters" });
            if doctor.post(&format!("/fhir/R4/Task/{id}/{operation}"), body).await.is_none() {
                return;
            }
            *requests.reached.last_mut().expect("just pushed") += 1;
        }
    }
}

fn request_id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

fn task(id: &str, patient: &str, nurse: &Person, doctor: &Person) -> Value {
    let system = |name: &str| format!("https://wardline.org/fhir/CodeSystem/{name}");
    json!({
        "resourceType": "Task", "id": id, "status": "requested", "intent": "order",
        "code": { "coding": [{ "system": system("request-class"), "code": "action" }] },
        "for": { "reference": format!("Patient/{patient}") },
        "owner": { "reference": format!("Practitioner/{}", doctor.name) },
        "requester": { "reference": format!("Practitioner/{}", nurse.name) },
        "restriction": { "period": { "end": "2099-01-01T00:00:00Z" } },
    })
}

/// A small generator for the instants of the kills; the seed is printed so that a failure can be repeated.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % end
    }

    /// True once in so many times.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn up_to(&mut self, millis: u64) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_micros((self.0 >> 33) % (millis * 1000))
    }
}

pub(crate) fn from_environment(name: &str, otherwise: impl FnOnce() -> u64) -> u64 {
    env::var(name).map_or_else(|_| otherwise(), |text| text.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_sigkill() {
    let rounds = from_environment("CRASH_ROUNDS", || 200);
    let seed = from_environment("CRASH_SEED", || std::process::id().into());
    println!("CRASH_SEED={seed}");
    let mut dice = Dice(seed);
    let dir = tempfile::tempdir().expect("folder");
    let data = dir.path().join("data");
    let mut server = Server::demo(&data, "127.0.0.1:0");
    let address = server.address().to_owned();
    let nurse = Person::sign_in(&server.url, "grace.adeyemi").await;
    let doctor = Person::sign_in(&server.url, "yusuf.rahman").await;
    let (room, patient) = nurse.a_patient_shared_with(&doctor).await;

    let (mut first, mut second, mut own) = (Sent::default(), Sent::default(), Sent::default());
    let (mut receipts, mut requests) = (Receipts::default(), Requests::default());
    let (mut checked_first, mut checked_second, mut checked_own, mut checked_requests) = (0, 0, 0, 0);
    for round in 0..rounds {
        // The load runs until the kill, which comes at any instant from before the first answer on.
        let end = Instant::now() + dice.up_to(150);
        let load = async {
            tokio::join!(
                send(&nurse, &room, "a", &mut first),
                send(&doctor, &room, "b", &mut second),
                read(&doctor, &room, &mut own, &mut receipts),
                request(&nurse, &doctor, &patient, &mut requests),
            )
        };
        let kill = async {
            sleep_until(end).await;
            server.kill();
        };
        let patience = end + Duration::from_secs(20);
        timeout_at(patience, async { tokio::join!(load, kill) })
            .await
            .expect("a killed server answers nobody");

        server = Server::demo(&data, &address);
        let verified = run(&["audit", "verify", "--data", data.to_str().expect("UTF-8")]);
        assert!(verified.status.success(), "round {round}: {}", String::from_utf8_lossy(&verified.stderr));
        check_events(&nurse, &room, &first, &mut checked_first).await;
        check_events(&doctor, &room, &second, &mut checked_second).await;
        check_events(&doctor, &room, &own, &mut checked_own).await;
        check_receipt(&doctor, &room, &receipts).await;
        check_requests(&nurse, &requests, &mut checked_requests).await;
    }

    let promised: Vec<&String> = [&first, &second, &own]
        .iter()
        .flat_map(|sent| sent.acknowledged.iter().map(|(_, event)| event))
        .collect();
    let kept = nurse.timeline(&room).await;
    let unique: HashSet<&String> = kept.iter().collect();
    assert_eq!(unique.len(), kept.len(), "no event is there twice");
    assert!(
        promised.iter().all(|event| unique.contains(event)),
        "every acknowledged event is in the timeline"
    );
    println!(
        "{rounds} kills: {} events, {} receipts, {} requests acknowledged, none lost",
        promised.len(),
        receipts.acknowledged,
        requests.reached.len()
    );
    assert!(promised.len() as u64 > rounds && !requests.reached.is_empty(), "there was a load");
}

/// Every event acknowledged since the last check is there; sending the last one again makes no second one.
async fn check_events(person: &Person, room: &str, sent: &Sent, checked: &mut usize) {
    let fresh = &sent.acknowledged[*checked..];
    let found = join_all(fresh.iter().map(|(_, event)| person.has_event(room, event))).await;
    let lost: Vec<_> =
        fresh.iter().zip(found).filter(|(_, found)| !found).map(|((_, event), _)| event).collect();
    assert!(lost.is_empty(), "lost events: {lost:?}");
    if let Some((txn, event)) = fresh.last() {
        assert_eq!(person.send(room, txn).await.as_ref(), Some(event), "a repeated send is the same event");
    }
    *checked = sent.acknowledged.len();
}

/// The receipt stands on the last event acknowledged, or on the one that was in flight.
async fn check_receipt(person: &Person, room: &str, receipts: &Receipts) {
    let Some(last) = receipts.acknowledged.checked_sub(1) else { return };
    let at = person.own_receipt(room).await;
    let place = receipts.posted.iter().position(|event| Some(event) == at.as_ref());
    assert!(place.is_some_and(|place| place >= last), "the receipt is at {at:?}, not at {last} or later");
}

async fn check_requests(person: &Person, requests: &Requests, checked: &mut usize) {
    for (number, reached) in requests.reached.iter().enumerate().skip(*checked) {
        let id = request_id(number);
        let task =
            person.get(&format!("/fhir/R4/Task/{id}")).await.expect("an acknowledged request is there");
        let state = &task["businessStatus"]["coding"][0]["code"];
        let place = STATES.iter().position(|known| state == known);
        assert!(place.is_some_and(|place| place + 1 >= *reached), "{id} is {state}, promised {reached}");
    }
    // The newest may move on later; the others are at their end or were cut off for good.
    *checked = requests.reached.len().saturating_sub(1);
}
