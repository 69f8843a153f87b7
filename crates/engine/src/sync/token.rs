//! The token of `/sync`: `s<pos>`, and behind underscores what is not in the stream, and in which life of the database
//! it was given.

use std::fmt;
use std::str::FromStr;

use wardline_store::Pos;
use wardline_store::epochs::Epochs;

use crate::EngineError;

/// What a client has seen when it comes back with this token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncToken {
    /// Everything up to this position of the stream.
    pub pos: Pos,
    /// The version of the typing people that the client shows (`_t…`); 0: it shows nobody typing.
    pub typing: u64,
    /// Messages to the device up to this position (`_d…`, only if not all up to `pos` fitted in).
    pub to_device: Pos,
    /// The epoch of the database that the positions are of (`_e…`, from the first restoration on).
    pub epoch: u64,
    /// Whether the client has seen changes that a restoration undid: what it knows of rooms is no use.
    pub(crate) is_void: bool,
    /// The version of presence that the client knows (`_p…`); 0: none.
    pub presence: u64,
}

impl SyncToken {
    /// Everything up to `pos` of the first epoch; nobody types.
    #[must_use]
    pub const fn at(pos: Pos) -> Self {
        Self { pos, typing: 0, to_device: pos, presence: 0, epoch: 0, is_void: false }
    }

    /// What may be believed of the token in a database with these epochs and this last position. A client that has seen
    /// more than was restored has seen all that was; how its rooms went on since is undone. `None`: nothing, it is of
    /// another database.
    #[must_use]
    pub fn believed(self, epochs: &Epochs, head: Pos) -> Option<Self> {
        let limit = epochs.trusted(self.epoch)?;
        if self.pos <= limit {
            return Some(self).filter(|token| token.pos <= head);
        }
        let to_device = self.to_device.min(limit);
        Some(Self { pos: limit, typing: 0, to_device, presence: 0, epoch: epochs.current(), is_void: true })
    }
}

impl fmt::Display for SyncToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.pos)?;
        if self.typing != 0 {
            write!(f, "_t{}", self.typing)?;
        }
        if self.to_device != self.pos {
            write!(f, "_d{}", self.to_device)?;
        }
        if self.epoch != 0 {
            write!(f, "_e{}", self.epoch)?;
        }
        if self.presence != 0 {
            write!(f, "_p{}", self.presence)?;
        }
        Ok(())
    }
}

impl FromStr for SyncToken {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        parse(text).ok_or_else(|| EngineError::invalid("since", "not a token of this server"))
    }
}

fn parse(text: &str) -> Option<SyncToken> {
    let mut parts = text.strip_prefix('s')?.split('_');
    let mut token = SyncToken::at(number(parts.next()?)?);
    for part in parts {
        match part.split_at_checked(1)? {
            ("t", typing) => token.typing = number(typing)?,
            ("d", pos) => token.to_device = number(pos)?,
            ("e", epoch) => token.epoch = number(epoch)?,
            ("p", presence) => token.presence = number(presence)?,
            _ => return None,
        }
    }
    Some(token)
}

fn number(digits: &str) -> Option<u64> {
    // `parse` would accept a sign; positions must also fit the database's integers.
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|n| plain && i64::try_from(*n).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_the_round_trip() {
        for (text, token) in [
            ("s0", SyncToken::at(0)),
            ("s12", SyncToken::at(12)),
            ("s12_t5", SyncToken { typing: 5, ..SyncToken::at(12) }),
            ("s12_d7", SyncToken { to_device: 7, ..SyncToken::at(12) }),
            ("s12_t5_d7", SyncToken { typing: 5, to_device: 7, ..SyncToken::at(12) }),
            ("s12_d7_e3", SyncToken { to_device: 7, epoch: 3, ..SyncToken::at(12) }),
            ("s12_p9", SyncToken { presence: 9, ..SyncToken::at(12) }),
        ] {
            assert_eq!(text.parse::<SyncToken>().unwrap(), token);
            assert_eq!(token.to_string(), text);
        }
        for text in ["", "s", "12", "s-1", "s+1", "s12_", "s12_x3", "s12_t", "s99999999999999999999", "s12_é"]
        {
            assert!(text.parse::<SyncToken>().is_err(), "{text}");
        }
    }
}
