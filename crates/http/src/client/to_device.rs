//! `PUT /_matrix/client/v3/sendToDevice/{eventType}/{txnId}`.
//! Specification: Client-Server API, "Send-to-Device messaging".

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::State;
use axum::routing::put;
use serde::Deserialize;
use serde_json::value::RawValue;
use wardline_engine::keys::user_id_of;
use wardline_engine::to_device::{Message, Origin};

use super::kinds::may_see;
use crate::{AppState, Authenticated, Empty, Json, MatrixError, Path};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/sendToDevice/{eventType}/{txnId}", put(send))
}

#[derive(Deserialize)]
struct SendRequest {
    messages: BTreeMap<String, BTreeMap<String, Box<RawValue>>>,
}

async fn send(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((event_type, txn_id)): Path<(String, String)>,
    Json(body): Json<SendRequest>,
) -> Result<Empty, MatrixError> {
    for (field, value) in [("eventType", &event_type), ("txnId", &txn_id)] {
        if value.len() > 255 {
            return Err(MatrixError::invalid_param(format!("{field}: longer than 255 bytes")));
        }
    }
    let mut messages = Vec::new();
    for (user, devices) in body.messages {
        let user = user_id_of("messages", &user)?;
        if !may_see(&state, &auth, &user)? {
            return Err(MatrixError::forbidden(format!("messages.{user}: you share no conversation")));
        }
        for (device, content) in devices {
            if !content.get().starts_with('{') {
                return Err(MatrixError::bad_json(format!("messages.{user}.{device}: expected an object")));
            }
            messages.push(Message { user: user.clone(), device, content });
        }
    }
    let origin = Origin {
        user_id: &auth.user_id,
        user: auth.user_nid,
        device: auth.device_id.as_str(),
        event_type: &event_type,
        txn_id: &txn_id,
    };
    state.engine.to_device.send(origin, messages).await?;
    Ok(Empty)
}
