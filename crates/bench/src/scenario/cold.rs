//! (i) Cold start with many events stored: from the start of the process to the first answered send.

use futures_util::future::try_join_all;
use tokio::time::{Duration, Instant};

use super::{Sizes, send};
use crate::{
    error::Result,
    house::House,
    measure::{Measurement, Meter},
    payload::{self, Run},
    stats::Samples,
};

const TIMES: usize = 3;
const STRETCH: Duration = Duration::from_secs(5);
/// A database that is not full after this long is measured as it is.
const LONGEST_FILL: Duration = Duration::from_secs(240);

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) async fn run(house: &House, sizes: &Sizes) -> Result<Vec<Measurement>> {
    if !house.restarts() {
        return Ok(Vec::new());
    }
    let mut crowd = send::senders_into(house, "send", 20, 64).await?;
    let begun = Instant::now();
    while house.made.borrow().events < sizes.cold_events && begun.elapsed() < LONGEST_FILL {
        try_join_all(crowd.iter_mut().map(|sender| send::until(sender, STRETCH))).await?;
        house.keep()?;
    }
    let mut message = Run::new().message();
    let (mut answered, mut first_send) = (Samples::default(), Samples::default());
    for _ in 0..TIMES {
        house.stop().await?;
        let start = Instant::now();
        answered.add(house.start().await?);
        crowd[0].send(message.at(payload::now())).await?;
        first_send.since(start);
    }
    let mut meter = Meter::start(house);
    meter.note("events", house.made.borrow().events as f64);
    meter.note("disk_mib", house.disk_bytes() as f64 / 1_048_576.0);
    meter.note("first_answer_ms", answered.percentiles().p50);
    Ok(vec![meter.finish("cold", TIMES, first_send)])
}
