//! The directory by hand: organisations, places, staff, roles and teams are entered and changed one by one.
//!
//! Everything that is wrong with an entry is said at once, and then nothing is changed. An entry that came from an import or
//! from provisioning keeps the mark of its source, and is written again by that source as it says it is.

use wardline_audit::{Action, Entry};
use wardline_store::{
    Reader, StoreError, WriteTx,
    clinical::{directory, identifiers, teams},
};

use crate::{
    Clinical, ClinicalError, ClinicalParts, Conflict, Location, LocationKind, Member, Organisation,
    Practitioner, Service, Team,
    editors::{Editing, Editor, check_editor},
};

/// An entry of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectoryEntry {
    /// An organisation.
    Organisation(Organisation),
    /// A site, ward or bed.
    Location(Location),
    /// A member of staff, with their identifiers in registers: the register's URI and the value.
    Practitioner(Practitioner, Vec<(String, String)>),
    /// A role.
    Service(Service),
    /// A team.
    Team(Team),
}

/// What must not be in the directory for an entry to be made (conditional create).
pub enum NoneLike {
    /// One with this identifier: system, if it is named, and value.
    Identifier(Option<String>, String),
    /// One whose name this is true of.
    Name(Box<dyn Fn(&str) -> bool + Send>),
}

impl std::fmt::Debug for NoneLike {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NoneLike")
    }
}

/// What came of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenEntry {
    /// The entry as it is now.
    pub entry: DirectoryEntry,
    /// Whether it was made by this call.
    pub new: bool,
}

impl DirectoryEntry {
    /// Its type in FHIR.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Organisation(_) => "Organization",
            Self::Location(_) => "Location",
            Self::Practitioner(..) => "Practitioner",
            Self::Service(_) => "HealthcareService",
            Self::Team(_) => "CareTeam",
        }
    }

    /// Its FHIR id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Organisation(it) => &it.id,
            Self::Location(it) => &it.id,
            Self::Practitioner(it, _) => &it.id,
            Self::Service(it) => &it.id,
            Self::Team(it) => &it.id,
        }
    }

    fn source(&self) -> Option<&str> {
        match self {
            Self::Organisation(it) => it.source.as_deref(),
            Self::Location(it) => it.source.as_deref(),
            Self::Practitioner(it, _) => it.source.as_deref(),
            Self::Service(it) => it.source.as_deref(),
            Self::Team(it) => it.source.as_deref(),
        }
    }

    fn with_source(mut self, source: Option<String>) -> Self {
        match &mut self {
            Self::Organisation(it) => it.source = source,
            Self::Location(it) => it.source = source,
            Self::Practitioner(it, _) => it.source = source,
            Self::Service(it) => it.source = source,
            Self::Team(it) => it.source = source,
        }
        self
    }

    /// The order in which the directory keeps what has none, each once.
    fn sorted(mut self) -> Self {
        match &mut self {
            Self::Practitioner(_, identifiers) => identifiers.sort(),
            Self::Service(it) => {
                it.wards.sort();
                it.wards.dedup();
            }
            Self::Team(it) => {
                it.members.sort();
                it.members.dedup();
            }
            Self::Organisation(_) | Self::Location(_) => {}
        }
        self
    }
}

impl Clinical {
    /// One entry of the directory.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], or a failure of the store.
    pub fn directory_entry(&self, kind: &'static str, id: &str) -> Result<DirectoryEntry, ClinicalError> {
        self.parts.store.read_now(|tx| known(tx, kind, id)?.ok_or(ClinicalError::NotFound(kind)))
    }

