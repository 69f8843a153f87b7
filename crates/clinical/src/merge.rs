//! What an A40 merge and a discharge do to conversations and requests.
//!
//! Two records of one patient become one: everybody of the ended record's conversation is brought into that of the
//! record that goes on, open requests go on there, and the ended room says where. It stays readable, for whoever is in the
//! conversation that goes on, as long as they are.

use serde_json::json;
use wardline_audit::{Action, Entry};
use wardline_domain::{
    Timestamp,
    ruma::{OwnedRoomId, OwnedUserId, RoomId},
};
use wardline_store::{
    Reader, StoreError,
    clinical::{ColumnCipher, on_call, patients, tasks},
};

use crate::{Clinical, ClinicalError, Patient, PortError};

/// Said in both rooms of a merge.
const MERGED: &str = "org.wardline.patient.merged";
/// Said when a patient leaves hospital, comes back or dies.
const UPDATE: &str = "org.wardline.patient.update";
/// State: whether the conversation is open, and whether the patient has died.
const STATUS: &str = "org.wardline.patient.status";

/// The record that goes on after all merges of this one.
///
/// # Errors
/// A failure of the store.
pub(crate) fn survivor(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    found: Option<Patient>,
) -> Result<Option<Patient>, StoreError> {
    let mut found = found;
    // Merges cannot form a circle, since the survivor of a merge is never a record that ended.
    while let Some(next) = found.as_ref().and_then(|f| f.replaced_by.clone()) {
        found = patients::get(tx, cipher, &next)?;
    }
    Ok(found)
}

impl Clinical {
    /// Joins the conversation of an ended record to that of the one that goes on. May be repeated.
    pub(crate) async fn merge(&self, ended: &str) -> Result<(), ClinicalError> {
        let ended = self.find_patient(ended)?;
        let Some(room) = ended.room.clone() else { return Ok(()) };
        let cipher = &self.parts.cipher;
        let goes_on = self.parts.store.read_now(|tx| {
            survivor(tx, cipher, Some(ended.clone()))?.ok_or(ClinicalError::NotFound("Patient"))
        })?;
        let target = match goes_on.room.clone() {
            Some(target) => target,
            None => {
                self.gather(goes_on.reference.clone()).await?;
                let opened = self.find_patient(&goes_on.reference)?.room;
                opened.ok_or_else(|| PortError::Retry("the conversation is still being opened".into()))?
            }
        };
        self.bring_over(&ended, &room, &goes_on, &target).await?;
        self.move_requests(&ended, &goes_on, target.clone()).await?;
        let members = self.parts.conversations.members(&target)?;
        self.open_earlier(&goes_on.reference, &members).await?;
        self.say_merged(&ended, &room, &goes_on, &target).await
    }

    /// Lets people of a patient's conversation read those that were joined to it.
    ///
    /// # Errors
    /// A failure of the store or the rooms.
    pub(crate) async fn open_earlier(
        &self,
        reference: &str,
        users: &[OwnedUserId],
    ) -> Result<(), ClinicalError> {
        let rooms = &self.parts.conversations;
        for room in self.earlier_rooms(reference)? {
            for user in users.iter().filter(|user| !rooms.is_member(&room, user)) {
                match rooms.join(&room, user).await {
                    Err(PortError::Refused(reason)) => {
                        tracing::warn!(reason, "an ended conversation was not opened to a member");
                    }
                    other => other?,
                }
            }
        }
        Ok(())
    }

