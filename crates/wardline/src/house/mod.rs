//! A whole server in one process: the one place that joins the floors.
//!
//! **Architecture invariant:** engine, identity and clinical do not know one another. What one needs of another
//! is a port (a small trait); all answers to ports are here.

mod conversations;
mod edge;
mod folder;
mod reading;
mod silence;
mod staff;
mod upkeep;
mod vouching;

use std::{net::SocketAddr, sync::Arc};

use axum::Router;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wardline_clinical::{Clinical, ClinicalParts, ColumnCipher};
use wardline_domain::{Clock, Random, ruma::OwnedUserId};
use wardline_engine::push::{self, Delivering, PushConfig, Vapid};
use wardline_engine::{Context, Engine, EngineConfig, app_services::AppServices};
use wardline_gateway::{
    keys::{self, KeyService},
    trust::{self, Authority},
};
use wardline_http::{AppState, Bucket, HttpConfig, RateLimiter};
use wardline_identity::{Identity, IdentityError, upstream::Upstream};
use wardline_outgoing::Outgoing;
use wardline_store::{Store, StoreConfig, StoreError, registration_tokens};

use crate::{Config, ConfigError, Error};

use conversations::ClerkRooms;
use edge::Edge;
use folder::Folder;
pub(crate) use folder::{DATABASE, make_folder};
pub(crate) use reading::reading;
use staff::StaffBook;
use upkeep::MemberEvents;
use vouching::{Vouching, prepare, trust_identity};

/// The local part of the clerk, the server's visible account in the rooms that it makes.
const CLERK: &str = "clerk";

/// An open server. It answers as soon as somebody serves its [`House::router`], and does its work in the
/// background once it is told to [`House::start`].
pub struct House {
    store: Store,
    state: AppState,
    keys: KeyService,
    /// The organisation's own identity, if it signs those of its staff.
    authority: Option<Arc<Authority>>,
    outgoing: Outgoing,
    /// Clocks and outbox of requests, once started.
    background: Option<JoinHandle<()>>,
    /// What delivery to pushers starts with.
    push: Option<(PushConfig, Vapid)>,
    /// Delivery to pushers, once started.
    delivering: Option<Delivering>,
    /// Held for as long as the house is open.
    folder: Folder,
}

