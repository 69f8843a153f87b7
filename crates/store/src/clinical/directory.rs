//! The directory: organisations, locations, practitioners and roles.

use crate::{Reader, Row, StoreError, WriteTx, params};

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// FHIR id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// ODS code.
    pub ods: String,
    /// Where it came from first, such as `table` or `scim`; `None`: it was entered by hand.
    pub source: Option<String>,
}

/// What a location is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationKind {
    /// A hospital site.
    Site,
    /// A ward.
    Ward,
    /// A bed.
    Bed,
}

impl LocationKind {
    /// Its code: `site`, `ward` or `bed`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Ward => "ward",
            Self::Bed => "bed",
        }
    }

    /// The kind with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Site, Self::Ward, Self::Bed].into_iter().find(|k| k.code() == code)
    }
}

/// A site, ward or bed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// FHIR id.
    pub id: String,
    /// What it is.
    pub kind: LocationKind,
    /// Its name.
    pub name: String,
    /// As hospital systems name it (HL7 PV1-3).
    pub code: String,
    /// The location that it is a part of.
    pub part_of: Option<String>,
    /// The organisation that runs it.
    pub organisation: Option<String>,
    /// A word more, such as the specialty of a ward.
    pub description: Option<String>,
    /// Where it came from first, such as `table` or `scim`; `None`: it was entered by hand.
    pub source: Option<String>,
}

/// A member of staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Practitioner {
    /// FHIR id: the local part of their user id.
    pub id: String,
    /// Surname.
    pub family: String,
    /// Forenames.
    pub given: String,
    /// Title; may be empty.
    pub title: String,
    /// Such as "Staff nurse"; may be empty.
    pub job: String,
    /// Where it came from first, such as `table` or `scim`; `None`: it was entered by hand.
    pub source: Option<String>,
}

impl Practitioner {
    /// The name for a line of text: `Dr Amara Okafor`.
    #[must_use]
    pub fn display(&self) -> String {
        let parts = [&self.title, &self.given, &self.family];
        parts.into_iter().filter(|p| !p.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// The kind of the role that watches over who opens patients' conversations.
pub const PRIVACY_OFFICER: &str = "privacy-officer";

/// A role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// FHIR id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The organisation that provides it.
    pub organisation: Option<String>,
    /// Bleep or extension.
    pub phone: Option<String>,
    /// Ids of the wards that it covers, in order.
    pub wards: Vec<String>,
    /// Id of the role that is told when this one is vacant.
    pub fallback: Option<String>,
    /// A code that gives it a duty of its own, such as [`PRIVACY_OFFICER`].
    pub kind: Option<String>,
    /// Where it came from first, such as `table` or `scim`; `None`: it was entered by hand.
    pub source: Option<String>,
}

/// Says that the directory has changed.
///
/// # Errors
/// Any failure of the database.
pub fn touch(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    tx.execute("UPDATE directory_version SET version = version + 1 WHERE id = 1", params![])?;
    Ok(())
}

/// The number that rises with every change of the directory.
///
/// # Errors
/// Any failure of the database.
pub fn version(tx: &impl Reader) -> Result<i64, StoreError> {
    let found =
        tx.query_row("SELECT version FROM directory_version WHERE id = 1", params![], |row| row.get(0))?;
    Ok(found.unwrap_or_default())
}

/// Writes an organisation, over the one with the same id.
///
/// # Errors
/// Any failure of the database.
pub fn put_organisation(tx: &mut WriteTx<'_>, organisation: &Organisation) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO organisations (id, name, ods, source) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (id) DO UPDATE SET name = ?2, ods = ?3, source = ?4",
        params![organisation.id, organisation.name, organisation.ods, organisation.source],
    )?;
    touch(tx)
}

/// All organisations, by name.
///
/// # Errors
/// Any failure of the database.
pub fn organisations(tx: &impl Reader) -> Result<Vec<Organisation>, StoreError> {
    tx.query(&format!("{ORGANISATION} ORDER BY name, id"), params![], read_organisation)
}

/// The organisation with this id.
///
/// # Errors
/// Any failure of the database.
pub fn organisation(tx: &impl Reader, id: &str) -> Result<Option<Organisation>, StoreError> {
    tx.query_row(&format!("{ORGANISATION} WHERE id = ?1"), params![id], read_organisation)
}

const ORGANISATION: &str = "SELECT id, name, ods, source FROM organisations";

fn read_organisation(row: &Row<'_>) -> Result<Organisation, StoreError> {
    Ok(Organisation { id: row.get(0)?, name: row.get(1)?, ods: row.get(2)?, source: row.get(3)? })
}

const LOCATION: &str =
    "SELECT id, kind, name, code, part_of, organisation, description, source FROM locations";

fn read_location(row: &Row<'_>) -> Result<Location, StoreError> {
    let kind = LocationKind::from_code(row.text(1)?);
    Ok(Location {
        id: row.get(0)?,
        kind: kind.ok_or_else(|| StoreError::Malformed("column kind is not a kind of location".into()))?,
        name: row.get(2)?,
        code: row.get(3)?,
        part_of: row.get(4)?,
        organisation: row.get(5)?,
        description: row.get(6)?,
        source: row.get(7)?,
    })
}

/// Writes a location, over the one with the same id.
///
/// # Errors
/// [`StoreError::Constraint`] if what it is a part of does not exist, or any failure of the database.
pub fn put_location(tx: &mut WriteTx<'_>, location: &Location) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO locations (id, kind, name, code, part_of, organisation, description, source) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET \
         kind = ?2, name = ?3, code = ?4, part_of = ?5, organisation = ?6, description = ?7, source = ?8",
        params![
            location.id,
            location.kind.code(),
            location.name,
            location.code,
            location.part_of,
            location.organisation,
            location.description,
            location.source
        ],
    )?;
    touch(tx)
}

