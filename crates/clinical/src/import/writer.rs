//! Writing one resource of a file: what it contradicts is found before anything of it is written.

use wardline_audit::{Action, Entry};
use wardline_domain::Timestamp;
use wardline_store::{
    Reader, WriteTx,
    clinical::{
        ColumnCipher,
        directory::{self, LocationKind},
        identifiers, on_call, rota, teams,
    },
};

use super::{bundle::FALLBACK, entries, entries::Resource, team};
use crate::{ClinicalError, ClinicalParts, user_of};

/// The identifier system of ODS codes.
const ODS_CODE: &str = "https://fhir.nhs.uk/Id/ods-organization-code";
/// The code system of kinds of places.
const PHYSICAL_TYPE: &str = "http://terminology.hl7.org/CodeSystem/location-physical-type";
/// The code system of roles that have a duty of their own.
const ROLE_KIND: &str = "https://wardline.org/fhir/CodeSystem/role-kind";

/// Writes the resources of one file.
pub(super) struct Writer<'a> {
    pub(super) parts: &'a ClinicalParts,
    pub(super) at: Timestamp,
    /// What kind of file it is: the source of what is new.
    pub(super) kind: &'static str,
}

impl Writer<'_> {
    /// What the directory knows under a reference, in a form that can be compared.
    pub(super) fn known(&self, tx: &impl Reader, target: &str) -> Result<Option<String>, ClinicalError> {
        let Some((kind, id)) = target.split_once('/') else { return Ok(None) };
        Ok(match kind {
            "Organization" => directory::organisation(tx, id)?.map(|it| format!("{it:?}")),
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

    /// The role that a reference names.
    pub(super) fn service_of(
        &self,
        tx: &impl Reader,
        target: Option<&str>,
    ) -> Result<Option<directory::Service>, ClinicalError> {
        let id = target.and_then(|it| it.strip_prefix("HealthcareService/"));
        Ok(id.map(|id| directory::service(tx, id)).transpose()?.flatten())
    }

    /// Puts a role back as it was before a file named a fallback for it that does not exist; a new one has none.
    pub(super) fn without_fallback(
        &self,
        tx: &mut WriteTx<'_>,
        target: Option<&str>,
        before: Option<directory::Service>,
    ) -> Result<(), ClinicalError> {
        let now = self.service_of(tx, target)?.map(|now| directory::Service { fallback: None, ..now });
        if let Some(role) = before.or(now) {
            directory::put_service(tx, &role)?;
        }
        Ok(())
    }

    pub(super) fn put(&self, tx: &mut WriteTx<'_>, resource: &Resource) -> Result<(), ClinicalError> {
        match resource.clone() {
            Resource::Organization(it) => self.organisation(tx, it),
            Resource::Location(it) => self.location(tx, it),
            Resource::Practitioner(it) => self.practitioner(tx, it),
            Resource::HealthcareService(it) => self.service(tx, it),
            Resource::PractitionerRole(it) => self.role(tx, it),
            Resource::CareTeam(it) => {
                let known = teams::get(tx, &it.id)?.map(|known| known.source);
                let target = team::put(tx, it, self.source(known))?;
                self.audit(tx, target)
            }
            Resource::Patient(it) => self.patient(tx, it),
        }
    }

    pub(super) fn cipher(&self) -> &ColumnCipher {
        &self.parts.cipher
    }

    /// The source of an entry: that of the known one, or this file.
    fn source(&self, known: Option<Option<String>>) -> Option<String> {
        known.unwrap_or_else(|| Some(self.kind.to_owned()))
    }

    pub(super) fn audit(&self, tx: &mut WriteTx<'_>, target: String) -> Result<(), ClinicalError> {
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
        not_empty(&it.name, "name")?;
        let source = self.source(directory::organisation(tx, &id)?.map(|known| known.source));
        let organisation = directory::Organisation { id: id.clone(), name: it.name, ods, source };
        directory::put_organisation(tx, &organisation)?;
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
        not_empty(&it.name, "name")?;
        if it.part_of.as_ref().is_some_and(|r| r.id("Location", "partOf").is_ok_and(|whole| whole == id)) {
            return Err(ClinicalError::invalid("partOf", "must be another place"));
        }
        let part_of = it.part_of.map(|r| existing_location(tx, &r, "partOf")).transpose()?;
        let organisation =
            it.managing_organization.map(|r| r.id("Organization", "managingOrganization")).transpose()?;
        if let Some(wanted) = &organisation
            && directory::organisation(tx, wanted)?.is_none()
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
            source: self.source(directory::location(tx, &id)?.map(|known| known.source)),
        };
        directory::put_location(tx, &location)?;
        self.audit(tx, format!("Location/{id}"))
    }

    fn practitioner(&self, tx: &mut WriteTx<'_>, it: entries::Practitioner) -> Result<(), ClinicalError> {
        let id = fhir_id(it.id)?;
        user_of(&id, &self.parts.server_name)?;
        let name = it.name.into_iter().next().ok_or_else(|| ClinicalError::invalid("name", "is missing"))?;
        not_empty(&name.family, "name[0].family")?;
        let job = it.qualification.into_iter().next().and_then(|q| q.code.text).unwrap_or_default();
        let person = directory::Practitioner {
            id: id.clone(),
            family: name.family,
            given: name.given.join(" "),
            title: name.prefix.join(" "),
            job,
            source: self.source(directory::practitioner(tx, &id)?.map(|known| known.source)),
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
        not_empty(&it.name, "name")?;
        let organisation = it.provided_by.map(|r| r.id("Organization", "providedBy")).transpose()?;
        if let Some(wanted) = &organisation
            && directory::organisation(tx, wanted)?.is_none()
        {
            return Err(ClinicalError::invalid("providedBy", "there is no such Organization"));
        }
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
        let source = self.source(directory::service(tx, &id)?.map(|known| known.source));
        let (id, name) = (id.clone(), it.name);
        let service = directory::Service { id, name, organisation, phone, wards, fallback, kind, source };
        directory::put_service(tx, &service)?;
        let id = service.id;
        self.audit(tx, format!("HealthcareService/{id}"))
    }
}

fn not_empty(text: &str, path: &str) -> Result<(), ClinicalError> {
    let empty = text.trim().is_empty();
    if empty { Err(ClinicalError::invalid(path, "must not be empty")) } else { Ok(()) }
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

pub(super) fn existing_location(
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
