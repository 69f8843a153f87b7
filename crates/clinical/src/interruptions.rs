//! How often teams are interrupted, and the budget beyond which requests of class action make no sound.
//!
//! Urgent requests always do, information never does.

use std::collections::BTreeMap;

use wardline_domain::{
    Timestamp,
    care::{
        playbook::Class,
        request::{Reason, Transition},
    },
};
use wardline_store::{
    Reader, StoreError, WriteTx,
    clinical::{
        interruptions::{self, Interruption, Kind},
        teams::{self, Member},
    },
};

use crate::{
    Clinical, ClinicalError, ClinicalParts, Task, Team,
    requests::{interrupting_role, sounds},
};

/// The time to which a budget belongs, in milliseconds.
const HOUR: i64 = 3_600_000;
/// The longest time that a report covers, in milliseconds: 92 days.
const LONGEST: i64 = 92 * 24 * HOUR;

/// How many interruptions an hour a team bears before requests of class action make no sound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Of every team that is not named; `None` is no budget.
    pub each: Option<u32>,
    /// Of particular teams, by id.
    pub teams: BTreeMap<String, u32>,
}

impl Budget {
    /// The budget of a team.
    #[must_use]
    pub fn of(&self, team: &str) -> Option<u32> {
        self.teams.get(team).copied().or(self.each)
    }
}

/// How often a team was interrupted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoiseReport {
    /// The team.
    pub team: Team,
    /// From when, and before when.
    pub period: (Timestamp, Timestamp),
    /// Its budget for an hour.
    pub budget: Option<u32>,
    /// How many interruptions there were.
    pub total: usize,
    /// Those that made no sound, the budget being used up.
    pub quiet: usize,
    /// By class of request.
    pub by_class: BTreeMap<String, usize>,
    /// By reason: asked, again, reminded.
    pub by_kind: BTreeMap<String, usize>,
    /// By hour of the day as local clocks show it.
    pub by_hour: BTreeMap<i8, usize>,
    /// Hours (from the begin of the period on) in which there were more than the budget.
    pub hours_over: usize,
    /// The most in one hour.
    pub most: usize,
}

/// Notes the interruption that a transition is, if it is one, and says whether it must make no sound.
///
/// # Errors
/// A failure of the store.
pub(crate) fn note(
    tx: &mut WriteTx<'_>,
    parts: &ClinicalParts,
    task: &Task,
    transition: &Transition,
) -> Result<bool, StoreError> {
    let Some(person) = transition.asks.as_deref().filter(|_| sounds(task, transition)) else {
        return Ok(false);
    };
    let service = interrupting_role(task, transition);
    let class = task.request.class;
    let quiet = class == Class::Action && is_used_up(tx, parts, person, service, transition.at)?;
    let kind = if transition.reason == Some(Reason::NoAnswer) { Kind::Again } else { Kind::Asked };
    let it = Interruption { at: transition.at, person, service, class: class.code(), kind, quiet };
    interruptions::note(tx, &parts.cipher, &it)?;
    Ok(quiet)
}

/// Notes that those whom a request asks are reminded.
///
/// # Errors
/// A failure of the store.
pub(crate) fn note_reminder(
    tx: &mut WriteTx<'_>,
    parts: &ClinicalParts,
    task: &Task,
    at: Timestamp,
) -> Result<(), StoreError> {
    let request = &task.request;
    for person in request.holders.iter().filter(|person| !request.declined.contains(*person)) {
        let (class, kind) = (request.class.code(), Kind::Reminded);
        let it = Interruption { at, person, service: None, class, kind, quiet: false };
        interruptions::note(tx, &parts.cipher, &it)?;
    }
    Ok(())
}

/// Whether a team of the person, or of the role, has had its budget within the hour.
fn is_used_up(
    tx: &impl Reader,
    parts: &ClinicalParts,
    person: &str,
    service: Option<&str>,
    at: Timestamp,
) -> Result<bool, StoreError> {
    if parts.budget == Budget::default() {
        return Ok(false);
    }
    let mut found = teams::of_member(tx, &Member::Person(person.to_owned()))?;
    if let Some(service) = service {
        found.extend(teams::of_member(tx, &Member::Role(service.to_owned()))?);
    }
    for team in found {
        let Some(budget) = parts.budget.of(&team.id) else { continue };
        let hour = (at.plus_millis(-HOUR), at.plus_millis(1));
        let counted = interruptions::of_team(tx, &parts.cipher, &team.members, hour)?;
        if counted.iter().filter(|it| !it.quiet).count() >= budget as usize {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Clinical {
    /// How often a team was interrupted from `from` on and before `until`, by default in the last seven days.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`]; [`ClinicalError::Invalid`] for a time that ends before it begins or is longer than 92
    /// days.
    pub fn noise(
        &self,
        team: &str,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<NoiseReport, ClinicalError> {
        let until = until.unwrap_or_else(|| self.parts.clock.now());
        let from = from.unwrap_or_else(|| until.plus_millis(-7 * 24 * HOUR));
        if from >= until || until.millis_since(from) > LONGEST {
            return Err(ClinicalError::invalid("start", "must lie before end, by at most 92 days"));
        }
        let parts = &self.parts;
        let (team, counted) = parts.store.read_now(|tx| {
            let team = teams::get(tx, team)?.ok_or(ClinicalError::NotFound("CareTeam"))?;
            let counted = interruptions::of_team(tx, &parts.cipher, &team.members, (from, until))?;
            Ok::<_, ClinicalError>((team, counted))
        })?;
        let budget = parts.budget.of(&team.id);
        let mut report = NoiseReport {
            team,
            period: (from, until),
            budget,
            total: counted.len(),
            quiet: counted.iter().filter(|it| it.quiet).count(),
            by_class: BTreeMap::new(),
            by_kind: BTreeMap::new(),
            by_hour: BTreeMap::new(),
            hours_over: 0,
            most: 0,
        };
        let mut hours: BTreeMap<i64, usize> = BTreeMap::new();
        for it in counted {
            *report.by_class.entry(it.class).or_default() += 1;
            *report.by_kind.entry(it.kind).or_default() += 1;
            let instant = jiff::Timestamp::from_millisecond(it.at.as_millis()).unwrap_or_default();
            *report.by_hour.entry(instant.to_zoned(parts.zone.clone()).hour()).or_default() += 1;
            *hours.entry(it.at.millis_since(from) / HOUR).or_default() += 1;
        }
        report.most = hours.values().copied().max().unwrap_or_default();
        let over = |count: &&usize| budget.is_some_and(|budget| **count > budget as usize);
        report.hours_over = hours.values().filter(over).count();
        Ok(report)
    }
}
