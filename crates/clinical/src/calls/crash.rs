//! A crash call: each role of a playbook's first step is called at once by a request of its own.

use wardline_audit::Action;
use wardline_domain::{
    Timestamp,
    care::{
        playbook::{Ask, PlannedStep},
        request::Command,
    },
    ruma::OwnedRoomId,
};
use wardline_store::{
    Reader, WriteTx,
    clinical::{
        calls::{self, Call, CallKind, Called},
        directory,
        tasks::CallPart,
    },
};

use super::{CallView, NewCall, NewCallKind, audit, holder, is_same, member_of_staff, tasks_of};
use crate::{
    Caller, Clinical, ClinicalError, ClinicalParts, Conflict, Only, Task,
    requests::{Move, OwnRequest, Planned, name_of},
};

impl Clinical {
    pub(super) async fn raise_crash_call(
        &self,
        caller: &Caller,
        new: NewCall,
    ) -> Result<(CallView, bool), ClinicalError> {
        let NewCallKind::Crash { playbook, patient } = &new.kind else {
            return Err(ClinicalError::invalid("CommunicationRequest.category", "is not a crash call"));
        };
        let (parts, at) = (&self.parts, self.parts.clock.now());
        // Before a room is made: whatever is wrong is said, and nothing is changed.
        let (playbook, name) = parts.store.read_now(|tx| {
            let name = member_of_staff(tx, caller)?;
            let mut all = parts.playbooks.all(tx)?.into_iter();
            let found = all.find(|it| it.id == *playbook && it.call).ok_or_else(|| {
                ClinicalError::invalid(
                    "CommunicationRequest.extension(call-playbook)",
                    "there is no such crash call",
                )
            })?;
            Ok::<_, ClinicalError>((found, name))
        })?;
        let place = self.place_of_call(&new, patient.as_deref())?;
        let room = self.room_of_call(caller, &new.id, &playbook.title, patient.as_deref()).await?;
        let call = Call {
            id: new.id.clone(),
            kind: CallKind::Crash,
            drill: new.drill,
            title: playbook.title.clone(),
            caller: caller.person().to_owned(),
            caller_name: name,
            raised_at: at,
            place: Some(place),
            location: new.location.clone(),
            patient: patient.clone(),
            room: Some(room.clone()),
            playbook: Some(playbook.id.clone()),
            called: Vec::new(),
            words: None,
            audience: Vec::new(),
            replies: Vec::new(),
            people: 0,
            ended: None,
            again: Vec::new(),
        };
        let (writing, by, plans) = (parts.clone(), caller.clone(), playbook.call_plans());
        let is_new = parts
            .store
            .write_with(move |tx| {
                if let Some((known, _)) = calls::get(tx, &writing.cipher, &call.id)? {
                    return if is_same(&known, &call) {
                        Ok(false)
                    } else {
                        Err(ClinicalError::Conflict(Conflict::CallIdTaken))
                    };
                }
                raise(tx, &writing, &by, call, &room, plans)?;
                Ok(true)
            })
            .await?;
        self.wake();
        Ok((self.call(caller, &new.id)?, is_new))
    }

    /// Where to come to, in words: as it was said, or the location, or where the patient lies.
    fn place_of_call(&self, new: &NewCall, patient: Option<&str>) -> Result<String, ClinicalError> {
        let location = new.location.as_deref().map(|id| self.location(id)).transpose();
        let location = location.map_err(|error| match error {
            ClinicalError::NotFound(_) => {
                let path = "CommunicationRequest.extension(call-location)";
                ClinicalError::invalid(path, "there is no such location")
            }
            other => other,
        })?;
        if let Some(place) = &new.place {
            return Ok(place.clone());
        }
        if let Some(location) = location {
            let within = location.part_of.as_deref().map(|id| self.location(id)).transpose()?;
            let within = within.filter(|_| location.kind == crate::LocationKind::Bed);
            return Ok(
                within.map_or(location.name.clone(), |ward| format!("{}, {}", ward.name, location.name))
            );
        }
        let place = match patient {
            Some(patient) => self.place_of(&self.find_patient(patient)?)?.map(|(_, name)| name),
            None => None,
        };
        let missing = || ClinicalError::invalid("CommunicationRequest.extension(call-place)", "is missing");
        place.ok_or_else(missing)
    }

