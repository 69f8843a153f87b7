//! (a) Senders into rooms that nobody syncs: each sends its next message when the last is answered. And the same paced,
//! so that latencies of servers of different speed can be compared at equal load.

use futures_util::future::try_join_all;
use tokio::time::{Duration, Instant, sleep_until};

use super::Sizes;
use crate::{
    error::Result,
    house::{Account, House},
    matrix::Sender,
    measure::{Measurement, Meter},
    payload::{self, Run},
    stats::Samples,
};

/// Members of a room of this family.
const MEMBERS: usize = 10;
const WARM_UP: Duration = Duration::from_millis(500);

pub(super) async fn run(house: &House, sizes: &Sizes) -> Result<Vec<Measurement>> {
    let mut all = Vec::new();
    for (rooms, senders) in [(1, 1), (1, 10), (1, 64), (20, 64)] {
        let mut crowd = senders_into(house, "send", rooms, senders).await?;
        try_join_all(crowd.iter_mut().map(|sender| until(sender, WARM_UP))).await?;
        let meter = Meter::start(house);
        let latencies = try_join_all(crowd.iter_mut().map(|sender| until(sender, sizes.time))).await?;
        let latencies = joined(latencies);
        all.push(meter.finish(&format!("send.{rooms}x{senders}"), latencies.len(), latencies));
    }
    let mut crowd = senders_into(house, "send", 1, 10).await?;
    for &rate in &sizes.equal_rates {
        let meter = Meter::start(house);
        // The same load for every server, and long enough that a 99th percentile means something.
        let latencies = joined(paced(&mut crowd, Run::new(), rate, sizes.time * 3).await?);
        all.push(meter.finish(&format!("send.equal.{rate}"), latencies.len(), latencies));
    }
    Ok(all)
}

fn joined(all: Vec<Samples>) -> Samples {
    let mut joined = Samples::default();
    all.into_iter().for_each(|samples| joined.append(samples));
    joined
}

/// `senders` senders spread over `rooms` rooms of ten members.
pub(super) async fn senders_into<'a>(
    house: &'a House,
    name: &str,
    rooms: usize,
    senders: usize,
) -> Result<Vec<Sender<'a>>> {
    let accounts = house.crowd("send", MEMBERS).await?;
    let rooms = house.rooms(name, rooms, |_| &accounts).await?;
    let account = |index: usize| -> &Account { &accounts[index / rooms.len() % MEMBERS] };
    Ok((0..senders).map(|index| Sender::new(house, account(index), &rooms[index % rooms.len()])).collect())
}

/// Sends one message after the other for `time`.
pub(super) async fn until(sender: &mut Sender<'_>, time: Duration) -> Result<Samples> {
    let mut message = Run::new().message();
    let mut samples = Samples::default();
    let end = Instant::now() + time;
    loop {
        let start = Instant::now();
        if start >= end {
            return Ok(samples);
        }
        sender.send(message.at(payload::now())).await?;
        samples.since(start);
    }
}

/// Sends `rate` messages a second in all. A latency counts from the moment when the message should have gone, so that a
/// server that falls behind cannot hide it.
pub(super) async fn paced(
    crowd: &mut [Sender<'_>],
    run: Run,
    rate: u32,
    time: Duration,
) -> Result<Vec<Samples>> {
    let gap = Duration::from_secs(1) / rate.max(1);
    let begun = Instant::now();
    let width = u32::try_from(crowd.len()).unwrap_or(u32::MAX);
    try_join_all(crowd.iter_mut().zip(0_u32..).map(async |(sender, first)| {
        let mut message = run.message();
        let mut samples = Samples::default();
        let mut due = begun + gap * first;
        while due < begun + time {
            sleep_until(due).await;
            sender.send(message.at(payload::now())).await?;
            samples.since(due);
            due += gap * width;
        }
        Ok(samples)
    }))
    .await
}
