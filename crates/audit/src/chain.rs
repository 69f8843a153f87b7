//! The chain: appending to it and proving it.

use sha2::{Digest, Sha256};
use wardline_store::{
    Reader, StoreError, WriteTx,
    audit_log::{self, AuditRow},
};

use crate::Entry;

/// Entries read at a time while verifying.
const PAGE: usize = 1000;

/// Appends an entry inside the caller's transaction: if that is rolled back, so is the entry.
///
/// # Errors
/// Any failure of the database.
pub fn append(tx: &mut WriteTx<'_>, entry: &Entry) -> Result<(), StoreError> {
    // The head is read from the table each time: a cached one would be wrong after a rolled-back savepoint.
    let (seq, previous) = audit_log::head(tx)?;
    let detail = serde_json::to_string(&entry.detail).map_err(|e| StoreError::Malformed(e.to_string()))?;
    let mut row = AuditRow {
        seq: seq + 1,
        at: entry.at,
        actor: entry.actor.clone(),
        action: entry.action.as_str().to_owned(),
        target: entry.target.clone(),
        device: entry.device.clone(),
        outcome: entry.outcome.as_str().to_owned(),
        detail,
        hash: [0; 32],
    };
    row.hash = hash(&previous, &row);
    audit_log::append(tx, &row)
}

/// SHA-256 over the hash before and every field but the hash. Text is preceded by its length and absence has
/// its own mark, so that no two entries have the same encoding.
fn hash(previous: &[u8; 32], row: &AuditRow) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"wardline-audit-1\0");
    hasher.update(previous);
    hasher.update(row.seq.to_be_bytes());
    hasher.update(row.at.as_millis().to_be_bytes());
    let texts = [
        Some(&row.actor),
        Some(&row.action),
        row.target.as_ref(),
        row.device.as_ref(),
        Some(&row.outcome),
        Some(&row.detail),
    ];
    for text in texts {
        match text {
            None => hasher.update([0]),
            Some(text) => {
                hasher.update([1]);
                hasher.update((text.len() as u64).to_be_bytes());
                hasher.update(text.as_bytes());
            }
        }
    }
    hasher.finalize().into()
}

/// A log that is as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many entries it has.
    pub entries: u64,
    /// The hash of the last one (zeros for an empty log), worth noting elsewhere.
    pub last_hash: [u8; 32],
}

/// A log that somebody changed: the first entry that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audit entry {seq}: {why}")]
pub struct Broken {
    /// Its number.
    pub seq: u64,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Why a log could not be shown to be sound.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VerifyError {
    /// It was changed.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// It could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Walks the whole chain in one snapshot.
///
/// # Errors
/// [`VerifyError::Broken`] naming the first bad entry, or a failure of the database.
pub fn verify(tx: &impl Reader) -> Result<Verified, VerifyError> {
    let mut last = (0_u64, [0_u8; 32]);
    loop {
        let mut broken = None;
        let before = last.0;
        audit_log::for_each(tx, before + 1, PAGE, |row| {
            if broken.is_none() {
                broken = check(&mut last, &row).err();
            }
            Ok(())
        })
        .map_err(|error| malformed(error, last.0 + 1))?;
        if let Some(broken) = broken {
            return Err(broken.into());
        }
        if last.0 < before + PAGE as u64 {
            break;
        }
    }
    let (seq, hash) = audit_log::head(tx).map_err(|error| malformed(error, last.0))?;
    if seq > last.0 {
        return Err(Broken { seq: last.0 + 1, why: "entries are missing at the end" }.into());
    }
    if (seq, hash) != last {
        return Err(
            Broken { seq: last.0, why: "the head of the log does not agree with its last entry" }.into()
        );
    }
    Ok(Verified { entries: last.0, last_hash: last.1 })
}

fn check(last: &mut (u64, [u8; 32]), row: &AuditRow) -> Result<(), Broken> {
    if row.seq != last.0 + 1 {
        return Err(Broken { seq: last.0 + 1, why: "the entry is missing" });
    }
    if hash(&last.1, row) != row.hash {
        return Err(Broken { seq: row.seq, why: "the entry is not as it was written" });
    }
    *last = (row.seq, row.hash);
    Ok(())
}

/// A value of another type in a column is tampering too.
fn malformed(error: StoreError, seq: u64) -> VerifyError {
    match error {
        StoreError::Malformed(_) => Broken { seq, why: "the entry is not as it was written" }.into(),
        other => other.into(),
    }
}
