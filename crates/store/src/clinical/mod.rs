//! Directory, rota, patients, requests and their clocks: the rows of the clinical crate.
//!
//! Whatever says who a patient is or who is on call is sealed by [`ColumnCipher`] and found by blind index.

pub mod access;
pub mod alarms;
pub mod calls;
mod cipher;
pub mod device_checks;
pub mod digests;
pub mod directory;
pub mod duty;
pub mod handover_codes;
pub mod handovers;
pub mod identifiers;
pub mod interruptions;
pub mod on_call;
pub mod outbox;
pub mod patients;
pub mod playbooks;
pub mod proofs;
pub mod rota;
pub mod subscriptions;
pub mod tasks;
pub mod teams;
pub mod timers;

pub use cipher::ColumnCipher;

use serde::{Serialize, de::DeserializeOwned};

use crate::{Param, StoreError, ToParam};

fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|e| StoreError::Malformed(format!("a record cannot be written: {e}")))
}

fn from_json<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, StoreError> {
    // serde's message may quote the value, which may be a patient's: only the place is told.
    serde_json::from_slice(bytes).map_err(|e| {
        StoreError::Malformed(format!("{what}: not the expected record (column {})", e.column()))
    })
}

/// A `WHERE` clause of only the conditions that are asked for, so that each can use its index.
#[derive(Default)]
struct Conditions<'a> {
    sql: String,
    values: Vec<Param<'a>>,
}

impl<'a> Conditions<'a> {
    /// Adds `condition`, in which `?` stands for the value, if there is one.
    fn and(&mut self, condition: &str, value: Option<&'a dyn ToParam>) {
        let Some(value) = value else { return };
        self.values.push(value.to_param());
        self.sql.push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        self.sql.push_str(&condition.replace('?', &format!("?{}", self.values.len())));
    }

    /// `select`, the conditions, and `tail` with `?` for the limit.
    fn limited(&mut self, select: &str, tail: &str, limit: &'a usize) -> String {
        self.values.push(limit.to_param());
        format!("{select}{}{}", self.sql, tail.replace('?', &format!("?{}", self.values.len())))
    }
}
