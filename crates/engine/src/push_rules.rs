//! Push rules (Client-Server API, "Push Rules"): users' rulesets, and the compiled rules in memory that every
//! event is held against.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use wardline_domain::push::{self, CompiledRules, PushRuleError};
use wardline_domain::ruma::UserId;
use wardline_domain::ruma::push::Ruleset;
use wardline_store::{Reader, StoreError, UserNid, push_rules, users};

use crate::{Context, EngineError};

/// Compiled rules of users, in memory.
///
/// It is filled and cleared on the writer thread only, inside the transactions that read and change the rules, so
/// it cannot keep rules that were replaced.
#[derive(Debug, Default)]
pub struct RuleBook {
    rules: RwLock<HashMap<UserNid, Arc<CompiledRules>>>,
}

impl RuleBook {
    /// The compiled rules of a user.
    ///
    /// # Errors
    /// Any failure of the database.
    pub(crate) fn of(&self, tx: &impl Reader, user: UserNid) -> Result<Arc<CompiledRules>, StoreError> {
        if let Some(rules) = self.rules.read().get(&user) {
            return Ok(Arc::clone(rules));
        }
        let user_id = users::user_id(tx, user)?;
        let rules = Arc::new(CompiledRules::compile(&load(tx, user, &user_id)?, &user_id));
        self.rules.write().insert(user, Arc::clone(&rules));
        Ok(rules)
    }

    fn forget(&self, user: UserNid) {
        self.rules.write().remove(&user);
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
        Ok(self.context.store.read_now(|tx| load(tx, user, user_id))?)
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
        let (context, user_id) = (Arc::clone(&self.context), user_id.to_owned());
        self.context
            .store
            .write_with(move |tx| {
                let mut rules = load(tx, user, &user_id)?;
                change(&mut rules)?;
                push_rules::put(tx, user, &to_json(&rules))?;
                context.rule_book.forget(user);
                Ok(())
            })
            .await
    }
}

/// The content of `m.push_rules`, as it appears among a user's account data.
pub(crate) fn account_data(tx: &impl Reader, user: UserNid, user_id: &UserId) -> Result<String, EngineError> {
    Ok(format!("{{\"global\":{}}}", to_json(&load(tx, user, user_id)?)))
}

fn load(tx: &impl Reader, user: UserNid, user_id: &UserId) -> Result<Ruleset, StoreError> {
    match push_rules::get(tx, user)? {
        None => Ok(push::default_ruleset(user_id)),
        Some((stored, _)) => {
            let mut rules: Ruleset = serde_json::from_str(&stored)
                .map_err(|_| StoreError::Malformed(format!("push rules of user {}", user.0)))?;
            push::refresh(&mut rules, user_id);
            Ok(rules)
        }
    }
}

fn to_json(rules: &Ruleset) -> String {
    serde_json::to_string(rules).expect("invariant: a ruleset has only string keys")
}
