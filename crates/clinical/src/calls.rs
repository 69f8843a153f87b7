//! Crash calls and broadcasts: many people called at once, and the board of who comes.
//!
//! A crash call (`crash`) is a group of requests, one for each role that its playbook names, raised in one transaction:
//! each has its own clock, chain and proof, and climbs by itself. A broadcast (`broadcast`) tells hundreds or thousands of
//! people something and collects their answers; its words are sealed, not end-to-end encrypted
//! (`docs/decisions/0040-broadcasts-are-sealed-not-end-to-end-encrypted.md`). Both have a `board`.

mod audience;
mod board;
mod broadcast;
mod crash;

use wardline_audit::{Action, Entry};
use wardline_domain::{Timestamp, care::playbook::Ask};
use wardline_store::{
    Reader, WriteTx,
    clinical::{calls, directory, rota, tasks},
};

pub use audience::MAX_PEOPLE;
pub use board::{Board, BoardAnswer, BoardRow, CallReport};

use crate::{
    Audience, Call, CallKind, CalledPerson, Caller, Clinical, ClinicalError, ClinicalParts, Only, Reply,
    Task, user_of,
};

/// How long an ended call is still listed, in milliseconds: a day.
const LISTED: i64 = 24 * 3_600_000;
/// Most calls that are listed.
const MAX_LISTED: usize = 100;
/// Longest place, in characters.
const MAX_PLACE: usize = 120;

/// Who may broadcast, and see and end every call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallManagers {
    /// Ids of roles: whoever holds one of them.
    pub roles: Vec<String>,
    /// Ids of people.
    pub people: Vec<String>,
}

/// A call to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCall {
    /// The id that the client chose, a UUID; making a call twice with the same id is one call.
    pub id: String,
    /// Whether it is an exercise.
    pub drill: bool,
    /// Where to come to, in words. A crash call needs it, a location or a patient in a bed.
    pub place: Option<String>,
    /// Where to come to (id of the Location).
    pub location: Option<String>,
    /// What kind of call.
    pub kind: NewCallKind,
}

/// What kind of call is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewCallKind {
    /// The team of a playbook.
    Crash {
        /// Id of the playbook.
        playbook: String,
        /// About whom, if it is made in a patient's conversation.
        patient: Option<String>,
    },
    /// Many people.
    Broadcast {
        /// What it is called.
        title: String,
        /// What it says. Never about a patient.
        words: String,
        /// Whom it is for.
        audience: Vec<Audience>,
        /// What may be answered; empty stands for the usual three.
        replies: Vec<Reply>,
    },
}

/// A call as a reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallView {
    /// The call.
    pub call: Call,
    /// Rises with every change to it and its people.
    pub version: u64,
    /// How far a broadcast has come with the reader, if it calls them.
    pub own: Option<CalledPerson>,
    /// Whether the reader may see its board and report.
    pub may_see_board: bool,
    /// Whether the reader may end it.
    pub may_end: bool,
}

/// What somebody may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOptions {
    /// Whether they may broadcast, and see and end every call.
    pub manages: bool,
    /// The crash calls that there are.
    pub plans: Vec<CallPlan>,
}

/// A crash call that can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallPlan {
    /// Id of the playbook.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// Whom it calls.
    pub roles: Vec<PlanRole>,
}

/// One whom a crash call would call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRole {
    /// Name of the role or person.
    pub name: String,
    /// Name of whoever would be called now; `None`: nobody holds the role.
    pub holder: Option<String>,
}

