//! User-interactive authentication: the sessions that a client carries from the first answer to the next try.
//!
//! Specification: Client-Server API, "User-Interactive Authentication API".

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use wardline_domain::{Clock, Random, Timestamp};

/// How long a session lasts.
const LIFETIME_MS: i64 = 15 * 60 * 1000;
/// Sessions at one time; more push the oldest out.
const MAX: usize = 4096;

/// The running authentications, in memory: a restart makes clients begin again, which they do by themselves.
#[derive(Debug)]
pub struct UiaSessions {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    open: Mutex<HashMap<String, Open>>,
}

#[derive(Debug)]
struct Open {
    subject: String,
    operation: &'static str,
    ends: Timestamp,
}

impl UiaSessions {
    pub(crate) fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random, open: Mutex::default() }
    }

    /// A new session in which `subject` (a user id, or empty for nobody yet) authenticates for `operation`.
    /// It is good for no other subject or operation.
    #[must_use]
    pub fn begin(&self, subject: &str, operation: &'static str) -> String {
        let id = self.random.token(18);
        let now = self.clock.now();
        let mut open = self.open.lock();
        if open.len() >= MAX {
            open.retain(|_, session| session.ends > now);
        }
        if open.len() >= MAX {
            let oldest = open.iter().min_by_key(|(_, session)| session.ends).map(|(id, _)| id.clone());
            oldest.map(|id| open.remove(&id));
        }
        let session = Open { subject: subject.to_owned(), operation, ends: now.plus_millis(LIFETIME_MS) };
        open.insert(id.clone(), session);
        id
    }

    /// Whether the session is open for this subject and operation.
    #[must_use]
    pub fn is_open(&self, id: &str, subject: &str, operation: &'static str) -> bool {
        let now = self.clock.now();
        self.open
            .lock()
            .get(id)
            .is_some_and(|s| s.subject == subject && s.operation == operation && s.ends > now)
    }

    /// Ends a session: what it was for is allowed now.
    pub fn finish(&self, id: &str) {
        self.open.lock().remove(id);
    }
}
