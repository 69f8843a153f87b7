//! `[identity]`: identity providers of the organisation.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use wardline_identity::{
    AccountKind, Assurance,
    upstream::{AlgorithmName, ClientAuthentication, ClientKey, Poll, Profile, ProviderConfig},
};

use super::{ConfigError, under};

/// `[identity]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentitySection {
    /// `[[identity.providers]]`, in the order of their buttons.
    pub providers: Vec<Provider>,
}

/// `[[identity.providers]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its id in addresses and in the database: a-z, 0-9 and `-`. It can never be changed later.
    pub id: String,
    /// `generic` (default), `cis2` or `nhs-login`.
    #[serde(default)]
    pub profile: ProfileName,
    /// Its issuer identifier.
    pub issuer: String,
    /// This server's id there.
    pub client_id: String,
    /// `client_secret_basic` (default), `client_secret_post` or `private_key_jwt`.
    #[serde(default)]
    pub client_authentication: AuthenticationName,
    /// A file with the secret.
    pub client_secret_file: Option<PathBuf>,
    /// A PEM file with the private key; its public half is served at `/oauth/jwks.json`.
    pub private_key_file: Option<PathBuf>,
    /// The algorithm of that key. Default: `RS256`, for NHS login `RS512`.
    pub private_key_algorithm: Option<String>,
    /// The id of that key. Default: its RFC 7638 thumbprint.
    pub key_id: Option<String>,
    /// What the button says.
    pub label: Option<String>,
    /// The algorithms of the provider's signatures.
    pub algorithms: Option<Vec<String>>,
    /// What is asked for.
    pub scopes: Option<Vec<String>>,
    /// More parameters of the authorisation request, such as `prompt`.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// What the accepted `acr` values are worth: `aal1`, `aal2` or `aal3`.
    pub acr: Option<BTreeMap<String, Assurance>>,
    /// What a sign-in is worth when `acr` does not say.
    pub assurance: Option<Assurance>,
    /// The longest time since the person proved who they are to the provider, in seconds.
    pub max_age_seconds: Option<u32>,
    /// The kind of the accounts that it makes: `staff`, `patient` or `outsider`.
    pub kind: Option<String>,
    /// Whether a first sign-in makes an account.
    pub create_accounts: Option<bool>,
    /// Whether its people may also sign in with a password or passkey of this server.
    pub local_sign_in: Option<bool>,
    /// Whether the claims of the userinfo endpoint are asked for too.
    pub user_info: Option<bool>,
    /// `none`, `refresh_token`, `introspection` or `userinfo`.
    pub poll: Option<PollName>,
    /// Seconds between two questions whether somebody may still be signed in.
    pub poll_seconds: Option<u32>,
    /// The longest a session lasts after the sign-in, in hours; 0: until it is ended.
    pub session_hours: Option<u32>,
    /// The longest a session lasts without use, in minutes; 0: for ever.
    pub idle_minutes: Option<u32>,
    /// Which claims say what.
    #[serde(default)]
    pub claims: ClaimsTable,
}

/// `[identity.providers.claims]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimsTable {
    /// The claims that together are a person's key.
    pub subject: Option<Vec<String>>,
    /// Template of the local part of a new user id.
    pub localpart: Option<String>,
    /// Template of the name that others see.
    pub display_name: Option<String>,
    /// Template of the family name in the directory.
    pub family: Option<String>,
    /// Template of the given names in the directory.
    pub given: Option<String>,
    /// Template of the title in the directory.
    pub title: Option<String>,
    /// Template of the job in the directory.
    pub job: Option<String>,
    /// The claim with the registration number, and the URI of its register.
    pub registration: Option<RegistrationClaim>,
    /// The claim that equals the SCIM `externalId`.
    pub external_id: Option<String>,
}

/// Where a registration number is, and of which register it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationClaim {
    /// The claim.
    pub claim: String,
    /// The register's URI.
    pub system: String,
}

/// What a provider is.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProfileName {
    /// Plain OpenID Connect.
    #[default]
    Generic,
    /// NHS CIS2.
    Cis2,
    /// NHS login.
    NhsLogin,
}

/// How this server proves who it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationName {
    /// A secret in the header.
    #[default]
    ClientSecretBasic,
    /// A secret in the body.
    ClientSecretPost,
    /// A signed JWT.
    PrivateKeyJwt,
}

/// How the server asks whether somebody may still be signed in.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PollName {
    /// Not at all.
    None,
    /// By using the refresh token.
    RefreshToken,
    /// By introspection.
    Introspection,
    /// By asking for the person's claims.
    #[serde(rename = "userinfo")]
    UserInfo,
}

impl IdentitySection {
    pub(super) fn resolve(&mut self, folder: &Path) {
        for provider in &mut self.providers {
            under(folder, &mut provider.client_secret_file);
            under(folder, &mut provider.private_key_file);
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.configs().map(|_| ())
    }

    /// The providers as the identity floor takes them, with secrets and keys out of their files.
    ///
    /// # Errors
    /// [`ConfigError`] that names the provider and the key.
    pub fn configs(&self) -> Result<Vec<ProviderConfig>, ConfigError> {
        let mut all: Vec<ProviderConfig> = Vec::with_capacity(self.providers.len());
        for provider in &self.providers {
            let config = provider.config()?;
            if all.iter().any(|other| other.id == config.id) {
                return Err(provider.wrong("id", "is that of another provider too"));
            }
            all.push(config);
        }
        Ok(all)
    }
}

impl Provider {
    fn wrong(&self, key: &str, reason: &str) -> ConfigError {
        ConfigError::value("identity.providers", format!("{}: {key}: {reason}", self.id))
    }

