//! `GET|POST /_matrix/client/v3/publicRooms` and `GET|PUT …/directory/list/room/{roomId}`.
//! Specification: Client-Server API, "Listing rooms".

use axum::{Router, extract::State, routing::get};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wardline_domain::ruma::OwnedRoomId;
use wardline_engine::rooms::{DirectoryQuery, Network};

use super::rooms::{caller, require_admin};
use crate::{
    Anybody, AppState, Authenticated, Empty, Json, MatrixError, OptionalJson, Path, Publishers, Query,
};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/publicRooms", get(all).post(filtered))
        .route("/_matrix/client/v3/directory/list/room/{roomId}", get(visibility).put(set_visibility))
}

#[derive(Deserialize)]
struct Page {
    server: Option<String>,
    limit: Option<usize>,
    since: Option<String>,
}

#[derive(Deserialize)]
struct Server {
    server: Option<String>,
}

#[derive(Deserialize)]
struct FilteredRequest {
    limit: Option<usize>,
    since: Option<String>,
    #[serde(default)]
    filter: Filter,
    #[serde(default)]
    include_all_networks: bool,
    third_party_instance_id: Option<String>,
}

#[derive(Default, Deserialize)]
struct Filter {
    generic_search_term: Option<String>,
    room_types: Option<Vec<Option<String>>>,
}

async fn all(
    State(state): State<AppState>,
    _: Anybody,
    Query(query): Query<Page>,
) -> Result<Json<Value>, MatrixError> {
    own_directory(&state, query.server.as_deref())?;
    list(&state, query.limit, query.since.as_deref(), Filter::default(), Network::Own).await
}

async fn filtered(
    State(state): State<AppState>,
    _: Anybody,
    Query(server): Query<Server>,
    OptionalJson(body): OptionalJson<FilteredRequest>,
) -> Result<Json<Value>, MatrixError> {
    own_directory(&state, server.server.as_deref())?;
    if body.third_party_instance_id.is_some() && body.include_all_networks {
        return Err(MatrixError::invalid_param(
            "third_party_instance_id: cannot be combined with include_all_networks",
        ));
    }
    let network = match body.third_party_instance_id.filter(|instance| !instance.is_empty()) {
        Some(instance) => Network::Of(instance),
        None if body.include_all_networks => Network::All,
        None => Network::Own,
    };
    list(&state, body.limit, body.since.as_deref(), body.filter, network).await
}

fn own_directory(state: &AppState, server: Option<&str>) -> Result<(), MatrixError> {
    match server {
        Some(server) if server != state.config.server_name.as_str() => {
            Err(MatrixError::not_found("server: the directory of this server cannot be reached"))
        }
        _ => Ok(()),
    }
}

async fn list(
    state: &AppState,
    limit: Option<usize>,
    since: Option<&str>,
    filter: Filter,
    network: Network,
) -> Result<Json<Value>, MatrixError> {
    let since = match since.filter(|since| !since.is_empty()) {
        None => 0,
        Some(since) => since
            .strip_prefix('p')
            .and_then(|shown| shown.parse().ok())
            .ok_or_else(|| MatrixError::invalid_param("since: not a token of this server"))?,
    };
    let query = DirectoryQuery {
        search: filter.generic_search_term,
        room_types: filter.room_types,
        limit,
        since,
        network,
    };
    let page = state.engine.rooms.directory(query).await?;
    let shown = page.rooms.iter().map(|room| match serde_json::to_value(room) {
        Ok(Value::Object(mut room)) => {
            room.retain(|member, _| {
                !["allowed_room_ids", "encryption", "room_version"].contains(&member.as_str())
            });
            Ok(room)
        }
        Ok(_) => Ok(Map::new()),
        Err(error) => Err(MatrixError::internal(&error)),
    });
    let mut body = json!({
        "chunk": shown.collect::<Result<Vec<_>, _>>()?,
        "total_room_count_estimate": page.total,
    });
    for (member, at) in [("next_batch", page.next), ("prev_batch", page.previous)] {
        if let Some(at) = at {
            body[member] = json!(format!("p{at}"));
        }
    }
    Ok(Json(body))
}

async fn visibility(
    State(state): State<AppState>,
    _: Anybody,
    Path(room): Path<OwnedRoomId>,
) -> Result<Json<Value>, MatrixError> {
    let listed = state.engine.rooms.is_published(&room)?;
    Ok(Json(json!({ "visibility": if listed { "public" } else { "private" } })))
}

/// Whether the configuration lets this user list rooms at all.
pub(super) fn may_publish(state: &AppState, auth: &Authenticated) -> Result<(), MatrixError> {
    match state.config.publishers {
        Publishers::Members => Ok(()),
        Publishers::Administrators => require_admin(state, auth),
        Publishers::Nobody => Err(MatrixError::forbidden("rooms are not listed on this server")),
    }
}

#[derive(Deserialize)]
struct VisibilityRequest {
    visibility: Option<String>,
}

async fn set_visibility(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
    OptionalJson(body): OptionalJson<VisibilityRequest>,
) -> Result<Empty, MatrixError> {
    let listed = match body.visibility.as_deref() {
        None | Some("public") => true,
        Some("private") => false,
        Some(_) => return Err(MatrixError::invalid_param("visibility: must be public or private")),
    };
    state.engine.rooms.is_published(&room)?;
    if listed {
        may_publish(&state, &auth)?;
    }
    state.engine.rooms.publish(caller(&auth), &room, listed).await?;
    Ok(Empty)
}
