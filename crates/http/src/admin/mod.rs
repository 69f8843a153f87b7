//! The administration API under `/_wardline/admin/v1`: for administrators of the server only, every act and every look
//! audited, described by the OpenAPI document that it serves.

mod media;
mod notices;
mod reports;
mod rooms;
mod server;
mod systems;
mod tokens;
mod users;

use std::ops::Deref;

use axum::{
    Router,
    extract::{FromRequestParts, MatchedPath, State},
    routing::{get, post, put},
};
use http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};
use wardline_audit::{Action, Entry};

use crate::{AppState, Authenticated, Json, MatrixError};

/// The OpenAPI document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Wardline administration",
        version = "1",
        description = "Needs the access token of an administrator. Every act and every look is audited."
    ),
    paths(
        users::list,
        users::one,
        users::create,
        users::change,
        users::deactivate,
        users::password,
        users::devices,
        users::sign_out,
        users::remove_device,
        users::rooms_of,
        rooms::list,
        rooms::one,
        rooms::members,
        rooms::state,
        rooms::block,
        rooms::delete,
        rooms::purge_history,
        rooms::make_admin,
        media::usage,
        media::of_user,
        media::quarantine,
        media::remove,
        tokens::list,
        tokens::one,
        tokens::create,
        tokens::update,
        tokens::delete,
        notices::send,
        reports::list,
        reports::close,
        server::statistics,
        server::federation,
        systems::list,
        systems::one,
        systems::put,
        systems::delete,
    )
)]
struct Document;

/// The OpenAPI document as JSON text.
#[must_use]
pub fn openapi() -> String {
    Document::openapi().to_pretty_json().unwrap_or_default()
}

pub(crate) fn routes() -> Router<AppState> {
    let base = "/_wardline/admin/v1";
    let at = |path: &str| format!("{base}{path}");
    Router::new()
        .route(&at("/openapi.json"), get(document))
        .route(&at("/users"), get(users::list))
        .route(&at("/users/{userId}"), get(users::one).put(users::create).patch(users::change))
        .route(&at("/users/{userId}/deactivate"), post(users::deactivate))
        .route(&at("/users/{userId}/password"), post(users::password))
        .route(&at("/users/{userId}/devices"), get(users::devices))
        .route(&at("/users/{userId}/devices/{deviceId}"), axum::routing::delete(users::remove_device))
        .route(&at("/users/{userId}/sign-out"), post(users::sign_out))
        .route(&at("/users/{userId}/rooms"), get(users::rooms_of))
        .route(&at("/users/{userId}/media"), get(media::of_user))
        .route(&at("/users/{userId}/notices"), post(notices::send))
        .route("/_synapse/admin/v1/send_server_notice", post(notices::send_any))
        .route("/_synapse/admin/v1/send_server_notice/{txnId}", put(notices::send_any_once))
        .route(&at("/rooms"), get(rooms::list))
        .route(&at("/rooms/{roomId}"), get(rooms::one).delete(rooms::delete))
        .route(&at("/rooms/{roomId}/members"), get(rooms::members))
        .route(&at("/rooms/{roomId}/state"), get(rooms::state))
        .route(&at("/rooms/{roomId}/block"), put(rooms::block))
        .route(&at("/rooms/{roomId}/purge-history"), post(rooms::purge_history))
        .route(&at("/rooms/{roomId}/make-admin"), post(rooms::make_admin))
        .route(&at("/media"), get(media::usage))
        .route(&at("/media/{mediaId}"), axum::routing::delete(media::remove))
        .route(&at("/media/{mediaId}/quarantine"), put(media::quarantine))
        .route(&at("/registration-tokens"), get(tokens::list).post(tokens::create))
        .route(&at("/registration-tokens/{id}"), get(tokens::one).put(tokens::update).delete(tokens::delete))
        .route(&at("/reports"), get(reports::list))
        .route(&at("/reports/{id}"), axum::routing::delete(reports::close))
        .route(&at("/statistics"), get(server::statistics))
        .route(&at("/federation"), get(server::federation))
        .route(&at("/system-clients"), get(systems::list))
        .route(&at("/system-clients/{id}"), get(systems::one).put(systems::put).delete(systems::delete))
}

/// The document is no secret: it says what the source says.
async fn document(State(_): State<AppState>) -> crate::RawJson {
    crate::RawJson(openapi().into())
}

/// The signed-in administrator. A look (`GET`) is audited here; what changes something audits itself with its change.
///
/// Refuses as [`Authenticated`], and everybody else with 403 `M_FORBIDDEN`.
#[derive(Clone, Debug)]
pub(crate) struct Administrator(Authenticated);

impl Deref for Administrator {
    type Target = Authenticated;

    fn deref(&self) -> &Authenticated {
        &self.0
    }
}

impl FromRequestParts<AppState> for Administrator {
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, MatrixError> {
        let auth = Authenticated::from_request_parts(parts, state).await?;
        crate::client::require_admin(state, &auth)?;
        if parts.method.is_safe() {
            let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
            let entry = entry(state, &auth, Action::AdministrationRead).with("path", path);
            state.store.write(move |tx| wardline_audit::append(tx, &entry)).await?;
        }
        Ok(Self(auth))
    }
}

/// The beginning of an audit entry of an administrator's act.
fn entry(state: &AppState, by: &Authenticated, action: Action) -> Entry {
    Entry::new(state.clock.now(), by.user_id.as_str(), action).device(by.device_id.as_str())
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Part {
    /// How many entries to leave out; `next` of the page before.
    #[serde(default)]
    from: u64,
    /// The most entries, 100 if not said, never more than 500.
    limit: Option<u64>,
}

impl Part {
    fn limit(&self) -> u64 {
        self.limit.unwrap_or(100).clamp(1, 500)
    }

    /// The `from` of the next page, if there is one.
    fn next(&self, shown: usize, total: u64) -> Option<u64> {
        let end = self.from.saturating_add(shown as u64);
        (shown > 0 && end < total).then_some(end)
    }
}

/// Nothing more to say.
#[derive(Debug, Serialize, ToSchema)]
struct Done {}

const DONE: Json<Done> = Json(Done {});
