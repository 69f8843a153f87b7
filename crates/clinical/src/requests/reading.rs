//! Reading requests, for those whom they concern.

use std::collections::BTreeMap;

use wardline_store::{Reader, clinical::tasks};

use super::{TaskView, announce};
use crate::{
    Caller, Clinical, ClinicalError, ClinicalParts, Task, directory::MAX_FOUND, standing::Situation,
};

impl Clinical {
    /// Reads a request; open to the one who raised it, those who were asked and the members of the patient's
    /// conversation.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], also for a caller who has nothing to do with it.
    pub fn task(&self, caller: &Caller, id: &str) -> Result<TaskView, ClinicalError> {
        let parts = &self.parts;
        let found = parts.store.read_now(|tx| {
            let task = tasks::get(tx, &parts.cipher, id)?.ok_or(ClinicalError::NotFound("Task"))?;
            view(tx, parts, task)
        })?;
        if self.may_see(caller, &found.task) { Ok(found) } else { Err(ClinicalError::NotFound("Task")) }
    }

    /// The requests that fit every filter that is given and that the caller may see, last changed first, at most
    /// 1000. `requester` and `owner` (asked now, or accepted) are ids of practitioners. Without a filter: those
    /// that the caller has to do with, and the open ones of the conversations that they are a member of.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn tasks(
        &self,
        caller: &Caller,
        patient: Option<String>,
        requester: Option<String>,
        owner: Option<String>,
    ) -> Result<Vec<TaskView>, ClinicalError> {
        let (cipher, person) = (self.parts.cipher.clone(), caller.person().to_owned());
        let mut found: Vec<Task> = self
            .parts
            .store
            .read(move |tx| {
                let filter = tasks::Filter {
                    patient: patient.as_deref(),
                    requester: requester.as_deref(),
                    owner: owner.as_deref(),
                    ..tasks::Filter::default()
                };
                if patient.is_some() || requester.is_some() || owner.is_some() {
                    return tasks::find(tx, &cipher, &filter, MAX_FOUND);
                }
                let own = tasks::Filter { person: Some(&person), ..filter };
                let mut found = tasks::find(tx, &cipher, &own, MAX_FOUND)?;
                found.extend(tasks::find(tx, &cipher, &tasks::Filter { open: true, ..filter }, MAX_FOUND)?);
                Ok(found)
            })
            .await?;
        found.retain(|task| self.may_see(caller, task));
        found.sort_by(|a, b| (b.request.changed_at, &a.id).cmp(&(a.request.changed_at, &b.id)));
        found.dedup_by(|a, b| a.id == b.id);
        found.truncate(MAX_FOUND);
        let parts = self.parts.clone();
        parts
            .store
            .clone()
            .read(move |tx| found.into_iter().map(|task| view(tx, &parts, task)).collect())
            .await
    }

    /// A request as it was after each move, newest first; open to whom the request is.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], also for a caller who has nothing to do with it.
    pub fn task_history(&self, caller: &Caller, id: &str) -> Result<Vec<TaskView>, ClinicalError> {
        let (parts, now) = (&self.parts, self.task(caller, id)?);
        let mut all = parts.store.read_now(|tx| {
            let mut all = Vec::new();
            for task in tasks::versions(tx, &parts.cipher, id)? {
                let until = usize::try_from(task.request.version).unwrap_or(usize::MAX);
                let transitions = now.transitions.iter().take(until).cloned().collect();
                let (next, names) = (next(tx, parts, &task)?, now.names.clone());
                let addressed = now.addressed.clone();
                all.push(TaskView { task, transitions, next, addressed, names });
            }
            Ok::<_, ClinicalError>(all)
        })?;
        // The present one is where it stands, also after its patient's record was joined to another.
        all.retain(|it| it.task.request.version < now.task.request.version);
        all.push(now);
        all.reverse();
        Ok(all)
    }

    /// The request that the caller may see and that another system knows by this system and value.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn task_by_identifier(
        &self,
        caller: &Caller,
        identifier: &(String, String),
    ) -> Result<Option<TaskView>, ClinicalError> {
        let parts = &self.parts;
        let found = parts.store.read_now(|tx| {
            let found = tasks::by_identifier(tx, &parts.cipher, identifier)?;
            found.map(|task| view(tx, parts, task)).transpose()
        })?;
        Ok(found.filter(|it| self.may_see(caller, &it.task)))
    }

    pub(crate) fn may_see(&self, caller: &Caller, task: &Task) -> bool {
        let person = caller.person();
        caller.is_system()
            || task.request.requester == person
            || task.request.asked.contains_key(person)
            || self.parts.conversations.is_member(&task.room, &caller.user)
    }
}

pub(crate) fn view(tx: &impl Reader, parts: &ClinicalParts, task: Task) -> Result<TaskView, ClinicalError> {
    let transitions = tasks::transitions(tx, &parts.cipher, &task.id)?;
    let next = next(tx, parts, &task)?;
    let addressed = announce::name_of(tx, &task.addressed)?;
    let request = &task.request;
    let people = request
        .asked
        .keys()
        .chain([&request.requester])
        .chain(transitions.iter().filter_map(|t| t.actor.as_ref()));
    let mut names = BTreeMap::new();
    for id in people {
        if !names.contains_key(id) {
            names.insert(id.clone(), announce::person(tx, id)?);
        }
    }
    Ok(TaskView { task, transitions, next, addressed, names })
}

/// The names of those whom the next step asks, while a clock runs.
fn next(tx: &impl Reader, parts: &ClinicalParts, task: &Task) -> Result<Option<String>, ClinicalError> {
    let Some(due) = task.request.next_step_at else { return Ok(None) };
    let conditional = task.request.plan.iter().any(|step| !step.when.is_always());
    let patient = task.patient.as_deref().filter(|_| conditional);
    let situation = Situation::of(tx, parts, task.request.class, patient, due)?;
    let facts = situation.facts();
    let step = task.request.next_step(|step| step.when.holds(&facts));
    Ok(step.map(|step| announce::names_of(tx, &step.asks)).transpose()?)
}
