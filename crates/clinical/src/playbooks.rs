//! Playbooks against the directory and the rota: whether somebody is behind every step, and what would happen.

use std::collections::BTreeSet;

use wardline_domain::{
    Timestamp,
    care::{
        playbook::{Ask, Class, Gap, Playbook, gaps, simulate},
        request::{RequestError, Transition},
    },
};
use wardline_store::{
    Reader,
    clinical::{
        directory, rota,
        teams::{self, Member},
    },
};

use crate::{
    Clinical, ClinicalError, ClinicalParts,
    requests::{exists, names_of},
    standing::Situation,
};

/// How far ahead a playbook is checked, in milliseconds: a week.
const AHEAD: i64 = 7 * 24 * 3_600_000;

/// What is wrong with a playbook in this organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaybookProblem {
    /// It names somebody or something that the directory does not have.
    Unknown(Ask),
    /// A role has nobody behind it at these times of the coming week.
    Uncovered {
        /// Name of the role.
        role: String,
        /// When.
        gaps: Vec<Gap>,
    },
    /// A team has no members.
    Empty {
        /// Name of the team.
        team: String,
    },
}

/// One thing that a simulated request does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// The transition.
    pub transition: Transition,
    /// The names of those whom its step asks.
    pub step: String,
    /// The name of the person asked, if it asks one.
    pub asks: Option<String>,
}

impl Clinical {
    /// Everything that the directory and the rota of the coming week say against a playbook.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn check_playbook(&self, playbook: Playbook) -> Result<Vec<PlaybookProblem>, ClinicalError> {
        let now = self.parts.clock.now();
        self.parts.store.read(move |tx| check(tx, &playbook, now)).await
    }

    /// What would happen to a request by `requester` that nobody answers: with the people of the rota at each moment.
    /// `ward` is where the patient lies.
    ///
    /// # Errors
    /// [`ClinicalError::Invalid`] if `addressed` is not in the directory, or a failure of the store.
    pub async fn simulate_playbook(
        &self,
        playbook: Playbook,
        class: Class,
        addressed: Ask,
        ward: Option<String>,
        at: Timestamp,
    ) -> Result<Vec<Simulated>, ClinicalError> {
        let parts = self.parts.clone();
        let read = move |tx: &wardline_store::ReadTx<'_>| {
            if !exists(tx, &addressed)? {
                return Err(ClinicalError::invalid("to", "is not in the directory"));
            }
            run(tx, &parts, (&playbook, class), &addressed, ward.as_deref(), at)
        };
        self.parts.store.read(read).await
    }
}

/// Refuses a playbook that names whom the directory does not have, or a team without members: it could not be followed.
/// Hours in which nobody holds a role are no reason to refuse it: they are the rota's to mend.
///
/// # Errors
/// [`ClinicalError::Invalid`], or a failure of the store.
pub(crate) fn check_names(tx: &impl Reader, playbook: &Playbook) -> Result<(), ClinicalError> {
    let roles = playbook.roles.iter().map(|id| Ask::Role(id.clone()));
    for ask in roles.chain(playbook.names().cloned()) {
        if !exists(tx, &ask)? {
            let problem = format!("the directory has no {}", ask.id());
            return Err(ClinicalError::invalid("playbook", problem));
        }
        if let Ask::Team(id) = &ask
            && teams::get(tx, id)?.is_some_and(|team| team.members.is_empty())
        {
            return Err(ClinicalError::invalid("playbook", format!("nobody is in the team {id}")));
        }
    }
    Ok(())
}

fn check(
    tx: &impl Reader,
    playbook: &Playbook,
    now: Timestamp,
) -> Result<Vec<PlaybookProblem>, ClinicalError> {
    let mut problems = Vec::new();
    let mut roles = playbook.roles.clone();
    for ask in playbook.names().collect::<BTreeSet<_>>() {
        if !exists(tx, ask)? {
            problems.push(PlaybookProblem::Unknown(ask.clone()));
            continue;
        }
        match ask {
            Ask::Role(id) => drop(roles.insert(id.clone())),
            Ask::Team(id) => {
                let Some(team) = teams::get(tx, id)? else { continue };
                if team.members.is_empty() {
                    problems.push(PlaybookProblem::Empty { team: team.name });
                }
                roles.extend(team.members.into_iter().filter_map(|member| match member {
                    Member::Role(id) => Some(id),
                    Member::Person(_) => None,
                }));
            }
            Ask::Person(_) | Ask::OnDuty(_) => {}
        }
    }
    for id in roles {
        let Some(role) = directory::service(tx, &id)? else {
            problems.push(PlaybookProblem::Unknown(Ask::Role(id)));
            continue;
        };
        let week = (now, now.plus_millis(AHEAD));
        let gaps = gaps(&rota::spans(tx, &role.id, week)?, week.0, week.1);
        if !gaps.is_empty() {
            problems.push(PlaybookProblem::Uncovered { role: role.name, gaps });
        }
    }
    Ok(problems)
}

fn run(
    tx: &impl Reader,
    parts: &ClinicalParts,
    (playbook, class): (&Playbook, Class),
    addressed: &Ask,
    ward: Option<&str>,
    at: Timestamp,
) -> Result<Vec<Simulated>, ClinicalError> {
    let mut failure = None;
    let plan = playbook.plan(addressed);
    let log = simulate(class, plan.clone(), "", at, |plan, at| {
        let standing = Situation::on_ward(tx, parts, class, ward, at).and_then(|it| it.standing(tx, plan));
        standing.unwrap_or_else(|error| {
            failure = Some(error);
            Vec::new()
        })
    });
    if let Some(error) = failure {
        return Err(error.into());
    }
    let mut found = Vec::new();
    for transition in log.map_err(|error: RequestError| ClinicalError::Request(error))? {
        let step = plan.get(transition.step).map(|step| names_of(tx, &step.asks)).transpose()?;
        let name =
            |id: &String| directory::practitioner(tx, id).map(|it| it.map_or(id.clone(), |p| p.display()));
        let asks = transition.asks.as_ref().map(name).transpose()?;
        found.push(Simulated { transition, step: step.unwrap_or_default(), asks });
    }
    Ok(found)
}
