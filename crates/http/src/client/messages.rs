//! `GET /_matrix/client/v3/rooms/{roomId}/messages`.
//! Specification: Client-Server API, "Getting events for a room".

use axum::{Router, extract::State, routing::get};
use serde::Deserialize;
use wardline_domain::ruma::OwnedRoomId;
use wardline_engine::rooms::{Direction, MessagesQuery};

use super::rooms::{caller, direction, filter, token};
use crate::{AppState, Authenticated, MatrixError, Path, Query, RawJson};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/rooms/{roomId}/messages", get(messages))
}

#[derive(Deserialize)]
struct MessagesRequest {
    dir: Option<String>,
    from: Option<String>,
    to: Option<String>,
    limit: Option<usize>,
    filter: Option<String>,
}

async fn messages(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
    Query(query): Query<MessagesRequest>,
) -> Result<RawJson, MatrixError> {
    if query.dir.is_none() {
        // Who may not read the room at all is told that first.
        state.engine.rooms.require_reader(caller(&auth), &room)?;
        return Err(MatrixError::missing_param("dir: must be b or f"));
    }
    let filter = filter(query.filter.as_deref())?;
    let query = MessagesQuery {
        direction: direction(query.dir.as_deref(), Direction::Backwards)?,
        from: token("from", query.from.as_deref())?,
        to: token("to", query.to.as_deref())?,
        limit: query.limit.or(filter.events.limit.and_then(|limit| usize::try_from(limit).ok())),
        filter,
    };
    let page = state.engine.rooms.messages(caller(&auth), &room, query).await?;
    let end = page.end.map(|end| format!(",\"end\":\"{end}\"")).unwrap_or_default();
    let body =
        format!("{{\"start\":\"{}\"{end},\"chunk\":{},\"state\":{}}}", page.start, page.chunk, page.state);
    Ok(RawJson(body.into()))
}
