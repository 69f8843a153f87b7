//! The Matrix Client-Server API. One file per endpoint family, named as the specification names it.

mod account;
mod capabilities;
mod devices;
mod login;
mod logout;
mod profile;
mod register;
mod versions;
mod well_known;

use axum::Router;

use crate::AppState;

/// All routes under `/_matrix/client`, `/_matrix/media`, `/.well-known/matrix` and `/_synapse/admin`.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .merge(account::routes())
        .merge(capabilities::routes())
        .merge(devices::routes())
        .merge(login::routes())
        .merge(logout::routes())
        .merge(profile::routes())
        .merge(register::routes())
        .merge(versions::routes())
        .merge(well_known::routes())
}
