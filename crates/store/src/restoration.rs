//! What a database that was restored from a backup must not do as if no time had passed.
//!
//! Between the backup and the loss, keys were given out, messages delivered and devices made that the restored database
//! knows nothing of. This is written into it once, before a server opens it.

use wardline_domain::Timestamp;

use crate::{Kind, Reader, StoreError, UserNid, WriteTx, device_lists, epochs, params};

/// Begins a new epoch and withdraws what may have been used up since the backup; the epoch's number.
///
/// - One-time keys that wait may have been given out: they are noted as given out, so that nobody is given one a second
///   time and a client that offers one again is told so. Fallback keys count as used. Clients see that none is left
///   and upload new ones.
/// - Every user's device list counts as changed, so that clients fetch it again.
/// - Events that were to be sent later may have been sent or given up: they are dropped.
///
/// # Errors
/// Any failure of the database.
pub fn begin(tx: &mut WriteTx<'_>, at: Timestamp) -> Result<u64, StoreError> {
    let epoch = epochs::begin(tx, at)?;
    let waiting =
        tx.query("SELECT user_nid, device_id, algorithm, key_id, json FROM otks", params![], |row| {
            let key: (UserNid, String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((key, row.get::<String>(4)?))
        })?;
    for ((user, device, algorithm, key_id), json) in waiting {
        crate::one_time_keys::withdraw(tx, (user, &device, &algorithm, &key_id), &json)?;
    }
    tx.execute("UPDATE fallback_keys SET used = 1", params![])?;
    tx.execute("DELETE FROM delayed_events", params![])?;
    let users: Vec<UserNid> =
        tx.query("SELECT DISTINCT user_nid FROM devices ORDER BY user_nid", params![], |row| row.get(0))?;
    for user in users {
        device_lists::record(tx, user)?;
        tx.record(Kind::OneTimeKeys, None, Some(user), 0)?;
    }
    Ok(epoch)
}

/// Ends every session: its device stays, with its keys, and its owner signs in to it again. How many there were.
///
/// # Errors
/// Any failure of the database.
pub fn end_sessions(tx: &mut WriteTx<'_>) -> Result<usize, StoreError> {
    tx.execute("UPDATE sessions SET grant_id = 0 WHERE grant_id <> 0", params![])
}
