//! A FHIR R4 bundle: the directory, rotas and (rarely) patients.
//!
//! A PractitionerRole with `availableTime` is a pattern: it is expanded into shifts for the coming fourteen days,
//! in the Trust's time zone. Importing the same bundle again writes the same shifts again.

use jiff::civil::{Time, Weekday};
use serde::Deserialize;
use serde_json::Value;
use wardline_audit::{Action, Entry};
use wardline_domain::{
    Timestamp,
    care::{
        hl7::{
            Change,
            adt::{AdtEvent, AdtKind, AdtPatient, Identifiers, LocalId, Name},
        },
        rota::ShiftPattern,
    },
};
use wardline_store::{
    Reader, WriteTx,
    clinical::{
        ColumnCipher,
        directory::{self, LocationKind},
        identifiers,
        on_call::{self, Rank},
        rota::{self, Duty},
        teams,
    },
};

use super::{ImportChange, ImportMode, ImportReport, conclude, entries, entries::Resource, team};
use crate::{Clinical, ClinicalError, ClinicalParts, patients::Admissions, user_of};

/// Days of shifts that a pattern is expanded into.
pub(super) const DAYS: u16 = 14;
/// The end of what has no end: the last day of the year 9999.
const FOREVER: Timestamp = Timestamp(253_402_214_400_000);
/// The extension of a HealthcareService that names who is told when it is vacant.
pub(super) const FALLBACK: &str = "https://wardline.org/fhir/StructureDefinition/role-fallback";
/// The identifier system of ODS codes.
const ODS_CODE: &str = "https://fhir.nhs.uk/Id/ods-organization-code";
/// The code system of kinds of places.
const PHYSICAL_TYPE: &str = "http://terminology.hl7.org/CodeSystem/location-physical-type";
/// The code system of roles that have a duty of their own.
const ROLE_KIND: &str = "https://wardline.org/fhir/CodeSystem/role-kind";
/// The code system of how confidential a record is.
const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
/// The identifier system of NHS numbers.
const NHS_NUMBER: &str = "https://fhir.nhs.uk/Id/nhs-number";

#[derive(Deserialize)]
struct Bundle {
    entry: Vec<BundleEntry>,
}

#[derive(Deserialize)]
struct BundleEntry {
    resource: Value,
}

/// The column of a table that is behind an element of the resource that it became.
pub(super) type Columns = fn(&str) -> Option<&'static str>;

/// A resource and where it stands in the file.
pub(super) struct Positioned {
    pub(super) position: String,
    pub(super) resource: Resource,
    /// How its elements are called in the file, if it is none of FHIR.
    pub(super) columns: Option<Columns>,
}

impl Positioned {
    /// A problem in the words of the file.
    fn problem(&self, error: &ClinicalError) -> String {
        match (error, self.columns) {
            (ClinicalError::Invalid { path, problem }, Some(columns)) => {
                format!("column {}: {problem}", columns(path).unwrap_or(path))
            }
            _ => error.to_string(),
        }
    }
}

impl Clinical {
    /// Imports a bundle in one transaction.
    ///
    /// # Errors
    /// [`ClinicalError::Invalid`] if it is not a bundle, [`ClinicalError::ImportRefused`] for a strict import with
    /// problems, or a failure of the store.
    pub async fn import_bundle(&self, file: &[u8], mode: ImportMode) -> Result<ImportReport, ClinicalError> {
        let bundle: Bundle = serde_json::from_slice(file).map_err(|e| {
            let problem = format!("is not a FHIR bundle in JSON (line {}, column {})", e.line(), e.column());
            ClinicalError::invalid("file", problem)
        })?;
        let mut report = ImportReport::default();
        let mut resources = Vec::with_capacity(bundle.entry.len());
        for (index, entry) in bundle.entry.into_iter().enumerate() {
            let kind = entry.resource.get("resourceType").and_then(Value::as_str).unwrap_or("?").to_owned();
            let position = format!("entry[{index}] {kind}");
            match serde_path_to_error::deserialize::<_, Resource>(entry.resource) {
                Ok(resource) => resources.push(Positioned { position, resource, columns: None }),
                Err(error) => report.problem(position, reason(&error)),
            }
        }
        self.write_resources(resources, report, mode, "bundle").await
    }

