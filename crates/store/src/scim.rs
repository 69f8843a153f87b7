//! What the organisation's identity system provisions: users, groups, and its tokens.

use wardline_domain::{Timestamp, ruma::OwnedUserId};

use crate::{Reader, Row, StoreError, UserNid, WriteTx, params};

/// A provisioned user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// The resource's id.
    pub id: String,
    /// The account.
    pub user: UserNid,
    /// The account.
    pub user_id: OwnedUserId,
    /// `userName` in small letters.
    pub user_name: String,
    /// `externalId`.
    pub external_id: Option<String>,
    /// What was written, as JSON.
    pub resource: String,
    /// Counts changes, from 1.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub modified_at: Timestamp,
    /// Whether it was deleted; its account stays.
    pub deleted: bool,
}

/// A provisioned group without its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// The resource's id.
    pub id: String,
    /// Its name.
    pub display_name: String,
    /// `externalId`.
    pub external_id: Option<String>,
    /// Counts changes, from 1.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub modified_at: Timestamp,
}

/// Stores a token, in place of one of the same name.
///
/// # Errors
/// Any failure of the database.
pub fn put_token(
    tx: &mut WriteTx<'_>,
    name: &str,
    hash: &[u8; 32],
    at: Timestamp,
    expires_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO scim_tokens (name, token_hash, created_at, expires_at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (name) DO UPDATE SET token_hash = ?2, created_at = ?3, expires_at = ?4",
        params![name, *hash, at, expires_at],
    )?;
    Ok(())
}

/// Revokes a token. Whether there was one.
///
/// # Errors
/// Any failure of the database.
pub fn remove_token(tx: &mut WriteTx<'_>, name: &str) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM scim_tokens WHERE name = ?1", params![name])? == 1)
}

/// The name of the token with this hash, if it lasts beyond `now`.
///
/// # Errors
/// Any failure of the database.
pub fn token(tx: &impl Reader, hash: &[u8; 32], now: Timestamp) -> Result<Option<String>, StoreError> {
    tx.query_row(
        "SELECT name FROM scim_tokens WHERE token_hash = ?1 AND (expires_at IS NULL OR expires_at > ?2)",
        params![*hash, now],
        |row| row.get(0),
    )
}

const USER: &str = "SELECT s.id, s.user_nid, u.user_id, s.user_name, s.external_id, s.resource, s.version, \
     s.created_at, s.modified_at, s.deleted_at FROM scim_users s JOIN users u ON u.nid = s.user_nid WHERE ";

fn read_user(row: &Row<'_>) -> Result<UserRow, StoreError> {
    Ok(UserRow {
        id: row.get(0)?,
        user: row.get(1)?,
        user_id: row.get(2)?,
        user_name: row.get(3)?,
        external_id: row.get(4)?,
        resource: row.get(5)?,
        version: row.get(6)?,
        created_at: row.get(7)?,
        modified_at: row.get(8)?,
        deleted: row.get::<Option<i64>>(9)?.is_some(),
    })
}

/// The user with this id that was not deleted.
///
/// # Errors
/// Any failure of the database.
pub fn user(tx: &impl Reader, id: &str) -> Result<Option<UserRow>, StoreError> {
    tx.query_row(&format!("{USER} s.id = ?1 AND s.deleted_at IS NULL"), params![id], read_user)
}

/// The user with this `userName` (small letters), deleted or not.
///
/// # Errors
/// Any failure of the database.
pub fn user_by_name(tx: &impl Reader, user_name: &str) -> Result<Option<UserRow>, StoreError> {
    tx.query_row(&format!("{USER} s.user_name = ?1"), params![user_name], read_user)
}

/// The user of this account, deleted or not.
///
/// # Errors
/// Any failure of the database.
pub fn user_by_account(tx: &impl Reader, user: UserNid) -> Result<Option<UserRow>, StoreError> {
    tx.query_row(&format!("{USER} s.user_nid = ?1"), params![user], read_user)
}

/// The account of the one user with this `externalId`; `None` if there is none or more than one.
///
/// # Errors
/// Any failure of the database.
pub fn user_of_external_id(tx: &impl Reader, external_id: &str) -> Result<Option<OwnedUserId>, StoreError> {
    let mut all = tx.query(
        &format!("{USER} s.external_id = ?1 AND s.deleted_at IS NULL LIMIT 2"),
        params![external_id],
        read_user,
    )?;
    Ok(if all.len() == 1 { all.pop().map(|row| row.user_id) } else { None })
}

