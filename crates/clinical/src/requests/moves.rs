//! One move of a request: task, transitions, clocks, signed chain, audit and announcement, in one transaction.

use wardline_audit::{Action, Entry};
use wardline_domain::{
    Timestamp,
    care::{
        playbook::Class,
        request::{Command, Context, Raise, Request, Standing, State, Transition},
    },
    ruma::OwnedRoomId,
};
use wardline_store::{
    WriteTx,
    clinical::{
        on_call as duty_rows, patients,
        tasks::{self, CallPart},
        timers::{self, Timer, TimerKind},
    },
};

use super::{NewRequest, OwnRequest, announce, plan::plan};
use crate::{
    Caller, ClinicalError, ClinicalParts, Task, interruptions,
    outbox::{self, Job},
    proof,
    standing::standing,
    subscriptions, user_of,
};

/// How long a member's client has to invite the person asked before the clerk does, in milliseconds.
const INVITE_AFTER: i64 = 5000;
/// How often those whom an urgent request asks are reminded of it, in milliseconds.
const REMIND_EVERY: i64 = 60_000;

/// A request whose plan is given.
pub(crate) struct Planned {
    /// The request; its description counts only if it is not part of a call.
    pub(crate) own: OwnRequest,
    pub(crate) room: OwnedRoomId,
    pub(crate) playbook: Option<String>,
    pub(crate) call: Option<CallPart>,
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
    pub(crate) fn of(parts: &'a ClinicalParts, caller: &'a Caller, at: Timestamp) -> Self {
        Self { parts, actor: Some(caller.person()), device: caller.device.as_deref(), device_at: None, at }
    }

    pub(super) fn raise(
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
            call: None,
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
        self.raise_planned(tx, Planned { own, room, playbook: None, call: None })
    }

    /// Raises an urgent request whose plan is given; nothing if it was raised before.
    pub(crate) fn raise_planned(&self, tx: &mut WriteTx<'_>, new: Planned) -> Result<(), ClinicalError> {
        let Planned { own, room, playbook, call } = new;
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
            playbook,
            event: None,
            description: Some(own.description).filter(|_| call.is_none()),
            event_room: None,
            identifier: None,
            call,
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
        self.open_earlier(tx, task)?;
        if task.request.state.is_final() {
            self.let_go(tx, task)?;
        }
        Ok(())
    }

    /// Whoever came into the conversation for this request, and answers it, may read those that were joined to it.
    fn open_earlier(&self, tx: &mut WriteTx<'_>, task: &Task) -> Result<(), ClinicalError> {
        let (Some(patient), Some(person)) = (&task.patient, self.actor) else { return Ok(()) };
        if task.in_own_room() || patients::earlier_rooms(tx, patient)?.is_empty() {
            return Ok(());
        }
        let job = Job::Earlier { patient: patient.clone(), person: person.to_owned() };
        Ok(outbox::push(tx, patient, &job)?)
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

/// When those who are asked are reminded next: every minute while an urgent request waits for an answer. Whoever took a
/// request of class action is reminded once, when it is needed.
pub(crate) fn reminder(request: &Request, now: Timestamp) -> Option<Timestamp> {
    if request.class == Class::Action && request.state.is_taken() {
        return request.needed_by.filter(|due| *due > now);
    }
    let waits = matches!(request.state, State::Raised | State::Delivered | State::Seen);
    let until = request.next_step_at.filter(|_| waits && request.class == Class::Urgent)?;
    let gone = now.millis_since(request.asked_at).max(0) / REMIND_EVERY;
    let due = request.asked_at.plus_millis((gone + 1) * REMIND_EVERY);
    (due < until && !request.holders.is_empty()).then_some(due)
}
