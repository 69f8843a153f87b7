//! Who looked at a patient, and why somebody from outside the care team did.

use wardline_domain::Timestamp;

use super::ColumnCipher;
use crate::{Reader, StoreError, WriteTx, audit_log, audit_log::AuditRow, params};

const SEALED: &str = "break_glass.reason";
const SEALED_SEARCH: &str = "access_reasons.reason";

/// Which looks at a patient are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    /// Those at this instant or later.
    pub from: Option<Timestamp>,
    /// Those before this instant.
    pub until: Option<Timestamp>,
    /// Those of this user.
    pub user: Option<String>,
}

/// Notes that the last entry of the audit log tells of a look at these patients.
///
/// # Errors
/// [`StoreError::Constraint`] for an unknown patient, or any failure of the database.
pub fn note_read<'a>(
    tx: &mut WriteTx<'_>,
    patients: impl IntoIterator<Item = &'a str>,
) -> Result<(), StoreError> {
    let (seq, _) = audit_log::head(tx)?;
    for patient in patients {
        let sql = "INSERT INTO patient_reads (patient, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        tx.execute(sql, params![patient, seq])?;
    }
    Ok(())
}

/// A look at a patient, and how often it was repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The entry of the audit log; of repeated looks the last.
    pub entry: AuditRow,
    /// When the first of them was.
    pub since: Timestamp,
    /// How many there were.
    pub times: u64,
}

/// The entries that tell of a look at a patient, or at a record that was merged into this one; latest first, at
/// most `limit`. Screens read lists and records again and again: what one person read with one device within one hour is one
/// look.
///
/// # Errors
/// Any failure of the database.
pub fn reads(tx: &impl Reader, patient: &str, wanted: &Looks, limit: usize) -> Result<Vec<Look>, StoreError> {
    let sql = "WITH RECURSIVE same (ref) AS (SELECT ?1 UNION \
               SELECT p.ref FROM patients p JOIN same s ON p.replaced_by = s.ref), \
               looks (seq, at, actor, action, device, outcome) AS ( \
               SELECT DISTINCT a.seq, a.at, a.actor, a.action, a.device, a.outcome \
               FROM same s JOIN patient_reads r ON r.patient = s.ref JOIN audit_log a ON a.seq = r.seq \
               WHERE (?3 IS NULL OR a.at >= ?3) AND (?4 IS NULL OR a.at < ?4) AND (?5 IS NULL OR a.actor = ?5)), \
               heaps (seq, since, times) AS (SELECT MAX(seq), MIN(at), COUNT(*) FROM looks \
               GROUP BY actor, action, device, outcome, \
               CASE WHEN action IN ('patient.read', 'patient.searched') THEN at / 3600000 ELSE seq END) \
               SELECT a.seq, a.at, a.actor, a.action, a.target, a.device, a.outcome, a.detail, a.hash, \
               h.since, h.times FROM heaps h JOIN audit_log a ON a.seq = h.seq ORDER BY a.seq DESC LIMIT ?2";
    tx.query(sql, params![patient, limit, wanted.from, wanted.until, wanted.user], |row| {
        Ok(Look {
            entry: AuditRow {
                seq: row.get(0)?,
                at: row.get(1)?,
                actor: row.get(2)?,
                action: row.get(3)?,
                target: row.get(4)?,
                device: row.get(5)?,
                outcome: row.get(6)?,
                detail: row.get(7)?,
                hash: row.get(8)?,
            },
            since: row.get(9)?,
            times: row.get(10)?,
        })
    })
}

/// Keeps why a conversation was opened by break-glass.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn put_break_glass(
    tx: &mut WriteTx<'_>,
    cipher: &ColumnCipher,
    id: &str,
    patient: &str,
    at: Timestamp,
    reason: &str,
) -> Result<(), StoreError> {
    let sealed = cipher.seal(SEALED, id, reason.as_bytes())?;
    let sql = "INSERT INTO break_glass (id, patient, at, reason) VALUES (?1, ?2, ?3, ?4)";
    tx.execute(sql, params![id, patient, at, sealed])?;
    Ok(())
}

/// Why a conversation was opened.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn break_glass_reason(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    id: &str,
) -> Result<Option<String>, StoreError> {
    tx.query_row("SELECT reason FROM break_glass WHERE id = ?1", params![id], |row| {
        String::from_utf8(cipher.open(SEALED, id, row.blob(0)?)?)
            .map_err(|_| StoreError::Malformed("column reason is not text".into()))
    })
}

/// Keeps why the privacy officer looked for a patient.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn put_reason(
    tx: &mut WriteTx<'_>,
    cipher: &ColumnCipher,
    id: &str,
    at: Timestamp,
    reason: &str,
) -> Result<(), StoreError> {
    let sealed = cipher.seal(SEALED_SEARCH, id, reason.as_bytes())?;
    tx.execute("INSERT INTO access_reasons (id, at, reason) VALUES (?1, ?2, ?3)", params![id, at, sealed])?;
    Ok(())
}

/// Why the privacy officer looked for a patient.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn reason(tx: &impl Reader, cipher: &ColumnCipher, id: &str) -> Result<Option<String>, StoreError> {
    tx.query_row("SELECT reason FROM access_reasons WHERE id = ?1", params![id], |row| {
        String::from_utf8(cipher.open(SEALED_SEARCH, id, row.blob(0)?)?)
            .map_err(|_| StoreError::Malformed("column reason is not text".into()))
    })
}
