//! The configuration file (TOML) and its defaults. Every key is documented in `docs/configuration.md`.
//!
//! One file per table. A table that names files has `resolve`, which makes their paths count from the folder of the
//! configuration; one whose values can be wrong has `check`.

mod accounts;
mod app;
mod application_services;
mod calls;
mod clinical;
mod directory;
mod gateway;
mod identity;
mod limits;
mod log;
mod media;
mod metrics;
mod outgoing;
mod presence;
mod privacy;
mod push;
mod registration;
mod retention;
mod rooms;
mod rtc;
mod store;
mod support;
mod tls;
mod trust_identity;
mod voip;

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;
use serde::Deserialize;
use wardline_domain::ruma::OwnedServerName;

pub use accounts::Accounts;
pub use app::App;
pub use application_services::ApplicationServices;
pub use calls::Calls;
pub use clinical::Clinical;
pub use directory::{Directory, PublishersConfig, UsersConfig};
pub use gateway::Gateway;
pub use identity::{IdentitySection, Provider};
pub use limits::LimitsConfig;
pub use log::Log;
pub use media::{MediaSection, MediaStore, S3Section};
pub use metrics::Metrics;
pub use outgoing::OutgoingSection;
pub use presence::PresenceConfig;
pub use privacy::Privacy;
pub use push::PushSection;
pub use registration::Registration;
pub use retention::Retention;
pub use rooms::RoomsSection;
pub use rtc::Rtc;
pub use store::{DurabilityConfig, StoreSection};
pub use support::{Contact, Support};
pub use tls::TlsSection;
pub use trust_identity::TrustIdentity;
pub use voip::Voip;

/// Why a configuration cannot be used. The text names the file and the key.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file, or one that it names, cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is not TOML, a key is unknown or of the wrong type; the text has line and key.
    #[error("{}: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A key has a value that cannot be.
    #[error("{key}: {reason}")]
    Value {
        /// The key, with its table.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// A whole configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The right-hand side of every user id of this server. It can never be changed later.
    pub server_name: OwnedServerName,
    /// Where everything that must survive is kept: `wardline.db`, `media/`, `keys/`, `gateway/`.
    pub data: PathBuf,
    /// Address and port to listen on.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// Further addresses and ports to listen on.
    #[serde(default)]
    pub also_listen: Vec<SocketAddr>,
    /// The address under which clients reach the server. Default: `http://` and `listen`.
    pub public_url: Option<String>,
    /// The time zone in which rotas are written. Default: `Europe/London`.
    #[serde(default = "default_zone")]
    pub time_zone: String,
    /// Whether a reverse proxy in front sets `X-Forwarded-For`.
    #[serde(default)]
    pub trust_forwarded_for: bool,
    /// Log output.
    #[serde(default)]
    pub log: Log,
    /// Limits of the listener and of what is sent.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// Who may register an account.
    #[serde(default)]
    pub registration: Registration,
    /// Rules for local accounts.
    #[serde(default)]
    pub accounts: Accounts,
    /// The database.
    #[serde(default)]
    pub store: StoreSection,
    /// The key service.
    #[serde(default)]
    pub gateway: Gateway,
    /// Uploaded files.
    #[serde(default)]
    pub media: MediaSection,
    /// Counts for a monitoring system.
    #[serde(default)]
    pub metrics: Metrics,
    /// The organisation's signature on the identities of its staff.
    #[serde(default)]
    pub trust_identity: TrustIdentity,
    /// Connections that the server opens.
    #[serde(default)]
    pub outgoing: OutgoingSection,
    /// Telling devices that are not connected.
    #[serde(default)]
    pub push: PushSection,
    /// Bridges and bots.
    #[serde(default)]
    pub application_services: ApplicationServices,
    /// HTTPS beside HTTP on every port.
    pub tls: Option<TlsSection>,
    /// New rooms.
    #[serde(default)]
    pub rooms: RoomsSection,
    /// Who is found, and which rooms are listed.
    #[serde(default)]
    pub directory: Directory,
    /// What the web app may and must do.
    #[serde(default)]
    pub app: App,
    /// Calls.
    #[serde(default)]
    pub voip: Voip,
    /// Whom to turn to.
    #[serde(default)]
    pub support: Support,
    /// What playbooks know of the calendar.
    #[serde(default)]
    pub clinical: Clinical,
    /// Who may call many people at once.
    #[serde(default)]
    pub calls: Calls,
    /// Identity providers of the organisation.
    #[serde(default)]
    pub identity: IdentitySection,
    /// Whether users see who is there.
    #[serde(default)]
    pub presence: PresenceConfig,
    /// What is shown to whom.
    #[serde(default)]
    pub privacy: Privacy,
    /// When old messages are erased.
    #[serde(default)]
    pub retention: Retention,
    /// By what clients make calls.
    #[serde(default)]
    pub rtc: Rtc,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8008))
}