    /// Enters an entry, or changes the one with its id. `expected` is asked, before anything is changed, whether the entry
    /// that is there is the one that the caller means to change. With `unless` an entry that is there already stands for a new
    /// one. The same again changes nothing.
    ///
    /// # Errors
    /// [`ClinicalError::Forbidden`] for who may not change the directory; [`ClinicalError::Several`] names every element
    /// that is wrong; [`ClinicalError::OtherVersion`], also if several entries are like it; [`ClinicalError::Conflict`] for a team that is kept elsewhere.
    pub async fn put_entry(
        &self,
        editor: &Editor,
        entry: DirectoryEntry,
        unless: Option<NoneLike>,
        expected: impl Fn(Option<&DirectoryEntry>) -> bool + Send + 'static,
    ) -> Result<WrittenEntry, ClinicalError> {
        let (parts, editor, at) = (self.parts.clone(), editor.clone(), self.parts.clock.now());
        let done = self
            .parts
            .store
            .write_with(move |tx| {
                check_editor(tx, &parts, &editor, Editing::Directory, at)?;
                if let Some(unless) = unless {
                    let mut like = like(tx, entry.kind(), &unless)?.into_iter();
                    match (like.next(), like.next()) {
                        (None, _) => {}
                        (Some(entry), None) => return Ok(WrittenEntry { entry, new: false }),
                        (Some(_), Some(_)) => return Err(ClinicalError::OtherVersion),
                    }
                }
                let before = known(tx, entry.kind(), entry.id())?;
                if !expected(before.as_ref()) {
                    return Err(ClinicalError::OtherVersion);
                }
                let source = before.as_ref().and_then(DirectoryEntry::source).map(ToOwned::to_owned);
                let said = entry.clone();
                let entry = entry.with_source(source).sorted();
                if before.as_ref() == Some(&entry) {
                    return Ok(WrittenEntry { entry, new: false });
                }
                if matches!(&entry, DirectoryEntry::Team(team) if team.source.as_deref() == Some("scim")) {
                    return Err(ClinicalError::Conflict(Conflict::KeptElsewhere));
                }
                let problems = problems(tx, &parts, &said)?;
                if !problems.is_empty() {
                    return Err(ClinicalError::Several(problems));
                }
                write(tx, &entry)?;
                let new = before.is_none();
                let target = format!("{}/{}", entry.kind(), entry.id());
                let audited = Entry::new(at, editor.caller.user.as_str(), Action::DirectoryWritten)
                    .target(target)
                    .with("change", if new { "entered" } else { "changed" });
                let audited = match &editor.caller.device {
                    Some(device) => audited.device(device),
                    None => audited,
                };
                wardline_audit::append(tx, &audited)?;
                Ok(WrittenEntry { entry, new })
            })
            .await?;
        // Roles may have gained or lost a fallback or a ward.
        self.rota_changed();
        Ok(done)
    }
}

fn known(tx: &impl Reader, kind: &str, id: &str) -> Result<Option<DirectoryEntry>, StoreError> {
    Ok(match kind {
        "Organization" => directory::organisation(tx, id)?.map(DirectoryEntry::Organisation),
        "Location" => directory::location(tx, id)?.map(DirectoryEntry::Location),
        "Practitioner" => match directory::practitioner(tx, id)? {
            Some(it) => Some(DirectoryEntry::Practitioner(it, identifiers::of(tx, id)?)),
            None => None,
        },
        "HealthcareService" => directory::service(tx, id)?.map(DirectoryEntry::Service),
        _ => teams::get(tx, id)?.map(DirectoryEntry::Team),
    }
    .map(DirectoryEntry::sorted))
}

/// The entries of a kind that a conditional create must not find.
fn like(tx: &impl Reader, kind: &str, unless: &NoneLike) -> Result<Vec<DirectoryEntry>, StoreError> {
    let ids: Vec<String> = match (kind, unless) {
        ("Practitioner", NoneLike::Identifier(Some(system), value)) => {
            identifiers::find(tx, system, value)?.into_iter().collect()
        }
        ("Organization", NoneLike::Identifier(_, value)) => {
            let all = directory::organisations(tx)?.into_iter();
            all.filter(|it| it.ods == *value).map(|it| it.id).collect()
        }
        ("Location", NoneLike::Identifier(_, value)) => {
            let all = directory::locations(tx, None)?.into_iter();
            all.filter(|it| it.code == *value).map(|it| it.id).collect()
        }
        ("HealthcareService", NoneLike::Name(fits)) => {
            directory::services(tx)?.into_iter().filter(|it| fits(&it.name)).map(|it| it.id).collect()
        }
        ("CareTeam", NoneLike::Name(fits)) => {
            teams::all(tx)?.into_iter().filter(|it| fits(&it.name)).map(|it| it.id).collect()
        }
        _ => Vec::new(),
    };
    // One more than tells that there are several.
    let found = ids.iter().take(2).map(|id| known(tx, kind, id)).collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().flatten().collect())
}

