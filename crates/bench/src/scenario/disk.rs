//! (j) Bytes on disk for an event of 600 bytes of content, in a small and in a large room. The server is stopped before
//! each look, so that what waits in a log has been folded in.

use super::{Sizes, deliver::to_f64, send};
use crate::{
    error::Result,
    house::House,
    matrix::Sender,
    measure::{Measurement, Meter},
    payload::{self, Run},
    stats::Samples,
};

const SENDERS: usize = 16;

pub(super) async fn run(house: &House, sizes: &Sizes) -> Result<Vec<Measurement>> {
    if !house.restarts() || house.spec.data.is_empty() {
        return Ok(Vec::new());
    }
    let small = send::senders_into(house, "send", 1, SENDERS).await?;
    let accounts = house.crowd("large", sizes.large_room).await?;
    let room = house.room(&format!("large-{}", sizes.large_room), &accounts).await?;
    let large: Vec<Sender<'_>> =
        accounts.iter().cycle().take(SENDERS).map(|account| Sender::new(house, account, &room)).collect();
    let mut all = Vec::new();
    for (members, senders) in [(10, small), (sizes.large_room, large)] {
        all.push(growth(house, &format!("disk.{members}"), senders, sizes.disk_events).await?);
    }
    Ok(all)
}

async fn settled(house: &House) -> Result<u64> {
    house.stop().await?;
    house.start().await?;
    Ok(house.disk_bytes())
}

async fn growth(
    house: &House,
    scenario: &str,
    mut senders: Vec<Sender<'_>>,
    events: usize,
) -> Result<Measurement> {
    let before = settled(house).await?;
    let meter = Meter::start(house);
    futures_util::future::try_join_all(senders.iter_mut().map(async |sender| {
        let mut message = Run::new().message();
        for _ in 0..events / SENDERS {
            sender.send(message.at(payload::now())).await?;
        }
        Ok::<_, crate::error::Error>(())
    }))
    .await?;
    let sent = events / SENDERS * SENDERS;
    let mut measured = meter.finish(scenario, sent, Samples::default());
    let grown = settled(house).await?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "bytes on disk are far below 2^52")]
    let bytes = grown as f64 / to_f64(sent.max(1));
    measured.extra.insert("bytes_per_event".to_owned(), bytes);
    Ok(measured)
}
