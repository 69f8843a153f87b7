//! (f) The first sync of a device of somebody in many rooms: timeline of 20, members lazily, v3 and simplified sliding.

use serde_json::json;
use tokio::time::Instant;

use super::{Sizes, deliver::to_f64};
use crate::{
    error::{Error, Result},
    house::House,
    matrix::{Sender, WIDTH, encoded, parallel},
    measure::{Measurement, Meter},
    payload::{self, Run},
    stats::Samples,
    wire::Request,
};

const TIMELINE: usize = 20;
const TIMES: usize = 7;
const SLIDING: &str = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?timeout=0";

pub(super) async fn run(house: &House, sizes: &Sizes) -> Result<Vec<Measurement>> {
    let mut all = Vec::new();
    for &(rooms, members) in &sizes.initial {
        let reader = prepare(house, rooms, members).await?;
        let paths: Vec<String> = (0..=TIMES).map(v3_path).collect();
        let v3 =
            |index: usize| Request { method: "GET", path: &paths[index], token: Some(&reader), body: None };
        all.push(first_sync(house, &format!("initial.{rooms}x{members}"), v3).await?);

        // A connection of its own each time: otherwise it would not be a first sync.
        let bodies: Vec<String> = (0..=TIMES).map(|index| sliding_body(index, rooms)).collect();
        let sliding = |index: usize| Request {
            method: "POST",
            path: SLIDING,
            token: Some(&reader),
            body: Some(bodies[index].as_bytes()),
        };
        match first_sync(house, &format!("sliding.{rooms}x{members}"), sliding).await {
            Ok(measured) => all.push(measured),
            // A server without sliding sync: nothing to compare.
            Err(Error::Status { status: 400..=405, .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// Every request has a filter of its own that means the same: Synapse keeps the answer of a first sync for two minutes
/// and would give it again.
fn v3_path(index: usize) -> String {
    let nowhere = format!("!nowhere{}x{index}:none.example", payload::now());
    let room = json!({
        "not_rooms": [nowhere],
        "timeline": {"limit": TIMELINE, "lazy_load_members": true}, "state": {"lazy_load_members": true},
    });
    format!("/_matrix/client/v3/sync?timeout=0&filter={}", encoded(&json!({"room": room}).to_string()))
}

fn sliding_body(index: usize, rooms: usize) -> String {
    let list = json!({
        "ranges": [[0, rooms]], "timeline_limit": TIMELINE,
        "required_state": [["m.room.encryption", ""], ["m.room.member", "$LAZY"], ["m.room.create", ""]],
    });
    json!({"conn_id": format!("bench-{}-{index}", payload::now()), "lists": {"all": list}}).to_string()
}

async fn first_sync<'a>(
    house: &House,
    scenario: &str,
    request: impl Fn(usize) -> Request<'a>,
) -> Result<Measurement> {
    let mut connection = house.connection();
    // The first one after a start fills the caches of any server.
    connection.ok(request(0)).await?;
    let mut meter = Meter::start(house);
    let (mut samples, mut bytes) = (Samples::default(), 0);
    for index in 1..=TIMES {
        let start = Instant::now();
        bytes = connection.ok(request(index)).await?.len();
        samples.since(start);
    }
    meter.note("answer_bytes", to_f64(bytes));
    Ok(meter.finish(scenario, TIMES, samples))
}

/// Makes the rooms with their messages; gives the reader's token. The reader is in no rooms but these.
async fn prepare(house: &House, rooms: usize, members: usize) -> Result<String> {
    let name = format!("initial{rooms}x{members}");
    let accounts = house.crowd("initial", members).await?;
    let reader = house.lone_account(&name).await?;
    let mut people = vec![accounts[0].clone(), reader.clone()];
    people.extend_from_slice(&accounts[1..members.saturating_sub(1).max(1)]);
    let ids = house.rooms(&name, rooms, |_| &people).await?;
    let done = format!("{name}-messages");
    if !house.made.borrow().done.contains(&done) {
        parallel(house.spec.address, WIDTH, ids, async |_, room| {
            let mut sender = Sender::new(house, &people[0], &room);
            let mut message = Run::new().message();
            for _ in 0..TIMELINE {
                sender.send(message.at(payload::now())).await?;
            }
            Ok(())
        })
        .await?;
        house.made.borrow_mut().done.insert(done);
        house.keep()?;
    }
    Ok(reader.token)
}
