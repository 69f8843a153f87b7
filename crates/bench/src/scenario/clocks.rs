//! Open requests and their clocks: what ten thousand of them cost while nothing happens, how long after its time a clock's
//! ringing is on a screen, and how long after a person's answer a change of state is.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use futures_util::{
    future::{Either, select},
    pin_mut,
};
use serde_json::{Value, json};
use tokio::{
    process::Command,
    time::{Duration, Instant, sleep},
};

use super::Sizes;
use crate::{
    error::{Error, Result},
    house::{Account, House},
    matrix::{WIDTH, parallel},
    measure::{Measurement, Meter},
    stats::Samples,
    wire::Request,
};

/// Patients whom the requests are about.
const PATIENTS: usize = 50;
/// Requests whose clocks ring, and requests that are answered.
const RINGING: usize = 100;
const ANSWERED: usize = 50;
const CLASS: &str = "https://wardline.org/fhir/CodeSystem/request-class";

pub(super) async fn run(house: &House, sizes: &Sizes) -> Result<Vec<Measurement>> {
    if house.pid().is_none() {
        return Ok(Vec::new());
    }
    let people = house.crowd("clocks", 3).await?;
    if !bring_in(house, &people).await? {
        return Ok(Vec::new());
    }
    let patients = patients(house, &people[0]).await?;
    let raise = async |class: &str, first: usize, count: usize| {
        let all = first..first + count;
        parallel(house.spec.address, WIDTH, all, async |connection, index| {
            let id = format!("00000000-0000-4000-8000-{:012x}", index + 1);
            let task = json!({
                "resourceType": "Task",
                "status": "requested",
                "intent": "order",
                "code": { "coding": [{ "system": CLASS, "code": class }] },
                "for": { "reference": format!("Patient/{}", patients[index % patients.len()]) },
                "owner": { "reference": format!("Practitioner/{}", people[1].name) },
            });
            let (path, body) = (format!("/fhir/R4/Task/{id}"), task.to_string());
            let token = Some(people[0].token.as_str());
            connection.ok(Request { method: "PUT", path: &path, token, body: Some(body.as_bytes()) }).await?;
            Ok(id)
        })
        .await
    };

    let mut measured = Vec::new();
    raise("action", 0, sizes.open_requests).await?;
    at_rest(house).await;
    let mut meter = Meter::start(house);
    let before = house.cpu_seconds();
    sleep(sizes.time * 3).await;
    let share = (house.cpu_seconds() - before) / meter.elapsed() * 100.0;
    meter.note("percent_of_a_core", share);
    measured.push(meter.finish(
        &format!("clocks.open.{}", sizes.open_requests),
        sizes.open_requests,
        Samples::default(),
    ));

    let seen = Seen::default();
    let watcher = house.connection();
    let watching = seen.watch(watcher, &people[2]);
    let work = async {
        let meter = Meter::start(house);
        let first = sizes.open_requests;
        raise("urgent", first, RINGING).await?;
        // Ten seconds is the shortest wait; more requests come in meanwhile.
        raise("action", first + RINGING, RINGING).await?;
        let rung = async || seen.rings.borrow().len() >= RINGING;
        let give_up = Instant::now() + Duration::from_secs(30);
        while !rung().await && Instant::now() < give_up {
            sleep(Duration::from_millis(20)).await;
        }
        let mut samples = Samples::default();
        let mut twice = 0_u32;
        for (late, times) in seen.rings.borrow().values() {
            samples.add(Duration::from_millis(u64::try_from(*late).unwrap_or_default()));
            twice += times - 1;
        }
        let mut meter = meter;
        meter.note("rung_twice", f64::from(twice));
        let ring = meter.finish("clocks.ring", seen.rings.borrow().len(), samples);

        let meter = Meter::start(house);
        let mut samples = Samples::default();
        let mut connection = house.connection();
        for id in raise("action", first + 2 * RINGING, ANSWERED).await? {
            let before = seen.accepted.get();
            let start = Instant::now();
            let path = format!("/fhir/R4/Task/{id}/$accept");
            let token = Some(people[1].token.as_str());
            connection.ok(Request { method: "POST", path: &path, token, body: Some(b"{}") }).await?;
            while seen.accepted.get() == before && start.elapsed() < Duration::from_secs(10) {
                sleep(Duration::from_millis(1)).await;
            }
            samples.since(start);
        }
        Ok::<_, Error>(vec![ring, meter.finish("clocks.state", ANSWERED, samples)])
    };
    pin_mut!(watching, work);
    measured.extend(match select(watching, work).await {
        Either::Left((Err(error), _)) => return Err(error),
        Either::Left((Ok(()), work)) => work.await?,
        Either::Right((done, _)) => done?,
    });
    Ok(measured)
}

/// What a member of the conversation has seen of requests.
#[derive(Debug, Default)]
struct Seen {
    /// For each request whose clock rang: how many milliseconds after its time that was on the screen, and how often it rang.
    rings: RefCell<HashMap<String, (i64, u32)>>,
    /// When each request's clock is to ring, ms since 1970.
    due: RefCell<HashMap<String, i64>>,
    accepted: Cell<u32>,
}

