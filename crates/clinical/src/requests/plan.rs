//! Which playbook a new request follows, and whom its steps ask.

use wardline_domain::{
    Timestamp,
    care::playbook::{Ask, Class, PlannedStep},
};
use wardline_store::{
    Reader,
    clinical::{directory, teams},
};

use super::NewRequest;
use crate::{ClinicalError, ClinicalParts, Fault, standing::Situation};

/// The playbook (chosen, or the most particular one that serves) and the plan of a new request. Without any
/// playbook the addressed is asked again and again.
pub(super) fn plan(
    tx: &impl Reader,
    parts: &ClinicalParts,
    new: &NewRequest,
    at: Timestamp,
) -> Result<(Option<String>, Vec<PlannedStep>), ClinicalError> {
    if !exists(tx, &new.addressed)? {
        let fault = match &new.addressed {
            Ask::Role(_) => Fault::UnknownRole,
            Ask::Person(_) => Fault::UnknownPerson,
            Ask::Team(_) => Fault::UnknownTeam,
            Ask::OnDuty(_) => Fault::UnknownWard,
        };
        return Err(ClinicalError::fault("Task.owner", fault));
    }
    let all = parts.playbooks.all(tx)?;
    let chosen = match &new.playbook {
        Some(id) => {
            let found = all.iter().find(|p| p.id == *id && p.classes.contains(&new.class));
            let problem = "there is no such playbook for this class";
            Some(found.ok_or_else(|| ClinicalError::invalid("Task.extension(request-playbook)", problem))?)
        }
        None => {
            let situation = Situation::of(tx, parts, new.class, Some(&new.patient), at)?;
            let facts = situation.facts();
            let serving = all.iter().rev().filter(|p| p.serves(&facts, &new.addressed));
            serving.max_by_key(|p| p.particularity())
        }
    };
    let wait = match new.class {
        Class::Urgent => 5 * 60_000,
        Class::Action => 60 * 60_000,
        Class::Information => 8 * 60 * 60_000,
    };
    let alone = || vec![PlannedStep::new(new.addressed.clone(), wait)];
    Ok((chosen.map(|p| p.id.clone()), chosen.map_or_else(alone, |p| p.plan(&new.addressed))))
}

/// Whether there is such a role, person, team or place.
pub(crate) fn exists(tx: &impl Reader, ask: &Ask) -> Result<bool, ClinicalError> {
    Ok(match ask {
        Ask::Role(id) => directory::service(tx, id)?.is_some(),
        Ask::Person(id) => directory::practitioner(tx, id)?.is_some(),
        Ask::Team(id) => teams::get(tx, id)?.is_some(),
        Ask::OnDuty(id) => directory::location(tx, id)?.is_some(),
    })
}
