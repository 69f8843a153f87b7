//! Registered clients.
//!
//! Specification: Client-Server API, "Client registration"; RFC 7591.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::{Origin, Url};
use wardline_audit::{Action, Entry};
use wardline_store::{
    StoreError,
    oauth::clients::{self, ClientRow},
};

use super::{
    ErrorCode, OAuthError,
    redirect::{self, Kind},
};
use crate::{Identity, token};

/// Clients that nobody used for this long, and that hold no session, are forgotten.
const UNUSED_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// When there are too many, those that nobody used for this long go too: no sign-in takes longer.
const UNUSED_AT_MOST_MS: i64 = 60 * 60 * 1000;
/// Registrations at one time; only somebody who wants to fill the disk gets there.
const MAX_CLIENTS: u64 = 20_000;
const MAX_REDIRECT_URIS: usize = 16;

/// The authorisation code grant.
pub(super) const CODE: &str = "authorization_code";
/// The refresh token grant.
pub(super) const REFRESH: &str = "refresh_token";
/// The device authorisation grant.
pub(super) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What a client says of itself. Members that this server does not use, localised ones included, are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientMetadata {
    /// Its own page, of which all other addresses are below.
    pub client_uri: String,
    /// Its name, as it claims: always shown beside the host of `client_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// Its picture. Registered and returned, never loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// Its terms of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// Its privacy policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Where answers may be sent.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// `code`, if it uses the authorisation code grant.
    #[serde(default = "default_responses")]
    pub response_types: Vec<String>,
    /// The grants it uses.
    #[serde(default = "default_grants")]
    pub grant_types: Vec<String>,
    /// `none`, `client_secret_basic` or `client_secret_post`. A client that does not say is a public one.
    #[serde(default = "default_auth")]
    pub token_endpoint_auth_method: String,
    /// `web` or `native`.
    #[serde(default = "default_kind")]
    pub application_type: String,
}

fn default_responses() -> Vec<String> {
    vec!["code".to_owned()]
}

fn default_grants() -> Vec<String> {
    vec![CODE.to_owned(), REFRESH.to_owned()]
}

fn default_auth() -> String {
    "none".to_owned()
}

fn default_kind() -> String {
    "web".to_owned()
}

/// A registered client.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// What it says of itself.
    pub metadata: ClientMetadata,
    pub(super) secret_hash: Option<[u8; 32]>,
}

impl Client {
    /// The name for people: what it claims, or else its host.
    #[must_use]
    pub fn name(&self) -> String {
        self.metadata.client_name.clone().unwrap_or_else(|| self.host())
    }

    /// The host of its own page. An application whose answers go to a web address has shown that it is there.
    #[must_use]
    pub fn host(&self) -> String {
        let url = Url::parse(&self.metadata.client_uri).ok();
        url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }

    pub(super) fn kind(&self) -> Kind {
        if self.metadata.application_type == "native" { Kind::Native } else { Kind::Web }
    }

    pub(super) fn may(&self, grant: &str) -> Result<(), OAuthError> {
        if self.metadata.grant_types.iter().any(|g| g == grant) {
            return Ok(());
        }
        let text = format!("the client has not registered for the grant type {grant}");
        Err(OAuthError::new(ErrorCode::UnauthorizedClient, text))
    }

    fn of(row: ClientRow) -> Result<Self, OAuthError> {
        let metadata = serde_json::from_str(&row.metadata)
            .map_err(|error| StoreError::Malformed(format!("metadata of a client: {error}")))?;
        Ok(Self { id: row.id, metadata, secret_hash: row.secret_hash })
    }
}

