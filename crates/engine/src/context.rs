//! What every part of the engine is built with.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use wardline_domain::room_version::RoomVersion;
use wardline_domain::ruma::{OwnedServerName, UserId};
use wardline_domain::signing::Signer;
use wardline_domain::{Clock, Random, Timestamp};
use wardline_store::Store;

use crate::app_services::AppServices;
use crate::events::EventCache;
use crate::keys::IdentityAuthority;
use crate::media::MediaConfig;
use crate::push_rules::RuleBook;
use crate::retention::RetentionConfig;
use crate::unread::Unread;

/// The settings of the engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Room executors; each owns the rooms whose ids hash to it.
    pub shards: usize,
    /// Rooms that one executor keeps in memory.
    pub heads_per_shard: usize,
    /// Bytes of events kept in memory.
    pub event_cache_bytes: u64,
    /// Whether every new room is encrypted, whoever makes it. Rooms that the product makes always are.
    pub force_encryption: bool,
    /// Who signs the identities of staff in the organisation's name, if anybody.
    pub authority: Option<Arc<dyn IdentityAuthority>>,
    /// Where media is kept, and how much of it.
    pub media: MediaConfig,
    /// The version of a new room for which the client asks for none.
    pub default_room_version: RoomVersion,
    /// Whether users see who of those they share a room with is there.
    pub presence: bool,
    /// Whether messages in threads notify those who follow the thread, and nobody else (MSC4306).
    pub thread_subscriptions: bool,
    /// When old messages are erased; `None`: never.
    pub retention: Option<RetentionConfig>,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            shards: 4,
            heads_per_shard: 2048,
            event_cache_bytes: 24 << 20,
            force_encryption: false,
            authority: None,
            media: MediaConfig::default(),
            default_room_version: RoomVersion::DEFAULT,
            presence: false,
            thread_subscriptions: false,
            retention: None,
        }
    }
}

/// Shared by all parts, behind one `Arc`.
#[derive(Debug)]
pub struct Context {
    /// The store.
    pub store: Store,
    /// The injected time.
    pub clock: Arc<dyn Clock>,
    /// The injected randomness.
    pub random: Arc<dyn Random>,
    /// The right-hand side of local ids.
    pub server_name: OwnedServerName,
    /// The key that signs events.
    pub signer: Signer,
    /// The settings.
    pub config: EngineConfig,
    /// Events in memory.
    pub events: EventCache,
    /// Compiled push rules in memory.
    pub rule_book: RuleBook,
    /// Bridges and bots.
    pub app_services: Arc<AppServices>,
    /// Counts of unread events in memory.
    pub unread: Unread,
    /// Cancelled when the server stops: whoever waits for news is answered at once.
    pub stop: CancellationToken,
}

impl Context {
    /// A context over `store`; the server's name is that of `signer`.
    #[must_use]
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        signer: Signer,
        config: EngineConfig,
    ) -> Self {
        let server_name = signer.server_name().clone();
        let events = EventCache::new(config.event_cache_bytes);
        let rule_book = RuleBook::new(config.thread_subscriptions);
        Self {
            store,
            clock,
            random,
            server_name,
            signer,
            config,
            events,
            rule_book,
            app_services: Arc::default(),
            unread: Unread::default(),
            stop: CancellationToken::new(),
        }
    }

    /// With these application services.
    #[must_use]
    pub fn with_app_services(mut self, app_services: AppServices) -> Self {
        self.app_services = Arc::new(app_services);
        self
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether a user belongs to this server.
    #[must_use]
    pub fn is_local(&self, user: &UserId) -> bool {
        user.server_name() == self.server_name
    }
}
