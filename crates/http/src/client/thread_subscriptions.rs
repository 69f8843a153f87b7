//! `GET|PUT|DELETE …/rooms/{roomId}/thread/{threadRoot}/subscription` (MSC4306) and `GET …/thread_subscriptions`
//! (MSC4308): which threads somebody follows.

use axum::{Router, extract::State, routing::get};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_domain::ruma::OwnedEventId;
use wardline_engine::rooms::Token;
use wardline_store::Pos;

use super::rooms::{EventPath, caller, token};
use crate::{AppState, Authenticated, Empty, Json, MatrixError, Path, Query, RawJson};

pub(crate) fn routes() -> Router<AppState> {
    let unstable = "/_matrix/client/unstable";
    Router::new()
        .route(
            &format!("{unstable}/io.element.msc4306/rooms/{{roomId}}/thread/{{threadRoot}}/subscription"),
            get(subscription).put(subscribe).delete(unsubscribe),
        )
        .route(&format!("{unstable}/io.element.msc4308/thread_subscriptions"), get(changes))
}

async fn subscription(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, root)): Path<EventPath>,
) -> Result<Json<Value>, MatrixError> {
    let automatic = state.engine.rooms.follows_thread(caller(&auth), &room, &root)?;
    Ok(Json(json!({ "automatic": automatic })))
}

#[derive(Deserialize)]
struct Subscribe {
    /// The event for whose sake the client subscribes by itself.
    automatic: Option<OwnedEventId>,
}

async fn subscribe(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, root)): Path<EventPath>,
    Json(body): Json<Subscribe>,
) -> Result<Empty, MatrixError> {
    state.engine.rooms.follow_thread(caller(&auth), &room, &root, body.automatic.as_deref()).await?;
    Ok(Empty)
}

async fn unsubscribe(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, root)): Path<EventPath>,
) -> Result<Empty, MatrixError> {
    state.engine.rooms.unfollow_thread(caller(&auth), &room, &root).await?;
    Ok(Empty)
}

#[derive(Deserialize)]
struct ChangesQuery {
    dir: Option<String>,
    from: Option<String>,
    to: Option<String>,
    limit: Option<usize>,
}

async fn changes(
    State(state): State<AppState>,
    auth: Authenticated,
    Query(query): Query<ChangesQuery>,
) -> Result<RawJson, MatrixError> {
    if query.dir.as_deref().is_some_and(|dir| dir != "b") {
        return Err(MatrixError::invalid_param("dir: must be b"));
    }
    let from = position("from", query.from.as_deref())?;
    let to = position("to", query.to.as_deref())?.unwrap_or(0);
    let found = state.engine.rooms.followed_threads(caller(&auth), to, from, query.limit)?;
    let mut body = format!("{{{}", found.members);
    if let Some(before) = found.before {
        body.push_str(&format!(",\"end\":\"{}\"", Token::Stream(before)));
    }
    body.push('}');
    Ok(RawJson(body.into()))
}

/// The position in a token of sliding sync.
fn position(name: &str, text: Option<&str>) -> Result<Option<Pos>, MatrixError> {
    match token(name, text)? {
        None => Ok(None),
        Some(Token::Stream(pos)) => Ok(Some(pos)),
        Some(Token::History { .. }) => {
            Err(MatrixError::invalid_param(format!("{name}: not a token of sliding sync")))
        }
    }
}
