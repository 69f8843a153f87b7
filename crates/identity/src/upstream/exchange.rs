//! Questions to a provider: codes and refresh tokens into tokens, userinfo, introspection.
//!
//! Specification: RFC 6749 sections 2.3, 4.1.3 and 6; RFC 7523; RFC 7662; OpenID Connect Core 5.3.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::form_urlencoded;
use wardline_domain::Random;

use super::{
    Claims, ClientAuthentication, UpstreamError,
    discovery::{Link, Metadata, address},
    provider::ProviderConfig,
};

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What the token endpoint gave.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct TokenSet {
    pub(super) id_token: Option<String>,
    pub(super) access_token: Option<String>,
    pub(super) refresh_token: Option<String>,
}

impl std::fmt::Debug for TokenSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenSet(hidden)")
    }
}

/// How the provider answered whether somebody may still be signed in.
#[derive(Debug)]
pub(super) enum Still {
    /// Yes, with new tokens if there are any.
    Yes(Option<TokenSet>),
    /// No.
    No,
}

fn unavailable(why: impl Into<String>) -> UpstreamError {
    UpstreamError::Unavailable(why.into())
}

/// A form to one of the provider's endpoints, with the proof of who this server is.
fn authenticated_form(
    provider: &ProviderConfig,
    random: &dyn Random,
    link: &Link,
    endpoint: &str,
    fields: &[(&str, &str)],
) -> Result<http::Request<Bytes>, UpstreamError> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    let mut authorization = None;
    match &provider.authentication {
        ClientAuthentication::SecretBasic(secret) => {
            // RFC 6749 section 2.3.1: both are form-encoded first.
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encode(&provider.client_id), encode(secret));
            authorization = Some(format!("Basic {}", STANDARD.encode(pair)));
        }
        ClientAuthentication::SecretPost(secret) => {
            form.append_pair("client_id", &provider.client_id).append_pair("client_secret", secret);
        }
        ClientAuthentication::PrivateKeyJwt(key) => {
            let assertion = key.assertion(&provider.client_id, endpoint, &random.token(16), link.now());
            form.append_pair("client_id", &provider.client_id)
                .append_pair("client_assertion_type", ASSERTION)
                .append_pair("client_assertion", &assertion.map_err(unavailable)?);
        }
    }
    let mut request = http::Request::post(address(endpoint)?.as_str())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json");
    if let Some(value) = authorization {
        let mut value =
            HeaderValue::from_str(&value).map_err(|_| unavailable("the client id cannot be sent"))?;
        value.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, value);
    }
    request.body(Bytes::from(form.finish())).map_err(|_| unavailable("the request cannot be made"))
}

/// The error code of an OAuth refusal.
fn error_code(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = value.get("error").and_then(Value::as_str).unwrap_or("no error code");
    code.chars().filter(|c| c.is_ascii_graphic()).take(64).collect()
}

async fn ask_for_tokens(
    provider: &ProviderConfig,
    random: &dyn Random,
    link: &Link,
    metadata: &Metadata,
    fields: &[(&str, &str)],
) -> Result<Result<TokenSet, String>, UpstreamError> {
    let request = authenticated_form(provider, random, link, &metadata.token_endpoint, fields)?;
    let answer = link.send(request).await?;
    match answer.status {
        StatusCode::OK => serde_json::from_slice(&answer.body)
            .map(Ok)
            .map_err(|_| unavailable("its token endpoint is not as specified")),
        status if status.is_client_error() => Ok(Err(error_code(&answer.body))),
        status => Err(unavailable(format!("its token endpoint answered {status}"))),
    }
}

