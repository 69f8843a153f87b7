//! Evaluating push rules: rules are compiled once and then asked for each event.
//!
//! Most users have the same rules but for their own id in them. So a compiled [`RuleSet`] says "the user" where the
//! id stands and is shared by everybody whose rules are alike; what an event is to all of them is found once
//! ([`RuleSet::judge`]), and only the few rules that ask for the user are left to be asked for each of them
//! ([`RuleSet::decide`]).

mod members;

use std::borrow::Cow;
use std::sync::Arc;

use ruma::power_levels::NotificationPowerLevelsKey;
use ruma::push::{
    Action, AnyPushRuleRef, ComparisonOperator, PushCondition, RoomMemberCountIs, Ruleset, ScalarJsonValue,
};
use ruma::{OwnedUserId, UserId};

use super::glob::Glob;
use crate::canonical::{CanonicalError, Value};
use crate::event_format::ClientEvent;
use crate::power_levels::PowerLevels;

pub use members::OthersMembership;

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

/// What else of the room decides, asked only if a rule wants to know.
pub trait PushFacts {
    /// The number of joined members right after the event.
    fn member_count(&self) -> u64;
    /// The display name in this room of the user whose rules are asked.
    fn display_name(&self) -> Cow<'_, str>;
    /// Whether the sender has the power to notify the whole room: `key` of `notifications` in the power levels.
    fn may_notify(&self, sender: &UserId, key: &str) -> bool;
    /// Whether the user whose rules are asked follows the thread of the event (MSC4306).
    fn follows_thread(&self) -> bool;
}

/// The facts of a room, all at hand.
#[derive(Clone, Copy, Debug)]
pub struct PushContext<'a> {
    /// The number of joined members.
    pub member_count: u64,
    /// The display name in this room of the user whose rules are asked.
    pub display_name: &'a str,
    /// The room's power levels; they decide who may notify the whole room.
    pub power_levels: &'a PowerLevels,
    /// Whether that user follows the thread of the event.
    pub follows_thread: bool,
}

impl PushFacts for PushContext<'_> {
    fn member_count(&self) -> u64 {
        self.member_count
    }

    fn display_name(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.display_name)
    }

    fn may_notify(&self, sender: &UserId, key: &str) -> bool {
        self.power_levels.can_notify(sender, key)
    }

    fn follows_thread(&self) -> bool {
        self.follows_thread
    }
}

/// Rules that users have in common, ready to be asked. The users' own ids are not in it.
#[derive(Clone, Debug)]
pub struct RuleSet {
    rules: Vec<Rule>,
}

/// What a [`RuleSet`] makes of an event, as far as it is the same for all its users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Rules that match if what they ask for the user holds, the first first.
    personal: Vec<u16>,
    /// The rule that matches for everybody else.
    general: Option<u16>,
}

impl Verdict {
    /// Whether it is the same for every user.
    #[must_use]
    pub fn is_general(&self) -> bool {
        self.personal.is_empty()
    }
}

/// The rules of one user, ready to be asked.
#[derive(Clone, Debug)]
pub struct CompiledRules {
    user_id: OwnedUserId,
    set: Arc<RuleSet>,
}

#[derive(Clone, Debug)]
struct Rule {
    /// What holds or not whoever the user is.
    general: Vec<Condition>,
    /// What asks for the user.
    personal: Vec<Condition>,
    /// Skip the rule if the event says itself whom it mentions (`m.mentions`).
    only_without_mentions: bool,
    outcome: Outcome,
    /// The actions as JSON.
    actions: String,
}

#[derive(Clone, Debug)]
enum Condition {
    Match(Path, Glob),
    /// The text is the user's id.
    MatchUser(Path),
    DisplayName,
    MemberCount(RoomMemberCountIs),
    SenderMayNotify(String),
    Is(Path, ScalarJsonValue),
    /// The value is the user's id.
    IsUser(Path),
    Contains(Path, ScalarJsonValue),
    /// The list has the user's id in it.
    ContainsUser(Path),
    /// The event is in a thread, and the user follows it, or does not.
    FollowsThread(bool),
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

impl RuleSet {
    /// Compiles a user's rules. Rules that are switched off or can never match are dropped.
    #[must_use]
    pub fn compile(rules: &Ruleset, user_id: &UserId) -> Self {
        let rules = rules.iter().filter(|rule| rule.enabled());
        Self { rules: rules.filter_map(|rule| compile(rule, user_id)).collect() }
    }

