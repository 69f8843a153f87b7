//! Requests that the server raises itself, in the conversation of the role concerned: a vacancy, or a holder who cannot be
//! reached, which counts as one.
//!
//! A vacancy is told once, to whoever the role's fallback or playbook names, and ends when the role is held again by somebody who can be reached.

use wardline_domain::care::{
    playbook::{Ask, Class, Closes, PlannedStep, When},
    request::Command,
};
use wardline_store::{
    Reader, WriteTx,
    clinical::{alarms, tasks},
};

use crate::{
    Clinical, ClinicalError, ClinicalParts, Service,
    duty::{Duties, Hold},
    outbox::{self, Job},
    requests::{Move, OwnRequest},
};

/// The local part of the server's own account, which raises these requests.
pub(crate) const CLERK: &str = "clerk";
/// How long a role has before the next one is told, in milliseconds.
pub(crate) const WAIT: i64 = 5 * 60_000;

/// Whom a vacancy of this role is told: its fallback, then whom the urgent playbook of this very role asks later.
/// Empty if nobody is named.
pub(crate) fn plan(
    tx: &impl Reader,
    parts: &ClinicalParts,
    role: &Service,
) -> Result<Vec<PlannedStep>, ClinicalError> {
    let own = Ask::Role(role.id.clone());
    let fallback = role.fallback.clone().map(|id| PlannedStep::new(Ask::Role(id), WAIT));
    let mut plan: Vec<PlannedStep> = fallback.into_iter().collect();
    let mut all = parts.playbooks.all(tx)?.into_iter();
    if let Some(playbook) = all.find(|p| p.classes.contains(&Class::Urgent) && p.roles.contains(&role.id)) {
        for step in playbook.plan(&own).into_iter().skip(1) {
            let asks_another = step.asks.iter().any(|ask| *ask != own);
            if asks_another && plan.iter().all(|known| known.asks != step.asks) {
                // A vacancy is nobody's sickness: it is told whatever the time, and whoever takes it has it.
                plan.push(PlannedStep { when: When::default(), closes: Closes::Request, ..step });
            }
        }
    }
    Ok(plan)
}

impl Duties<'_> {
    /// Whether a vacancy must be told, or one that was told is over.
    pub(crate) fn vacancy_changed(
        &self,
        tx: &impl Reader,
        role: &Service,
        hold: Hold,
    ) -> Result<bool, ClinicalError> {
        let told = alarms::vacancy(tx, &role.id)?.is_some();
        Ok(if hold == Hold::Held { told } else { !told && !plan(tx, self.parts, role)?.is_empty() })
    }

    /// Tells a vacancy that has begun, ends one that is over.
    pub(crate) fn watch_vacancy(
        &self,
        tx: &mut WriteTx<'_>,
        role: &Service,
        hold: Hold,
    ) -> Result<(), ClinicalError> {
        if !self.vacancy_changed(tx, role, hold)? {
            return Ok(());
        }
        match hold {
            Hold::Held => self.end_vacancy(tx, role),
            Hold::Vacant => self.begin_vacancy(tx, role, format!("Nobody holds {} now.", role.name)),
            Hold::Unreachable => {
                let description = format!("Whoever holds {} cannot be reached on any device.", role.name);
                self.begin_vacancy(tx, role, description)
            }
        }
    }

    fn begin_vacancy(
        &self,
        tx: &mut WriteTx<'_>,
        role: &Service,
        description: String,
    ) -> Result<(), ClinicalError> {
        let id = self.parts.random.uuid();
        alarms::begin_vacancy(tx, &role.id, &id, self.at)?;
        let request = OwnRequest { id, patient: None, description, plan: plan(tx, self.parts, role)? };
        let job = Job::Raise { service: role.id.clone(), request };
        Ok(outbox::push(tx, &format!("HealthcareService/{}", role.id), &job)?)
    }

    fn end_vacancy(&self, tx: &mut WriteTx<'_>, role: &Service) -> Result<(), ClinicalError> {
        let task = alarms::vacancy(tx, &role.id)?;
        alarms::end_vacancy(tx, &role.id)?;
        let task = task.map(|id| tasks::get(tx, &self.parts.cipher, &id)).transpose()?.flatten();
        if let Some(task) = task.filter(|task| !task.request.state.is_final()) {
            self.clerk().apply(tx, task, &Command::Cancel)?;
        }
        Ok(())
    }

    fn clerk(&self) -> Move<'_> {
        Move { parts: self.parts, actor: Some(CLERK), device: None, device_at: None, at: self.at }
    }
}

impl Clinical {
    /// Raises a request of the server itself. A vacancy that has ended meanwhile is not told any more.
    pub(crate) async fn raise_own(&self, service: String, request: OwnRequest) -> Result<(), ClinicalError> {
        let found = self.service(&service)?;
        let room = self.parts.conversations.create_role_room(&service, &found.name).await?;
        let (parts, at) = (self.parts.clone(), self.parts.clock.now());
        self.parts
            .store
            .write_with(move |tx| {
                let about_vacancy = request.patient.is_none();
                if about_vacancy && alarms::vacancy(tx, &service)?.as_ref() != Some(&request.id) {
                    return Ok(());
                }
                Duties { parts: &parts, caller: None, at }.clerk().raise_own(tx, request, room)
            })
            .await?;
        self.wake();
        Ok(())
    }
}