    /// The conversations that were joined to that of a patient.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) fn earlier_rooms(&self, reference: &str) -> Result<Vec<OwnedRoomId>, ClinicalError> {
        self.parts.store.read_now(|tx| Ok(patients::earlier_rooms(tx, reference)?))
    }

    async fn bring_over(
        &self,
        ended: &Patient,
        room: &RoomId,
        goes_on: &Patient,
        target: &RoomId,
    ) -> Result<(), ClinicalError> {
        let rooms = &self.parts.conversations;
        let newcomers: Vec<_> =
            rooms.members(room)?.into_iter().filter(|user| !rooms.is_member(target, user)).collect();
        let (cipher, from, to) =
            (self.parts.cipher.clone(), ended.reference.clone(), goes_on.reference.clone());
        let people: Vec<String> = newcomers.iter().map(|user| user.localpart().to_owned()).collect();
        // Who was in the ended conversation only through a role is in the other one no longer than that.
        self.parts
            .store
            .write(move |tx| {
                for person in people {
                    for role in on_call::duties(tx, &cipher, &from, &person)? {
                        on_call::add_duty_member(tx, &cipher, &to, &role, &person)?;
                    }
                }
                Ok(())
            })
            .await?;
        for user in newcomers {
            match rooms.join(target, &user).await {
                Err(PortError::Refused(reason)) => tracing::warn!(reason, "a member was not brought over"),
                other => other?,
            }
        }
        Ok(())
    }

    /// Requests belong to the record that goes on; open ones are announced in its room from now on. Their words
    /// stay where they were sent.
    async fn move_requests(
        &self,
        ended: &Patient,
        goes_on: &Patient,
        target: OwnedRoomId,
    ) -> Result<(), ClinicalError> {
        let (cipher, at) = (self.parts.cipher.clone(), self.parts.clock.now());
        let (from, to) = (ended.reference.clone(), goes_on.reference.clone());
        self.parts
            .store
            .write_with(move |tx| {
                for mut task in tasks::of_patient(tx, &cipher, &from)? {
                    task.patient = Some(to.clone());
                    if !task.request.state.is_final() && !task.in_own_room() {
                        let room = std::mem::replace(&mut task.room, target.clone());
                        task.event_room = task.event_room.or_else(|| task.event.is_some().then_some(room));
                    }
                    tasks::relocate(tx, &cipher, &task)?;
                    let entry = Entry::new(at, "system:import", Action::RequestMoved)
                        .target(&task.id)
                        .with("from", &from)
                        .with("to", &to);
                    wardline_audit::append(tx, &entry)?;
                }
                Ok(())
            })
            .await
    }

    async fn say_merged(
        &self,
        ended: &Patient,
        room: &RoomId,
        goes_on: &Patient,
        target: &RoomId,
    ) -> Result<(), ClinicalError> {
        let rooms = &self.parts.conversations;
        let body = "Two records of this patient were joined. This conversation goes on in another room.";
        let content = json!({ "ref": goes_on.reference, "replacement_room": target, "body": body });
        rooms.announce(room, MERGED, content, &format!("merged-{}", ended.reference)).await?;
        let said =
            "Two records of this patient were joined. What was said of the other can still be read there.";
        let content = json!({ "ref": ended.reference, "merged_room": room, "body": said });
        rooms.announce(target, MERGED, content, &format!("merged-into-{}", ended.reference)).await?;
        let tombstone = json!({ "body": body, "replacement_room": target });
        Ok(rooms.set_state(room, "m.room.tombstone", tombstone).await?)
    }

    /// Says in the conversation that the patient left hospital, came back or died. `at` is when, for the repetition.
    pub(crate) async fn say_status(&self, reference: &str, at: Timestamp) -> Result<(), ClinicalError> {
        let patient = self.find_patient(reference)?;
        let Some(room) = &patient.room else { return Ok(()) };
        let open = patient.record.ward.is_some();
        let deceased = patient.record.deceased == Some(true);
        let left =
            self.parts.store.read_now(|tx| Ok::<_, ClinicalError>(tasks::open_of_patient(tx, reference)?))?;
        let (state, line) = match (deceased, open) {
            (true, _) => ("deceased", "The patient has died."),
            (false, false) => ("discharged", "Discharged: this conversation is closed."),
            (false, true) => ("in-hospital", "In hospital: this conversation is open."),
        };
        let body = match left {
            0 => line.to_owned(),
            1 if !open || deceased => format!("{line} One request is still open: complete or cancel it."),
            n if !open || deceased => format!("{line} {n} requests are still open: complete or cancel them."),
            _ => line.to_owned(),
        };
        let rooms = &self.parts.conversations;
        rooms.set_state(room, STATUS, json!({ "open": open, "deceased": deceased })).await?;
        let content = json!({ "state": state, "open_requests": left, "body": body });
        let key = format!("status-{reference}-{}", at.as_millis());
        Ok(rooms.announce(room, UPDATE, content, &key).await?)
    }
}
