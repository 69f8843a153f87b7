//! What the configuration says about one provider.

use url::Url;
use wardline_store::accounts::AccountKind;

use super::{ClientKey, jwt::AlgorithmName, profile_nhs_login::VECTORS};
use crate::Assurance;

/// What a provider is, besides plain OpenID Connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Nothing more.
    #[default]
    Generic,
    /// NHS CIS2: roles, and a second factor always.
    Cis2,
    /// NHS login: patients.
    NhsLogin,
}

/// How this server proves to the provider's token endpoint who it is.
#[derive(Clone)]
pub enum ClientAuthentication {
    /// A secret in the `Authorization` header.
    SecretBasic(String),
    /// A secret in the body.
    SecretPost(String),
    /// A JWT signed with this server's key (RFC 7523).
    PrivateKeyJwt(ClientKey),
}

impl std::fmt::Debug for ClientAuthentication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SecretBasic(_) => "SecretBasic(hidden)",
            Self::SecretPost(_) => "SecretPost(hidden)",
            Self::PrivateKeyJwt(_) => "PrivateKeyJwt(hidden)",
        })
    }
}

/// How the server asks whether somebody may still be signed in, beside back-channel logout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Poll {
    /// Not at all: the provider says so itself, by back-channel logout.
    None,
    /// By using the refresh token.
    #[default]
    RefreshToken,
    /// By introspection of the refresh token, or of the access token if there is none.
    Introspection,
    /// By asking for the person's claims with the access token.
    UserInfo,
}

/// Which claims say what. The values are templates such as `{given_name} {family_name}`.
#[derive(Clone, Debug)]
pub struct ClaimNames {
    /// The claims (not templates) that together never change for a person and are nobody else's.
    pub subject: Vec<String>,
    /// The local part of the user id that a new account gets.
    pub localpart: String,
    /// The name that others see.
    pub display_name: String,
    /// The family name, for the directory.
    pub family: String,
    /// The given names, for the directory.
    pub given: String,
    /// The title, for the directory.
    pub title: String,
    /// The job, for the directory.
    pub job: String,
    /// The claim with the identifier by which the person is found in the directory, and the URI of the register that
    /// it is of.
    pub registration: Option<(String, String)>,
    /// The claim that equals the `externalId` of an account that SCIM provisioned.
    pub external_id: String,
}

/// One provider.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// Its id in addresses and in the database; never changes.
    pub id: String,
    /// What the button on the sign-in page says.
    pub label: String,
    /// What it is.
    pub profile: Profile,
    /// Its issuer identifier.
    pub issuer: String,
    /// This server's id there.
    pub client_id: String,
    /// How this server proves who it is there.
    pub authentication: ClientAuthentication,
    /// The algorithms of its signatures; no other is accepted.
    pub algorithms: Vec<AlgorithmName>,
    /// What is asked for; `openid` is always among it.
    pub scopes: Vec<String>,
    /// More parameters of the authorisation request.
    pub parameters: Vec<(String, String)>,
    /// Which claims say what.
    pub claims: ClaimNames,
    /// What the `acr` values that are accepted are worth; empty: any is, as `assurance` says.
    pub acr: Vec<(String, Assurance)>,
    /// What a sign-in is worth when `acr` does not say.
    pub assurance: Assurance,
    /// The longest time since the person proved who they are to the provider, in seconds.
    pub max_age_s: Option<u32>,
    /// The kind of the accounts that it makes.
    pub kind: AccountKind,
    /// Whether a first sign-in makes an account.
    pub creates_accounts: bool,
    /// Whether its people may also sign in with a password or passkey of this server, which the provider can neither see
    /// nor end.
    pub local_sign_in: bool,
    /// Whether the claims of the userinfo endpoint are asked for too.
    pub user_info: bool,
    /// How the server asks whether somebody may still be signed in.
    pub poll: Poll,
    /// Seconds between two such questions; at most 840, which leaves a minute of the fifteen for asking them.
    pub poll_s: u32,
    /// The longest a session lasts after the sign-in, in seconds; `None`: until it is ended.
    pub session_s: Option<u32>,
    /// The longest a session lasts without use, in seconds.
    pub idle_s: Option<u32>,
}

impl Default for ClaimNames {
    /// The standard claims of OpenID Connect Core 5.1, with `sub` as the key.
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            subject: vec![text("sub")],
            localpart: text("{preferred_username}"),
            display_name: text("{name}"),
            family: text("{family_name}"),
            given: text("{given_name}"),
            title: String::new(),
            job: String::new(),
            registration: None,
            external_id: text("sub"),
        }
    }
}

/// What CIS2 knows, and what each is worth.
const CIS2_ACR: [(&str, Assurance); 7] = [
    ("AAL3_ANY", Assurance::Aal3),
    ("AAL3_FIDO2", Assurance::Aal3),
    ("AAL3_IOS", Assurance::Aal3),
    ("AAL3_N3_SMARTCARD", Assurance::Aal3),
    ("AAL3_CIS2_SMARTCARD", Assurance::Aal3),
    ("AAL2_TOTP", Assurance::Aal2),
    ("AAL2_NHSMAIL", Assurance::Aal2),
];
const CIS2_SCOPES: [&str; 7] =
    ["openid", "profile", "email", "nhsperson", "nationalrbacaccess", "associatedorgs", "selectedrole"];
