//! What is said to a request, and why it may be refused.

use super::State;
use crate::Timestamp;

/// What somebody (or the clock) wants of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// It is on a device of the person asked.
    Deliver,
    /// The person asked looks at it.
    See,
    /// Take it.
    Accept,
    /// Not me; the next step is asked at once.
    Decline {
        /// Why, in the person's words.
        reason: String,
    },
    /// Coming (accepts first if need be).
    OnMyWay,
    /// There (accepts first if need be).
    Arrive,
    /// Done (accepts first if need be).
    Complete,
    /// Take it back; only the one who raised it.
    Cancel,
    /// Ask another person instead: by who raised it, by who accepted it, or by anybody asked while nobody has.
    Reassign {
        /// That person (id of the Practitioner).
        to: String,
    },
    /// Have another person do what the actor accepted: they are asked, and until they accept the actor stays
    /// answerable for it. If they decline or do not answer in time, it is the actor's again.
    Delegate {
        /// That person (id of the Practitioner).
        to: String,
    },
    /// It is not over after all; only the one who raised it.
    Reopen,
    /// Say something about it, whatever its state; by whoever raised it or was asked.
    Comment {
        /// The words.
        text: String,
    },
    /// The role went to another person: who is asked through it, or accepted through it, is followed by them.
    HandOver {
        /// The role (id of the HealthcareService).
        role: String,
        /// Who held it until now; `None` after a vacancy.
        from: Option<String>,
        /// Who holds it now.
        to: String,
    },
    /// The call of which it is part is over; by whoever may end that, which is not for the request to say.
    StandDown,
    /// The clock of `step` ran out; only the server.
    Expire {
        /// The step that was armed when the clock was set.
        step: usize,
    },
}

/// How a step of the plan stands at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether its condition holds.
    pub applies: bool,
    /// The people who would be asked; none is a vacancy.
    pub people: Vec<String>,
}

impl Standing {
    /// A step without a condition, that would ask these people.
    pub fn of<P: Into<String>>(people: impl IntoIterator<Item = P>) -> Self {
        Self { applies: true, people: people.into_iter().map(Into::into).collect() }
    }
}

/// What the outside world looks like at a command.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Who acts; `None` is the server.
    pub actor: Option<&'a str>,
    /// The device that they use.
    pub device: Option<&'a str>,
    /// What the clock of their device shows, if it says so.
    pub device_at: Option<Timestamp>,
    /// Now. A clock that went back is held at the last transition.
    pub at: Timestamp,
    /// For every step of the plan, how it stands now. A list that is too short counts as vacant.
    pub standing: &'a [Standing],
}

/// Why a command is refused. The request is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It is over.
    #[error("this request is already {}", .0.code())]
    Final(State),
    /// Somebody else was quicker.
    #[error("this request was already accepted by {0}")]
    AcceptedBy(String),
    /// The actor has not been asked, or is not the one who raised it.
    #[error("only {0} can do this")]
    NotAllowed(&'static str),
    /// It would go backwards.
    #[error("a request that is {} cannot become {}", from.code(), to.code())]
    Backwards {
        /// Where it stands.
        from: State,
        /// What was wanted.
        to: State,
    },
    /// There is no plan to follow.
    #[error("a request needs at least one step")]
    NoSteps,
}
