//! Pushers (Client-Server API, "Push Notifications"): devices that are not connected are told of events through a push
//! gateway, or directly by Web Push (MSC4174).
//!
//! # How an event gets there
//! Delivery follows the committed stream in memory: an event that the push rules of somebody with a pusher notify of
//! makes that pusher due. What a due pusher is told is always read anew from the store, from its durable cursor on
//! (`plan`), so that whatever was read meanwhile, on another device, is not told any more, and a crash repeats at most
//! what was told since the cursor moved: at least once, none lost.
//!
//! # Rules
//! - A pusher tells its events in order and one at a time; all pushers together, at most [`PushConfig::parallel`].
//! - A failure opens the pusher's circuit: nothing is tried until a growing, jittered time has passed, then one event.
//! - Events older than [`PushConfig::give_up`] are not told.
//! - Nothing that a person wrote leaves the server for a room that is encrypted, nor is any of it logged; Web Push never
//!   carries more than ids, a class and a count.

mod deliver;
mod gateway;
mod plan;
mod pushers;
mod web;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use wardline_domain::{Timestamp, ruma::UserId};
use wardline_outgoing::Outgoing;
use wardline_store::{ReadTx, StoreError};

use crate::Engine;

pub use pushers::{PusherToSet, Pushers};
pub use web::Vapid;

/// What may disturb somebody at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturb {
    /// Everything that the push rules notify of.
    Everything,
    /// Only requests of class `urgent`.
    Urgent,
    /// Nothing.
    Nothing,
}

/// The port to whoever knows when people want to be left alone. What does not disturb is not told later either: it is read
/// when the app is opened.
pub trait Silence: Send + Sync + std::fmt::Debug {
    /// What may disturb a user at `now`.
    ///
    /// # Errors
    /// A failure of the store.
    fn of(&self, tx: &ReadTx<'_>, user: &UserId, now: Timestamp) -> Result<Disturb, StoreError>;
}

/// How pushers are served.
#[derive(Clone, Debug)]
pub struct PushConfig {
    /// Pushes under way at once, over all pushers.
    pub parallel: usize,
    /// How long a pusher rests after its first failure; each further one doubles it.
    pub rest: Duration,
    /// The longest rest.
    pub longest_rest: Duration,
    /// Events older than this are not told any more.
    pub give_up: Duration,
    /// What may disturb whom; without it, everything may.
    pub silence: Option<Arc<dyn Silence>>,
    /// Where the web app is, without a trailing slash: what a notification opens.
    pub app_url: String,
}

impl Default for PushConfig {
    /// 64 at once; rests from 5 seconds to an hour; a day; no web app.
    fn default() -> Self {
        Self {
            parallel: 64,
            rest: Duration::from_secs(5),
            longest_rest: Duration::from_secs(3600),
            give_up: Duration::from_secs(86_400),
            silence: None,
            app_url: String::new(),
        }
    }
}

/// Delivery at work, for as long as this lives.
#[derive(Debug)]
pub struct Delivering {
    stop: CancellationToken,
}

impl Drop for Delivering {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Starts delivery to the pushers of `engine`. `vapid` signs Web Push; without it no such pusher is served.
#[must_use]
pub fn deliver(engine: &Engine, outgoing: Outgoing, vapid: Option<Vapid>, config: PushConfig) -> Delivering {
    let stop = CancellationToken::new();
    let delivery = deliver::Delivery::new(engine, outgoing, vapid, config, stop.clone());
    let stopped = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = Arc::new(delivery).run() => {}
            () = stopped.cancelled() => {}
        }
    });
    Delivering { stop }
}
