//! The rota by hand: a shift in a role, or an assignment to a ward, is entered, changed or removed.
//!
//! What has passed stays as it was. Of a shift that is being worked only the end changes: who works it hands it over.

use wardline_audit::{Action, Entry};
use wardline_domain::{
    Timestamp,
    care::rota::{LocalTimeError, local_instant},
};
use wardline_store::{
    Reader, WriteTx,
    clinical::{
        directory,
        on_call::{self, Rank},
        rota::{self, Duty},
    },
};

use crate::{
    Clinical, ClinicalError, ClinicalParts, Conflict, Fault, PractitionerRole,
    editors::{Editing, Editor, check_editor},
};

/// Longest shift in a role, in milliseconds: 24 hours, and the hour more that the end of summer time brings.
const LONGEST: i64 = 25 * 3_600_000;
/// The end of an assignment that has none: the last day of the year 9999.
const FOREVER: Timestamp = Timestamp(253_402_214_400_000);

/// A shift or assignment as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewShift {
    /// What the person does.
    pub duty: Duty,
    /// Who (id of the Practitioner).
    pub person: String,
    /// First instant; `None` only for an assignment to a ward.
    pub start: Option<Timestamp>,
    /// First instant after it; `None` only for an assignment to a ward.
    pub end: Option<Timestamp>,
    /// Whether they hold the role only while nobody else does.
    pub deputy: bool,
}

impl Clinical {
    /// Enters a shift under `id`, or changes the one with that id; `true` if it is new. `expected` is asked, before
    /// anything is changed, whether the shift that is there is the one that the caller means to change.
    ///
    /// # Errors
    /// [`ClinicalError::Forbidden`] for who may not change the rota; [`ClinicalError::Invalid`] names the element
    /// (`PractitionerRole.period` for an overlap); [`ClinicalError::Conflict`] for a shift that has passed, or somebody
    /// else's that is being worked; [`ClinicalError::OtherVersion`].
    pub async fn put_shift(
        &self,
        editor: &Editor,
        id: &str,
        new: NewShift,
        expected: impl Fn(Option<(&PractitionerRole, Rank)>) -> bool + Send + 'static,
    ) -> Result<(PractitionerRole, bool), ClinicalError> {
        let (parts, editor, id) = (self.parts.clone(), editor.clone(), id.to_owned());
        let at = self.parts.clock.now();
        let done = self
            .parts
            .store
            .write_with(move |tx| {
                check_editor(tx, &parts, &editor, Editing::Rota, at)?;
                let known = rota::get(tx, &parts.cipher, &id)?;
                let known_rank = on_call::rank(tx, &id)?;
                if !expected(known.as_ref().map(|known| (known, known_rank))) {
                    return Err(ClinicalError::OtherVersion);
                }
                let shift = checked(tx, &parts, &id, &new)?;
                let rank = if new.deputy { Rank::Deputy } else { Rank::Rota };
                if known.as_ref() == Some(&shift) && known_rank == rank {
                    return Ok((shift, false));
                }
                may_become(tx, known.as_ref(), &shift, at)?;
                if let (Duty::Role(service), Rank::Rota) = (&shift.duty, rank) {
                    let span = (shift.start, shift.end);
                    let other = on_call::overlapping(tx, &parts.cipher, service, span, rank, &id, None)?;
                    if let Some(other) = other {
                        let overlap = Fault::Overlap(other.start);
                        return Err(ClinicalError::fault("PractitionerRole.period", overlap));
                    }
                }
                rota::put(tx, &parts.cipher, &shift)?;
                on_call::set_rank(tx, &id, rank)?;
                directory::touch(tx)?;
                let change = if known.is_none() { "entered" } else { "changed" };
                audit(tx, &editor, &id, change, at)?;
                Ok((shift, known.is_none()))
            })
            .await?;
        self.rota_changed();
        Ok(done)
    }

    /// Removes a shift that has not begun, or ends one that is being worked now.
    ///
    /// # Errors
    /// As [`Clinical::put_shift`]; [`ClinicalError::NotFound`].
    pub async fn remove_shift(
        &self,
        editor: &Editor,
        id: &str,
        expected: impl Fn(Option<(&PractitionerRole, Rank)>) -> bool + Send + 'static,
    ) -> Result<(), ClinicalError> {
        let (parts, editor, id) = (self.parts.clone(), editor.clone(), id.to_owned());
        let at = self.parts.clock.now();
        self.parts
            .store
            .write_with(move |tx| {
                check_editor(tx, &parts, &editor, Editing::Rota, at)?;
                let shift =
                    rota::get(tx, &parts.cipher, &id)?.ok_or(ClinicalError::NotFound("PractitionerRole"))?;
                if !expected(Some((&shift, on_call::rank(tx, &id)?))) {
                    return Err(ClinicalError::OtherVersion);
                }
                if shift.end <= at {
                    return Err(ClinicalError::Conflict(Conflict::ShiftPassed));
                }
                if shift.start > at {
                    rota::remove(tx, &id)?;
                } else {
                    rota::put(tx, &parts.cipher, &PractitionerRole { end: at, ..shift })?;
                }
                directory::touch(tx)?;
                audit(tx, &editor, &id, "removed", at)
            })
            .await?;
        self.rota_changed();
        Ok(())
    }
}

