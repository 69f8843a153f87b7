//! What administrators ask: lists of accounts, rooms and files, counts, and what they put on them.

use wardline_domain::Timestamp;
use wardline_domain::ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};

use crate::{Reader, RoomNid, Row, StoreError, UserNid, WriteTx, params};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// Its user.
    pub user: UserNid,
    /// Its user's id.
    pub user_id: OwnedUserId,
    /// The display name, as JSON.
    pub display_name: Option<String>,
    /// What it is for.
    pub kind: String,
    /// Whether it may use the administration API.
    pub admin: bool,
    /// Whether it is one of a guest.
    pub guest: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it was deactivated.
    pub deactivated: bool,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Whether it is locked.
    pub locked: bool,
}

/// Which accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// With this in their id or name, in any letter case.
    pub search: Option<String>,
    /// Only administrators, or only others.
    pub admin: Option<bool>,
    /// Only deactivated ones, or only active ones.
    pub deactivated: Option<bool>,
}

const ACCOUNTS: &str = "FROM accounts a JOIN users u ON u.nid = a.user_nid \
     LEFT JOIN profiles p ON p.user_nid = a.user_nid AND p.field = 'displayname' \
     LEFT JOIN account_holds h ON h.user_nid = a.user_nid \
     LEFT JOIN guests g ON g.user_nid = a.user_nid \
     WHERE (?1 IS NULL OR lower(u.user_id) LIKE ?1 ESCAPE '!' OR lower(p.value) LIKE ?1 ESCAPE '!') \
     AND (?2 IS NULL OR a.admin = ?2) AND (?3 IS NULL OR (a.deactivated_at IS NOT NULL) = ?3)";

const ACCOUNT: &str = "SELECT a.user_nid, u.user_id, p.value, a.kind, a.admin, g.user_nid IS NOT NULL, a.created_at, \
     a.deactivated_at IS NOT NULL, coalesce(h.suspended, 0), coalesce(h.locked, 0)";

fn account(row: &Row<'_>) -> Result<AccountRow, StoreError> {
    Ok(AccountRow {
        user: row.get(0)?,
        user_id: row.get(1)?,
        display_name: row.get(2)?,
        kind: row.get(3)?,
        admin: row.get(4)?,
        guest: row.get(5)?,
        created_at: row.get(6)?,
        deactivated: row.get(7)?,
        suspended: row.get(8)?,
        locked: row.get(9)?,
    })
}

/// A pattern that finds `text` anywhere.
fn anywhere(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// A page of accounts by user id, and how many match in all.
///
/// # Errors
/// Any failure of the database.
pub fn accounts(
    tx: &impl Reader,
    filter: &AccountFilter,
    from: u64,
    limit: u64,
) -> Result<(Vec<AccountRow>, u64), StoreError> {
    let search = filter.search.as_deref().map(anywhere);
    let page = tx.query(
        &format!("{ACCOUNT} {ACCOUNTS} ORDER BY u.user_id LIMIT ?4 OFFSET ?5"),
        params![search, filter.admin, filter.deactivated, limit, from],
        account,
    )?;
    let total = tx.query_row(
        &format!("SELECT count(*) {ACCOUNTS}"),
        params![search, filter.admin, filter.deactivated],
        |row| row.get(0),
    )?;
    Ok((page, total.unwrap_or(0)))
}

/// One account.
///
/// # Errors
/// Any failure of the database.
pub fn account_of(tx: &impl Reader, user: UserNid) -> Result<Option<AccountRow>, StoreError> {
    tx.query_row(
        &format!("{ACCOUNT} {ACCOUNTS} AND a.user_nid = ?4"),
        params![None::<String>, None::<bool>, None::<bool>, user],
        account,
    )
}

/// Makes an account an administrator's, or no longer.
///
/// # Errors
/// Any failure of the database.
pub fn set_admin(tx: &mut WriteTx<'_>, user: UserNid, admin: bool) -> Result<(), StoreError> {
    tx.execute("UPDATE accounts SET admin = ?2 WHERE user_nid = ?1", params![user, admin])?;
    Ok(())
}

/// How many active administrators there are.
///
/// # Errors
/// Any failure of the database.
pub fn administrators(tx: &impl Reader) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM accounts WHERE admin = 1 AND deactivated_at IS NULL";
    tx.query_row(sql, params![], |row| row.get(0)).map(Option::unwrap_or_default)
}

