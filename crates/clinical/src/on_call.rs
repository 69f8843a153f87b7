//! Who holds a role at an instant. A role without a holder is a vacancy, and said so.

use wardline_domain::Timestamp;
use wardline_store::{
    Reader,
    clinical::{
        directory,
        on_call::{self, Rank},
        rota,
    },
};

use crate::{
    Clinical, ClinicalError, ClinicalParts, Practitioner, PractitionerRole, Reach, Service, duty_status,
};

/// A role with its present holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnCall {
    /// The role.
    pub service: Service,
    /// The shift and who works it; `None` is a vacancy.
    pub holder: Option<(PractitionerRole, Practitioner)>,
    /// Whether the holder's devices can be reached.
    pub reach: Option<Reach>,
    /// How the holder comes to hold it.
    pub rank: Option<Rank>,
    /// An offer to somebody that is not answered yet.
    pub offer: Option<OpenOffer>,
}

/// An offer of a role that is not answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenOffer {
    /// Who offers it.
    pub from: Practitioner,
    /// To whom.
    pub to: Practitioner,
    /// Until when they would hold it.
    pub until: Timestamp,
}

impl Clinical {
    /// Every role with its present holder.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn on_call(&self) -> Result<Vec<OnCall>, ClinicalError> {
        let (parts, now) = (self.parts.clone(), self.parts.clock.now());
        self.parts
            .store
            .read(move |tx| {
                let services = directory::services(tx)?;
                services.into_iter().map(|service| on_call(tx, &parts, service, now)).collect()
            })
            .await
    }

    /// One role with its present holder.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], or a failure of the store.
    pub fn on_call_for(&self, service: &str) -> Result<OnCall, ClinicalError> {
        let (parts, now) = (&self.parts, self.parts.clock.now());
        parts.store.read_now(|tx| {
            let service =
                directory::service(tx, service)?.ok_or(ClinicalError::NotFound("HealthcareService"))?;
            on_call(tx, parts, service, now)
        })
    }
}

pub(crate) fn on_call(
    tx: &impl Reader,
    parts: &ClinicalParts,
    service: Service,
    now: Timestamp,
) -> Result<OnCall, ClinicalError> {
    let cipher = &parts.cipher;
    let holder = match rota::holder(tx, cipher, &service.id, now)? {
        Some(shift) => directory::practitioner(tx, &shift.person)?.map(|person| (shift, person)),
        None => None,
    };
    let rank = holder.as_ref().map(|(shift, _)| on_call::rank(tx, &shift.id)).transpose()?;
    let offer = match on_call::offer(tx, cipher, &service.id, now)? {
        Some(offer) => directory::practitioner(tx, &offer.from)?
            .zip(directory::practitioner(tx, &offer.to)?)
            .map(|(from, to)| OpenOffer { from, to, until: offer.until }),
        None => None,
    };
    let reach = match &holder {
        Some((shift, _)) => Some(duty_status::reach(tx, parts, &shift.person, now)?),
        None => None,
    };
    Ok(OnCall { service, holder, reach, rank, offer })
}
