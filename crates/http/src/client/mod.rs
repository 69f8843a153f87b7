//! The Matrix Client-Server API. One file per endpoint family, named as the specification names it.

mod account;
mod account_data;
mod aliases;
mod capabilities;
mod context;
mod create_room;
mod devices;
mod events;
mod filter;
mod joined_rooms;
mod key_backup;
mod keys;
mod login;
mod login_token;
mod logout;
mod media;
mod media_headers;
mod members;
mod membership;
mod messages;
mod notifications;
mod profile;
mod push_rules;
mod receipts;
mod redact;
mod register;
mod relations;
mod rooms;
mod send;
mod state;
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
        .merge(aliases::routes())
        .merge(capabilities::routes())
        .merge(context::routes())
        .merge(create_room::routes())
        .merge(devices::routes())
        .merge(events::routes())
        .merge(filter::routes())
        .merge(joined_rooms::routes())
        .merge(key_backup::routes())
        .merge(keys::routes())
        .merge(login::routes())
        .merge(login_token::routes())
        .merge(logout::routes())
        .merge(media::routes())
        .merge(members::routes())
        .merge(membership::routes())
        .merge(messages::routes())
        .merge(notifications::routes())
        .merge(profile::routes())
        .merge(push_rules::routes())
        .merge(receipts::routes())
        .merge(redact::routes())
        .merge(register::routes())
        .merge(relations::routes())
        .merge(send::routes())
        .merge(state::routes())
        .merge(sync::routes())
        .merge(tags::routes())
        .merge(to_device::routes())
        .merge(typing::routes())
        .merge(versions::routes())
        .merge(well_known::routes())
}
