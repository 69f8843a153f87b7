//! `GET /_matrix/client/v3/rooms/{roomId}/members` and `…/joined_members`.
//! Specification: Client-Server API, "Getting events for a room".

use axum::{Router, extract::State, routing::get};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wardline_domain::ruma::OwnedRoomId;
use wardline_domain::visibility::Membership;
use wardline_engine::rooms::MembersQuery;

use super::rooms::{caller, token, write_events};
use crate::{AppState, Authenticated, Json, MatrixError, Path, Query, RawJson};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/rooms/{roomId}/members", get(members))
        .route("/_matrix/client/v3/rooms/{roomId}/joined_members", get(joined_members))
}

#[derive(Deserialize)]
struct MembersRequest {
    at: Option<String>,
    membership: Option<String>,
    not_membership: Option<String>,
}

async fn members(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
    Query(query): Query<MembersRequest>,
) -> Result<RawJson, MatrixError> {
    let query = MembersQuery {
        at: token("at", query.at.as_deref())?,
        membership: membership("membership", query.membership.as_deref())?,
        not_membership: membership("not_membership", query.not_membership.as_deref())?,
    };
    let events = state.engine.rooms.members(caller(&auth), &room, query).await?;
    let chunk = write_events(&state, &auth, events.iter().map(|event| &**event))?;
    Ok(RawJson(format!("{{\"chunk\":{chunk}}}").into()))
}

fn membership(name: &str, value: Option<&str>) -> Result<Option<Membership>, MatrixError> {
    let parse = |value| {
        Membership::parse(value)
            .ok_or_else(|| MatrixError::invalid_param(format!("{name}: not a membership")))
    };
    value.map(parse).transpose()
}

async fn joined_members(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
) -> Result<Json<Value>, MatrixError> {
    #[derive(Default, Deserialize)]
    struct Profile {
        displayname: Option<String>,
        avatar_url: Option<String>,
    }
    let events = state.engine.rooms.joined_members(caller(&auth), &room).await?;
    let joined: Map<String, Value> = events
        .iter()
        .filter_map(|event| {
            let profile: Profile = event.pdu.content_as().unwrap_or_default();
            let user = event.pdu.state_key.clone()?;
            Some((user, json!({ "display_name": profile.displayname, "avatar_url": profile.avatar_url })))
        })
        .collect();
    Ok(Json(json!({ "joined": joined })))
}
