//! Raising and moving requests. Each move is one transaction: task, transitions, clock, audit, announcement.

mod announce;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wardline_audit::{Action, Entry};
use wardline_domain::{
    Timestamp,
    care::{
        playbook::{Ask, Class, PlannedStep, Playbook},
        request::{Command, Context, Raise, Request, Transition},
    },
    ruma::{OwnedRoomId, ServerName},
};
use wardline_store::{
    Reader, WriteTx,
    clinical::{
        ColumnCipher, directory, on_call as duty_rows, playbooks, tasks,
        timers::{self, Timer, TimerKind},
    },
};

use crate::{
    Caller, Clinical, ClinicalError, Task,
    directory::MAX_FOUND,
    on_call,
    outbox::{self, Job},
    user_of,
};

/// How long a member's client has to invite the person asked before the clerk does, in milliseconds.
const INVITE_AFTER: i64 = 5000;

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
        let patient = self.find_patient(&new.patient).map_err(|error| match error {
            ClinicalError::NotFound(_) => ClinicalError::invalid("Task.for", "there is no such patient"),
            other => other,
        })?;
        if patient.replaced_by.is_some() {
            return Err(ClinicalError::Conflict("this record was merged: the patient has another one"));
        }
        if patient.room.is_some() && patient.record.ward.is_none() {
            return Err(ClinicalError::Conflict("the patient was discharged: the conversation is closed"));
        }
        let room = patient
            .room
            .ok_or(ClinicalError::Conflict("the patient's conversation is still being opened"))?;
        if !self.parts.conversations.is_member(&room, &caller.user) {
            return Err(ClinicalError::Forbidden("members of the patient's conversation"));
        }
        if new.room.as_ref().is_some_and(|said| *said != room) {
            return Err(ClinicalError::invalid(
                "Task.extension(request-room)",
                "is not the patient's conversation",
            ));
        }
        let (cipher, server, caller) =
            (self.parts.cipher.clone(), self.parts.server_name.clone(), caller.clone());
        let at = self.parts.clock.now();
        let result = self
            .parts
            .store
            .write_with(move |tx| {
                let step = Move::of(&cipher, &server, &caller, at);
                if let Some(known) = tasks::get(tx, &cipher, &new.id)? {
                    return if is_same(&known, &new, caller.person()) {
                        Ok((view(tx, &cipher, known)?, false))
                    } else {
                        Err(ClinicalError::Conflict("another request has this id"))
                    };
                }
                let task = step.raise(tx, new, room)?;
                Ok((view(tx, &cipher, task)?, true))
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
        let (cipher, server, caller) =
            (self.parts.cipher.clone(), self.parts.server_name.clone(), caller.clone());
        let (at, id) = (self.parts.clock.now(), id.to_owned());
        let result = self
            .parts
            .store
            .write_with(move |tx| {
                let task = tasks::get(tx, &cipher, &id)?.ok_or(ClinicalError::NotFound("Task"))?;
                if let Command::Reassign { to } = &command
                    && directory::practitioner(tx, to)?.is_none()
                {
                    let path = "Parameters.parameter(to)";
                    return Err(ClinicalError::invalid(path, "there is no such person"));
                }
                let task = Move::of(&cipher, &server, &caller, at).apply(tx, task, &command)?;
                view(tx, &cipher, task)
            })
            .await?;
        self.wake();
        Ok(result)
    }

    /// Reads a request; open to the one who raised it, those who were asked and the members of the patient's
    /// conversation.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], also for a caller who has nothing to do with it.
    pub fn task(&self, caller: &Caller, id: &str) -> Result<TaskView, ClinicalError> {
        let cipher = &self.parts.cipher;
        let found = self.parts.store.read_now(|tx| {
            let task = tasks::get(tx, cipher, id)?.ok_or(ClinicalError::NotFound("Task"))?;
            view(tx, cipher, task)
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
        let cipher = self.parts.cipher.clone();
        self.parts.store.read(move |tx| found.into_iter().map(|task| view(tx, &cipher, task)).collect()).await
    }

    fn may_see(&self, caller: &Caller, task: &Task) -> bool {
        let person = caller.person();
        task.request.requester == person
            || task.request.asked.contains(person)
            || self.parts.conversations.is_member(&task.room, &caller.user)
    }
}

fn view(tx: &impl Reader, cipher: &ColumnCipher, task: Task) -> Result<TaskView, ClinicalError> {
    let transitions = tasks::transitions(tx, cipher, &task.id)?;
    let next = task.request.next_ask().map(|ask| announce::name_of(tx, ask)).transpose()?;
    let addressed = announce::name_of(tx, &task.addressed)?;
    let request = &task.request;
    let people = request
        .asked
        .iter()
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

fn is_same(known: &Task, new: &NewRequest, person: &str) -> bool {
    known.patient.as_ref() == Some(&new.patient)
        && known.addressed == new.addressed
        && known.request.class == new.class
        && known.request.needed_by == new.needed_by
        && known.request.requester == person
        && known.event == new.event
}

/// One move of a request inside a transaction.
pub(crate) struct Move<'a> {
    pub(crate) cipher: &'a ColumnCipher,
    pub(crate) server: &'a ServerName,
    /// Who acts; `None` is the server.
    pub(crate) actor: Option<&'a str>,
    pub(crate) device: Option<&'a str>,
    pub(crate) at: Timestamp,
}

impl<'a> Move<'a> {
    fn of(cipher: &'a ColumnCipher, server: &'a ServerName, caller: &'a Caller, at: Timestamp) -> Self {
        Self { cipher, server, actor: Some(caller.person()), device: caller.device.as_deref(), at }
    }

    fn raise(&self, tx: &mut WriteTx<'_>, new: NewRequest, room: OwnedRoomId) -> Result<Task, ClinicalError> {
        let (playbook, plan) = plan(tx, &new)?;
        let holders = on_call::holders(tx, self.cipher, &plan, self.at)?;
        let raise = Raise { class: new.class, plan, needed_by: new.needed_by };
        let (request, log) = Request::raise(raise, &self.context(&holders))?;
        let task = Task {
            id: new.id,
            patient: Some(new.patient),
            room,
            addressed: new.addressed,
            playbook,
            event: new.event,
            description: None,
            event_room: None,
            request,
        };
        self.persist(tx, &task, None, &log)?;
        Ok(task)
    }

    /// Applies a command to a task and writes all that follows from it.
    pub(crate) fn apply(
        &self,
        tx: &mut WriteTx<'_>,
        task: Task,
        command: &Command,
    ) -> Result<Task, ClinicalError> {
        let holders = on_call::holders(tx, self.cipher, &task.request.plan, self.at)?;
        let (request, log) = task.request.apply(command, &self.context(&holders))?;
        let before = task.request.clone();
        let task = Task { request, ..task };
        self.persist(tx, &task, Some(&before), &log)?;
        Ok(task)
    }

    /// Raises a request of the server itself, whose plan is given; nothing if it was raised before.
    pub(crate) fn raise_own(
        &self,
        tx: &mut WriteTx<'_>,
        own: OwnRequest,
        room: OwnedRoomId,
    ) -> Result<(), ClinicalError> {
        let Some(first) = own.plan.first().map(|step| step.ask.clone()) else { return Ok(()) };
        if tasks::get(tx, self.cipher, &own.id)?.is_some() {
            return Ok(());
        }
        let holders = on_call::holders(tx, self.cipher, &own.plan, self.at)?;
        let raise = Raise { class: Class::Urgent, plan: own.plan, needed_by: None };
        let (request, log) = Request::raise(raise, &self.context(&holders))?;
        let task = Task {
            id: own.id,
            patient: own.patient,
            room,
            addressed: first,
            playbook: None,
            event: None,
            description: Some(own.description),
            event_room: None,
            request,
        };
        self.persist(tx, &task, None, &log)
    }

    fn context<'c>(&'c self, holders: &'c [Option<String>]) -> Context<'c> {
        Context { actor: self.actor, device: self.device, at: self.at, holders }
    }

    fn persist(
        &self,
        tx: &mut WriteTx<'_>,
        task: &Task,
        before: Option<&Request>,
        log: &[Transition],
    ) -> Result<(), ClinicalError> {
        self.set_clocks(tx, task, log)?;
        if log.is_empty() {
            return Ok(());
        }
        tasks::put(tx, self.cipher, task, log)?;
        for (index, transition) in log.iter().enumerate() {
            self.audit(tx, task, transition)?;
            let version = task.request.version - (log.len() - 1 - index) as u64;
            announce::transition(tx, self.server, task, before, transition, version)?;
        }
        if task.request.state.is_final() {
            self.let_go(tx, task)?;
        }
        Ok(())
    }

    /// Whoever stayed in the conversation for this request alone may leave it.
    fn let_go(&self, tx: &mut WriteTx<'_>, task: &Task) -> Result<(), ClinicalError> {
        let Some(patient) = &task.patient else { return Ok(()) };
        for person in &task.request.asked {
            if !duty_rows::duties(tx, self.cipher, patient, person)?.is_empty() {
                let job = Job::Leave { patient: patient.clone(), person: person.clone() };
                outbox::push(tx, patient, &job)?;
            }
        }
        Ok(())
    }

    /// The step's clock always says what the request says, so a clock that was taken too early is set again.
    fn set_clocks(&self, tx: &mut WriteTx<'_>, task: &Task, log: &[Transition]) -> Result<(), ClinicalError> {
        let step = task.request.step;
        let timer = |kind, due_at| Timer { kind, task: task.id.clone(), step, due_at };
        match task.request.next_step_at {
            Some(due) => timers::set(tx, &timer(TimerKind::Step, due))?,
            None => timers::clear(tx, TimerKind::Step, &task.id)?,
        }
        if let Some(asking) = log.iter().rev().find(|t| t.asks.is_some()) {
            timers::set(tx, &timer(TimerKind::Invite, asking.at.plus_millis(INVITE_AFTER)))?;
        } else if task.request.state.is_final() {
            timers::clear(tx, TimerKind::Invite, &task.id)?;
        }
        Ok(())
    }

    fn audit(&self, tx: &mut WriteTx<'_>, task: &Task, transition: &Transition) -> Result<(), ClinicalError> {
        let actor = match &transition.actor {
            Some(person) => user_of(person, self.server)?.to_string(),
            None => "system:timer".to_owned(),
        };
        let mut entry = Entry::new(transition.at, actor, Action::RequestTransition)
            .target(&task.id)
            .with("state", transition.state.code())
            .with("step", transition.step.to_string());
        if let Some(patient) = &task.patient {
            entry = entry.with("patient", patient);
        }
        if let Some(device) = &transition.device {
            entry = entry.device(device);
        }
        if let Some(asked) = &transition.asks {
            entry = entry.with("asks", user_of(asked, self.server)?.to_string());
        }
        Ok(wardline_audit::append(tx, &entry)?)
    }
}

/// The playbook (chosen, or the most particular one that serves) and the plan of a new request. Without any
/// playbook the addressed is asked again and again.
fn plan(tx: &impl Reader, new: &NewRequest) -> Result<(Option<String>, Vec<PlannedStep>), ClinicalError> {
    match &new.addressed {
        Ask::Role(id) if directory::service(tx, id)?.is_none() => {
            return Err(ClinicalError::invalid("Task.owner", "there is no such role"));
        }
        Ask::Person(id) if directory::practitioner(tx, id)?.is_none() => {
            return Err(ClinicalError::invalid("Task.owner", "there is no such person"));
        }
        Ask::Role(_) | Ask::Person(_) => {}
    }
    let all: Vec<Playbook> =
        playbooks::all(tx)?.iter().filter_map(|text| Playbook::parse(text).ok()).collect();
    let chosen = match &new.playbook {
        Some(id) => {
            let found = all.iter().find(|p| p.id == *id && p.classes.contains(&new.class));
            let problem = "there is no such playbook for this class";
            Some(found.ok_or_else(|| ClinicalError::invalid("Task.extension(request-playbook)", problem))?)
        }
        None => {
            let serving = all.iter().filter(|p| p.serves(new.class, &new.addressed));
            serving.max_by_key(|p| !p.roles.is_empty())
        }
    };
    let wait = match new.class {
        Class::Urgent => 5 * 60_000,
        Class::Action => 60 * 60_000,
        Class::Information => 8 * 60 * 60_000,
    };
    let alone = || vec![PlannedStep { ask: new.addressed.clone(), wait }];
    Ok((chosen.map(|p| p.id.clone()), chosen.map_or_else(alone, |p| p.plan(&new.addressed))))
}
