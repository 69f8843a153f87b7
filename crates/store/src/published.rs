//! The room directory: which rooms the server lists (Client-Server API, "Listing rooms").

use crate::{Reader, RoomNid, StoreError, UserNid, WriteTx, params};

/// Lists a room, or takes it off the list.
///
/// # Errors
/// Any failure of the database.
pub fn set(tx: &mut WriteTx<'_>, room: RoomNid, listed: bool) -> Result<(), StoreError> {
    let sql = if listed {
        "INSERT INTO published_rooms (room_nid) VALUES (?1) ON CONFLICT (room_nid) DO NOTHING"
    } else {
        "DELETE FROM published_rooms WHERE room_nid = ?1"
    };
    tx.execute(sql, params![room])?;
    Ok(())
}

/// Whether a room is listed.
///
/// # Errors
/// Any failure of the database.
pub fn is_listed(tx: &impl Reader, room: RoomNid) -> Result<bool, StoreError> {
    tx.query_row("SELECT 1 FROM published_rooms WHERE room_nid = ?1", params![room], |_| Ok(()))
        .map(|found| found.is_some())
}

/// All listed rooms, those with most members first, among equals the oldest.
///
/// # Errors
/// Any failure of the database.
pub fn all(tx: &impl Reader) -> Result<Vec<RoomNid>, StoreError> {
    tx.query(
        "SELECT p.room_nid FROM published_rooms p JOIN rooms r ON r.nid = p.room_nid \
         ORDER BY r.joined DESC, r.created_at, r.room_id",
        params![],
        |row| row.get(0),
    )
}

/// The users whom `user` may find in the user directory: those who share a room with them, and the members of
/// rooms that are listed or that everybody may join. With `everybody` also every active account of the server.
///
/// # Errors
/// Any failure of the database.
pub fn findable(tx: &impl Reader, user: UserNid, everybody: bool) -> Result<Vec<UserNid>, StoreError> {
    tx.query(
        "SELECT b.user_nid FROM members a JOIN members b ON b.room_nid = a.room_nid \
         WHERE a.user_nid = ?1 AND a.membership = 2 AND b.membership = 2 \
         UNION SELECT m.user_nid FROM published_rooms p JOIN members m ON m.room_nid = p.room_nid \
         WHERE m.membership = 2 \
         UNION SELECT m.user_nid FROM state_keys k JOIN current_state s ON s.state_key_nid = k.nid \
         JOIN event_json j ON j.nid = s.event_nid JOIN members m ON m.room_nid = s.room_nid \
         WHERE k.kind = 'm.room.join_rules' AND k.state_key = '' \
         AND j.pdu LIKE '%\"join_rule\":\"public\"%' AND m.membership = 2 \
         UNION SELECT user_nid FROM accounts WHERE ?2 = 1 AND deactivated_at IS NULL",
        params![user, everybody],
        |row| row.get(0),
    )
}
