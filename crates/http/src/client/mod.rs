//! The Matrix Client-Server API. One file per endpoint family, named as the specification names it.

mod account;
mod account_data;
mod account_holds;
mod aliases;
mod app;
mod app_service;
mod capabilities;
mod context;
mod create_room;
mod dehydrated_device;
mod delayed_events;
mod devices;
mod directory;
mod events;
mod filter;
mod guest;
mod invitations;
mod joined_rooms;
mod key_backup;
mod keys;
mod kinds;
mod login;
mod login_token;
mod logout;
mod media;
mod media_headers;
mod members;
mod membership;
mod messages;
mod mutual_rooms;
mod notifications;
mod openid;
mod playbooks;
mod presence;
mod profile;
mod push_rules;
mod pushers;
mod receipts;
mod redact;
mod register;
mod relations;
mod rendezvous;
mod report;
mod retention;
mod room_summary;
mod rooms;
mod rtc;
mod search;
mod send;
mod sessions;
mod spaces;
mod state;
mod sync;
mod tags;
mod thirdparty;
mod thread_subscriptions;
mod threads;
mod threepid;
mod to_device;
mod typing;
mod upgrade;
mod url_preview;
mod user_directory;
mod versions;
mod voip;
mod well_known;
mod whois;

use axum::Router;

pub use app::{AppLock, AppPolicy};

pub(crate) use account_holds::{check as check_holds, hold};
pub(crate) use guest::check as check_guest;
pub(crate) use kinds::check as check_kind;
pub(crate) use rooms::{known_user, require_admin};

use crate::AppState;

/// All routes under `/_matrix/client`, `/_matrix/media`, `/.well-known/matrix` and `/_synapse/admin`.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .merge(account::routes())
        .merge(account_data::routes())
        .merge(account_holds::routes())
        .merge(aliases::routes())
        .merge(app::routes())
        .merge(playbooks::routes())
        .merge(app_service::routes())
        .merge(capabilities::routes())
        .merge(context::routes())
        .merge(create_room::routes())
        .merge(dehydrated_device::routes())
        .merge(delayed_events::routes())
        .merge(devices::routes())
        .merge(directory::routes())
        .merge(events::routes())
        .merge(filter::routes())
        .merge(invitations::routes())
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
        .merge(mutual_rooms::routes())
        .merge(notifications::routes())
        .merge(openid::routes())
        .merge(presence::routes())
        .merge(profile::routes())
        .merge(push_rules::routes())
        .merge(pushers::routes())
        .merge(receipts::routes())
        .merge(redact::routes())
        .merge(register::routes())
        .merge(relations::routes())
        .merge(rendezvous::routes())
        .merge(report::routes())
        .merge(retention::routes())
        .merge(room_summary::routes())
        .merge(rtc::routes())
        .merge(search::routes())
        .merge(send::routes())
        .merge(sessions::routes())
        .merge(spaces::routes())
        .merge(state::routes())
        .merge(sync::routes())
        .merge(tags::routes())
        .merge(thirdparty::routes())
        .merge(thread_subscriptions::routes())
        .merge(threads::routes())
        .merge(threepid::routes())
        .merge(to_device::routes())
        .merge(typing::routes())
        .merge(upgrade::routes())
        .merge(url_preview::routes())
        .merge(user_directory::routes())
        .merge(versions::routes())
        .merge(voip::routes())
        .merge(well_known::routes())
        .merge(whois::routes())
}
