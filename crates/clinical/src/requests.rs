//! Raising and moving requests. Each move is one transaction: task, transitions, clock, audit, announcement.

mod announce;

pub(crate) use announce::{names_of, reminder as announce_reminder, role as interrupting_role, sounds};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wardline_audit::{Action, Entry};
use wardline_domain::{
    Timestamp,
    care::{
        playbook::{Ask, Class, PlannedStep, Playbook},
        request::{Command, Context, Raise, Request, Standing, State, Transition},
    },
    ruma::OwnedRoomId,
};
use wardline_store::{
    Reader, WriteTx,
    clinical::{
        directory, on_call as duty_rows, playbooks, tasks, teams,
        timers::{self, Timer, TimerKind},
    },
};

use crate::{
    Caller, Clinical, ClinicalError, ClinicalParts, Task,
    directory::MAX_FOUND,
    interruptions,
    outbox::{self, Job},
    proof,
    standing::{Situation, standing},
    subscriptions, user_of,
};

/// How long a member's client has to invite the person asked before the clerk does, in milliseconds.
const INVITE_AFTER: i64 = 5000;
/// How often those whom an urgent request asks are reminded of it, in milliseconds.
const REMIND_EVERY: i64 = 60_000;

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
                        Err(ClinicalError::Conflict("another request has this identifier"))
                    };
                }
                if let Some(known) = tasks::get(tx, &parts.cipher, &new.id)? {
                    return if is_same(&known, &new, caller.person()) {
                        Ok((view(tx, &parts, known)?, false))
                    } else {
                        Err(ClinicalError::Conflict("another request has this id"))
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
                if let Command::Reassign { to } = &command
                    && directory::practitioner(tx, to)?.is_none()
                {
                    let path = "Parameters.parameter(to)";
                    return Err(ClinicalError::invalid(path, "there is no such person"));
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
        task.request.requester == person
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
    pub(crate) parts: &'a ClinicalParts,
    /// Who acts; `None` is the server.
    pub(crate) actor: Option<&'a str>,
    pub(crate) device: Option<&'a str>,
    /// What the clock of the device shows.
    pub(crate) device_at: Option<Timestamp>,
    pub(crate) at: Timestamp,
}

impl<'a> Move<'a> {
    fn of(parts: &'a ClinicalParts, caller: &'a Caller, at: Timestamp) -> Self {
        Self { parts, actor: Some(caller.person()), device: caller.device.as_deref(), device_at: None, at }
    }

    fn raise(
        &self,
        tx: &mut WriteTx<'_>,
        new: NewRequest,
        identifier: Option<(String, String)>,
        room: OwnedRoomId,
    ) -> Result<Task, ClinicalError> {
        let (playbook, plan) = plan(tx, self.parts, &new, self.at)?;
        let about = (new.class, Some(new.patient.as_str()));
        let standing = standing(tx, self.parts, &plan, about, self.at)?;
        let raise = Raise { class: new.class, plan, needed_by: new.needed_by };
        let (request, log) = Request::raise(raise, &self.context(&standing))?;
        let task = Task {
            id: new.id,
            patient: Some(new.patient),
            room,
            addressed: new.addressed,
            playbook,
            event: new.event,
            description: None,
            event_room: None,
            identifier,
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
        let about = (task.request.class, task.patient.as_deref());
        let standing = standing(tx, self.parts, &task.request.plan, about, self.at)?;
        let (request, log) = task.request.apply(command, &self.context(&standing))?;
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
        let Some(first) = own.plan.first().and_then(|step| step.asks.first().cloned()) else { return Ok(()) };
        if tasks::get(tx, &self.parts.cipher, &own.id)?.is_some() {
            return Ok(());
        }
        let about = (Class::Urgent, own.patient.as_deref());
        let standing = standing(tx, self.parts, &own.plan, about, self.at)?;
        let raise = Raise { class: Class::Urgent, plan: own.plan, needed_by: None };
        let (request, log) = Request::raise(raise, &self.context(&standing))?;
        let task = Task {
            id: own.id,
            patient: own.patient,
            room,
            addressed: first,
            playbook: None,
            event: None,
            description: Some(own.description),
            event_room: None,
            identifier: None,
            request,
        };
        self.persist(tx, &task, None, &log)
    }

    fn context<'c>(&'c self, standing: &'c [Standing]) -> Context<'c> {
        let (device, device_at) = (self.device, self.device_at);
        Context { actor: self.actor, device, device_at, at: self.at, standing }
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
        tasks::put(tx, &self.parts.cipher, task, log)?;
        subscriptions::note(tx, self.parts, task, self.at)?;
        let links = proof::extend(tx, self.parts, task, log, self.at)?;
        for (index, (transition, link)) in log.iter().zip(&links).enumerate() {
            self.audit(tx, task, transition, link)?;
            let version = task.request.version - (log.len() - 1 - index) as u64;
            let quiet = interruptions::note(tx, self.parts, task, transition)?;
            announce::transition(tx, &self.parts.server_name, task, before, transition, (version, quiet))?;
        }
        if task.request.state.is_final() {
            self.let_go(tx, task)?;
        }
        Ok(())
    }

    /// Whoever stayed in the conversation for this request alone may leave it.
    fn let_go(&self, tx: &mut WriteTx<'_>, task: &Task) -> Result<(), ClinicalError> {
        let Some(patient) = &task.patient else { return Ok(()) };
        for person in task.request.asked.keys() {
            if !duty_rows::duties(tx, &self.parts.cipher, patient, person)?.is_empty() {
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
        match reminder(&task.request, self.at) {
            Some(due) => timers::set(tx, &timer(TimerKind::Remind, due))?,
            None => timers::clear(tx, TimerKind::Remind, &task.id)?,
        }
        if let Some(asking) = log.iter().rev().find(|t| t.asks.is_some()) {
            timers::set(tx, &timer(TimerKind::Invite, asking.at.plus_millis(INVITE_AFTER)))?;
        } else if task.request.state.is_final() {
            timers::clear(tx, TimerKind::Invite, &task.id)?;
        }
        Ok(())
    }

    /// `link` is the hash of the transition's signed link: whoever signed another one later is found by the audit log.
    fn audit(
        &self,
        tx: &mut WriteTx<'_>,
        task: &Task,
        transition: &Transition,
        link: &[u8; 32],
    ) -> Result<(), ClinicalError> {
        let actor = match &transition.actor {
            Some(person) => user_of(person, &self.parts.server_name)?.to_string(),
            None => "system:timer".to_owned(),
        };
        let mut entry = Entry::new(transition.at, actor, Action::RequestTransition)
            .target(&task.id)
            .with("state", transition.state.code())
            .with("step", transition.step.to_string())
            .with("link", hex::encode(link));
        if let Some(patient) = &task.patient {
            entry = entry.with("patient", patient);
        }
        if let Some(device) = &transition.device {
            entry = entry.device(device);
        }
        if let Some(asked) = &transition.asks {
            entry = entry.with("asks", user_of(asked, &self.parts.server_name)?.to_string());
        }
        Ok(wardline_audit::append(tx, &entry)?)
    }
}

/// When those who are asked are reminded next: every minute while an urgent request waits for an answer.
pub(crate) fn reminder(request: &Request, now: Timestamp) -> Option<Timestamp> {
    let waits = matches!(request.state, State::Raised | State::Delivered | State::Seen);
    let until = request.next_step_at.filter(|_| waits && request.class == Class::Urgent)?;
    let gone = now.millis_since(request.asked_at).max(0) / REMIND_EVERY;
    let due = request.asked_at.plus_millis((gone + 1) * REMIND_EVERY);
    (due < until && !request.holders.is_empty()).then_some(due)
}

/// The playbook (chosen, or the most particular one that serves) and the plan of a new request. Without any
/// playbook the addressed is asked again and again.
fn plan(
    tx: &impl Reader,
    parts: &ClinicalParts,
    new: &NewRequest,
    at: Timestamp,
) -> Result<(Option<String>, Vec<PlannedStep>), ClinicalError> {
    if !exists(tx, &new.addressed)? {
        let problem = match &new.addressed {
            Ask::Role(_) => "there is no such role",
            Ask::Person(_) => "there is no such person",
            Ask::Team(_) => "there is no such team",
            Ask::OnDuty(_) => "there is no such ward",
        };
        return Err(ClinicalError::invalid("Task.owner", problem));
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
