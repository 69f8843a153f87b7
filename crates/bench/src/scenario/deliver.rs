//! (b) Fifty rooms of ten people, all of them syncing: how many deliveries a second, and how long from the start of a
//! send until a reader has it.

use std::cell::{Cell, RefCell};

use futures_util::{
    future::{Either, select, try_join_all},
    pin_mut,
};
use tokio::time::{Duration, Instant, sleep};

use super::{Sizes, send};
use crate::{
    error::Result,
    house::{Account, House},
    matrix::{Device, Sender},
    measure::{Measurement, Meter},
    payload::{self, Run},
    stats::Samples,
};

pub(super) const MEMBERS: usize = 10;
/// When nothing has come for this long, nothing more will.
const SILENCE_MICROS: u64 = 3_000_000;
const LONGEST_DRAIN_MICROS: u64 = 60_000_000;

/// What readers have seen.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) count: Cell<usize>,
    /// When the newest was seen, as [`payload::now`] counts.
    pub(super) last: Cell<u64>,
    pub(super) latencies: RefCell<Samples>,
}

impl Seen {
    pub(super) fn new() -> Self {
        Self { count: Cell::new(0), last: Cell::new(0), latencies: RefCell::default() }
    }

    pub(super) fn add(&self, sent: u64) {
        self.count.set(self.count.get() + 1);
        let now = payload::now();
        self.last.set(now);
        self.latencies.borrow_mut().add_micros(now.saturating_sub(sent));
    }

    /// Waits until `expected` messages were seen, or nothing comes any more.
    pub(super) async fn drained(&self, expected: usize) {
        let begun = payload::now();
        while self.count.get() < expected {
            let now = payload::now();
            let quiet = now.saturating_sub(self.last.get().max(begun));
            if quiet > SILENCE_MICROS || now - begun > LONGEST_DRAIN_MICROS {
                return;
            }
            sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Runs `work` while `devices` follow their accounts, and hands the sending times of the run's messages to `seen`.
pub(super) async fn while_following<T>(
    devices: &mut [Device],
    run: Run,
    seen: impl Fn(u64),
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let (reader, seen) = (run.reader(), &seen);
    let following = try_join_all(devices.iter_mut().map(|device| {
        let reader = reader.clone();
        async move { device.follow(|body| reader.times(body).for_each(seen)).await }
    }));
    pin_mut!(following, work);
    match select(following, work).await {
        Either::Left((Err(error), _)) => Err(error),
        Either::Left((Ok(_), work)) => work.await,
        Either::Right((done, _)) => done,
    }
}

pub(super) async fn run(house: &House, sizes: &Sizes) -> Result<Vec<Measurement>> {
    let mut all = Vec::new();
    for &rooms in &sizes.deliver_rooms {
        all.extend(over(house, sizes, rooms).await?);
    }
    Ok(all)
}

async fn over(house: &House, sizes: &Sizes, count: usize) -> Result<Vec<Measurement>> {
    let people = count * MEMBERS;
    let accounts = house.crowd("deliver", people).await?;
    let members = |room: usize| -> &[Account] { &accounts[room * MEMBERS..(room + 1) * MEMBERS] };
    let rooms = house.rooms("deliver", count, members).await?;
    let mut senders: Vec<Sender<'_>> =
        rooms.iter().enumerate().map(|(index, room)| Sender::new(house, &members(index)[0], room)).collect();
    let name = format!("{count}x{MEMBERS}");
    let mut all = Vec::new();
    for (scenario, rate) in [(format!("deliver.{name}"), None), (format!("deliver.equal.{name}"), Some(4))] {
        let mut devices = house.devices("deliver", 0..people).await?;
        all.push(one(house, sizes, &mut devices, &mut senders, &scenario, rate).await?);
    }
    Ok(all)
}

async fn one(
    house: &House,
    sizes: &Sizes,
    devices: &mut [Device],
    senders: &mut [Sender<'_>],
    scenario: &str,
    rate: Option<u32>,
) -> Result<Measurement> {
    let (run, seen, settled) = (Run::new(), Seen::new(), Duration::from_secs(1));
    let work = async {
        sleep(settled).await;
        let mut meter = Meter::start(house);
        let begun = payload::now();
        let sent: Vec<usize> = match rate {
            None => try_join_all(senders.iter_mut().map(|sender| flood(sender, run, sizes.time))).await?,
            Some(rate) => {
                send::paced(senders, run, rate, sizes.time * 3).await?.iter().map(Samples::len).collect()
            }
        };
        let sent: usize = sent.into_iter().sum();
        seen.drained(sent * MEMBERS).await;
        meter.note("sent", to_f64(sent));
        meter.note("missed", to_f64((sent * MEMBERS).saturating_sub(seen.count.get())));
        let seconds = Duration::from_micros(seen.last.get().saturating_sub(begun)).as_secs_f64();
        let latencies = seen.latencies.take();
        Ok(meter.finish_after(scenario, seen.count.get(), latencies, seconds))
    };
    while_following(devices, run, |sent| seen.add(sent), work).await
}

async fn flood(sender: &mut Sender<'_>, run: Run, time: Duration) -> Result<usize> {
    let (mut message, mut sent) = (run.message(), 0);
    let end = Instant::now() + time;
    while Instant::now() < end {
        sender.send(message.at(payload::now())).await?;
        sent += 1;
    }
    Ok(sent)
}

/// A count as a figure of the report.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn to_f64(count: usize) -> f64 {
    count as f64
}
