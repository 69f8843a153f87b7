//! Reports to the people who run the server (Client-Server API, "Reporting Content").

use wardline_domain::Timestamp;

use crate::{EventNid, RoomNid, StoreError, UserNid, WriteTx, params};

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Who reports.
    pub reporter: UserNid,
    /// The room that is reported, or in which the event is.
    pub room: Option<RoomNid>,
    /// The event that is reported.
    pub event: Option<EventNid>,
    /// The user who is reported.
    pub user: Option<UserNid>,
    /// Why, in the reporter's words.
    pub reason: Option<String>,
    /// How bad: -100 (worst) to 0.
    pub score: Option<i64>,
    /// When.
    pub at: Timestamp,
}

/// Stores a report; its number.
///
/// # Errors
/// Any failure of the database.
pub fn insert(tx: &mut WriteTx<'_>, report: &Report) -> Result<i64, StoreError> {
    use crate::Reader;
    let room = report.room;
    tx.query_row(
        "INSERT INTO reports (reporter_nid, room_nid, event_nid, user_nid, reason, score, at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
        params![report.reporter, room, report.event, report.user, report.reason, report.score, report.at],
        |row| row.get(0),
    )?
    .ok_or_else(|| StoreError::Malformed("an insert returned no row".into()))
}
