//! Playbooks: the steps that a request climbs until somebody acts. The format is TOML, described in
//! `docs/protocol/playbook.md`.
//!
//! A playbook always terminates: its steps are finite, a request climbs them forwards only, and the
//! last one is a person or role who must act.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Most steps that a playbook may have.
pub const MAX_STEPS: usize = 20;
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
#[serde(rename_all = "lowercase")]
pub enum Ask {
    /// Whoever holds this role at the moment (id of the HealthcareService).
    Role(String),
    /// One person (id of the Practitioner).
    Person(String),
}

/// One step of a playbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Who is asked; `None` stands for the role or person to whom the request is addressed.
    pub ask: Option<Ask>,
    /// Milliseconds until the next step; at the last step, until the same one is asked again.
    pub wait: i64,
}

/// A valid playbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Playbook {
    /// Its id, in letters, digits and hyphens.
    pub id: String,
    /// Its name on the screen.
    pub title: String,
    /// The classes of request that it serves.
    pub classes: BTreeSet<Class>,
    /// The addressed roles for which it is chosen by itself; empty stands for any.
    pub roles: BTreeSet<String>,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: String,
    title: String,
    classes: Vec<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    steps: Vec<FileStep>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileStep {
    ask: FileAsk,
    wait: String,
    #[serde(default)]
    must_act: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileAsk {
    #[serde(default)]
    addressed: bool,
    role: Option<String>,
    person: Option<String>,
}

impl Playbook {
    /// Reads and checks a playbook.
    ///
    /// # Errors
    /// Names the step (from 1) and the field that is wrong, or the place of a syntax error.
    pub fn parse(text: &str) -> Result<Self, PlaybookError> {
        let file: File = toml::from_str(text).map_err(|e| PlaybookError::Syntax(e.to_string()))?;
        let head = |field, problem: &str| Err(PlaybookError::Head { field, problem: problem.to_owned() });
        if !is_id(&file.id) {
            return head("id", "must be letters, digits and hyphens, at most 64");
        }
        if file.title.trim().is_empty() {
            return head("title", "must not be empty");
        }
        let mut classes = BTreeSet::new();
        for code in &file.classes {
            match Class::from_code(code) {
                Some(class) => classes.insert(class),
                None => return head("classes", "each is one of urgent, action, information"),
            };
        }
        if classes.is_empty() {
            return head("classes", "must name at least one class");
        }
        if !file.roles.iter().all(|r| is_id(r)) {
            return head("roles", "each must be the id of a role");
        }
        if file.steps.is_empty() || file.steps.len() > MAX_STEPS {
            return head("steps", "must be between 1 and 20");
        }
        let steps = steps(&file.steps)?;
        Ok(Self { id: file.id, title: file.title, classes, roles: file.roles.into_iter().collect(), steps })
    }

    /// The plan of a request to `addressed`: each step with a concrete ask. A later step that would ask
    /// the addressed again is left out unless it is the last, who must act.
    #[must_use]
    pub fn plan(&self, addressed: &Ask) -> Vec<PlannedStep> {
        let last = self.steps.len().saturating_sub(1);
        let planned = |step: &Step| PlannedStep {
            ask: step.ask.clone().unwrap_or_else(|| addressed.clone()),
            wait: step.wait,
        };
        let mut plan: Vec<PlannedStep> = Vec::with_capacity(self.steps.len());
        for (index, step) in self.steps.iter().map(planned).enumerate() {
            if index == 0 || index == last || step.ask != *addressed {
                plan.push(step);
            }
        }
        plan
    }

    /// True if this playbook is the one for a request of `class` to `addressed` when nobody chose.
    #[must_use]
    pub fn serves(&self, class: Class, addressed: &Ask) -> bool {
        let role = |ask: &Ask| matches!(ask, Ask::Role(id) if self.roles.contains(id));
        self.classes.contains(&class) && (self.roles.is_empty() || role(addressed))
    }
}

/// One step of a request's own plan, fixed when it is raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Who is asked.
    pub ask: Ask,
    /// Milliseconds until the next step.
    pub wait: i64,
}

