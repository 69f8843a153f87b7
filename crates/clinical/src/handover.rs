//! The handover list of a role: everything open that goes with it, and its explicit acceptance by whoever takes over.
//!
//! On the list are the open requests that have asked the role, and those about the patients on the wards that it covers. Its
//! digest names every request with what has happened to it: what was accepted is exactly what was read, and a list that has changed
//! meanwhile must be read again. That a request was delivered or seen is no news: who reads the list causes it. Acceptance is a record; nothing open depends on it, so nothing vanishes without it.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use wardline_audit::Action;
use wardline_domain::{
    Timestamp,
    care::request::{State, Transition},
};
use wardline_store::{
    Reader,
    clinical::{
        directory,
        handovers::{self, Handover},
        on_call as rows, patients, rota, tasks,
    },
};

use crate::{
    Caller, Clinical, ClinicalError, ClinicalParts, Conflict, Only, Service, Task, TaskView, requests::view,
};

/// What is handed over with a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandoverList {
    /// The role.
    pub service: Service,
    /// When it was read.
    pub at: Timestamp,
    /// The open requests by patient (`None`: about none), the most urgent and oldest first.
    pub open: Vec<(Option<String>, Vec<TaskView>)>,
    /// Names exactly these requests as they stand.
    pub digest: String,
    /// Who accepted a list of this role last.
    pub accepted: Option<Handover>,
}

impl HandoverList {
    /// How many requests are on it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.iter().map(|(_, tasks)| tasks.len()).sum()
    }

    /// Whether nothing is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether this very list was accepted.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.accepted.as_ref().is_some_and(|it| it.digest == self.digest)
    }
}

impl Clinical {
    /// The handover list of a role, for who holds it and for whom it is offered to.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], [`ClinicalError::Forbidden`] for anybody else, or a failure of the store.
    pub fn handover_list(&self, caller: &Caller, service: &str) -> Result<HandoverList, ClinicalError> {
        let (parts, now) = (&self.parts, self.parts.clock.now());
        parts.store.read_now(|tx| list(tx, parts, caller, service, now))
    }

    /// Accepts the list with this digest: whoever takes over says that they have read it.
    ///
    /// # Errors
    /// As [`Clinical::handover_list`]; [`ClinicalError::Conflict`] if the list is another one by now.
    pub async fn accept_handover(
        &self,
        caller: &Caller,
        service: &str,
        digest: &str,
    ) -> Result<HandoverList, ClinicalError> {
        let (parts, caller, now) = (self.parts.clone(), caller.clone(), self.parts.clock.now());
        let (service, digest) = (service.to_owned(), digest.to_owned());
        let entry =
            self.entry(&caller, Action::HandoverAccepted).target(format!("HealthcareService/{service}"));
        self.parts
            .store
            .write_with(move |tx| {
                let list = list(tx, &parts, &caller, &service, now)?;
                if list.digest != digest {
                    return Err(ClinicalError::Conflict(Conflict::HandoverChanged));
                }
                let (person, tasks) = (caller.person().to_owned(), list.len());
                let accepted = Handover { at: now, person, digest: digest.clone(), tasks };
                // The same again by the same person is a repetition after a lost answer.
                let before = list.accepted.as_ref();
                if before.is_some_and(|it| it.digest == digest && it.person == accepted.person) {
                    return Ok(list);
                }
                handovers::add(tx, &parts.cipher, &service, &accepted)?;
                let entry = entry.with("digest", &digest).with("tasks", tasks.to_string());
                wardline_audit::append(tx, &entry)?;
                Ok(HandoverList { accepted: Some(accepted), ..list })
            })
            .await
    }
}

fn list(
    tx: &impl Reader,
    parts: &ClinicalParts,
    caller: &Caller,
    service: &str,
    at: Timestamp,
) -> Result<HandoverList, ClinicalError> {
    let cipher = &parts.cipher;
    let service = directory::service(tx, service)?.ok_or(ClinicalError::NotFound("HealthcareService"))?;
    let holder = rota::holder(tx, cipher, &service.id, at)?.map(|shift| shift.person);
    let offered = rows::offer(tx, cipher, &service.id, at)?.map(|offer| offer.to);
    if ![holder, offered].contains(&Some(caller.person().to_owned())) {
        return Err(ClinicalError::Forbidden(Only::HolderOrOffered));
    }
    let mut found = tasks::open_of_role(tx, cipher, &service.id)?;
    for ward in &service.wards {
        for patient in patients::in_hospital(tx, cipher, Some(ward))? {
            found.extend(tasks::open_about(tx, cipher, &patient.reference)?);
        }
    }
    let mut known = BTreeSet::new();
    found.retain(|task| known.insert(task.id.clone()));
    let order = |task: &Task| (task.request.class, task.request.raised_at, task.id.clone());
    found.sort_by_key(order);
    // Patients in the order of their most urgent request.
    let mut order: BTreeMap<Option<String>, usize> = BTreeMap::new();
    let mut open: Vec<(Option<String>, Vec<TaskView>)> = Vec::new();
    for task in found {
        let place = *order.entry(task.patient.clone()).or_insert_with(|| {
            open.push((task.patient.clone(), Vec::new()));
            open.len() - 1
        });
        if let Some((_, tasks)) = open.get_mut(place) {
            tasks.push(view(tx, parts, task)?);
        }
    }
    let digest = digest(open.iter().flat_map(|(_, tasks)| tasks));
    let accepted = handovers::last(tx, cipher, &service.id)?;
    Ok(HandoverList { service, at, open, digest, accepted })
}

/// SHA-256 over the requests and how much has happened to each beside being delivered and seen, in the order of their ids.
fn digest<'v>(tasks: impl Iterator<Item = &'v TaskView>) -> String {
    let news = |it: &&Transition| it.reason.is_some() || !matches!(it.state, State::Delivered | State::Seen);
    let said: BTreeMap<&str, usize> =
        tasks.map(|it| (it.task.id.as_str(), it.transitions.iter().filter(news).count())).collect();
    let mut hasher = Sha256::new();
    for (id, said) in said {
        hasher.update(format!("{id} {said}\n"));
    }
    hex::encode(hasher.finalize())
}
