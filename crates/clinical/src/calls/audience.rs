//! Whom a broadcast reaches.

use std::collections::BTreeMap;

use wardline_domain::{Timestamp, care::playbook::Ask};
use wardline_store::{
    Reader,
    clinical::{
        calls::{Audience, CalledPerson},
        directory,
        teams::{self, Member},
    },
};

use super::holder;
use crate::{Caller, ClinicalError, ClinicalParts, standing::asked};

/// Most people whom one broadcast calls.
pub const MAX_PEOPLE: usize = 20_000;

/// Everybody whom an audience reaches, each once, without the caller; by id.
pub(super) fn people(
    tx: &impl Reader,
    parts: &ClinicalParts,
    caller: &Caller,
    audience: &[Audience],
    at: Timestamp,
) -> Result<BTreeMap<String, CalledPerson>, ClinicalError> {
    let mut all: BTreeMap<String, CalledPerson> = BTreeMap::new();
    let called = |it: directory::Practitioner| CalledPerson {
        name: it.display(),
        person: it.id,
        job: it.job,
        told: None,
        delivered: None,
        seen: None,
        answers: Vec::new(),
    };
    for one in audience {
        let Audience::Some(ask) = one else {
            let everybody = directory::practitioners(tx)?.into_iter().map(called);
            all.extend(everybody.map(|it| (it.person.clone(), it)));
            continue;
        };
        for id in reached(tx, parts, ask, at)? {
            if !all.contains_key(&id)
                && let Some(person) = directory::practitioner(tx, &id)?
            {
                all.insert(id, called(person));
            }
        }
    }
    all.remove(caller.person());
    if all.len() > MAX_PEOPLE {
        let problem = format!("reaches more than {MAX_PEOPLE} people");
        return Err(ClinicalError::invalid("CommunicationRequest.recipient", problem));
    }
    Ok(all)
}

/// Whom an ask reaches; unlike a request it reaches people who are off duty too.
fn reached(
    tx: &impl Reader,
    parts: &ClinicalParts,
    ask: &Ask,
    at: Timestamp,
) -> Result<Vec<String>, ClinicalError> {
    Ok(match ask {
        Ask::Person(id) => vec![id.clone()],
        Ask::Role(_) => holder(tx, parts, ask, at)?.into_iter().collect(),
        Ask::Team(id) => {
            let mut people = Vec::new();
            for member in teams::get(tx, id)?.map(|team| team.members).unwrap_or_default() {
                match member {
                    Member::Person(id) => people.push(id),
                    Member::Role(id) => people.extend(holder(tx, parts, &Ask::Role(id), at)?),
                }
            }
            people
        }
        Ask::OnDuty(_) => asked(tx, parts, ask, at)?,
    })
}
