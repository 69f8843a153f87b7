//! A Patient of a file.

use wardline_domain::care::hl7::{
    Change,
    adt::{AdtEvent, AdtKind, AdtPatient, Identifiers, LocalId, Name},
};
use wardline_store::WriteTx;

use super::{entries, writer::Writer};
use crate::{ClinicalError, patients::Admissions};

/// The code system of how confidential a record is.
const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
/// The identifier system of NHS numbers.
const NHS_NUMBER: &str = "https://fhir.nhs.uk/Id/nhs-number";

impl Writer<'_> {
    pub(super) fn patient(&self, tx: &mut WriteTx<'_>, it: entries::Patient) -> Result<(), ClinicalError> {
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
            .map_err(in_words_of_fhir)
    }
}

/// The error with the element of a Patient in place of the field of HL7 v2.
fn in_words_of_fhir(error: ClinicalError) -> ClinicalError {
    match error {
        ClinicalError::Invalid { path, problem, .. } => {
            let element = match path.as_str() {
                "PID-3" => "identifier",
                "PID-5" => "name",
                other => other,
            };
            ClinicalError::invalid(element, problem)
        }
        other => other,
    }
}