    /// Writes the resources of a file in one transaction; `report` has what was wrong so far.
    pub(super) async fn write_resources(
        &self,
        mut resources: Vec<Positioned>,
        mut report: ImportReport,
        mode: ImportMode,
        kind: &'static str,
    ) -> Result<ImportReport, ClinicalError> {
        resources.sort_by_key(|it| it.resource.rank());
        let (parts, at) = (self.parts.clone(), self.parts.clock.now());
        let report = self
            .parts
            .store
            .write_with(move |tx| {
                let writer = Writer { parts: &parts, at };
                let mut fallbacks = Vec::new();
                for it in resources {
                    let fallback = it.resource.fallback(FALLBACK);
                    let target = it.resource.target();
                    let before = target.as_ref().map(|it| writer.known(tx, it)).transpose()?.flatten();
                    match writer.put(tx, &it.resource) {
                        Ok(()) => {
                            report.applied += 1;
                            if let Some(target) = target {
                                let after = writer.known(tx, &target)?;
                                if before != after {
                                    let (position, new) = (it.position.clone(), before.is_none());
                                    report.changes.push(ImportChange { position, target, new });
                                }
                            }
                            fallbacks.extend(fallback.map(|id| (it.position, id)));
                        }
                        Err(error @ ClinicalError::Invalid { .. }) => {
                            let problem = it.problem(&error);
                            report.problem(it.position, problem);
                        }
                        Err(other) => return Err(other),
                    }
                }
                if report.changes.iter().any(|it| it.target.starts_with("PractitionerRole/")) {
                    directory::touch(tx)?;
                }
                // A fallback may stand later in the bundle than the role that names it.
                for (position, id) in fallbacks {
                    if directory::service(tx, &id)?.is_none() {
                        report.problem(position, "extension(role-fallback): there is no such role");
                    }
                }
                conclude(tx, report, mode, Entry::new(at, "system:import", Action::Import).with("kind", kind))
            })
            .await?;
        self.rota_changed();
        Ok(report)
    }
}

/// The place and kind of a mistake without the offending value, which may be a patient's.
fn reason(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let text = error.inner().to_string();
    let kind = text.split([':', ',']).next().unwrap_or_default();
    let expected = text.rfind("expected").map(|at| &text[at..]).unwrap_or_default();
    let missing = if kind.starts_with("missing field") || kind.starts_with("unknown variant") {
        kind
    } else {
        "invalid value"
    };
    format!("{}: {missing} {expected}", error.path()).trim_end().to_owned()
}

struct Writer<'a> {
    parts: &'a ClinicalParts,
    at: Timestamp,
}

