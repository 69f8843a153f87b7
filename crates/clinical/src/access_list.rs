//! Who looked at a patient, and the search by which the privacy officer finds the patient. Both are audited, and are looks
//! themselves.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use wardline_audit::{Action, Outcome};
use wardline_domain::{Timestamp, care::NhsNumber};
use wardline_store::{
    Reader,
    clinical::{
        ColumnCipher, access,
        directory::{self, PRIVACY_OFFICER},
        patients::{self, Demographics},
        rota,
    },
};

use crate::{
    Caller, Clinical, ClinicalError, Only, Patient, Practitioner, directory::MAX_FOUND, merge::survivor,
    user_of,
};

/// Most patients that one search finds.
const MOST: usize = 20;
/// Shortest text that is looked for, in characters.
const SHORTEST: usize = 2;

/// Which looks at a patient are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LooksWanted {
    /// Those at this instant or later.
    pub from: Option<Timestamp>,
    /// Those before this instant.
    pub until: Option<Timestamp>,
    /// Those of this person (id of the practitioner).
    pub person: Option<String>,
}

/// One look at a patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Number of the entry of the audit log.
    pub seq: u64,
    /// When; if it was repeated, the last time.
    pub at: Timestamp,
    /// When it was for the first time within the hour.
    pub since: Timestamp,
    /// How often it was within the hour, in the same way by the same person.
    pub times: u64,
    /// Who: a user id.
    pub user: String,
    /// The same as a member of staff.
    pub person: Option<Practitioner>,
    /// On which device.
    pub device: Option<String>,
    /// How.
    pub kind: AccessKind,
    /// False if it was refused.
    pub allowed: bool,
    /// Why, for break-glass and for a search of the privacy officer.
    pub reason: Option<String>,
}

/// How somebody looked at a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessKind {
    /// They resolved the patient.
    Read,
    /// The patient was in a list that they read.
    Searched,
    /// They opened the conversation from outside the care team.
    BreakGlass,
    /// They looked for the patient, to read who looked at them.
    Found,
    /// They read who looked at the patient.
    ListRead,
}

impl Clinical {
    /// Who looked at a patient, latest first, at most 1000; for the holder of a privacy officer's role. It is
    /// audited, and a look itself.
    ///
    /// # Errors
    /// [`ClinicalError::Forbidden`] for anybody else, [`ClinicalError::NotFound`], or a failure of the store.
    pub async fn accesses(
        &self,
        caller: &Caller,
        reference: &str,
        wanted: LooksWanted,
    ) -> Result<Vec<Access>, ClinicalError> {
        let known = self.find_patient(reference).is_ok();
        let entitled = self.is_privacy_officer(caller)?;
        let outcome = if entitled { Outcome::Success } else { Outcome::Refused };
        let entry = self.entry(caller, Action::AccessListRead).target(reference).outcome(outcome);
        let read = reference.to_owned();
        self.parts
            .store
            .write(move |tx| {
                wardline_audit::append(tx, &entry)?;
                access::note_read(tx, Some(read.as_str()).filter(|_| known))
            })
            .await?;
        if !entitled {
            return Err(ClinicalError::Forbidden(Only::PrivacyOfficer));
        }
        self.find_patient(reference)?;
        let user = wanted.person.map(|person| user_of(&person, &self.parts.server_name)).transpose()?;
        let looks =
            access::Looks { from: wanted.from, until: wanted.until, user: user.map(|user| user.to_string()) };
        let (cipher, reference) = (self.parts.cipher.clone(), reference.to_owned());
        self.parts
            .store
            .read(move |tx| {
                let rows = access::reads(tx, &reference, &looks, MAX_FOUND)?;
                rows.into_iter().map(|row| access_of(tx, &cipher, row)).collect()
            })
            .await
    }

