//! (d) The crash call: one urgent message to fifteen people while twenty messages a second go through twenty other rooms
//! whose members sync too. A latency runs from the start of the send until the fifteenth device has it.

use futures_util::{
    future::{Either, select},
    pin_mut,
};
use tokio::time::{Duration, sleep};

use super::{
    Sizes,
    deliver::{MEMBERS, Seen, while_following},
    send,
};
use crate::{
    error::Result,
    house::{Account, House},
    matrix::Sender,
    measure::{Measurement, Meter},
    payload::{self, Run},
    stats::Samples,
};

/// The caller and fifteen others.
const TEAM: usize = 16;
const BACKGROUND_ROOMS: usize = 20;
const BACKGROUND_RATE: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(200);

pub(super) async fn run(house: &House, sizes: &Sizes) -> Result<Vec<Measurement>> {
    let rooms = BACKGROUND_ROOMS.min(sizes.deliver_rooms.iter().copied().max().unwrap_or_default());
    let people = rooms * MEMBERS;
    let accounts = house.crowd("deliver", people).await?;
    let members = |room: usize| -> &[Account] { &accounts[room * MEMBERS..(room + 1) * MEMBERS] };
    let background = house.rooms("deliver", rooms, members).await?;
    let mut background: Vec<Sender<'_>> = background
        .iter()
        .enumerate()
        .map(|(index, room)| Sender::new(house, &members(index)[0], room))
        .collect();
    let team = house.crowd("team", TEAM).await?;
    let room = house.room("crash", &team).await?;
    let mut caller = Sender::new(house, &team[0], &room);
    let mut bystanders = house.devices("deliver", 0..people).await?;
    let mut called = house.devices("team", 1..TEAM).await?;

    let (call, noise) = (Run::new(), Run::new());
    let seen = Seen::new();
    let calls = async {
        sleep(Duration::from_secs(1)).await;
        let meter = Meter::start(house);
        let (mut expected, mut latencies) = (0, Samples::default());
        let mut message = call.message();
        while meter.elapsed() < sizes.time.as_secs_f64() * 3.0 {
            let sent = payload::now();
            caller.send(message.at(sent)).await?;
            expected += TEAM - 1;
            seen.drained(expected).await;
            latencies.add_micros(seen.last.get().saturating_sub(sent));
            sleep(BETWEEN).await;
        }
        Ok(meter.finish("crash.15", latencies.len(), latencies))
    };
    let calls = while_following(&mut called, call, |sent| seen.add(sent), calls);
    let noise = while_following(
        &mut bystanders,
        noise,
        |_| {},
        send::paced(&mut background, noise, BACKGROUND_RATE, Duration::from_secs(3600)),
    );
    pin_mut!(calls, noise);
    match select(calls, noise).await {
        Either::Left((measured, _)) => Ok(vec![measured?]),
        Either::Right((Err(error), _)) => Err(error),
        Either::Right((Ok(_), calls)) => Ok(vec![calls.await?]),
    }
}