/// All users that were not deleted, by id.
///
/// # Errors
/// Any failure of the database.
pub fn users(tx: &impl Reader) -> Result<Vec<UserRow>, StoreError> {
    tx.query(&format!("{USER} s.deleted_at IS NULL ORDER BY s.created_at, s.id"), params![], read_user)
}

/// Writes a user over the one with the same id.
///
/// # Errors
/// Any failure of the database.
pub fn put_user(tx: &mut WriteTx<'_>, row: &UserRow) -> Result<(), StoreError> {
    let deleted_at = row.deleted.then_some(row.modified_at);
    tx.execute(
        "INSERT INTO scim_users (id, user_nid, user_name, external_id, resource, version, created_at, modified_at, \
         deleted_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO UPDATE SET user_name = ?3, \
         external_id = ?4, resource = ?5, version = ?6, modified_at = ?8, deleted_at = ?9",
        params![
            row.id,
            row.user,
            row.user_name,
            row.external_id,
            row.resource,
            row.version,
            row.created_at,
            row.modified_at,
            deleted_at
        ],
    )?;
    Ok(())
}

const GROUP: &str = "SELECT id, display_name, external_id, version, created_at, modified_at FROM scim_groups";

fn read_group(row: &Row<'_>) -> Result<GroupRow, StoreError> {
    Ok(GroupRow {
        id: row.get(0)?,
        display_name: row.get(1)?,
        external_id: row.get(2)?,
        version: row.get(3)?,
        created_at: row.get(4)?,
        modified_at: row.get(5)?,
    })
}

/// The group with this id.
///
/// # Errors
/// Any failure of the database.
pub fn group(tx: &impl Reader, id: &str) -> Result<Option<GroupRow>, StoreError> {
    tx.query_row(&format!("{GROUP} WHERE id = ?1"), params![id], read_group)
}

/// All groups, by age.
///
/// # Errors
/// Any failure of the database.
pub fn groups(tx: &impl Reader) -> Result<Vec<GroupRow>, StoreError> {
    tx.query(&format!("{GROUP} ORDER BY created_at, id"), params![], read_group)
}

/// Writes a group over the one with the same id, with exactly these members (ids of users).
///
/// # Errors
/// Any failure of the database.
pub fn put_group(tx: &mut WriteTx<'_>, row: &GroupRow, members: &[String]) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO scim_groups (id, display_name, external_id, version, created_at, modified_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE SET display_name = ?2, external_id = ?3, \
         version = ?4, modified_at = ?6",
        params![row.id, row.display_name, row.external_id, row.version, row.created_at, row.modified_at],
    )?;
    tx.execute("DELETE FROM scim_members WHERE group_id = ?1", params![row.id])?;
    for member in members {
        tx.execute(
            "INSERT INTO scim_members (group_id, user_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![row.id, member],
        )?;
    }
    Ok(())
}

/// Deletes a group.
///
/// # Errors
/// Any failure of the database.
pub fn delete_group(tx: &mut WriteTx<'_>, id: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM scim_groups WHERE id = ?1", params![id])?;
    Ok(())
}

/// The members of a group that were not deleted: the ids of the users and their accounts.
///
/// # Errors
/// Any failure of the database.
pub fn members(tx: &impl Reader, group: &str) -> Result<Vec<UserRow>, StoreError> {
    tx.query(
        &format!(
            "{USER} s.deleted_at IS NULL AND s.id IN (SELECT user_id FROM scim_members WHERE group_id = ?1) \
             ORDER BY s.id"
        ),
        params![group],
        read_user,
    )
}

/// The groups that a user is in: ids and names.
///
/// # Errors
/// Any failure of the database.
pub fn groups_of(tx: &impl Reader, user: &str) -> Result<Vec<(String, String)>, StoreError> {
    tx.query(
        "SELECT g.id, g.display_name FROM scim_groups g JOIN scim_members m ON m.group_id = g.id \
         WHERE m.user_id = ?1 ORDER BY g.id",
        params![user],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}