    /// Whether it matters which threads a user follows.
    #[must_use]
    pub fn asks_for_threads(&self) -> bool {
        let asks = |condition: &Condition| matches!(condition, Condition::FollowsThread(_));
        self.rules.iter().any(|rule| rule.personal.iter().any(asks))
    }

    /// A text that is the same for sets that decide the same.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("{:?}", self.rules)
    }

    /// What these rules make of an event, as far as it does not depend on the user.
    #[must_use]
    pub fn judge(&self, event: &PushEvent<'_>, facts: &dyn PushFacts) -> Verdict {
        let mut verdict = Verdict::default();
        for (at, rule) in (0_u16..).zip(&self.rules) {
            let can_match = !(rule.only_without_mentions && event.has_mentions())
                && rule.personal.iter().all(|condition| condition.can_hold(event))
                && rule.general.iter().all(|condition| condition.holds(event, facts));
            if can_match && rule.personal.is_empty() {
                verdict.general = Some(at);
                break;
            }
            if can_match {
                verdict.personal.push(at);
            }
        }
        verdict
    }

    /// What a verdict of these rules is for one user, who must not be the sender of the event: the rule that matches.
    #[must_use]
    pub fn decide(
        &self,
        verdict: &Verdict,
        user_id: &UserId,
        event: &PushEvent<'_>,
        facts: &dyn PushFacts,
    ) -> Option<u16> {
        let holds = |rule: &Rule| {
            rule.personal.iter().all(|condition| condition.holds_for(user_id.as_str(), event, facts))
        };
        let own =
            verdict.personal.iter().find(|at| self.rules.get(usize::from(**at)).is_some_and(holds)).copied();
        own.or(verdict.general)
    }

    /// The rule that matches for everybody, if [`Verdict::is_general`].
    #[must_use]
    pub fn general(&self, verdict: &Verdict) -> Option<u16> {
        verdict.general
    }

    /// What a rule asks for.
    #[must_use]
    pub fn outcome(&self, rule: Option<u16>) -> Outcome {
        self.rule(rule).map(|rule| rule.outcome).unwrap_or_default()
    }

    /// The actions of a rule: a JSON array.
    #[must_use]
    pub fn actions(&self, rule: Option<u16>) -> &str {
        self.rule(rule).map_or("[]", |rule| &rule.actions)
    }

    fn rule(&self, rule: Option<u16>) -> Option<&Rule> {
        rule.and_then(|at| self.rules.get(usize::from(at)))
    }
}

impl CompiledRules {
    /// Compiles a user's rules. Rules that are switched off or can never match are dropped.
    #[must_use]
    pub fn compile(rules: &Ruleset, user_id: &UserId) -> Self {
        Self { user_id: user_id.to_owned(), set: Arc::new(RuleSet::compile(rules, user_id)) }
    }

    /// The outcome of the first rule that matches. A user's own events never notify.
    #[must_use]
    pub fn evaluate(&self, event: &PushEvent<'_>, facts: &dyn PushFacts) -> Outcome {
        if event.text(&["sender"]) == Some(self.user_id.as_str()) {
            return Outcome::default();
        }
        let verdict = self.set.judge(event, facts);
        self.set.outcome(self.set.decide(&verdict, &self.user_id, event, facts))
    }
}

