//! One-time keys, given out in upload order and never twice, and the fallback keys behind them.

use sha2::{Digest, Sha256};

use crate::{Kind, Reader, StoreError, UserNid, WriteTx, params};

/// What became of an uploaded one-time key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upload {
    /// It waits at the end of the queue.
    Stored,
    /// The same key waits already or was given out before. Nothing was changed.
    Known,
    /// Another key has this id. Nothing was changed.
    Differs,
}

/// A key that was given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The part of its name after the colon.
    pub key_id: String,
    /// Canonical JSON of the key.
    pub json: String,
    /// Whether it is the fallback key, which others may have been given too.
    pub fallback: bool,
}

/// Adds a one-time key to the end of the queue of its algorithm.
///
/// # Errors
/// Any failure of the database.
pub fn upload(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    device: &str,
    algorithm: &str,
    key_id: &str,
    json: &str,
) -> Result<Upload, StoreError> {
    let key = params![user, device, algorithm, key_id];
    let waiting: Option<bool> = tx.query_row(
        "SELECT json = ?5 FROM otks WHERE user_nid = ?1 AND device_id = ?2 AND algorithm = ?3 AND key_id = ?4",
        params![user, device, algorithm, key_id, json],
        |row| row.get(0),
    )?;
    let issued = || {
        tx.query_row(
            "SELECT hash FROM otks_issued \
             WHERE user_nid = ?1 AND device_id = ?2 AND algorithm = ?3 AND key_id = ?4",
            key,
            |row| Ok(row.get::<[u8; 32]>(0)? == hash(json)),
        )
    };
    let same = match waiting {
        Some(same) => Some(same),
        None => issued()?,
    };
    match same {
        Some(true) => return Ok(Upload::Known),
        Some(false) => return Ok(Upload::Differs),
        None => {}
    }
    tx.execute(
        "INSERT INTO otks (user_nid, device_id, algorithm, seq, key_id, json) \
         SELECT ?1, ?2, ?3, coalesce(max(seq), 0) + 1, ?4, ?5 FROM otks \
         WHERE user_nid = ?1 AND device_id = ?2 AND algorithm = ?3",
        params![user, device, algorithm, key_id, json],
    )?;
    Ok(Upload::Stored)
}

/// Takes the oldest one-time key of an algorithm out of the queue for good, or else the fallback key, which is
/// marked as used. The owner's sync is woken to learn the new counts. `None`: the device has no such key.
///
/// # Errors
/// Any failure of the database.
pub fn claim(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    device: &str,
    algorithm: &str,
) -> Result<Option<Claimed>, StoreError> {
    let key = params![user, device, algorithm];
    let taken = tx.query_row(
        "DELETE FROM otks WHERE user_nid = ?1 AND device_id = ?2 AND algorithm = ?3 AND seq = \
           (SELECT min(seq) FROM otks WHERE user_nid = ?1 AND device_id = ?2 AND algorithm = ?3) \
         RETURNING key_id, json",
        key,
        |row| Ok(Claimed { key_id: row.get(0)?, json: row.get(1)?, fallback: false }),
    )?;
    if let Some(taken) = taken {
        tx.execute(
            "INSERT INTO otks_issued (user_nid, device_id, algorithm, key_id, hash) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![user, device, algorithm, taken.key_id, hash(&taken.json)],
        )?;
        tx.record(Kind::OneTimeKeys, None, Some(user), 0)?;
        return Ok(Some(taken));
    }
    let fallback = tx.query_row(
        "SELECT key_id, json, used FROM fallback_keys WHERE user_nid = ?1 AND device_id = ?2 AND algorithm = ?3",
        key,
        |row| {
            Ok((Claimed { key_id: row.get(0)?, json: row.get(1)?, fallback: true }, row.get::<bool>(2)?))
        },
    )?;
    let Some((fallback, used)) = fallback else { return Ok(None) };
    if !used {
        tx.execute(
            "UPDATE fallback_keys SET used = 1 WHERE user_nid = ?1 AND device_id = ?2 AND algorithm = ?3",
            key,
        )?;
        tx.record(Kind::OneTimeKeys, None, Some(user), 0)?;
    }
    Ok(Some(fallback))
}

/// Notes a key that waits as given out, without giving it to anybody.
///
/// # Errors
/// Any failure of the database.
pub(crate) fn withdraw(
    tx: &mut WriteTx<'_>,
    (user, device, algorithm, key_id): (UserNid, &str, &str, &str),
    json: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM otks WHERE user_nid = ?1 AND device_id = ?2 AND algorithm = ?3 AND key_id = ?4",
        params![user, device, algorithm, key_id],
    )?;
    tx.execute(
        "INSERT INTO otks_issued (user_nid, device_id, algorithm, key_id, hash) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![user, device, algorithm, key_id, hash(json)],
    )?;
    Ok(())
}

/// Sets the fallback key of an algorithm. The same key again keeps its mark of use.
///
/// # Errors
/// Any failure of the database.
pub fn set_fallback(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    device: &str,
    algorithm: &str,
    key_id: &str,
    json: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO fallback_keys (user_nid, device_id, algorithm, key_id, json, used) \
         VALUES (?1, ?2, ?3, ?4, ?5, 0) \
         ON CONFLICT (user_nid, device_id, algorithm) DO UPDATE SET \
           used = CASE WHEN key_id = excluded.key_id AND json = excluded.json THEN used ELSE 0 END, \
           key_id = excluded.key_id, json = excluded.json",
        params![user, device, algorithm, key_id, json],
    )?;
    Ok(())
}

/// How many one-time keys wait, by algorithm. `signed_curve25519` is always there, as clients expect it.
///
/// # Errors
/// Any failure of the database.
pub fn counts(tx: &impl Reader, user: UserNid, device: &str) -> Result<Vec<(String, u64)>, StoreError> {
    const USUAL: &str = "signed_curve25519";
    let mut counts = tx.query(
        "SELECT algorithm, count(*) FROM otks WHERE user_nid = ?1 AND device_id = ?2 \
         GROUP BY algorithm ORDER BY algorithm",
        params![user, device],
        |row| Ok((row.get::<String>(0)?, row.get(1)?)),
    )?;
    if !counts.iter().any(|(algorithm, _)| algorithm == USUAL) {
        counts.push((USUAL.to_owned(), 0));
    }
    Ok(counts)
}

/// The algorithms for which the device has a fallback key that was never given out.
///
/// # Errors
/// Any failure of the database.
pub fn unused_fallback_types(
    tx: &impl Reader,
    user: UserNid,
    device: &str,
) -> Result<Vec<String>, StoreError> {
    tx.query(
        "SELECT algorithm FROM fallback_keys WHERE user_nid = ?1 AND device_id = ?2 AND used = 0 \
         ORDER BY algorithm",
        params![user, device],
        |row| row.get(0),
    )
}

fn hash(json: &str) -> [u8; 32] {
    Sha256::digest(json.as_bytes()).into()
}
