//! What the endpoints of rooms have in common.

use wardline_domain::ruma::{OwnedEventId, OwnedRoomId, OwnedServerName, UserId};
use wardline_engine::EngineError;
use wardline_engine::events::{Event, Extras, Viewer};
use wardline_engine::filters::RoomEventFilter;
use wardline_engine::rooms::{Caller, Direction, Token};
use wardline_store::{StoreError, accounts};

use crate::{AppState, Authenticated, MatrixError};

/// The signed-in user as the engine's caller.
pub(crate) fn caller(auth: &Authenticated) -> Caller<'_> {
    let device = Some(auth.device_id.as_str()).filter(|device| !device.is_empty());
    Caller { user: auth.user_nid, user_id: &auth.user_id, device }
}

/// Refuses a user id of this server that has no active account, and that no application service makes when asked.
pub(crate) async fn known_user(state: &AppState, user: &UserId) -> Result<(), MatrixError> {
    if user.server_name() != state.config.server_name {
        return Err(MatrixError::forbidden("users of other servers cannot be invited"));
    }
    let mut account = state.store.read_now(|tx| accounts::find(tx, user))?;
    if account.is_none() && state.engine.context.app_services.ask_user(user).await {
        account = state.store.read_now(|tx| accounts::find(tx, user))?;
    }
    match account {
        Some(account) if !account.deactivated => Ok(()),
        _ => Err(MatrixError::not_found("there is no such user")),
    }
}

/// The room that a client names by its id or by an alias.
pub(crate) async fn room_by_name(state: &AppState, name: &str) -> Result<OwnedRoomId, MatrixError> {
    if name.starts_with('#') {
        return Ok(resolve_alias(state, name).await?.0);
    }
    OwnedRoomId::try_from(name)
        .map_err(|_| MatrixError::invalid_param("roomIdOrAlias: not a room id or alias"))
}

/// The room behind an alias; an application service whose alias it is may make it when asked.
pub(crate) async fn resolve_alias(
    state: &AppState,
    alias: &str,
) -> Result<(OwnedRoomId, Vec<OwnedServerName>), MatrixError> {
    match state.engine.rooms.resolve_alias(alias) {
        Err(EngineError::NotFound(_)) if state.engine.context.app_services.ask_alias(alias).await => {
            Ok(state.engine.rooms.resolve_alias(alias)?)
        }
        result => Ok(result?),
    }
}

/// Refuses everybody but administrators of the server.
pub(crate) fn require_admin(state: &AppState, auth: &Authenticated) -> Result<(), MatrixError> {
    Ok(state.identity.check_administrator(auth)?)
}

/// `dir` of a query.
pub(crate) fn direction(dir: Option<&str>, default: Direction) -> Result<Direction, MatrixError> {
    match dir {
        None => Ok(default),
        Some("f") => Ok(Direction::Forwards),
        Some("b") => Ok(Direction::Backwards),
        Some(_) => Err(MatrixError::invalid_param("dir: must be b or f")),
    }
}

/// A pagination token of a query; empty counts as absent.
pub(crate) fn token(name: &str, text: Option<&str>) -> Result<Option<Token>, MatrixError> {
    let parse = |text: &str| {
        text.parse().map_err(|_| MatrixError::invalid_param(format!("{name}: not a token of this server")))
    };
    text.filter(|text| !text.is_empty()).map(parse).transpose()
}

/// The `filter` of a query: a RoomEventFilter as JSON.
pub(crate) fn filter(json: Option<&str>) -> Result<RoomEventFilter, MatrixError> {
    match json {
        None => Ok(RoomEventFilter::default()),
        Some(json) => {
            serde_json::from_str(json).map_err(|error| MatrixError::invalid_param(format!("filter: {error}")))
        }
    }
}

/// State events in client format, as a JSON array.
pub(crate) fn write_events<'e>(
    state: &AppState,
    auth: &Authenticated,
    events: impl IntoIterator<Item = &'e Event>,
) -> Result<String, MatrixError> {
    let viewer =
        Viewer { user: auth.user_nid, device: Some(auth.device_id.as_str()), now: state.clock.now() };
    let cache = &state.engine.context.events;
    Ok(state.store.read_now(|tx| -> Result<String, StoreError> {
        let mut out = String::from("[");
        for event in events {
            if out.len() > 1 {
                out.push(',');
            }
            cache.write(tx, event, viewer, Extras::default(), true, &mut out)?;
        }
        out.push(']');
        Ok(out)
    })?)
}

/// The path of endpoints about one event.
pub(crate) type EventPath = (OwnedRoomId, OwnedEventId);
