//! The server-side backup of room keys, encrypted by the client.

use crate::{Reader, Row, StoreError, UserNid, WriteTx, params};

/// A version of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number, from 1; never reused.
    pub version: u64,
    /// How the keys are encrypted.
    pub algorithm: String,
    /// What belongs to the algorithm, as a JSON object.
    pub auth_data: String,
    /// Goes up with every change of the keys.
    pub etag: u64,
    /// How many keys it holds.
    pub count: u64,
}

/// A backed-up room key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedUpKey {
    /// The room.
    pub room_id: String,
    /// The Megolm session.
    pub session_id: String,
    /// The first message that it decrypts. The lower, the better.
    pub first_message_index: u64,
    /// How often the key was forwarded. The lower, the better.
    pub forwarded_count: u64,
    /// Whether the client verified the device that the key came from. The better.
    pub is_verified: bool,
    /// The encrypted key, as a JSON object.
    pub session_data: String,
}

/// Which keys of a version an operation is about.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// All of them.
    All,
    /// Those of one room.
    Room(&'a str),
    /// One session of one room.
    Session(&'a str, &'a str),
}

impl<'a> Scope<'a> {
    fn parts(self) -> (Option<&'a str>, Option<&'a str>) {
        match self {
            Self::All => (None, None),
            Self::Room(room) => (Some(room), None),
            Self::Session(room, session) => (Some(room), Some(session)),
        }
    }
}

/// Starts a new version with no keys; it is the current one from now on. Its number.
///
/// # Errors
/// Any failure of the database.
pub fn create(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    algorithm: &str,
    auth_data: &str,
) -> Result<u64, StoreError> {
    tx.query_row(
        "INSERT INTO key_backup_versions (user_nid, version, algorithm, auth_data, etag, keys, deleted) \
         SELECT ?1, coalesce(max(version), 0) + 1, ?2, ?3, 0, 0, 0 FROM key_backup_versions WHERE user_nid = ?1 \
         RETURNING version",
        params![user, algorithm, auth_data],
        |row| row.get(0),
    )?
    .ok_or_else(|| StoreError::Malformed("an insert returned no row".into()))
}

/// The current version: the newest that was not deleted.
///
/// # Errors
/// Any failure of the database.
pub fn current(tx: &impl Reader, user: UserNid) -> Result<Option<Version>, StoreError> {
    tx.query_row(
        "SELECT version, algorithm, auth_data, etag, keys FROM key_backup_versions \
         WHERE user_nid = ?1 AND deleted = 0 ORDER BY version DESC LIMIT 1",
        params![user],
        version_of,
    )
}

/// A version that was not deleted.
///
/// # Errors
/// Any failure of the database.
pub fn version(tx: &impl Reader, user: UserNid, version: u64) -> Result<Option<Version>, StoreError> {
    tx.query_row(
        "SELECT version, algorithm, auth_data, etag, keys FROM key_backup_versions \
         WHERE user_nid = ?1 AND version = ?2 AND deleted = 0",
        params![user, version],
        version_of,
    )
}

fn version_of(row: &Row<'_>) -> Result<Version, StoreError> {
    Ok(Version {
        version: row.get(0)?,
        algorithm: row.get(1)?,
        auth_data: row.get(2)?,
        etag: row.get(3)?,
        count: row.get(4)?,
    })
}

/// Replaces the `auth_data` of a version.
///
/// # Errors
/// Any failure of the database.
pub fn set_auth_data(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    version: u64,
    auth_data: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE key_backup_versions SET auth_data = ?3 WHERE user_nid = ?1 AND version = ?2",
        params![user, version, auth_data],
    )?;
    Ok(())
}

/// Deletes a version with its keys; its number stays taken. Whether there was one.
///
/// # Errors
/// Any failure of the database.
pub fn delete(tx: &mut WriteTx<'_>, user: UserNid, version: u64) -> Result<bool, StoreError> {
    tx.execute("DELETE FROM key_backup WHERE user_nid = ?1 AND version = ?2", params![user, version])?;
    let gone = tx.execute(
        "UPDATE key_backup_versions SET deleted = 1, keys = 0, auth_data = '{}' \
         WHERE user_nid = ?1 AND version = ?2 AND deleted = 0",
        params![user, version],
    )?;
    Ok(gone == 1)
}

