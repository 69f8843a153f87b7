//! Push rules (client-server specification, "Push Notifications: Push Rules"): the server's default rules, and
//! the changes that a user may make to theirs.

mod evaluate;
mod glob;

use ruma::push::{
    Action, AnyPushRuleRef, ConditionalPushRule, EventMatchConditionData, EventPropertyIsConditionData,
    HighlightTweakValue, InsertPushRuleError, NewConditionalPushRule, NewPatternedPushRule, NewPushRule,
    NewSimplePushRule, PushCondition, RemovePushRuleError, RoomMemberCountConditionData, RoomMemberCountIs,
    RuleKind, Ruleset, SoundTweakValue, Tweak,
};
use ruma::{OwnedRoomId, OwnedUserId, uint};
use ruma::{RoomId, UserId};
use serde::Deserialize;

pub use evaluate::{
    CompiledRules, OthersMembership, Outcome, PushContext, PushEvent, PushFacts, RuleSet, Verdict,
};

/// The id of the default override rule that makes an event with `org.wardline.class` = `urgent` in its clear
/// content sound and stand out, in every room and whatever its ciphertext says.
pub const URGENT_RULE: &str = ".org.wardline.rule.urgent";

/// The id of the default override rule that keeps an event with `org.wardline.class` = `signal` in its clear content from
/// notifying: what the devices of a call tell one another, encrypted like a message.
pub const SIGNAL_RULE: &str = ".org.wardline.rule.signal";

/// Why a change of push rules is refused. The rules are then as they were.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushRuleError {
    /// There is no such kind of rule.
    #[error("kind: not override, underride, sender, room or content")]
    UnknownKind,
    /// There is no such rule.
    #[error("rule_id: there is no such rule")]
    NotFound,
    /// The rule named in `before` or `after` does not exist.
    #[error("before, after: there is no such rule")]
    UnknownNeighbour,
    /// A default rule of the server may neither be replaced nor removed.
    #[error("rule_id: a default rule of the server can only be switched off")]
    ServerDefault,
    /// The rule, its id, or where it should go is not valid.
    #[error("{field}: {reason}")]
    Invalid {
        /// The parameter or the path within the body.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The rules of a user who changed nothing: those of the specification, and [`URGENT_RULE`] and [`SIGNAL_RULE`] right
/// after `.m.rule.master`.
#[must_use]
pub fn default_ruleset(user_id: &UserId) -> Ruleset {
    let mut rules = Ruleset::server_default(user_id);
    rules.postcontent.clear();
    for (place, rule) in [(1, urgent_rule()), (2, signal_rule())] {
        let (at, _) = rules.override_.insert_full(rule);
        rules.override_.move_index(at, place.min(at));
    }
    rules.override_.insert(poll_rule("response", false, Vec::new()));
    let sound = || vec![Action::Notify, Action::SetTweak(Tweak::Sound(SoundTweakValue::Default))];
    for part in ["start", "end"] {
        rules.underride.insert(poll_rule(part, true, sound()));
        rules.underride.insert(poll_rule(part, false, vec![Action::Notify]));
    }
    rules
}

/// A rule about polls (MSC3930): answers notify nobody, their beginning and end do, with a sound in a room of two.
fn poll_rule(part: &str, in_room_of_two: bool, actions: Vec<Action>) -> ConditionalPushRule {
    let name = if in_room_of_two { format!("poll_{part}_one_to_one") } else { format!("poll_{part}") };
    let of_two =
        PushCondition::RoomMemberCount(RoomMemberCountConditionData::new(RoomMemberCountIs::from(uint!(2))));
    let is_poll = EventMatchConditionData::new("type".to_owned(), format!("org.matrix.msc3381.poll.{part}"));
    let conditions = in_room_of_two.then_some(of_two).into_iter();
    let conditions = conditions.chain([PushCondition::EventMatch(is_poll)]).collect();
    let name = format!(".org.matrix.msc3930.rule.{name}");
    let mut rule: ConditionalPushRule = NewConditionalPushRule::new(name, conditions, actions).into();
    rule.default = true;
    rule
}

/// The same with the two rules of MSC4306: of messages in threads, those notify whose thread the user follows, and no
/// others that are not for the user in particular.
#[must_use]
pub fn default_ruleset_with_threads(user_id: &UserId) -> Ruleset {
    let mut rules = default_ruleset(user_id);
    rules.postcontent =
        [ConditionalPushRule::unsubscribed_thread(), ConditionalPushRule::subscribed_thread()].into();
    rules
}

/// Brings stored rules up to the server's present defaults. What the user changed (own rules; switches and
/// actions of default rules) stays.
pub fn refresh(rules: &mut Ruleset, defaults: Ruleset) {
    rules.update_with_server_default(defaults);
}

fn urgent_rule() -> ConditionalPushRule {
    let actions = vec![
        Action::Notify,
        Action::SetTweak(Tweak::Sound(SoundTweakValue::Default)),
        Action::SetTweak(Tweak::Highlight(HighlightTweakValue::Yes)),
    ];
    class_rule(URGENT_RULE, "urgent", actions)
}

fn signal_rule() -> ConditionalPushRule {
    class_rule(SIGNAL_RULE, "signal", Vec::new())
}

/// A default rule about events whose clear content says that they are of `class`.
fn class_rule(id: &str, class: &str, actions: Vec<Action>) -> ConditionalPushRule {
    let is_of_class =
        EventPropertyIsConditionData::new(r"content.org\.wardline\.class".to_owned(), class.into());
    let conditions = vec![PushCondition::EventPropertyIs(is_of_class)];
    let mut rule: ConditionalPushRule =
        NewConditionalPushRule::new(id.to_owned(), conditions, actions).into();
    rule.default = true;
    rule
}

/// Parses the kind of a rule as it stands in the path of a request.
///
/// # Errors
/// [`PushRuleError::UnknownKind`].
pub fn parse_kind(kind: &str) -> Result<RuleKind, PushRuleError> {
    match kind {
        "override" => Ok(RuleKind::Override),
        "underride" => Ok(RuleKind::Underride),
        "sender" => Ok(RuleKind::Sender),
        "room" => Ok(RuleKind::Room),
        "content" => Ok(RuleKind::Content),
        // MSC4306, under its name in rule sets and under the one that clients put in paths.
        "postcontent" | "io.element.msc4306.postcontent" => Ok(RuleKind::PostContent),
        _ => Err(PushRuleError::UnknownKind),
    }
}

/// Looks up one rule.
///
/// # Errors
/// [`PushRuleError::NotFound`].
pub fn get<'r>(
    rules: &'r Ruleset,
    kind: &RuleKind,
    rule_id: &str,
) -> Result<AnyPushRuleRef<'r>, PushRuleError> {
    rules.get(kind.clone(), rule_id).ok_or(PushRuleError::NotFound)
}

