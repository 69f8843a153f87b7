//! Matrix: room executors, hub and sync, devices and keys, media.
//!
//! - [`Context`]: what every part is built with: store, clock, randomness, the server's name and signing key,
//!   the cache of events.
//! - [`Engine`]: the parts. Each is a plain struct with its own `new`; none holds another in a cycle.
//! - [`events`]: events as readers see them, made once and shared.
//! - [`rooms`]: everything that changes or reads a room.
//! - [`app_services`]: bridges and bots, who is told of what.
//! - [`hub`], [`sync`]: who has news, and the long poll that tells it; [`typing`], [`receipts`], [`account_data`],
//!   [`filters`], [`push_rules`], [`unread`]: what it tells besides events.
//!
//! # Invariants
//! - A room has one writer at a time: its executor. What it answers is durable.
//! - No lock is held across I/O, and no work in a send is proportional to a room's state, members or history.
//! - Content of events is data: nothing here logs it.

pub mod account_data;
pub mod app_services;
pub mod backup;
mod context;
pub mod delayed;
mod error;
pub mod events;
pub mod filters;
pub mod hub;
pub mod keys;
pub mod media;
pub mod presence;
pub mod purge;
pub mod push;
pub mod push_rules;
pub mod receipts;
pub mod retention;
pub mod rooms;
pub mod sync;
mod thumbnails;
pub mod to_device;
pub mod typing;
pub mod unread;
pub mod upkeep;
pub mod user_directory;

use std::sync::Arc;

pub use context::{Context, EngineConfig};
pub use error::EngineError;

/// A task of the engine: it runs for as long as the engine is there.
pub type Task = futures_util::future::BoxFuture<'static, ()>;

/// All parts of the engine.
#[derive(Debug)]
pub struct Engine {
    /// What the parts share.
    pub context: Arc<Context>,
    /// Ends the telling of application services.
    _telling: tokio_util::sync::DropGuard,
    /// Rooms: their executors and everything read from them.
    pub rooms: Arc<rooms::Rooms>,
    /// Events that are sent later.
    pub delayed: Arc<delayed::Delayed>,
    /// Public keys of devices and users.
    pub keys: keys::Keys,
    /// Messages from device to device.
    pub to_device: to_device::ToDevice,
    /// The backup of room keys.
    pub backup: backup::Backup,
    /// The content repository.
    pub media: media::Media,
    /// What removes rooms' histories for good.
    pub purges: purge::Purges,
    /// What tidies up.
    pub upkeep: upkeep::Upkeep,
    /// Receipts and read markers.
    pub receipts: receipts::Receipts,
    /// Who is typing.
    pub typing: Arc<typing::Typing>,
    /// Who is there.
    pub presence: Arc<presence::Presence>,
    /// Account data and tags.
    pub account_data: account_data::AccountData,
    /// Stored sync filters.
    pub filters: filters::Filters,
    /// Push rules.
    pub push_rules: push_rules::PushRules,
    /// Where users want to be told of events.
    pub pushers: Arc<push::Pushers>,
    /// Who has news.
    pub hub: Arc<hub::Hub>,
    /// The long poll of clients.
    pub sync: sync::Sync,
    /// The long poll of clients that look at a part of their rooms.
    pub sliding: sync::sliding::SlidingSync,
}

impl Engine {
    /// Builds the parts over `context` and starts their tasks. Must be called inside a tokio runtime, before anything
    /// else writes to the store.
    ///
    /// # Errors
    /// Any failure of the database: the hub is loaded from it. An object store that cannot be as configured.
    pub fn start(context: Arc<Context>) -> Result<Self, wardline_store::StoreError> {
        let (engine, tasks) = Self::prepare(context)?;
        for task in tasks {
            tokio::spawn(task);
        }
        Ok(engine)
    }

    /// Builds the parts over `context`, with their tasks for the caller to run: a simulation decides which of them goes
    /// on when.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn prepare(context: Arc<Context>) -> Result<(Self, Vec<Task>), wardline_store::StoreError> {
        let hub = hub::Hub::start(&context.store)?;
        let typing = Arc::new(typing::Typing::new(Arc::clone(&hub), Arc::clone(&context.clock)));
        let (rooms, mut tasks) = rooms::Rooms::prepare(Arc::clone(&context));
        let rooms = Arc::new(rooms);
        let presence =
            presence::Presence::new(Arc::clone(&hub), Arc::clone(&context.clock), context.config.presence);
        let presence = Arc::new(presence);
        if presence.is_on() {
            context.store.subscribe(Arc::clone(&presence) as Arc<dyn wardline_store::StreamSink>);
            tasks.push(Box::pin(Arc::clone(&presence).run()));
        }
        if context.config.retention.is_some() {
            tasks.push(Box::pin(retention::Retention::new(Arc::clone(&context)).run()));
        }
        let delayed = Arc::new(delayed::Delayed::new(Arc::clone(&context), &rooms));
        tasks.push(Box::pin(Arc::clone(&typing).run()));
        tasks.push(Box::pin(Arc::clone(&delayed).run()));
        tasks.push(Box::pin(unread::keep_long_counts(Arc::clone(&context))));
        tasks.push(Box::pin(Arc::clone(&rooms).finish_upgrades()));
        let media = media::Media::new(Arc::clone(&context))?;
        let purges = purge::Purges::new(Arc::clone(&context), media.clone(), Arc::clone(&rooms));
        tasks.push(Box::pin(purges.clone().resume()));
        let upkeep = upkeep::Upkeep::new(Arc::clone(&context), media.blobs());
        let telling = context.app_services.start(&context, &typing);
        let engine = Self {
            _telling: telling,
            rooms,
            delayed,
            keys: keys::Keys::new(
                context.store.clone(),
                Arc::clone(&context.clock),
                context.server_name.clone(),
            )
            .with_authority(context.config.authority.clone()),
            to_device: to_device::ToDevice::new(context.store.clone(), Arc::clone(&context.clock)),
            backup: backup::Backup::new(context.store.clone()),
            media,
            purges,
            upkeep,
            receipts: receipts::Receipts::new(Arc::clone(&context)),
            account_data: account_data::AccountData::new(Arc::clone(&context)),
            filters: filters::Filters::new(Arc::clone(&context)),
            push_rules: push_rules::PushRules::new(Arc::clone(&context)),
            pushers: Arc::new(push::Pushers::new(Arc::clone(&context))),
            sliding: sync::sliding::SlidingSync::new(
                Arc::clone(&context),
                Arc::clone(&hub),
                Arc::clone(&typing),
            ),
            sync: sync::Sync::new(
                Arc::clone(&context),
                Arc::clone(&hub),
                Arc::clone(&typing),
                Arc::clone(&presence),
            ),
            presence,
            hub,
            typing,
            context,
        };
        Ok((engine, tasks))
    }
}