/// Stores a key, unless the one that is there for the session is at least as good: verified before unverified,
/// then the lower first message index, then the lower forwarded count (Client-Server API, "Backup algorithm").
/// Whether it was stored.
///
/// # Errors
/// Any failure of the database.
pub fn put_key(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    version: u64,
    key: &BackedUpKey,
) -> Result<bool, StoreError> {
    let stored = tx.execute(
        "INSERT INTO key_backup (user_nid, version, room_id, session_id, first_message_index, \
           forwarded_count, is_verified, session_data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
         ON CONFLICT (user_nid, version, room_id, session_id) DO UPDATE SET \
           first_message_index = excluded.first_message_index, forwarded_count = excluded.forwarded_count, \
           is_verified = excluded.is_verified, session_data = excluded.session_data \
         WHERE excluded.is_verified > is_verified OR (excluded.is_verified = is_verified AND ( \
           excluded.first_message_index < first_message_index OR ( \
           excluded.first_message_index = first_message_index AND excluded.forwarded_count < forwarded_count)))",
        params![
            user,
            version,
            key.room_id,
            key.session_id,
            key.first_message_index,
            key.forwarded_count,
            key.is_verified,
            key.session_data
        ],
    )?;
    Ok(stored == 1)
}

/// The keys of a version within `scope`, by room and session.
///
/// # Errors
/// Any failure of the database.
pub fn keys(
    tx: &impl Reader,
    user: UserNid,
    version: u64,
    scope: Scope<'_>,
) -> Result<Vec<BackedUpKey>, StoreError> {
    let read = |row: &Row<'_>| {
        Ok(BackedUpKey {
            room_id: row.get(0)?,
            session_id: row.get(1)?,
            first_message_index: row.get(2)?,
            forwarded_count: row.get(3)?,
            is_verified: row.get(4)?,
            session_data: row.get(5)?,
        })
    };
    let sql = |filter: &str| {
        format!(
            "SELECT room_id, session_id, first_message_index, forwarded_count, is_verified, session_data \
             FROM key_backup WHERE user_nid = ?1 AND version = ?2{filter} ORDER BY room_id, session_id"
        )
    };
    match scope.parts() {
        (Some(room), Some(session)) => tx.query(
            &sql(" AND room_id = ?3 AND session_id = ?4"),
            params![user, version, room, session],
            read,
        ),
        (Some(room), None) => tx.query(&sql(" AND room_id = ?3"), params![user, version, room], read),
        _ => tx.query(&sql(""), params![user, version], read),
    }
}

/// Deletes the keys of a version within `scope`. How many there were.
///
/// # Errors
/// Any failure of the database.
pub fn delete_keys(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    version: u64,
    scope: Scope<'_>,
) -> Result<usize, StoreError> {
    const ALL: &str = "DELETE FROM key_backup WHERE user_nid = ?1 AND version = ?2";
    match scope.parts() {
        (Some(room), Some(session)) => tx.execute(
            &format!("{ALL} AND room_id = ?3 AND session_id = ?4"),
            params![user, version, room, session],
        ),
        (Some(room), None) => tx.execute(&format!("{ALL} AND room_id = ?3"), params![user, version, room]),
        _ => tx.execute(ALL, params![user, version]),
    }
}

/// Notes that keys of a version changed: a new etag and the exact count.
///
/// # Errors
/// Any failure of the database.
pub fn changed(tx: &mut WriteTx<'_>, user: UserNid, version: u64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE key_backup_versions SET etag = etag + 1, keys = \
           (SELECT count(*) FROM key_backup WHERE user_nid = ?1 AND version = ?2) \
         WHERE user_nid = ?1 AND version = ?2",
        params![user, version],
    )?;
    Ok(())
}
