//! (k) A shift change: five hundred people sign in within a minute, each by password and with the first sync.

use futures_util::future::try_join_all;
use tokio::time::{Duration, Instant, sleep_until};

use super::Sizes;
use crate::{
    error::{Error, Result},
    house::House,
    matrix::login,
    measure::{Measurement, Meter},
    stats::Samples,
    wire::Request,
};

/// What a client asks first: little of every room, members when needed.
const FIRST_SYNC: &str = "/_matrix/client/v3/sync?timeout=0&filter=%7B%22room%22%3A%7B%22timeline%22%3A%7B%22limit%22%3A1%7D%2C\
                          %22state%22%3A%7B%22lazy_load_members%22%3Atrue%7D%7D%7D";
/// 500 in a minute.
const GAP: Duration = Duration::from_millis(120);

pub(super) async fn run(house: &House, sizes: &Sizes) -> Result<Vec<Measurement>> {
    let accounts = house.crowd_with_passwords("shift", sizes.shift_logins).await?;
    let mut meter = Meter::start(house);
    let begun = Instant::now();
    let done = try_join_all(accounts.iter().zip(0_u32..).map(async |(account, index)| {
        let due = begun + GAP * index;
        sleep_until(due).await;
        let mut connection = house.connection();
        let signed_in = login(&mut connection, &account.name).await?;
        let login = due.elapsed();
        let token = Some(signed_in.token.as_str());
        connection.ok(Request { method: "GET", path: FIRST_SYNC, token, body: None }).await?;
        Ok::<_, Error>((login, due.elapsed()))
    }))
    .await?;
    let (mut logins, mut ready) = (Samples::default(), Samples::default());
    for (login, synced) in done {
        logins.add(login);
        ready.add(synced);
    }
    let logins = logins.percentiles();
    meter.note("login_p50_ms", logins.p50);
    meter.note("login_p99_ms", logins.p99);
    Ok(vec![meter.finish("shift", ready.len(), ready)])
}
