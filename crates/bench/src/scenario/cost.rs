//! What must not grow: the cost of a send with the size of its room (nobody syncs), and the cost of an incremental sync
//! with the number of rooms that its account is in. Small and large take turns, so that a noisy machine hits both.

use tokio::time::Instant;

use super::{Sizes, deliver::to_f64};
use crate::{
    error::Result,
    house::House,
    matrix::{Sender, WIDTH, create_room, encoded, parallel},
    measure::{Measurement, Meter},
    payload::{self, Run},
    stats::Samples,
    wire::Request,
};

/// How many turns the two take, and for how long each.
const TURNS: u32 = 6;
const READS: usize = 5;
/// What a client asks first: a short timeline, members when needed.
const FIRST_SYNC: &str = "/_matrix/client/v3/sync?timeout=0&filter=%7B%22room%22%3A%7B%22timeline%22%3A%7B%22limit%22%3A20%7D%2C\
                          %22state%22%3A%7B%22lazy_load_members%22%3Atrue%7D%7D%7D";

pub(super) async fn run(house: &House, sizes: &Sizes) -> Result<Vec<Measurement>> {
    let accounts = house.crowd("large", sizes.large_room).await?;
    let small = house.room("small-10", &accounts[..10]).await?;
    let large = house.room(&format!("large-{}", sizes.large_room), &accounts).await?;
    let mut senders = [Sender::new(house, &accounts[0], &small), Sender::new(house, &accounts[0], &large)];
    let names = ["cost.send.10".to_owned(), format!("cost.send.{}", sizes.large_room)];
    let mut all = in_turns(house, sizes, &names, async |which, message| {
        senders[which].send(message).await?;
        Ok(())
    })
    .await?;

    let (few, many) = (10, sizes.many_rooms);
    let mut devices = Vec::new();
    let mut writers = Vec::new();
    for rooms in [few, many] {
        let (device, room) = reader(house, rooms).await?;
        devices.push(device);
        writers.push(Sender::new(house, &accounts[0], &room));
    }
    let names = [format!("cost.sync.{few}"), format!("cost.sync.{many}")];
    // A send and the sync that gets it: what differs between the two is the sync.
    all.extend(
        in_turns(house, sizes, &names, async |which, message| {
            writers[which].send(message).await?;
            devices[which].sync(30_000).await.map(drop)
        })
        .await?,
    );
    let (member, name) = (&accounts[0], sizes.large_room);
    let members = format!("/_matrix/client/v3/rooms/{}/members", encoded(&large));
    all.push(read(house, &format!("members.{name}"), &member.token, &members).await?);
    all.push(read(house, &format!("first.room.{name}"), &member.token, FIRST_SYNC).await?);
    let account = house.lone_account(&format!("rooms{many}")).await?;
    all.push(read(house, &format!("first.rooms.{many}"), &account.token, FIRST_SYNC).await?);
    Ok(all)
}

/// Asks for the same a few times: a large room or an account in many rooms, used as a client uses it.
async fn read(house: &House, scenario: &str, token: &str, path: &str) -> Result<Measurement> {
    let request = Request { method: "GET", path, token: Some(token), body: None };
    let mut connection = house.connection();
    connection.ok(request).await?;
    let mut meter = Meter::start(house);
    let (mut samples, mut bytes) = (Samples::default(), 0);
    for _ in 0..READS {
        let start = Instant::now();
        bytes = connection.ok(request).await?.len();
        samples.since(start);
    }
    meter.note("answer_bytes", to_f64(bytes));
    Ok(meter.finish(scenario, READS, samples))
}

/// A device of an account that is in `rooms` rooms, and the room in which the first of all accounts is too.
async fn reader(house: &House, rooms: usize) -> Result<(crate::matrix::Device, String)> {
    let name = format!("rooms{rooms}");
    let (account, writer) = (house.lone_account(&name).await?, house.crowd("large", 1).await?);
    let done = format!("{name}-made");
    if !house.made.borrow().done.contains(&done) {
        parallel(house.spec.address, WIDTH, 1..rooms, async |connection, _| {
            create_room(connection, &account).await
        })
        .await?;
        house.made.borrow_mut().done.insert(done);
        house.keep()?;
    }
    let room = house.room(&name, &[account.clone(), writer[0].clone()]).await?;
    Ok((house.device(&account).await?, room))
}

/// Runs `work` for the one and the other in turns and measures each.
async fn in_turns(
    house: &House,
    sizes: &Sizes,
    names: &[String; 2],
    mut work: impl AsyncFnMut(usize, &[u8]) -> Result<()>,
) -> Result<Vec<Measurement>> {
    let mut message = Run::new().message();
    let mut parts: [Vec<(Measurement, Samples)>; 2] = [Vec::new(), Vec::new()];
    for turn in 0..TURNS * 2 {
        let which = usize::from(turn % 2 == 1);
        let meter = Meter::start(house);
        let mut samples = Samples::default();
        let end = Instant::now() + sizes.time / TURNS;
        while Instant::now() < end {
            let start = Instant::now();
            work(which, message.at(payload::now())).await?;
            samples.since(start);
        }
        let measured = meter.finish(&names[which], samples.len(), samples.clone());
        parts[which].push((measured, samples));
    }
    Ok(parts.into_iter().filter_map(together).collect())
}

/// The turns of one side as one measurement, with the processor time of one operation.
fn together(parts: Vec<(Measurement, Samples)>) -> Option<Measurement> {
    let mut samples = Samples::default();
    let mut whole: Option<Measurement> = None;
    for (part, latencies) in parts {
        samples.append(latencies);
        whole = Some(match whole {
            None => part,
            Some(mut whole) => {
                whole.count += part.count;
                whole.seconds += part.seconds;
                whole.cpu_seconds += part.cpu_seconds;
                whole.generator_cpu_seconds += part.generator_cpu_seconds;
                whole.peak_mib = whole.peak_mib.max(part.peak_mib);
                whole
            }
        });
    }
    let mut whole = whole?;
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let count = whole.count.max(1) as f64;
    whole.per_second = count / whole.seconds.max(1e-9);
    whole.latency = samples.percentiles();
    whole.extra.insert("cpu_micros".to_owned(), whole.cpu_seconds * 1e6 / count);
    Some(whole)
}
