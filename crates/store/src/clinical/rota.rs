//! Who works when: shifts in roles and assignments to wards (FHIR PractitionerRole). The person is sealed.

use wardline_domain::Timestamp;

use super::{ColumnCipher, Conditions};
use crate::{Reader, Row, StoreError, WriteTx, params};

const SEALED: &str = "practitioner_roles.person";
pub(super) const PERSON: &str = "person";

/// What a person does in the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Holds the role with this id.
    Role(String),
    /// Works on the ward with this id.
    Ward(String),
}

/// One shift or assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PractitionerRole {
    /// FHIR id.
    pub id: String,
    /// What they do.
    pub duty: Duty,
    /// Who (id of the practitioner).
    pub person: String,
    /// First instant.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
}

/// What to look for; empty fields do not restrict.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// The role.
    pub service: Option<&'a str>,
    /// The ward.
    pub ward: Option<&'a str>,
    /// The person.
    pub person: Option<&'a str>,
    /// An instant within it.
    pub at: Option<Timestamp>,
    /// An instant before its end: what has passed by then is left out.
    pub since: Option<Timestamp>,
}

/// Writes a shift or assignment, over the one with the same id.
///
/// # Errors
/// [`StoreError::Constraint`] if the role or ward does not exist, or any failure of the database.
pub fn put(tx: &mut WriteTx<'_>, cipher: &ColumnCipher, role: &PractitionerRole) -> Result<(), StoreError> {
    let (service, ward) = match &role.duty {
        Duty::Role(id) => (Some(id), None),
        Duty::Ward(id) => (None, Some(id)),
    };
    let person = cipher.seal(SEALED, &role.id, role.person.as_bytes())?;
    tx.execute(
        "INSERT INTO practitioner_roles (id, service, ward, starts_at, ends_at, person, person_index) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET \
         service = ?2, ward = ?3, starts_at = ?4, ends_at = ?5, person = ?6, person_index = ?7",
        params![role.id, service, ward, role.start, role.end, person, cipher.index(PERSON, &role.person)],
    )?;
    Ok(())
}

/// Removes a shift or assignment as if it had never been entered.
///
/// # Errors
/// Any failure of the database.
pub fn remove(tx: &mut WriteTx<'_>, id: &str) -> Result<(), StoreError> {
    for table in ["shift_ranks", "shift_releases"] {
        tx.execute(&format!("DELETE FROM {table} WHERE shift = ?1"), params![id])?;
    }
    tx.execute("DELETE FROM practitioner_roles WHERE id = ?1", params![id])?;
    Ok(())
}

const COLUMNS: &str = "SELECT id, service, ward, starts_at, ends_at, person FROM practitioner_roles";

fn read(row: &Row<'_>, cipher: &ColumnCipher) -> Result<PractitionerRole, StoreError> {
    let id: String = row.get(0)?;
    let duty = match (row.get(1)?, row.get(2)?) {
        (Some(service), _) => Duty::Role(service),
        (None, Some(ward)) => Duty::Ward(ward),
        (None, None) => {
            return Err(StoreError::Malformed("a practitioner role has neither role nor ward".into()));
        }
    };
    let person = String::from_utf8(cipher.open(SEALED, &id, row.blob(5)?)?)
        .map_err(|_| StoreError::Malformed("column person is not text".into()))?;
    Ok(PractitionerRole { id, duty, person, start: row.get(3)?, end: row.get(4)? })
}

/// The shift or assignment with this id.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn get(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    id: &str,
) -> Result<Option<PractitionerRole>, StoreError> {
    tx.query_row(&format!("{COLUMNS} WHERE id = ?1"), params![id], |row| read(row, cipher))
}