impl ClientMetadata {
    /// Checks the metadata and leaves only what this server understands.
    fn accept(mut self, own: Option<&Origin>) -> Result<Self, OAuthError> {
        let bad = |field: &str, why: &str| {
            OAuthError::new(ErrorCode::InvalidClientMetadata, format!("{field}: {why}"))
        };
        let page = redirect::client_uri(&self.client_uri, own).map_err(|why| bad("client_uri", why))?;
        if let Some(name) = &mut self.client_name {
            *name = name.trim().to_owned();
            if name.is_empty() || name.chars().count() > 100 || name.chars().any(unprintable) {
                return Err(bad("client_name", "must be 1 to 100 printable characters"));
            }
        }
        let pages =
            [("logo_uri", &self.logo_uri), ("tos_uri", &self.tos_uri), ("policy_uri", &self.policy_uri)];
        for (field, uri) in pages {
            if let Some(uri) = uri {
                redirect::page_of(&page, uri, own).map_err(|why| bad(field, why))?;
            }
        }
        if !["none", "client_secret_basic", "client_secret_post"].contains(&&*self.token_endpoint_auth_method)
        {
            return Err(bad(
                "token_endpoint_auth_method",
                "must be none, client_secret_basic or client_secret_post",
            ));
        }
        let kind = match &*self.application_type {
            "web" => Kind::Web,
            "native" => Kind::Native,
            _ => return Err(bad("application_type", "must be web or native")),
        };
        self.response_types.retain(|t| t == "code");
        self.response_types.dedup();
        self.grant_types.retain(|g| [CODE, REFRESH, DEVICE_CODE].contains(&&**g));
        if !self.grant_types.iter().any(|g| g == CODE || g == DEVICE_CODE) {
            return Err(bad("grant_types", "must have authorization_code or the device code grant"));
        }
        // Whoever is granted access gets a refresh token.
        self.grant_types.push(REFRESH.to_owned());
        self.grant_types.sort();
        self.grant_types.dedup();
        self.redirect_uris.sort();
        self.redirect_uris.dedup();
        if self.grant_types.iter().any(|g| g == CODE) {
            if self.response_types.is_empty() {
                return Err(bad("response_types", "must have code"));
            }
            if self.redirect_uris.is_empty() || self.redirect_uris.len() > MAX_REDIRECT_URIS {
                let text = "redirect_uris: must be 1 to 16 URIs";
                return Err(OAuthError::new(ErrorCode::InvalidRedirectUri, text));
            }
        }
        for (at, uri) in self.redirect_uris.iter().enumerate() {
            redirect::check(kind, &page, uri, own).map_err(|why| {
                OAuthError::new(ErrorCode::InvalidRedirectUri, format!("redirect_uris[{at}]: {why}"))
            })?;
        }
        Ok(self)
    }
}

/// Also refuses what turns text round or hides in it.
fn unprintable(c: char) -> bool {
    let turns =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    c.is_control() || turns
}

impl Identity {
    /// Registers a client. A public client with the same metadata as an earlier one is that one. The client, and
    /// its secret if it asked for one. `own` is the origin of this server's own web application.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidClientMetadata`] or [`ErrorCode::InvalidRedirectUri`] naming the field,
    /// [`ErrorCode::TemporarilyUnavailable`] when there are too many, or a failure of the server.
    pub async fn register_client(
        &self,
        metadata: ClientMetadata,
        own: Option<&Origin>,
    ) -> Result<(Client, Option<String>), OAuthError> {
        let metadata = metadata.accept(own)?;
        let text =
            serde_json::to_string(&metadata).map_err(|error| StoreError::Malformed(error.to_string()))?;
        let secret =
            (metadata.token_endpoint_auth_method != "none").then(|| format!("wlc_{}", self.random.token(32)));
        let id = match &secret {
            Some(_) => self.random.token(18),
            None => URL_SAFE_NO_PAD.encode(&Sha256::digest(text.as_bytes())[..18]),
        };
        let secret_hash = secret.as_deref().map(token::hash);
        let row = ClientRow { id: id.clone(), metadata: text, secret_hash };
        let host = Client { id: id.clone(), metadata: metadata.clone(), secret_hash }.host();
        let at = self.now();
        self.store
            .write_with(move |tx| {
                if clients::find(tx, &row.id)?.is_none() {
                    clients::forget_unused(tx, at.plus_millis(-UNUSED_MS))?;
                    if clients::count(tx)? >= MAX_CLIENTS {
                        clients::forget_unused(tx, at.plus_millis(-UNUSED_AT_MOST_MS))?;
                    }
                    if clients::count(tx)? >= MAX_CLIENTS {
                        let text = "too many clients are registered";
                        return Err(OAuthError::new(ErrorCode::TemporarilyUnavailable, text));
                    }
                    let entry = Entry::new(at, "system:oauth", Action::ClientRegistered)
                        .target(&row.id)
                        .with("host", host);
                    wardline_audit::append(tx, &entry)?;
                }
                Ok(clients::register(tx, &row, at)?)
            })
            .await?;
        Ok((Client { id, metadata, secret_hash }, secret))
    }

    /// The client with this id.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidClient`], or a failure of the server.
    pub fn client(&self, id: &str) -> Result<Client, OAuthError> {
        let row = self.store.read_now(|tx| clients::find(tx, id))?;
        let row =
            row.ok_or_else(|| OAuthError::new(ErrorCode::InvalidClient, "client_id: is not known here"))?;
        Client::of(row)
    }

    /// The client with this id, if it is a public one or `secret` is its secret.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidClient`], or a failure of the server.
    pub fn authenticate_client(&self, id: &str, secret: Option<&str>) -> Result<Client, OAuthError> {
        let client = self.client(id)?;
        // Hashes are compared, so that the time taken says nothing about the secret.
        match (client.secret_hash, secret.map(token::hash)) {
            (None, None) => Ok(client),
            (Some(known), Some(given)) if known == given => Ok(client),
            _ => Err(OAuthError::new(ErrorCode::InvalidClient, "client authentication failed")),
        }
    }
}
