//! Provisioning by the organisation's identity system: `/scim/v2`. Specification: RFC 7643, RFC 7644.
//!
//! `resources` has users and groups, `discovery` what the server says of itself, `answer` bodies and refusals.

mod answer;
mod discovery;
mod resources;

use axum::Router;

use crate::AppState;

/// Where everything is.
const BASE: &str = "/scim/v2";

/// All routes under `/scim/v2`.
pub(crate) fn routes() -> Router<AppState> {
    Router::new().nest(
        BASE,
        discovery::routes()
            .merge(resources::routes())
            .fallback(async || answer::Refusal::not_found())
            .method_not_allowed_fallback(async || answer::Refusal::method_not_allowed()),
    )
}

/// The address of this API.
fn base(state: &AppState) -> String {
    format!("{}{BASE}", state.config.public_base_url)
}
