//! `GET /_matrix/client/v1/media/preview_url`, refused on purpose. Specification: Client-Server API, "Content
//! repository".
//!
//! A preview would take the addresses that people write to one another out of their encrypted conversations, and would
//! let whoever can write a message make a server in a hospital's network fetch an address of their choice.

use axum::{Router, routing::get};

use crate::{AppState, Authenticated, MatrixError};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v1/media/preview_url", get(refuse))
}

async fn refuse(_: Authenticated) -> MatrixError {
    MatrixError::forbidden("this server makes no previews of addresses")
}