/// The location with this id.
///
/// # Errors
/// Any failure of the database.
pub fn location(tx: &impl Reader, id: &str) -> Result<Option<Location>, StoreError> {
    tx.query_row(&format!("{LOCATION} WHERE id = ?1"), params![id], read_location)
}

/// All locations of a kind (or of all kinds), by name.
///
/// # Errors
/// Any failure of the database.
pub fn locations(tx: &impl Reader, kind: Option<LocationKind>) -> Result<Vec<Location>, StoreError> {
    let kind = kind.map(LocationKind::code);
    let sql = format!("{LOCATION} WHERE (?1 IS NULL OR kind = ?1) ORDER BY kind DESC, name, id");
    tx.query(&sql, params![kind], read_location)
}

/// The ward that hospital systems call `code`.
///
/// # Errors
/// Any failure of the database.
pub fn ward_by_code(tx: &impl Reader, code: &str) -> Result<Option<Location>, StoreError> {
    tx.query_row(
        &format!("{LOCATION} WHERE code = ?1 AND kind = 'ward' ORDER BY id"),
        params![code],
        read_location,
    )
}

/// The bed of a ward that hospital systems call `code`.
///
/// # Errors
/// Any failure of the database.
pub fn bed_by_code(tx: &impl Reader, ward: &str, code: &str) -> Result<Option<Location>, StoreError> {
    let sql = format!("{LOCATION} WHERE part_of = ?1 AND code = ?2 AND kind = 'bed' ORDER BY id");
    tx.query_row(&sql, params![ward, code], read_location)
}

const PRACTITIONER: &str = "SELECT id, family, given, title, job, source FROM practitioners";

fn read_practitioner(row: &Row<'_>) -> Result<Practitioner, StoreError> {
    Ok(Practitioner {
        id: row.get(0)?,
        family: row.get(1)?,
        given: row.get(2)?,
        title: row.get(3)?,
        job: row.get(4)?,
        source: row.get(5)?,
    })
}

/// Writes a practitioner, over the one with the same id.
///
/// # Errors
/// Any failure of the database.
pub fn put_practitioner(tx: &mut WriteTx<'_>, person: &Practitioner) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO practitioners (id, family, given, title, job, source) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (id) DO UPDATE SET family = ?2, given = ?3, title = ?4, job = ?5, source = ?6",
        params![person.id, person.family, person.given, person.title, person.job, person.source],
    )?;
    touch(tx)
}

