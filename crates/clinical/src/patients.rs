//! Admission to discharge: what an ADT event does to a patient's record and conversation.
//!
//! A patient is never guessed: if the NHS number and the local number point to different records, or contradict
//! what is known, the event is refused and somebody must look.

use wardline_audit::{Action, Entry};
use wardline_domain::{
    Random, Timestamp,
    care::hl7::{
        Change,
        adt::{AdtEvent, AdtKind, AdtPatient, Identifiers, Place},
    },
};
use wardline_store::{
    Reader, WriteTx,
    clinical::{
        ColumnCipher, directory,
        patients::{self, Demographics, Patient},
        tasks,
    },
};

use crate::{
    ClinicalError,
    merge::survivor,
    outbox::{self, Job},
};

/// What the application of ADT events needs.
pub(crate) struct Admissions<'a> {
    pub(crate) cipher: &'a ColumnCipher,
    pub(crate) random: &'a dyn Random,
    pub(crate) at: Timestamp,
}

impl Admissions<'_> {
    /// Applies one event. Everything is checked before anything is written.
    ///
    /// Gives what somebody must still look to.
    ///
    /// # Errors
    /// [`ClinicalError::Invalid`] names the HL7 field at which the event contradicts what is known.
    pub(crate) fn apply(
        &self,
        tx: &mut WriteTx<'_>,
        event: &AdtEvent,
    ) -> Result<Option<String>, ClinicalError> {
        if event.merged.as_ref().is_some_and(|merged| is_within(merged, &event.patient.identifiers)) {
            return Err(ClinicalError::invalid("MRG-1", "a record cannot be merged into itself"));
        }
        let known = self.find(tx, &event.patient.identifiers, "PID-3")?;
        let before = known.clone();
        let mut patient = match (known, event.kind) {
            (Some(patient), _) => patient,
            (None, AdtKind::Admit | AdtKind::Register | AdtKind::AddPerson) => {
                self.new_patient(&event.patient)?
            }
            (None, _) => return Err(ClinicalError::invalid("PID-3", "this patient is not known here")),
        };
        self.identify(tx, &mut patient, &event.patient.identifiers)?;
        update(&mut patient.record, &event.patient)?;
        let ended = match &event.merged {
            Some(merged) => self.merged_record(tx, merged, &patient)?,
            None => None,
        };
        match (event.kind, &event.location, &ended) {
            (AdtKind::Discharge | AdtKind::CancelAdmit, _, _) => {
                (patient.record.ward, patient.record.bed) = (None, None)
            }
            (_, Some(place), _) => locate(tx, &mut patient.record, place)?,
            (_, None, Some(ended)) if patient.record.ward.is_none() => {
                (patient.record.ward, patient.record.bed) =
                    (ended.record.ward.clone(), ended.record.bed.clone());
            }
            _ => {}
        }
        if let Some(ended) = ended {
            self.end(tx, ended, &mut patient)?;
        }
        self.write(tx, patient, before.as_ref(), event)
    }

    fn new_patient(&self, said: &AdtPatient) -> Result<Patient, ClinicalError> {
        if said.name.value().is_none() {
            return Err(ClinicalError::invalid("PID-5", "a new patient needs a name"));
        }
        let reference = self.random.uuid();
        let record = Demographics::default();
        Ok(Patient { reference, room: None, replaced_by: None, record, changed_at: self.at })
    }

    /// The one record that the identifiers point to.
    fn find(
        &self,
        tx: &impl Reader,
        ids: &Identifiers,
        field: &str,
    ) -> Result<Option<Patient>, ClinicalError> {
        let by_nhs =
            ids.nhs_number.map(|n| patients::by_nhs_number(tx, self.cipher, n)).transpose()?.flatten();
        let by_local =
            ids.local.as_ref().map(|l| patients::by_local_id(tx, self.cipher, l)).transpose()?.flatten();
        match (survivor(tx, self.cipher, by_nhs)?, survivor(tx, self.cipher, by_local)?) {
            (Some(a), Some(b)) if a.reference != b.reference => Err(ClinicalError::invalid(
                field,
                "the NHS number and the local number belong to two different patients",
            )),
            (Some(found), _) | (None, Some(found)) => Ok(Some(found)),
            (None, None) => Ok(None),
        }
    }

    /// Adds identifiers that are new, refuses those that contradict. Those of a record that was merged into this one
    /// are superseded, not contradictory.
    fn identify(
        &self,
        tx: &impl Reader,
        patient: &mut Patient,
        ids: &Identifiers,
    ) -> Result<(), ClinicalError> {
        let (reference, record) = (&patient.reference, &mut patient.record);
        let leads_here = |found: Option<Patient>| {
            let followed = survivor(tx, self.cipher, found)?;
            Ok::<_, ClinicalError>(followed.is_some_and(|it| it.reference == *reference))
        };
        if let (Some(known), Some(said)) = (record.nhs_number, ids.nhs_number)
            && known != said
            && !leads_here(patients::by_nhs_number(tx, self.cipher, said)?)?
        {
            return Err(ClinicalError::invalid(
                "PID-3",
                "the NHS number is not the one that is known for this patient",
            ));
        }
        if let (Some(known), Some(said)) = (&record.local_id, &ids.local)
            && known.authority == said.authority
            && known.value != said.value
            && !leads_here(patients::by_local_id(tx, self.cipher, said)?)?
        {
            return Err(ClinicalError::invalid(
                "PID-3",
                "the local number is not the one that is known for this patient",
            ));
        }
        record.nhs_number = record.nhs_number.or(ids.nhs_number);
        record.local_id = record.local_id.take().or_else(|| ids.local.clone());
        Ok(())
    }

    /// The record that a merge ends; `None` if it is not known or was merged into the survivor before.
    fn merged_record(
        &self,
        tx: &impl Reader,
        merged: &Identifiers,
        survivor: &Patient,
    ) -> Result<Option<Patient>, ClinicalError> {
        let found = self.find(tx, merged, "MRG-1")?;
        Ok(found.filter(|ended| ended.reference != survivor.reference))
    }

    /// Ends a record: the survivor takes the identifiers that it has none of, the others still lead to it; the
    /// conversation of the ended record stays readable.
    fn end(
        &self,
        tx: &mut WriteTx<'_>,
        mut ended: Patient,
        survivor: &mut Patient,
    ) -> Result<(), ClinicalError> {
        let kept = &mut survivor.record;
        // Of two records of which one is restricted, the patient is.
        kept.restricted |= ended.record.restricted;
        if kept.nhs_number.is_none() {
            kept.nhs_number = ended.record.nhs_number.take();
        }
        if kept.local_id.is_none() {
            kept.local_id = ended.record.local_id.take();
        }
        (ended.record.ward, ended.record.bed) = (None, None);
        ended.replaced_by = Some(survivor.reference.clone());
        ended.changed_at = self.at;
        let entry = Entry::new(self.at, "system:import", Action::PatientWritten)
            .target(&ended.reference)
            .with("replaced_by", &survivor.reference);
        patients::put(tx, self.cipher, &ended)?;
        wardline_audit::append(tx, &entry)?;
        Ok(outbox::push(tx, &survivor.reference, &Job::Merge { ended: ended.reference })?)
    }

    fn write(
        &self,
        tx: &mut WriteTx<'_>,
        mut patient: Patient,
        before: Option<&Patient>,
        event: &AdtEvent,
    ) -> Result<Option<String>, ClinicalError> {
        patient.changed_at = self.at;
        patients::put(tx, self.cipher, &patient)?;
        let entry = Entry::new(self.at, "system:import", Action::PatientWritten)
            .target(&patient.reference)
            .with("event", format!("{:?}", event.kind).to_lowercase());
        wardline_audit::append(tx, &entry)?;
        let moved =
            before.is_none_or(|b| b.record.ward != patient.record.ward) && patient.record.ward.is_some();
        if moved {
            outbox::push(tx, &patient.reference, &Job::Gather { patient: patient.reference.clone() })?;
        }
        let status = |it: &Patient| (it.record.ward.is_some(), it.record.deceased == Some(true));
        let changed = before.is_some_and(|b| b.room.is_some() && status(b) != status(&patient));
        if !changed {
            return Ok(None);
        }
        let job = Job::Status { patient: patient.reference.clone(), at: self.at };
        outbox::push(tx, &patient.reference, &job)?;
        let (present, deceased) = status(&patient);
        let open = tasks::open_of_patient(tx, &patient.reference)?;
        let left = open > 0 && (deceased || !present);
        Ok(left.then(|| format!("{open} open request(s) of this patient must be completed or cancelled")))
    }
}

