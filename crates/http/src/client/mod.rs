//! The Matrix Client-Server API. One file per endpoint family, named as the specification names it.

mod account;
mod capabilities;
mod devices;
mod key_backup;
mod keys;
mod login;
mod logout;
mod media;
mod media_headers;
mod profile;
mod register;
mod to_device;
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
        .merge(key_backup::routes())
        .merge(keys::routes())
        .merge(login::routes())
        .merge(logout::routes())
        .merge(media::routes())
        .merge(profile::routes())
        .merge(register::routes())
        .merge(to_device::routes())
        .merge(versions::routes())
        .merge(well_known::routes())
}