/// Adds or replaces a user's own rule (`PUT /pushrules/global/{kind}/{ruleId}`). `body` is the request body with
/// `actions` and, by kind, `conditions` or `pattern`; `after` and `before` name a neighbour.
///
/// # Errors
/// [`PushRuleError`]; the rules are then unchanged.
pub fn put(
    rules: &mut Ruleset,
    kind: &RuleKind,
    rule_id: &str,
    body: &str,
    after: Option<&str>,
    before: Option<&str>,
) -> Result<(), PushRuleError> {
    let rule = new_rule(kind, rule_id, body)?;
    // ruma inserts before it looks for the neighbours, so work on a copy.
    let mut changed = rules.clone();
    changed.insert(rule, after, before).map_err(|error| match error {
        InsertPushRuleError::ServerDefaultRuleId => PushRuleError::ServerDefault,
        InsertPushRuleError::UnknownRuleId => PushRuleError::UnknownNeighbour,
        InsertPushRuleError::InvalidRuleId => invalid("rule_id", error),
        _ => invalid("before, after", error),
    })?;
    *rules = changed;
    Ok(())
}

/// Removes a user's own rule.
///
/// # Errors
/// [`PushRuleError::NotFound`] or [`PushRuleError::ServerDefault`].
pub fn delete(rules: &mut Ruleset, kind: &RuleKind, rule_id: &str) -> Result<(), PushRuleError> {
    rules.remove(kind.clone(), rule_id).map_err(|error| match error {
        RemovePushRuleError::ServerDefault => PushRuleError::ServerDefault,
        _ => PushRuleError::NotFound,
    })
}

/// Switches a rule on or off, default rules too.
///
/// # Errors
/// [`PushRuleError::NotFound`].
pub fn set_enabled(
    rules: &mut Ruleset,
    kind: &RuleKind,
    rule_id: &str,
    enabled: bool,
) -> Result<(), PushRuleError> {
    rules.set_enabled(kind.clone(), rule_id, enabled).map_err(|_| PushRuleError::NotFound)
}

