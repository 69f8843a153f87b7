//! (h) createRoom, one after the other: an encrypted room with its power levels, rules and first member.

use tokio::time::Instant;

use super::Sizes;
use crate::{
    error::Result,
    house::House,
    matrix::create_room,
    measure::{Measurement, Meter},
    stats::Samples,
};

pub(super) async fn run(house: &House, sizes: &Sizes) -> Result<Vec<Measurement>> {
    let owner = house.lone_account("creator").await?;
    let mut connection = house.connection();
    create_room(&mut connection, &owner).await?;
    let meter = Meter::start(house);
    let mut samples = Samples::default();
    for _ in 0..sizes.created {
        let start = Instant::now();
        create_room(&mut connection, &owner).await?;
        samples.since(start);
    }
    Ok(vec![meter.finish("create", samples.len(), samples)])
}
