//! Work in rooms that follows a decision: opening conversations, joining staff, announcing transitions.
//!
//! A job is written in the transaction of its decision. One worker does the jobs, those of one patient in order and those
//! of several at once, and deletes each when it is done; after a crash it begins again with what is left.

mod backlog;

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wardline_domain::{
    Timestamp,
    ruma::{OwnedRoomId, OwnedUserId},
};
use wardline_store::{
    StoreError, WriteTx,
    clinical::{
        directory, on_call,
        outbox::{self, OutboxRow},
        patients, rota, tasks,
    },
};

use self::backlog::Backlog;

use crate::{Clinical, ClinicalError, PortError, Task, requests::OwnRequest, user_of};

/// How long to wait before jobs that failed are tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Jobs read at a time.
const PAGE: usize = 64;
/// Jobs under way at once; they share the committer's transactions.
const AT_ONCE: usize = 64;
/// Most jobs that are read before they begin.
const MOST: usize = 4096;

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "kebab-case")]
pub(crate) enum Job {
    /// Open the patient's conversation if there is none, and see that the staff of the ward are in it.
    Gather { patient: String },
    /// Have a person leave the patient's conversation, if they were in it only through a role that they do not hold
    /// any more.
    Leave { patient: String, person: String },
    /// Say in the room what happened to a request. Who is asked and is not a member is named for an invitation.
    /// For a request of the server itself (`own`) they are brought into the role's conversation at once.
    Announce {
        room: OwnedRoomId,
        kind: String,
        content: Value,
        asks: Option<OwnedUserId>,
        key: String,
        #[serde(default)]
        own: bool,
    },
    /// Invite the person asked, if no member has done it meanwhile.
    Invite {
        room: OwnedRoomId,
        user: OwnedUserId,
        #[serde(default)]
        own: bool,
    },
    /// Join the conversation of a record that was merged to that of the one that goes on.
    Merge { ended: String },
    /// Say that the patient left hospital, came back or died.
    Status { patient: String, at: Timestamp },
    /// Bring a person into a room.
    Join { room: OwnedRoomId, user: OwnedUserId },
    /// Let a person, if they are in the patient's conversation, read those that were joined to it.
    Earlier { patient: String, person: String },
    /// Tell a person how much was sent to them for information.
    Digest { user: OwnedUserId, content: Value, key: String },
    /// Tell the people of a broadcast: those who were not told yet; with `again`, all who have not answered; with `ended`,
    /// the same, that it is over.
    Tell { call: String, again: bool, ended: bool },
    /// Raise a request of the server itself in the conversation of a role.
    Raise { service: String, request: OwnRequest },
}

