//! Work in rooms that follows a decision: opening conversations, joining staff, announcing transitions.
//!
//! A job is written in the transaction of its decision. One worker does the jobs, those of one patient in order,
//! and deletes each when it is done; after a crash it begins again with what is left.

use std::{collections::HashSet, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId};
use wardline_store::{
    StoreError, WriteTx,
    clinical::{directory, outbox, patients, rota},
};

use crate::{Clinical, ClinicalError, PortError, user_of};

/// How long to wait before jobs that failed are tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Jobs read at a time.
const PAGE: usize = 64;

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "kebab-case")]
pub(crate) enum Job {
    /// Open the patient's conversation if there is none, and see that the staff of the ward are in it.
    Gather { patient: String },
    /// Say in the room what happened to a request. Who is asked and is not a member is named for an invitation.
    Announce { room: OwnedRoomId, kind: String, content: Value, asks: Option<OwnedUserId>, key: String },
    /// Invite the person asked, if no member has done it meanwhile.
    Invite { room: OwnedRoomId, user: OwnedUserId },
}

/// Leaves a job, in the transaction of the decision.
pub(crate) fn push(tx: &mut WriteTx<'_>, patient: &str, job: &Job) -> Result<(), StoreError> {
    let job = serde_json::to_string(job).map_err(|e| StoreError::Malformed(e.to_string()))?;
    outbox::push(tx, patient, &job)
}

impl Clinical {
    /// Does all jobs that wait and gives the number of those that must be tried again later.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn drain_outbox(&self) -> Result<usize, ClinicalError> {
        let (mut after, mut left) = (0, 0);
        // A job that failed holds back the later ones of the same patient, and no others.
        let mut held: HashSet<String> = HashSet::new();
        loop {
            let page = self.parts.store.read(move |tx| outbox::after(tx, after, PAGE)).await?;
            let Some(last) = page.last() else { return Ok(left) };
            after = last.seq;
            for row in page {
                if held.contains(&row.subject) {
                    left += 1;
                    continue;
                }
                match self.perform(&row.job).await {
                    Ok(()) => {}
                    Err(ClinicalError::Port(PortError::Refused(reason))) => {
                        tracing::warn!(
                            patient = row.subject,
                            reason,
                            "a job in a room was refused and given up"
                        );
                    }
                    Err(error) => {
                        tracing::warn!(patient = row.subject, %error, "a job in a room will be tried again");
                        held.insert(row.subject);
                        left += 1;
                        continue;
                    }
                }
                self.parts.store.write(move |tx| outbox::done(tx, row.seq)).await?;
            }
        }
    }

    pub(crate) async fn run_outbox(&self) {
        loop {
            let left = self.drain_outbox().await.unwrap_or_else(|error| {
                tracing::error!(%error, "the outbox cannot be read");
                1
            });
            if left > 0 {
                tokio::time::sleep(RETRY).await;
            } else {
                self.outbox_filled.notified().await;
            }
        }
    }

    async fn perform(&self, job: &str) -> Result<(), ClinicalError> {
        let job = serde_json::from_str(job).map_err(|e| PortError::Refused(format!("not a job: {e}")))?;
        let rooms = &self.parts.conversations;
        match job {
            Job::Gather { patient } => self.gather(patient).await?,
            Job::Announce { room, kind, mut content, asks, key } => {
                if let (Some(user), Some(fields)) = (asks, content.as_object_mut())
                    && !rooms.is_member(&room, &user)
                {
                    fields.insert("invite".to_owned(), Value::String(user.into()));
                }
                rooms.announce(&room, &kind, content, &key).await?;
            }
            Job::Invite { room, user } => {
                if !rooms.is_member(&room, &user) {
                    rooms.invite(&room, &user).await?;
                }
            }
        }
        Ok(())
    }

    /// The room is known to exist only once it is written down; a crash before the last member was joined repeats
    /// the joining.
    async fn gather(&self, reference: String) -> Result<(), ClinicalError> {
        let patient = self.find_patient(&reference)?;
        let staff = self.staff_of(patient.record.ward).await?;
        let rooms = &self.parts.conversations;
        let Some(room) = patient.room else {
            let room = rooms.create_patient_room(&reference, staff).await?;
            return Ok(self.parts.store.write(move |tx| patients::set_room(tx, &reference, &room)).await?);
        };
        for user in staff {
            match rooms.join(&room, &user).await {
                Err(PortError::Refused(reason)) => tracing::warn!(reason, "a member of staff was not joined"),
                other => other?,
            }
        }
        Ok(())
    }

    /// The people of a ward: those assigned to it and those who hold a role that covers it, now.
    async fn staff_of(&self, ward: Option<String>) -> Result<Vec<OwnedUserId>, ClinicalError> {
        let Some(ward) = ward else { return Ok(Vec::new()) };
        let (cipher, now, server) =
            (self.parts.cipher.clone(), self.parts.clock.now(), self.parts.server_name.clone());
        self.parts
            .store
            .read(move |tx| {
                let assigned = rota::Filter { ward: Some(&ward), at: Some(now), ..rota::Filter::default() };
                let mut people: Vec<String> = rota::find(tx, &cipher, &assigned, PAGE * PAGE)?
                    .into_iter()
                    .map(|role| role.person)
                    .collect();
                for service in directory::services_of_ward(tx, &ward)? {
                    people.extend(rota::holder(tx, &cipher, &service, now)?.map(|shift| shift.person));
                }
                people.sort();
                people.dedup();
                people.iter().map(|person| user_of(person, &server)).collect()
            })
            .await
    }
}