/// A page of rooms, those with most members first, and how many there are; with `search` in their id, an alias or
/// their name. Purged ones are not among them.
///
/// # Errors
/// Any failure of the database.
pub fn rooms(
    tx: &impl Reader,
    search: Option<&str>,
    from: u64,
    limit: u64,
) -> Result<(Vec<RoomNid>, u64), StoreError> {
    const WHERE: &str = "FROM rooms r \
         WHERE NOT EXISTS (SELECT 1 FROM purged_rooms p WHERE p.room_nid = r.nid) AND (?1 IS NULL \
         OR lower(r.room_id) LIKE ?1 ESCAPE '!' \
         OR EXISTS (SELECT 1 FROM room_aliases a WHERE a.room_nid = r.nid AND lower(a.alias) LIKE ?1 ESCAPE '!') \
         OR EXISTS (SELECT 1 FROM current_state s JOIN state_keys k ON k.nid = s.state_key_nid \
           JOIN event_json j ON j.nid = s.event_nid WHERE s.room_nid = r.nid AND k.kind = 'm.room.name' \
           AND lower(j.pdu) LIKE '%\"name\":\"' || ?1 ESCAPE '!'))";
    let search = search.map(anywhere);
    let page = tx.query(
        &format!("SELECT r.nid {WHERE} ORDER BY r.joined DESC, r.room_id LIMIT ?2 OFFSET ?3"),
        params![search, limit, from],
        |row| row.get(0),
    )?;
    let total = tx.query_row(&format!("SELECT count(*) {WHERE}"), params![search], |row| row.get(0))?;
    Ok((page, total.unwrap_or(0)))
}

/// Whether nobody may join a room.
///
/// # Errors
/// Any failure of the database.
pub fn is_blocked(tx: &impl Reader, room: RoomNid) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM blocked_rooms WHERE room_nid = ?1";
    Ok(tx.query_row(sql, params![room], |row| row.get::<i64>(0))?.is_some())
}

/// Blocks a room, or ends that.
///
/// # Errors
/// Any failure of the database.
pub fn set_blocked(
    tx: &mut WriteTx<'_>,
    room: RoomNid,
    blocked: bool,
    (by, at): (UserNid, Timestamp),
) -> Result<(), StoreError> {
    if blocked {
        let sql = "INSERT INTO blocked_rooms (room_nid, by_nid, at) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (room_nid) DO NOTHING";
        tx.execute(sql, params![room, by, at])?;
    } else {
        tx.execute("DELETE FROM blocked_rooms WHERE room_nid = ?1", params![room])?;
    }
    Ok(())
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaRow {
    /// Its id.
    pub media_id: String,
    /// Its type, as uploaded.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// When it was uploaded or announced.
    pub created_at: Timestamp,
    /// Whether nobody is given it.
    pub quarantined: bool,
}

/// A page of the files of a user, newest first.
///
/// # Errors
/// Any failure of the database.
pub fn media_of(tx: &impl Reader, user: UserNid, from: u64, limit: u64) -> Result<Vec<MediaRow>, StoreError> {
    tx.query(
        "SELECT m.media_id, m.content_type, m.size, m.created_at, q.media_id IS NOT NULL FROM media m \
         LEFT JOIN quarantined_media q ON q.media_id = m.media_id WHERE m.owner_nid = ?1 \
         ORDER BY m.created_at DESC, m.media_id LIMIT ?2 OFFSET ?3",
        params![user, limit, from],
        |row| {
            Ok(MediaRow {
                media_id: row.get(0)?,
                content_type: row.get(1)?,
                size: row.get(2)?,
                created_at: row.get(3)?,
                quarantined: row.get(4)?,
            })
        },
    )
}

/// A page of who keeps how many files and bytes, those with most bytes first.
///
/// # Errors
/// Any failure of the database.
pub fn media_usage(
    tx: &impl Reader,
    from: u64,
    limit: u64,
) -> Result<Vec<(OwnedUserId, u64, u64)>, StoreError> {
    tx.query(
        "SELECT u.user_id, count(*), sum(m.size) FROM media m JOIN users u ON u.nid = m.owner_nid \
         WHERE m.hash IS NOT NULL GROUP BY u.user_id ORDER BY sum(m.size) DESC, u.user_id LIMIT ?1 OFFSET ?2",
        params![limit, from],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )
}

/// Whether a file exists.
///
/// # Errors
/// Any failure of the database.
pub fn has_media(tx: &impl Reader, id: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM media WHERE media_id = ?1";
    Ok(tx.query_row(sql, params![id], |row| row.get::<i64>(0))?.is_some())
}

/// Whether nobody is given a file.
///
/// # Errors
/// Any failure of the database.
pub fn is_quarantined(tx: &impl Reader, id: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM quarantined_media WHERE media_id = ?1";
    Ok(tx.query_row(sql, params![id], |row| row.get::<i64>(0))?.is_some())
}

/// Puts a file into quarantine, or takes it out.
///
/// # Errors
/// Any failure of the database.
pub fn set_quarantined(
    tx: &mut WriteTx<'_>,
    id: &str,
    quarantined: bool,
    (by, at): (UserNid, Timestamp),
) -> Result<(), StoreError> {
    if quarantined {
        let sql = "INSERT INTO quarantined_media (media_id, by_nid, at) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (media_id) DO NOTHING";
        tx.execute(sql, params![id, by, at])?;
    } else {
        tx.execute("DELETE FROM quarantined_media WHERE media_id = ?1", params![id])?;
    }
    Ok(())
}

/// Forgets a file. Its content stays for as long as another file has the same.
///
/// # Errors
/// Any failure of the database.
pub fn delete_media(tx: &mut WriteTx<'_>, id: &str) -> Result<bool, StoreError> {
    tx.execute("DELETE FROM quarantined_media WHERE media_id = ?1", params![id])?;
    Ok(tx.execute("DELETE FROM media WHERE media_id = ?1", params![id])? == 1)
}

/// The room in which a person is sent notices.
///
/// # Errors
/// Any failure of the database.
pub fn notice_room(tx: &impl Reader, user: UserNid) -> Result<Option<OwnedRoomId>, StoreError> {
    tx.query_row(
        "SELECT r.room_id FROM notice_rooms n JOIN rooms r ON r.nid = n.room_nid WHERE n.user_nid = ?1",
        params![user],
        |row| row.get(0),
    )
}

/// Notes the room in which a person is sent notices.
///
/// # Errors
/// Any failure of the database.
pub fn set_notice_room(tx: &mut WriteTx<'_>, user: UserNid, room: RoomNid) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO notice_rooms (user_nid, room_nid) VALUES (?1, ?2) \
         ON CONFLICT (user_nid) DO UPDATE SET room_nid = excluded.room_nid",
        params![user, room],
    )?;
    Ok(())
}

