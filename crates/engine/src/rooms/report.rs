//! Reports to the people who run the server (Client-Server API, "Reporting Content").

use wardline_audit::{Action, Entry};
use wardline_domain::ruma::{EventId, RoomId, UserId};
use wardline_store::reports::{self, Report};
use wardline_store::{UserNid, rooms};

use super::read::Scribe;
use super::{Caller, Rooms};
use crate::EngineError;

/// The longest reason, in bytes.
const LONGEST_REASON: usize = 8192;

impl Rooms {
    /// Reports an event that the caller can see.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an event that does not exist or that the caller may not see,
    /// [`EngineError::Invalid`].
    pub async fn report_event(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        event: &EventId,
        reason: Option<String>,
        score: Option<i64>,
    ) -> Result<(), EngineError> {
        if score.is_some_and(|score| !(-100..=0).contains(&score)) {
            return Err(EngineError::invalid("score", "must be from -100 to 0"));
        }
        let nid = self.nid(room).map_err(|_| EngineError::NotFound("event"))?;
        let event_nid = self.context.store.read_now(|tx| {
            let mut scribe = Scribe::new(tx, &self.context, nid, caller)?;
            scribe.find(tx, nid, event).map(|(event, _)| event.nid)
        })?;
        let report =
            Report { room: Some(nid), event: Some(event_nid), score, ..self.report(caller, reason)? };
        self.file(caller, event.as_str(), report).await
    }

    /// Reports a room.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown room, [`EngineError::Invalid`].
    pub async fn report_room(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        reason: Option<String>,
    ) -> Result<(), EngineError> {
        let nid = self.context.store.read_now(|tx| rooms::find(tx, room))?;
        let nid = nid.ok_or(EngineError::NotFound("room"))?;
        let report = Report { room: Some(nid), ..self.report(caller, reason)? };
        self.file(caller, room.as_str(), report).await
    }

    /// Reports a user.
    ///
    /// # Errors
    /// [`EngineError::Invalid`].
    pub async fn report_user(
        &self,
        caller: Caller<'_>,
        user: UserNid,
        user_id: &UserId,
        reason: Option<String>,
    ) -> Result<(), EngineError> {
        let report = Report { user: Some(user), ..self.report(caller, reason)? };
        self.file(caller, user_id.as_str(), report).await
    }

    fn report(&self, caller: Caller<'_>, reason: Option<String>) -> Result<Report, EngineError> {
        if reason.as_ref().is_some_and(|reason| reason.len() > LONGEST_REASON) {
            return Err(EngineError::invalid("reason", format!("the most is {LONGEST_REASON} bytes")));
        }
        let at = self.context.now();
        Ok(Report { reporter: caller.user, room: None, event: None, user: None, reason, score: None, at })
    }

    /// The reason stays in the table of reports: it may quote what was reported.
    async fn file(&self, caller: Caller<'_>, target: &str, report: Report) -> Result<(), EngineError> {
        let mut entry = Entry::new(report.at, caller.user_id.as_str(), Action::Reported).target(target);
        if let Some(device) = caller.device {
            entry = entry.device(device);
        }
        self.context
            .store
            .write(move |tx| {
                let number = reports::insert(tx, &report)?;
                wardline_audit::append(tx, &entry.with("report", number.to_string()))
            })
            .await?;
        Ok(())
    }
}
