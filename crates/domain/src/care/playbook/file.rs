//! The file: what it may say, and every way in which it can be wrong.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::when::Case;
use super::{
    Ask, Asked, Class, Closes, MAX_ASKS, MAX_REPEATS, MAX_STEPS, MAX_WAIT, MIN_WAIT, Playbook, PlaybookError,
    Step, When,
};

/// Longest title and description, in characters.
const MAX_TITLE: usize = 100;
const MAX_DESCRIPTION: usize = 2000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: String,
    title: String,
    #[serde(default)]
    description: String,
    classes: Vec<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    when: OneOrMore<Case>,
    #[serde(default)]
    only_by_name: bool,
    #[serde(default)]
    call: bool,
    #[serde(default)]
    steps: Vec<FileStep>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileStep {
    ask: OneOrMore<FileAsk>,
    wait: String,
    #[serde(default)]
    repeat: u8,
    #[serde(default)]
    when: OneOrMore<Case>,
    closes: Option<Closes>,
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
    team: Option<String>,
    on_duty: Option<String>,
}

/// `x` or `[x, y]`.
struct OneOrMore<T>(Vec<T>);

impl<T> Default for OneOrMore<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: serde::de::DeserializeOwned> Deserialize<'de> for OneOrMore<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Looked at first, so that the error is that of the shape that was written.
        match toml::Value::deserialize(deserializer)? {
            toml::Value::Array(all) => {
                all.into_iter().map(T::deserialize).collect::<Result<_, _>>().map(Self)
            }
            one => T::deserialize(one).map(|one| Self(vec![one])),
        }
        .map_err(serde::de::Error::custom)
    }
}

pub(super) fn parse(text: &str) -> Result<Playbook, PlaybookError> {
    let file: File = toml::from_str(text).map_err(|e| PlaybookError::Syntax(e.to_string()))?;
    let head = |field, problem: &str| Err(PlaybookError::Head { field, problem: problem.to_owned() });
    if !is_id(&file.id) {
        return head("id", "must be letters, digits and hyphens, at most 64");
    }
    if file.title.trim().is_empty() || file.title.chars().count() > MAX_TITLE {
        return head("title", "must not be empty, nor longer than 100 characters");
    }
    if file.description.chars().count() > MAX_DESCRIPTION {
        return head("description", "must not be longer than 2000 characters");
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
    let when = When { any: file.when.0 };
    if let Some(problem) = when.problem() {
        return head("when", problem);
    }
    if file.steps.is_empty() || file.steps.len() > MAX_STEPS {
        return head("steps", "must be between 1 and 20");
    }
    let count = file.steps.len();
    let steps = file
        .steps
        .into_iter()
        .enumerate()
        .map(|(index, of)| step(of, index, count))
        .collect::<Result<Vec<Step>, _>>()?;
    if file.call {
        if !file.only_by_name || !classes.contains(&Class::Urgent) {
            return head("call", "a call is urgent and taken only by its name (only_by_name = true)");
        }
        if !steps.first().is_some_and(calls) {
            let problem =
                "the first step of a call names the roles (or people) whom it calls, and nobody twice";
            return Err(PlaybookError::Step { step: 1, field: "ask", problem: problem.to_owned() });
        }
    }
    Ok(Playbook {
        id: file.id,
        title: file.title,
        description: file.description,
        classes,
        roles: file.roles.into_iter().collect(),
        when,
        only_by_name: file.only_by_name,
        call: file.call,
        steps,
    })
}

/// Whether the first step of a call names roles and people, each once.
fn calls(first: &Step) -> bool {
    let mut named = BTreeSet::new();
    let each = first.asks.iter().all(|asked| match asked {
        Asked::Addressed => true,
        Asked::Named(ask @ (Ask::Role(_) | Ask::Person(_))) => named.insert(ask.clone()),
        Asked::Named(Ask::Team(_) | Ask::OnDuty(_)) => false,
    });
    each && !named.is_empty()
}

fn step(file: FileStep, index: usize, count: usize) -> Result<Step, PlaybookError> {
    let fail = |field, problem: &str| {
        Err(PlaybookError::Step { step: index + 1, field, problem: problem.to_owned() })
    };
    let (first, last) = (index == 0, index + 1 == count);
    if file.ask.0.is_empty() || file.ask.0.len() > MAX_ASKS {
        return fail("ask", "must name between 1 and 10");
    }
    let mut asks = Vec::with_capacity(file.ask.0.len());
    for one in &file.ask.0 {
        match ask(one) {
            Ok(Asked::Addressed) if !first => return fail("ask", "only the first step asks the addressed"),
            Ok(asked) => asks.push(asked),
            Err(problem) => return fail("ask", problem),
        }
    }
    if first && !asks.contains(&Asked::Addressed) {
        return fail("ask", "the first step must have { addressed = true }");
    }
    let Some(wait) = duration(&file.wait) else {
        return fail("wait", "is written like \"90s\", \"5m\" or \"1h\"");
    };
    if !(MIN_WAIT..=MAX_WAIT).contains(&wait) {
        return fail("wait", "must be between 10s and 24h");
    }
    if file.repeat > MAX_REPEATS {
        return fail("repeat", "must be at most 10");
    }
    let when = When { any: file.when.0 };
    if (first || last) && !when.is_always() {
        return fail("when", "the first and the last step are asked always");
    }
    if let Some(problem) = when.problem() {
        return fail("when", problem);
    }
    if file.must_act && !last {
        return fail("must_act", "only the last step is the one who must act");
    }
    if last && !file.must_act {
        return fail("must_act", "the last step must name who must act: set must_act = true");
    }
    if last && file.repeat > 0 {
        return fail("repeat", "the last step is asked again and again by itself");
    }
    let closes = file.closes.unwrap_or_default();
    if last && closes == Closes::Step {
        return fail("closes", "an acceptance at the last step closes the request");
    }
    Ok(Step { asks, wait, repeat: file.repeat, when, closes })
}

fn ask(file: &FileAsk) -> Result<Asked, &'static str> {
    let named = [
        file.role.clone().map(Ask::Role),
        file.person.clone().map(Ask::Person),
        file.team.clone().map(Ask::Team),
        file.on_duty.clone().map(Ask::OnDuty),
    ];
    let mut named = named.into_iter().flatten();
    match (file.addressed, named.next(), named.next()) {
        (true, None, None) => Ok(Asked::Addressed),
        (false, Some(ask), None) if is_id(ask.id()) => Ok(Asked::Named(ask)),
        (false, Some(Ask::Role(_)), None) => Err("role must be the id of a role"),
        (false, Some(Ask::Person(_)), None) => Err("person must be the id of a person"),
        (false, Some(Ask::Team(_)), None) => Err("team must be the id of a team"),
        (false, Some(Ask::OnDuty(_)), None) => Err("on_duty must be the id of a location"),
        _ => Err("exactly one of addressed, role, person, team, on_duty"),
    }
}

pub(super) fn is_id(text: &str) -> bool {
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