    fn read(&self, key: &str, path: Option<&PathBuf>) -> Result<Vec<u8>, ConfigError> {
        let path = path.ok_or_else(|| self.wrong(key, "is required"))?;
        fs::read(path).map_err(|source| ConfigError::Read { path: path.clone(), source })
    }

    fn algorithm(&self, key: &str, name: &str) -> Result<AlgorithmName, ConfigError> {
        let why = "must be RS256, RS384, RS512, PS256, PS384, PS512, ES256 or ES384";
        AlgorithmName::parse(name).ok_or_else(|| self.wrong(key, why))
    }

    fn authentication(&self) -> Result<ClientAuthentication, ConfigError> {
        if self.client_authentication == AuthenticationName::PrivateKeyJwt {
            let default = if matches!(self.profile, ProfileName::NhsLogin) { "RS512" } else { "RS256" };
            let name = self.private_key_algorithm.as_deref().unwrap_or(default);
            let algorithm = self.algorithm("private_key_algorithm", name)?;
            let pem = self.read("private_key_file", self.private_key_file.as_ref())?;
            let key = ClientKey::of_pem(&pem, algorithm, self.key_id.clone());
            return key
                .map(ClientAuthentication::PrivateKeyJwt)
                .map_err(|why| self.wrong("private_key_file", &why));
        }
        let bytes = self.read("client_secret_file", self.client_secret_file.as_ref())?;
        let secret = String::from_utf8(bytes).unwrap_or_default().trim().to_owned();
        if secret.is_empty() {
            return Err(self.wrong("client_secret_file", "is empty or not text"));
        }
        Ok(match self.client_authentication {
            AuthenticationName::ClientSecretPost => ClientAuthentication::SecretPost(secret),
            _ => ClientAuthentication::SecretBasic(secret),
        })
    }

    fn config(&self) -> Result<ProviderConfig, ConfigError> {
        let profile = match self.profile {
            ProfileName::Generic => Profile::Generic,
            ProfileName::Cis2 => Profile::Cis2,
            ProfileName::NhsLogin => Profile::NhsLogin,
        };
        let authentication = self.authentication()?;
        let mut config =
            ProviderConfig::new(profile, &self.id, &self.issuer, &self.client_id, authentication);
        if let Some(names) = &self.algorithms {
            let read = names.iter().map(|name| self.algorithm("algorithms", name));
            config.algorithms = read.collect::<Result<_, _>>()?;
        }
        for (name, value) in &self.parameters {
            config.parameters.retain(|(other, _)| other != name);
            config.parameters.push((name.clone(), value.clone()));
        }
        if let Some(acr) = &self.acr {
            config.acr = acr.iter().map(|(name, worth)| (name.clone(), *worth)).collect();
        }
        if let Some(kind) = &self.kind {
            let kind = AccountKind::parse(kind).filter(|kind| *kind != AccountKind::Service);
            config.kind = kind.ok_or_else(|| self.wrong("kind", "must be staff, patient or outsider"))?;
        }
        let set = |to: &mut String, from: &Option<String>| {
            if let Some(from) = from {
                to.clone_from(from);
            }
        };
        set(&mut config.label, &self.label);
        config.scopes = self.scopes.clone().unwrap_or(config.scopes);
        config.assurance = self.assurance.unwrap_or(config.assurance);
        config.max_age_s = self.max_age_seconds.or(config.max_age_s);
        config.creates_accounts = self.create_accounts.unwrap_or(config.creates_accounts);
        config.local_sign_in = self.local_sign_in.unwrap_or(config.local_sign_in);
        config.user_info = self.user_info.unwrap_or(config.user_info);
        config.poll_s = self.poll_seconds.unwrap_or(config.poll_s);
        config.poll = self.poll.map_or(config.poll, |poll| match poll {
            PollName::None => Poll::None,
            PollName::RefreshToken => Poll::RefreshToken,
            PollName::Introspection => Poll::Introspection,
            PollName::UserInfo => Poll::UserInfo,
        });
        let limit = |value: Option<u32>, unit: u32, default: Option<u32>| match value {
            None => default,
            Some(0) => None,
            Some(count) => Some(count.saturating_mul(unit)),
        };
        config.session_s = limit(self.session_hours, 3600, config.session_s);
        config.idle_s = limit(self.idle_minutes, 60, config.idle_s);
        let (claims, names) = (&self.claims, &mut config.claims);
        names.subject = claims.subject.clone().unwrap_or_else(|| names.subject.clone());
        set(&mut names.localpart, &claims.localpart);
        set(&mut names.display_name, &claims.display_name);
        set(&mut names.family, &claims.family);
        set(&mut names.given, &claims.given);
        set(&mut names.title, &claims.title);
        set(&mut names.job, &claims.job);
        set(&mut names.external_id, &claims.external_id);
        if let Some(registration) = &claims.registration {
            names.registration = Some((registration.claim.clone(), registration.system.clone()));
        }
        config.check().map_err(|(key, why)| self.wrong(key, why))?;
        Ok(config)
    }
}
