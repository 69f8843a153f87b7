//! The server as the key service sees it: one call of its OAuth 2.0 API.

use std::time::Duration;

use http::{StatusCode, header::CONTENT_TYPE};
use reqwest::{Client, Response};
use serde::Deserialize;
use wardline_domain::Timestamp;

use super::{KeyServiceError, OpenError, vault::Caller};

/// A server's API at `base_url` (no slash at the end).
#[derive(Debug)]
pub(super) struct Server {
    http: Client,
    base_url: String,
}

/// What a token is good for (RFC 7662).
#[derive(Deserialize)]
struct Introspection {
    active: bool,
    sub: Option<String>,
    device_id: Option<String>,
    #[serde(rename = "org.wardline.signed_in_at")]
    signed_in_at: Option<i64>,
    /// What the client was granted, if it came by OAuth.
    scope: Option<String>,
    /// The key that the token is bound to (RFC 9449): such a token is no use to a service that cannot check proofs.
    cnf: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Refusal {
    retry_after_ms: Option<u64>,
}

impl Server {
    pub(super) fn new(base_url: &str) -> Result<Self, OpenError> {
        let http = Client::builder().timeout(Duration::from_secs(20)).no_proxy().build()?;
        Ok(Self { http, base_url: base_url.trim_end_matches('/').to_owned() })
    }

    /// `POST /oauth/introspect`: whose token this is, and when its session was opened.
    pub(super) async fn introspect(&self, token: &str) -> Result<(Caller, Timestamp), KeyServiceError> {
        let url = format!("{}/oauth/introspect", self.base_url);
        let body = form_of(token);
        let kind = "application/x-www-form-urlencoded";
        let request = self.http.post(url).header(CONTENT_TYPE, kind).body(body);
        let response = request.send().await.map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(other(response).await);
        }
        let found: Introspection = response.json().await.map_err(unreachable)?;
        // An application of the FHIR API alone is no client that keeps keys.
        let is_client = found.scope.as_ref().is_none_or(|scope| {
            let whole = ["urn:matrix:client:api:*", "urn:matrix:org.matrix.msc2967.client:api:*"];
            scope.split(' ').any(|token| whole.contains(&token))
        });
        match (found.active && is_client && found.cnf.is_none(), found.sub, found.signed_in_at) {
            (true, Some(user_id), Some(seconds)) => {
                let caller = Caller { user_id, device_id: found.device_id.unwrap_or_default() };
                Ok((caller, Timestamp(seconds.saturating_mul(1000))))
            }
            _ => Err(KeyServiceError::UnknownToken),
        }
    }
}

/// The token as a form; whatever is not plain in it is escaped.
fn form_of(token: &str) -> String {
    let escaped = token.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    });
    format!("token={}", escaped.collect::<String>())
}

fn unreachable(error: reqwest::Error) -> KeyServiceError {
    KeyServiceError::Server(Some(error.without_url()))
}

/// An answer that is neither yes nor no: the server's own rate limit is passed on, the rest is its trouble.
async fn other(response: Response) -> KeyServiceError {
    if response.status() != StatusCode::TOO_MANY_REQUESTS {
        return KeyServiceError::Server(response.error_for_status().err().map(reqwest::Error::without_url));
    }
    let wait = response.json::<Refusal>().await.ok().and_then(|refusal| refusal.retry_after_ms);
    KeyServiceError::LimitExceeded(wait.unwrap_or(1000))
}
