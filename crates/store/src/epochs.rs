//! The lives of a database: each restoration from a backup begins an epoch.
//!
//! A position names the same change for ever only within an epoch. Whatever a client or another server was told
//! carries the epoch it was told in, and is believed up to where the histories part.

use wardline_domain::Timestamp;

use crate::{Pos, Reader, StoreError, WriteTx, params};

/// The epochs of a database. They change only while no server runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Epochs {
    /// The last position of the backup that each epoch, from 1 on, began with.
    from: Vec<Pos>,
}

impl Epochs {
    /// Reads them.
    ///
    /// # Errors
    /// Any failure of the database.
    pub fn load(tx: &impl Reader) -> Result<Self, StoreError> {
        let from = tx.query("SELECT from_pos FROM epochs ORDER BY epoch", params![], |row| row.get(0))?;
        Ok(Self { from })
    }

    /// The present epoch: how often the database was restored.
    #[must_use]
    pub fn current(&self) -> u64 {
        self.from.len() as u64
    }

    /// Up to where a position of `epoch` names the same change today; [`Pos::MAX`] for one of the present epoch.
    /// `None`: this database never had such an epoch.
    #[must_use]
    pub fn trusted(&self, epoch: u64) -> Option<Pos> {
        let later = usize::try_from(epoch).ok().and_then(|epoch| self.from.get(epoch..))?;
        Some(later.iter().copied().min().unwrap_or(Pos::MAX))
    }
}

/// Begins an epoch at the present head, in the database that was restored; its number.
///
/// # Errors
/// Any failure of the database.
pub fn begin(tx: &mut WriteTx<'_>, at: Timestamp) -> Result<u64, StoreError> {
    let epoch = Epochs::load(tx)?.current() + 1;
    let head = tx.head();
    tx.execute(
        "INSERT INTO epochs (epoch, from_pos, began_at) VALUES (?1, ?2, ?3)",
        params![epoch, head, at],
    )?;
    Ok(epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_trusted_up_to_where_the_histories_part() {
        let none = Epochs::default();
        assert_eq!((none.trusted(0), none.trusted(1)), (Some(Pos::MAX), None));
        // Restored to 40, then, after more was written, to 30.
        let twice = Epochs { from: vec![40, 30] };
        assert_eq!(twice.current(), 2);
        assert_eq!(
            [0, 1, 2, 3].map(|epoch| twice.trusted(epoch)),
            [Some(30), Some(30), Some(Pos::MAX), None]
        );
        // Restored to 30, then to 40 of the second life.
        let later = Epochs { from: vec![30, 40] };
        assert_eq!([0, 1, 2].map(|epoch| later.trusted(epoch)), [Some(30), Some(40), Some(Pos::MAX)]);
    }
}
