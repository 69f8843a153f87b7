//! (c) One room of a thousand people who all sync: how long until the last one has a message. (e) A broadcast to ten
//! thousand of whom two thousand are connected.

use tokio::time::{Duration, sleep};

use super::{
    Sizes,
    deliver::{Seen, to_f64, while_following},
};
use crate::{
    error::Result,
    house::House,
    matrix::Sender,
    measure::{Measurement, Meter},
    payload::{self, Run},
    stats::Samples,
};

const MESSAGES: usize = 5;
const SETTLE: Duration = Duration::from_secs(2);

/// What one message in a large room took.
struct Spread {
    /// One a message: until the last connected member had it.
    last: Samples,
    /// One a delivery.
    each: Samples,
}

pub(super) async fn run(house: &House, sizes: &Sizes) -> Result<Vec<Measurement>> {
    let mut all = Vec::new();
    for &members in &sizes.fanout_members {
        let (mut meter, spread) = spread(house, "fanout", members, members).await?;
        meter.note("deliveries", to_f64(spread.each.len()));
        meter.note("median_reader_ms", spread.each.percentiles().p50);
        all.push(meter.finish(&format!("fanout.{members}"), spread.last.len(), spread.last));
    }
    Ok(all)
}

pub(super) async fn broadcast(house: &House, sizes: &Sizes) -> Result<Vec<Measurement>> {
    let (members, connected) = (sizes.broadcast_members, sizes.broadcast_connected);
    let (mut meter, spread) = spread(house, "broadcast", members, connected).await?;
    meter.note("last_ms", spread.last.percentiles().max);
    Ok(vec![meter.finish(&format!("broadcast.{members}"), spread.each.len(), spread.each)])
}

/// Sends [`MESSAGES`] into a room of `members`, of whom `connected` sync, each when the one before has arrived.
async fn spread<'a>(
    house: &'a House,
    name: &str,
    members: usize,
    connected: usize,
) -> Result<(Meter<'a>, Spread)> {
    let accounts = house.crowd(name, members).await?;
    let room = house.room(&format!("{name}-{members}"), &accounts).await?;
    let mut sender = Sender::new(house, &accounts[0], &room);
    let mut devices = house.devices(name, 0..connected).await?;
    let (run, seen) = (Run::new(), Seen::new());
    let work = async {
        sleep(SETTLE).await;
        let meter = Meter::start(house);
        let mut message = run.message();
        let mut last = Samples::default();
        for round in 1..=MESSAGES {
            let sent = payload::now();
            sender.send(message.at(sent)).await?;
            seen.drained(round * connected).await;
            last.add_micros(seen.last.get().saturating_sub(sent));
        }
        Ok((meter, Spread { last, each: seen.latencies.take() }))
    };
    while_following(&mut devices, run, |sent| seen.add(sent), work).await
}
