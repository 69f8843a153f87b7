//! The request: a structured ask with a deadline, as a pure state machine.
//!
//! [`Request::raise`] begins it and [`Request::apply`] moves it; both give the transitions to record.
//! Three rules hold whatever is sent: a finished request changes only by being reopened, the plan is climbed forwards
//! only, and an unfinished request that nobody has accepted always has a clock (`next_step_at`), so
//! that none can disappear.

mod answer;
mod command;
mod delegate;
mod escalation;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::playbook::{Ask, Class, Closes, PlannedStep};
use crate::Timestamp;

pub use command::{Command, Context, RequestError, Standing};

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The holder of the present step is being asked.
    Raised,
    /// It has reached a device of the person asked.
    Delivered,
    /// The person asked has looked at it.
    Seen,
    /// Somebody took it.
    Accepted,
    /// The last one who could be asked declined; they will be asked again.
    Declined,
    /// The one who accepted is coming.
    OnMyWay,
    /// The one who accepted is there.
    Arrived,
    /// Done. Final.
    Completed,
    /// Taken back by the one who raised it. Final.
    Cancelled,
    /// An alarm: nobody holds the last role. It is tried again at every tick of the clock.
    Failed,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::Raised,
        Self::Delivered,
        Self::Seen,
        Self::Accepted,
        Self::Declined,
        Self::OnMyWay,
        Self::Arrived,
        Self::Completed,
        Self::Cancelled,
        Self::Failed,
    ];

    /// Its code on the wire (code system `request-state`).
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Delivered => "delivered",
            Self::Seen => "seen",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::OnMyWay => "on-my-way",
            Self::Arrived => "arrived",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// True if nothing can follow.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }

    /// True if somebody took it and has not finished.
    #[must_use]
    pub const fn is_taken(self) -> bool {
        matches!(self, Self::Accepted | Self::OnMyWay | Self::Arrived)
    }
}

/// Why the server moved a request by itself, or what a person said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The clock of the step ran out.
    NoAnswer,
    /// There is nobody in the role, team or place of this step.
    Vacant,
    /// Everybody of this step was asked before, or raised the request.
    AlreadyAsked,
    /// The condition of this step does not hold.
    NotNow,
    /// The role went to another person.
    HandedOver,
    /// Somebody passed it on to this person.
    Reassigned,
    /// Whoever accepted it asks this person to do it.
    Delegated,
    /// Whom it was delegated to declined or did not answer: it is the delegator's again.
    Returned,
    /// It was over and is asked again.
    Reopened,
    /// A person's own words (why they declined).
    Said(String),
    /// A person's own words about the request; its state is as before.
    Comment(String),
}

/// One recorded change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The state from now on. A step that is skipped is recorded as `Raised` with its reason.
    pub state: State,
    /// When.
    pub at: Timestamp,
    /// The step of the plan to which it belongs, from 0.
    pub step: usize,
    /// Who did it (id of the Practitioner); `None` is the server.
    pub actor: Option<String>,
    /// The device that they used.
    pub device: Option<String>,
    /// Who is asked by it, if it asks somebody.
    pub asks: Option<String>,
    /// Why.
    pub reason: Option<Reason>,
    /// What the clock of the device showed, if it differs from ours by more than [`MAX_SKEW`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_at: Option<Timestamp>,
}

/// How far the clocks of device and server may lie apart before it is shown, in milliseconds.
pub const MAX_SKEW: i64 = 2000;

/// A request as it stands. Only [`Request::raise`] and [`Request::apply`] change it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// How it presses.
    pub class: Class,
    /// Who raised it.
    pub requester: String,
    /// Whom it asks, step by step; never empty.
    pub plan: Vec<PlannedStep>,
    /// When the answer is needed.
    pub needed_by: Option<Timestamp>,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// Where it stands.
    pub state: State,
    /// The present step, from 0.
    pub step: usize,
    /// Who are asked now; whoever accepted, once somebody has. Empty after a vacancy at the last step.
    pub holders: Vec<String>,
    /// When they were asked.
    pub asked_at: Timestamp,
    /// Everybody who was asked so far, with the step at which they were asked last; any of them may still accept.
    pub asked: BTreeMap<String, usize>,
    /// Those who declined since they were asked last.
    pub declined: BTreeSet<String>,
    /// Those who come too: they accepted at a step whose acceptance does not close the request. With how far they are.
    pub helpers: BTreeMap<String, State>,
    /// How often the present step was repeated.
    pub repeats: u8,
    /// Who took it.
    pub accepted_by: Option<String>,
    /// Who delegated it to the one whom it asks now: theirs again unless that one accepts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegated_by: Option<String>,
    /// When the clock runs out; always set while nobody has taken it.
    pub next_step_at: Option<Timestamp>,
    /// True once the clock of the last step has run out.
    pub overdue: bool,
    /// Number of transitions so far.
    pub version: u64,
    /// When it last changed.
    pub changed_at: Timestamp,
}