impl Writer<'_> {
    /// What the directory knows under a reference, in a form that can be compared.
    fn known(&self, tx: &impl Reader, target: &str) -> Result<Option<String>, ClinicalError> {
        let Some((kind, id)) = target.split_once('/') else { return Ok(None) };
        Ok(match kind {
            "Organization" => {
                directory::organisations(tx)?.into_iter().find(|it| it.id == id).map(|it| format!("{it:?}"))
            }
            "Location" => directory::location(tx, id)?.map(|it| format!("{it:?}")),
            "Practitioner" => {
                let numbers = identifiers::of(tx, id)?;
                directory::practitioner(tx, id)?.map(|it| format!("{it:?} {numbers:?}"))
            }
            "HealthcareService" => directory::service(tx, id)?.map(|it| format!("{it:?}")),
            "CareTeam" => teams::get(tx, id)?.map(|it| format!("{it:?}")),
            _ => {
                let shifts = rota::series(tx, self.cipher(), id)?;
                let ranks =
                    shifts.iter().map(|it| on_call::rank(tx, &it.id)).collect::<Result<Vec<_>, _>>()?;
                (!shifts.is_empty()).then(|| format!("{shifts:?} {ranks:?}"))
            }
        })
    }

    fn put(&self, tx: &mut WriteTx<'_>, resource: &Resource) -> Result<(), ClinicalError> {
        match resource.clone() {
            Resource::Organization(it) => self.organisation(tx, it),
            Resource::Location(it) => self.location(tx, it),
            Resource::Practitioner(it) => self.practitioner(tx, it),
            Resource::HealthcareService(it) => self.service(tx, it),
            Resource::PractitionerRole(it) => self.role(tx, it),
            Resource::CareTeam(it) => team::put(tx, it).and_then(|target| self.audit(tx, target)),
            Resource::Patient(it) => self.patient(tx, it),
        }
    }

    fn cipher(&self) -> &ColumnCipher {
        &self.parts.cipher
    }

    fn audit(&self, tx: &mut WriteTx<'_>, target: String) -> Result<(), ClinicalError> {
        let entry = Entry::new(self.at, "system:import", Action::DirectoryWritten).target(target);
        Ok(wardline_audit::append(tx, &entry)?)
    }

    fn organisation(&self, tx: &mut WriteTx<'_>, it: entries::Organization) -> Result<(), ClinicalError> {
        let id = fhir_id(it.id)?;
        if let Some(system) = it.identifier.first().and_then(|it| it.system.as_deref())
            && system != ODS_CODE
        {
            let problem = format!("must be {ODS_CODE}");
            return Err(ClinicalError::invalid("identifier[0].system", problem));
        }
        let ods = it.identifier.into_iter().next().map(|i| i.value).unwrap_or_default();
        directory::put_organisation(tx, &directory::Organisation { id: id.clone(), name: it.name, ods })?;
        self.audit(tx, format!("Organization/{id}"))
    }

    fn location(&self, tx: &mut WriteTx<'_>, it: entries::Location) -> Result<(), ClinicalError> {
        let id = fhir_id(it.id)?;
        if let Some(coding) = it.physical_type.coding.first() {
            coding.check(PHYSICAL_TYPE, "physicalType.coding[0]")?;
        }
        let kind = match it.physical_type.coding.first().map(|c| c.code.as_str()) {
            Some("si") => LocationKind::Site,
            Some("wa") => LocationKind::Ward,
            Some("bd") => LocationKind::Bed,
            _ => return Err(ClinicalError::invalid("physicalType.coding[0].code", "is one of si, wa, bd")),
        };
        let part_of = it.part_of.map(|r| existing_location(tx, &r, "partOf")).transpose()?;
        let organisation =
            it.managing_organization.map(|r| r.id("Organization", "managingOrganization")).transpose()?;
        if let Some(wanted) = &organisation
            && !directory::organisations(tx)?.iter().any(|o| o.id == *wanted)
        {
            return Err(ClinicalError::invalid("managingOrganization", "there is no such Organization"));
        }
        let code = it.identifier.into_iter().next().map_or_else(|| id.clone(), |i| i.value);
        let location = directory::Location {
            id: id.clone(),
            kind,
            name: it.name,
            code,
            part_of,
            organisation,
            description: it.description,
        };
        directory::put_location(tx, &location)?;
        self.audit(tx, format!("Location/{id}"))
    }

    fn practitioner(&self, tx: &mut WriteTx<'_>, it: entries::Practitioner) -> Result<(), ClinicalError> {
        let id = fhir_id(it.id)?;
        user_of(&id, &self.parts.server_name)?;
        let name = it.name.into_iter().next().ok_or_else(|| ClinicalError::invalid("name", "is missing"))?;
        let job = it.qualification.into_iter().next().and_then(|q| q.code.text).unwrap_or_default();
        let person = directory::Practitioner {
            id: id.clone(),
            family: name.family,
            given: name.given.join(" "),
            title: name.prefix.join(" "),
            job,
        };
        directory::put_practitioner(tx, &person)?;
        for identifier in it.identifier {
            if let (Some(system), Some(value)) = (identifier.system, identifier.value) {
                identifiers::put(tx, &system, &value, &id)?;
            }
        }
        self.audit(tx, format!("Practitioner/{id}"))
    }

    fn service(&self, tx: &mut WriteTx<'_>, it: entries::HealthcareService) -> Result<(), ClinicalError> {
        let id = fhir_id(it.id)?;
        let organisation = it.provided_by.map(|r| r.id("Organization", "providedBy")).transpose()?;
        let mut wards = Vec::with_capacity(it.location.len());
        for (index, reference) in it.location.iter().enumerate() {
            wards.push(existing_location(tx, reference, &format!("location[{index}]"))?);
        }
        for coding in it.kind.iter().flat_map(|c| &c.coding).take(1) {
            coding.check(ROLE_KIND, "type[0].coding[0]")?;
        }
        let kind = it.kind.iter().flat_map(|c| &c.coding).map(|coding| coding.code.clone()).next();
        let fallback =
            it.extension.iter().find(|e| e.url == FALLBACK).and_then(|e| e.value_reference.as_ref());
        let fallback = fallback.map(|r| r.id("HealthcareService", "extension(role-fallback)")).transpose()?;
        if fallback.as_ref() == Some(&id) {
            return Err(ClinicalError::invalid("extension(role-fallback)", "must be another role"));
        }
        let phone = it.telecom.into_iter().next().map(|t| t.value);
        directory::put_service(
            tx,
            &directory::Service { id: id.clone(), name: it.name, organisation, phone, wards, fallback, kind },
        )?;
        self.audit(tx, format!("HealthcareService/{id}"))
    }

    fn role(&self, tx: &mut WriteTx<'_>, it: entries::PractitionerRole) -> Result<(), ClinicalError> {
        let id = fhir_id(it.id)?;
        let person = it.practitioner.id("Practitioner", "practitioner.reference")?;
        if directory::practitioner(tx, &person)?.is_none() {
            return Err(ClinicalError::invalid("practitioner.reference", "there is no such Practitioner"));
        }
        let duty = match (&it.healthcare_service[..], &it.location[..]) {
            ([service], []) => {
                let service = service.id("HealthcareService", "healthcareService[0].reference")?;
                if directory::service(tx, &service)?.is_none() {
                    return Err(ClinicalError::invalid(
                        "healthcareService[0].reference",
                        "there is no such HealthcareService",
                    ));
                }
                Duty::Role(service)
            }
            ([], [ward]) => Duty::Ward(existing_location(tx, ward, "location[0]")?),
            _ => {
                return Err(ClinicalError::invalid(
                    "healthcareService",
                    "a role has one HealthcareService or one ward",
                ));
            }
        };
        let (start, end) = period(it.period.as_ref())?;
        let shifts = if it.available_time.is_empty() {
            vec![(id.clone(), start, end)]
        } else {
            let patterns = it.available_time.iter().enumerate().map(|(n, time)| Ok((n, pattern(time, n)?)));
            let patterns = patterns.collect::<Result<Vec<_>, ClinicalError>>()?;
            let expand = |(n, pattern): (usize, ShiftPattern)| {
                let shifts = pattern.expand(&self.parts.zone, self.at, DAYS);
                shifts.into_iter().map(move |s| (s, n)).collect::<Vec<_>>()
            };
            let within = |s: &wardline_domain::care::rota::Shift| s.start >= start && s.end <= end;
            patterns
                .into_iter()
                .flat_map(expand)
                .filter(|(shift, _)| within(shift))
                .map(|(shift, n)| {
                    (format!("{id}-{}-{n}", shift.date.strftime("%Y%m%d")), shift.start, shift.end)
                })
                .collect()
        };
        let deputy = it.code.iter().flat_map(|c| &c.coding).any(|coding| coding.code == "deputy");
        let rank = if deputy { Rank::Deputy } else { Rank::Rota };
        for (id, start, end) in shifts {
            let role = rota::PractitionerRole { id, duty: duty.clone(), person: person.clone(), start, end };
            self.shift(tx, &role, rank)?;
        }
        self.audit(tx, format!("PractitionerRole/{id}"))
    }

    /// Two people cannot have the same role in the rota at once.
    fn shift(
        &self,
        tx: &mut WriteTx<'_>,
        shift: &rota::PractitionerRole,
        rank: Rank,
    ) -> Result<(), ClinicalError> {
        if let (Duty::Role(service), Rank::Rota) = (&shift.duty, rank) {
            let span = (shift.start, shift.end);
            let other = on_call::overlapping(tx, self.cipher(), service, span, rank, &shift.id, None)?;
            if let Some(other) = other {
                let begin = other.start.to_instant();
                let problem =
                    format!("overlaps shift {} of the same role, which begins at {begin}", other.id);
                return Err(ClinicalError::invalid("period", problem));
            }
        }
        rota::put(tx, self.cipher(), shift)?;
        Ok(on_call::set_rank(tx, &shift.id, rank)?)
    }

    fn patient(&self, tx: &mut WriteTx<'_>, it: entries::Patient) -> Result<(), ClinicalError> {
        let mut identifiers = Identifiers::default();
        for (index, id) in it.identifier.into_iter().enumerate() {
            if id.system.as_deref() == Some(NHS_NUMBER) {
                let number = id.value.parse();
                let number = number.map_err(|e| {
                    ClinicalError::invalid(format!("identifier[{index}].value"), format!("{e}"))
                })?;
                identifiers.nhs_number.get_or_insert(number);
            } else {
                identifiers
                    .local
                    .get_or_insert(LocalId { value: id.value, authority: id.system.unwrap_or_default() });
            }
        }
        if identifiers == Identifiers::default() {
            return Err(ClinicalError::invalid(
                "identifier",
                "an NHS number or a local identifier is needed",
            ));
        }
        let security: Vec<_> = it.meta.into_iter().flat_map(|meta| meta.security).collect();
        let restricted = security
            .iter()
            .any(|it| it.check(CONFIDENTIALITY, "").is_ok() && matches!(it.code.as_str(), "R" | "V"));
        let name = it.name.into_iter().next().map(|n| Name {
            family: n.family,
            given: n.given.join(" "),
            title: n.prefix.join(" "),
        });
        let birth_date = it.birth_date.map(|d| d.parse::<jiff::civil::Date>()).transpose();
        let birth_date =
            birth_date.map_err(|_| ClinicalError::invalid("birthDate", "is written YYYY-MM-DD"))?;
        let patient = AdtPatient {
            identifiers,
            name: name.map_or(Change::Unchanged, Change::Set),
            birth_date: birth_date.map_or(Change::Unchanged, Change::Set),
            gender: it.gender.map_or(Change::Unchanged, Change::Set),
            deceased: Change::Unchanged,
            restricted: if restricted { Change::Set(true) } else { Change::Unchanged },
        };
        let event = AdtEvent {
            kind: AdtKind::AddPerson,
            control_id: String::new(),
            patient,
            location: None,
            merged: None,
        };
        Admissions { cipher: self.cipher(), random: self.parts.random.as_ref(), at: self.at }
            .apply(tx, &event)
            .map(drop)
    }
}

