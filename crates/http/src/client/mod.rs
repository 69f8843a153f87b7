//! The Matrix Client-Server API. One file per endpoint family, named as the specification names it.

use axum::Router;

use crate::AppState;

/// All routes under `/_matrix/client`, `/_matrix/media`, `/.well-known/matrix` and `/_synapse/admin`.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
}