    /// The conversation of the call: the patient's, of which the caller must be a member, or one of its own.
    async fn room_of_call(
        &self,
        caller: &Caller,
        call: &str,
        title: &str,
        patient: Option<&str>,
    ) -> Result<OwnedRoomId, ClinicalError> {
        let rooms = &self.parts.conversations;
        let Some(patient) = patient else {
            return Ok(rooms.create_call_room(call, title, vec![caller.user.clone()]).await?);
        };
        let found = self.find_patient(patient).map_err(|error| match error {
            ClinicalError::NotFound(_) => {
                ClinicalError::invalid("CommunicationRequest.subject", "there is no such patient")
            }
            other => other,
        })?;
        if found.replaced_by.is_some() {
            return Err(ClinicalError::Conflict(Conflict::RecordMerged));
        }
        match found.room {
            Some(room) if rooms.is_member(&room, &caller.user) => Ok(room),
            Some(_) => Err(ClinicalError::Forbidden(Only::Members)),
            None => Err(ClinicalError::Conflict(Conflict::ConversationNotOpen)),
        }
    }
}

/// Raises the requests of a call, one for each person, and writes the call.
fn raise(
    tx: &mut WriteTx<'_>,
    parts: &ClinicalParts,
    by: &Caller,
    mut call: Call,
    room: &OwnedRoomId,
    plans: Vec<(Ask, Vec<PlannedStep>)>,
) -> Result<(), ClinicalError> {
    let at = call.raised_at;
    let part = CallPart {
        id: call.id.clone(),
        title: call.title.clone(),
        place: call.place.clone().unwrap_or_default(),
        drill: call.drill,
    };
    // Who is called already, and by which request.
    let mut by_person: Vec<(String, String)> = Vec::new();
    for (ask, plan) in plans {
        let name = name_of(tx, &ask)?;
        let person = holder(tx, parts, &ask, at)?;
        let known = person.as_ref().and_then(|p| by_person.iter().find(|(known, _)| known == p));
        let task = match (&person, known) {
            (Some(person), _) if *person == call.caller => None,
            (_, Some((_, task))) => Some(task.clone()),
            _ => {
                let id = parts.random.uuid();
                let patient = call.patient.clone();
                let own = OwnRequest { id: id.clone(), patient, description: String::new(), plan };
                let planned = Planned {
                    own,
                    room: room.clone(),
                    playbook: call.playbook.clone(),
                    call: Some(part.clone()),
                };
                Move::of(parts, by, at).raise_planned(tx, planned)?;
                by_person.extend(person.map(|person| (person, id.clone())));
                Some(id)
            }
        };
        call.called.push(Called { ask, name, task });
    }
    calls::put(tx, &parts.cipher, &call)?;
    let playbook = call.playbook.clone().unwrap_or_default();
    audit(tx, by, &call, Action::CallRaised, at, &[("playbook", &playbook)])
}

/// Ends the requests of a call.
pub(super) fn end(
    tx: &mut WriteTx<'_>,
    parts: &ClinicalParts,
    by: &Caller,
    call: &Call,
    at: Timestamp,
) -> Result<(), ClinicalError> {
    for task in tasks_of(tx, parts, call)? {
        if !task.request.state.is_final() {
            Move::of(parts, by, at).apply(tx, task, &Command::StandDown)?;
        }
    }
    Ok(())
}

/// Whether somebody comes by this request.
pub(super) fn comes(task: &Task, person: &str) -> bool {
    task.request.accepted_by.as_deref() == Some(person) || task.request.helpers.contains_key(person)
}

/// The name of the ones whom a step asks.
pub(super) fn step_name(tx: &impl Reader, task: &Task, step: usize) -> Result<String, ClinicalError> {
    let asks = task.request.plan.get(step).map(|step| step.asks.as_slice()).unwrap_or_default();
    Ok(crate::requests::names_of(tx, asks)?)
}

/// The name of somebody.
pub(super) fn name_of_person(tx: &impl Reader, id: &str) -> Result<String, ClinicalError> {
    Ok(directory::practitioner(tx, id)?.map_or_else(|| id.to_owned(), |it| it.display()))
}
