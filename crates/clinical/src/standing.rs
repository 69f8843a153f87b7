//! How the steps of a plan stand at a moment: whose condition holds, and whom each would ask.

use wardline_domain::{
    Timestamp,
    care::{
        playbook::{Ask, Class, Facts, PlannedStep},
        request::Standing,
    },
};
use wardline_store::{
    Reader, StoreError,
    clinical::{
        directory, patients, rota,
        teams::{self, Member},
    },
};

use crate::{
    Caller, Clinical, ClinicalError, ClinicalParts, Practitioner, duty_status::asked_for, requests::exists,
};

/// Most people of a ward who are asked at once.
const MAX_ON_DUTY: usize = 100;

/// What conditions are held against, for a request about one patient or none.
pub(crate) struct Situation<'a> {
    parts: &'a ClinicalParts,
    class: Class,
    ward: Option<String>,
    site: Option<String>,
    at: Timestamp,
}

impl<'a> Situation<'a> {
    /// The situation of a request of `class` about `patient` at `at`.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) fn of(
        tx: &impl Reader,
        parts: &'a ClinicalParts,
        class: Class,
        patient: Option<&str>,
        at: Timestamp,
    ) -> Result<Self, StoreError> {
        let patient = patient.map(|it| patients::get(tx, &parts.cipher, it)).transpose()?.flatten();
        Self::on_ward(tx, parts, class, patient.and_then(|it| it.record.ward).as_deref(), at)
    }

    /// The situation of a request of `class` about a patient on `ward` at `at`.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) fn on_ward(
        tx: &impl Reader,
        parts: &'a ClinicalParts,
        class: Class,
        ward: Option<&str>,
        at: Timestamp,
    ) -> Result<Self, StoreError> {
        let location = ward.map(|ward| directory::location(tx, ward)).transpose()?.flatten();
        Ok(Self {
            parts,
            class,
            ward: ward.map(ToOwned::to_owned),
            site: location.and_then(|ward| ward.part_of),
            at,
        })
    }

    /// The situation as facts.
    pub(crate) fn facts(&self) -> Facts<'_> {
        // An instant beyond the calendar is no time of any shift.
        let instant = jiff::Timestamp::from_millisecond(self.at.as_millis()).unwrap_or_default();
        Facts {
            class: self.class,
            ward: self.ward.as_deref(),
            site: self.site.as_deref(),
            local: instant.to_zoned(self.parts.zone.clone()).datetime(),
            holidays: &self.parts.holidays,
        }
    }

    /// How every step of `plan` stands.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) fn standing(
        &self,
        tx: &impl Reader,
        plan: &[PlannedStep],
    ) -> Result<Vec<Standing>, StoreError> {
        let facts = self.facts();
        let step = |step: &PlannedStep| {
            let mut people: Vec<String> = Vec::new();
            for ask in &step.asks {
                for person in asked(tx, self.parts, ask, self.at)? {
                    if !people.contains(&person) {
                        people.push(person);
                    }
                }
            }
            Ok(Standing { applies: step.when.holds(&facts), people })
        };
        plan.iter().map(step).collect()
    }
}

/// How every step of `plan` stands for a request of `class` about `patient`.
///
/// # Errors
/// A failure of the store.
pub(crate) fn standing(
    tx: &impl Reader,
    parts: &ClinicalParts,
    plan: &[PlannedStep],
    (class, patient): (Class, Option<&str>),
    at: Timestamp,
) -> Result<Vec<Standing>, StoreError> {
    // Where the patient lies matters only to a condition.
    let patient = patient.filter(|_| plan.iter().any(|step| !step.when.is_always()));
    Situation::of(tx, parts, class, patient, at)?.standing(tx, plan)
}

impl Clinical {
    /// The people whom a request of the caller to `ask` would ask at this moment, each once and never the caller; nobody if
    /// nobody is there.
    ///
    /// # Errors
    /// [`ClinicalError::Invalid`] if there is no such role, person, team or place, or a failure of the store.
    pub async fn asked_now(&self, caller: &Caller, ask: Ask) -> Result<Vec<Practitioner>, ClinicalError> {
        let (parts, now, me) = (self.parts.clone(), self.parts.clock.now(), caller.person().to_owned());
        self.parts
            .store
            .read(move |tx| {
                if !exists(tx, &ask)? {
                    let problem = "there is no such role, person, team or ward";
                    return Err(ClinicalError::invalid("owner", problem));
                }
                let mut found: Vec<Practitioner> = Vec::new();
                for id in asked(tx, &parts, &ask, now)? {
                    if id != me && !found.iter().any(|person| person.id == id) {
                        found.extend(directory::practitioner(tx, &id)?);
                    }
                }
                Ok(found)
            })
            .await
    }
}

/// Who holds a role at `at`, or who holds its fallback while nobody does; not further, since fallbacks may go round.
///
/// # Errors
/// A failure of the store.
pub(crate) fn holder_or_fallback(
    tx: &impl Reader,
    parts: &ClinicalParts,
    role: &str,
    at: Timestamp,
) -> Result<Option<String>, StoreError> {
    let holder =
        |role: &str| rota::holder(tx, &parts.cipher, role, at).map(|it| it.map(|shift| shift.person));
    if let Some(person) = holder(role)? {
        return Ok(Some(person));
    }
    match directory::service(tx, role)?.and_then(|it| it.fallback) {
        Some(fallback) => holder(&fallback),
        None => Ok(None),
    }
}

/// The people whom an ask reaches at `at`.
///
/// # Errors
/// A failure of the store.
pub(crate) fn asked(
    tx: &impl Reader,
    parts: &ClinicalParts,
    ask: &Ask,
    at: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let holder = |role: &str| holder_or_fallback(tx, parts, role, at);
    Ok(match ask {
        Ask::Person(id) => asked_for(tx, parts, id, at)?.into_iter().collect(),
        Ask::Role(id) => holder(id)?.into_iter().collect(),
        Ask::Team(id) => {
            let mut people = Vec::new();
            for member in teams::get(tx, id)?.map(|team| team.members).unwrap_or_default() {
                match member {
                    Member::Person(id) => people.extend(asked_for(tx, parts, &id, at)?),
                    Member::Role(id) => people.extend(holder(&id)?),
                }
            }
            people
        }
        Ask::OnDuty(ward) => {
            let filter = rota::Filter { ward: Some(ward), at: Some(at), ..rota::Filter::default() };
            let mut people = Vec::new();
            for shift in rota::find(tx, &parts.cipher, &filter, MAX_ON_DUTY)? {
                people.extend(asked_for(tx, parts, &shift.person, at)?);
            }
            for role in directory::services_of_ward(tx, ward)? {
                people.extend(holder(&role)?);
            }
            people
        }
    })
}
