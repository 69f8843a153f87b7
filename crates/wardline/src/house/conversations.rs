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
use wardline_store::{
    StoreError,
    clinical::{alarms, calls, digests, patients},
    members, rooms, users,
};

/// The type of a patient's room, and of the state event that names its patient.
const PATIENT: &str = "org.wardline.patient";
/// The type of a role's room, and of the state event that names the role.
const ROLE: &str = "org.wardline.role";
/// The type of the room of a crash call, and of the state event that names the call.
const CALL: &str = "org.wardline.call";

/// The type of the room in which a person is told what was sent for information.
const DIGEST: &str = "org.wardline.digest";

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
        let reference = patient.to_owned();
        let request = CreateRoom {
            preset: Preset::PrivateChat,
            creation_content: Map::from_iter([("type".to_owned(), PATIENT.into())]),
            initial_state: vec![state(PATIENT, json!({ "ref": patient }))?],
            power_levels: Map::from_iter([
                ("invite".to_owned(), 0.into()),
                ("events".to_owned(), sealed_power_levels()),
            ]),
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

impl ClerkRooms {
    /// The conversation of a role. Its id is written down with the room, as that of a patient is.
    async fn create_for_role(&self, service: &str, name: &str) -> Result<OwnedRoomId, PortError> {
        let id = service.to_owned();
        let request = CreateRoom {
            preset: Preset::PrivateChat,
            creation_content: Map::from_iter([("type".to_owned(), ROLE.into())]),
            initial_state: vec![state(ROLE, json!({ "id": service }))?],
            name: Some(name.to_owned()),
            encrypted: true,
            also: Some(Box::new(move |tx, room| {
                let room = rooms::room_id(tx, room)?;
                Ok(alarms::set_role_room(tx, &id, &room)?)
            })),
            ..CreateRoom::default()
        };
        self.engine.rooms.create(self.caller()?, request).await.map_err(port_error)
    }
}

impl ClerkRooms {
    /// The conversation of a person's digests: in the clear, since the clerk alone speaks there and says numbers only.
    async fn create_for_digests(&self, user: &UserId) -> Result<OwnedRoomId, PortError> {
        let person = user.localpart().to_owned();
        let request = CreateRoom {
            preset: Preset::PrivateChat,
            creation_content: Map::from_iter([("type".to_owned(), DIGEST.into())]),
            name: Some("For your information".to_owned()),
            power_levels: Map::from_iter([("events_default".to_owned(), 100.into())]),
            also: Some(Box::new(move |tx, room| {
                let room = rooms::room_id(tx, room)?;
                Ok(digests::set_room(tx, &person, &room)?)
            })),
            ..CreateRoom::default()
        };
        self.engine.rooms.create(self.caller()?, request).await.map_err(port_error)
    }

    /// The conversation of a crash call. Its id is written down with the room, as that of a patient is; whoever is
    /// called may write in it.
    async fn create_for_call(&self, call: &str, name: &str) -> Result<OwnedRoomId, PortError> {
        let id = call.to_owned();
        let request = CreateRoom {
            preset: Preset::PrivateChat,
            creation_content: Map::from_iter([("type".to_owned(), CALL.into())]),
            initial_state: vec![state(CALL, json!({ "id": call }))?],
            power_levels: Map::from_iter([("events".to_owned(), sealed_power_levels())]),
            name: Some(name.to_owned()),
            encrypted: true,
            also: Some(Box::new(move |tx, room| {
                let room = rooms::room_id(tx, room)?;
                Ok(calls::set_room(tx, &id, &room)?)
            })),
            ..CreateRoom::default()
        };
        self.engine.rooms.create(self.caller()?, request).await.map_err(port_error)
    }
}

fn state(kind: &str, value: Value) -> Result<InitialState, PortError> {
    let content = to_raw_value(&value).map_err(|error| PortError::Refused(error.to_string()))?;
    Ok(InitialState { kind: kind.to_owned(), state_key: String::new(), content })
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

    fn create_role_room<'a>(&'a self, service: &'a str, name: &'a str) -> PortFuture<'a, OwnedRoomId> {
        Box::pin(async move {
            let known = self.engine.context.store.read_now(|tx| alarms::role_room(tx, service));
            match known.map_err(later)? {
                Some(room) => Ok(room),
                None => self.create_for_role(service, name).await,
            }
        })
    }

    fn create_digest_room<'a>(&'a self, user: &'a UserId) -> PortFuture<'a, OwnedRoomId> {
        Box::pin(async move {
            let known = self.engine.context.store.read_now(|tx| digests::room(tx, user.localpart()));
            let room = match known.map_err(later)? {
                Some(room) => room,
                None => self.create_for_digests(user).await?,
            };
            self.join(&room, user).await?;
            Ok(room)
        })
    }

    fn create_call_room<'a>(
        &'a self,
        call: &'a str,
        name: &'a str,
        members: Vec<OwnedUserId>,
    ) -> PortFuture<'a, OwnedRoomId> {
        Box::pin(async move {
            let known = self.engine.context.store.read_now(|tx| calls::room(tx, call)).map_err(later)?;
            let room = match known {
                Some(room) => room,
                None => self.create_for_call(call, name).await?,
            };
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

    fn leave<'a>(&'a self, room: &'a RoomId, user: &'a UserId) -> PortFuture<'a, ()> {
        Box::pin(async move {
            let membership = self.membership(room, user).map_err(later)?;
            if matches!(membership, Membership::Invite | Membership::Join) {
                let found = self.engine.context.store.read_now(|tx| users::find(tx, user)).map_err(later)?;
                let caller = Caller { user: found.ok_or_else(no_account)?, user_id: user, device: None };
                self.engine.rooms.leave(caller, room, None).await.map_err(port_error)?;
            }
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

    fn set_state<'a>(&'a self, room: &'a RoomId, kind: &'a str, content: Value) -> PortFuture<'a, ()> {
        Box::pin(async move {
            let content = to_raw_value(&content).map_err(|error| PortError::Refused(error.to_string()))?;
            let caller = self.caller()?;
            self.engine.rooms.send_state(caller, room, kind, "", content).await.map_err(port_error)?;
            Ok(())
        })
    }

    fn members(&self, room: &RoomId) -> Result<Vec<OwnedUserId>, PortError> {
        let all = self.engine.context.store.read_now(|tx| match rooms::find(tx, room)? {
            Some(room) => members::of_room(tx, room),
            None => Ok(Vec::new()),
        });
        let joined = |(user, row): (OwnedUserId, members::MemberRow)| {
            (row.membership == Membership::Join).then_some(user)
        };
        Ok(all.map_err(later)?.into_iter().filter_map(joined).collect())
    }

    fn is_member(&self, room: &RoomId, user: &UserId) -> bool {
        self.membership(room, user).is_ok_and(|membership| membership == Membership::Join)
    }
}

/// The level that each type of event needs in a patient's conversation. Nobody reaches 100 but the clerk, its
/// creator: so words can be sent encrypted only, and nobody can forge the progress of a request.
fn sealed_power_levels() -> Value {
    json!({
        "m.poll.start": 100,
        "m.room.avatar": 100,
        "m.room.canonical_alias": 100,
        "m.room.encryption": 100,
        "m.room.history_visibility": 100,
        "m.room.message": 100,
        "m.room.name": 100,
        // Which messages stand at the top is the team's to say; it names events and holds no words.
        "m.room.pinned_events": 0,
        "m.room.power_levels": 100,
        "m.room.server_acl": 100,
        "m.room.tombstone": 150,
        "m.room.topic": 100,
        "m.sticker": 100,
        "org.wardline.request": 100,
        "org.wardline.request.response": 100,
        "org.wardline.request.update": 100,
    })
}

fn no_account() -> PortError {
    PortError::Refused("the user has no account".to_owned())
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
