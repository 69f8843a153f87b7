//! Evaluating push rules: a user's rules are compiled once and then asked for each event.

use ruma::power_levels::NotificationPowerLevelsKey;
use ruma::push::{
    Action, AnyPushRuleRef, ComparisonOperator, PushCondition, RoomMemberCountIs, Ruleset, ScalarJsonValue,
};
use ruma::{OwnedUserId, UserId};

use super::glob::Glob;
use crate::canonical::{CanonicalError, Value};
use crate::event_format::ClientEvent;
use crate::power_levels::PowerLevels;

/// What the rules of a user make of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Outcome {
    /// The event counts as unread notification and is pushed.
    pub notify: bool,
    /// The event also stands out: it counts in `highlight_count`.
    pub highlight: bool,
    /// The actions ask for a sound.
    pub sound: bool,
}

/// An event, parsed once for all users of its room.
pub struct PushEvent<'a> {
    root: Value<'a>,
}

/// What else of the room decides.
#[derive(Clone, Copy, Debug)]
pub struct PushContext<'a> {
    /// The number of joined members.
    pub member_count: u64,
    /// The display name in this room of the user whose rules are asked.
    pub display_name: &'a str,
    /// The room's power levels; they decide who may notify the whole room.
    pub power_levels: &'a PowerLevels,
}

/// The rules of one user, ready to be asked.
#[derive(Clone, Debug)]
pub struct CompiledRules {
    user_id: OwnedUserId,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    conditions: Vec<Condition>,
    /// Skip the rule if the event says itself whom it mentions (`m.mentions`).
    only_without_mentions: bool,
    outcome: Outcome,
}

#[derive(Clone, Debug)]
enum Condition {
    Match(Path, Glob),
    DisplayName,
    MemberCount(RoomMemberCountIs),
    SenderMayNotify(String),
    Is(Path, ScalarJsonValue),
    Contains(Path, ScalarJsonValue),
    Never,
}

/// A dotted property path, split at the dots that are not escaped.
#[derive(Clone, Debug)]
struct Path(Vec<String>);

impl Path {
    /// `None` for a path with a reserved escape sequence, which names no property.
    fn parse(path: &str) -> Option<Self> {
        let mut segments = vec![String::new()];
        let mut chars = path.chars();
        while let Some(c) = chars.next() {
            let c = match c {
                '.' => {
                    segments.push(String::new());
                    continue;
                }
                '\\' => match chars.next() {
                    Some(c @ ('.' | '\\')) => c,
                    _ => return None,
                },
                c => c,
            };
            segments.last_mut()?.push(c);
        }
        Some(Self(segments))
    }

    fn find<'e, 'a>(&self, event: &'e PushEvent<'a>) -> Option<&'e Value<'a>> {
        self.0.iter().try_fold(&event.root, |value, segment| value.get(segment))
    }
}

impl std::fmt::Debug for PushEvent<'_> {
    /// Without what the event says, so that it may be logged.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushEvent").finish_non_exhaustive()
    }
}

impl<'a> PushEvent<'a> {
    /// Parses the client format of an event.
    ///
    /// # Errors
    /// None for a [`ClientEvent`] that was made here.
    pub fn new(event: &'a ClientEvent) -> Result<Self, CanonicalError> {
        Ok(Self { root: Value::parse(event.as_str())? })
    }

    fn text(&self, path: &[&str]) -> Option<&str> {
        path.iter().try_fold(&self.root, |value, segment| value.get(segment))?.as_str()
    }

    fn has_mentions(&self) -> bool {
        // As ruma has it: an array or null under `m.mentions` counts as present as well.
        self.root.get("content").and_then(|content| content.get("m.mentions")).is_some()
    }
}

impl CompiledRules {
    /// Compiles a user's rules. Rules that are switched off or can never match are dropped.
    #[must_use]
    pub fn compile(rules: &Ruleset, user_id: &UserId) -> Self {
        let rules = rules.iter().filter(|rule| rule.enabled()).filter_map(compile).collect();
        Self { user_id: user_id.to_owned(), rules }
    }

    /// The outcome of the first rule that matches. A user's own events never notify.
    #[must_use]
    pub fn evaluate(&self, event: &PushEvent<'_>, context: PushContext<'_>) -> Outcome {
        if event.text(&["sender"]) == Some(self.user_id.as_str()) {
            return Outcome::default();
        }
        let matching = self.rules.iter().find(|rule| {
            !(rule.only_without_mentions && event.has_mentions())
                && rule.conditions.iter().all(|condition| condition.holds(event, context))
        });
        matching.map(|rule| rule.outcome).unwrap_or_default()
    }
}

