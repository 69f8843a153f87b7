//! Rooms in memory for the clinical floor.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use wardline_clinical::{Conversations, PortError, PortFuture};
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};

#[derive(Debug, Default)]
pub(crate) struct Rooms(Mutex<BTreeMap<OwnedRoomId, BTreeSet<OwnedUserId>>>);

impl Conversations for Rooms {
    fn create_patient_room<'a>(
        &'a self,
        patient: &'a str,
        members: Vec<OwnedUserId>,
    ) -> PortFuture<'a, OwnedRoomId> {
        let room: OwnedRoomId = format!("!{patient}:riverside.example").try_into().unwrap();
        self.0.lock().unwrap().insert(room.clone(), members.into_iter().collect());
        Box::pin(async move { Ok(room) })
    }

    fn create_role_room<'a>(&'a self, service: &'a str, _: &'a str) -> PortFuture<'a, OwnedRoomId> {
        let room: OwnedRoomId = format!("!role-{service}:riverside.example").try_into().unwrap();
        self.0.lock().unwrap().entry(room.clone()).or_default();
        Box::pin(async move { Ok(room) })
    }

    fn create_digest_room<'a>(&'a self, user: &'a UserId) -> PortFuture<'a, OwnedRoomId> {
        let room: OwnedRoomId = format!("!digest-{}:riverside.example", user.localpart()).try_into().unwrap();
        self.0.lock().unwrap().entry(room.clone()).or_default().insert(user.to_owned());
        Box::pin(async move { Ok(room) })
    }

    fn create_call_room<'a>(
        &'a self,
        call: &'a str,
        _: &'a str,
        members: Vec<OwnedUserId>,
    ) -> PortFuture<'a, OwnedRoomId> {
        let room: OwnedRoomId = format!("!call-{call}:riverside.example").try_into().unwrap();
        self.0.lock().unwrap().entry(room.clone()).or_default().extend(members);
        Box::pin(async move { Ok(room) })
    }

    fn join<'a>(&'a self, room: &'a RoomId, user: &'a UserId) -> PortFuture<'a, ()> {
        self.0.lock().unwrap().entry(room.to_owned()).or_default().insert(user.to_owned());
        Box::pin(async { Ok(()) })
    }

    fn leave<'a>(&'a self, room: &'a RoomId, user: &'a UserId) -> PortFuture<'a, ()> {
        if let Some(members) = self.0.lock().unwrap().get_mut(room) {
            members.remove(user);
        }
        Box::pin(async { Ok(()) })
    }

    fn invite<'a>(&'a self, _: &'a RoomId, _: &'a UserId) -> PortFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn announce<'a>(
        &'a self,
        _: &'a RoomId,
        _: &'a str,
        _: serde_json::Value,
        _: &'a str,
    ) -> PortFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn set_state<'a>(&'a self, _: &'a RoomId, _: &'a str, _: serde_json::Value) -> PortFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn members(&self, room: &RoomId) -> Result<Vec<OwnedUserId>, PortError> {
        Ok(self.0.lock().unwrap().get(room).into_iter().flatten().cloned().collect())
    }

    fn is_member(&self, room: &RoomId, user: &UserId) -> bool {
        self.0.lock().unwrap().get(room).is_some_and(|members| members.contains(user))
    }
}
