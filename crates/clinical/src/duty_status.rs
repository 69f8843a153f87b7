//! On duty, busy, off duty: what people say of themselves, who covers for them, and what may disturb them.

use wardline_audit::{Action, Entry};
use wardline_domain::{Timestamp, care::rota::LocalTime};
use wardline_store::{
    Reader, StoreError, WriteTx,
    clinical::{
        ColumnCipher, directory,
        duty::{self, Cover, DutyState, DutyStatus, Reach},
        rota,
    },
};

use crate::{Caller, Clinical, ClinicalError, ClinicalParts, Conflict, Fault, Only, TimeZone, user_of};

/// Longest time for which a status may be said, in milliseconds: 366 days.
const LONGEST: i64 = 366 * 24 * 3_600_000;

/// What may disturb somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Everything.
    None,
    /// What is urgent: they are busy, or have quiet hours.
    ButUrgent,
    /// Nothing: they are off duty.
    All,
}

/// What may disturb a person at `now`.
///
/// # Errors
/// A failure of the store.
pub fn silence(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    zone: &TimeZone,
    person: &str,
    now: Timestamp,
) -> Result<Silence, StoreError> {
    let status = duty::get(tx, cipher, person, now)?;
    Ok(match status.state {
        DutyState::Off => Silence::All,
        DutyState::Busy => Silence::ButUrgent,
        DutyState::On if status.quiet.is_some_and(|hours| is_within(zone, hours, now)) => Silence::ButUrgent,
        DutyState::On => Silence::None,
    })
}

/// Whether clocks show a time of these hours, which may go over midnight.
fn is_within(zone: &TimeZone, (from, until): (LocalTime, LocalTime), now: Timestamp) -> bool {
    let instant = jiff::Timestamp::from_millisecond(now.as_millis()).unwrap_or_default();
    let time = instant.to_zoned(zone.clone()).time();
    if from <= until { from <= time && time < until } else { from <= time || time < until }
}

/// Who is asked when a person is: they, or who covers for them while they are off duty; nobody if nobody does.
///
/// # Errors
/// A failure of the store.
pub(crate) fn asked_for(
    tx: &impl Reader,
    parts: &ClinicalParts,
    person: &str,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let status = duty::get(tx, &parts.cipher, person, now)?;
    match (status.state, status.cover) {
        (DutyState::On | DutyState::Busy, _) => Ok(Some(person.to_owned())),
        (DutyState::Off, None) => Ok(None),
        (DutyState::Off, Some(Cover::Role(role))) => {
            Ok(rota::holder(tx, &parts.cipher, &role, now)?.map(|shift| shift.person))
        }
        (DutyState::Off, Some(Cover::Person(cover))) => {
            // Not further: two who cover for each other would go round.
            let works = duty::get(tx, &parts.cipher, &cover, now)?.state != DutyState::Off;
            Ok(works.then_some(cover))
        }
    }
}

/// Whether the devices of a person can be reached.
///
/// # Errors
/// A failure of the store.
pub(crate) fn reach(
    tx: &impl Reader,
    parts: &ClinicalParts,
    person: &str,
    now: Timestamp,
) -> Result<Reach, ClinicalError> {
    let Some(minutes) = parts.unreachable_after else { return Ok(Reach::Reachable) };
    let since = now.plus_millis(-i64::from(minutes) * 60_000);
    Ok(duty::reach(tx, &user_of(person, &parts.server_name)?, since)?)
}

impl Clinical {
    /// What a member of staff says of themselves now, and who is asked instead of them while they are off duty.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn duty_of(&self, person: &str) -> Result<(DutyStatus, Option<String>), ClinicalError> {
        let (parts, now) = (&self.parts, self.parts.clock.now());
        parts.store.read_now(|tx| {
            let status = duty::get(tx, &parts.cipher, person, now)?;
            let cover = match status.state {
                DutyState::Off => asked_for(tx, parts, person, now)?,
                DutyState::On | DutyState::Busy => None,
            };
            Ok((status, cover))
        })
    }

    /// Says for the caller whether they work.
    ///
    /// # Errors
    /// [`ClinicalError::Invalid`] names the parameter; [`ClinicalError::Conflict`] for who would be off duty while they hold a
    /// role; [`ClinicalError::Forbidden`] for who is not in the directory.
    pub async fn set_duty(&self, caller: &Caller, status: DutyStatus) -> Result<DutyStatus, ClinicalError> {
        let (parts, caller, now) = (self.parts.clone(), caller.clone(), self.parts.clock.now());
        let answer = status.clone();
        self.parts
            .store
            .write_with(move |tx| {
                let person = caller.person();
                if directory::practitioner(tx, person)?.is_none() {
                    return Err(ClinicalError::Forbidden(Only::Staff));
                }
                check(tx, &parts, person, &status, now)?;
                duty::put(tx, &parts.cipher, person, &status)?;
                audit(tx, &caller, &status, now)
            })
            .await?;
        self.rota_changed();
        Ok(answer)
    }
}

fn check(
    tx: &impl Reader,
    parts: &ClinicalParts,
    person: &str,
    status: &DutyStatus,
    now: Timestamp,
) -> Result<(), ClinicalError> {
    let wrong = |name: &str, problem: &str| {
        Err(ClinicalError::invalid(format!("Parameters.parameter({name})"), problem))
    };
    let fault =
        |name: &str, fault: Fault| Err(ClinicalError::fault(format!("Parameters.parameter({name})"), fault));
    if status.until.is_some_and(|until| until <= now || until.millis_since(now) > LONGEST) {
        return wrong("until", "must lie in the coming year");
    }
    if status.quiet.is_some_and(|(from, until)| from == until) {
        return wrong("quiet-until", "must be another time than quiet-from");
    }
    match &status.cover {
        Some(_) if status.state != DutyState::Off => {
            return wrong("covered-by", "is for those who are off duty");
        }
        Some(Cover::Person(id)) if id == person => return fault("covered-by", Fault::SomebodyElse),
        Some(Cover::Person(id)) if directory::practitioner(tx, id)?.is_none() => {
            return fault("covered-by", Fault::UnknownPerson);
        }
        Some(Cover::Role(id)) if directory::service(tx, id)?.is_none() => {
            return fault("covered-by", Fault::UnknownRole);
        }
        _ => {}
    }
    if status.state == DutyState::Off {
        for role in directory::services(tx)? {
            let holder = rota::holder(tx, &parts.cipher, &role.id, now)?;
            if holder.is_some_and(|shift| shift.person == person) {
                return Err(ClinicalError::Conflict(Conflict::HoldsRole));
            }
        }
    }
    Ok(())
}

fn audit(
    tx: &mut WriteTx<'_>,
    caller: &Caller,
    status: &DutyStatus,
    now: Timestamp,
) -> Result<(), ClinicalError> {
    let mut entry = Entry::new(now, caller.user.as_str(), Action::DutyChanged)
        .target(format!("Practitioner/{}", caller.person()))
        .with("state", status.state.code());
    if let Some(device) = &caller.device {
        entry = entry.device(device);
    }
    Ok(wardline_audit::append(tx, &entry)?)
}
