//! How a request climbs its plan: by the clock, by a decline, past vacancies, and what happens at the
//! last step.

use super::{Ask, Context, PlannedStep, Reason, Request, RequestError, State, Transition};
use crate::Timestamp;

impl Request {
    /// Which step asks when the clock runs out, unless somebody took it: the present one if it is to be repeated or is
    /// the last, else the next whose condition holds.
    #[must_use]
    pub fn next_step(&self, holds: impl Fn(&PlannedStep) -> bool) -> Option<&PlannedStep> {
        self.next_step_at?;
        let last = self.plan.len().checked_sub(1)?;
        if self.step >= last || self.repeats < self.plan.get(self.step)?.repeat {
            return self.plan.get(self.step);
        }
        self.plan
            .iter()
            .enumerate()
            .skip(self.step + 1)
            .find(|(index, s)| *index == last || holds(s))
            .map(|s| s.1)
    }

    pub(super) fn expire(&mut self, step: usize, context: &Context<'_>, log: &mut Vec<Transition>) {
        let due = self.next_step_at.is_some_and(|at| at <= context.at);
        if !due || step != self.step {
            return;
        }
        if self.give_back(context, log) {
            return;
        }
        let last = self.step + 1 == self.plan.len();
        self.overdue |= last;
        let again = self.plan.get(self.step).is_some_and(|step| !last && self.repeats < step.repeat);
        let left = |person: &&String| !self.declined.contains(*person);
        let people: Vec<String> = self.holders.iter().filter(left).cloned().collect();
        if again && !people.is_empty() {
            let repeats = self.repeats + 1;
            self.ask(people, Some(Reason::NoAnswer), context, log);
            self.repeats = repeats;
        } else {
            let next = if last { self.step } else { self.step + 1 };
            self.ask_from(next, context, Some(Reason::NoAnswer), log);
        }
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
        let is_role = |ask: &Ask| matches!(ask, Ask::Role(id) if id == role);
        let through = |step: &PlannedStep| step.asks.iter().any(is_role);
        let answerable = self.accepted_by.as_deref().or(self.delegated_by.as_deref());
        let concerned = match answerable {
            Some(by) => from == Some(by) && self.plan.iter().take(self.step + 1).any(through),
            None => self.plan.get(self.step).is_some_and(through),
        };
        let is_asked = self.holders.iter().any(|holder| holder == to);
        if !concerned || (is_asked && self.delegated_by.is_none()) || self.requester == to {
            return;
        }
        self.holders.retain(|holder| Some(holder.as_str()) != from && holder != to);
        self.holders.push(to.to_owned());
        self.asked.insert(to.to_owned(), self.step);
        self.declined.remove(to);
        self.helpers.remove(to);
        // Whoever follows the delegator is asked beside the one whom the delegator asked.
        self.delegated_by = None;
        if self.accepted_by.take().is_some() {
            let at = context.at.max(self.changed_at);
            self.next_step_at = Some(at.plus_millis(self.wait(self.step)));
        }
        self.record(State::Raised, context, Some(to.to_owned()), Some(Reason::HandedOver), log);
        self.asked_at = self.changed_at;
    }

    /// Another person is asked in place of the present ones, under a new clock.
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
        if self.holders != [to] || self.delegated_by.is_some() {
            self.accepted_by = None;
            self.delegated_by = None;
            self.ask(vec![to.to_owned()], Some(Reason::Reassigned), context, log);
        }
        Ok(())
    }

    /// The holders of the present step are asked again, or the next who can be.
    pub(super) fn reopen(
        &mut self,
        context: &Context<'_>,
        log: &mut Vec<Transition>,
    ) -> Result<(), RequestError> {
        if context.actor != Some(&self.requester) {
            return Err(RequestError::NotAllowed("the person who raised it"));
        }
        self.accepted_by = None;
        self.delegated_by = None;
        self.overdue = false;
        let people: Vec<String> = self.others(self.step, context).cloned().collect();
        if people.is_empty() {
            self.ask_from(self.step, context, Some(Reason::Reopened), log);
        } else {
            self.ask(people, Some(Reason::Reopened), context, log);
        }
        Ok(())
    }

    /// Asks the first step from `first` on that applies and has somebody new to ask; the last step asks whoever
    /// is there, again and again. Steps that are passed over are recorded.
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
            self.repeats = 0;
            if step == last {
                return self.ask_last(context, why, log);
            }
            let standing = context.standing.get(step);
            let new = |person: &&String| !self.asked.contains_key(*person);
            let people: Vec<String> = self.others(step, context).filter(new).cloned().collect();
            let passed = match standing {
                Some(standing) if !standing.applies => Reason::NotNow,
                Some(standing) if !people.is_empty() => {
                    debug_assert!(standing.applies);
                    return self.ask(people, why, context, log);
                }
                Some(standing) if !standing.people.is_empty() => Reason::AlreadyAsked,
                _ => Reason::Vacant,
            };
            self.record(State::Raised, context, None, Some(passed), log);
        }
    }

    fn ask_last(&mut self, context: &Context<'_>, why: Option<Reason>, log: &mut Vec<Transition>) {
        let mut people: Vec<String> = self.others(self.step, context).cloned().collect();
        if people.is_empty() {
            // Whoever raised it is better than nobody.
            people = context.standing.get(self.step).map(|s| s.people.clone()).unwrap_or_default();
        }
        if people.is_empty() {
            self.holders.clear();
            self.overdue = true;
            self.next_step_at = Some(context.at.max(self.changed_at).plus_millis(self.wait(self.step)));
            self.record(State::Failed, context, None, Some(Reason::Vacant), log);
        } else {
            self.ask(people, why, context, log);
        }
    }

    /// Asks these people (at least one) at the present step, under a new clock: one record for each.
    pub(super) fn ask(
        &mut self,
        people: Vec<String>,
        why: Option<Reason>,
        context: &Context<'_>,
        log: &mut Vec<Transition>,
    ) {
        let first = self.asked.is_empty();
        self.next_step_at = Some(self.clock(context.at, first));
        self.repeats = 0;
        for person in &people {
            self.asked.insert(person.clone(), self.step);
            self.declined.remove(person);
            self.record(State::Raised, context, Some(person.clone()), why.clone(), log);
        }
        self.holders = people;
        self.asked_at = self.changed_at;
    }

    /// Who would be asked at a step, without whoever raised the request.
    fn others<'c>(&'c self, step: usize, context: &Context<'c>) -> impl Iterator<Item = &'c String> {
        let people = context.standing.get(step).map(|s| s.people.as_slice()).unwrap_or_default();
        people.iter().filter(|person| **person != self.requester)
    }

    pub(super) fn wait(&self, step: usize) -> i64 {
        self.plan.get(step).map_or(super::super::playbook::MIN_WAIT, |s| s.wait.max(1))
    }

    /// When the clock of the present step runs out. Who are asked first have no longer than the answer is
    /// needed by.
    fn clock(&self, at: Timestamp, first: bool) -> Timestamp {
        let at = at.max(self.changed_at);
        let by_plan = at.plus_millis(self.wait(self.step));
        match self.needed_by {
            Some(needed) if first && needed > at && self.step + 1 < self.plan.len() => by_plan.min(needed),
            _ => by_plan,
        }
    }
}