impl Clinical {
    /// What the caller may call at this moment.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn call_options(&self, caller: &Caller) -> Result<CallOptions, ClinicalError> {
        let (parts, now) = (&self.parts, self.parts.clock.now());
        parts.store.read_now(|tx| {
            let mut plans = Vec::new();
            for playbook in parts.playbooks.all(tx)? {
                let mut roles = Vec::new();
                for (ask, _) in playbook.call_plans() {
                    let holder = holder(tx, parts, &ask, now)?;
                    let holder = holder.map(|person| crate::requests::person(tx, &person)).transpose()?;
                    roles.push(PlanRole { name: crate::requests::name_of(tx, &ask)?, holder });
                }
                if !roles.is_empty() {
                    let (id, title) = (playbook.id.clone(), playbook.title.clone());
                    let description = playbook.description.clone();
                    plans.push(CallPlan { id, title, description, roles });
                }
            }
            Ok(CallOptions { manages: manages(tx, parts, caller.person(), now)?, plans })
        })
    }

    /// Makes a call. `true` if it is new; making the same again (same id, same content, same person) gives the call as it
    /// stands.
    ///
    /// # Errors
    /// [`ClinicalError::Invalid`] names the field; [`ClinicalError::Forbidden`] for who may not;
    /// [`ClinicalError::Conflict`] if the id is taken by another call.
    pub async fn raise_call(&self, caller: &Caller, new: NewCall) -> Result<(CallView, bool), ClinicalError> {
        let place = new.place.as_deref().map(|text| words("place", text, MAX_PLACE)).transpose()?;
        let new = NewCall { place: place.filter(|place| !place.is_empty()), ..new };
        match &new.kind {
            NewCallKind::Crash { .. } => self.raise_crash_call(caller, new).await,
            NewCallKind::Broadcast { .. } => self.raise_broadcast(caller, new).await,
        }
    }

    /// Reads a call; open to who made it, whom it calls, members of its conversation and those who manage calls.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], also for a caller who has nothing to do with it.
    pub fn call(&self, caller: &Caller, id: &str) -> Result<CallView, ClinicalError> {
        let found = self.parts.store.read_now(|tx| {
            let (call, seq) = calls::get(tx, &self.parts.cipher, id)?
                .ok_or(ClinicalError::NotFound("CommunicationRequest"))?;
            self.view_of(tx, caller, call, seq)
        })?;
        found.ok_or(ClinicalError::NotFound("CommunicationRequest"))
    }

    /// The calls that concern the caller: the open ones, and those of the last day; the latest first.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn calls(&self, caller: &Caller) -> Result<Vec<CallView>, ClinicalError> {
        let since = self.parts.clock.now().plus_millis(-LISTED);
        self.parts.store.read_now(|tx| {
            let all = calls::recent(tx, &self.parts.cipher, since, MAX_LISTED)?;
            let views = all.into_iter().map(|(call, seq)| self.view_of(tx, caller, call, seq));
            views.filter_map(Result::transpose).collect()
        })
    }

    /// Ends a call: nobody is called by it any more. Ending it again changes nothing.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`]; [`ClinicalError::Forbidden`] for who neither made it, nor manages calls, nor has
    /// accepted a crash call.
    pub async fn end_call(&self, caller: &Caller, id: &str) -> Result<CallView, ClinicalError> {
        let view = self.call(caller, id)?;
        if view.call.ended.is_some() {
            return Ok(view);
        }
        if !view.may_end {
            return Err(ClinicalError::Forbidden(Only::CallPeople));
        }
        let (parts, by, at) = (self.parts.clone(), caller.clone(), self.parts.clock.now());
        let call = id.to_owned();
        self.parts
            .store
            .write_with(move |tx| {
                let Some((mut call, _)) = calls::get(tx, &parts.cipher, &call)? else { return Ok(()) };
                if call.ended.is_some() {
                    return Ok(());
                }
                let name = crate::requests::person(tx, by.person())?;
                call.ended = Some((by.person().to_owned(), name, at));
                match call.kind {
                    CallKind::Crash => crash::end(tx, &parts, &by, &call, at)?,
                    CallKind::Broadcast => broadcast::end(tx, &call)?,
                }
                calls::put(tx, &parts.cipher, &call)?;
                audit(tx, &by, &call, Action::CallEnded, at, &[])
            })
            .await?;
        self.wake();
        self.call(caller, id)
    }

    /// What the caller may see of a call; `None` if nothing.
    fn view_of(
        &self,
        tx: &impl Reader,
        caller: &Caller,
        call: Call,
        seq: u64,
    ) -> Result<Option<CallView>, ClinicalError> {
        let parts = &self.parts;
        let me = caller.person();
        let manages = call.caller == me || manages(tx, parts, me, parts.clock.now())?;
        match call.kind {
            CallKind::Broadcast => {
                let own = calls::person(tx, &parts.cipher, &call.id, me)?;
                let seen = manages || own.is_some();
                let view = CallView { call, version: seq, own, may_see_board: manages, may_end: manages };
                Ok(seen.then_some(view))
            }
            CallKind::Crash => {
                let tasks = tasks_of(tx, parts, &call)?;
                let asked = tasks.iter().any(|task| task.request.asked.contains_key(me));
                let comes = tasks.iter().any(|task| crash::comes(task, me));
                let member = || {
                    call.room.as_ref().is_some_and(|room| parts.conversations.is_member(room, &caller.user))
                };
                if !(manages || asked || member()) {
                    return Ok(None);
                }
                let version = seq + tasks.iter().map(|task| task.request.version).sum::<u64>();
                Ok(Some(CallView {
                    call,
                    version,
                    own: None,
                    may_see_board: true,
                    may_end: manages || comes,
                }))
            }
        }
    }
}