/// Gives a room the rules that a user has for another one: its own rule, and own rules with a condition that names it.
/// Whether anything changed.
pub fn copy_room_rules(rules: &mut Ruleset, from: &RoomId, to: &RoomId) -> bool {
    let mut copies = Vec::new();
    if let Some(rule) = rules.get(RuleKind::Room, from.as_str())
        && rules.get(RuleKind::Room, to.as_str()).is_none()
    {
        let copy = NewSimplePushRule::new(to.to_owned(), rule.actions().to_vec());
        copies.push((RuleKind::Room, to.to_string(), rule.enabled(), None, NewPushRule::Room(copy)));
    }
    for (kind, own) in [(RuleKind::Override, &rules.override_), (RuleKind::Underride, &rules.underride)] {
        for rule in own.iter().filter(|rule| !rule.default) {
            let mut conditions = rule.conditions.clone();
            let mut names_it = false;
            for condition in &mut conditions {
                if let PushCondition::EventMatch(data) = condition
                    && data.key == "room_id"
                    && data.pattern == from.as_str()
                {
                    to.as_str().clone_into(&mut data.pattern);
                    names_it = true;
                }
            }
            // Clients call such a rule by the room.
            let id = match rule.rule_id == from.as_str() {
                true => to.to_string(),
                false => format!("{}.{}", rule.rule_id, to.as_str().trim_start_matches('!')),
            };
            if names_it && rules.get(kind.clone(), &id).is_none() {
                let new = NewConditionalPushRule::new(id.clone(), conditions, rule.actions.clone());
                let new = match kind {
                    RuleKind::Override => NewPushRule::Override(new),
                    _ => NewPushRule::Underride(new),
                };
                copies.push((kind.clone(), id, rule.enabled, Some(rule.rule_id.clone()), new));
            }
        }
    }
    let mut changed = false;
    for (kind, id, enabled, after, rule) in copies {
        // Right behind the rule that it is a copy of, as the order decides.
        if rules.insert(rule, after.as_deref(), None).is_ok() {
            changed = true;
            drop(rules.set_enabled(kind, &id, enabled));
        }
    }
    changed
}

/// Replaces the actions of a rule, default rules too. `actions` is the JSON array of the request.
///
/// # Errors
/// [`PushRuleError::NotFound`], or [`PushRuleError::Invalid`] naming the action.
pub fn set_actions(
    rules: &mut Ruleset,
    kind: &RuleKind,
    rule_id: &str,
    actions: &str,
) -> Result<(), PushRuleError> {
    let actions: Vec<Action> = serde_json::from_str(actions).map_err(|error| invalid("actions", error))?;
    rules.set_actions(kind.clone(), rule_id, actions).map_err(|_| PushRuleError::NotFound)
}

#[derive(Deserialize)]
struct Body {
    actions: Vec<Action>,
    #[serde(default)]
    conditions: Vec<PushCondition>,
    #[serde(default)]
    pattern: Option<String>,
}

fn new_rule(kind: &RuleKind, rule_id: &str, body: &str) -> Result<NewPushRule, PushRuleError> {
    let mut json = serde_json::Deserializer::from_str(body);
    let body: Body = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| invalid(&error.path().to_string(), error.inner()))?;
    let id = rule_id.to_owned();
    Ok(match kind {
        RuleKind::Override => {
            NewPushRule::Override(NewConditionalPushRule::new(id, body.conditions, body.actions))
        }
        RuleKind::PostContent => {
            NewPushRule::PostContent(NewConditionalPushRule::new(id, body.conditions, body.actions))
        }
        RuleKind::Underride => {
            NewPushRule::Underride(NewConditionalPushRule::new(id, body.conditions, body.actions))
        }
        RuleKind::Content => {
            let pattern = body.pattern.ok_or_else(|| invalid("pattern", "missing"))?;
            NewPushRule::Content(NewPatternedPushRule::new(id, pattern, body.actions))
        }
        RuleKind::Room => {
            let room = OwnedRoomId::try_from(rule_id).map_err(|error| invalid("rule_id", error))?;
            NewPushRule::Room(NewSimplePushRule::new(room, body.actions))
        }
        RuleKind::Sender => {
            let sender = OwnedUserId::try_from(rule_id).map_err(|error| invalid("rule_id", error))?;
            NewPushRule::Sender(NewSimplePushRule::new(sender, body.actions))
        }
        _ => return Err(PushRuleError::UnknownKind),
    })
}