fn compile(rule: AnyPushRuleRef<'_>, user_id: &UserId) -> Option<Rule> {
    let conditions: Vec<Condition> = match rule {
        AnyPushRuleRef::Override(rule)
        | AnyPushRuleRef::PostContent(rule)
        | AnyPushRuleRef::Underride(rule) => {
            rule.conditions.iter().map(|condition| compile_condition(condition, user_id)).collect()
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
    let (personal, general) = conditions.into_iter().partition(Condition::is_personal);
    let actions = serde_json::to_string(actions).ok()?;
    Some(Rule { general, personal, only_without_mentions, outcome, actions })
}

fn match_on(key: &str, pattern: &str) -> Condition {
    match Path::parse(key) {
        Some(path) => Condition::Match(path, Glob::new(pattern, key == "content.body")),
        None => Condition::Never,
    }
}

fn compile_condition(condition: &PushCondition, user_id: &UserId) -> Condition {
    let is_user =
        |value: &ScalarJsonValue| matches!(value, ScalarJsonValue::String(text) if text == user_id.as_str());
    match condition {
        PushCondition::EventMatch(data) if data.pattern == user_id.as_str() && data.key != "content.body" => {
            Path::parse(&data.key).map_or(Condition::Never, Condition::MatchUser)
        }
        PushCondition::EventPropertyIs(data) if is_user(&data.value) => {
            Path::parse(&data.key).map_or(Condition::Never, Condition::IsUser)
        }
        PushCondition::EventPropertyContains(data) if is_user(&data.value) => {
            Path::parse(&data.key).map_or(Condition::Never, Condition::ContainsUser)
        }
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
        PushCondition::ThreadSubscription(data) => Condition::FollowsThread(data.subscribed),
        other if other.kind() == "contains_display_name" => Condition::DisplayName,
        _ => Condition::Never,
    }
}

impl Condition {
    fn is_personal(&self) -> bool {
        matches!(
            self,
            Self::MatchUser(_)
                | Self::IsUser(_)
                | Self::ContainsUser(_)
                | Self::DisplayName
                | Self::FollowsThread(_)
        )
    }

    /// Whether a personal condition may hold for somebody.
    fn can_hold(&self, event: &PushEvent<'_>) -> bool {
        match self {
            Self::MatchUser(path) | Self::IsUser(path) => {
                path.find(event).and_then(Value::as_str).is_some_and(|text| text.starts_with('@'))
            }
            Self::ContainsUser(path) => {
                matches!(path.find(event), Some(Value::Array(items)) if !items.is_empty())
            }
            Self::DisplayName => event.text(&["content", "body"]).is_some(),
            Self::FollowsThread(_) => {
                event.text(&["content", "m.relates_to", "rel_type"]) == Some("m.thread")
            }
            _ => true,
        }
    }

    /// Whether a personal condition holds for a user.
    fn holds_for(&self, user: &str, event: &PushEvent<'_>, facts: &dyn PushFacts) -> bool {
        match self {
            // Patterns are matched without regard to case.
            Self::MatchUser(path) => path
                .find(event)
                .and_then(Value::as_str)
                .is_some_and(|text| text == user || text.to_lowercase() == user.to_lowercase()),
            Self::IsUser(path) => path.find(event).and_then(Value::as_str) == Some(user),
            Self::ContainsUser(path) => match path.find(event) {
                Some(Value::Array(items)) => items.iter().any(|item| item.as_str() == Some(user)),
                _ => false,
            },
            Self::DisplayName => event
                .text(&["content", "body"])
                .is_some_and(|body| Glob::new(&facts.display_name(), true).matches(body)),
            Self::FollowsThread(wanted) => self.can_hold(event) && facts.follows_thread() == *wanted,
            other => other.holds(event, facts),
        }
    }

    fn holds(&self, event: &PushEvent<'_>, facts: &dyn PushFacts) -> bool {
        match self {
            Self::Match(path, glob) => {
                path.find(event).and_then(Value::as_str).is_some_and(|text| glob.matches(text))
            }
            Self::MemberCount(is) => counts(is, facts.member_count()),
            Self::SenderMayNotify(key) => event
                .text(&["sender"])
                .and_then(|sender| <&UserId>::try_from(sender).ok())
                .is_some_and(|sender| facts.may_notify(sender, key)),
            Self::Is(path, expected) => path.find(event).is_some_and(|value| equals(value, expected)),
            Self::Contains(path, expected) => match path.find(event) {
                Some(Value::Array(items)) => items.iter().any(|item| equals(item, expected)),
                _ => false,
            },
            Self::MatchUser(_)
            | Self::IsUser(_)
            | Self::ContainsUser(_)
            | Self::DisplayName
            | Self::FollowsThread(_)
            | Self::Never => false,
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
