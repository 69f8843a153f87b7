//! Other systems that are told when requests change.

use serde::{Deserialize, Serialize};
use wardline_domain::{Timestamp, ruma::OwnedUserId};

use super::{ColumnCipher, from_json, to_json};
use crate::{Reader, Row, StoreError, WriteTx, params};

const SEALED: &str = "subscriptions.record";

/// Which requests a subscriber is told of; empty fields do not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Criteria {
    /// The patient.
    pub patient: Option<String>,
    /// Who is asked now or has accepted.
    pub owner: Option<String>,
    /// Who raised it.
    pub requester: Option<String>,
    /// The code of its class.
    pub class: Option<String>,
    /// The code of its state.
    pub state: Option<String>,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// FHIR id.
    pub id: String,
    /// Who subscribed.
    pub user: OwnedUserId,
    /// What they said.
    pub terms: Terms,
    /// Whether it is given up, its address having failed for too long.
    pub failed: bool,
    /// When it ends.
    pub ends_at: Option<Timestamp>,
    /// How often sending has failed in a row.
    pub failures: u32,
    /// Since when.
    pub failing_since: Option<Timestamp>,
}

/// What a subscriber said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Why.
    pub reason: String,
    /// The criteria as they were written.
    pub written: String,
    /// The same as they are applied.
    pub criteria: Criteria,
    /// Where to.
    pub endpoint: String,
    /// Headers to be sent along, name and value.
    pub headers: Vec<(String, String)>,
}

const COLUMNS: &str =
    "SELECT id, user_id, record, status, ends_at, failures, failing_since FROM subscriptions";

fn read(row: &Row<'_>, cipher: &ColumnCipher) -> Result<Subscription, StoreError> {
    let id: String = row.get(0)?;
    let terms = from_json(&cipher.open(SEALED, &id, row.blob(2)?)?, SEALED)?;
    let user = row.text(1)?.try_into();
    Ok(Subscription {
        id,
        user: user.map_err(|_| StoreError::Malformed("column user_id is not a user id".into()))?,
        terms,
        failed: row.text(3)? == "error",
        ends_at: row.get(4)?,
        failures: row.get(5)?,
        failing_since: row.get(6)?,
    })
}

/// Writes a new subscription.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn add(tx: &mut WriteTx<'_>, cipher: &ColumnCipher, it: &Subscription) -> Result<(), StoreError> {
    let sealed = cipher.seal(SEALED, &it.id, &to_json(&it.terms)?)?;
    tx.execute(
        "INSERT INTO subscriptions (id, user_id, record, status, ends_at, failures, next_at) \
         VALUES (?1, ?2, ?3, 'active', ?4, 0, 0)",
        params![it.id, it.user.as_str(), sealed, it.ends_at],
    )?;
    Ok(())
}

/// The subscription with this id.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn get(tx: &impl Reader, cipher: &ColumnCipher, id: &str) -> Result<Option<Subscription>, StoreError> {
    tx.query_row(&format!("{COLUMNS} WHERE id = ?1"), params![id], |row| read(row, cipher))
}

/// The subscriptions of a user, by id.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn of_user(tx: &impl Reader, cipher: &ColumnCipher, user: &str) -> Result<Vec<Subscription>, StoreError> {
    tx.query(&format!("{COLUMNS} WHERE user_id = ?1 ORDER BY id"), params![user], |row| read(row, cipher))
}

/// Those that are in force at `now`.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn active(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    now: Timestamp,
) -> Result<Vec<Subscription>, StoreError> {
    let sql = format!("{COLUMNS} WHERE status = 'active' AND (ends_at IS NULL OR ends_at > ?1) ORDER BY id");
    tx.query(&sql, params![now], |row| read(row, cipher))
}

/// Those in force that have news and may be told at `now`.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn due(tx: &impl Reader, cipher: &ColumnCipher, now: Timestamp) -> Result<Vec<Subscription>, StoreError> {
    let sql = format!(
        "{COLUMNS} WHERE status = 'active' AND (ends_at IS NULL OR ends_at > ?1) AND next_at <= ?1 \
         AND EXISTS (SELECT 1 FROM subscription_news n WHERE n.subscription = id) ORDER BY id"
    );
    tx.query(&sql, params![now], |row| read(row, cipher))
}

/// When the next of those with news may be told.
///
/// # Errors
/// Any failure of the database.
pub fn next(tx: &impl Reader) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT next_at FROM subscriptions WHERE status = 'active' \
               AND EXISTS (SELECT 1 FROM subscription_news n WHERE n.subscription = id) ORDER BY next_at LIMIT 1";
    tx.query_row(sql, params![], |row| row.get(0))
}

/// Removes a subscription and its news.
///
/// # Errors
/// Any failure of the database.
pub fn remove(tx: &mut WriteTx<'_>, id: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM subscription_news WHERE subscription = ?1", params![id])?;
    tx.execute("DELETE FROM subscriptions WHERE id = ?1", params![id])?;
    Ok(())
}

/// Notes that a subscriber is to be told of a request.
///
/// # Errors
/// Any failure of the database.
pub fn note(tx: &mut WriteTx<'_>, id: &str, task: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO subscription_news (subscription, task, changes) VALUES (?1, ?2, 1) \
         ON CONFLICT (subscription, task) DO UPDATE SET changes = changes + 1",
        params![id, task],
    )?;
    Ok(())
}

/// The requests that a subscriber is to be told of, each with the number of its changes.
///
/// # Errors
/// Any failure of the database.
pub fn news(tx: &impl Reader, id: &str) -> Result<Vec<(String, i64)>, StoreError> {
    let sql = "SELECT task, changes FROM subscription_news WHERE subscription = ?1 ORDER BY task";
    tx.query(sql, params![id], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Notes that a subscriber was told of these; what changed meanwhile stays.
///
/// # Errors
/// Any failure of the database.
pub fn told(tx: &mut WriteTx<'_>, id: &str, news: &[(String, i64)]) -> Result<(), StoreError> {
    for (task, changes) in news {
        tx.execute(
            "DELETE FROM subscription_news WHERE subscription = ?1 AND task = ?2 AND changes = ?3",
            params![id, task, changes],
        )?;
    }
    let sql = "UPDATE subscriptions SET failures = 0, failing_since = NULL, next_at = 0 WHERE id = ?1";
    tx.execute(sql, params![id])?;
    Ok(())
}

/// Notes that telling failed at `at`; it is tried again from `next` on, or (`None`) never.
///
/// # Errors
/// Any failure of the database.
pub fn failed(
    tx: &mut WriteTx<'_>,
    id: &str,
    at: Timestamp,
    next: Option<Timestamp>,
) -> Result<(), StoreError> {
    match next {
        Some(next) => {
            let sql = "UPDATE subscriptions SET failures = failures + 1, \
                       failing_since = COALESCE(failing_since, ?2), next_at = ?3 WHERE id = ?1";
            tx.execute(sql, params![id, at, next])?;
        }
        None => {
            tx.execute("DELETE FROM subscription_news WHERE subscription = ?1", params![id])?;
            tx.execute("UPDATE subscriptions SET status = 'error' WHERE id = ?1", params![id])?;
        }
    }
    Ok(())
}