impl std::fmt::Debug for House {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("House").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl House {
    /// Opens (or creates) the data folder of `config`. `address` is where the server will answer.
    ///
    /// # Errors
    /// [`Error`], also when another process holds the folder.
    pub async fn open(
        config: &Config,
        address: SocketAddr,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, Error> {
        let outgoing = config.outgoing.client()?;
        let folder = Folder::open(&config.data)?;
        let store = Store::open(&StoreConfig {
            durability: config.store.durability.into(),
            ..StoreConfig::at(folder.database())
        })?;
        let url = format!("http://{}", reachable(address));
        let sealing_key = folder.sealing_key(&config.gateway, random.as_ref())?;
        let keys =
            KeyService::open(&folder.gateway(), sealing_key, &url, Arc::clone(&clock), Arc::clone(&random))?
                .with_policy(config.gateway.policy.into());
        let authority = trust_identity(config, &folder, &clock);
        let services = AppServices::new(
            config.application_services.registrations()?,
            &config.server_name,
            outgoing.clone(),
        )
        .map_err(|error| ConfigError::value("application_services.files", error))?;
        let contact = config.push.contact.clone().unwrap_or_else(|| push_contact(config));
        let vapid = folder.vapid(contact, random.as_ref())?;
        let signer = folder.signer(&config.server_name, random.as_ref())?;
        let context = Context::new(
            store.clone(),
            Arc::clone(&clock),
            Arc::clone(&random),
            signer,
            EngineConfig {
                authority: authority.clone().map(|authority| Arc::new(Vouching(authority)) as _),
                media: config.media.engine()?,
                default_room_version: config.rooms.version()?,
                force_encryption: config.rooms.force_encryption,
                presence: config.presence.enabled,
                thread_subscriptions: config.push.thread_subscriptions,
                retention: config.retention.engine(),
                ..EngineConfig::default()
            },
        )
        .with_app_services(services);
        let engine = Arc::new(Engine::start(Arc::new(context))?);
        store.write(registration_tokens::settle_interrupted).await?;
        let cipher = ColumnCipher::new(&*folder.column_key(random.as_ref())?, Arc::clone(&random));
        let identity =
            Identity::new(store.clone(), Arc::clone(&clock), Arc::clone(&random), config.server_name.clone())
                .with_profile_listener(Arc::new(MemberEvents(Arc::clone(&engine))))
                .with_policy(config.accounts.policy(config.registration.open))
                .with_cipher(cipher.clone())
                .with_public_url(config.public_url.as_deref().unwrap_or(&url))
                .with_outgoing(outgoing.clone())
                .with_directory(Arc::new(StaffBook));
        let identity = with_providers(identity, config, &outgoing, &url, &clock)?;
        let clerk = clerk(&identity).await?;
        for service in engine.context.app_services.all() {
            match identity.create_service_account(service.sender.localpart(), service.id()).await {
                Ok(_) | Err(IdentityError::UserInUse) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let quiet = silence::Duty { cipher: cipher.clone(), zone: config.time_zone()? };
        let clinical = Arc::new(Clinical::new(ClinicalParts {
            cipher,
            store: store.clone(),
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
            server_name: config.server_name.clone(),
            zone: config.time_zone()?,
            holidays: config.clinical.holidays(),
            budget: config.clinical.budget(),
            unreachable_after: config.clinical.unreachable_after(),
            digest_times: config.clinical.digest_times.clone(),
            call_managers: config.calls.managers(),
            outgoing: Some(outgoing.clone()),
            signer: Arc::new(folder.signer(&config.server_name, random.as_ref())?),
            playbooks: wardline_clinical::KnownPlaybooks::default(),
            conversations: Arc::new(ClerkRooms { engine: Arc::clone(&engine), clerk }),
        }));
        let http = HttpConfig {
            vapid_public_key: Some(vapid.public_key().to_owned()),
            ..http_config(config, &url)?
        };
        let push = PushConfig {
            silence: Some(Arc::new(quiet)),
            ..config.push.engine(config.public_url.as_deref().unwrap_or(&url))
        };
        let state = AppState {
            engine,
            identity: Arc::new(identity),
            clinical,
            limiter: Arc::new(RateLimiter::new(Arc::clone(&clock))),
            config: Arc::new(http),
            store: store.clone(),
            clock,
            random,
        };
        let push = Some((push, vapid));
        Ok(Self { store, state, keys, authority, outgoing, push, delivering: None, background: None, folder })
    }

    /// Starts the clocks of requests and the work in rooms that follows from decisions. Until then nothing
    /// happens by itself.
    pub fn start(&mut self) {
        let identity = Arc::clone(&self.state.identity);
        let (clinical, upkeep) = (Arc::clone(&self.state.clinical), self.state.engine.upkeep.clone());
        self.background = Some(tokio::spawn(async move {
            tokio::join!(clinical.run(), upkeep.run(), identity.watch_providers());
        }));
        if let Some((config, vapid)) = self.push.take() {
            let outgoing = self.outgoing.clone();
            self.delivering = Some(push::deliver(&self.state.engine, outgoing, Some(vapid), config));
        }
        let (engine, authority) = (Arc::clone(&self.state.engine), self.authority.clone());
        tokio::spawn(async move {
            if let Some(authority) = authority {
                prepare(authority).await;
            }
            if let Err(error) = engine.keys.vouch_for_all().await {
                tracing::error!(error = &error as &dyn std::error::Error, "identities without a signature");
            }
        });
    }

    /// Accounts and sessions.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.state.identity
    }

    /// Directory, patients and requests.
    #[must_use]
    pub fn clinical(&self) -> &Clinical {
        &self.state.clinical
    }

    /// The one client for connections to others.
    #[must_use]
    pub fn outgoing(&self) -> &Outgoing {
        &self.outgoing
    }

    /// Everything that this server answers: the APIs, and the web app on every other path. When `stop` is
    /// cancelled, whoever waits for news is answered at once. Must be called inside a tokio runtime.
    pub fn router(&self, stop: CancellationToken) -> Router {
        let release = self.state.engine.context.stop.clone();
        tokio::spawn(async move {
            stop.cancelled().await;
            release.cancel();
        });
        wardline_http::router(self.state.clone())
            .merge(keys::router(self.keys.clone()))
            .merge(self.authority.clone().map_or_else(Router::new, trust::router))
            .layer(Edge { clock: Arc::clone(&self.state.clock) })
    }

    /// Resolves when the disk under the store has failed: the process must end.
    pub async fn store_failed(&self) -> StoreError {
        self.store.failed().await
    }

    /// Ends background work and closes the database.
    pub async fn close(self) {
        drop(self.delivering);
        if let Some(background) = self.background {
            // It ends at its next await; what it has begun in the store is finished there.
            background.abort();
            drop(background.await);
        }
        self.state.engine.context.stop.cancel();
        // Before the folder is given up: the next process finds a database that nobody writes to.
        self.store.close().await;
    }
}

/// The identity floor with the organisation's identity providers.
fn with_providers(
    identity: Identity,
    config: &Config,
    outgoing: &Outgoing,
    url: &str,
    clock: &Arc<dyn Clock>,
) -> Result<Identity, Error> {
    let public = config.public_url.as_deref().unwrap_or(url);
    let providers = config.identity.configs()?.into_iter();
    Ok(providers.fold(identity, |identity, provider| {
        identity.with_provider(Upstream::new(provider, outgoing.clone(), Arc::clone(clock), public))
    }))
}

/// The clerk's account, made at the first start: nobody can sign in to it.
async fn clerk(identity: &Identity) -> Result<OwnedUserId, Error> {
    match identity.create_account(CLERK, None, false).await {
        Ok(_) | Err(IdentityError::UserInUse) => {}
        Err(error) => return Err(error.into()),
    }
    identity.local_user(CLERK).ok_or_else(|| Error::Check("the clerk cannot have an account".to_owned()))
}

/// Where this process itself reaches `address`: an unspecified address is answered on loopback too.
fn reachable(address: SocketAddr) -> SocketAddr {
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            std::net::Ipv4Addr::LOCALHOST.into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}

/// Whom a push service may write to.
fn push_contact(config: &Config) -> String {
    match config.public_url.as_ref().filter(|url| url.starts_with("https://")) {
        Some(url) => url.clone(),
        None => format!("mailto:postmaster@{}", config.server_name.host()),
    }
}

fn http_config(config: &Config, url: &str) -> Result<HttpConfig, Error> {
    let defaults = HttpConfig::new(config.server_name.clone(), config.public_url.as_deref().unwrap_or(url));
    let limits = &config.limits;
    let bucket = |bucket: Bucket| if limits.rates { bucket } else { Bucket { burst: 0, ..bucket } };
    Ok(HttpConfig {
        max_upload_bytes: config.limits.upload_bytes,
        registration_open: config.registration.open,
        registration_shared_secret: config.registration.shared_secret()?,
        trust_forwarded_for: config.trust_forwarded_for,
        places: config.limits.places(),
        registration_tokens: config.registration.tokens,
        guests: config.registration.guests,
        user_directory: config.directory.users.into(),
        publishers: config.directory.publish.into(),
        support: config.support.told(),
        app: config.app.policy(),
        turn: config.voip.turn()?,
        login_limit: bucket(Bucket { burst: limits.login_burst, ..defaults.login_limit }),
        login_address_limit: bucket(defaults.login_address_limit),
        register_limit: bucket(defaults.register_limit),
        write_limit: bucket(Bucket { burst: limits.write_burst, per_minute: limits.write_per_minute }),
        fhir_limit: bucket(Bucket { burst: limits.fhir_burst, per_minute: limits.fhir_per_minute }),
        open_limit: bucket(Bucket { burst: limits.open_burst, per_minute: limits.open_per_minute }),
        metrics_token: config.metrics.token()?,
        media_quota_url: config.media.quota_url.clone(),
        directory_asks_for_token: config.privacy.directory_asks_for_token,
        livekit_urls: config.rtc.livekit_urls.clone(),
        ..defaults
    })
}
