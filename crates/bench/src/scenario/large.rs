//! The largest that one person uses normally: a room of 5,000 members, in an account that is in 2,000 rooms. The first sync in both
//! ways, what comes after it, the member list and sends, each with the memory that it takes.

use serde_json::json;
use tokio::time::Instant;

use super::{Sizes, deliver::to_f64};
use crate::{
    error::Result,
    house::House,
    matrix::{Device, Sender, WIDTH, create_room, encoded, parallel},
    measure::{Measurement, Meter},
    payload::{self, Run},
    stats::Samples,
    wire::Request,
};

const FIRST: usize = 3;
const LISTS: usize = 5;
const SENDS: usize = 50;
const SYNC: &str = "/_matrix/client/v3/sync?timeout=0&filter=";
const SLIDING: &str = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?timeout=0";

pub(super) async fn run(house: &House, sizes: &Sizes) -> Result<Vec<Measurement>> {
    let (members, rooms) = (sizes.used_room, sizes.many_rooms);
    let name = format!("large.{members}x{rooms}");
    let account = house.lone_account(&name).await?;
    let mut people = house.crowd("used", members - 1).await?;
    let done = format!("{name}-rooms");
    if !house.made.borrow().done.contains(&done) {
        parallel(house.spec.address, WIDTH, 1..rooms, async |connection, _| {
            create_room(connection, &account).await
        })
        .await?;
        house.made.borrow_mut().done.insert(done);
        house.keep()?;
    }
    people.push(account.clone());
    let room = house.room(&name, &people).await?;
    let token = account.token.as_str();
    let mut all = Vec::new();

    let state = |lazy: bool| {
        let room = json!({ "timeline": { "limit": 20 }, "state": { "lazy_load_members": lazy } });
        format!("{SYNC}{}", encoded(&json!({ "room": room }).to_string()))
    };
    for (step, path) in [("first", state(true)), ("first-with-members", state(false))] {
        let request = |_| Request { method: "GET", path: &path, token: Some(token), body: None };
        all.push(asked(house, &format!("{name}.{step}"), FIRST, request).await?);
    }
    // A connection of its own each time: otherwise it would not be a first sync.
    let bodies: Vec<String> = (0..=FIRST).map(|_| sliding(rooms)).collect();
    let request = |index: usize| {
        let body = Some(bodies[index].as_bytes());
        Request { method: "POST", path: SLIDING, token: Some(token), body }
    };
    all.push(asked(house, &format!("{name}.sliding"), FIRST, request).await?);
    let path = format!("/_matrix/client/v3/rooms/{}/members", encoded(&room));
    let request = |_| Request { method: "GET", path: &path, token: Some(token), body: None };
    all.push(asked(house, &format!("{name}.members"), LISTS, request).await?);

    let mut device = house.device(&account).await?;
    all.extend(talked(house, &name, Sender::new(house, &people[0], &room), &mut device).await?);
    Ok(all)
}

fn sliding(rooms: usize) -> String {
    let list = json!({
        "ranges": [[0, rooms]], "timeline_limit": 20,
        "required_state": [["m.room.encryption", ""], ["m.room.member", "$LAZY"], ["m.room.create", ""]],
    });
    json!({ "conn_id": format!("large-{}", payload::now()), "lists": { "all": list } }).to_string()
}

/// Asks for the same a few times, after once that does not count.
async fn asked<'a>(
    house: &House,
    scenario: &str,
    times: usize,
    request: impl Fn(usize) -> Request<'a>,
) -> Result<Measurement> {
    let mut connection = house.connection();
    connection.ok(request(0)).await?;
    let mut meter = Meter::start(house);
    let (mut samples, mut bytes) = (Samples::default(), 0);
    for index in 1..=times {
        let start = Instant::now();
        bytes = connection.ok(request(index)).await?.len();
        samples.since(start);
    }
    meter.note("answer_bytes", to_f64(bytes));
    Ok(meter.finish(scenario, times, samples))
}

/// Messages into the large room, and the syncs that get them, measured apart.
async fn talked(
    house: &House,
    name: &str,
    mut sender: Sender<'_>,
    device: &mut Device,
) -> Result<[Measurement; 2]> {
    let mut message = Run::new().message();
    let (mut sends, mut syncs) = (Samples::default(), Samples::default());
    let meters = [Meter::start(house), Meter::start(house)];
    for _ in 0..SENDS {
        let start = Instant::now();
        sender.send(message.at(payload::now())).await?;
        sends.since(start);
        let start = Instant::now();
        device.sync(30_000).await?;
        syncs.since(start);
    }
    let [first, second] = meters;
    Ok([
        first.finish(&format!("{name}.send"), SENDS, sends),
        second.finish(&format!("{name}.next"), SENDS, syncs),
    ])
}