/// Whether everything that `part` names is named by `whole` too.
fn is_within(part: &Identifiers, whole: &Identifiers) -> bool {
    let nhs = part.nhs_number.is_none() || part.nhs_number == whole.nhs_number;
    nhs && (part.local.is_none() || part.local == whole.local)
}

fn update(record: &mut Demographics, said: &AdtPatient) -> Result<(), ClinicalError> {
    if said.name == Change::Delete {
        return Err(ClinicalError::invalid("PID-5", "a patient's name cannot be deleted"));
    }
    said.name.clone().apply(&mut record.name);
    let date = said.birth_date.clone().try_map(|d| Ok::<_, ClinicalError>(d.to_string()))?;
    date.apply(&mut record.birth_date);
    said.gender.clone().apply(&mut record.gender);
    said.deceased.clone().apply(&mut record.deceased);
    match said.restricted {
        Change::Unchanged => {}
        Change::Set(restricted) => record.restricted = restricted,
        Change::Delete => record.restricted = false,
    }
    Ok(())
}

fn locate(tx: &impl Reader, record: &mut Demographics, place: &Place) -> Result<(), ClinicalError> {
    let ward = directory::ward_by_code(tx, &place.ward)?
        .ok_or_else(|| ClinicalError::invalid("PV1-3", "no ward of the directory has this code"))?;
    record.ward = Some(ward.id);
    record.bed.clone_from(&place.bed);
    Ok(())
}