/// Redeems an authorisation code.
pub(super) async fn redeem(
    provider: &ProviderConfig,
    random: &dyn Random,
    link: &Link,
    redirect_uri: &str,
    (code, verifier): (&str, &str),
) -> Result<TokenSet, UpstreamError> {
    let metadata = link.metadata(provider).await?;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("code_verifier", verifier),
    ];
    match ask_for_tokens(provider, random, link, &metadata, &fields).await? {
        Ok(tokens) => Ok(tokens),
        Err(code) if code == "invalid_grant" => {
            Err(UpstreamError::refused("code", "The sign-in took too long. Start again."))
        }
        // This server is at fault, or the provider: not the person.
        Err(code) => Err(unavailable(format!("its token endpoint refused: {code}"))),
    }
}

/// The person's claims at the userinfo endpoint; `None`: the access token is not good any more.
pub(super) async fn user_info(
    provider: &ProviderConfig,
    link: &Link,
    access_token: &str,
) -> Result<Option<Claims>, UpstreamError> {
    let metadata = link.metadata(provider).await?;
    let endpoint = metadata.userinfo_endpoint.as_deref().ok_or_else(|| unavailable("it has no userinfo"))?;
    let mut token = HeaderValue::from_str(&format!("Bearer {access_token}"))
        .map_err(|_| unavailable("its access token cannot be sent"))?;
    token.set_sensitive(true);
    let request = http::Request::get(address(endpoint)?.as_str())
        .header(header::AUTHORIZATION, token)
        .header(header::ACCEPT, "application/json")
        .body(Bytes::new())
        .map_err(|_| unavailable("the request cannot be made"))?;
    let answer = link.send(request).await?;
    match answer.status {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Ok(None),
        status => return Err(unavailable(format!("its userinfo answered {status}"))),
    }
    if let Ok(Value::Object(claims)) = serde_json::from_slice(&answer.body) {
        return Ok(Some(Claims(claims)));
    }
    // Signed: a JWT of the provider for this server.
    let text =
        std::str::from_utf8(&answer.body).map_err(|_| unavailable("its userinfo is not as specified"))?;
    let (claims, _) = link.verify(provider, text.trim()).await?;
    Ok(Some(claims))
}

/// Uses a refresh token.
pub(super) async fn refresh(
    provider: &ProviderConfig,
    random: &dyn Random,
    link: &Link,
    tokens: &TokenSet,
) -> Result<Still, UpstreamError> {
    let Some(refresh) = &tokens.refresh_token else { return Ok(Still::Yes(None)) };
    let metadata = link.metadata(provider).await?;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    match ask_for_tokens(provider, random, link, &metadata, &fields).await? {
        Ok(new) => Ok(Still::Yes(Some(TokenSet {
            refresh_token: new.refresh_token.or_else(|| tokens.refresh_token.clone()),
            access_token: new.access_token,
            id_token: new.id_token.or_else(|| tokens.id_token.clone()),
        }))),
        Err(code) if code == "invalid_grant" => Ok(Still::No),
        Err(code) => Err(unavailable(format!("its token endpoint refused: {code}"))),
    }
}

/// Asks whether the refresh token, or without one the access token, is active.
pub(super) async fn introspect(
    provider: &ProviderConfig,
    random: &dyn Random,
    link: &Link,
    tokens: &TokenSet,
) -> Result<Still, UpstreamError> {
    let (token, hint) = match (&tokens.refresh_token, &tokens.access_token) {
        (Some(token), _) => (token, "refresh_token"),
        (None, Some(token)) => (token, "access_token"),
        (None, None) => return Ok(Still::Yes(None)),
    };
    let metadata = link.metadata(provider).await?;
    let endpoint = metadata.introspection_endpoint.as_deref();
    let endpoint = endpoint.ok_or_else(|| unavailable("it has no introspection"))?;
    let fields = [("token", token.as_str()), ("token_type_hint", hint)];
    let answer = link.send(authenticated_form(provider, random, link, endpoint, &fields)?).await?;
    if answer.status != StatusCode::OK {
        return Err(unavailable(format!("its introspection answered {}", answer.status)));
    }
    let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match value.get("active").and_then(Value::as_bool) {
        Some(true) => Ok(Still::Yes(None)),
        Some(false) => Ok(Still::No),
        None => Err(unavailable("its introspection is not as specified")),
    }
}
