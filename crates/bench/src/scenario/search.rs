//! (l) Search of people by name: the accounts of a server, and, where the server has one, the staff directory (FHIR
//! `Practitioner?name=`) filled with a hundred thousand people.

use std::fs;

use serde_json::json;
use tokio::{process::Command, time::Instant};

use super::Sizes;
use crate::{
    error::{Error, Result},
    house::{Account, House},
    measure::{Measurement, Meter},
    stats::Samples,
    wire::Request,
};

const PATH: &str = "/_matrix/client/v3/user_directory/search";
const TERMS: [&str; 10] =
    ["bench", "bench0001", "bench00", "okafor", "sm", "jo", "patel", "ahm", "mary w", "zz"];
const TIMES: usize = 10;
/// What somebody types who looks for a colleague.
const NAMES: [&str; 10] = ["oka", "okafor", "pat", "smi", "ahm", "nguyen", "zz", "gra", "li", "jones"];
/// The same in the directory of people, roles, places and teams, with slips of the finger.
const TYPED: [&str; 10] =
    ["o", "okaf", "okafro", "grace%20pat", "smiht", "ahmed", "ngyuen", "medical%20reg", "nurse", "kowalsky"];
const FAMILIES: [&str; 12] = [
    "Okafor", "Patel", "Smith", "Ahmed", "Nguyen", "Jones", "Li", "Kowalski", "Murphy", "Adeyemi", "Garcia",
    "Evans",
];
const GIVEN: [&str; 10] =
    ["Grace", "Amina", "Thomas", "Wei", "Sofia", "Daniel", "Priya", "Owen", "Lena", "Samuel"];

pub(super) async fn run(house: &House, sizes: &Sizes) -> Result<Vec<Measurement>> {
    let account = house.crowd("search", 1).await?.remove(0);
    let mut all = people(house, &account).await?;
    all.extend(staff(house, &account, sizes.staff).await?);
    Ok(all)
}

async fn people(house: &House, account: &Account) -> Result<Vec<Measurement>> {
    let bodies = TERMS.map(|term| json!({"search_term": term, "limit": 10}).to_string());
    let request = |index: usize| Request {
        method: "POST",
        path: PATH,
        token: Some(&account.token),
        body: Some(bodies[index % TERMS.len()].as_bytes()),
    };
    measure(house, "search", request).await
}

/// Asks [`TIMES`] times for each of ten things. A server that does not know the question gives nothing to measure.
async fn measure<'a>(
    house: &House,
    scenario: &str,
    request: impl Fn(usize) -> Request<'a>,
) -> Result<Vec<Measurement>> {
    let mut connection = house.connection();
    match connection.ok(request(0)).await {
        Ok(_) => {}
        Err(Error::Status { status: 400..=405, .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    }
    let meter = Meter::start(house);
    let mut samples = Samples::default();
    for index in 0..10 * TIMES {
        let start = Instant::now();
        connection.ok(request(index)).await?;
        samples.since(start);
    }
    Ok(vec![meter.finish(scenario, samples.len(), samples)])
}

async fn staff(house: &House, account: &Account, count: usize) -> Result<Vec<Measurement>> {
    let by_name = NAMES.map(|name| format!("/fhir/R4/Practitioner?name={name}&_count=20"));
    let as_typed = TYPED.map(|text| format!("/fhir/R4/$directory?text={text}&_count=20"));
    let request = |path| Request { method: "GET", path, token: Some(account.token.as_str()), body: None };
    // Nobody is brought in for a search that the server does not have.
    match house.connection().ok(request(&by_name[0])).await {
        Err(Error::Status { status: 400..=405, .. }) => return Ok(Vec::new()),
        other => drop(other?),
    }
    let done = format!("staff-{count}");
    if !house.made.borrow().done.contains(&done) {
        if !bring_in(house, count).await? {
            return Ok(Vec::new());
        }
        house.made.borrow_mut().done.insert(done);
        house.keep()?;
    }
    let mut all =
        measure(house, &format!("staff.{count}"), |index| request(&by_name[index % by_name.len()])).await?;
    let typed = |index: usize| request(&as_typed[index % as_typed.len()]);
    all.extend(measure(house, &format!("directory.{count}"), typed).await?);
    Ok(all)
}

/// Imports so many practitioners, with the server stopped; `false` if the bench does not run the server.
async fn bring_in(house: &House, count: usize) -> Result<bool> {
    let [program, _, rest @ ..] = &house.spec.command[..] else { return Ok(false) };
    let file = house.spec.scratch.join("staff.json");
    let person = |index: usize| {
        let family = format!("{}{}", FAMILIES[index % FAMILIES.len()], index / 1200);
        json!({ "resource": {
            "resourceType": "Practitioner",
            "id": format!("staff{index:06}"),
            "name": [{ "family": family, "given": [GIVEN[index / FAMILIES.len() % GIVEN.len()]] }],
            "qualification": [{ "code": { "text": "Nurse" } }],
        }})
    };
    let entries: Vec<_> = (0..count).map(person).collect();
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
    fs::write(&file, bundle.to_string()).map_err(|error| Error::File(file.clone(), error))?;
    house.stop().await?;
    let import =
        Command::new(program).arg("import").args(rest).arg(&file).envs(&house.spec.env).output().await;
    house.start().await?;
    let import = import?;
    if !import.status.success() {
        let said = String::from_utf8_lossy(&import.stderr).chars().take(300).collect::<String>();
        return Err(Error::Misuse(format!("the import of staff failed: {said}")));
    }
    Ok(true)
}
