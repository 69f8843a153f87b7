//! (g) Devices that wait for something to happen: memory of each, its socket included, and processor time.
//!
//! Counted from a fresh start, so what the server keeps about an account that is connected is part of it. Caches that fill
//! with whatever is read first are not: a first tenth of the devices fills them, and what the others add is divided by their
//! number. Everybody is in a room of ten.

use futures_util::{
    future::{Either, select, try_join_all},
    pin_mut,
};
use tokio::time::{Duration, sleep};

use super::{
    Sizes,
    deliver::{MEMBERS, to_f64},
};
use crate::{
    error::Result,
    house::{Account, House},
    matrix::Device,
    measure::{Measurement, Meter},
    process,
    stats::Samples,
};

const SETTLE: Duration = Duration::from_secs(3);
/// One in so many devices comes first.
const FIRST: usize = 10;

pub(super) async fn run(house: &House, sizes: &Sizes) -> Result<Vec<Measurement>> {
    if house.pid().is_none() {
        return Ok(Vec::new());
    }
    let (first, count) = ((sizes.idle_devices / FIRST).max(1), sizes.idle_devices);
    let accounts = house.crowd("idle", count).await?;
    let wards = count.div_ceil(MEMBERS);
    let members =
        |ward: usize| -> &[Account] { &accounts[ward * MEMBERS..((ward + 1) * MEMBERS).min(count)] };
    house.rooms("idle", wards, members).await?;
    // Made and dropped once, so that the devices exist; then a fresh start, so that their memory is not hidden in what
    // was given back before.
    drop(house.devices("idle", 0..count).await?);
    house.stop().await?;
    house.start().await?;
    let Some(pid) = house.pid() else { return Ok(Vec::new()) };
    let mut early = house.devices("idle", 0..first).await?;
    let rest = async {
        sleep(SETTLE).await;
        let (resident, sockets) = (process::resident_mib(pid), process::sockets_mib());
        let mut late = house.devices("idle", first..count).await?;
        let work = async {
            sleep(SETTLE).await;
            let mut meter = Meter::start(house);
            let kib = |mib: f64| mib * 1024.0 / to_f64((count - first).max(1));
            let own = process::resident_mib(pid) - resident;
            let sockets = process::sockets_mib() - sockets;
            sleep(sizes.time * 3).await;
            // Both ends of every connection are on this machine, so half of the kernel's memory is the server's.
            meter.note("kib_per_device", kib(own) + kib(sockets) / 2.0);
            meter.note("kib_per_device_process", kib(own));
            meter.note("kib_per_device_kernel", kib(sockets) / 2.0);
            meter.note("resident_mib", process::resident_mib(pid));
            Ok(vec![meter.finish("idle", count, Samples::default())])
        };
        waiting(&mut late, work).await
    };
    waiting(&mut early, rest).await
}

/// Does `work` while `devices` wait for news.
async fn waiting<T>(devices: &mut [Device], work: impl Future<Output = Result<T>>) -> Result<T> {
    let waiting = try_join_all(devices.iter_mut().map(|device| device.follow(|_| {})));
    pin_mut!(waiting, work);
    match select(waiting, work).await {
        Either::Left((Err(error), _)) => Err(error),
        Either::Left((Ok(_), work)) => work.await,
        Either::Right((done, _)) => done,
    }
}
