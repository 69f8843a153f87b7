//! `POST /_matrix/client/v3/logout` and `…/logout/all`. Specification: Client-Server API, "Login".

use axum::{Router, extract::State, routing::post};

use crate::{AppState, Authenticated, Empty, MatrixError};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/logout", post(logout))
        .route("/_matrix/client/v3/logout/all", post(logout_all))
}

async fn logout(State(state): State<AppState>, auth: Authenticated) -> Result<Empty, MatrixError> {
    state.identity.sign_out(&auth).await?;
    Ok(Empty)
}

async fn logout_all(State(state): State<AppState>, auth: Authenticated) -> Result<Empty, MatrixError> {
    state.identity.sign_out_everywhere(&auth).await?;
    Ok(Empty)
}
