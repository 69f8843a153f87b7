//! `GET /_matrix/client/v3/pushers`, `POST …/pushers/set` and `POST …/pushers/ack` (MSC4174).
//! Specification: Client-Server API, "Push Notifications".

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wardline_engine::push::PusherToSet;
use wardline_store::pushers::{Activation, Pusher};

use crate::{AppState, Authenticated, Empty, Json, MatrixError};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/pushers", get(list))
        .route("/_matrix/client/v3/pushers/set", post(set))
        .route("/_matrix/client/v3/pushers/ack", post(acknowledge))
        .route("/_matrix/client/unstable/org.matrix.msc4174/pushers/ack", post(acknowledge))
}

async fn list(State(state): State<AppState>, auth: Authenticated) -> Result<Json<Value>, MatrixError> {
    let pushers: Vec<Value> = state.engine.pushers.of_user(auth.user_nid)?.iter().map(shown).collect();
    Ok(Json(json!({ "pushers": pushers })))
}

fn shown(pusher: &Pusher) -> Value {
    let mut data: Map<String, Value> = serde_json::from_str(&pusher.data).unwrap_or_default();
    if pusher.kind == "webpush" {
        data.insert("activated".to_owned(), json!(pusher.activated));
    }
    let mut shown = json!({
        "kind": pusher.kind,
        "app_id": pusher.app_id,
        "pushkey": pusher.pushkey,
        "app_display_name": pusher.app_display_name,
        "device_display_name": pusher.device_display_name,
        "lang": pusher.lang,
        "data": data,
    });
    if let Some(tag) = &pusher.profile_tag {
        shown["profile_tag"] = json!(tag);
    }
    shown
}

#[derive(Deserialize)]
struct SetBody {
    app_id: String,
    pushkey: String,
    /// Must be there: `null` removes.
    #[serde(deserialize_with = "Option::deserialize")]
    kind: Option<String>,
    app_display_name: Option<String>,
    device_display_name: Option<String>,
    profile_tag: Option<String>,
    lang: Option<String>,
    data: Option<Map<String, Value>>,
    #[serde(default)]
    append: bool,
}

async fn set(
    State(state): State<AppState>,
    auth: Authenticated,
    Json(body): Json<SetBody>,
) -> Result<Response, MatrixError> {
    let pushers = &state.engine.pushers;
    let Some(kind) = body.kind else {
        pushers.remove(auth.user_nid, &body.app_id, &body.pushkey).await?;
        return Ok(Empty.into_response());
    };
    let missing = |field: &str| MatrixError::missing_param(format!("{field}: missing"));
    let mut data = body.data.ok_or_else(|| missing("data"))?;
    // The server's to say.
    data.remove("activated");
    let wanted = PusherToSet {
        kind,
        app_id: body.app_id,
        pushkey: body.pushkey,
        app_display_name: body.app_display_name.ok_or_else(|| missing("app_display_name"))?,
        device_display_name: body.device_display_name.ok_or_else(|| missing("device_display_name"))?,
        profile_tag: body.profile_tag,
        lang: body.lang.ok_or_else(|| missing("lang"))?,
        data,
        append: body.append,
    };
    let to_activate = pushers.set(auth.user_nid, auth.device_id.as_str(), wanted).await?;
    let status = if to_activate { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Empty).into_response())
}

#[derive(Deserialize)]
struct AckBody {
    app_id: String,
    ack_token: String,
}

async fn acknowledge(
    State(state): State<AppState>,
    auth: Authenticated,
    Json(body): Json<AckBody>,
) -> Result<Empty, MatrixError> {
    let bad = |errcode, error| Err(MatrixError::new(StatusCode::BAD_REQUEST, errcode, error));
    match state.engine.pushers.activate(auth.user_nid, &body.app_id, &body.ack_token).await? {
        Activation::Done => Ok(Empty),
        Activation::NoPusher => Err(MatrixError::not_found("you have no pusher with this app_id")),
        Activation::Expired => bad("M_EXPIRED_ACTIVATION_TOKEN", "ack_token: it came too late"),
        Activation::Unknown => bad("M_UNKNOWN_ACTIVATION_TOKEN", "ack_token: not the one that was pushed"),
    }
}
