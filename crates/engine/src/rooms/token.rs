//! Pagination tokens (Client-Server API, "Syncing" and `GET /rooms/{roomId}/messages`).

use std::fmt;
use std::str::FromStr;

use wardline_store::{Pos, Reader, RoomNid, StoreError, events};

use crate::EngineError;

/// A place between two events. Opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// After everything that had happened at this position of the stream (`s…`): what `/sync` gives. What `/sync`
    /// adds behind an underscore for itself is passed over.
    Stream(Pos),
    /// Right after this place of one room's history (`t…_…`).
    History {
        /// Depth.
        topo: i64,
        /// Position.
        pos: Pos,
    },
}

impl Token {
    /// The place right before an event.
    #[must_use]
    pub const fn before(topo: i64, pos: Pos) -> Self {
        Self::History { topo, pos: pos.saturating_sub(1) }
    }

    /// The place right after an event.
    #[must_use]
    pub const fn after(topo: i64, pos: Pos) -> Self {
        Self::History { topo, pos }
    }

    /// The depth and position that the token stands right after, in this room.
    ///
    /// # Errors
    /// Any failure of the database.
    pub fn resolve(self, tx: &impl Reader, room: RoomNid) -> Result<(i64, Pos), StoreError> {
        Ok(match self {
            Self::History { topo, pos } => (topo, pos),
            Self::Stream(pos) => events::last_at(tx, room, pos)?.map_or((0, 0), |last| (last.topo, last.pos)),
        })
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(pos) => write!(f, "s{pos}"),
            Self::History { topo, pos } => write!(f, "t{topo}_{pos}"),
        }
    }
}

impl FromStr for Token {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        let history = || {
            let (topo, pos) = text.strip_prefix('t')?.split_once('_')?;
            Some(Self::History { topo: topo.parse().ok()?, pos: pos.parse().ok()? })
        };
        let stream = || Some(Self::Stream(text.strip_prefix('s')?.split('_').next()?.parse().ok()?));
        history().or_else(stream).ok_or_else(|| EngineError::invalid("from", "not a token of this server"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_the_round_trip() {
        for token in [Token::Stream(0), Token::Stream(77), Token::after(5, 9), Token::before(5, 9)] {
            assert_eq!(token.to_string().parse::<Token>().unwrap(), token);
        }
        for text in ["", "s", "t5", "t_5", "tx_5", "s-1", "77", "t5_9_1"] {
            assert!(text.parse::<Token>().is_err(), "{text}");
        }
    }
}
