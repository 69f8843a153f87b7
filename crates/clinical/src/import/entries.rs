//! The FHIR R4 resources of a bundle, as far as the import reads them.

use serde::Deserialize;
use serde_json::Value;

use crate::ClinicalError;

#[derive(Clone, Deserialize)]
pub(super) struct Reference {
    reference: String,
}

impl Reference {
    /// The id of a reference to a resource of this type.
    pub(super) fn id(&self, kind: &str, path: &str) -> Result<String, ClinicalError> {
        let id = self.reference.strip_prefix(kind).and_then(|rest| rest.strip_prefix('/'));
        id.map(ToOwned::to_owned)
            .ok_or_else(|| ClinicalError::invalid(path, format!("must refer to a {kind}")))
    }
}

#[derive(Clone, Deserialize)]
pub(super) struct Identifier {
    pub(super) system: Option<String>,
    pub(super) value: String,
}

#[derive(Clone, Deserialize)]
pub(super) struct Coding {
    pub(super) system: Option<String>,
    pub(super) code: String,
}

impl Coding {
    /// Refuses a code of another system than the one that is meant; a code without a system is one of it.
    pub(super) fn check(&self, system: &str, path: &str) -> Result<(), ClinicalError> {
        match &self.system {
            Some(said) if said != system => {
                Err(ClinicalError::invalid(format!("{path}.system"), format!("must be {system}")))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Clone, Deserialize, Default)]
pub(super) struct CodeableConcept {
    #[serde(default)]
    pub(super) coding: Vec<Coding>,
    pub(super) text: Option<String>,
}

#[derive(Clone, Deserialize)]
pub(super) struct HumanName {
    pub(super) family: String,
    #[serde(default)]
    pub(super) given: Vec<String>,
    #[serde(default)]
    pub(super) prefix: Vec<String>,
}

#[derive(Clone, Deserialize)]
pub(super) struct ContactPoint {
    pub(super) value: String,
}

#[derive(Clone, Deserialize)]
pub(super) struct Organization {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) identifier: Vec<Identifier>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Location {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) identifier: Vec<Identifier>,
    pub(super) physical_type: CodeableConcept,
    pub(super) part_of: Option<Reference>,
    pub(super) managing_organization: Option<Reference>,
}

#[derive(Clone, Deserialize)]
pub(super) struct Qualification {
    pub(super) code: CodeableConcept,
}

#[derive(Clone, Deserialize)]
pub(super) struct Practitioner {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: Vec<HumanName>,
    #[serde(default)]
    pub(super) qualification: Vec<Qualification>,
    /// Registration numbers and the like: those with a system are kept.
    #[serde(default)]
    pub(super) identifier: Vec<PractitionerIdentifier>,
}

#[derive(Clone, Deserialize)]
pub(super) struct PractitionerIdentifier {
    pub(super) system: Option<String>,
    pub(super) value: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HealthcareService {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) provided_by: Option<Reference>,
    #[serde(default)]
    pub(super) location: Vec<Reference>,
    #[serde(default)]
    pub(super) telecom: Vec<ContactPoint>,
    #[serde(default, rename = "type")]
    pub(super) kind: Vec<CodeableConcept>,
    #[serde(default)]
    pub(super) extension: Vec<Extension>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Extension {
    pub(super) url: String,
    pub(super) value_reference: Option<Reference>,
}

#[derive(Clone, Deserialize)]
pub(super) struct Period {
    pub(super) start: Option<String>,
    pub(super) end: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AvailableTime {
    #[serde(default)]
    pub(super) days_of_week: Vec<String>,
    pub(super) available_start_time: String,
    pub(super) available_end_time: String,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PractitionerRole {
    pub(super) id: String,
    pub(super) practitioner: Reference,
    #[serde(default)]
    pub(super) healthcare_service: Vec<Reference>,
    #[serde(default)]
    pub(super) location: Vec<Reference>,
    pub(super) period: Option<Period>,
    #[serde(default)]
    pub(super) code: Vec<CodeableConcept>,
    #[serde(default)]
    pub(super) available_time: Vec<AvailableTime>,
}

#[derive(Clone, Deserialize)]
pub(super) struct CareTeam {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) participant: Vec<Participant>,
}

#[derive(Clone, Deserialize)]
pub(super) struct Participant {
    pub(super) member: Option<Reference>,
    #[serde(default)]
    pub(super) role: Vec<CodeableConcept>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta {
    #[serde(default)]
    pub(super) security: Vec<Coding>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Patient {
    pub(super) meta: Option<Meta>,
    pub(super) identifier: Vec<Identifier>,
    #[serde(default)]
    pub(super) name: Vec<HumanName>,
    pub(super) birth_date: Option<String>,
    pub(super) gender: Option<wardline_domain::care::hl7::adt::Gender>,
}

/// The resources that the import knows, in the order in which they must be written.
#[derive(Clone, Deserialize)]
#[serde(tag = "resourceType")]
pub(super) enum Resource {
    Organization(Organization),
    Location(Location),
    Practitioner(Practitioner),
    HealthcareService(HealthcareService),
    PractitionerRole(PractitionerRole),
    CareTeam(CareTeam),
    Patient(Patient),
}

impl Resource {
    /// Reads a resource of a bundle.
    ///
    /// # Errors
    /// The path of the element that is wrong, within the resource.
    pub(super) fn read(json: Value) -> Result<Self, serde_path_to_error::Error<serde_json::Error>> {
        use serde_path_to_error::deserialize;
        // By hand: serde loses the path where a tag chooses the type.
        match json.get("resourceType").and_then(Value::as_str) {
            Some("Organization") => deserialize(json).map(Self::Organization),
            Some("Location") => deserialize(json).map(Self::Location),
            Some("Practitioner") => deserialize(json).map(Self::Practitioner),
            Some("HealthcareService") => deserialize(json).map(Self::HealthcareService),
            Some("PractitionerRole") => deserialize(json).map(Self::PractitionerRole),
            Some("CareTeam") => deserialize(json).map(Self::CareTeam),
            Some("Patient") => deserialize(json).map(Self::Patient),
            _ => deserialize(json),
        }
    }

    /// The role that this one names as its fallback, by the extension `url`.
    pub(super) fn fallback(&self, url: &str) -> Option<String> {
        let Self::HealthcareService(service) = self else { return None };
        let named = service.extension.iter().find(|e| e.url == url)?.value_reference.as_ref()?;
        named.reference.strip_prefix("HealthcareService/").map(ToOwned::to_owned)
    }

    /// What it is of the directory, such as `Practitioner/priya.raman`; `None` for a patient.
    pub(super) fn target(&self) -> Option<String> {
        Some(match self {
            Self::Organization(it) => format!("Organization/{}", it.id),
            Self::Location(it) => format!("Location/{}", it.id),
            Self::Practitioner(it) => format!("Practitioner/{}", it.id),
            Self::HealthcareService(it) => format!("HealthcareService/{}", it.id),
            Self::PractitionerRole(it) => format!("PractitionerRole/{}", it.id),
            Self::CareTeam(it) => format!("CareTeam/{}", it.id),
            Self::Patient(_) => return None,
        })
    }

    /// What others refer to goes first.
    pub(super) fn rank(&self) -> u8 {
        let kind = |location: &Location| location.physical_type.coding.first().map(|c| c.code.clone());
        match self {
            Self::Organization(_) => 0,
            Self::Location(location) => match kind(location).as_deref() {
                Some("si") => 1,
                Some("wa") => 2,
                _ => 3,
            },
            Self::Practitioner(_) => 4,
            Self::HealthcareService(_) => 5,
            Self::PractitionerRole(_) => 6,
            Self::CareTeam(_) => 7,
            Self::Patient(_) => 8,
        }
    }
}
