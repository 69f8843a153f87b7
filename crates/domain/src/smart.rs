//! SMART on FHIR scopes: what an application may do with which resources
//! (<https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html>).
//!
//! `user/Task.rs` is reading and searching Tasks that the person may see; `system/…` is the same for a system without a person.
//! Scopes of a patient's own applications (`patient/…`) are not granted here. A scope never gives more than the person
//! behind it may do.

use std::{collections::BTreeMap, fmt};

/// For whom an application acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// The person who allowed it.
    User,
    /// Itself.
    System,
}

/// One thing to do with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// `c`
    Create,
    /// `r`: read, versions and history included.
    Read,
    /// `u`: operations that change a resource included.
    Update,
    /// `d`
    Delete,
    /// `s`
    Search,
}

impl Permission {
    const ALL: [(char, Self); 5] = [
        ('c', Self::Create),
        ('r', Self::Read),
        ('u', Self::Update),
        ('d', Self::Delete),
        ('s', Self::Search),
    ];

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// One scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SmartScope {
    context: Context,
    /// The type of resource; `None` is every one.
    resource: Option<String>,
    permissions: u8,
}

impl SmartScope {
    /// Reads a scope as of version 2 (`user/Task.rs`) or 1 (`user/Task.read`, `.write`, `.*`); `None` for what is neither,
    /// has conditions (`?…`), or is of a context that is not granted.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (context, rest) = text.split_once('/')?;
        let context = match context {
            "user" => Context::User,
            "system" => Context::System,
            _ => return None,
        };
        let (resource, permissions) = rest.split_once('.')?;
        let is_type = |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_alphabetic());
        let resource = match resource {
            "*" => None,
            it if is_type(it) => Some(it.to_owned()),
            _ => return None,
        };
        let permissions = match permissions {
            "read" => "rs",
            "write" => "cud",
            "*" => "cruds",
            text => text,
        };
        // Each at most once, in the order of the word.
        let mut order = Permission::ALL.iter();
        let mut bits = 0;
        for letter in permissions.chars() {
            bits |= order.find(|(known, _)| *known == letter)?.1.bit();
        }
        (bits != 0).then_some(Self { context, resource, permissions: bits })
    }

    /// For whom it is.
    #[must_use]
    pub const fn context(&self) -> Context {
        self.context
    }

    /// Whether it allows this.
    #[must_use]
    pub fn allows(&self, resource: &str, permission: Permission) -> bool {
        self.resource.as_deref().is_none_or(|own| own == resource) && self.permissions & permission.bit() != 0
    }

    /// What it allows, for the person who is asked: `read and search Task`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let words = [
            (Permission::Create, "add"),
            (Permission::Read, "read"),
            (Permission::Update, "change"),
            (Permission::Delete, "delete"),
            (Permission::Search, "search"),
        ];
        let given: Vec<&str> =
            words.iter().filter(|(it, _)| self.permissions & it.bit() != 0).map(|(_, word)| *word).collect();
        let list = match given.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => given.concat(),
        };
        match &self.resource {
            Some(resource) => format!("{list} {resource} records"),
            None => format!("{list} all records"),
        }
    }

    /// Whether it allows everything that `other` does.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let resource = self.resource.is_none() || self.resource == other.resource;
        self.context == other.context && resource && other.permissions & !self.permissions == 0
    }
}

impl fmt::Display for SmartScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let context = if self.context == Context::User { "user" } else { "system" };
        write!(f, "{context}/{}.", self.resource.as_deref().unwrap_or("*"))?;
        let mut given = Permission::ALL.iter().filter(|(_, it)| self.permissions & it.bit() != 0);
        given.try_for_each(|(letter, _)| write!(f, "{letter}"))
    }
}

/// What `asked` and `allowed` both allow, one scope for each resource and context, sorted.
#[must_use]
pub fn common(asked: &[SmartScope], allowed: &[SmartScope]) -> Vec<SmartScope> {
    let mut found: BTreeMap<(Context, Option<&str>), u8> = BTreeMap::new();
    for (one, other) in asked.iter().flat_map(|one| allowed.iter().map(move |other| (one, other))) {
        let resource = match (one.resource.as_deref(), other.resource.as_deref()) {
            (one, None) => one,
            (None, other) => other,
            (one, other) if one == other => one,
            _ => continue,
        };
        let permissions = one.permissions & other.permissions;
        if one.context == other.context && permissions != 0 {
            *found.entry((one.context, resource)).or_default() |= permissions;
        }
    }
    let scope = |((context, resource), permissions): ((_, Option<&str>), _)| SmartScope {
        context,
        resource: resource.map(ToOwned::to_owned),
        permissions,
    };
    found.into_iter().map(scope).collect()
}

/// The SMART scopes among the tokens of a granted scope.
#[must_use]
pub fn scopes_of(text: &str) -> Vec<SmartScope> {
    text.split(' ').filter_map(SmartScope::parse).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_versions_are_read_and_the_second_is_written() {
        for (text, written) in [
            ("user/Task.rs", "user/Task.rs"),
            ("user/Task.read", "user/Task.rs"),
            ("user/Task.write", "user/Task.cud"),
            ("system/*.*", "system/*.cruds"),
            ("system/PractitionerRole.cruds", "system/PractitionerRole.cruds"),
        ] {
            assert_eq!(SmartScope::parse(text).unwrap().to_string(), written);
        }
    }

    #[test]
    fn what_is_no_scope_of_ours_is_not_granted() {
        for text in [
            "patient/Task.rs",
            "user/Task",
            "user/Task.",
            "user/Task.sr",
            "user/Task.rr",
            "user/Task.x",
            "user/.rs",
            "user/Task.rs?status=requested",
            "openid",
            "launch/patient",
        ] {
            assert_eq!(SmartScope::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_scope_is_told_in_words() {
        assert_eq!(SmartScope::parse("user/Task.rs").unwrap().in_words(), "read and search Task records");
        assert_eq!(SmartScope::parse("user/*.cud").unwrap().in_words(), "add, change and delete all records");
    }

    #[test]
    fn a_scope_allows_what_it_says_and_no_more() {
        let scope = SmartScope::parse("user/Task.rs").unwrap();
        assert!(scope.allows("Task", Permission::Read) && scope.allows("Task", Permission::Search));
        assert!(!scope.allows("Task", Permission::Update) && !scope.allows("Patient", Permission::Read));
        let all = SmartScope::parse("user/*.rs").unwrap();
        assert!(all.covers(&scope) && !scope.covers(&all));
        assert!(!SmartScope::parse("system/*.cruds").unwrap().covers(&scope));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in "(user|system)/(\\*|[A-Z][a-z]{1,8})\\.c?r?u?d?s?") {
            if let Some(scope) = SmartScope::parse(&text) {
                prop_assert_eq!(scope.to_string(), text);
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,40}") {
            let _ = SmartScope::parse(&text);
        }
    }
}
