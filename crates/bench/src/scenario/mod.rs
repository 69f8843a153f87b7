//! The scenarios, one file a family. Every one makes what it needs, measures for a bounded time, and ends.

mod clocks;
mod cold;
mod cost;
mod crash;
mod create;
mod deliver;
mod disk;
mod fanout;
mod idle;
mod initial;
mod large;
mod overload;
mod search;
mod send;
mod shift;

use std::time::Duration;

use crate::{
    error::Result,
    house::{House, Kind},
    measure::Measurement,
};

/// How large everything is.
#[derive(Debug, Clone)]
pub(crate) struct Sizes {
    /// How long a measurement that has no natural end lasts.
    pub(crate) time: Duration,
    /// Sends a second where servers are compared at the same load: a quiet ward, a busy one, and two thirds of what Synapse can do.
    pub(crate) equal_rates: Vec<u32>,
    /// Rooms of ten members, the smallest number first.
    pub(crate) deliver_rooms: Vec<usize>,
    pub(crate) fanout_members: Vec<usize>,
    pub(crate) broadcast_members: usize,
    pub(crate) broadcast_connected: usize,
    /// Rooms and members of each.
    pub(crate) initial: Vec<(usize, usize)>,
    pub(crate) idle_devices: usize,
    pub(crate) cold_events: u64,
    pub(crate) disk_events: usize,
    pub(crate) large_room: usize,
    pub(crate) many_rooms: usize,
    pub(crate) used_room: usize,
    pub(crate) shift_logins: usize,
    pub(crate) staff: usize,
    pub(crate) open_requests: usize,
    pub(crate) created: usize,
    pub(crate) overload_time: Duration,
    pub(crate) overload_connections: usize,
}

impl Sizes {
    /// The sizes of the issue.
    pub(crate) fn full(seconds: u64) -> Self {
        Self {
            time: Duration::from_secs(seconds),
            equal_rates: vec![10, 30, 60],
            deliver_rooms: vec![10, 50],
            fanout_members: vec![100, 1000],
            broadcast_members: 10_000,
            broadcast_connected: 2000,
            initial: vec![(20, 20), (300, 300)],
            idle_devices: 5000,
            cold_events: 1_000_000,
            disk_events: 20_000,
            large_room: 10_000,
            many_rooms: 2000,
            used_room: 5000,
            shift_logins: 500,
            staff: 100_000,
            open_requests: 10_000,
            created: 100,
            overload_time: Duration::from_secs(60),
            overload_connections: 4000,
        }
    }

    /// Sizes for a look of a few minutes.
    pub(crate) fn quick(seconds: u64) -> Self {
        Self {
            deliver_rooms: vec![10],
            fanout_members: vec![100],
            broadcast_members: 500,
            broadcast_connected: 100,
            initial: vec![(5, 5), (20, 20)],
            idle_devices: 500,
            cold_events: 20_000,
            disk_events: 2000,
            large_room: 500,
            many_rooms: 200,
            used_room: 500,
            shift_logins: 40,
            staff: 2000,
            open_requests: 300,
            created: 20,
            overload_time: Duration::from_secs(10),
            overload_connections: 1500,
            ..Self::full(seconds)
        }
    }

    /// Smaller where another homeserver would take hours: ratios compare the same size.
    pub(crate) fn of_peer(mut self) -> Self {
        self.initial.truncate(1);
        self.idle_devices = self.idle_devices.min(300);
        self.created = self.created.min(20);
        self
    }
}

/// A family of scenarios by the name that `--only` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Family {
    /// (a) Senders into rooms nobody syncs, as fast as answers come, and at equal load.
    Send,
    /// (b) 50 rooms of 10, all syncing: deliveries a second and time to the reader.
    Deliver,
    /// (c) One room of 1,000, all syncing.
    Fanout,
    /// (d) One urgent message to 15 people under a background of 20 messages a second.
    Crash,
    /// (h) createRoom.
    Create,
    /// (g) Idle syncing devices.
    Idle,
    /// (f) The first sync of somebody in 300 rooms of 300.
    Initial,
    /// (k) A shift change.
    Shift,
    /// (l) Search of the staff directory.
    Search,
    /// What a send costs with the room's size, and a sync with the number of rooms.
    Cost,
    /// A room of 5,000 members in an account that is in 2,000 rooms, used normally.
    Large,
    /// (e) A broadcast to 10,000 accounts of whom 2,000 are connected.
    Broadcast,
    /// (j) Bytes on disk for an event.
    Disk,
    /// (i) Cold start with a million events.
    Cold,
    /// Open requests with running clocks.
    Clocks,
    /// Ten times what the server can do, for a minute.
    Overload,
}

impl Family {
    /// Whether the product is held against other homeservers in this: what has an absolute aim is not asked of them.
    fn is_compared(self) -> bool {
        use Family::{Crash, Create, Deliver, Fanout, Idle, Initial, Send};
        matches!(self, Send | Deliver | Fanout | Crash | Create | Idle | Initial)
    }
}

/// Runs one family on one server. What the server cannot be asked gives nothing, nor, unless it was named, what another
/// homeserver need not be asked.
pub(crate) async fn run(
    family: Family,
    is_named: bool,
    house: &House,
    sizes: &Sizes,
) -> Result<Vec<Measurement>> {
    let sizes = if house.spec.kind == Kind::Peer { sizes.clone().of_peer() } else { sizes.clone() };
    let sizes = &sizes;
    let is_asked = match house.spec.kind {
        Kind::Wardline => true,
        Kind::Peer => is_named || family.is_compared(),
        Kind::Limit => family == Family::Send,
    };
    if !is_asked {
        return Ok(Vec::new());
    }
    match family {
        Family::Send => send::run(house, sizes).await,
        Family::Deliver => deliver::run(house, sizes).await,
        Family::Fanout => fanout::run(house, sizes).await,
        Family::Crash => crash::run(house, sizes).await,
        Family::Broadcast => fanout::broadcast(house, sizes).await,
        Family::Initial => initial::run(house, sizes).await,
        Family::Idle => idle::run(house, sizes).await,
        Family::Create => create::run(house, sizes).await,
        Family::Cold => cold::run(house, sizes).await,
        Family::Disk => disk::run(house, sizes).await,
        Family::Shift => shift::run(house, sizes).await,
        Family::Search => search::run(house, sizes).await,
        Family::Large => large::run(house, sizes).await,
        Family::Cost => cost::run(house, sizes).await,
        Family::Clocks => clocks::run(house, sizes).await,
        Family::Overload if house.spec.kind == Kind::Peer => Ok(Vec::new()),
        Family::Overload => overload::run(house, sizes).await,
    }
}
