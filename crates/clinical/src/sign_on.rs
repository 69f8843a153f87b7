//! Signing on: taking a role, offering it, accepting or declining the offer, putting it down.
//!
//! A sign-on is a shift that goes before the rota. It ends by itself at its time; then the rota's holder of that
//! time holds the role, or nobody does. What follows a change of holder is in [`crate::duty`].

use wardline_audit::{Action, Entry};
use wardline_domain::{
    Timestamp,
    care::rota::{LocalTime, next_at},
};
use wardline_store::{
    Reader, WriteTx,
    clinical::{
        directory, handover_codes,
        on_call::{self, Offer, Rank},
        rota::{self, Duty},
    },
};

use crate::{
    Caller, Clinical, ClinicalError, ClinicalParts, Conflict, Fault, OnCall, Only, PractitionerRole,
    duty::Duties,
};

/// Longest sign-on, in milliseconds.
const LONGEST: i64 = 24 * 3_600_000;
/// Length of a sign-on in milliseconds where the rota names no end.
const USUAL: i64 = 12 * 3_600_000;
/// The field that an unacceptable end names.
const UNTIL: &str = "Parameters.parameter(until)";

/// When a sign-on is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// When the present shift of the rota ends; without one after twelve hours, or when the next one begins.
    ShiftEnd,
    /// At an instant.
    At(Timestamp),
    /// When clocks of the Trust next show this time.
    Clock(LocalTime),
}

/// One change of who holds a role, within its transaction.
pub(crate) struct Change<'a> {
    pub(crate) parts: &'a ClinicalParts,
    pub(crate) caller: &'a Caller,
    pub(crate) service: &'a str,
    pub(crate) at: Timestamp,
}

impl Clinical {
    /// Takes a role that nobody (or only a deputy) holds. Who holds it already may take it again, to hold it longer.
    ///
    /// # Errors
    /// [`ClinicalError::Conflict`] if somebody else holds it; [`ClinicalError::Invalid`] for an end that is past, more
    /// than a day away, or within a shift of somebody else; [`ClinicalError::NotFound`].
    pub async fn take_role(
        &self,
        caller: &Caller,
        service: &str,
        until: Until,
    ) -> Result<OnCall, ClinicalError> {
        self.change_role(caller, service, move |change, tx| change.take(tx, until)).await
    }

    /// Offers a role to somebody, who then accepts or declines. A new offer goes before an older one.
    ///
    /// # Errors
    /// [`ClinicalError::Forbidden`] for who does not hold it; [`ClinicalError::Invalid`] for an unknown person or a
    /// wrong end; [`ClinicalError::NotFound`].
    pub async fn offer_role(
        &self,
        caller: &Caller,
        service: &str,
        to: &str,
        until: Until,
    ) -> Result<OnCall, ClinicalError> {
        let to = to.to_owned();
        self.change_role(caller, service, move |change, tx| change.offer(tx, &to, until)).await
    }

    /// Accepts the offer of a role: from now on the caller holds it.
    ///
    /// # Errors
    /// [`ClinicalError::Conflict`] if there is no offer, [`ClinicalError::Forbidden`] if it is another person's.
    pub async fn accept_role(&self, caller: &Caller, service: &str) -> Result<OnCall, ClinicalError> {
        self.change_role(caller, service, |change, tx| change.accept(tx)).await
    }

    /// Declines the offer of a role, or (for who made it) takes it back. Without an offer nothing changes.
    ///
    /// # Errors
    /// [`ClinicalError::Forbidden`] if it is another person's.
    pub async fn decline_role(&self, caller: &Caller, service: &str) -> Result<OnCall, ClinicalError> {
        self.change_role(caller, service, |change, tx| change.decline(tx)).await
    }

    /// Puts a role down before its time. Unless the rota or a deputy covers it, it is vacant then.
    ///
    /// # Errors
    /// [`ClinicalError::Forbidden`] for who does not hold it.
    pub async fn release_role(&self, caller: &Caller, service: &str) -> Result<OnCall, ClinicalError> {
        self.change_role(caller, service, |change, tx| change.release(tx)).await
    }

