//! Patients: an opaque reference in the clear, everything else sealed.

use serde::{Deserialize, Serialize};
use wardline_domain::{
    Timestamp,
    care::{
        NhsNumber,
        hl7::adt::{Gender, LocalId, Name},
    },
    ruma::{OwnedRoomId, RoomId},
};

use super::{ColumnCipher, from_json, to_json};
use crate::{Reader, Row, StoreError, WriteTx, params};

const SEALED: &str = "patients.record";

/// What is known about a patient; sealed as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demographics {
    /// NHS number.
    pub nhs_number: Option<NhsNumber>,
    /// The hospital's own number.
    pub local_id: Option<LocalId>,
    /// Name.
    pub name: Option<Name>,
    /// Date of birth as `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    /// Administrative gender.
    pub gender: Option<Gender>,
    /// Whether they have died.
    pub deceased: Option<bool>,
    /// Whether the record is restricted. Address, telephone and practice are kept of nobody, so no output can show them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restricted: bool,
    /// Id of the ward where they are; `None` when not in hospital.
    pub ward: Option<String>,
    /// The bed, as hospital systems name it.
    pub bed: Option<String>,
}

/// A patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patient {
    /// The opaque reference; FHIR id.
    pub reference: String,
    /// Their conversation, once it is open.
    pub room: Option<OwnedRoomId>,
    /// The record that this one was merged into.
    pub replaced_by: Option<String>,
    /// Who and where they are.
    pub record: Demographics,
    /// When it last changed.
    pub changed_at: Timestamp,
}

const COLUMNS: &str = "SELECT ref, room_id, replaced_by, record, changed_at FROM patients";

fn read(row: &Row<'_>, cipher: &ColumnCipher) -> Result<Patient, StoreError> {
    let reference: String = row.get(0)?;
    let record = from_json(&cipher.open(SEALED, &reference, row.blob(3)?)?, SEALED)?;
    Ok(Patient { reference, room: row.get(1)?, replaced_by: row.get(2)?, record, changed_at: row.get(4)? })
}

fn local_key(local: &LocalId) -> String {
    format!("{}\u{0}{}", local.authority, local.value)
}

/// Writes a patient's record and indexes. The room is left as it is (see [`set_room`]).
///
/// # Errors
/// [`StoreError::Constraint`] if another patient has one of the identifiers, or any failure of the database.
pub fn put(tx: &mut WriteTx<'_>, cipher: &ColumnCipher, patient: &Patient) -> Result<(), StoreError> {
    let record = &patient.record;
    let nhs = record.nhs_number.map(|n| cipher.index("nhs", &n.digits()));
    let local = record.local_id.as_ref().map(|l| cipher.index("local", &local_key(l)));
    let ward = record.ward.as_ref().map(|w| cipher.index("ward", w));
    let sealed = cipher.seal(SEALED, &patient.reference, &to_json(record)?)?;
    tx.execute(
        "INSERT INTO patients (ref, nhs_index, local_index, ward_index, replaced_by, record, changed_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (ref) DO UPDATE SET \
         nhs_index = ?2, local_index = ?3, ward_index = ?4, replaced_by = ?5, record = ?6, changed_at = ?7",
        params![patient.reference, nhs, local, ward, patient.replaced_by, sealed, patient.changed_at],
    )?;
    Ok(())
}

/// Says which room is the patient's conversation.
///
/// # Errors
/// [`StoreError::Constraint`] if it is another patient's, or any failure of the database.
pub fn set_room(tx: &mut WriteTx<'_>, reference: &str, room: &RoomId) -> Result<(), StoreError> {
    tx.execute("UPDATE patients SET room_id = ?2 WHERE ref = ?1", params![reference, room])?;
    Ok(())
}

/// The patient with this reference.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn get(tx: &impl Reader, cipher: &ColumnCipher, reference: &str) -> Result<Option<Patient>, StoreError> {
    tx.query_row(&format!("{COLUMNS} WHERE ref = ?1"), params![reference], |row| read(row, cipher))
}

/// The patient with this NHS number.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn by_nhs_number(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    number: NhsNumber,
) -> Result<Option<Patient>, StoreError> {
    let index = cipher.index("nhs", &number.digits());
    tx.query_row(&format!("{COLUMNS} WHERE nhs_index = ?1"), params![index], |row| read(row, cipher))
}

/// The patient with this local identifier.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn by_local_id(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    local: &LocalId,
) -> Result<Option<Patient>, StoreError> {
    let index = cipher.index("local", &local_key(local));
    tx.query_row(&format!("{COLUMNS} WHERE local_index = ?1"), params![index], |row| read(row, cipher))
}

/// The patients who are on a ward, or (`None`) on any ward.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn in_hospital(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    ward: Option<&str>,
) -> Result<Vec<Patient>, StoreError> {
    match ward.map(|w| cipher.index("ward", w)) {
        Some(index) => {
            let sql = format!("{COLUMNS} WHERE ward_index = ?1 ORDER BY ref");
            tx.query(&sql, params![index], |row| read(row, cipher))
        }
        None => {
            let sql = format!("{COLUMNS} WHERE ward_index IS NOT NULL ORDER BY ref");
            tx.query(&sql, params![], |row| read(row, cipher))
        }
    }
}

/// The conversations of records that were merged into this one, in however many steps.
///
/// # Errors
/// Any failure of the database.
pub fn earlier_rooms(tx: &impl Reader, reference: &str) -> Result<Vec<OwnedRoomId>, StoreError> {
    let sql = "WITH RECURSIVE ended (ref) AS (SELECT ref FROM patients WHERE replaced_by = ?1 UNION \
               SELECT p.ref FROM patients p JOIN ended e ON p.replaced_by = e.ref) \
               SELECT p.room_id FROM ended e JOIN patients p ON p.ref = e.ref \
               WHERE p.room_id IS NOT NULL ORDER BY p.ref";
    tx.query(sql, params![reference], |row| row.get(0))
}

/// The patients whose record fits, at most `limit`, and how many there are; records that were merged into others are left out.
/// Every record is opened for it: for what is seldom asked.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn find(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    fits: impl Fn(&Demographics) -> bool,
    limit: usize,
) -> Result<(Vec<Patient>, usize), StoreError> {
    let (mut found, mut total) = (Vec::new(), 0);
    tx.for_each(&format!("{COLUMNS} WHERE replaced_by IS NULL ORDER BY ref"), params![], |row| {
        let patient = read(row, cipher)?;
        if fits(&patient.record) {
            total += 1;
            if found.len() < limit {
                found.push(patient);
            }
        }
        Ok(())
    })?;
    Ok((found, total))
}