/// FHIR data type `id`.
pub(super) fn fhir_id(id: String) -> Result<String, ClinicalError> {
    let fits = !id.is_empty() && id.len() <= 64;
    if fits && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.')) {
        Ok(id)
    } else {
        Err(ClinicalError::invalid("id", "is letters, digits, hyphens and full stops, at most 64"))
    }
}

fn existing_location(
    tx: &impl Reader,
    reference: &entries::Reference,
    path: &str,
) -> Result<String, ClinicalError> {
    let id = reference.id("Location", path)?;
    match directory::location(tx, &id)? {
        Some(_) => Ok(id),
        None => Err(ClinicalError::invalid(path, "there is no such Location")),
    }
}

fn period(period: Option<&entries::Period>) -> Result<(Timestamp, Timestamp), ClinicalError> {
    let instant = |text: Option<&String>, path: &str, open: Timestamp| match text {
        None => Ok(open),
        Some(text) => match text.parse::<jiff::Timestamp>() {
            Ok(at) => Ok(Timestamp(at.as_millisecond())),
            Err(_) => {
                Err(ClinicalError::invalid(path, "is an instant with time zone, as 2026-11-22T08:00:00Z"))
            }
        },
    };
    let start = instant(period.and_then(|p| p.start.as_ref()), "period.start", Timestamp(0))?;
    let end = instant(period.and_then(|p| p.end.as_ref()), "period.end", FOREVER)?;
    if start < end {
        Ok((start, end))
    } else {
        Err(ClinicalError::invalid("period", "must end after it starts"))
    }
}

fn pattern(time: &entries::AvailableTime, index: usize) -> Result<ShiftPattern, ClinicalError> {
    let path = |field: &str| format!("availableTime[{index}].{field}");
    let clock = |text: &str, field: &str| {
        text.parse::<Time>().map_err(|_| ClinicalError::invalid(path(field), "is a time of day as 08:00:00"))
    };
    let day = |code: &String| match code.as_str() {
        "mon" => Ok(Weekday::Monday),
        "tue" => Ok(Weekday::Tuesday),
        "wed" => Ok(Weekday::Wednesday),
        "thu" => Ok(Weekday::Thursday),
        "fri" => Ok(Weekday::Friday),
        "sat" => Ok(Weekday::Saturday),
        "sun" => Ok(Weekday::Sunday),
        _ => Err(ClinicalError::invalid(path("daysOfWeek"), "each is one of mon tue wed thu fri sat sun")),
    };
    Ok(ShiftPattern {
        days: time.days_of_week.iter().map(day).collect::<Result<_, _>>()?,
        start: clock(&time.available_start_time, "availableStartTime")?,
        end: clock(&time.available_end_time, "availableEndTime")?,
    })
}
