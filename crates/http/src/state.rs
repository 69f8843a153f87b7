//! What every handler can reach.

use std::sync::Arc;

use serde::Serialize;
use wardline_clinical::Clinical;
use wardline_domain::{Clock, Random, ruma::OwnedServerName};
use wardline_engine::Engine;
use wardline_identity::Identity;
use wardline_store::Store;

use crate::admission::Places;
use crate::client::AppPolicy;
use crate::limits::{Bucket, RateLimiter};

/// The state shared by all routes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState {
    /// Rooms, keys, messages between devices, media.
    pub engine: Arc<Engine>,
    /// Accounts, sessions and tokens.
    pub identity: Arc<Identity>,
    /// Directory, on-call roles, patients and requests.
    pub clinical: Arc<Clinical>,
    /// The database, for the few handlers that need nothing but a look-up.
    pub store: Store,
    /// The injected time.
    pub clock: Arc<dyn Clock>,
    /// The injected randomness.
    pub random: Arc<dyn Random>,
    /// What the configuration says about HTTP.
    pub config: Arc<HttpConfig>,
    /// The buckets of the rate limits.
    pub limiter: Arc<RateLimiter>,
}

/// The settings of the HTTP floor.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// The right-hand side of this server's user ids.
    pub server_name: OwnedServerName,
    /// The address under which clients reach the server, without a trailing slash, for example
    /// `https://chat.riverside.example`.
    pub public_base_url: String,
    /// The public key with which clients subscribe to Web Push (URL-safe base64); `None`: there is no Web Push.
    pub vapid_public_key: Option<String>,
    /// The largest upload to the media repository, in bytes.
    pub max_upload_bytes: u64,
    /// The largest JSON body of an ordinary endpoint, in bytes. An event's own limit of 64 KiB is the engine's.
    pub max_json_bytes: usize,
    /// What the organisation allows and asks of the web app.
    pub app: AppPolicy,
    /// Whether anybody may register with `m.login.dummy`. False in every real deployment.
    pub registration_open: bool,
    /// The secret of shared-secret registration (`/_synapse/admin/v1/register`); `None` switches it off.
    pub registration_shared_secret: Option<String>,
    /// Whether a reverse proxy sets `X-Forwarded-For`, so that rate limits see the true address.
    pub trust_forwarded_for: bool,
    /// The bearer token of `GET /metrics`; `None`: there are no metrics.
    pub metrics_token: Option<String>,
    /// The page that tells a user what to do when their share of media is used up; `None`: the public address.
    pub media_quota_url: Option<String>,
    /// Whether people may register with a token that an administrator gave out.
    pub registration_tokens: bool,
    /// Whether guests may register.
    pub guests: bool,
    /// Whom a search for people finds.
    pub user_directory: UserDirectory,
    /// Who may list a room in the directory.
    pub publishers: Publishers,
    /// Whom to turn to; `None`: nothing is configured.
    pub support: Option<SupportConfig>,
    /// Whether profiles, aliases, the room directory and summaries of rooms are shown to signed-in users only. The
    /// specification shows them to everybody.
    pub directory_asks_for_token: bool,
    /// Addresses of LiveKit services (MSC4195) that clients use for calls.
    pub livekit_urls: Vec<String>,
    /// The TURN server that clients use for calls; `None`: there is none.
    pub turn: Option<TurnConfig>,
    /// How many requests are worked on at once.
    pub places: Places,
    /// Sign-in attempts that fail, per address and account.
    pub login_limit: Bucket,
    /// Sign-in attempts that fail, per address over all accounts. Generous: a hospital shares one address.
    pub login_address_limit: Bucket,
    /// Registrations per address.
    pub register_limit: Bucket,
    /// Requests that change something, per device. A person has four times as much over all devices, an address forty
    /// times as much over all people.
    pub write_limit: Bucket,
    /// Requests to the FHIR API, reading ones too, per device; a person and an address as with `write_limit`.
    pub fhir_limit: Bucket,
    /// Requests without credentials, per address; `/_matrix/client/versions` is not counted. Generous: a hospital shares
    /// one address.
    pub open_limit: Bucket,
}

/// Whom a search for people finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserDirectory {
    /// Those who share a room with the one who asks, or are in a public room.
    Shared,
    /// Every active account.
    Everybody,
    /// Nobody: there is no search.
    Nobody,
}

/// Who may list a room in the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publishers {
    /// Whoever may set the main alias of the room.
    Members,
    /// Of those only administrators of the server.
    Administrators,
    /// Nobody.
    Nobody,
}

/// What `/.well-known/matrix/support` says.
#[derive(Clone, Debug, Serialize)]
pub struct SupportConfig {
    /// A page with help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support_page: Option<String>,
    /// Whom to turn to.
    pub contacts: Vec<SupportContact>,
}

/// Somebody to turn to.
#[derive(Clone, Debug, Serialize)]
pub struct SupportContact {
    /// What for: `m.role.admin`, `m.role.security` or another name.
    pub role: String,
    /// An address for mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_address: Option<String>,
    /// A Matrix user id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matrix_id: Option<String>,
    /// Where the contact's public key is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pgp_key: Option<String>,
}

/// A TURN server that makes credentials from a shared secret.
#[derive(Clone, Debug)]
pub struct TurnConfig {
    /// Its addresses, such as `turn:turn.riverside.example?transport=udp`.
    pub uris: Vec<String>,
    /// The secret that it shares with this server.
    pub secret: String,
    /// How long credentials are good for, in seconds.
    pub lifetime_s: u32,
}

impl HttpConfig {
    /// The defaults for a server of this name at this public address: 50 MiB uploads, 1 MiB JSON bodies,
    /// registration closed; what changes something, the FHIR API and requests without credentials are not limited by how
    /// often they come.
    #[must_use]
    pub fn new(server_name: OwnedServerName, public_base_url: &str) -> Self {
        Self {
            server_name,
            public_base_url: public_base_url.trim_end_matches('/').to_owned(),
            max_upload_bytes: 50 << 20,
            max_json_bytes: 1 << 20,
            app: AppPolicy::default(),
            registration_open: false,
            registration_shared_secret: None,
            trust_forwarded_for: false,
            metrics_token: None,
            media_quota_url: None,
            registration_tokens: false,
            guests: false,
            user_directory: UserDirectory::Shared,
            publishers: Publishers::Members,
            support: None,
            vapid_public_key: None,
            directory_asks_for_token: false,
            livekit_urls: Vec::new(),
            turn: None,
            places: Places::default(),
            login_limit: Bucket { burst: 5, per_minute: 6 },
            login_address_limit: Bucket { burst: 100, per_minute: 60 },
            register_limit: Bucket { burst: 20, per_minute: 20 },
            write_limit: Bucket { burst: 0, per_minute: 0 },
            fhir_limit: Bucket { burst: 0, per_minute: 0 },
            open_limit: Bucket { burst: 0, per_minute: 0 },
        }
    }
}
