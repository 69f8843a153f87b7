//! Patients' conversations: what the clinical floor asks of Matrix, answered by the engine in the clerk's name.

use std::sync::Arc;

use serde_json::{Map, Value, json, value::to_raw_value};
use wardline_clinical::{Conversations, PortError, PortFuture};
use wardline_domain::{
    ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId},
    visibility::Membership,
};
use wardline_engine::{
    Engine, EngineError,
    rooms::{Caller, CreateRoom, InitialState, Preset},
};
use wardline_store::{StoreError, clinical::patients, members, rooms, users};

/// The type of a patient's room, and of the state event that names its patient.
const PATIENT: &str = "org.wardline.patient";

/// The engine, with the clerk as the author of everything.
#[derive(Debug)]
pub(super) struct ClerkRooms {
    pub(super) engine: Arc<Engine>,
    pub(super) clerk: OwnedUserId,
}

impl ClerkRooms {
    fn caller(&self) -> Result<Caller<'_>, PortError> {
        let store = &self.engine.context.store;
        let user = store.read_now(|tx| users::find(tx, &self.clerk)).map_err(later)?;
        let user = user.ok_or_else(|| PortError::Retry("the clerk has no account".to_owned()))?;
        Ok(Caller { user, user_id: &self.clerk, device: None })
    }

    fn membership(&self, room: &RoomId, user: &UserId) -> Result<Membership, StoreError> {
        self.engine.context.store.read_now(|tx| {
            let (Some(room), Some(user)) = (rooms::find(tx, room)?, users::find(tx, user)?) else {
                return Ok(Membership::Leave);
            };
            Ok(members::get(tx, room, user)?.map_or(Membership::Leave, |member| member.membership))
        })
    }

    /// The room's id is written to the patient in the transaction that makes the room: a repetition after a
    /// crash finds either both or neither.
    async fn create(&self, patient: &str) -> Result<OwnedRoomId, PortError> {
        let state = |kind: &str, value: Value| {
            let content = to_raw_value(&value).map_err(|error| PortError::Refused(error.to_string()))?;
            Ok::<_, PortError>(InitialState { kind: kind.to_owned(), state_key: String::new(), content })
        };
        let reference = patient.to_owned();
        let request = CreateRoom {
            preset: Preset::PrivateChat,
            creation_content: Map::from_iter([("type".to_owned(), PATIENT.into())]),
            initial_state: vec![state(PATIENT, json!({ "ref": patient }))?],
            power_levels: Map::from_iter([("invite".to_owned(), 0.into())]),
            encrypted: true,
            also: Some(Box::new(move |tx, room| {
                let room = rooms::room_id(tx, room)?;
                Ok(patients::set_room(tx, &reference, &room)?)
            })),
            ..CreateRoom::default()
        };
        self.engine.rooms.create(self.caller()?, request).await.map_err(port_error)
    }
}

impl Conversations for ClerkRooms {
    fn create_patient_room<'a>(
        &'a self,
        patient: &'a str,
        members: Vec<OwnedUserId>,
    ) -> PortFuture<'a, OwnedRoomId> {
        Box::pin(async move {
            let room = self.create(patient).await?;
            for user in members {
                match self.join(&room, &user).await {
                    Ok(()) | Err(PortError::Refused(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(room)
        })
    }

    fn join<'a>(&'a self, room: &'a RoomId, user: &'a UserId) -> PortFuture<'a, ()> {
        Box::pin(async move {
            self.engine.rooms.join_by_server(room, &self.clerk, user).await.map_err(port_error)?;
            Ok(())
        })
    }

    fn invite<'a>(&'a self, room: &'a RoomId, user: &'a UserId) -> PortFuture<'a, ()> {
        Box::pin(async move {
            let membership = self.membership(room, user).map_err(later)?;
            if !matches!(membership, Membership::Invite | Membership::Join) {
                self.engine.rooms.invite(self.caller()?, room, user, None).await.map_err(port_error)?;
            }
            Ok(())
        })
    }

    fn announce<'a>(
        &'a self,
        room: &'a RoomId,
        kind: &'a str,
        content: Value,
        key: &'a str,
    ) -> PortFuture<'a, ()> {
        Box::pin(async move {
            let content = to_raw_value(&content).map_err(|error| PortError::Refused(error.to_string()))?;
            self.engine.rooms.announce(room, &self.clerk, kind, content, key).await.map_err(port_error)?;
            Ok(())
        })
    }

    fn is_member(&self, room: &RoomId, user: &UserId) -> bool {
        self.membership(room, user).is_ok_and(|membership| membership == Membership::Join)
    }
}

fn later(error: StoreError) -> PortError {
    PortError::Retry(error.to_string())
}

/// What may change by itself is tried again; what the rules of the room refuse is given up.
fn port_error(error: EngineError) -> PortError {
    match error {
        EngineError::Busy | EngineError::Stopping | EngineError::Store(_) => {
            PortError::Retry(error.to_string())
        }
        _ => PortError::Refused(error.to_string()),
    }
}
