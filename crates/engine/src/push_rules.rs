//! Push rules (Client-Server API, "Push Rules"): users' rulesets, and the compiled rules in memory that every
//! event is held against.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use quick_cache::sync::Cache;
use wardline_domain::push::{self, OthersMembership, PushRuleError, RuleSet};
use wardline_domain::ruma::UserId;
use wardline_domain::ruma::push::Ruleset;
use wardline_store::{Pos, Reader, StoreError, UserNid, push_rules};

use crate::{Context, EngineError};

/// Users with rules of their own whose compiled rules are kept.
const USERS: usize = 10_000;

/// Compiled rules of users, in memory. Users whose rules are alike but for their own id share them.
#[derive(Debug)]
pub struct RuleBook {
    /// Of users with rules of their own: the position of their last change, and the rules.
    users: Cache<UserNid, (Pos, Arc<SharedRules>)>,
    /// What is in use, by fingerprint.
    shared: Mutex<HashMap<String, Weak<SharedRules>>>,
    /// The rules of everybody else.
    common: OnceLock<Arc<SharedRules>>,
    next: AtomicU32,
    /// Whether messages in threads notify those who follow the thread (MSC4306).
    threads: bool,
}

/// Rules that users have in common.
#[derive(Debug)]
pub(crate) struct SharedRules {
    /// Different for different rules, and never given out twice by one process.
    pub(crate) id: u32,
    pub(crate) set: RuleSet,
    /// What they make of the membership of others.
    pub(crate) others: OthersMembership,
}

impl RuleBook {
    /// A book without rules yet. `threads`: messages in threads notify those who follow the thread (MSC4306).
    #[must_use]
    pub fn new(threads: bool) -> Self {
        Self {
            users: Cache::new(USERS),
            shared: Mutex::default(),
            common: OnceLock::new(),
            next: AtomicU32::new(0),
            threads,
        }
    }

    fn defaults(&self, user_id: &UserId) -> Ruleset {
        if self.threads {
            push::default_ruleset_with_threads(user_id)
        } else {
            push::default_ruleset(user_id)
        }
    }

    /// A user's rules, with the present defaults of the server.
    pub(crate) fn load(
        &self,
        tx: &impl Reader,
        user: UserNid,
        user_id: &UserId,
    ) -> Result<Ruleset, StoreError> {
        match push_rules::get(tx, user)? {
            None => Ok(self.defaults(user_id)),
            Some((stored, _)) => {
                let mut rules: Ruleset = serde_json::from_str(&stored)
                    .map_err(|_| StoreError::Malformed(format!("push rules of user {}", user.0)))?;
                push::refresh(&mut rules, self.defaults(user_id));
                Ok(rules)
            }
        }
    }

    /// The content of `m.push_rules`, as it appears among a user's account data.
    pub(crate) fn account_data(
        &self,
        tx: &impl Reader,
        user: UserNid,
        user_id: &UserId,
    ) -> Result<String, EngineError> {
        Ok(format!("{{\"global\":{}}}", to_json(&self.load(tx, user, user_id)?)))
    }

    /// The compiled rules of a user, and the position of their last change (0: never).
    ///
    /// # Errors
    /// Any failure of the database.
    pub(crate) fn of(
        &self,
        tx: &impl Reader,
        user: UserNid,
        user_id: &UserId,
    ) -> Result<(Pos, Arc<SharedRules>), StoreError> {
        let changed = push_rules::changed_at(tx, user)?;
        if changed == 0 {
            let make = || self.share(RuleSet::compile(&self.defaults(user_id), user_id));
            return Ok((0, Arc::clone(self.common.get_or_init(make))));
        }
        if let Some(known) = self.users.get(&user).filter(|(pos, _)| *pos == changed) {
            return Ok(known);
        }
        let rules = self.share(RuleSet::compile(&self.load(tx, user, user_id)?, user_id));
        self.users.insert(user, (changed, Arc::clone(&rules)));
        Ok((changed, rules))
    }

    /// The compiled rules of a user whose rules changed last at a position (0: never), if they are in memory.
    pub(crate) fn known(&self, user: UserNid, changed: Pos) -> Option<Arc<SharedRules>> {
        if changed == 0 {
            return self.common.get().cloned();
        }
        self.users.get(&user).filter(|(pos, _)| *pos == changed).map(|(_, rules)| rules)
    }

    fn share(&self, set: RuleSet) -> Arc<SharedRules> {
        let fingerprint = set.fingerprint();
        let mut shared = self.shared.lock();
        if let Some(rules) = shared.get(&fingerprint).and_then(Weak::upgrade) {
            return rules;
        }
        shared.retain(|_, rules| rules.strong_count() > 0);
        let (id, others) = (self.next.fetch_add(1, Ordering::Relaxed), set.others_membership());
        let rules = Arc::new(SharedRules { id, set, others });
        shared.insert(fingerprint, Arc::downgrade(&rules));
        rules
    }
}

/// Reads and changes users' push rules.
#[derive(Debug)]
pub struct PushRules {
    context: Arc<Context>,
}

impl PushRules {
    /// Over `context`.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// A user's rules.
    ///
    /// # Errors
    /// Any failure of the database.
    pub fn get(&self, user: UserNid, user_id: &UserId) -> Result<Ruleset, EngineError> {
        Ok(self.context.store.read_now(|tx| self.context.rule_book.load(tx, user, user_id))?)
    }

    /// Changes a user's rules; durable when it returns.
    ///
    /// # Errors
    /// What `change` returns; the rules are then as they were.
    pub async fn change(
        &self,
        user: UserNid,
        user_id: &UserId,
        change: impl FnOnce(&mut Ruleset) -> Result<(), PushRuleError> + Send + 'static,
    ) -> Result<(), EngineError> {
        let (user_id, context) = (user_id.to_owned(), Arc::clone(&self.context));
        self.context
            .store
            .write_with(move |tx| {
                let mut rules = context.rule_book.load(tx, user, &user_id)?;
                change(&mut rules)?;
                push_rules::put(tx, user, &to_json(&rules))?;
                Ok(())
            })
            .await
    }
}

/// A rule set as it is kept and shown.
pub(crate) fn to_json(rules: &Ruleset) -> String {
    serde_json::to_string(rules).expect("invariant: a ruleset has only string keys")
}
