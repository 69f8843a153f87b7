//! Pushers (Client-Server API, "Push Notifications"): where a user's devices are told of events, and how far each has
//! been told.

use wardline_domain::Timestamp;
use wardline_domain::ruma::OwnedUserId;

use crate::{Pos, Reader, Row, StoreError, UserNid, WriteTx, params};

/// A pusher as a client sets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPusher {
    /// Whose.
    pub user: UserNid,
    /// The device that sets it.
    pub device: String,
    /// The application.
    pub app_id: String,
    /// What the gateway knows the device by.
    pub pushkey: String,
    /// `http` or `webpush`.
    pub kind: String,
    /// For people: the application's name.
    pub app_display_name: String,
    /// For people: the device's name.
    pub device_display_name: String,
    /// Which device-specific rules it follows; only kept.
    pub profile_tag: Option<String>,
    /// The language of the device.
    pub lang: String,
    /// JSON object.
    pub data: String,
    /// When it is set.
    pub at: Timestamp,
    /// For a pusher that has to be activated: the token that activates it.
    pub ack: Option<Ack>,
}

/// What activates a pusher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// What the client has to show.
    pub token: String,
    /// Until when.
    pub until: Timestamp,
}

/// A pusher as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pusher {
    /// Its number.
    pub id: i64,
    /// Whose.
    pub user: UserNid,
    /// The same, as an id.
    pub user_id: OwnedUserId,
    /// The application.
    pub app_id: String,
    /// What the gateway knows the device by.
    pub pushkey: String,
    /// `http` or `webpush`.
    pub kind: String,
    /// For people: the application's name.
    pub app_display_name: String,
    /// For people: the device's name.
    pub device_display_name: String,
    /// Which device-specific rules it follows; only kept.
    pub profile_tag: Option<String>,
    /// The language of the device.
    pub lang: String,
    /// JSON object.
    pub data: String,
    /// When it was set last.
    pub created_at: Timestamp,
    /// Events up to this position are delivered or nobody's business.
    pub cursor: Pos,
    /// Whether it may be told of events.
    pub activated: bool,
    /// What activates it, if that is still to be done.
    pub ack: Option<Ack>,
}

/// What became of an attempt to activate a pusher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// It is activated.
    Done,
    /// The token is right, and came too late.
    Expired,
    /// The user has a pusher of this application, with another token.
    Unknown,
    /// The user has no pusher of this application.
    NoPusher,
}

const COLUMNS: &str = "id, user_nid, (SELECT user_id FROM users WHERE nid = user_nid), app_id, pushkey, kind, \
     app_display_name, device_display_name, profile_tag, lang, data, created_at, cursor, activated, ack_token, \
     ack_until";

fn read(row: &Row<'_>) -> Result<Pusher, StoreError> {
    let token: Option<String> = row.get(14)?;
    let until = row.get(15)?;
    Ok(Pusher {
        id: row.get(0)?,
        user: row.get(1)?,
        user_id: row.get(2)?,
        app_id: row.get(3)?,
        pushkey: row.get(4)?,
        kind: row.get(5)?,
        app_display_name: row.get(6)?,
        device_display_name: row.get(7)?,
        profile_tag: row.get(8)?,
        lang: row.get(9)?,
        data: row.get(10)?,
        created_at: row.get(11)?,
        cursor: row.get(12)?,
        activated: row.get(13)?,
        ack: token.map(|token| Ack { token, until }),
    })
}

/// Sets a pusher; a new one is told of events from now on. Its number, and whether it has to be activated.
///
/// A pusher that must be activated keeps its state if it is set again as it was and is activated.
///
/// # Errors
/// Any failure of the database.
pub fn set(
    tx: &mut WriteTx<'_>,
    new: &NewPusher,
    is_same: impl FnOnce(&Pusher) -> bool,
) -> Result<(i64, bool), StoreError> {
    let old = tx.query_row(
        &format!("SELECT {COLUMNS} FROM pushers WHERE user_nid = ?1 AND app_id = ?2 AND pushkey = ?3"),
        params![new.user, new.app_id, new.pushkey],
        read,
    )?;
    let activated = new.ack.is_none() || old.as_ref().is_some_and(|old| old.activated && is_same(old));
    let ack = new.ack.as_ref().filter(|_| !activated);
    let (token, until) = (ack.map(|ack| ack.token.as_str()), ack.map_or(Timestamp(0), |ack| ack.until));
    let head = tx.head();
    tx.execute(
        "INSERT INTO pushers (user_nid, device_id, app_id, pushkey, kind, app_display_name, device_display_name, \
         profile_tag, lang, data, created_at, cursor, activated, ack_token, ack_until) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
         ON CONFLICT (user_nid, app_id, pushkey) DO UPDATE SET device_id = excluded.device_id, \
         kind = excluded.kind, app_display_name = excluded.app_display_name, \
         device_display_name = excluded.device_display_name, profile_tag = excluded.profile_tag, \
         lang = excluded.lang, data = excluded.data, created_at = excluded.created_at, \
         activated = excluded.activated, ack_token = excluded.ack_token, ack_until = excluded.ack_until",
        params![
            new.user,
            new.device,
            new.app_id,
            new.pushkey,
            new.kind,
            new.app_display_name,
            new.device_display_name,
            new.profile_tag,
            new.lang,
            new.data,
            new.at,
            head,
            activated,
            token,
            until
        ],
    )?;
    let id = tx.query_row(
        "SELECT id FROM pushers WHERE user_nid = ?1 AND app_id = ?2 AND pushkey = ?3",
        params![new.user, new.app_id, new.pushkey],
        |row| row.get(0),
    )?;
    let id = id.ok_or_else(|| StoreError::Malformed("a pusher is not where it was put".into()))?;
    Ok((id, !activated))
}

