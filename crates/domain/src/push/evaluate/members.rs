//! Which changes of other people's membership push rules have to be asked about.
//!
//! Most events of a large room are of this kind, and nearly nobody is told of them. What can be said of all of them at once
//! saves looking at each.

use ruma::push::ScalarJsonValue;

use super::{Condition, Path, Rule, RuleSet};

const MEMBER: &str = "m.room.member";

/// What rules make of the `m.room.member` events that are neither by nor about the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OthersMembership {
    /// They never notify.
    Silent,
    /// They notify only if this text is in their JSON.
    SilentWithout(String),
    /// Each has to be asked about.
    Unknown,
}

impl RuleSet {
    /// What these rules make of the membership of others.
    #[must_use]
    pub fn others_membership(&self) -> OthersMembership {
        let mut text: Option<String> = None;
        for rule in self.rules.iter().filter(|rule| rule.may_tell_of_others()) {
            if !rule.outcome.notify {
                if rule.is_for_all_members() {
                    break;
                }
                continue;
            }
            match (rule.needs_text(), &text) {
                (Some(needed), None) => text = Some(needed),
                (Some(needed), Some(known)) if needed == *known => {}
                _ => return OthersMembership::Unknown,
            }
        }
        text.map_or(OthersMembership::Silent, OthersMembership::SilentWithout)
    }
}

impl Rule {
    fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.general.iter().chain(&self.personal)
    }

    /// Whether it can match somebody else's `m.room.member`.
    fn may_tell_of_others(&self) -> bool {
        self.conditions().all(|condition| match condition {
            Condition::Match(path, glob) if path.is("type") => glob.matches(MEMBER),
            Condition::Is(path, ScalarJsonValue::String(kind)) if path.is("type") => kind == MEMBER,
            Condition::MatchUser(path) | Condition::IsUser(path) => !path.is("state_key"),
            _ => true,
        })
    }

    fn is_for_all_members(&self) -> bool {
        let asks_for_type = |condition| matches!(condition, &Condition::Match(ref path, _) | &Condition::Is(ref path, _) if path.is("type"));
        !self.only_without_mentions && self.conditions().all(asks_for_type)
    }

    /// A text that is in the JSON of whatever it matches.
    fn needs_text(&self) -> Option<String> {
        let plain = |key: &&String| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
            !key.is_empty() && key.chars().all(is_plain)
        };
        let path = self.conditions().find_map(|condition| match condition {
            Condition::Is(path, _) | Condition::Contains(path, _) | Condition::Match(path, _) => {
                Some(path).filter(|path| path.0.first().is_some_and(|root| root == "content"))
            }
            _ => None,
        })?;
        path.0.last().filter(plain).map(|key| format!("\"{key}\""))
    }
}

impl Path {
    fn is(&self, name: &str) -> bool {
        matches!(self.0.as_slice(), [only] if only == name)
    }
}

#[cfg(test)]
mod tests {
    use ruma::push::{
        Action, NewConditionalPushRule, NewPushRule, NewSimplePushRule, PushCondition, RuleKind, Ruleset,
    };
    use ruma::{OwnedRoomId, user_id};

    use super::*;
    use crate::push::default_ruleset;

    fn of(rules: &Ruleset) -> OthersMembership {
        RuleSet::compile(rules, user_id!("@ada:ward.example")).others_membership()
    }

    fn with(rule: NewPushRule) -> OthersMembership {
        let mut rules = default_ruleset(user_id!("@ada:ward.example"));
        rules.insert(rule, None, None).unwrap();
        of(&rules)
    }

    #[test]
    fn by_default_only_what_is_marked_urgent_is_asked_about() {
        let urgent = OthersMembership::SilentWithout("\"org.wardline.class\"".to_owned());
        assert_eq!(of(&default_ruleset(user_id!("@ada:ward.example"))), urgent);
        assert_eq!(of(&Ruleset::new()), OthersMembership::Silent);
        // Rules for messages, and those that come after the one that silences changes of membership, change nothing.
        let of_room: OwnedRoomId = "!a:ward.example".try_into().unwrap();
        assert_eq!(with(NewPushRule::Room(NewSimplePushRule::new(of_room, vec![Action::Notify]))), urgent);
    }

    #[test]
    fn rules_that_may_match_anything_are_asked() {
        let all = || NewConditionalPushRule::new("all".to_owned(), vec![], vec![Action::Notify]);
        assert_eq!(with(NewPushRule::Override(all())), OthersMembership::Unknown);
        let joins = PushCondition::EventMatch(ruma::push::EventMatchConditionData::new(
            "content.membership".to_owned(),
            "join".to_owned(),
        ));
        let joins = NewConditionalPushRule::new("joins".to_owned(), vec![joins], vec![Action::Notify]);
        assert_eq!(with(NewPushRule::Override(joins)), OthersMembership::Unknown);
        let mut rules = default_ruleset(user_id!("@ada:ward.example"));
        rules.set_enabled(RuleKind::Override, ".m.rule.member_event", false).unwrap();
        let of_room: OwnedRoomId = "!a:ward.example".try_into().unwrap();
        let of_room = NewSimplePushRule::new(of_room, vec![Action::Notify]);
        rules.insert(NewPushRule::Room(of_room), None, None).unwrap();
        assert_eq!(of(&rules), OthersMembership::Unknown);
    }
}