impl Seen {
    /// Waits for news again and again.
    async fn watch(&self, mut connection: crate::wire::Connection, who: &Account) -> Result<()> {
        let mut since: Option<String> = None;
        loop {
            let mut path = "/_matrix/client/v3/sync?timeout=2000".to_owned();
            if let Some(since) = &since {
                path.push_str(&format!("&since={since}"));
            }
            let request = Request { method: "GET", path: &path, token: Some(&who.token), body: None };
            let answer: Value = serde_json::from_slice(connection.ok(request).await?)
                .map_err(|error| Error::Json { what: "sync".to_owned(), error })?;
            let is_news = since.is_some();
            since = answer["next_batch"].as_str().map(str::to_owned);
            for room in answer["rooms"]["join"].as_object().into_iter().flat_map(|rooms| rooms.values()) {
                let events = room["timeline"]["events"].as_array().into_iter().flatten();
                events.filter(|_| is_news).for_each(|event| self.note(event));
            }
        }
    }

    fn note(&self, event: &Value) {
        let content = &event["content"];
        let Some(id) = content["request_id"].as_str() else { return };
        if content["state"] == "accepted" {
            self.accepted.set(self.accepted.get() + 1);
        }
        if content["class"] != "urgent" || content["reminder"] == true {
            return;
        }
        match content["step"].as_u64() {
            Some(0) => drop(
                content["next_step_at"].as_i64().map(|due| self.due.borrow_mut().insert(id.to_owned(), due)),
            ),
            Some(_) => {
                let due = self.due.borrow().get(id).copied();
                let late = due.map_or(i64::MAX, |due| now_ms() - due);
                self.rings
                    .borrow_mut()
                    .entry(id.to_owned())
                    .and_modify(|ring| ring.1 += 1)
                    .or_insert((late, 1));
            }
            None => {}
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the clock of the machine, on which the server runs too")]
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Waits until everybody was told of what was raised: until the server does nothing for a second.
async fn at_rest(house: &House) {
    const REST: f64 = 0.015;
    for _ in 0..60 {
        let before = house.cpu_seconds();
        sleep(Duration::from_secs(1)).await;
        if house.cpu_seconds() - before < REST {
            return;
        }
    }
}

/// The patients' references, once all their conversations are open.
async fn patients(house: &House, who: &Account) -> Result<Vec<String>> {
    let mut connection = house.connection();
    let give_up = Instant::now() + Duration::from_secs(30);
    loop {
        let request = Request {
            method: "GET",
            path: "/fhir/R4/Patient?location=clocks-ward&_count=100",
            token: Some(&who.token),
            body: None,
        };
        let bundle: Value = serde_json::from_slice(connection.ok(request).await?)
            .map_err(|error| Error::Json { what: "Patient".to_owned(), error })?;
        let ids = bundle["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"]["id"]);
        let found: Vec<String> = ids.filter_map(|id| id.as_str().map(str::to_owned)).collect();
        if found.len() == PATIENTS {
            return Ok(found);
        }
        if Instant::now() > give_up {
            return Err(Error::Misuse("the patients' conversations were not opened".to_owned()));
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Imports a ward with three members of staff, its patients and two playbooks, with the server stopped; `false` if the bench does
/// not run the server.
async fn bring_in(house: &House, people: &[Account]) -> Result<bool> {
    const DONE: &str = "clocks";
    if house.made.borrow().done.contains(DONE) {
        return Ok(true);
    }
    let [program, _, rest @ ..] = &house.spec.command[..] else { return Ok(false) };
    let mut entries = vec![json!({ "resource": {
        "resourceType": "Location", "id": "clocks-ward", "name": "Clock ward", "identifier": [{ "value": "CLK" }],
        "physicalType": { "coding": [{ "code": "wa" }] },
    } })];
    for person in people {
        let name = &person.name;
        entries.push(json!({ "resource": { "resourceType": "Practitioner", "id": name, "name": [{ "family": name }] } }));
        entries.push(json!({ "resource": {
            "resourceType": "PractitionerRole", "id": format!("ward-{name}"),
            "practitioner": { "reference": format!("Practitioner/{name}") },
            "location": [{ "reference": "Location/clocks-ward" }],
        } }));
    }
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": entries }).to_string();
    let ringing = format!(
        "id = \"clocks-ringing\"\ntitle = \"Ringing\"\nclasses = [\"urgent\"]\n\
         [[steps]]\nask = {{ addressed = true }}\nwait = \"10s\"\n\
         [[steps]]\nask = {{ person = \"{}\" }}\nwait = \"24h\"\nmust_act = true\n",
        people[2].name
    );
    let open = "id = \"clocks-open\"\ntitle = \"Open\"\nclasses = [\"action\"]\n\
                [[steps]]\nask = { addressed = true }\nwait = \"24h\"\nmust_act = true\n";
    let admission = |n: usize| {
        format!(
            "MSH|^~\\&|PAS|X|WL|X|20270101||ADT^A01|{n}|P|2.4\rPID|1||CLOCK{n}^^^X^PI||Clock^Cora{n}\rPV1||I|CLK^A^{n}\r"
        )
    };
    let admissions: String = (1..=PATIENTS).map(admission).collect();
    house.stop().await?;
    for (name, text) in [
        ("clocks.json", bundle.as_str()),
        ("ringing.toml", &ringing),
        ("open.toml", open),
        ("clocks.hl7", &admissions),
    ] {
        let file = house.spec.scratch.join(name);
        fs::write(&file, text).map_err(|error| Error::File(file.clone(), error))?;
        let import =
            Command::new(program).arg("import").args(rest).arg(&file).envs(&house.spec.env).output().await?;
        if !import.status.success() {
            let said = String::from_utf8_lossy(&import.stderr).chars().take(300).collect::<String>();
            return Err(Error::Misuse(format!("the import of {name} failed: {said}")));
        }
    }
    house.start().await?;
    house.made.borrow_mut().done.insert(DONE.to_owned());
    house.keep()?;
    Ok(true)
}
