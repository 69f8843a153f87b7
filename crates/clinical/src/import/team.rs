//! A CareTeam of a bundle: a team of staff.

use wardline_store::{
    WriteTx,
    clinical::{
        directory,
        teams::{self, Member, Team},
    },
};

use super::{entries, writer::fhir_id};
use crate::ClinicalError;

/// Writes a team that came from `source`; gives its reference.
///
/// # Errors
/// [`ClinicalError::Invalid`] naming the participant that does not exist, or a failure of the store.
pub(super) fn put(
    tx: &mut WriteTx<'_>,
    it: entries::CareTeam,
    source: Option<String>,
) -> Result<String, ClinicalError> {
    let id = fhir_id(it.id)?;
    if it.name.trim().is_empty() {
        return Err(ClinicalError::invalid("name", "must not be empty"));
    }
    let mut members = Vec::with_capacity(it.participant.len());
    for (index, participant) in it.participant.iter().enumerate() {
        let role = participant.role.iter().flat_map(|concept| &concept.coding).next();
        let member = match (&participant.member, role) {
            (Some(reference), _) => {
                let path = format!("participant[{index}].member");
                let person = reference.id("Practitioner", &path)?;
                if directory::practitioner(tx, &person)?.is_none() {
                    return Err(ClinicalError::invalid(path, "there is no such Practitioner"));
                }
                Member::Person(person)
            }
            (None, Some(role)) => {
                if directory::service(tx, &role.code)?.is_none() {
                    let path = format!("participant[{index}].role");
                    return Err(ClinicalError::invalid(path, "there is no such HealthcareService"));
                }
                Member::Role(role.code.clone())
            }
            (None, None) => {
                let path = format!("participant[{index}]");
                return Err(ClinicalError::invalid(path, "has neither member nor role"));
            }
        };
        members.push(member);
    }
    teams::put(tx, &Team { id: id.clone(), name: it.name, source, members })?;
    Ok(format!("CareTeam/{id}"))
}