/// The shift with this id, or those that a pattern with this id was expanded into; by id.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn series(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    id: &str,
) -> Result<Vec<PractitionerRole>, StoreError> {
    // What lies between these two begins with the id and a hyphen.
    let sql = format!("{COLUMNS} WHERE id = ?1 OR (id > ?2 AND id < ?3) ORDER BY id");
    tx.query(&sql, params![id, format!("{id}-"), format!("{id}.")], |row| read(row, cipher))
}

/// The shifts and assignments that fit, by start, at most `limit`.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn find(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    filter: &Filter<'_>,
    limit: usize,
) -> Result<Vec<PractitionerRole>, StoreError> {
    let person = filter.person.map(|p| cipher.index(PERSON, p));
    let mut conditions = Conditions::default();
    conditions.and("service = ?", filter.service.as_ref().map(|v| v as _));
    conditions.and("ward = ?", filter.ward.as_ref().map(|v| v as _));
    conditions.and("person_index = ?", person.as_ref().map(|v| v as _));
    conditions.and("ends_at > ?", filter.since.as_ref().map(|v| v as _));
    conditions.and("ends_at > ?", filter.at.as_ref().map(|v| v as _));
    conditions.and("starts_at <= ?", filter.at.as_ref().map(|v| v as _));
    let sql = conditions.limited(COLUMNS, " ORDER BY starts_at, id LIMIT ?", &limit);
    tx.query(&sql, &conditions.values, |row| read(row, cipher))
}

/// The shift by which a role is held at an instant: a sign-on before the rota, the rota before a deputy; of
/// several, the one that began last. Shifts that were put down before then do not count.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn holder(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    service: &str,
    at: Timestamp,
) -> Result<Option<PractitionerRole>, StoreError> {
    let sql = format!(
        "{COLUMNS} LEFT JOIN shift_ranks r ON r.shift = id LEFT JOIN shift_releases l ON l.shift = id \
         WHERE service = ?1 AND ends_at > ?2 AND starts_at <= ?2 AND (l.at IS NULL OR l.at > ?2) \
         ORDER BY COALESCE(r.rank, 1) DESC, starts_at DESC, id LIMIT 1"
    );
    tx.query_row(&sql, params![service, at], |row| read(row, cipher))
}

/// From when to when each shift of a role counts, of those that count at some instant of `from` to `until`.
///
/// # Errors
/// Any failure of the database.
pub fn spans(
    tx: &impl Reader,
    service: &str,
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<(Timestamp, Timestamp)>, StoreError> {
    let sql = "SELECT starts_at, min(ends_at, COALESCE(l.at, ends_at)) FROM practitioner_roles \
               LEFT JOIN shift_releases l ON l.shift = id \
               WHERE service = ?1 AND ends_at > ?2 AND starts_at < ?3 ORDER BY starts_at";
    tx.query(sql, params![service, from, until], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The wards where a shift of a covering role or an assignment begins after `after` and not later than `until`.
///
/// # Errors
/// Any failure of the database.
pub fn wards_with_changes(
    tx: &impl Reader,
    after: Timestamp,
    until: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT sw.ward FROM practitioner_roles pr JOIN service_wards sw ON sw.service = pr.service \
               WHERE pr.starts_at > ?1 AND pr.starts_at <= ?2 \
               UNION SELECT ward FROM practitioner_roles \
               WHERE starts_at > ?1 AND starts_at <= ?2 AND ward IS NOT NULL";
    tx.query(sql, params![after, until], |row| row.get(0))
}

/// Up to when the begins of shifts have been acted on; `None` before the first time.
///
/// # Errors
/// Any failure of the database.
pub fn cursor(tx: &impl Reader) -> Result<Option<Timestamp>, StoreError> {
    tx.query_row("SELECT at FROM rota_cursor WHERE id = 1", params![], |row| row.get(0))
}

/// Moves the cursor.
///
/// # Errors
/// Any failure of the database.
pub fn set_cursor(tx: &mut WriteTx<'_>, at: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO rota_cursor (id, at) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET at = ?1";
    tx.execute(sql, params![at])?;
    Ok(())
}