    pub(crate) async fn change_role(
        &self,
        caller: &Caller,
        service: &str,
        change: impl FnOnce(&Change<'_>, &mut WriteTx<'_>) -> Result<(), ClinicalError> + Send + 'static,
    ) -> Result<OnCall, ClinicalError> {
        let (parts, caller, service) = (self.parts.clone(), caller.clone(), service.to_owned());
        let at = self.parts.clock.now();
        let answer = self
            .parts
            .store
            .write_with(move |tx| {
                let role = directory::service(tx, &service)?;
                let role = role.ok_or(ClinicalError::NotFound("HealthcareService"))?;
                if directory::practitioner(tx, caller.person())?.is_none() {
                    return Err(ClinicalError::Forbidden(Only::Staff));
                }
                let duties = |caller| Duties { parts: &parts, caller, at };
                duties(None).settle(tx, &role)?;
                change(&Change { parts: &parts, caller: &caller, service: &service, at }, tx)?;
                duties(Some(&caller)).settle(tx, &role)?;
                crate::on_call::on_call(tx, &parts, role, at)
            })
            .await?;
        self.wake();
        Ok(answer)
    }
}

impl Change<'_> {
    fn take(&self, tx: &mut WriteTx<'_>, until: Until) -> Result<(), ClinicalError> {
        let person = self.caller.person();
        if let Some(shift) = self.holder(tx)? {
            let stands_in = on_call::rank(tx, &shift.id)? == Rank::Deputy;
            if shift.person == person && !stands_in {
                if until == Until::ShiftEnd {
                    return Ok(());
                }
                let end = self.end(tx, person, until)?;
                on_call::end_shift(tx, &self.parts.cipher, &shift, self.at)?;
                return self.sign_on(tx, person, end, "take");
            }
            if shift.person != person && !stands_in {
                return Err(ClinicalError::Conflict(Conflict::RoleHeld));
            }
        }
        let end = self.end(tx, person, until)?;
        self.sign_on(tx, person, end, "take")
    }

    fn offer(&self, tx: &mut WriteTx<'_>, to: &str, until: Until) -> Result<(), ClinicalError> {
        let shift = self.own_shift(tx)?;
        let path = "Parameters.parameter(to)";
        if directory::practitioner(tx, to)?.is_none() {
            return Err(ClinicalError::fault(path, Fault::UnknownPerson));
        }
        if to == self.caller.person() {
            return Err(ClinicalError::fault(path, Fault::SomebodyElse));
        }
        let until = match until {
            Until::ShiftEnd => shift.end.min(self.at.plus_millis(LONGEST)),
            other => self.end(tx, to, other)?,
        };
        let offer = Offer { from: shift.person, to: to.to_owned(), until };
        on_call::put_offer(tx, &self.parts.cipher, self.service, &offer)?;
        self.audit(tx, "offer", Some(to))
    }

    fn accept(&self, tx: &mut WriteTx<'_>) -> Result<(), ClinicalError> {
        let holder = self.holder(tx)?;
        let Some(offer) = on_call::offer(tx, &self.parts.cipher, self.service, self.at)? else {
            // A repetition after a lost answer.
            let holds = holder.is_some_and(|shift| shift.person == self.caller.person());
            return if holds { Ok(()) } else { Err(ClinicalError::Conflict(Conflict::RoleNotOnOffer)) };
        };
        if offer.to != self.caller.person() {
            return Err(ClinicalError::Forbidden(Only::Offered));
        }
        let Some(shift) = holder.filter(|shift| shift.person == offer.from) else {
            return Err(ClinicalError::Conflict(Conflict::OfferLapsed));
        };
        on_call::end_shift(tx, &self.parts.cipher, &shift, self.at)?;
        self.sign_on(tx, &offer.to, offer.until, "accept")
    }

    fn decline(&self, tx: &mut WriteTx<'_>) -> Result<(), ClinicalError> {
        let Some(offer) = on_call::offer(tx, &self.parts.cipher, self.service, self.at)? else {
            return Ok(());
        };
        let person = self.caller.person();
        if offer.to != person && offer.from != person {
            return Err(ClinicalError::Forbidden(Only::Offer));
        }
        on_call::clear_offer(tx, self.service)?;
        self.audit(tx, if offer.to == person { "decline" } else { "withdraw" }, None)
    }

    fn release(&self, tx: &mut WriteTx<'_>) -> Result<(), ClinicalError> {
        let shift = self.own_shift(tx)?;
        on_call::end_shift(tx, &self.parts.cipher, &shift, self.at)?;
        on_call::clear_offer(tx, self.service)?;
        self.audit(tx, "release", None)
    }

    pub(crate) fn holder(&self, tx: &impl Reader) -> Result<Option<PractitionerRole>, ClinicalError> {
        Ok(rota::holder(tx, &self.parts.cipher, self.service, self.at)?)
    }

    pub(crate) fn own_shift(&self, tx: &impl Reader) -> Result<PractitionerRole, ClinicalError> {
        let own = self.holder(tx)?.filter(|shift| shift.person == self.caller.person());
        own.ok_or(ClinicalError::Forbidden(Only::Holder))
    }

    pub(crate) fn sign_on(
        &self,
        tx: &mut WriteTx<'_>,
        person: &str,
        end: Timestamp,
        change: &str,
    ) -> Result<(), ClinicalError> {
        let shift = PractitionerRole {
            id: self.parts.random.uuid(),
            duty: Duty::Role(self.service.to_owned()),
            person: person.to_owned(),
            start: self.at,
            end,
        };
        rota::put(tx, &self.parts.cipher, &shift)?;
        on_call::set_rank(tx, &shift.id, Rank::SignOn)?;
        on_call::clear_offer(tx, self.service)?;
        handover_codes::clear(tx, self.service)?;
        self.audit(tx, change, None)
    }

    pub(crate) fn end(
        &self,
        tx: &impl Reader,
        person: &str,
        until: Until,
    ) -> Result<Timestamp, ClinicalError> {
        let end = match until {
            Until::ShiftEnd => return self.shift_end(tx, person),
            Until::At(at) => at,
            Until::Clock(time) => next_at(&self.parts.zone, self.at, time)
                .ok_or_else(|| ClinicalError::invalid(UNTIL, "is beyond the calendar"))?,
        };
        if end <= self.at || end.millis_since(self.at) > LONGEST {
            return Err(ClinicalError::fault(UNTIL, Fault::NotWithinADay));
        }
        match self.next_of_others(tx, person, end)? {
            Some(shift) => Err(ClinicalError::fault(UNTIL, Fault::Overlap(shift.start))),
            None => Ok(end),
        }
    }

    fn shift_end(&self, tx: &impl Reader, person: &str) -> Result<Timestamp, ClinicalError> {
        let filter =
            rota::Filter { service: Some(self.service), at: Some(self.at), ..rota::Filter::default() };
        let mut ends = Vec::new();
        for shift in rota::find(tx, &self.parts.cipher, &filter, 64)? {
            if on_call::rank(tx, &shift.id)? == Rank::Rota {
                ends.push((shift.person == person, shift.end));
            }
        }
        let end = match ends.into_iter().max() {
            Some((_, end)) => end.min(self.at.plus_millis(LONGEST)),
            None => self.at.plus_millis(USUAL),
        };
        Ok(self.next_of_others(tx, person, end)?.map_or(end, |shift| shift.start))
    }

    /// The first shift of somebody else that begins between now and `end`.
    fn next_of_others(
        &self,
        tx: &impl Reader,
        person: &str,
        end: Timestamp,
    ) -> Result<Option<PractitionerRole>, ClinicalError> {
        // The present shift is the one that is handed over.
        let present = self.holder(tx)?.map(|shift| shift.id).unwrap_or_default();
        let (cipher, span) = (&self.parts.cipher, (self.at, end));
        Ok(on_call::overlapping(tx, cipher, self.service, span, Rank::SignOn, &present, Some(person))?)
    }

    pub(crate) fn audit(
        &self,
        tx: &mut WriteTx<'_>,
        change: &str,
        to: Option<&str>,
    ) -> Result<(), ClinicalError> {
        let mut entry = Entry::new(self.at, self.caller.user.as_str(), Action::RoleChanged)
            .target(format!("HealthcareService/{}", self.service))
            .with("change", change);
        if let Some(device) = &self.caller.device {
            entry = entry.device(device);
        }
        if let Some(to) = to {
            entry = entry.with("to", crate::user_of(to, &self.parts.server_name)?.to_string());
        }
        Ok(wardline_audit::append(tx, &entry)?)
    }
}