/// What to raise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raise {
    /// How it presses.
    pub class: Class,
    /// Whom it asks, step by step.
    pub plan: Vec<PlannedStep>,
    /// When the answer is needed. It shortens the wait of the first step if it is sooner.
    pub needed_by: Option<Timestamp>,
}

impl Request {
    /// Raises a request on behalf of `context.actor` and asks the first step that has a holder.
    ///
    /// # Errors
    /// The plan is empty, or nobody is the actor.
    pub fn raise(raise: Raise, context: &Context<'_>) -> Result<(Self, Vec<Transition>), RequestError> {
        if raise.plan.is_empty() {
            return Err(RequestError::NoSteps);
        }
        let requester = context.actor.ok_or(RequestError::NotAllowed("a signed-in person"))?;
        let mut request = Self {
            class: raise.class,
            requester: requester.to_owned(),
            plan: raise.plan,
            needed_by: raise.needed_by,
            raised_at: context.at,
            state: State::Raised,
            step: 0,
            holders: Vec::new(),
            asked_at: context.at,
            asked: BTreeMap::new(),
            declined: BTreeSet::new(),
            helpers: BTreeMap::new(),
            repeats: 0,
            accepted_by: None,
            delegated_by: None,
            next_step_at: None,
            overdue: false,
            version: 0,
            changed_at: context.at,
        };
        let mut log = Vec::new();
        request.ask_from(0, context, None, &mut log);
        Ok((request, log))
    }

    /// Applies a command. A command that was applied before by the same person (a repeat after a lost
    /// answer) changes nothing and gives no transitions; so do a late `Deliver`, `See` or `Expire`.
    ///
    /// # Errors
    /// See [`RequestError`]; the request is then unchanged.
    pub fn apply(
        &self,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<(Self, Vec<Transition>), RequestError> {
        let mut next = self.clone();
        let mut log = Vec::new();
        next.step_by(command, context, &mut log)?;
        Ok((next, log))
    }

    fn step_by(
        &mut self,
        command: &Command,
        context: &Context<'_>,
        log: &mut Vec<Transition>,
    ) -> Result<(), RequestError> {
        if let Command::Comment { text } = command {
            return self.comment(text, context, log);
        }
        if self.state.is_final() && *command == Command::Reopen {
            return self.reopen(context, log);
        }
        if self.state.is_final() {
            return self.repeat_of_the_end(command, context);
        }
        match command {
            Command::Deliver => self.notice(State::Delivered, context, log),
            Command::See => self.notice(State::Seen, context, log),
            Command::Accept => self.take(context, log),
            Command::Decline { reason } => self.decline(reason, context, log),
            Command::OnMyWay => self.advance(State::OnMyWay, context, log),
            Command::Arrive => self.advance(State::Arrived, context, log),
            Command::Complete => self.advance(State::Completed, context, log),
            Command::Cancel if context.actor != Some(&self.requester) => {
                Err(RequestError::NotAllowed("the person who raised it"))
            }
            Command::Cancel | Command::StandDown => {
                self.record(State::Cancelled, context, None, None, log);
                Ok(())
            }
            Command::Reassign { to } => self.reassign(to, context, log),
            Command::Delegate { to } => self.delegate(to, context, log),
            Command::Reopen if context.actor == Some(&self.requester) => Ok(()),
            Command::Reopen => Err(RequestError::NotAllowed("the person who raised it")),
            Command::Comment { text } => self.comment(text, context, log),
            Command::HandOver { role, from, to } => {
                self.hand_over(role, from.as_deref(), to, context, log);
                Ok(())
            }
            Command::Expire { step } => {
                self.expire(*step, context, log);
                Ok(())
            }
        }
    }

    fn repeat_of_the_end(&self, command: &Command, context: &Context<'_>) -> Result<(), RequestError> {
        let by_acceptor = context.actor.is_some() && context.actor == self.accepted_by.as_deref();
        match (self.state, command) {
            (_, Command::Expire { .. } | Command::HandOver { .. } | Command::Deliver | Command::See) => {
                Ok(())
            }
            (_, Command::StandDown) => Ok(()),
            (State::Cancelled, Command::Cancel) if context.actor == Some(&self.requester) => Ok(()),
            (State::Completed, Command::Complete) if by_acceptor => Ok(()),
            _ => Err(RequestError::Final(self.state)),
        }
    }

    fn record(
        &mut self,
        state: State,
        context: &Context<'_>,
        asks: Option<String>,
        reason: Option<Reason>,
        log: &mut Vec<Transition>,
    ) {
        self.state = state;
        if state.is_final() {
            // What has ended waits for nobody, and goes back to nobody.
            self.next_step_at = None;
            self.delegated_by = None;
        }
        self.version += 1;
        self.changed_at = self.changed_at.max(context.at);
        log.push(Transition {
            state,
            at: self.changed_at,
            step: self.step,
            actor: context.actor.map(ToOwned::to_owned),
            device: context.device.map(ToOwned::to_owned),
            asks,
            reason,
            device_at: context
                .device_at
                .filter(|at| context.actor.is_some() && at.millis_since(context.at).abs() > MAX_SKEW),
        });
    }
}
