//! What people say to a request that asks them.

use super::{Closes, Context, Reason, Request, RequestError, State, Transition};

impl Request {
    /// A device received it or its holder looked at it. Only those asked now count; from others
    /// who are or were concerned it is quietly passed over.
    pub(super) fn notice(
        &mut self,
        to: State,
        context: &Context<'_>,
        log: &mut Vec<Transition>,
    ) -> Result<(), RequestError> {
        let actor = self.may_answer(context)?;
        let forwards = matches!((self.state, to), (State::Raised, _) | (State::Delivered, State::Seen));
        if forwards && self.holders.contains(&actor) {
            self.record(to, context, None, None, log);
        }
        Ok(())
    }

    pub(super) fn take(
        &mut self,
        context: &Context<'_>,
        log: &mut Vec<Transition>,
    ) -> Result<(), RequestError> {
        let actor = self.may_answer(context)?;
        let step = self.asked_at_step(&actor, context);
        let closes = self.closes(step);
        if let Some(by) = &self.accepted_by {
            let with = *by == actor || self.helpers.contains_key(&actor);
            if !with && closes != Closes::Each {
                return Err(RequestError::AcceptedBy(by.clone()));
            }
            if !with {
                self.join(actor, step, context, log);
            }
            return Ok(());
        }
        if self.joins(&actor, step) {
            self.join(actor, step, context, log);
            return Ok(());
        }
        self.asked.insert(actor.clone(), step);
        self.declined.remove(&actor);
        self.holders = vec![actor.clone()];
        self.accepted_by = Some(actor);
        self.delegated_by = None;
        self.next_step_at = None;
        self.record(State::Accepted, context, None, None, log);
        Ok(())
    }

    /// Whether an acceptance at a step means coming too; for who delegated the request, and whom, it means having it.
    fn joins(&self, actor: &String, step: usize) -> bool {
        let has = self.delegated_by.is_some()
            && (self.delegated_by.as_ref() == Some(actor) || self.holders.contains(actor));
        !has && self.plan.get(step).is_some_and(|step| step.closes == Closes::Step)
    }

    /// Somebody comes too. If the step that asks now is theirs, the next is asked at once.
    fn join(&mut self, actor: String, step: usize, context: &Context<'_>, log: &mut Vec<Transition>) {
        if self.helpers.contains_key(&actor) {
            return;
        }
        self.helpers.insert(actor.clone(), State::Accepted);
        self.asked.insert(actor.clone(), step);
        self.declined.remove(&actor);
        self.beside(State::Accepted, None, context, log);
        if step == self.step && self.accepted_by.is_none() && self.delegated_by.is_none() {
            // A step that closes only itself is never the last.
            let server = Context { actor: None, device: None, ..*context };
            self.ask_from(self.step + 1, &server, None, log);
        }
    }

    pub(super) fn advance(
        &mut self,
        to: State,
        context: &Context<'_>,
        log: &mut Vec<Transition>,
    ) -> Result<(), RequestError> {
        let actor = self.may_answer(context)?;
        let rank = |state| match state {
            State::OnMyWay => 1,
            State::Arrived => 2,
            State::Completed => 3,
            _ => 0,
        };
        let step = self.asked_at_step(&actor, context);
        let joins = match self.accepted_by {
            None => self.joins(&actor, step),
            Some(_) => self.closes(step) == Closes::Each,
        };
        let helps = self.accepted_by.as_ref() != Some(&actor) && (joins || self.helpers.contains_key(&actor));
        if helps && to == State::Completed {
            return Err(RequestError::NotAllowed("the person who accepted it for everybody"));
        }
        self.take(context, log)?;
        if helps {
            let far = self.helpers.get(&actor).copied().unwrap_or(State::Accepted);
            if rank(far) > rank(to) {
                return Err(RequestError::Backwards { from: far, to });
            }
            if far != to {
                self.helpers.insert(actor, to);
                self.beside(to, None, context, log);
            }
            return Ok(());
        }
        if self.state == to {
            return Ok(());
        }
        if rank(self.state) > rank(to) {
            return Err(RequestError::Backwards { from: self.state, to });
        }
        self.record(to, context, None, None, log);
        Ok(())
    }

    pub(super) fn decline(
        &mut self,
        reason: &str,
        context: &Context<'_>,
        log: &mut Vec<Transition>,
    ) -> Result<(), RequestError> {
        let actor = self.may_answer(context)?;
        let said = Some(Reason::Said(reason.to_owned()));
        if self.helpers.remove(&actor).is_some() {
            self.declined.insert(actor);
            self.beside(State::Declined, said, context, log);
            return Ok(());
        }
        if let Some(by) = &self.accepted_by
            && *by != actor
        {
            if self.closes(self.asked_at_step(&actor, context)) != Closes::Each {
                return Err(RequestError::AcceptedBy(by.clone()));
            }
            if self.declined.insert(actor) {
                self.beside(State::Declined, said, context, log);
            }
            return Ok(());
        }
        let gives_back = self.accepted_by.take().is_some();
        if !self.declined.insert(actor.clone()) && !gives_back {
            return Ok(());
        }
        // Who delegated it gives up having it back.
        self.delegated_by.take_if(|by| *by == actor);
        let was_asked_now = self.holders.contains(&actor);
        let others_are = self.holders.iter().any(|person| !self.declined.contains(person));
        if !gives_back && (!was_asked_now || others_are) {
            // Worth recording, but somebody else is still asked.
            self.beside(State::Declined, said, context, log);
            return Ok(());
        }
        self.record(State::Declined, context, None, said, log);
        if self.give_back(context, log) {
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

    pub(super) fn comment(
        &mut self,
        text: &str,
        context: &Context<'_>,
        log: &mut Vec<Transition>,
    ) -> Result<(), RequestError> {
        if context.actor != Some(&self.requester) {
            self.may_answer(context)?;
        }
        self.beside(self.state, Some(Reason::Comment(text.to_owned())), context, log);
        Ok(())
    }

    /// Records what one person did beside the course of the request, whose state stays.
    fn beside(
        &mut self,
        what: State,
        reason: Option<Reason>,
        context: &Context<'_>,
        log: &mut Vec<Transition>,
    ) {
        let before = self.state;
        self.record(what, context, None, reason, log);
        self.state = before;
    }

    /// The actor, if they were asked at any step so far or would be asked by one of them now.
    pub(super) fn may_answer(&self, context: &Context<'_>) -> Result<String, RequestError> {
        let asked = RequestError::NotAllowed("a person who was asked");
        let actor = context.actor.ok_or_else(|| asked.clone())?;
        let stands = |standing: &super::Standing| standing.people.iter().any(|person| person == actor);
        if self.asked.contains_key(actor) || context.standing.iter().take(self.step + 1).any(stands) {
            Ok(actor.to_owned())
        } else {
            Err(asked)
        }
    }

    fn closes(&self, step: usize) -> Closes {
        self.plan.get(step).map(|step| step.closes).unwrap_or_default()
    }

    /// The step at which `actor` was asked, or through which they may answer now.
    fn asked_at_step(&self, actor: &str, context: &Context<'_>) -> usize {
        let stands =
            || context.standing.iter().position(|step| step.people.iter().any(|person| person == actor));
        self.asked.get(actor).copied().or_else(stands).unwrap_or(self.step).min(self.step)
    }
}