/// A report of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRow {
    /// Its number.
    pub id: i64,
    /// Who reports.
    pub reporter: OwnedUserId,
    /// The room.
    pub room: Option<OwnedRoomId>,
    /// The event.
    pub event: Option<OwnedEventId>,
    /// The user.
    pub user: Option<OwnedUserId>,
    /// Why, in the reporter's words.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A page of reports, newest first, and how many there are.
///
/// # Errors
/// Any failure of the database.
pub fn reports(tx: &impl Reader, from: u64, limit: u64) -> Result<(Vec<ReportRow>, u64), StoreError> {
    let page = tx.query(
        "SELECT x.id, w.user_id, r.room_id, e.event_id, u.user_id, x.reason, x.at FROM reports x \
         JOIN users w ON w.nid = x.reporter_nid LEFT JOIN rooms r ON r.nid = x.room_nid \
         LEFT JOIN events e ON e.nid = x.event_nid LEFT JOIN users u ON u.nid = x.user_nid \
         ORDER BY x.id DESC LIMIT ?1 OFFSET ?2",
        params![limit, from],
        |row| {
            Ok(ReportRow {
                id: row.get(0)?,
                reporter: row.get(1)?,
                room: row.get(2)?,
                event: row.get(3)?,
                user: row.get(4)?,
                reason: row.get(5)?,
                at: row.get(6)?,
            })
        },
    )?;
    let total = tx.query_row("SELECT count(*) FROM reports", params![], |row| row.get(0))?;
    Ok((page, total.unwrap_or(0)))
}

/// Deletes a report that was dealt with. Whether it existed.
///
/// # Errors
/// Any failure of the database.
pub fn delete_report(tx: &mut WriteTx<'_>, id: i64) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM reports WHERE id = ?1", params![id])? == 1)
}

/// Counts of what the server holds, by name.
///
/// # Errors
/// Any failure of the database.
pub fn counts(tx: &impl Reader) -> Result<Vec<(&'static str, u64)>, StoreError> {
    const COUNTS: [(&str, &str); 10] = [
        ("accounts", "SELECT count(*) FROM accounts WHERE deactivated_at IS NULL"),
        ("accounts_deactivated", "SELECT count(*) FROM accounts WHERE deactivated_at IS NOT NULL"),
        ("administrators", "SELECT count(*) FROM accounts WHERE admin = 1 AND deactivated_at IS NULL"),
        ("guests", "SELECT count(*) FROM guests"),
        ("devices", "SELECT count(*) FROM devices"),
        ("rooms", "SELECT count(*) FROM rooms"),
        ("rooms_encrypted", "SELECT count(*) FROM rooms WHERE encrypted = 1"),
        ("stream_position", "SELECT pos FROM stream_head WHERE id = 1"),
        ("media_files", "SELECT count(*) FROM media WHERE hash IS NOT NULL"),
        ("media_bytes", "SELECT coalesce(sum(size), 0) FROM media WHERE hash IS NOT NULL"),
    ];
    let count = |(name, sql): (&'static str, &str)| {
        Ok((name, tx.query_row(sql, params![], |row| row.get(0))?.unwrap_or(0)))
    };
    COUNTS.into_iter().map(count).collect()
}