    /// The patients with this NHS number or hospital number, or with a name of which each word of `text` begins a part, at most
    /// 20, and how many there are; for the holder of a privacy officer's role. The reason is kept with the search, and the
    /// search is a look at each patient found.
    ///
    /// # Errors
    /// [`ClinicalError::Invalid`] names what is too short or missing; [`ClinicalError::Forbidden`] for anybody else, which is
    /// audited; or a failure of the store.
    pub async fn find_for_access_list(
        &self,
        caller: &Caller,
        text: &str,
        reason: &str,
    ) -> Result<(Vec<Patient>, usize), ClinicalError> {
        let text = text.trim().to_owned();
        if text.chars().count() < SHORTEST {
            let problem = "must be a number, or two letters of a name at least";
            return Err(ClinicalError::invalid("Parameters.parameter(text)", problem));
        }
        if reason.trim().is_empty() {
            return Err(ClinicalError::invalid("Parameters.parameter(reason)", "must say why"));
        }
        if !self.is_privacy_officer(caller)? {
            let entry = self.entry(caller, Action::AccessListSearched).outcome(Outcome::Refused);
            self.parts.store.write(move |tx| wardline_audit::append(tx, &entry)).await?;
            return Err(ClinicalError::Forbidden(Only::PrivacyOfficer));
        }
        let cipher = self.parts.cipher.clone();
        let (found, total) = self.parts.store.read(move |tx| find(tx, &cipher, &text)).await?;
        let (cipher, at) = (self.parts.cipher.clone(), self.parts.clock.now());
        let (why, reason) = (self.parts.random.uuid(), reason.trim().to_owned());
        let entry = self
            .entry(caller, Action::AccessListSearched)
            .with("found", total.to_string())
            .with("why", &why)
            .with("reason_sha256", hex::encode(Sha256::digest(reason.as_bytes())));
        let seen: Vec<String> = found.iter().map(|patient| patient.reference.clone()).collect();
        self.parts
            .store
            .write(move |tx| {
                access::put_reason(tx, &cipher, &why, at, &reason)?;
                wardline_audit::append(tx, &entry)?;
                access::note_read(tx, seen.iter().map(String::as_str))
            })
            .await?;
        Ok((found, total))
    }

    fn is_privacy_officer(&self, caller: &Caller) -> Result<bool, ClinicalError> {
        let (cipher, now) = (&self.parts.cipher, self.parts.clock.now());
        self.parts.store.read_now(|tx| {
            for role in directory::services_of_kind(tx, PRIVACY_OFFICER)? {
                let holder = rota::holder(tx, cipher, &role.id, now)?;
                if holder.is_some_and(|shift| shift.person == caller.person()) {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }
}

fn find(tx: &impl Reader, cipher: &ColumnCipher, text: &str) -> Result<(Vec<Patient>, usize), ClinicalError> {
    if let Ok(number) = text.parse::<NhsNumber>() {
        let known = patients::by_nhs_number(tx, cipher, number)?;
        let found: Vec<Patient> = survivor(tx, cipher, known)?.into_iter().collect();
        let total = found.len();
        return Ok((found, total));
    }
    let words: Vec<String> =
        text.split([' ', ',']).filter(|it| !it.is_empty()).map(str::to_lowercase).collect();
    let fits = |record: &Demographics| {
        let local = record.local_id.as_ref().is_some_and(|local| local.value.eq_ignore_ascii_case(text));
        let name = record.name.as_ref().map(|name| format!("{} {}", name.given, name.family).to_lowercase());
        let begins = |word: &String, name: &str| {
            name.split([' ', '-', '\'']).any(|part| part.starts_with(word.as_str()))
                || name.starts_with(word.as_str())
        };
        local || name.is_some_and(|name| words.iter().all(|word| begins(word, &name)))
    };
    Ok(patients::find(tx, cipher, fits, MOST)?)
}

fn access_of(tx: &impl Reader, cipher: &ColumnCipher, look: access::Look) -> Result<Access, ClinicalError> {
    let row = look.entry;
    let kind = match row.action.as_str() {
        action if action == Action::BreakGlass.as_str() => AccessKind::BreakGlass,
        action if action == Action::PatientSearched.as_str() => AccessKind::Searched,
        action if action == Action::AccessListSearched.as_str() => AccessKind::Found,
        action if action == Action::AccessListRead.as_str() => AccessKind::ListRead,
        _ => AccessKind::Read,
    };
    let detail: BTreeMap<String, String> = serde_json::from_str(&row.detail).unwrap_or_default();
    let reason = match (detail.get("grant"), detail.get("why")) {
        (Some(id), _) => access::break_glass_reason(tx, cipher, id)?,
        (None, Some(id)) => access::reason(tx, cipher, id)?,
        (None, None) => None,
    };
    let local = row.actor.strip_prefix('@').and_then(|rest| rest.split(':').next()).unwrap_or_default();
    Ok(Access {
        seq: row.seq,
        at: row.at,
        since: look.since,
        times: look.times,
        person: directory::practitioner(tx, local)?,
        user: row.actor,
        device: row.device,
        kind,
        allowed: row.outcome == Outcome::Success.as_str(),
        reason,
    })
}