fn default_zone() -> String {
    "Europe/London".to_owned()
}

impl ConfigError {
    /// `key` cannot be as it is, because of `reason`.
    pub(crate) fn value(key: &'static str, reason: impl ToString) -> Self {
        Self::Value { key, reason: reason.to_string() }
    }
}

impl Config {
    /// The defaults for a server of this name with this data folder.
    #[must_use]
    pub fn new(server_name: OwnedServerName, data: PathBuf) -> Self {
        Self {
            server_name,
            data,
            listen: default_listen(),
            public_url: None,
            time_zone: default_zone(),
            trust_forwarded_for: false,
            log: Log::default(),
            limits: LimitsConfig::default(),
            registration: Registration::default(),
            accounts: Accounts::default(),
            store: StoreSection::default(),
            gateway: Gateway::default(),
            media: MediaSection::default(),
            metrics: Metrics::default(),
            trust_identity: TrustIdentity::default(),
            also_listen: Vec::new(),
            outgoing: OutgoingSection::default(),
            push: PushSection::default(),
            application_services: ApplicationServices::default(),
            tls: None,
            rooms: RoomsSection::default(),
            directory: Directory::default(),
            app: App::default(),
            voip: Voip::default(),
            support: Support::default(),
            clinical: Clinical::default(),
            calls: Calls::default(),
            identity: IdentitySection::default(),
            presence: PresenceConfig::default(),
            privacy: Privacy::default(),
            retention: Retention::default(),
            rtc: Rtc::default(),
        }
    }

    /// Reads and checks the file at `path`. Relative paths in it count from its folder.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text =
            fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let mut config: Self = toml::from_str(&text)
            .map_err(|source| ConfigError::Parse { path: path.to_owned(), source: Box::new(source) })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        config.data = folder.join(&config.data);
        config.registration.resolve(folder);
        config.accounts.resolve(folder);
        config.gateway.resolve(folder);
        config.outgoing.resolve(folder);
        config.identity.resolve(folder);
        config.media.resolve(folder);
        config.metrics.resolve(folder);
        config.trust_identity.resolve(folder);
        config.voip.resolve(folder);
        config.application_services.resolve(folder);
        if let Some(tls) = &mut config.tls {
            tls.resolve(folder);
        }
        config.check()?;
        Ok(config)
    }

    /// Whether the values can be used together.
    ///
    /// # Errors
    /// [`ConfigError::Value`] with the first key that cannot be.
    pub fn check(&self) -> Result<(), ConfigError> {
        if let Some(url) = &self.public_url
            && !(url.starts_with("https://") || url.starts_with("http://"))
        {
            return Err(ConfigError::value("public_url", "must start with https:// or http://"));
        }
        self.time_zone()?;
        self.limits.check()?;
        self.retention.check()?;
        self.log.check()?;
        self.gateway.check()?;
        self.media.check()?;
        self.metrics.token()?;
        self.trust_identity.check()?;
        self.accounts.check()?;
        self.registration.check()?;
        self.outgoing.check()?;
        self.push.check()?;
        self.rooms.check()?;
        self.application_services.check()?;
        self.app.check()?;
        self.voip.check()?;
        self.support.check()?;
        self.identity.check()?;
        self.tls.as_ref().map_or(Ok(()), TlsSection::check)
    }

    /// The time zone in which rotas are written.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for a name that is none.
    pub fn time_zone(&self) -> Result<TimeZone, ConfigError> {
        TimeZone::get(&self.time_zone).map_err(|error| ConfigError::value("time_zone", error))
    }
}

/// Makes the path of an optional file count from `folder`.
fn under(folder: &Path, file: &mut Option<PathBuf>) {
    *file = file.as_ref().map(|file| folder.join(file));
}

