//! The Matrix Client-Server API. One file per endpoint family, named as the specification names it.

mod account;
mod account_data;
mod capabilities;
mod devices;
mod filter;
mod key_backup;
mod keys;
mod login;
mod logout;
mod media;
mod media_headers;
mod notifications;
mod profile;
mod push_rules;
mod receipts;
mod register;
mod sync;
mod tags;
mod to_device;
mod typing;
mod versions;
mod well_known;

use axum::Router;

use crate::AppState;

/// All routes under `/_matrix/client`, `/_matrix/media`, `/.well-known/matrix` and `/_synapse/admin`.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .merge(account::routes())
        .merge(account_data::routes())
        .merge(capabilities::routes())
        .merge(devices::routes())
        .merge(filter::routes())
        .merge(key_backup::routes())
        .merge(keys::routes())
        .merge(login::routes())
        .merge(logout::routes())
        .merge(media::routes())
        .merge(notifications::routes())
        .merge(profile::routes())
        .merge(push_rules::routes())
        .merge(receipts::routes())
        .merge(register::routes())
        .merge(sync::routes())
        .merge(tags::routes())
        .merge(to_device::routes())
        .merge(typing::routes())
        .merge(versions::routes())
        .merge(well_known::routes())
}
