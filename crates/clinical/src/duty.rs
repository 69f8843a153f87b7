//! What follows when a role goes from one holder to the next: open requests ask the new one, who is brought into
//! the conversations of the wards that the role covers; the last one leaves those where they were only through it.
//!
//! The holder that was last acted upon is written down, so that a change is acted upon once, however it came about:
//! by a sign-on, by its end, by the rota, by an import, or while the server was off.

use std::sync::atomic::Ordering;

use wardline_audit::{Action, Entry};
use wardline_domain::{Timestamp, care::request::Command};
use wardline_store::{
    Reader, WriteTx,
    clinical::{directory, duty::Reach, on_call, patients, rota, tasks},
};

use crate::{
    Caller, Clinical, ClinicalError, ClinicalParts, Service,
    duty_status::reach,
    outbox::{self, Job},
    requests::Move,
    standing::holder_or_fallback,
    user_of,
};

/// How often roles are looked at though no shift begins or ends, in milliseconds.
const OFTEN: i64 = 30_000;

/// Acts upon changes of holders within a transaction.
pub(crate) struct Duties<'a> {
    pub(crate) parts: &'a ClinicalParts,
    /// Who brought the change about; `None` is the rota.
    pub(crate) caller: Option<&'a Caller>,
    pub(crate) at: Timestamp,
}

/// How a role is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// By somebody who can be reached.
    Held,
    /// By nobody.
    Vacant,
    /// By somebody whose devices cannot be reached, or are muted.
    Unreachable,
}

/// The holder last acted upon and the present one, who is another.
struct Handover {
    from: Option<String>,
    to: Option<String>,
}

impl Duties<'_> {
    /// Acts upon the role having another holder than the one that was last acted upon.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) fn settle(&self, tx: &mut WriteTx<'_>, role: &Service) -> Result<(), ClinicalError> {
        let cipher = &self.parts.cipher;
        let held = self.hold(tx, role)?;
        self.watch_vacancy(tx, role, held)?;
        let Some(Handover { from, to }) = self.change(tx, role)? else { return Ok(()) };
        on_call::settle(tx, cipher, &role.id, to.as_deref())?;
        self.audit(tx, role, from.as_deref(), to.as_deref())?;
        if let Some(to) = &to {
            for ward in &role.wards {
                for patient in patients::in_hospital(tx, cipher, Some(ward))? {
                    let job = Job::Gather { patient: patient.reference.clone() };
                    outbox::push(tx, &patient.reference, &job)?;
                }
            }
            self.hand_over_requests(tx, role, from.clone(), to)?;
        } else if let Some(fallback) = holder_or_fallback(tx, self.parts, &role.id, self.at)? {
            self.hand_over_requests(tx, role, from.clone(), &fallback)?;
        }
        if let Some(person) = from {
            for patient in on_call::duty_patients(tx, cipher, &role.id, &person)? {
                let job = Job::Leave { patient: patient.clone(), person: person.clone() };
                outbox::push(tx, &patient, &job)?;
            }
        }
        Ok(())
    }

    /// The holder last acted upon and the present one, if they are not the same.
    fn change(&self, tx: &impl Reader, role: &Service) -> Result<Option<Handover>, ClinicalError> {
        let now = rota::holder(tx, &self.parts.cipher, &role.id, self.at)?.map(|shift| shift.person);
        let before = on_call::settled(tx, &self.parts.cipher, &role.id)?;
        let changed = before.as_ref() != Some(&now);
        Ok(changed.then(|| Handover { from: before.flatten(), to: now }))
    }

    /// Whether there is anything to act upon.
    fn is_due(&self, tx: &impl Reader, role: &Service) -> Result<bool, ClinicalError> {
        let held = self.hold(tx, role)?;
        Ok(self.change(tx, role)?.is_some() || self.vacancy_changed(tx, role, held)?)
    }

    /// How the role is held.
    fn hold(&self, tx: &impl Reader, role: &Service) -> Result<Hold, ClinicalError> {
        let Some(shift) = rota::holder(tx, &self.parts.cipher, &role.id, self.at)? else {
            return Ok(Hold::Vacant);
        };
        Ok(match reach(tx, self.parts, &shift.person, self.at)? {
            Reach::Reachable => Hold::Held,
            Reach::Unreachable | Reach::Muted => Hold::Unreachable,
        })
    }

    fn hand_over_requests(
        &self,
        tx: &mut WriteTx<'_>,
        role: &Service,
        from: Option<String>,
        to: &str,
    ) -> Result<(), ClinicalError> {
        let command = Command::HandOver { role: role.id.clone(), from, to: to.to_owned() };
        let step = Move {
            parts: self.parts,
            actor: self.caller.map(Caller::person),
            device: self.caller.and_then(|caller| caller.device.as_deref()),
            device_at: None,
            at: self.at,
        };
        for task in tasks::open_of_role(tx, &self.parts.cipher, &role.id)? {
            step.apply(tx, task, &command)?;
        }
        Ok(())
    }

    fn audit(
        &self,
        tx: &mut WriteTx<'_>,
        role: &Service,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<(), ClinicalError> {
        let actor = self.caller.map_or("system:rota", |caller| caller.user.as_str());
        let mut entry = Entry::new(self.at, actor, Action::RoleHeld);
        entry = entry.target(format!("HealthcareService/{}", role.id));
        for (name, person) in [("from", from), ("to", to)] {
            if let Some(person) = person {
                entry = entry.with(name, user_of(person, &self.parts.server_name)?.to_string());
            }
        }
        Ok(wardline_audit::append(tx, &entry)?)
    }
}

impl Clinical {
    /// Acts upon every role that has another holder at `now` than the one that was last acted upon.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) async fn settle_roles(&self, now: Timestamp) -> Result<(), ClinicalError> {
        let due = self.roles_due.load(Ordering::SeqCst);
        if now.as_millis() < due {
            return Ok(());
        }
        let parts = self.parts.clone();
        let (changed, next) = self
            .parts
            .store
            .read(move |tx| {
                let duties = Duties { parts: &parts, caller: None, at: now };
                let mut changed = Vec::new();
                for role in directory::services(tx)? {
                    if duties.is_due(tx, &role)? {
                        changed.push(role);
                    }
                }
                Ok::<_, ClinicalError>((changed, on_call::next_change(tx, now)?))
            })
            .await?;
        if !changed.is_empty() {
            let parts = self.parts.clone();
            let settle = move |tx: &mut WriteTx<'_>| {
                let duties = Duties { parts: &parts, caller: None, at: now };
                changed.iter().try_for_each(|role| duties.settle(tx, role))
            };
            self.parts.store.write_with(settle).await?;
            self.outbox_filled.notify_one();
        }
        let often = now.plus_millis(OFTEN);
        let next = next.map_or(often, |next| next.min(often)).as_millis();
        // If the rota was changed meanwhile it stays due.
        let _ = self.roles_due.compare_exchange(due, next, Ordering::SeqCst, Ordering::SeqCst);
        Ok(())
    }

    /// When the roles are looked at next.
    pub(crate) fn roles_due(&self) -> Timestamp {
        Timestamp(self.roles_due.load(Ordering::SeqCst))
    }

    /// Has the roles looked at now: the rota was changed.
    pub(crate) fn rota_changed(&self) {
        self.roles_due.store(0, Ordering::SeqCst);
        self.wake();
    }
}