/// The text of the file that `key` names, without the line end; it must not be empty.
fn secret_file(key: &'static str, path: &Path) -> Result<String, ConfigError> {
    let text =
        fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    match text.trim() {
        "" => Err(ConfigError::value(key, format!("{} is empty", path.display()))),
        text => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("wardline.toml");
        fs::write(&path, text).unwrap();
        Config::read(&path).map(|mut config| {
            config.data = config.data.strip_prefix(dir.path()).unwrap().to_owned();
            config
        })
    }

    #[test]
    fn the_shortest_file_gets_safe_defaults() {
        let config = parse("server_name = \"a.example\"\ndata = \"here\"\n").unwrap();
        assert_eq!(config.data, Path::new("here"));
        assert_eq!(config.listen, default_listen());
        assert!(!config.registration.open && config.store.durability == DurabilityConfig::Full);
    }

    #[test]
    fn errors_name_the_key() {
        let head = "server_name = \"a.example\"\ndata = \"here\"\n";
        for (rest, named) in [
            ("liste = 1", "liste"),
            ("listen = \"nowhere\"", "listen"),
            ("public_url = \"chat.example\"", "public_url"),
            ("time_zone = \"Europe/Atlantis\"", "time_zone"),
            ("[limits]\nconnections = 0", "limits.connections"),
            ("[limits]\nheader_bytes = 10", "limits.header_bytes"),
            ("[limits]\nheader_seconds = 0", "limits.header_seconds"),
            ("[log]\nlevel = \"info,=,\"", "log.level"),
            ("[store]\ndurability = \"none\"", "durability"),
            ("[media]\nstore = \"s3\"", "media.s3"),
            ("[media]\nquota_url = \"help\"", "media.quota_url"),
            (
                "[media]\nstore = \"s3\"\n[media.s3]\nendpoint = \"http://a\"\nbucket = \"b\"",
                "media.s3.endpoint",
            ),
            (
                "[media]\nstore = \"s3\"\n[media.s3]\nendpoint = \"https://a\"\nbucket = \"b\"\naccess_key_id_file = \"no\"",
                "no",
            ),
            ("[trust_identity]\nkey_file = \"k\"", "trust_identity.key_file"),
            ("[gateway]\nseal_key_file = \"k\"\nseal_key_env = \"K\"", "gateway.seal_key_env"),
            ("[metrics]\ntoken_file = \"nowhere\"", "nowhere"),
            ("[gateway]\npolicy = \"none\"", "policy"),
            ("[registration]\nshared_secret_file = \"missing\"", "missing"),
            ("[outgoing]\nca_certificates = [\"missing\"]", "missing"),
            ("[outgoing]\nallow = [\"here\"]", "outgoing.allow"),
            ("[outgoing]\ndeny = [\"10.0.0.0/99\"]", "outgoing.deny"),
            (
                "[[identity.providers]]\nid = \"a\"\nissuer = \"https://a\"\nclient_id = \"x\"",
                "client_secret_file",
            ),
            (
                "[[identity.providers]]\nid = \"a\"\nissuer = \"https://a\"\nclient_id = \"x\"\n\
                 client_secret_file = \"missing\"",
                "missing",
            ),
            ("[outgoing]\ntimeout_seconds = 0", "outgoing.timeout_seconds"),
            ("[push]\nparallel = 0", "push.parallel"),
            ("[push]\nrest_seconds = 0", "push.rest_seconds"),
            ("[push]\ncontact = \"me\"", "push.contact"),
            ("[rooms]\ndefault_version = \"5\"", "rooms.default_version"),
            ("[directory]\npublish = \"all\"", "publish"),
            ("[app]\nlock_idle_seconds = 0", "app.lock_idle_seconds"),
            ("[app]\nlock_attempts = 1", "app.lock_attempts"),
            ("[app]\nlock = \"perhaps\"", "lock"),
            ("[voip]\nturn_uris = [\"http://x\"]", "voip.turn_uris"),
            ("[voip]\nturn_uris = [\"turn:x\"]", "voip.turn_secret_file"),
            ("[application_services]\nfiles = [\"missing\"]", "missing"),
            ("[support]\npage = \"x\"", "support"),
            ("[[support.contacts]]\nrole = \"m.role.admin\"", "support.contacts"),
            ("[tls]\ncertificate = \"missing\"\nkey = \"x\"", "missing"),
            ("[limits]\nwrite_per_minute = 0", "limits.write_per_minute"),
        ] {
            let error = parse(&format!("{head}{rest}")).unwrap_err().to_string();
            assert!(error.contains(named), "{rest}: {error}");
        }
        assert!(parse("data = \"x\"").unwrap_err().to_string().contains("server_name"));
        assert!(
            parse("server_name = \"not a name\"\ndata = \"x\"")
                .unwrap_err()
                .to_string()
                .contains("server_name")
        );
    }
}
