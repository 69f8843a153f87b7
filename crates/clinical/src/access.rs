//! Who may resolve a patient: the members of the patient's conversation, and systems that an administrator has opened patients
//! to. Each resolution is audited.

use wardline_audit::{Action, Entry, Outcome};
use wardline_domain::ruma::OwnedRoomId;
use wardline_store::clinical::{access as reads, patients};

use crate::{Caller, Clinical, ClinicalError, Conflict, Only, Patient};

impl Clinical {
    /// Resolves a patient for a member of their conversation, and says so in the audit log before it answers.
    /// A refusal is audited too.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], [`ClinicalError::Forbidden`], or a failure of the store.
    pub async fn read_patient(&self, caller: &Caller, reference: &str) -> Result<Patient, ClinicalError> {
        let patient = self.find_patient(reference)?;
        let allowed = self.may_resolve(caller, &patient);
        let outcome = if allowed { Outcome::Success } else { Outcome::Refused };
        let entry = self.entry(caller, Action::PatientRead).target(reference).outcome(outcome);
        let read = patient.reference.clone();
        self.parts
            .store
            .write(move |tx| {
                wardline_audit::append(tx, &entry)?;
                reads::note_read(tx, [read.as_str()])
            })
            .await?;
        if allowed { Ok(patient) } else { Err(ClinicalError::Forbidden(Only::Members)) }
    }

    /// The patients in hospital, on one ward or on all, whose conversations the caller is a member of; by ward
    /// and bed. The search is audited with its ward and the number of patients given.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn patients_in_hospital(
        &self,
        caller: &Caller,
        ward: Option<String>,
    ) -> Result<Vec<Patient>, ClinicalError> {
        let cipher = self.parts.cipher.clone();
        let on_ward = ward.clone();
        let mut found: Vec<Patient> =
            self.parts.store.read(move |tx| patients::in_hospital(tx, &cipher, on_ward.as_deref())).await?;
        found.retain(|patient| self.may_resolve(caller, patient));
        found.sort_by(|a, b| (&a.record.ward, &a.record.bed).cmp(&(&b.record.ward, &b.record.bed)));
        let mut entry = self.entry(caller, Action::PatientSearched).with("found", found.len().to_string());
        if let Some(ward) = ward {
            entry = entry.with("ward", ward);
        }
        let seen: Vec<String> = found.iter().map(|patient| patient.reference.clone()).collect();
        self.parts
            .store
            .write(move |tx| {
                wardline_audit::append(tx, &entry)?;
                reads::note_read(tx, seen.iter().map(String::as_str))
            })
            .await?;
        Ok(found)
    }

    /// The room of a patient's conversation, for its members.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], [`ClinicalError::Forbidden`], or a failure of the store.
    pub fn conversation(&self, caller: &Caller, reference: &str) -> Result<OwnedRoomId, ClinicalError> {
        let patient = self.find_patient(reference)?;
        let room = patient.room.ok_or(ClinicalError::Conflict(Conflict::ConversationNotOpen))?;
        if self.parts.conversations.is_member(&room, &caller.user) {
            Ok(room)
        } else {
            Err(ClinicalError::Forbidden(Only::Members))
        }
    }

    pub(crate) fn find_patient(&self, reference: &str) -> Result<Patient, ClinicalError> {
        let cipher = &self.parts.cipher;
        self.parts
            .store
            .read_now(|tx| patients::get(tx, cipher, reference)?.ok_or(ClinicalError::NotFound("Patient")))
    }

    fn may_resolve(&self, caller: &Caller, patient: &Patient) -> bool {
        caller.is_system()
            || patient
                .room
                .as_ref()
                .is_some_and(|room| self.parts.conversations.is_member(room, &caller.user))
    }

    pub(crate) fn entry(&self, caller: &Caller, action: Action) -> Entry {
        let entry = Entry::new(self.parts.clock.now(), caller.user.as_str(), action);
        match &caller.device {
            Some(device) => entry.device(device),
            None => entry,
        }
    }
}