/// The requests of a crash call, each once.
fn tasks_of(tx: &impl Reader, parts: &ClinicalParts, call: &Call) -> Result<Vec<Task>, ClinicalError> {
    let mut ids: Vec<&String> = Vec::new();
    for id in call.called.iter().filter_map(|it| it.task.as_ref()) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let all = ids.into_iter().map(|id| tasks::get(tx, &parts.cipher, id)).collect::<Result<Vec<_>, _>>()?;
    Ok(all.into_iter().flatten().collect())
}

/// Whether somebody may broadcast, and see and end every call.
fn manages(
    tx: &impl Reader,
    parts: &ClinicalParts,
    person: &str,
    at: Timestamp,
) -> Result<bool, ClinicalError> {
    if parts.call_managers.people.iter().any(|id| id == person) {
        return Ok(true);
    }
    for role in &parts.call_managers.roles {
        if rota::holder(tx, &parts.cipher, role, at)?.is_some_and(|shift| shift.person == person) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Who would be called by a role or person now.
fn holder(
    tx: &impl Reader,
    parts: &ClinicalParts,
    ask: &Ask,
    at: Timestamp,
) -> Result<Option<String>, ClinicalError> {
    Ok(match ask {
        Ask::Person(id) => Some(id.clone()),
        Ask::Role(id) => rota::holder(tx, &parts.cipher, id, at)?.map(|shift| shift.person),
        Ask::Team(_) | Ask::OnDuty(_) => None,
    })
}

/// Only staff of the directory make calls; gives their name.
fn member_of_staff(tx: &impl Reader, caller: &Caller) -> Result<String, ClinicalError> {
    let found = directory::practitioner(tx, caller.person())?;
    found.map(|it| it.display()).ok_or(ClinicalError::Forbidden(Only::Staff))
}

/// A text without white space around it, at most `most` characters and none of them a control character but line breaks.
fn words(field: &str, text: &str, most: usize) -> Result<String, ClinicalError> {
    let text = text.trim();
    let path = || format!("CommunicationRequest.{field}");
    if text.chars().count() > most {
        return Err(ClinicalError::invalid(path(), format!("must have at most {most} characters")));
    }
    if text.chars().any(|it| it.is_control() && it != '\n') {
        return Err(ClinicalError::invalid(path(), "has a control character"));
    }
    Ok(text.to_owned())
}

/// Whether a known call is the one that somebody makes again.
fn is_same(known: &Call, made: &Call) -> bool {
    let constants = |call: &Call| Call {
        raised_at: Timestamp(0),
        caller_name: String::new(),
        called: Vec::new(),
        audience: call.audience.iter().map(|(audience, _)| (audience.clone(), String::new())).collect(),
        people: 0,
        ended: None,
        again: Vec::new(),
        room: None,
        ..call.clone()
    };
    constants(known) == constants(made)
}

fn audit(
    tx: &mut WriteTx<'_>,
    caller: &Caller,
    call: &Call,
    action: Action,
    at: Timestamp,
    more: &[(&str, &str)],
) -> Result<(), ClinicalError> {
    let mut entry = Entry::new(at, caller.user.as_str(), action)
        .target(format!("CommunicationRequest/{}", call.id))
        .with("kind", call.kind.code())
        .with("drill", call.drill.to_string());
    if let Some(device) = &caller.device {
        entry = entry.device(device);
    }
    if let Some(patient) = &call.patient {
        entry = entry.with("patient", patient);
    }
    for (name, value) in more {
        entry = entry.with(name, *value);
    }
    Ok(wardline_audit::append(tx, &entry)?)
}

/// The Matrix user of somebody, if there is an account.
fn account(
    tx: &impl Reader,
    parts: &ClinicalParts,
    person: &str,
) -> Result<Option<wardline_store::UserNid>, ClinicalError> {
    let Ok(user) = user_of(person, &parts.server_name) else { return Ok(None) };
    Ok(wardline_store::users::find(tx, &user)?)
}
