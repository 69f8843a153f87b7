//! The server as the key service sees it: three calls of the Matrix client-server API.

use std::time::Duration;

use http::StatusCode;
use reqwest::{Client, Response};
use serde::Deserialize;
use serde_json::json;

use super::{KeyServiceError, OpenError, vault::Caller};

/// A server's client-server API at `base_url` (no slash at the end).
#[derive(Debug)]
pub(super) struct Server {
    http: Client,
    base_url: String,
}

#[derive(Deserialize)]
struct Whoami {
    user_id: String,
    #[serde(default)]
    device_id: String,
}

#[derive(Deserialize)]
struct SignedIn {
    user_id: String,
    access_token: String,
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

    /// `GET /account/whoami`: whose token this is.
    pub(super) async fn whoami(&self, token: &str) -> Result<Caller, KeyServiceError> {
        let url = format!("{}/_matrix/client/v3/account/whoami", self.base_url);
        let response = self.http.get(url).bearer_auth(token).send().await.map_err(unreachable)?;
        match response.status() {
            StatusCode::OK => {
                let Whoami { user_id, device_id } = response.json().await.map_err(unreachable)?;
                Ok(Caller { user_id, device_id })
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(KeyServiceError::UnknownToken),
            _ => Err(other(response).await),
        }
    }

    /// Proves a password by signing in with it and signing that session out again at once. The Matrix API has
    /// no call that only checks a password; the session never uploads keys, so nobody ever encrypts to it.
    pub(super) async fn prove_password(&self, user_id: &str, password: &str) -> Result<(), KeyServiceError> {
        let body = json!({
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": user_id },
            "password": password,
            "initial_device_display_name": "Key service (password check)",
        });
        let url = format!("{}/_matrix/client/v3/login", self.base_url);
        let response = self.http.post(url).json(&body).send().await.map_err(unreachable)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => return Err(KeyServiceError::WrongPassword),
            _ => return Err(other(response).await),
        }
        let session: SignedIn = response.json().await.map_err(unreachable)?;
        self.sign_out(&session.access_token).await;
        if session.user_id == user_id { Ok(()) } else { Err(KeyServiceError::WrongPassword) }
    }

    /// Ends the temporary session. A failure leaves an unused session behind, which its owner can see and end;
    /// it does not change whether the password was right, so it is only logged.
    async fn sign_out(&self, token: &str) {
        let url = format!("{}/_matrix/client/v3/logout", self.base_url);
        let ended = self.http.post(url).bearer_auth(token).json(&json!({})).send().await;
        if let Err(error) = ended.and_then(Response::error_for_status) {
            tracing::warn!(error = &error as &dyn std::error::Error, "temporary session not signed out");
        }
    }
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
