//! What members of staff say of themselves (sealed), and whether their devices can be reached.

use serde::{Deserialize, Serialize};
use wardline_domain::{Timestamp, care::rota::LocalTime, ruma::UserId};

use super::{ColumnCipher, from_json, rota::PERSON, to_json};
use crate::{Reader, StoreError, WriteTx, params, users};

const SEALED: &str = "duty_statuses.record";

/// Whether somebody works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DutyState {
    /// They do.
    #[default]
    On,
    /// They do, and only what is urgent should disturb them.
    Busy,
    /// They do not.
    Off,
}

impl DutyState {
    /// Its code: `on`, `busy` or `off`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Busy => "busy",
            Self::Off => "off",
        }
    }

    /// The state with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::On, Self::Busy, Self::Off].into_iter().find(|state| state.code() == code)
    }
}

/// Who is asked instead of somebody who is off duty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cover {
    /// A person (id of the practitioner).
    Person(String),
    /// Whoever holds a role (id of the service).
    Role(String),
}

/// What somebody says of themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DutyStatus {
    /// Whether they work.
    pub state: DutyState,
    /// Until when; then they are on duty again. `None` for as long as they say nothing else.
    pub until: Option<Timestamp>,
    /// Who covers for them while they are off duty.
    pub cover: Option<Cover>,
    /// From when to when by local clocks only what is urgent should disturb them, every day.
    pub quiet: Option<(LocalTime, LocalTime)>,
}

impl DutyStatus {
    /// The same as it counts at an instant: a time that is over has no effect any more.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        if self.until.is_some_and(|until| until <= now) {
            Self { quiet: self.quiet, ..Self::default() }
        } else {
            self
        }
    }
}

/// Writes what somebody says of themselves.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn put(
    tx: &mut WriteTx<'_>,
    cipher: &ColumnCipher,
    person: &str,
    status: &DutyStatus,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO duty_statuses (person_index, record) VALUES (?1, ?2) \
         ON CONFLICT (person_index) DO UPDATE SET record = ?2",
        params![cipher.index(PERSON, person), cipher.seal(SEALED, person, &to_json(status)?)?],
    )?;
    Ok(())
}

/// What somebody says of themselves, as it counts at `now`.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn get(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    person: &str,
    now: Timestamp,
) -> Result<DutyStatus, StoreError> {
    let sql = "SELECT record FROM duty_statuses WHERE person_index = ?1";
    let found: Option<DutyStatus> = tx.query_row(sql, params![cipher.index(PERSON, person)], |row| {
        from_json(&cipher.open(SEALED, person, row.blob(0)?)?, SEALED)
    })?;
    Ok(found.unwrap_or_default().at(now))
}

/// Whether the devices of somebody can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// One is in use, or can be told by push.
    Reachable,
    /// None is in use and none can be told.
    Unreachable,
    /// None is in use, and they have silenced all notifications.
    Muted,
}

/// Whether somebody has a device that was seen since `since`, or one that push reaches and that is not silenced.
///
/// # Errors
/// Any failure of the database.
pub fn reach(tx: &impl Reader, user: &UserId, since: Timestamp) -> Result<Reach, StoreError> {
    let Some(user) = users::find(tx, user)? else { return Ok(Reach::Unreachable) };
    // Only devices with a session count: one that is signed out is nobody's.
    let sql = "SELECT 1 FROM sessions s JOIN devices d ON d.user_nid = s.user_nid AND d.device_id = s.device_id \
               WHERE s.user_nid = ?1 AND s.grant_id <> 0 AND d.last_seen_at >= ?2 LIMIT 1";
    let seen: Option<i64> = tx.query_row(sql, params![user, since], |row| row.get(0))?;
    if seen.is_some() {
        return Ok(Reach::Reachable);
    }
    let sql = "SELECT 1 FROM pushers WHERE user_nid = ?1 AND activated = 1 LIMIT 1";
    let pushed: Option<i64> = tx.query_row(sql, params![user], |row| row.get(0))?;
    if pushed.is_none() {
        return Ok(Reach::Unreachable);
    }
    let rules = crate::push_rules::get(tx, user)?.map(|(rules, _)| rules);
    Ok(if rules.is_some_and(|rules| is_muted(&rules)) { Reach::Muted } else { Reach::Reachable })
}

/// Whether the rule that silences everything is switched on.
fn is_muted(rules: &str) -> bool {
    #[derive(Deserialize)]
    struct Rules {
        #[serde(default, rename = "override")]
        overrides: Vec<Rule>,
    }
    #[derive(Deserialize)]
    struct Rule {
        rule_id: String,
        enabled: bool,
    }
    let rules = serde_json::from_str::<Rules>(rules);
    rules.is_ok_and(|it| it.overrides.iter().any(|rule| rule.rule_id == ".m.rule.master" && rule.enabled))
}
