//! Playbooks: the steps that a request climbs until somebody acts. The format is TOML, described in
//! `docs/protocol/playbook.md`.
//!
//! A playbook always terminates: its steps are finite, each repeats finitely often, a request climbs them forwards
//! only, and the last one is a person or role who must act, whatever the time.

mod coverage;
mod file;
mod simulate;
#[cfg(test)]
mod tests;
mod text;
mod when;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use coverage::{Gap, gaps};
pub use simulate::simulate;
pub use when::{Facts, When};

/// Most steps that a playbook may have.
pub const MAX_STEPS: usize = 20;
/// Most who are asked by name in one step.
pub const MAX_ASKS: usize = 10;
/// Most times that a step is repeated.
pub const MAX_REPEATS: u8 = 10;
/// Shortest wait of a step, in milliseconds.
pub const MIN_WAIT: i64 = 10_000;
/// Longest wait of a step, in milliseconds.
pub const MAX_WAIT: i64 = 24 * 3_600_000;

/// How a request presses for attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Somebody must answer within minutes.
    Urgent,
    /// Somebody must do it in this shift.
    Action,
    /// Somebody should know.
    Information,
}

impl Class {
    /// The class with this code, as in `urgent`.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Urgent, Self::Action, Self::Information].into_iter().find(|c| c.code() == code)
    }

    /// Its code on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Action => "action",
            Self::Information => "information",
        }
    }
}

/// Who is to be asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// Whoever holds this role at the moment (id of the HealthcareService).
    Role(String),
    /// One person (id of the Practitioner).
    Person(String),
    /// Everybody of a team (id of the CareTeam).
    Team(String),
    /// Everybody who is on duty at a place at the moment (id of the Location).
    OnDuty(String),
}

impl Ask {
    /// The id of the role, person, team or place.
    #[must_use]
    pub fn id(&self) -> &str {
        let (Self::Role(id) | Self::Person(id) | Self::Team(id) | Self::OnDuty(id)) = self;
        id
    }
}

/// What an acceptance at a step closes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Closes {
    /// The request: nobody else is asked.
    #[default]
    Request,
    /// The step: whoever accepts comes too, and the next step is asked at once.
    Step,
    /// The request, as far as asking goes; others who were asked may still come too.
    Each,
}

/// One whom a step asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Whoever the request is addressed to.
    Addressed,
    /// Somebody whom the playbook names.
    Named(Ask),
}

/// One step of a playbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Who are asked, all at the same time; never empty.
    pub asks: Vec<Asked>,
    /// Milliseconds until they are asked again or the next step is; at the last step, until the same is asked again.
    pub wait: i64,
    /// How often they are asked again before the next step is.
    pub repeat: u8,
    /// When the step is passed over; the first and the last step never are.
    pub when: When,
    /// What an acceptance closes.
    pub closes: Closes,
}

/// A valid playbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Playbook {
    /// Its id, in letters, digits and hyphens.
    pub id: String,
    /// Its name on the screen.
    pub title: String,
    /// What it is for, in a sentence or two; may be empty.
    pub description: String,
    /// The classes of request that it serves.
    pub classes: BTreeSet<Class>,
    /// The addressed roles for which it is chosen by itself; empty stands for any.
    pub roles: BTreeSet<String>,
    /// When it is chosen by itself.
    pub when: When,
    /// True if it is taken only when it is named: for a crash call, say.
    pub only_by_name: bool,
    /// True if it is the plan of a crash call: everybody whom the first step names is called at once, each by a request
    /// of their own that climbs the later steps.
    pub call: bool,
    /// The steps, in order; the first asks the addressed.
    pub steps: Vec<Step>,
}

