//! Alerts: what a person's devices are woken and pushed for besides events of rooms. An alert says that there is something
//! to look at, never what.

use wardline_domain::Timestamp;

use crate::{Kind, Pos, Reader, StoreError, UserNid, WriteTx, params, sessions, to_device};

/// An alert that was not taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its position.
    pub pos: Pos,
    /// What it is about: the id of a call.
    pub subject: String,
    /// How it presses.
    pub class: String,
    /// When it was given.
    pub at: Timestamp,
}

/// Gives a user an alert: `message`, a to-device event as `/sync` delivers it, to every device, and a push to every pusher.
/// The number of devices.
///
/// # Errors
/// Any failure of the database.
pub fn give(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    (subject, class): (&str, &str),
    message: &str,
    at: Timestamp,
) -> Result<usize, StoreError> {
    let pos = tx.record(Kind::Alert, None, Some(user), 0)?;
    tx.execute(
        "INSERT INTO alerts (user_nid, pos, subject, class, at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![user, pos, subject, class, at],
    )?;
    tell(tx, user, message)
}

/// Sends a to-device event to every device of a user, without a push. The number of devices.
///
/// # Errors
/// Any failure of the database.
pub fn tell(tx: &mut WriteTx<'_>, user: UserNid, message: &str) -> Result<usize, StoreError> {
    let devices = sessions::devices(tx, user)?;
    for device in &devices {
        to_device::send(tx, user, &device.device_id, message)?;
    }
    Ok(devices.len())
}

/// Takes back the alerts of a user about `subject`: they are not pushed any more.
///
/// # Errors
/// Any failure of the database.
pub fn take_back(tx: &mut WriteTx<'_>, user: UserNid, subject: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM alerts WHERE subject = ?1 AND user_nid = ?2", params![subject, user]).map(drop)
}

/// Takes back everybody's alerts about `subject`.
///
/// # Errors
/// Any failure of the database.
pub fn end(tx: &mut WriteTx<'_>, subject: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM alerts WHERE subject = ?1", params![subject]).map(drop)
}

/// The alerts of a user after a position that were given at `oldest` or later, in order.
///
/// # Errors
/// Any failure of the database.
pub fn after(
    tx: &impl Reader,
    user: UserNid,
    after: Pos,
    oldest: Timestamp,
) -> Result<Vec<Alert>, StoreError> {
    tx.query(
        "SELECT pos, subject, class, at FROM alerts WHERE user_nid = ?1 AND pos > ?2 AND at >= ?3 ORDER BY pos",
        params![user, after, oldest],
        |row| Ok(Alert { pos: row.get(0)?, subject: row.get(1)?, class: row.get(2)?, at: row.get(3)? }),
    )
}
