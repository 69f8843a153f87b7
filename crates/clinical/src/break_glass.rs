//! Break-glass: opening a patient's conversation from outside the care team, with a reason, on record.

use sha2::{Digest, Sha256};
use wardline_audit::{Action, Outcome};
use wardline_domain::{
    care::{
        NhsNumber,
        playbook::{Ask, PlannedStep},
    },
    ruma::OwnedRoomId,
};
use wardline_store::{
    WriteTx,
    clinical::{
        access,
        directory::{self, PRIVACY_OFFICER},
        patients,
    },
};

use crate::{
    Caller, Clinical, ClinicalError, Conflict, Only, Patient,
    alarms::WAIT,
    merge::survivor,
    outbox::{self, Job},
    requests::OwnRequest,
};

/// What is asked of [`Clinical::break_glass`]: two identifiers and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakGlass {
    /// The first identifier.
    pub nhs_number: NhsNumber,
    /// The second: the date of birth as `YYYY-MM-DD`,
    pub birth_date: Option<String>,
    /// or the surname. If both are given both must match.
    pub family: Option<String>,
    /// Why, in the person's words; never empty.
    pub reason: String,
}

impl BreakGlass {
    fn matches(&self, patient: &Patient) -> bool {
        let record = &patient.record;
        let plain = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let born = self.birth_date.as_ref().is_none_or(|said| record.birth_date.as_ref() == Some(said));
        let named = self
            .family
            .as_ref()
            .is_none_or(|said| record.name.as_ref().is_some_and(|known| plain(&known.family) == plain(said)));
        born && named && (self.birth_date.is_some() || self.family.is_some())
    }
}

impl Clinical {
    /// Brings a member of staff into the conversation of a patient whom they name by two identifiers. Their reason is
    /// kept, and the privacy officer is told at once.
    ///
    /// # Errors
    /// [`ClinicalError::Invalid`] without a second identifier or a reason; [`ClinicalError::NotFound`] whenever the
    /// two do not belong to one patient, whether or not there is one with either; that is audited too.
    pub async fn break_glass(
        &self,
        caller: &Caller,
        asked: BreakGlass,
    ) -> Result<(String, OwnedRoomId), ClinicalError> {
        if asked.reason.trim().is_empty() {
            return Err(ClinicalError::invalid("Parameters.parameter(reason)", "must say why"));
        }
        if asked.birth_date.is_none() && asked.family.is_none() {
            let problem = "a second identifier is needed: birthdate or family";
            return Err(ClinicalError::invalid("Parameters.parameter", problem));
        }
        self.practitioner(caller.person()).map_err(|_| ClinicalError::Forbidden(Only::Staff))?;
        let cipher = &self.parts.cipher;
        let found = self.parts.store.read_now(|tx| {
            let found = patients::by_nhs_number(tx, cipher, asked.nhs_number)?;
            Ok::<_, ClinicalError>(survivor(tx, cipher, found)?)
        })?;
        let Some(patient) = found.filter(|patient| asked.matches(patient)) else {
            let entry = self.entry(caller, Action::BreakGlass).outcome(Outcome::Refused);
            self.parts.store.write(move |tx| wardline_audit::append(tx, &entry)).await?;
            return Err(ClinicalError::NotFound("a patient with these two identifiers was"));
        };
        let room = patient.room.ok_or(ClinicalError::Conflict(Conflict::ConversationNotOpen))?;
        self.open_by_break_glass(caller, patient.reference.clone(), room.clone(), asked.reason).await?;
        // The outbox does the same if this fails or the server dies now.
        self.parts.conversations.join(&room, &caller.user).await?;
        Ok((patient.reference, room))
    }

    async fn open_by_break_glass(
        &self,
        caller: &Caller,
        reference: String,
        room: OwnedRoomId,
        reason: String,
    ) -> Result<(), ClinicalError> {
        let (cipher, at) = (self.parts.cipher.clone(), self.parts.clock.now());
        let (grant, task) = (self.parts.random.uuid(), self.parts.random.uuid());
        let hash: String = Sha256::digest(reason.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
        let entry = self
            .entry(caller, Action::BreakGlass)
            .target(&reference)
            .with("grant", &grant)
            .with("reason_sha256", hash);
        let user = caller.user.clone();
        self.parts
            .store
            .write_with(move |tx| {
                access::put_break_glass(tx, &cipher, &grant, &reference, at, &reason)?;
                wardline_audit::append(tx, &entry)?;
                access::note_read(tx, [reference.as_str()])?;
                tell_privacy_officer(tx, task, &reference, user.localpart())?;
                let earlier =
                    Job::Earlier { patient: reference.clone(), person: user.localpart().to_owned() };
                outbox::push(tx, &reference, &Job::Join { room, user })?;
                Ok::<_, ClinicalError>(outbox::push(tx, &reference, &earlier)?)
            })
            .await?;
        self.wake();
        Ok(())
    }
}

fn tell_privacy_officer(
    tx: &mut WriteTx<'_>,
    id: String,
    reference: &str,
    person: &str,
) -> Result<(), ClinicalError> {
    let Some(role) = directory::services_of_kind(tx, PRIVACY_OFFICER)?.into_iter().next() else {
        tracing::warn!("a conversation was opened by break-glass and no role is the privacy officer's");
        return Ok(());
    };
    let name = directory::practitioner(tx, person)?.map_or_else(|| person.to_owned(), |p| p.display());
    let plan = [Some(role.id.clone()), role.fallback].into_iter().flatten();
    let request = OwnRequest {
        id,
        patient: Some(reference.to_owned()),
        description: format!("{name} opened a patient's conversation by break-glass."),
        plan: plan.map(|id| PlannedStep::new(Ask::Role(id), WAIT)).collect(),
    };
    let job = Job::Raise { service: role.id.clone(), request };
    Ok(outbox::push(tx, &format!("HealthcareService/{}", role.id), &job)?)
}
