//! Wake-up bus between the committer and everything that follows the stream.
//!
//! What goes over the bus is a hint: the truth is the table `stream`. A follower that loses a hint (because it was
//! slow, or one day because a network lost it) reads the stream from its own cursor and is where it should be.
//!
//! The hub of the engine does not listen here but to the store itself, because it must know of a change before
//! the one who made it is answered. The bus is for after-commit work, which may lag.

use std::sync::Arc;

use tokio::sync::broadcast;
use wardline_store::{Pos, StreamRow, StreamSink};

/// Batches that a follower may be behind before it loses hints.
const QUEUE: usize = 1024;

/// The in-process bus. Subscribe it to the store; every follower then hears of every committed batch.
#[derive(Debug)]
pub struct Bus {
    batches: broadcast::Sender<Arc<[StreamRow]>>,
}

/// What a follower hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// These rows were committed, in position order.
    Rows(Arc<[StreamRow]>),
    /// Rows were committed that this follower did not hear of: it must read the stream from its cursor.
    Missed,
}

impl Hint {
    /// The last position that the hint names, if it names one.
    #[must_use]
    pub fn upto(&self) -> Option<Pos> {
        match self {
            Self::Rows(rows) => rows.last().map(|row| row.pos),
            Self::Missed => None,
        }
    }
}

/// One follower of the bus.
#[derive(Debug)]
pub struct Follower {
    batches: broadcast::Receiver<Arc<[StreamRow]>>,
}

impl Default for Bus {
    fn default() -> Self {
        Self { batches: broadcast::channel(QUEUE).0 }
    }
}

impl Bus {
    /// A follower that hears of everything committed from now on. To miss nothing, follow first and read the
    /// stream from the own cursor after that.
    #[must_use]
    pub fn follow(&self) -> Follower {
        Follower { batches: self.batches.subscribe() }
    }
}

impl StreamSink for Bus {
    fn committed(&self, rows: &[StreamRow]) {
        if self.batches.receiver_count() > 0 {
            // Nobody left to hear it is no failure.
            drop(self.batches.send(rows.into()));
        }
    }
}

impl Follower {
    /// Waits for the next hint; `None` when the bus is gone. Cancelling the wait loses nothing.
    pub async fn next(&mut self) -> Option<Hint> {
        match self.batches.recv().await {
            Ok(rows) => Some(Hint::Rows(rows)),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Hint::Missed),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use wardline_store::Kind;

    use super::*;

    fn row(pos: Pos) -> StreamRow {
        StreamRow { pos, kind: Kind::Event, room: None, user: None, reference: 0 }
    }

    #[tokio::test]
    async fn every_follower_hears_every_batch_in_order() {
        let bus = Bus::default();
        let mut followers = [bus.follow(), bus.follow()];
        bus.committed(&[row(1), row(2)]);
        bus.committed(&[row(3)]);
        for follower in &mut followers {
            assert_eq!(follower.next().await, Some(Hint::Rows([row(1), row(2)].into())));
            assert_eq!(follower.next().await.and_then(|hint| hint.upto()), Some(3));
        }
    }

    #[tokio::test]
    async fn a_slow_follower_is_told_that_it_missed_something() {
        let bus = Bus::default();
        let mut follower = bus.follow();
        for pos in 1..=2000 {
            bus.committed(&[row(pos)]);
        }
        assert_eq!(follower.next().await, Some(Hint::Missed));
        let mut last = 0;
        while last < 2000 {
            last = follower.next().await.and_then(|hint| hint.upto()).unwrap();
        }
        drop(bus);
        assert_eq!(follower.next().await, None);
    }
}