fn steps(file: &[FileStep]) -> Result<Vec<Step>, PlaybookError> {
    let mut steps = Vec::with_capacity(file.len());
    for (index, step) in file.iter().enumerate() {
        let fail = |field, problem: &str| PlaybookError::Step {
            step: index + 1,
            field,
            problem: problem.to_owned(),
        };
        let (first, last) = (index == 0, index + 1 == file.len());
        let ask = match (step.ask.addressed, &step.ask.role, &step.ask.person) {
            (true, None, None) if first => None,
            (true, None, None) => return Err(fail("ask", "only the first step asks the addressed")),
            (false, _, _) if first => return Err(fail("ask", "the first step must be { addressed = true }")),
            (false, Some(role), None) if is_id(role) => Some(Ask::Role(role.clone())),
            (false, None, Some(person)) if is_id(person) => Some(Ask::Person(person.clone())),
            (false, Some(_), None) => return Err(fail("ask", "role must be the id of a role")),
            (false, None, Some(_)) => return Err(fail("ask", "person must be the id of a person")),
            _ => return Err(fail("ask", "exactly one of addressed, role, person")),
        };
        let wait =
            duration(&step.wait).ok_or_else(|| fail("wait", "is written like \"90s\", \"5m\" or \"1h\""))?;
        if !(MIN_WAIT..=MAX_WAIT).contains(&wait) {
            return Err(fail("wait", "must be between 10s and 24h"));
        }
        if step.must_act && !last {
            return Err(fail("must_act", "only the last step is the one who must act"));
        }
        if last && !step.must_act {
            return Err(fail("must_act", "the last step must name who must act: set must_act = true"));
        }
        steps.push(Step { ask, wait });
    }
    Ok(steps)
}

fn is_id(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    !text.is_empty() && text.len() <= 64 && text.bytes().all(allowed)
}

/// `90s`, `5m`, `1h` in milliseconds.
fn duration(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let scale = match unit {
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.parse::<u32>().ok().map(|n| i64::from(n) * scale)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = r#"
        id = "deteriorating-patient"
        title = "Deteriorating patient"
        classes = ["urgent"]
        roles = ["medical-registrar"]
        [[steps]]
        ask = { addressed = true }
        wait = "5m"
        [[steps]]
        ask = { role = "surgical-registrar" }
        wait = "90s"
        [[steps]]
        ask = { role = "site-manager" }
        wait = "1h"
        must_act = true
    "#;

    #[test]
    fn a_good_playbook_becomes_a_plan() {
        let playbook = Playbook::parse(GOOD).unwrap();
        let registrar = Ask::Role("medical-registrar".into());
        assert!(playbook.serves(Class::Urgent, &registrar));
        assert!(!playbook.serves(Class::Action, &registrar));
        assert!(!playbook.serves(Class::Urgent, &Ask::Role("pharmacist".into())));
        let waits: Vec<i64> = playbook.plan(&registrar).iter().map(|s| s.wait).collect();
        assert_eq!(waits, [300_000, 90_000, 3_600_000]);
        let surgical = playbook.plan(&Ask::Role("surgical-registrar".into()));
        assert_eq!(surgical.len(), 2, "nobody is asked twice on the way");
    }

    #[test]
    fn errors_name_the_step_and_the_field() {
        let with =
            |from: &str, to: &str| Playbook::parse(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
        assert_eq!(with("\"90s\"", "\"90 s\""), "step 2, wait: is written like \"90s\", \"5m\" or \"1h\"");
        assert!(with("\"90s\"", "\"9s\"").starts_with("step 2, wait: must be between"));
        assert!(with("must_act = true", "").starts_with("step 3, must_act: the last step"));
        assert!(with("wait = \"90s\"", "wait = \"90s\"\nmust_act = true").starts_with("step 2, must_act"));
        assert!(with("{ addressed = true }", "{ role = \"x\" }").starts_with("step 1, ask"));
        assert!(with("{ role = \"site-manager\" }", "{ addressed = true }").starts_with("step 3, ask"));
        assert!(
            with("{ role = \"site-manager\" }", "{ role = \"a\", person = \"b\" }")
                .starts_with("step 3, ask")
        );
        assert!(with("[\"urgent\"]", "[\"now\"]").starts_with("playbook, classes"));
        assert!(with("id = \"deter", "id = \"de ter").starts_with("playbook, id"));
        assert!(with("title", "titel").contains("titel"));
        let empty = "id = \"a\"\ntitle = \"A\"\nclasses = [\"urgent\"]";
        assert_eq!(
            Playbook::parse(empty).unwrap_err().to_string(),
            "playbook, steps: must be between 1 and 20"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_ends_with_somebody_who_must_act(text in "\\PC{0,200}", cut in 0_usize..400) {
            let damaged: String = GOOD.chars().take(cut).chain(text.chars()).collect();
            for candidate in [text, damaged] {
                if let Ok(playbook) = Playbook::parse(&candidate) {
                    prop_assert!(!playbook.steps.is_empty() && playbook.steps.len() <= MAX_STEPS);
                    prop_assert!(playbook.steps.iter().all(|s| s.wait >= MIN_WAIT));
                }
            }
        }
    }
}
