//! Raising and moving requests. Each move is one transaction: task, transitions, clock, audit, announcement.

mod announce;
mod moves;
mod plan;
mod reading;

pub(crate) use announce::{
    name_of, names_of, person, reminder as announce_reminder, role as interrupting_role, sounds,
};
pub(crate) use moves::{Move, Planned, reminder};
pub(crate) use plan::exists;
pub(crate) use reading::view;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wardline_domain::{
    Timestamp,
    care::{
        playbook::{Ask, Class, PlannedStep},
        request::{Command, Transition},
    },
    ruma::OwnedRoomId,
};
use wardline_store::clinical::{directory, tasks};

use crate::{Caller, Clinical, ClinicalError, Conflict, Fault, Only, Task};

/// A request to be raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRequest {
    /// The id that the client chose, a UUID; raising twice with the same id is one request.
    pub id: String,
    /// How it presses.
    pub class: Class,
    /// Reference of the patient.
    pub patient: String,
    /// To whom it is addressed.
    pub addressed: Ask,
    /// When the answer is needed.
    pub needed_by: Option<Timestamp>,
    /// The playbook, if the caller chose one.
    pub playbook: Option<String>,
    /// The encrypted event that carries its words.
    pub event: Option<String>,
    /// The patient's room as the caller knows it; must be the right one if given.
    pub room: Option<OwnedRoomId>,
}

/// A request that the server raises itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnRequest {
    pub(crate) id: String,
    pub(crate) patient: Option<String>,
    /// Plain words without patient data.
    pub(crate) description: String,
    pub(crate) plan: Vec<PlannedStep>,
}

/// What else a caller says of a request or a move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// What the clock of their device shows.
    pub device_at: Option<Timestamp>,
    /// The version that the request must have.
    pub version: Option<u64>,
    /// System and value by which another system knows the request that is raised.
    pub identifier: Option<(String, String)>,
    /// Whether the request that the caller raised under the identifier before stands for the new one.
    pub if_none_exists: bool,
}

/// A task as a reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskView {
    /// The task.
    pub task: Task,
    /// Everything that happened to it, in order.
    pub transitions: Vec<Transition>,
    /// Name of the role or person who is asked next, while a clock runs.
    pub next: Option<String>,
    /// Name of the role or person to whom it is addressed.
    pub addressed: String,
    /// Names of all people in it, by id.
    pub names: BTreeMap<String, String>,
}

impl Clinical {
    /// Raises a request on behalf of a member of the patient's conversation. `true` if it is new; raising the
    /// same again (same id, same content, same person) gives the request as it stands.
    ///
    /// # Errors
    /// [`ClinicalError::Invalid`] names the field; [`ClinicalError::Forbidden`] for who is not a member;
    /// [`ClinicalError::Conflict`] if the id is taken by another request.
    pub async fn raise(&self, caller: &Caller, new: NewRequest) -> Result<(TaskView, bool), ClinicalError> {
        self.raise_with(caller, new, Circumstances::default()).await
    }

    /// The same, in particular circumstances.
    ///
    /// # Errors
    /// As [`Clinical::raise`]; [`ClinicalError::Conflict`] too if another request has the identifier and it need not be
    /// a new one.
    pub async fn raise_with(
        &self,
        caller: &Caller,
        new: NewRequest,
        circumstances: Circumstances,
    ) -> Result<(TaskView, bool), ClinicalError> {
        let patient = self.find_patient(&new.patient).map_err(|error| match error {
            ClinicalError::NotFound(_) => ClinicalError::invalid("Task.for", "there is no such patient"),
            other => other,
        })?;
        if patient.replaced_by.is_some() {
            return Err(ClinicalError::Conflict(Conflict::RecordMerged));
        }
        if patient.room.is_some() && patient.record.ward.is_none() {
            return Err(ClinicalError::Conflict(Conflict::PatientDischarged));
        }
        let room = patient.room.ok_or(ClinicalError::Conflict(Conflict::ConversationNotOpen))?;
        if !self.parts.conversations.is_member(&room, &caller.user) {
            return Err(ClinicalError::Forbidden(Only::Members));
        }
        if new.room.as_ref().is_some_and(|said| *said != room) {
            return Err(ClinicalError::invalid(
                "Task.extension(request-room)",
                "is not the patient's conversation",
            ));
        }
        let (parts, caller, at) = (self.parts.clone(), caller.clone(), self.parts.clock.now());
        let result = self
            .parts
            .store
            .write_with(move |tx| {
                let step = Move { device_at: circumstances.device_at, ..Move::of(&parts, &caller, at) };
                if let Some(identifier) = &circumstances.identifier
                    && let Some(known) = tasks::by_identifier(tx, &parts.cipher, identifier)?
                    && known.id != new.id
                {
                    return if circumstances.if_none_exists && known.request.requester == caller.person() {
                        Ok((view(tx, &parts, known)?, false))
                    } else {
                        Err(ClinicalError::Conflict(Conflict::RequestIdentifierTaken))
                    };
                }
                if let Some(known) = tasks::get(tx, &parts.cipher, &new.id)? {
                    return if is_same(&known, &new, caller.person()) {
                        Ok((view(tx, &parts, known)?, false))
                    } else {
                        Err(ClinicalError::Conflict(Conflict::RequestIdTaken))
                    };
                }
                let task = step.raise(tx, new, circumstances.identifier, room)?;
                Ok((view(tx, &parts, task)?, true))
            })
            .await?;
        self.wake();
        Ok(result)
    }

    /// Moves a request. A repeat of what the caller did before changes nothing and is not an error.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], or [`ClinicalError::Request`] if the state machine refuses.
    pub async fn command(
        &self,
        caller: &Caller,
        id: &str,
        command: Command,
    ) -> Result<TaskView, ClinicalError> {
        self.command_with(caller, id, command, Circumstances::default()).await
    }

    /// The same, in particular circumstances.
    ///
    /// # Errors
    /// As [`Clinical::command`]; [`ClinicalError::OtherVersion`] if the request is not at the version that is expected.
    pub async fn command_with(
        &self,
        caller: &Caller,
        id: &str,
        command: Command,
        circumstances: Circumstances,
    ) -> Result<TaskView, ClinicalError> {
        let (parts, caller) = (self.parts.clone(), caller.clone());
        let (at, id) = (self.parts.clock.now(), id.to_owned());
        let result = self
            .parts
            .store
            .write_with(move |tx| {
                let task = tasks::get(tx, &parts.cipher, &id)?.ok_or(ClinicalError::NotFound("Task"))?;
                if let Command::Reassign { to } | Command::Delegate { to } = &command
                    && directory::practitioner(tx, to)?.is_none()
                {
                    let path = "Parameters.parameter(to)";
                    return Err(ClinicalError::fault(path, Fault::UnknownPerson));
                }
                if circumstances.version.is_some_and(|version| version != task.request.version) {
                    return Err(ClinicalError::OtherVersion);
                }
                let step = Move { device_at: circumstances.device_at, ..Move::of(&parts, &caller, at) };
                let task = step.apply(tx, task, &command)?;
                view(tx, &parts, task)
            })
            .await?;
        self.wake();
        Ok(result)
    }
}

fn is_same(known: &Task, new: &NewRequest, person: &str) -> bool {
    known.patient.as_ref() == Some(&new.patient)
        && known.addressed == new.addressed
        && known.request.class == new.class
        && known.request.needed_by == new.needed_by
        && known.request.requester == person
        && known.event == new.event
}