fn invalid(field: &str, reason: impl ToString) -> PushRuleError {
    PushRuleError::Invalid { field: field.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use ruma::user_id;

    use super::*;

    const NOTIFY: &str = r#"{"actions":["notify"]}"#;

    fn ids(rules: &Ruleset) -> Vec<String> {
        rules.override_.iter().map(|rule| rule.rule_id.clone()).collect()
    }

    #[test]
    fn the_default_rules_are_those_of_the_specification_of_polls_and_our_own() {
        let rules = default_ruleset(user_id!("@amy:riverside.example"));
        let overrides = [
            ".m.rule.master",
            URGENT_RULE,
            SIGNAL_RULE,
            ".m.rule.suppress_notices",
            ".m.rule.invite_for_me",
            ".m.rule.member_event",
            ".m.rule.is_user_mention",
            ".m.rule.is_room_mention",
            ".m.rule.tombstone",
            ".m.rule.reaction",
            ".m.rule.room.server_acl",
            ".m.rule.suppress_edits",
            ".org.matrix.msc3930.rule.poll_response",
        ];
        assert_eq!(ids(&rules), overrides);
        let underrides: Vec<_> = rules.underride.iter().map(|rule| rule.rule_id.as_str()).collect();
        assert_eq!(
            underrides,
            [
                ".m.rule.call",
                ".m.rule.encrypted_room_one_to_one",
                ".m.rule.room_one_to_one",
                ".m.rule.message",
                ".m.rule.encrypted",
                ".org.matrix.msc3930.rule.poll_start_one_to_one",
                ".org.matrix.msc3930.rule.poll_start",
                ".org.matrix.msc3930.rule.poll_end_one_to_one",
                ".org.matrix.msc3930.rule.poll_end",
            ]
        );
        let stored = serde_json::to_string(&rules).unwrap();
        let again: Ruleset = serde_json::from_str(&stored).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), stored);
    }

    #[test]
    fn rules_go_where_they_are_asked_to() {
        let mut rules = default_ruleset(user_id!("@amy:riverside.example"));
        let kind = parse_kind("override").unwrap();
        put(&mut rules, &kind, "one", NOTIFY, None, None).unwrap();
        put(&mut rules, &kind, "two", NOTIFY, None, None).unwrap();
        put(&mut rules, &kind, "three", NOTIFY, Some("two"), None).unwrap();
        put(&mut rules, &kind, "four", NOTIFY, None, Some("three")).unwrap();
        assert_eq!(ids(&rules)[..6], [".m.rule.master", "two", "four", "three", "one", URGENT_RULE]);
        set_enabled(&mut rules, &kind, "two", false).unwrap();
        put(&mut rules, &kind, "two", NOTIFY, None, None).unwrap();
        assert!(!get(&rules, &kind, "two").unwrap().enabled(), "replacing a rule keeps its switch");
        delete(&mut rules, &kind, "two").unwrap();
        assert_eq!(delete(&mut rules, &kind, "two"), Err(PushRuleError::NotFound));
    }

    #[test]
    fn a_refused_change_changes_nothing() {
        let mut rules = default_ruleset(user_id!("@amy:riverside.example"));
        let before = serde_json::to_string(&rules).unwrap();
        let over = parse_kind("override").unwrap();
        let content = parse_kind("content").unwrap();
        let sender = parse_kind("sender").unwrap();
        let master = ".m.rule.master";
        let refusals = [
            put(&mut rules, &over, ".mine", NOTIFY, None, None),
            put(&mut rules, &over, "a/b", NOTIFY, None, None),
            put(&mut rules, &over, "mine", NOTIFY, Some("nobody"), None),
            put(&mut rules, &over, "mine", NOTIFY, None, Some(master)),
            put(&mut rules, &over, "mine", "{}", None, None),
            put(&mut rules, &over, "mine", "nonsense", None, None),
            put(&mut rules, &content, "mine", NOTIFY, None, None),
            put(&mut rules, &sender, "not a user", NOTIFY, None, None),
            delete(&mut rules, &over, master),
            set_enabled(&mut rules, &over, "nobody", true),
            set_actions(&mut rules, &over, "nobody", "[]"),
            set_actions(&mut rules, &over, master, r#"{"not":"a list"}"#),
        ];
        assert!(refusals.iter().all(Result::is_err), "{refusals:?}");
        assert_eq!(refusals[2], Err(PushRuleError::UnknownNeighbour));
        assert_eq!(refusals[8], Err(PushRuleError::ServerDefault));
        assert_eq!(serde_json::to_string(&rules).unwrap(), before);
        assert_eq!(parse_kind("overrides"), Err(PushRuleError::UnknownKind));
    }

    #[test]
    fn refreshing_keeps_what_the_user_changed() {
        let user = user_id!("@amy:riverside.example");
        let kind = parse_kind("override").unwrap();
        let mut rules = Ruleset::server_default(user);
        put(&mut rules, &kind, "mine", NOTIFY, None, None).unwrap();
        set_enabled(&mut rules, &kind, ".m.rule.reaction", false).unwrap();
        refresh(&mut rules, default_ruleset(user));
        assert_eq!(ids(&rules)[..3], [".m.rule.master", "mine", URGENT_RULE]);
        assert!(!get(&rules, &kind, ".m.rule.reaction").unwrap().enabled());
    }
}
