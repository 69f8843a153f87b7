//! (g) Devices that wait for something to happen: memory of each, its socket included, and processor time. Counted from
//! a fresh start, so what the server keeps about an account that is connected is part of it.

use futures_util::{
    future::{Either, select, try_join_all},
    pin_mut,
};
use tokio::time::{Duration, sleep};

use super::{Sizes, deliver::to_f64};
use crate::{
    error::Result,
    house::House,
    measure::{Measurement, Meter},
    process,
    stats::Samples,
};

const SETTLE: Duration = Duration::from_secs(3);

pub(super) async fn run(house: &House, sizes: &Sizes) -> Result<Vec<Measurement>> {
    if house.pid().is_none() {
        return Ok(Vec::new());
    }
    let count = sizes.idle_devices;
    // Made and dropped once, so that the devices exist; then a fresh start, so that their memory is not hidden in what
    // was given back before.
    drop(house.devices(0..count).await?);
    house.stop().await?;
    house.start().await?;
    drop(house.devices(0..1).await?);
    let Some(pid) = house.pid() else { return Ok(Vec::new()) };
    sleep(SETTLE).await;
    let (resident, kernel) = (process::resident_mib(pid), process::kernel_mib());
    let mut devices = house.devices(0..count).await?;
    let work = async {
        sleep(SETTLE).await;
        let mut meter = Meter::start(house);
        let kib = |mib: f64| mib * 1024.0 / to_f64(count);
        let (own, sockets) = (process::resident_mib(pid) - resident, process::kernel_mib() - kernel);
        sleep(sizes.time * 3).await;
        // Both ends of every connection are on this machine, so half of the kernel's memory is the server's.
        meter.note("kib_per_device", kib(own) + kib(sockets) / 2.0);
        meter.note("kib_per_device_process", kib(own));
        meter.note("resident_mib", process::resident_mib(pid));
        Ok(vec![meter.finish("idle", count, Samples::default())])
    };
    let waiting = try_join_all(devices.iter_mut().map(|device| device.follow(|_| {})));
    pin_mut!(waiting, work);
    match select(waiting, work).await {
        Either::Left((Err(error), _)) => Err(error),
        Either::Left((Ok(_), work)) => work.await,
        Either::Right((done, _)) => done,
    }
}