/// The practitioner with this id.
///
/// # Errors
/// Any failure of the database.
pub fn practitioner(tx: &impl Reader, id: &str) -> Result<Option<Practitioner>, StoreError> {
    tx.query_row(&format!("{PRACTITIONER} WHERE id = ?1"), params![id], read_practitioner)
}

/// All practitioners, by name.
///
/// # Errors
/// Any failure of the database.
pub fn practitioners(tx: &impl Reader) -> Result<Vec<Practitioner>, StoreError> {
    tx.query(&format!("{PRACTITIONER} ORDER BY family, given, id"), params![], read_practitioner)
}

const SERVICE: &str = "SELECT id, name, organisation, phone, fallback, kind, source FROM services \
                       LEFT JOIN service_traits t ON t.service = id";

fn read_service(row: &Row<'_>) -> Result<Service, StoreError> {
    Ok(Service {
        id: row.get(0)?,
        name: row.get(1)?,
        organisation: row.get(2)?,
        phone: row.get(3)?,
        wards: Vec::new(),
        fallback: row.get(4)?,
        kind: row.get(5)?,
        source: row.get(6)?,
    })
}

fn with_wards(tx: &impl Reader, mut service: Service) -> Result<Service, StoreError> {
    let sql = "SELECT ward FROM service_wards WHERE service = ?1 ORDER BY ward";
    service.wards = tx.query(sql, params![service.id], |row| row.get(0))?;
    Ok(service)
}

/// Writes a role and the wards that it covers, over the one with the same id.
///
/// # Errors
/// [`StoreError::Constraint`] if a ward does not exist, or any failure of the database.
pub fn put_service(tx: &mut WriteTx<'_>, service: &Service) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO services (id, name, organisation, phone, source) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (id) DO UPDATE SET name = ?2, organisation = ?3, phone = ?4, source = ?5",
        params![service.id, service.name, service.organisation, service.phone, service.source],
    )?;
    tx.execute("DELETE FROM service_wards WHERE service = ?1", params![service.id])?;
    for ward in &service.wards {
        let sql = "INSERT INTO service_wards (service, ward) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        tx.execute(sql, params![service.id, ward])?;
    }
    tx.execute(
        "INSERT INTO service_traits (service, fallback, kind) VALUES (?1, ?2, ?3) \
         ON CONFLICT (service) DO UPDATE SET fallback = ?2, kind = ?3",
        params![service.id, service.fallback, service.kind],
    )?;
    touch(tx)
}

/// The role with this id.
///
/// # Errors
/// Any failure of the database.
pub fn service(tx: &impl Reader, id: &str) -> Result<Option<Service>, StoreError> {
    let found = tx.query_row(&format!("{SERVICE} WHERE id = ?1"), params![id], read_service)?;
    found.map(|s| with_wards(tx, s)).transpose()
}

/// All roles, by name.
///
/// # Errors
/// Any failure of the database.
pub fn services(tx: &impl Reader) -> Result<Vec<Service>, StoreError> {
    let all = tx.query(&format!("{SERVICE} ORDER BY name, id"), params![], read_service)?;
    all.into_iter().map(|s| with_wards(tx, s)).collect()
}

/// The roles of a kind, by id.
///
/// # Errors
/// Any failure of the database.
pub fn services_of_kind(tx: &impl Reader, kind: &str) -> Result<Vec<Service>, StoreError> {
    let all = tx.query(&format!("{SERVICE} WHERE t.kind = ?1 ORDER BY id"), params![kind], read_service)?;
    all.into_iter().map(|s| with_wards(tx, s)).collect()
}

/// The ids of the roles that cover a ward.
///
/// # Errors
/// Any failure of the database.
pub fn services_of_ward(tx: &impl Reader, ward: &str) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT service FROM service_wards WHERE ward = ?1 ORDER BY service";
    tx.query(sql, params![ward], |row| row.get(0))
}