/// What is wrong with an entry in this directory: path and problem of each.
fn problems(
    tx: &impl Reader,
    parts: &ClinicalParts,
    entry: &DirectoryEntry,
) -> Result<Vec<(String, String)>, ClinicalError> {
    let kind = entry.kind();
    let mut found: Vec<(String, String)> = Vec::new();
    let mut wrong = |path: &str, problem: &str| found.push((format!("{kind}.{path}"), problem.to_owned()));
    match entry {
        DirectoryEntry::Organisation(it) => {
            if directory::organisations(tx)?.iter().any(|other| other.ods == it.ods && other.id != it.id) {
                wrong("identifier[0].value", "another organisation has this code");
            }
        }
        DirectoryEntry::Location(it) => {
            if let Some(organisation) = &it.organisation
                && directory::organisation(tx, organisation)?.is_none()
            {
                wrong("managingOrganization.reference", "there is no such Organization");
            }
            let whole = it.part_of.as_ref().map(|id| directory::location(tx, id)).transpose()?;
            match (it.kind, whole) {
                (_, None) => {}
                (_, Some(None)) => wrong("partOf.reference", "there is no such Location"),
                (LocationKind::Site, Some(_)) => wrong("partOf", "a site is part of no other place"),
                (kind, Some(Some(whole))) => {
                    let wanted =
                        if kind == LocationKind::Ward { LocationKind::Site } else { LocationKind::Ward };
                    if whole.kind != wanted {
                        wrong("partOf.reference", "a ward is part of a site, a bed of a ward");
                    }
                }
            }
            if let Some(problem) = other_with_code(tx, it)? {
                wrong("identifier[0].value", problem);
            }
            if directory::location(tx, &it.id)?.is_some_and(|before| before.kind != it.kind) {
                wrong("physicalType", "a place stays what it is: site, ward or bed");
            }
        }
        DirectoryEntry::Practitioner(it, numbers) => {
            if crate::user_of(&it.id, &parts.server_name).is_err() {
                wrong("id", "is not the local part of a user id");
            }
            for (index, (system, value)) in numbers.iter().enumerate() {
                if identifiers::find(tx, system, value)?.is_some_and(|other| other != it.id) {
                    wrong(&format!("identifier[{index}].value"), "another member of staff has this number");
                }
            }
        }
        DirectoryEntry::Service(it) => {
            if let Some(organisation) = &it.organisation
                && directory::organisation(tx, organisation)?.is_none()
            {
                wrong("providedBy.reference", "there is no such Organization");
            }
            for (index, ward) in it.wards.iter().enumerate() {
                if directory::location(tx, ward)?.is_none() {
                    wrong(&format!("location[{index}].reference"), "there is no such Location");
                }
            }
            match &it.fallback {
                Some(fallback) if *fallback == it.id => {
                    wrong("extension(role-fallback)", "must be another role");
                }
                Some(fallback) if directory::service(tx, fallback)?.is_none() => {
                    wrong("extension(role-fallback)", "there is no such HealthcareService");
                }
                _ => {}
            }
        }
        DirectoryEntry::Team(it) => {
            for (index, member) in it.members.iter().enumerate() {
                match member {
                    Member::Person(id) if directory::practitioner(tx, id)?.is_none() => {
                        wrong(&format!("participant[{index}].member"), "there is no such Practitioner");
                    }
                    Member::Role(id) if directory::service(tx, id)?.is_none() => {
                        wrong(&format!("participant[{index}].role"), "there is no such HealthcareService");
                    }
                    Member::Person(_) | Member::Role(_) => {}
                }
            }
        }
    }
    Ok(found)
}

/// Whether hospital systems would take a place for another one: two wards of one code, or two beds of one ward.
fn other_with_code(tx: &impl Reader, it: &Location) -> Result<Option<&'static str>, StoreError> {
    let is_other = |found: Option<Location>| found.is_some_and(|other| other.id != it.id);
    Ok(match (it.kind, &it.part_of) {
        (LocationKind::Ward, _) if is_other(directory::ward_by_code(tx, &it.code)?) => {
            Some("another ward has this code")
        }
        (LocationKind::Bed, Some(ward)) if is_other(directory::bed_by_code(tx, ward, &it.code)?) => {
            Some("another bed of this ward has this code")
        }
        _ => None,
    })
}

fn write(tx: &mut WriteTx<'_>, entry: &DirectoryEntry) -> Result<(), StoreError> {
    match entry {
        DirectoryEntry::Organisation(it) => directory::put_organisation(tx, it),
        DirectoryEntry::Location(it) => directory::put_location(tx, it),
        DirectoryEntry::Practitioner(it, numbers) => {
            directory::put_practitioner(tx, it)?;
            let mut gone = identifiers::of(tx, &it.id)?;
            gone.retain(|number| !numbers.contains(number));
            identifiers::remove(tx, &it.id, &gone)?;
            numbers.iter().try_for_each(|(system, value)| identifiers::put(tx, system, value, &it.id))
        }
        DirectoryEntry::Service(it) => directory::put_service(tx, it),
        DirectoryEntry::Team(it) => teams::put(tx, it),
    }
}
