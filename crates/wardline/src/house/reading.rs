//! The clinical floor of a server for reading only: for commands that work while the server runs and holds the lock of
//! its folder.

use std::sync::Arc;

use wardline_clinical::{Clinical, ClinicalParts, ColumnCipher, Conversations, PortError, PortFuture};
use wardline_domain::{
    Clock, Random,
    ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId},
};
use wardline_store::{Store, StoreConfig};

use super::{DATABASE, folder};
use crate::{Config, Error};

/// Opens the directory, rota and patients of the server whose configuration this is. Nothing runs.
///
/// # Errors
/// [`Error`] if there is no such server, or its key cannot be read.
pub(crate) fn reading(
    config: &Config,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<Clinical, Error> {
    let path = config.data.join(DATABASE);
    if !path.is_file() {
        return Err(Error::Check(format!("{}: no such database", path.display())));
    }
    let key = folder::existing_column_key(&config.data)?;
    Ok(Clinical::new(ClinicalParts {
        store: Store::open(&StoreConfig { readers: 1, ..StoreConfig::at(path) })?,
        cipher: ColumnCipher::new(&key, Arc::clone(&random)),
        clock,
        random,
        server_name: config.server_name.clone(),
        zone: config.time_zone()?,
        holidays: config.clinical.holidays(),
        budget: config.clinical.budget(),
        unreachable_after: config.clinical.unreachable_after(),
        digest_times: config.clinical.digest_times.clone(),
        call_managers: config.calls.managers(),
        outgoing: None,
        signer: Arc::new(folder::existing_signer(&config.data, &config.server_name)?),
        playbooks: wardline_clinical::KnownPlaybooks::default(),
        conversations: Arc::new(NoRooms),
    }))
}

/// No room can be reached from here.
#[derive(Debug)]
struct NoRooms;

fn refused<'a, T: Send + 'a>() -> PortFuture<'a, T> {
    Box::pin(async { Err(PortError::Retry("the rooms are the running server's".to_owned())) })
}

impl Conversations for NoRooms {
    fn create_patient_room<'a>(&'a self, _: &'a str, _: Vec<OwnedUserId>) -> PortFuture<'a, OwnedRoomId> {
        refused()
    }

    fn create_call_room<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: Vec<OwnedUserId>,
    ) -> PortFuture<'a, OwnedRoomId> {
        refused()
    }

    fn create_role_room<'a>(&'a self, _: &'a str, _: &'a str) -> PortFuture<'a, OwnedRoomId> {
        refused()
    }

    fn create_digest_room<'a>(&'a self, _: &'a UserId) -> PortFuture<'a, OwnedRoomId> {
        refused()
    }

    fn join<'a>(&'a self, _: &'a RoomId, _: &'a UserId) -> PortFuture<'a, ()> {
        refused()
    }

    fn leave<'a>(&'a self, _: &'a RoomId, _: &'a UserId) -> PortFuture<'a, ()> {
        refused()
    }

    fn invite<'a>(&'a self, _: &'a RoomId, _: &'a UserId) -> PortFuture<'a, ()> {
        refused()
    }

    fn announce<'a>(
        &'a self,
        _: &'a RoomId,
        _: &'a str,
        _: serde_json::Value,
        _: &'a str,
    ) -> PortFuture<'a, ()> {
        refused()
    }

    fn set_state<'a>(&'a self, _: &'a RoomId, _: &'a str, _: serde_json::Value) -> PortFuture<'a, ()> {
        refused()
    }

    fn members(&self, _: &RoomId) -> Result<Vec<OwnedUserId>, PortError> {
        Err(PortError::Retry("the rooms are the running server's".to_owned()))
    }

    fn is_member(&self, _: &RoomId, _: &UserId) -> bool {
        false
    }
}