/// Whose jobs are done in order: the patient's, or the room's.
pub(crate) fn subject(task: &Task) -> String {
    task.patient.clone().filter(|_| !task.in_own_room()).unwrap_or_else(|| task.room.to_string())
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
        let (mut backlog, mut running) = (Backlog::default(), FuturesUnordered::new());
        let (mut after, mut unread, mut worked) = (0, true, false);
        loop {
            if unread && backlog.len() < MOST {
                let page = self.parts.store.read(move |tx| outbox::after(tx, after, PAGE)).await?;
                unread = page.len() == PAGE;
                after = page.last().map_or(after, |row| row.seq);
                page.into_iter().for_each(|row| backlog.add(row));
            }
            while running.len() < AT_ONCE
                && let Some(row) = backlog.next()
            {
                running.push(self.work(row));
            }
            if running.is_empty() && !unread {
                if !worked {
                    return Ok(backlog.left());
                }
                // What was done may have left further jobs.
                (unread, worked) = (true, false);
            }
            tokio::select! {
                Some(ended) = running.next() => {
                    let (subject, done) = ended?;
                    backlog.finished(subject, done);
                    worked = true;
                }
                // A new job need not wait for a long one of another subject.
                () = self.outbox_filled.notified(), if !running.is_empty() => unread = true,
                else => {}
            }
        }
    }

    /// Does one job; whether it is done and gone, by its subject.
    async fn work(&self, row: OutboxRow) -> Result<(String, bool), ClinicalError> {
        match self.perform(&row.job).await {
            Ok(()) => {}
            Err(ClinicalError::Port(PortError::Refused(reason))) => {
                tracing::warn!(patient = row.subject, reason, "a job in a room was refused and given up");
            }
            Err(error) => {
                tracing::warn!(patient = row.subject, %error, "a job in a room will be tried again");
                return Ok((row.subject, false));
            }
        }
        self.parts.store.write(move |tx| outbox::done(tx, row.seq)).await?;
        Ok((row.subject, true))
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
            Job::Leave { patient, person } => self.leave(patient, person).await?,
            Job::Announce { room, kind, content, asks, key, own: true } => {
                if let Some(user) = asks {
                    rooms.join(&room, &user).await?;
                }
                rooms.announce(&room, &kind, content, &key).await?;
            }
            Job::Invite { own: true, .. } => {}
            Job::Merge { ended } => self.merge(&ended).await?,
            Job::Status { patient, at } => self.say_status(&patient, at).await?,
            Job::Join { room, user } => rooms.join(&room, &user).await?,
            Job::Earlier { patient, person } => {
                let user = user_of(&person, &self.parts.server_name)?;
                if self.find_patient(&patient)?.room.is_some_and(|room| rooms.is_member(&room, &user)) {
                    self.open_earlier(&patient, &[user]).await?;
                }
            }
            Job::Digest { user, content, key } => {
                let room = rooms.create_digest_room(&user).await?;
                rooms.announce(&room, "m.room.message", content, &key).await?;
            }
            Job::Tell { call, again, ended } => self.tell_broadcast(&call, again, ended).await?,
            Job::Raise { service, request } => self.raise_own(service, request).await?,
            Job::Announce { room, kind, mut content, asks, key, own: false } => {
                if let (Some(user), Some(fields)) = (asks, content.as_object_mut())
                    && !rooms.is_member(&room, &user)
                {
                    fields.insert("invite".to_owned(), Value::String(user.into()));
                }
                rooms.announce(&room, &kind, content, &key).await?;
            }
            Job::Invite { room, user, own: false } => {
                if !rooms.is_member(&room, &user) {
                    rooms.invite(&room, &user).await?;
                }
            }
        }
        Ok(())
    }

    /// The room is known to exist only once it is written down; a crash before the last member was joined repeats
    /// the joining.
    pub(crate) async fn gather(&self, reference: String) -> Result<(), ClinicalError> {
        let patient = self.find_patient(&reference)?;
        if patient.replaced_by.is_some() {
            return Ok(());
        }
        let staff = self.staff_of(patient.record.ward).await?;
        let rooms = &self.parts.conversations;
        self.note_duties(&reference, patient.room.as_ref(), &staff).await?;
        let users: Vec<OwnedUserId> = staff.iter().map(|member| member.user.clone()).collect();
        let Some(room) = patient.room else {
            let room = rooms.create_patient_room(&reference, users).await?;
            return Ok(self.parts.store.write(move |tx| patients::set_room(tx, &reference, &room)).await?);
        };
        for user in &users {
            match rooms.join(&room, user).await {
                Err(PortError::Refused(reason)) => tracing::warn!(reason, "a member of staff was not joined"),
                other => other?,
            }
        }
        self.open_earlier(&reference, &users).await
    }

    /// Notes, before anybody is joined, who comes in only through a role. Who is in the room for another reason
    /// stays so.
    async fn note_duties(
        &self,
        reference: &str,
        room: Option<&OwnedRoomId>,
        staff: &[Member],
    ) -> Result<(), ClinicalError> {
        let rooms = &self.parts.conversations;
        let is_member = |user| room.is_some_and(|room| rooms.is_member(room, user));
        let through_role: Vec<(Member, bool)> = staff
            .iter()
            .filter(|member| !member.assigned)
            .map(|member| (member.clone(), is_member(&member.user)))
            .collect();
        if through_role.is_empty() {
            return Ok(());
        }
        let (cipher, reference) = (self.parts.cipher.clone(), reference.to_owned());
        self.parts
            .store
            .write(move |tx| {
                for (member, is_member) in through_role {
                    let person = member.user.localpart();
                    if is_member && on_call::duties(tx, &cipher, &reference, person)?.is_empty() {
                        continue;
                    }
                    for role in &member.roles {
                        on_call::add_duty_member(tx, &cipher, &reference, role, person)?;
                    }
                }
                Ok(())
            })
            .await?;
        Ok(())
    }

    async fn leave(&self, reference: String, person: String) -> Result<(), ClinicalError> {
        let patient = self.find_patient(&reference)?;
        let user = user_of(&person, &self.parts.server_name)?;
        let Some(room) = patient.room else { return Ok(()) };
        if self.staff_of(patient.record.ward).await?.iter().any(|member| member.user == user) {
            return Ok(());
        }
        let (cipher, now) = (&self.parts.cipher, self.parts.clock.now());
        let may_go = self.parts.store.read_now(|tx| {
            let roles = on_call::duties(tx, cipher, &reference, &person)?;
            for role in &roles {
                if rota::holder(tx, cipher, role, now)?.is_some_and(|shift| shift.person == person) {
                    return Ok::<_, ClinicalError>(false);
                }
            }
            Ok(!roles.is_empty() && !tasks::is_engaged(tx, cipher, &reference, &person)?)
        })?;
        if !may_go {
            return Ok(());
        }
        for room in self.earlier_rooms(&reference)?.iter().chain([&room]) {
            self.parts.conversations.leave(room, &user).await?;
        }
        let cipher = self.parts.cipher.clone();
        let forget =
            move |tx: &mut WriteTx<'_>| on_call::remove_duty_member(tx, &cipher, &reference, &person);
        Ok(self.parts.store.write(forget).await?)
    }

    /// The people of a ward: those assigned to it and those who hold a role that covers it, now.
    async fn staff_of(&self, ward: Option<String>) -> Result<Vec<Member>, ClinicalError> {
        let Some(ward) = ward else { return Ok(Vec::new()) };
        let (cipher, now, server) =
            (self.parts.cipher.clone(), self.parts.clock.now(), self.parts.server_name.clone());
        self.parts
            .store
            .read(move |tx| {
                // For each person: whether they are assigned to the ward, and the roles that they hold.
                let mut people: BTreeMap<String, (bool, Vec<String>)> = BTreeMap::new();
                let assigned = rota::Filter { ward: Some(&ward), at: Some(now), ..rota::Filter::default() };
                for role in rota::find(tx, &cipher, &assigned, PAGE * PAGE)? {
                    people.entry(role.person).or_default().0 = true;
                }
                for service in directory::services_of_ward(tx, &ward)? {
                    if let Some(shift) = rota::holder(tx, &cipher, &service, now)? {
                        people.entry(shift.person).or_default().1.push(service);
                    }
                }
                let member = |(person, (assigned, roles)): (String, (bool, Vec<String>))| {
                    Ok(Member { user: user_of(&person, &server)?, assigned, roles })
                };
                people.into_iter().map(member).collect()
            })
            .await
    }
}

/// One of the people of a ward.
#[derive(Clone, Debug)]
struct Member {
    user: OwnedUserId,
    /// Whether they are assigned to the ward itself.
    assigned: bool,
    /// The roles covering it that they hold.
    roles: Vec<String>,
}