/// Activates the pusher of an application that a token was sent to.
///
/// # Errors
/// Any failure of the database.
pub fn activate(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    app_id: &str,
    token: &str,
    now: Timestamp,
) -> Result<Activation, StoreError> {
    let head = tx.head();
    let done = tx.execute(
        "UPDATE pushers SET activated = 1, ack_token = NULL, cursor = ?5 \
         WHERE user_nid = ?1 AND app_id = ?2 AND ack_token = ?3 AND ack_until >= ?4",
        params![user, app_id, token, now, head],
    )?;
    if done > 0 {
        return Ok(Activation::Done);
    }
    let tokens: Vec<Option<String>> = tx.query(
        "SELECT ack_token FROM pushers WHERE user_nid = ?1 AND app_id = ?2",
        params![user, app_id],
        |row| row.get(0),
    )?;
    Ok(if tokens.is_empty() {
        Activation::NoPusher
    } else if tokens.iter().flatten().any(|known| known == token) {
        Activation::Expired
    } else {
        Activation::Unknown
    })
}

/// A pusher by its number.
///
/// # Errors
/// Any failure of the database.
pub fn get(tx: &impl Reader, id: i64) -> Result<Option<Pusher>, StoreError> {
    tx.query_row(&format!("SELECT {COLUMNS} FROM pushers WHERE id = ?1"), params![id], read)
}

/// The pushers of a user, in the order in which they came.
///
/// # Errors
/// Any failure of the database.
pub fn of_user(tx: &impl Reader, user: UserNid) -> Result<Vec<Pusher>, StoreError> {
    tx.query(&format!("SELECT {COLUMNS} FROM pushers WHERE user_nid = ?1 ORDER BY id"), params![user], read)
}

/// Every pusher: its number and whose it is.
///
/// # Errors
/// Any failure of the database.
pub fn all(tx: &impl Reader) -> Result<Vec<(i64, UserNid, OwnedUserId)>, StoreError> {
    tx.query(
        "SELECT p.id, p.user_nid, u.user_id FROM pushers p JOIN users u ON u.nid = p.user_nid",
        params![],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )
}

/// Notes that a pusher was told of everything up to a position. It never goes back.
///
/// # Errors
/// Any failure of the database.
pub fn advance(tx: &mut WriteTx<'_>, id: i64, to: Pos) -> Result<(), StoreError> {
    tx.execute("UPDATE pushers SET cursor = ?2 WHERE id = ?1 AND cursor < ?2", params![id, to]).map(drop)
}

/// Removes a pusher by its number. Whether it existed.
///
/// # Errors
/// Any failure of the database.
pub fn remove(tx: &mut WriteTx<'_>, id: i64) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM pushers WHERE id = ?1", params![id])? > 0)
}

/// Removes the pusher of a user with this key. Whether it existed.
///
/// # Errors
/// Any failure of the database.
pub fn remove_key(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    app_id: &str,
    pushkey: &str,
) -> Result<bool, StoreError> {
    let gone = tx.execute(
        "DELETE FROM pushers WHERE user_nid = ?1 AND app_id = ?2 AND pushkey = ?3",
        params![user, app_id, pushkey],
    )?;
    Ok(gone > 0)
}

/// Removes the pushers of everybody else with this key.
///
/// # Errors
/// Any failure of the database.
pub fn remove_of_others(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    app_id: &str,
    pushkey: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM pushers WHERE app_id = ?2 AND pushkey = ?3 AND user_nid <> ?1",
        params![user, app_id, pushkey],
    )
    .map(drop)
}

/// Removes the pushers that a device has set.
///
/// # Errors
/// Any failure of the database.
pub fn remove_of_device(tx: &mut WriteTx<'_>, user: UserNid, device: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM pushers WHERE user_nid = ?1 AND device_id = ?2", params![user, device]).map(drop)
}
