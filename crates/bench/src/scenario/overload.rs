//! Ten times what the server can do, for a minute: what it turns away, what it costs, whether it is well afterwards and
//! whether anything that it answered is lost.

use futures_util::future::{join_all, try_join_all};
use tokio::time::{Duration, Instant, sleep, sleep_until};

use super::{
    Sizes,
    send::{senders_into, until},
};
use crate::{
    error::Result,
    house::{Account, House},
    matrix::{Sender, encoded, text_field},
    measure::{Measurement, Meter},
    payload::{self, Run},
    stats::Samples,
    wire::{Connection, Request},
};

/// Senders of the measured capacity.
const CAPACITY: usize = 64;
/// How much more is asked for.
const TIMES: f64 = 10.0;
const MEMBERS: usize = 10;
const ROOMS: usize = 20;
/// How long the server is left alone before it has to be well again.
const REST: Duration = Duration::from_secs(5);

/// What one connection met.
#[derive(Debug, Default)]
struct Met {
    answered: usize,
    turned_away: usize,
    failed: usize,
    latencies: Samples,
    /// The last event that the server answered with.
    last: Option<String>,
}

pub(super) async fn run(house: &House, sizes: &Sizes) -> Result<Vec<Measurement>> {
    let mut crowd = senders_into(house, "send", ROOMS, CAPACITY).await?;
    let begun = Instant::now();
    let sent = try_join_all(crowd.iter_mut().map(|sender| until(sender, sizes.time))).await?;
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let capacity = sent.iter().map(Samples::len).sum::<usize>() as f64 / begun.elapsed().as_secs_f64();
    let before = alone(&mut crowd[0], sizes.time).await?;

    let accounts = house.crowd("send", MEMBERS).await?;
    let rooms = house.rooms("send", ROOMS, |_| &accounts).await?;
    let mut meter = Meter::start(house);
    let end = Instant::now() + sizes.overload_time;
    // Each connection asks at its own share of the rate; one that is still waiting asks the next time.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand connections")]
    let gap = Duration::from_secs_f64(sizes.overload_connections as f64 / (capacity * TIMES).max(1.0));
    let storm = (0..sizes.overload_connections).map(|index| {
        let (account, room) = (&accounts[index % MEMBERS], &rooms[index % rooms.len()]);
        insist(house, account, room, gap, end)
    });
    let met = join_all(storm).await;
    let answered: usize = met.iter().map(|met| met.answered).sum();
    for (name, count) in [
        ("turned_away", met.iter().map(|met| met.turned_away).sum::<usize>()),
        ("failed", met.iter().map(|met| met.failed).sum()),
    ] {
        meter.note(name, f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
    }
    meter.note("capacity_per_second", capacity);
    let resident = house.pid().map_or(0.0, crate::process::resident_mib);
    meter.note("resident_mib_at_the_end", resident);
    let seconds = meter.elapsed();
    sleep(REST).await;
    let after = alone(&mut crowd[0], sizes.time).await?;
    let mut lost = 0_u32;
    let mut connection = house.connection();
    for (index, met) in met.iter().enumerate() {
        let (account, room) = (&accounts[index % MEMBERS], &rooms[index % rooms.len()]);
        if let Some(event) = &met.last
            && !is_there(&mut connection, account, room, event).await?
        {
            lost += 1;
        }
    }
    meter.note("lost", f64::from(lost));
    meter.note("p99_alone_before_ms", before.percentiles().p99);
    meter.note("p99_alone_after_ms", after.percentiles().p99);
    let mut latencies = Samples::default();
    met.into_iter().for_each(|met| latencies.append(met.latencies));
    Ok(vec![meter.finish_after("overload", answered, latencies, seconds)])
}

/// One sender while nobody else asks for anything.
async fn alone(sender: &mut Sender<'_>, time: Duration) -> Result<Samples> {
    until(sender, time).await
}

/// Sends a message every `gap` until `end`, whatever becomes of it.
async fn insist(house: &House, account: &Account, room: &str, gap: Duration, end: Instant) -> Met {
    let mut connection = house.connection();
    let mut message = Run::new().message();
    let mut met = Met::default();
    let mut due = Instant::now();
    while due < end {
        sleep_until(due).await;
        let path = format!(
            "/_matrix/client/v3/rooms/{}/send/m.room.encrypted/{}",
            encoded(room),
            house.transaction()
        );
        let body = message.at(payload::now());
        let request = Request { method: "PUT", path: &path, token: Some(&account.token), body: Some(body) };
        let asked = Instant::now();
        match connection.call(request).await {
            Ok(reply) if reply.status == 200 => {
                met.answered += 1;
                met.latencies.since(asked);
                met.last = text_field(reply.body, "event_id").ok().map(str::to_owned);
            }
            Ok(reply) if matches!(reply.status, 429 | 503) => met.turned_away += 1,
            Ok(_) | Err(_) => met.failed += 1,
        }
        // What could not be asked in time is not asked later: the rate is what counts.
        due = (due + gap).max(Instant::now());
    }
    met
}

async fn is_there(connection: &mut Connection, account: &Account, room: &str, event: &str) -> Result<bool> {
    let path = format!("/_matrix/client/v3/rooms/{}/event/{}", encoded(room), encoded(event));
    let request = Request { method: "GET", path: &path, token: Some(&account.token), body: None };
    Ok(connection.call(request).await?.status == 200)
}
