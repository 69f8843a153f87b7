//! Delegating: somebody else is asked to do what one person accepted, who stays answerable until they accept.

use super::{Context, Reason, Request, RequestError, State, Transition};

impl Request {
    /// Asks `to` in the place of the actor, who accepted the request, under a new clock.
    pub(super) fn delegate(
        &mut self,
        to: &str,
        context: &Context<'_>,
        log: &mut Vec<Transition>,
    ) -> Result<(), RequestError> {
        if self.accepted_by.is_none() && self.delegated_by.as_deref() == context.actor && self.holders == [to]
        {
            return Ok(());
        }
        match &self.accepted_by {
            Some(by) if context.actor == Some(by) => {}
            Some(by) => return Err(RequestError::AcceptedBy(by.clone())),
            None => return Err(RequestError::NotAllowed("the person who accepted it")),
        }
        if context.actor == Some(to) || to == self.requester {
            return Err(RequestError::NotAllowed("somebody who neither accepted nor raised it"));
        }
        let by = self.accepted_by.take();
        self.helpers.remove(to);
        self.ask(vec![to.to_owned()], Some(Reason::Delegated), context, log);
        self.delegated_by = by;
        Ok(())
    }

    /// Gives a request that nobody took up back to who delegated it; false if nobody did.
    pub(super) fn give_back(&mut self, context: &Context<'_>, log: &mut Vec<Transition>) -> bool {
        let Some(by) = self.delegated_by.take() else { return false };
        let server = Context { actor: None, device: None, ..*context };
        self.holders = vec![by.clone()];
        self.declined.remove(&by);
        self.accepted_by = Some(by.clone());
        self.next_step_at = None;
        self.record(State::Accepted, &server, Some(by), Some(Reason::Returned), log);
        self.asked_at = self.changed_at;
        true
    }
}
