//! How a request climbs its plan: by the clock, by a decline, past vacancies, and what happens at the
//! last step.

use super::{Ask, Context, PlannedStep, Reason, Request, RequestError, State, Transition};
use crate::Timestamp;

impl Request {
    /// Who is asked next and when, unless somebody took it: the ask of the following step, or of the
    /// last one again.
    #[must_use]
    pub fn next_ask(&self) -> Option<&Ask> {
        let last = self.plan.len().checked_sub(1)?;
        self.next_step_at.and_then(|_| self.plan.get((self.step + 1).min(last))).map(|step| &step.ask)
    }

    pub(super) fn decline(
        &mut self,
        reason: &str,
        context: &Context<'_>,
        log: &mut Vec<Transition>,
    ) -> Result<(), RequestError> {
        let actor = self.may_answer(context)?;
        if let Some(by) = &self.accepted_by
            && *by != actor
        {
            return Err(RequestError::AcceptedBy(by.clone()));
        }
        let gives_back = self.accepted_by.take().is_some();
        let was_asked_now = self.holder.as_deref() == Some(&actor);
        if self.state == State::Declined && was_asked_now {
            return Ok(());
        }
        let said = Some(Reason::Said(reason.to_owned()));
        let before = self.state;
        self.record(State::Declined, context, None, said, log);
        if !was_asked_now && !gives_back {
            // Somebody of an earlier step says no: worth recording, but the present holder is still asked.
            self.state = before;
            return Ok(());
        }
        if self.step + 1 < self.plan.len() {
            let server = Context { actor: None, device: None, ..*context };
            self.ask_from(self.step + 1, &server, None, log);
        } else {
            // The last one must act: they are asked again when the clock runs out.
            self.overdue = true;
            self.next_step_at = Some(self.changed_at.plus_millis(self.wait(self.step)));
        }
        Ok(())
    }

    pub(super) fn expire(&mut self, step: usize, context: &Context<'_>, log: &mut Vec<Transition>) {
        let due = self.next_step_at.is_some_and(|at| at <= context.at);
        if !due || step != self.step {
            return;
        }
        let last = self.step + 1 == self.plan.len();
        self.overdue |= last;
        self.ask_from(if last { self.step } else { self.step + 1 }, context, Some(Reason::NoAnswer), log);
    }

    /// The new holder of a role is asked in place of the last one. What the last one had accepted must be
    /// accepted anew, under a new clock; a clock that runs already goes on.
    pub(super) fn hand_over(
        &mut self,
        role: &str,
        from: Option<&str>,
        to: &str,
        context: &Context<'_>,
        log: &mut Vec<Transition>,
    ) {
        let through = |step: &PlannedStep| matches!(&step.ask, Ask::Role(id) if id == role);
        let concerned = match self.accepted_by.as_deref() {
            Some(by) => from == Some(by) && self.plan.iter().take(self.step + 1).any(through),
            None => self.plan.get(self.step).is_some_and(through),
        };
        if !concerned || self.holder.as_deref() == Some(to) || self.requester == to {
            return;
        }
        self.holder = Some(to.to_owned());
        self.asked.insert(to.to_owned());
        if self.accepted_by.take().is_some() {
            let at = context.at.max(self.changed_at);
            self.next_step_at = Some(at.plus_millis(self.wait(self.step)));
        }
        self.record(State::Raised, context, Some(to.to_owned()), Some(Reason::HandedOver), log);
        self.asked_at = self.changed_at;
    }

    /// Another person is asked in place of the present one, under a new clock.
    pub(super) fn reassign(
        &mut self,
        to: &str,
        context: &Context<'_>,
        log: &mut Vec<Transition>,
    ) -> Result<(), RequestError> {
        let raised_it = context.actor == Some(&self.requester);
        match &self.accepted_by {
            _ if raised_it => {}
            Some(by) if context.actor == Some(by) => {}
            Some(by) => return Err(RequestError::AcceptedBy(by.clone())),
            None => drop(self.may_answer(context)?),
        }
        if to == self.requester {
            return Err(RequestError::NotAllowed("somebody who did not raise it"));
        }
        if self.holder.as_deref() != Some(to) {
            self.accepted_by = None;
            self.ask(to, Reason::Reassigned, context, log);
        }
        Ok(())
    }

    /// The holder of the present step is asked again, or the next who can be.
    pub(super) fn reopen(
        &mut self,
        context: &Context<'_>,
        log: &mut Vec<Transition>,
    ) -> Result<(), RequestError> {
        if context.actor != Some(&self.requester) {
            return Err(RequestError::NotAllowed("the person who raised it"));
        }
        self.accepted_by = None;
        self.overdue = false;
        let found = context.holders.get(self.step).cloned().flatten().filter(|p| *p != self.requester);
        match found {
            Some(person) => self.ask(&person, Reason::Reopened, context, log),
            None => self.ask_from(self.step, context, Some(Reason::Reopened), log),
        }
        Ok(())
    }

    fn ask(&mut self, person: &str, why: Reason, context: &Context<'_>, log: &mut Vec<Transition>) {
        self.holder = Some(person.to_owned());
        self.asked.insert(person.to_owned());
        let at = context.at.max(self.changed_at);
        self.next_step_at = Some(at.plus_millis(self.wait(self.step)));
        self.record(State::Raised, context, Some(person.to_owned()), Some(why), log);
        self.asked_at = self.changed_at;
    }

    /// Asks the first step from `first` on that has somebody new to ask; the last step asks whoever
    /// holds it, again and again. Steps that are passed over are recorded.
    pub(super) fn ask_from(
        &mut self,
        first: usize,
        context: &Context<'_>,
        why: Option<Reason>,
        log: &mut Vec<Transition>,
    ) {
        let last = self.plan.len().saturating_sub(1);
        for step in first..=last {
            self.step = step;
            let found = context.holders.get(step).cloned().flatten();
            let known = found.as_ref().is_some_and(|p| *p == self.requester || self.asked.contains(p));
            match found {
                Some(_) if known && step < last => {
                    self.record(State::Raised, context, None, Some(Reason::AlreadyAsked), log);
                }
                Some(person) => {
                    self.holder = Some(person.clone());
                    self.asked.insert(person.clone());
                    self.next_step_at = Some(self.clock(step, context.at));
                    self.record(State::Raised, context, Some(person), why, log);
                    self.asked_at = self.changed_at;
                    return;
                }
                None if step < last => self.record(State::Raised, context, None, Some(Reason::Vacant), log),
                None => {
                    self.holder = None;
                    self.overdue = true;
                    self.next_step_at = Some(context.at.max(self.changed_at).plus_millis(self.wait(step)));
                    self.record(State::Failed, context, None, Some(Reason::Vacant), log);
                    return;
                }
            }
        }
    }

    fn wait(&self, step: usize) -> i64 {
        self.plan.get(step).map_or(super::super::playbook::MIN_WAIT, |s| s.wait.max(1))
    }

    /// When the clock of `step` runs out. Whoever is asked first has no longer than the answer is
    /// needed by.
    fn clock(&self, step: usize, at: Timestamp) -> Timestamp {
        let at = at.max(self.changed_at);
        let by_plan = at.plus_millis(self.wait(step));
        match self.needed_by {
            Some(needed) if self.asked.len() == 1 && needed > at && step + 1 < self.plan.len() => {
                by_plan.min(needed)
            }
            _ => by_plan,
        }
    }
}