/// Why a text is not a playbook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaybookError {
    /// Not TOML, or a key of the wrong type.
    #[error("the playbook cannot be read: {0}")]
    Syntax(String),
    /// A field of the head is wrong.
    #[error("playbook, {field}: {problem}")]
    Head {
        /// The key.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A field of a step is wrong.
    #[error("step {step}, {field}: {problem}")]
    Step {
        /// Position of the step, from 1.
        step: usize,
        /// The key.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl Playbook {
    /// Reads and checks a playbook.
    ///
    /// # Errors
    /// Names the step (from 1) and the field that is wrong, or the place of a syntax error.
    pub fn parse(text: &str) -> Result<Self, PlaybookError> {
        file::parse(text)
    }

    /// The plan of a request to `addressed`: each step with concrete asks. A later step that would ask nobody but the
    /// addressed again is left out unless it is the last, who must act.
    #[must_use]
    pub fn plan(&self, addressed: &Ask) -> Vec<PlannedStep> {
        let last = self.steps.len().saturating_sub(1);
        let mut plan: Vec<PlannedStep> = Vec::with_capacity(self.steps.len());
        for (index, step) in self.steps.iter().enumerate() {
            let mut asks: Vec<Ask> = Vec::with_capacity(step.asks.len());
            for asked in &step.asks {
                let ask = match asked {
                    Asked::Addressed => addressed,
                    Asked::Named(ask) => ask,
                };
                if !asks.contains(ask) {
                    asks.push(ask.clone());
                }
            }
            if index == 0 || index == last || asks.iter().any(|ask| ask != addressed) {
                let (wait, repeat, closes) = (step.wait, step.repeat, step.closes);
                plan.push(PlannedStep { asks, wait, repeat, when: step.when.clone(), closes });
            }
        }
        plan
    }

    /// The plans of a crash call: for each role or person whom the first step names, a plan that asks them first and
    /// then climbs as it is written; whoever is asked late or again may come as well. Empty for a playbook that is none of a call.
    #[must_use]
    pub fn call_plans(&self) -> Vec<(Ask, Vec<PlannedStep>)> {
        let named = self.steps.first().filter(|_| self.call).map(|step| step.asks.as_slice());
        let named = named.unwrap_or_default().iter().filter_map(|asked| match asked {
            Asked::Named(ask) => Some(ask.clone()),
            Asked::Addressed => None,
        });
        named
            .map(|ask| {
                let mut plan = self.plan(&ask);
                if let Some(first) = plan.first_mut() {
                    first.asks = vec![ask.clone()];
                }
                for step in &mut plan {
                    step.closes = Closes::Each;
                }
                (ask, plan)
            })
            .collect()
    }

    /// True if this playbook may be the one for a request of `facts` to `addressed` when nobody chose.
    #[must_use]
    pub fn serves(&self, facts: &Facts<'_>, addressed: &Ask) -> bool {
        let role = |ask: &Ask| matches!(ask, Ask::Role(id) if self.roles.contains(id));
        !self.only_by_name
            && self.classes.contains(&facts.class)
            && (self.roles.is_empty() || role(addressed))
            && self.when.holds(facts)
    }

    /// How particular the playbook is: of several that serve, the one with the highest is taken, and of equals the
    /// one whose id sorts first.
    #[must_use]
    pub fn particularity(&self) -> usize {
        2 * usize::from(!self.roles.is_empty()) + usize::from(!self.when.is_always())
    }

    /// Every role, person, team and place that the playbook names.
    pub fn names(&self) -> impl Iterator<Item = &Ask> {
        self.steps.iter().flat_map(|step| &step.asks).filter_map(|asked| match asked {
            Asked::Addressed => None,
            Asked::Named(ask) => Some(ask),
        })
    }

    /// Milliseconds after which, at the latest, the last step is asked: the proof that the playbook terminates.
    #[must_use]
    pub fn longest(&self) -> i64 {
        let before = self.steps.len().saturating_sub(1);
        self.steps.iter().take(before).map(|step| step.wait * (1 + i64::from(step.repeat))).sum()
    }
}

/// One step of a request's own plan, fixed when it is raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Who are asked, all at the same time; never empty.
    pub asks: Vec<Ask>,
    /// Milliseconds until they are asked again or the next step is.
    pub wait: i64,
    /// How often they are asked again before the next step is.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeat: u8,
    /// When the step is passed over.
    #[serde(default, skip_serializing_if = "When::is_always")]
    pub when: When,
    /// What an acceptance closes.
    #[serde(default)]
    pub closes: Closes,
}

impl PlannedStep {
    /// A step that asks one, whenever it is its turn, and whose acceptance closes the request.
    #[must_use]
    pub fn new(ask: Ask, wait: i64) -> Self {
        Self { asks: vec![ask], wait, repeat: 0, when: When::default(), closes: Closes::Request }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_zero(number: &u8) -> bool {
    *number == 0
}