/// The register of CIS2's user ids.
const SDS_USER_ID: &str = "https://fhir.nhs.uk/Id/sds-user-id";

impl ProviderConfig {
    /// A provider with the defaults of its profile.
    #[must_use]
    pub fn new(
        profile: Profile,
        id: &str,
        issuer: &str,
        client_id: &str,
        authentication: ClientAuthentication,
    ) -> Self {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        let mut provider = Self {
            id: id.to_owned(),
            label: "Sign in with your organisation".to_owned(),
            profile,
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            authentication,
            algorithms: vec![AlgorithmName::RS256],
            scopes: texts(&["openid", "profile", "email", "offline_access"]),
            parameters: Vec::new(),
            claims: ClaimNames::default(),
            acr: Vec::new(),
            assurance: Assurance::Aal1,
            max_age_s: None,
            kind: AccountKind::Staff,
            creates_accounts: true,
            local_sign_in: false,
            user_info: false,
            poll: Poll::RefreshToken,
            poll_s: 300,
            session_s: None,
            idle_s: None,
        };
        match profile {
            Profile::Generic => {}
            Profile::Cis2 => {
                "Sign in with NHS CIS2".clone_into(&mut provider.label);
                provider.scopes = texts(&CIS2_SCOPES);
                provider.parameters = vec![("acr_values".to_owned(), "AAL2_OR_AAL3_ANY".to_owned())];
                provider.acr = CIS2_ACR.iter().map(|(acr, worth)| ((*acr).to_owned(), *worth)).collect();
                provider.user_info = true;
                "{nhsid_useruid}".clone_into(&mut provider.claims.localpart);
                "{title}".clone_into(&mut provider.claims.title);
                "nhsid_useruid".clone_into(&mut provider.claims.external_id);
                provider.claims.registration = Some(("nhsid_useruid".to_owned(), SDS_USER_ID.to_owned()));
            }
            Profile::NhsLogin => {
                "Sign in with NHS login".clone_into(&mut provider.label);
                provider.scopes = texts(&["openid", "profile"]);
                let vectors = serde_json::Value::from(VECTORS.to_vec()).to_string();
                provider.parameters = vec![("vtr".to_owned(), vectors)];
                provider.algorithms = vec![AlgorithmName::RS512];
                provider.kind = AccountKind::Patient;
                provider.user_info = true;
                "{given_name} {family_name}".clone_into(&mut provider.claims.display_name);
                // NHS login's rule for the web and for apps without a lock of their own.
                provider.session_s = Some(12 * 60 * 60);
                provider.idle_s = Some(30 * 60);
            }
        }
        provider
    }

    /// What is wrong with the values together: the key and why.
    ///
    /// # Errors
    /// The first key that cannot be as it is.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.id.is_empty() || self.id.len() > 40 || !self.id.chars().all(plain) {
            return Err(("id", "must be 1 to 40 of the characters a-z 0-9 -"));
        }
        check_issuer(&self.issuer).map_err(|why| ("issuer", why))?;
        if self.algorithms.is_empty() {
            return Err(("algorithms", "must name at least one"));
        }
        if !self.scopes.iter().any(|scope| scope == "openid") {
            return Err(("scopes", "must have openid"));
        }
        let ours =
            ["response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge"];
        if self.parameters.iter().any(|(name, _)| ours.contains(&&**name)) {
            return Err(("parameters", "must not replace what the server itself sends"));
        }
        if self.claims.subject.is_empty() {
            return Err(("claims.subject", "must name at least one claim"));
        }
        if self.claims.subject.iter().any(|claim| ["email", "preferred_username", "name"].contains(&&**claim))
        {
            return Err(("claims.subject", "must not be an address or a name: those change hands"));
        }
        if self.poll_s == 0 || self.poll_s > 840 {
            return Err(("poll_seconds", "must be between 1 and 840"));
        }
        if self.local_sign_in && self.profile != Profile::Generic {
            return Err(("local_sign_in", "must be false for CIS2 and NHS login"));
        }
        if self.profile == Profile::NhsLogin {
            if self.kind != AccountKind::Patient {
                return Err(("kind", "must be patient for NHS login"));
            }
            if !matches!(self.authentication, ClientAuthentication::PrivateKeyJwt(_)) {
                return Err(("client_authentication", "must be private_key_jwt for NHS login"));
            }
        }
        if self.profile == Profile::Cis2 && self.acr.is_empty() {
            return Err(("acr", "must not be empty for CIS2"));
        }
        Ok(())
    }

    /// The name of the sign-in method.
    #[must_use]
    pub fn method(&self) -> String {
        format!("oidc:{}", self.id)
    }
}

/// Whether an address of a provider may be used: HTTPS, or on one machine in a trial (loopback) plain HTTP.
pub(super) fn acceptable_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let local = match url.host()? {
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
        url::Host::Domain(name) => name == "localhost",
    };
    let fits = url.scheme() == "https" || (url.scheme() == "http" && local);
    (fits && url.username().is_empty() && url.password().is_none()).then_some(url)
}

/// The whole of a configured `issuer`.
///
/// # Errors
/// What is wrong with it.
fn check_issuer(issuer: &str) -> Result<(), &'static str> {
    let url = acceptable_address(issuer).ok_or("must be an https address")?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must have no query and no fragment");
    }
    Ok(())
}