impl Clinical {
    /// How a shift counts beside others of its role.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn shift_rank(&self, id: &str) -> Result<Rank, ClinicalError> {
        self.parts.store.read_now(|tx| Ok(on_call::rank(tx, id)?))
    }

    /// The instant of a time as people write it: with an offset, or as the clocks of the Trust show it.
    ///
    /// # Errors
    /// [`LocalTimeError`], also for a time that a change of clocks leaves out or brings twice.
    pub fn local_instant(&self, text: &str) -> Result<Timestamp, LocalTimeError> {
        local_instant(&self.parts.zone, text)
    }
}

/// The shift, if directory and calendar allow it.
fn checked(
    tx: &impl Reader,
    parts: &ClinicalParts,
    id: &str,
    new: &NewShift,
) -> Result<PractitionerRole, ClinicalError> {
    let wrong =
        |path: &str, problem: &str| ClinicalError::invalid(format!("PractitionerRole.{path}"), problem);
    let fault = |path: &str, fault: Fault| ClinicalError::fault(format!("PractitionerRole.{path}"), fault);
    if directory::practitioner(tx, &new.person)?.is_none() {
        return Err(fault("practitioner", Fault::UnknownPerson));
    }
    crate::user_of(&new.person, &parts.server_name)?;
    match &new.duty {
        Duty::Role(role) if directory::service(tx, role)?.is_none() => {
            return Err(fault("healthcareService[0]", Fault::UnknownRole));
        }
        Duty::Ward(ward) if directory::location(tx, ward)?.is_none() => {
            return Err(fault("location[0]", Fault::UnknownWard));
        }
        Duty::Ward(_) if new.deputy => return Err(wrong("code", "a deputy is one of a role")),
        _ => {}
    }
    let (start, end) = match (&new.duty, new.start, new.end) {
        (_, Some(start), Some(end)) => (start, end),
        (Duty::Ward(_), start, end) => (start.unwrap_or(Timestamp(0)), end.unwrap_or(FOREVER)),
        (Duty::Role(_), None, _) => return Err(wrong("period.start", "is missing")),
        (Duty::Role(_), _, None) => return Err(wrong("period.end", "is missing")),
    };
    if start >= end {
        return Err(fault("period", Fault::EndsBeforeStart));
    }
    if matches!(new.duty, Duty::Role(_)) && end.millis_since(start) > LONGEST {
        return Err(fault("period.end", Fault::TooLong));
    }
    let (id, duty, person) = (id.to_owned(), new.duty.clone(), new.person.clone());
    Ok(PractitionerRole { id, duty, person, start, end })
}

/// Whether a shift may become what it is to be at this moment.
fn may_become(
    tx: &impl Reader,
    known: Option<&PractitionerRole>,
    shift: &PractitionerRole,
    at: Timestamp,
) -> Result<(), ClinicalError> {
    if shift.end <= at {
        return Err(ClinicalError::fault("PractitionerRole.period.end", Fault::NotInFuture));
    }
    let Some(known) = known else { return Ok(()) };
    if on_call::rank(tx, &known.id)? == Rank::SignOn {
        return Err(ClinicalError::Conflict(Conflict::ShiftSignOn));
    }
    if known.end <= at {
        return Err(ClinicalError::Conflict(Conflict::ShiftPassed));
    }
    let only_end = PractitionerRole { end: known.end, ..shift.clone() } == *known;
    if known.start <= at && !only_end && matches!(known.duty, Duty::Role(_)) {
        return Err(ClinicalError::Conflict(Conflict::ShiftBeingWorked));
    }
    Ok(())
}

fn audit(
    tx: &mut WriteTx<'_>,
    editor: &Editor,
    id: &str,
    change: &str,
    at: Timestamp,
) -> Result<(), ClinicalError> {
    let mut entry = Entry::new(at, editor.caller.user.as_str(), Action::ShiftWritten)
        .target(format!("PractitionerRole/{id}"))
        .with("change", change);
    if let Some(device) = &editor.caller.device {
        entry = entry.device(device);
    }
    Ok(wardline_audit::append(tx, &entry)?)
}
