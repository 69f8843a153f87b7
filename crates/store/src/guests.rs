//! Accounts of guests (Client-Server API, "Guest Access").

use wardline_domain::ruma::OwnedUserId;
use wardline_domain::visibility::Membership;

use crate::{Reader, RoomNid, StoreError, UserNid, WriteTx, members, params, users};

/// Makes an account one of a guest.
///
/// # Errors
/// Any failure of the database.
pub fn add(tx: &mut WriteTx<'_>, user: UserNid) -> Result<(), StoreError> {
    tx.execute("INSERT INTO guests (user_nid) VALUES (?1) ON CONFLICT (user_nid) DO NOTHING", params![user])?;
    Ok(())
}

/// Whether the account is one of a guest.
///
/// # Errors
/// Any failure of the database.
pub fn is_guest(tx: &impl Reader, user: UserNid) -> Result<bool, StoreError> {
    let found =
        tx.query_row("SELECT 1 FROM guests WHERE user_nid = ?1", params![user], |row| row.get::<i64>(0))?;
    Ok(found.is_some())
}

/// The guests who are joined to a room.
///
/// # Errors
/// Any failure of the database.
pub fn joined(tx: &impl Reader, room: RoomNid) -> Result<Vec<(UserNid, OwnedUserId)>, StoreError> {
    let all = tx.query("SELECT user_nid FROM guests", params![], |row| row.get::<UserNid>(0))?;
    let mut here = Vec::new();
    for guest in all {
        if members::get(tx, room, guest)?.is_some_and(|member| member.membership == Membership::Join) {
            here.push((guest, users::user_id(tx, guest)?));
        }
    }
    Ok(here)
}
