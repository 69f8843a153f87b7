//! Reading the directory. It is open to every signed-in person.

use wardline_domain::Timestamp;
use wardline_store::clinical::{directory, identifiers, rota, teams};

use crate::{
    Clinical, ClinicalError, Location, LocationKind, Organisation, Patient, Practitioner, PractitionerRole,
    Service, Team,
};

/// Most entries that one search gives.
pub(crate) const MAX_FOUND: usize = 1000;

impl Clinical {
    /// All organisations.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn organisations(&self) -> Result<Vec<Organisation>, ClinicalError> {
        self.parts.store.read(|tx| Ok(directory::organisations(tx)?)).await
    }

    /// The locations of a kind, or all.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn locations(&self, kind: Option<LocationKind>) -> Result<Vec<Location>, ClinicalError> {
        self.parts.store.read(move |tx| Ok(directory::locations(tx, kind)?)).await
    }

    /// One location.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], or a failure of the store.
    pub fn location(&self, id: &str) -> Result<Location, ClinicalError> {
        self.parts
            .store
            .read_now(|tx| directory::location(tx, id)?.ok_or(ClinicalError::NotFound("Location")))
    }

    /// Where a patient is, for the screen: the bed, or the ward if the directory does not know the bed, and its
    /// name with the ward's. `None` when not in hospital.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn place_of(&self, patient: &Patient) -> Result<Option<(Location, String)>, ClinicalError> {
        let Some(ward) = &patient.record.ward else { return Ok(None) };
        self.parts.store.read_now(|tx| {
            let Some(ward) = directory::location(tx, ward)? else { return Ok(None) };
            let Some(code) = &patient.record.bed else { return Ok(Some((ward.clone(), ward.name))) };
            let bed = directory::bed_by_code(tx, &ward.id, code)?;
            let display = format!("{}, {}", ward.name, bed.as_ref().map_or(code, |bed| &bed.name));
            Ok(Some((bed.unwrap_or(ward), display)))
        })
    }

    /// All practitioners.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn practitioners(&self) -> Result<Vec<Practitioner>, ClinicalError> {
        self.parts.store.read(|tx| Ok(directory::practitioners(tx)?)).await
    }

    /// One practitioner.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], or a failure of the store.
    pub fn practitioner(&self, id: &str) -> Result<Practitioner, ClinicalError> {
        self.parts
            .store
            .read_now(|tx| directory::practitioner(tx, id)?.ok_or(ClinicalError::NotFound("Practitioner")))
    }

    /// The practitioner with this identifier in a register.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn practitioner_by(&self, system: &str, value: &str) -> Result<Option<Practitioner>, ClinicalError> {
        self.parts.store.read_now(|tx| {
            let id = identifiers::find(tx, system, value)?;
            Ok(id.map(|id| directory::practitioner(tx, &id)).transpose()?.flatten())
        })
    }

    /// The identifiers of a practitioner in registers: the register's URI and the value.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn identifiers_of(&self, practitioner: &str) -> Result<Vec<(String, String)>, ClinicalError> {
        self.parts.store.read_now(|tx| Ok(identifiers::of(tx, practitioner)?))
    }

    /// One role.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], or a failure of the store.
    pub fn service(&self, id: &str) -> Result<Service, ClinicalError> {
        self.parts
            .store
            .read_now(|tx| directory::service(tx, id)?.ok_or(ClinicalError::NotFound("HealthcareService")))
    }

    /// All teams.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn teams(&self) -> Result<Vec<Team>, ClinicalError> {
        self.parts.store.read(|tx| Ok(teams::all(tx)?)).await
    }

    /// One team.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], or a failure of the store.
    pub fn team(&self, id: &str) -> Result<Team, ClinicalError> {
        self.parts.store.read_now(|tx| teams::get(tx, id)?.ok_or(ClinicalError::NotFound("CareTeam")))
    }

    /// One shift or ward assignment.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], or a failure of the store.
    pub fn practitioner_role(&self, id: &str) -> Result<PractitionerRole, ClinicalError> {
        let cipher = &self.parts.cipher;
        self.parts
            .store
            .read_now(|tx| rota::get(tx, cipher, id)?.ok_or(ClinicalError::NotFound("PractitionerRole")))
    }

    /// The shifts and ward assignments that fit every filter that is given, by start, at most 1000: those at the instant
    /// `at`, those that have not passed at `since`.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn practitioner_roles(
        &self,
        service: Option<String>,
        ward: Option<String>,
        person: Option<String>,
        at: Option<Timestamp>,
        since: Option<Timestamp>,
    ) -> Result<Vec<PractitionerRole>, ClinicalError> {
        let cipher = self.parts.cipher.clone();
        self.parts
            .store
            .read(move |tx| {
                let filter = rota::Filter {
                    service: service.as_deref(),
                    ward: ward.as_deref(),
                    person: person.as_deref(),
                    at,
                    since,
                };
                Ok(rota::find(tx, &cipher, &filter, MAX_FOUND)?)
            })
            .await
    }
}