fn compile(rule: AnyPushRuleRef<'_>) -> Option<Rule> {
    let conditions = match rule {
        AnyPushRuleRef::Override(rule) | AnyPushRuleRef::Underride(rule) => {
            rule.conditions.iter().map(compile_condition).collect()
        }
        AnyPushRuleRef::Content(rule) => vec![match_on("content.body", &rule.pattern)],
        AnyPushRuleRef::Room(rule) => vec![match_on("room_id", rule.rule_id.as_str())],
        AnyPushRuleRef::Sender(rule) => vec![match_on("sender", rule.rule_id.as_str())],
        _ => return None,
    };
    if conditions.iter().any(|condition| matches!(condition, Condition::Never)) {
        return None;
    }
    let only_without_mentions = matches!(
        rule.rule_id(),
        ".m.rule.roomnotif" | ".m.rule.contains_display_name" | ".m.rule.contains_user_name"
    );
    let actions = rule.actions();
    let outcome = Outcome {
        notify: actions.iter().any(Action::should_notify),
        highlight: actions.iter().any(Action::is_highlight),
        sound: actions.iter().any(|action| action.sound().is_some()),
    };
    Some(Rule { conditions, only_without_mentions, outcome })
}

fn match_on(key: &str, pattern: &str) -> Condition {
    match Path::parse(key) {
        Some(path) => Condition::Match(path, Glob::new(pattern, key == "content.body")),
        None => Condition::Never,
    }
}

fn compile_condition(condition: &PushCondition) -> Condition {
    match condition {
        PushCondition::EventMatch(data) => match_on(&data.key, &data.pattern),
        PushCondition::RoomMemberCount(data) => Condition::MemberCount(data.is),
        PushCondition::SenderNotificationPermission(data) => {
            // The specification knows no other key than `room`.
            if data.key == NotificationPowerLevelsKey::Room {
                Condition::SenderMayNotify(data.key.to_string())
            } else {
                Condition::Never
            }
        }
        PushCondition::EventPropertyIs(data) => match Path::parse(&data.key) {
            Some(path) => Condition::Is(path, data.value.clone()),
            None => Condition::Never,
        },
        PushCondition::EventPropertyContains(data) => match Path::parse(&data.key) {
            Some(path) => Condition::Contains(path, data.value.clone()),
            None => Condition::Never,
        },
        other if other.kind() == "contains_display_name" => Condition::DisplayName,
        _ => Condition::Never,
    }
}

impl Condition {
    fn holds(&self, event: &PushEvent<'_>, context: PushContext<'_>) -> bool {
        match self {
            Self::Match(path, glob) => {
                path.find(event).and_then(Value::as_str).is_some_and(|text| glob.matches(text))
            }
            Self::DisplayName => event
                .text(&["content", "body"])
                .is_some_and(|body| Glob::new(context.display_name, true).matches(body)),
            Self::MemberCount(is) => counts(is, context.member_count),
            Self::SenderMayNotify(key) => event
                .text(&["sender"])
                .and_then(|sender| <&UserId>::try_from(sender).ok())
                .is_some_and(|sender| context.power_levels.can_notify(sender, key)),
            Self::Is(path, expected) => path.find(event).is_some_and(|value| equals(value, expected)),
            Self::Contains(path, expected) => match path.find(event) {
                Some(Value::Array(items)) => items.iter().any(|item| equals(item, expected)),
                _ => false,
            },
            Self::Never => false,
        }
    }
}

fn counts(is: &RoomMemberCountIs, members: u64) -> bool {
    let count: u64 = is.count.into();
    match is.prefix {
        ComparisonOperator::Eq => members == count,
        ComparisonOperator::Lt => members < count,
        ComparisonOperator::Gt => members > count,
        ComparisonOperator::Ge => members >= count,
        ComparisonOperator::Le => members <= count,
    }
}

fn equals(value: &Value<'_>, expected: &ScalarJsonValue) -> bool {
    match (value, expected) {
        (Value::Null, ScalarJsonValue::Null) => true,
        (Value::Bool(a), ScalarJsonValue::Bool(b)) => a == b,
        (Value::Integer(a), ScalarJsonValue::Integer(b)) => *a == i64::from(*b),
        (Value::String(a), ScalarJsonValue::String(b)) => a == b,
        _ => false,
    }
}
