//! How often staff are interrupted by requests. The person is found by blind index only.

use wardline_domain::Timestamp;

use super::{ColumnCipher, rota::PERSON, teams::Member};
use crate::{Reader, Row, StoreError, WriteTx, params};

/// How long interruptions are kept, in milliseconds: 92 days.
const KEPT: i64 = 92 * 24 * 3_600_000;

/// Why somebody was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// They were asked.
    Asked,
    /// They were asked once more, since nobody answered.
    Again,
    /// They were reminded of what they are asked.
    Reminded,
}

impl Kind {
    /// Its code: `asked`, `again` or `reminded`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Again => "again",
            Self::Reminded => "reminded",
        }
    }
}

/// One interruption.
#[derive(Clone, Copy, Debug)]
pub struct Interruption<'a> {
    /// When.
    pub at: Timestamp,
    /// Whom (id of the practitioner).
    pub person: &'a str,
    /// The role through which they were asked.
    pub service: Option<&'a str>,
    /// The request's class, as its code.
    pub class: &'a str,
    /// Why.
    pub kind: Kind,
    /// Whether it made no sound.
    pub quiet: bool,
}

/// Notes an interruption, and forgets those that are older than 92 days.
///
/// # Errors
/// Any failure of the database.
pub fn note(tx: &mut WriteTx<'_>, cipher: &ColumnCipher, it: &Interruption<'_>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO interruptions (at, person_index, service, class, kind, quiet) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![it.at, cipher.index(PERSON, it.person), it.service, it.class, it.kind.code(), it.quiet],
    )?;
    tx.execute("DELETE FROM interruptions WHERE at < ?1", params![it.at.plus_millis(-KEPT)])?;
    Ok(())
}

/// An interruption as it is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// When.
    pub at: Timestamp,
    /// The request's class, as its code.
    pub class: String,
    /// Why, as its code.
    pub kind: String,
    /// Whether it made no sound.
    pub quiet: bool,
}

/// The interruptions of members of a team from `from` on and before `until`, in order of time. Who is asked through a role
/// counts as that role.
///
/// # Errors
/// Any failure of the database.
pub fn of_team(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    members: &[Member],
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<Counted>, StoreError> {
    let mut found: Vec<(i64, Counted)> = Vec::new();
    let columns = "SELECT id, at, class, kind, quiet FROM interruptions";
    let read = |row: &Row<'_>| {
        let counted = Counted { at: row.get(1)?, class: row.get(2)?, kind: row.get(3)?, quiet: row.get(4)? };
        Ok((row.get(0)?, counted))
    };
    for member in members {
        found.extend(match member {
            Member::Person(id) => {
                let sql = format!("{columns} WHERE person_index = ?1 AND at >= ?2 AND at < ?3");
                tx.query(&sql, params![cipher.index(PERSON, id), from, until], read)?
            }
            Member::Role(id) => {
                let sql = format!("{columns} WHERE service = ?1 AND at >= ?2 AND at < ?3");
                tx.query(&sql, params![id, from, until], read)?
            }
        });
    }
    // Somebody may be in the team both by name and through a role.
    found.sort_by_key(|(id, counted)| (counted.at, *id));
    found.dedup_by_key(|(id, _)| *id);
    Ok(found.into_iter().map(|(_, counted)| counted).collect())
}
