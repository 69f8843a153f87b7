//! `POST /_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}` and `POST …/read_markers`.
//! Specification: Client-Server API, "Receipts" and "Read and unread markers".

use axum::{Router, extract::State, routing::post};
use serde::Deserialize;
use wardline_domain::ruma::{OwnedEventId, OwnedRoomId};
use wardline_engine::receipts::NewReceipt;

use crate::{AppState, Authenticated, Empty, Json, MatrixError, OptionalJson, Path};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}", post(receipt))
        .route("/_matrix/client/v3/rooms/{roomId}/read_markers", post(read_markers))
}

#[derive(Default, Deserialize)]
struct ReceiptRequest {
    thread_id: Option<String>,
}

async fn receipt(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, kind, event_id)): Path<(OwnedRoomId, String, OwnedEventId)>,
    OptionalJson(body): OptionalJson<ReceiptRequest>,
) -> Result<Empty, MatrixError> {
    let receipt = NewReceipt { kind, event_id, thread: body.thread_id };
    state.engine.receipts.advance(auth.user_nid, &room, vec![receipt]).await?;
    Ok(Empty)
}

#[derive(Deserialize)]
struct ReadMarkersRequest {
    #[serde(rename = "m.fully_read")]
    fully_read: Option<OwnedEventId>,
    #[serde(rename = "m.read")]
    read: Option<OwnedEventId>,
    #[serde(rename = "m.read.private")]
    read_private: Option<OwnedEventId>,
}

async fn read_markers(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
    Json(body): Json<ReadMarkersRequest>,
) -> Result<Empty, MatrixError> {
    let receipts =
        [("m.fully_read", body.fully_read), ("m.read", body.read), ("m.read.private", body.read_private)]
            .into_iter()
            .filter_map(|(kind, event_id)| {
                Some(NewReceipt { kind: kind.to_owned(), event_id: event_id?, thread: None })
            })
            .collect();
    state.engine.receipts.advance(auth.user_nid, &room, receipts).await?;
    Ok(Empty)
}
