//! What the server asks of application services: users, aliases, third-party networks, ping.

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use serde_json::{Map, Value, json};
use wardline_domain::ruma::UserId;
use wardline_outgoing::OutgoingError;

use super::{AppServices, Service};

/// The largest answer that is read.
const ANSWER: usize = 1 << 20;

/// Why a service gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It has no address.
    #[error("the application service has no url")]
    NoUrl,
    /// Its address is none.
    #[error("the url of the application service cannot be used")]
    BadUrl,
    /// It was not reached.
    #[error("the application service was not reached")]
    Unreachable(#[from] OutgoingError),
    /// It answered with another status than 200; the status and the beginning of the body.
    #[error("the application service answered with status {0}")]
    Status(u16, String),
}

/// A ping was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
    /// How long that took, in milliseconds.
    pub duration_ms: i64,
}

/// A request to a service.
pub(super) fn request(
    service: &Service,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<Request<Bytes>, AskError> {
    let url = service.registration.url.as_deref().ok_or(AskError::NoUrl)?.trim_end_matches('/');
    Request::builder()
        .method(method)
        .uri(format!("{url}{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", service.registration.hs_token))
        .header(header::CONTENT_TYPE, "application/json")
        .body(body)
        .map_err(|_| AskError::BadUrl)
}

/// A segment of a path, or a name or value of a query.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

impl AppServices {
    /// Asks the services whose namespace it is in whether a user should exist. Whether one of them made it.
    pub async fn ask_user(&self, user: &UserId) -> bool {
        let path = format!("/_matrix/app/v1/users/{}", escaped(user.as_str()));
        self.ask_until(&path, |service| service.namespaces.users.have(user.as_str())).await
    }

    /// Asks the services whose namespace it is in whether an alias should exist. Whether one of them made it.
    pub async fn ask_alias(&self, alias: &str) -> bool {
        let path = format!("/_matrix/app/v1/rooms/{}", escaped(alias));
        self.ask_until(&path, |service| service.has_alias(alias)).await
    }

    async fn ask_until(&self, path: &str, whom: impl Fn(&Service) -> bool) -> bool {
        for service in self.services.iter().filter(|service| whom(service)) {
            match self.send(service, Method::GET, path, Bytes::new()).await {
                Ok(_) => return true,
                Err(AskError::Status(404, _) | AskError::NoUrl) => {}
                Err(error) => tracing::warn!(service = service.id(), %error, "application service"),
            }
        }
        false
    }

    /// What the services say of a third-party network; `None`: none of them speaks it.
    pub async fn protocol(&self, name: &str) -> Option<Value> {
        let mut found: Option<Map<String, Value>> = None;
        let path = format!("/_matrix/app/v1/thirdparty/protocol/{}", escaped(name));
        for service in self.speaking(Some(name)) {
            let Ok(answer) = self.send(service, Method::GET, &path, Bytes::new()).await else { continue };
            let Ok(Value::Object(mut told)) = serde_json::from_slice(&answer) else { continue };
            let instances = match told.remove("instances") {
                Some(Value::Array(instances)) => instances,
                _ => Vec::new(),
            };
            let instances = instances.into_iter().map(|mut instance| {
                if let (Some(network), true) = (instance["network_id"].as_str(), instance.is_object()) {
                    instance["instance_id"] = json!(format!("{}|{network}", service.id()));
                }
                instance
            });
            let all = found.get_or_insert(told).entry("instances").or_insert_with(|| json!([]));
            if let Some(all) = all.as_array_mut() {
                all.extend(instances);
            }
        }
        found.map(Value::Object)
    }

    /// All third-party networks, by name.
    pub async fn protocols(&self) -> Map<String, Value> {
        let mut names: Vec<&String> = self
            .services
            .iter()
            .flat_map(|service| service.registration.protocols.iter().flatten())
            .collect();
        names.sort();
        names.dedup();
        let mut all = Map::new();
        for name in names {
            if let Some(protocol) = self.protocol(name).await {
                all.insert(name.clone(), protocol);
            }
        }
        all
    }

    /// Whether any service speaks a third-party network.
    #[must_use]
    pub fn speaks(&self, protocol: &str) -> bool {
        self.speaking(Some(protocol)).next().is_some()
    }

    /// Looks up a `location` or `user` of third-party networks: of one, or by a Matrix name of all.
    pub async fn third_party(
        &self,
        kind: &'static str,
        protocol: Option<&str>,
        fields: &[(String, String)],
    ) -> Vec<Value> {
        let query: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
        let of = protocol.map(|protocol| format!("/{}", escaped(protocol))).unwrap_or_default();
        let path = format!("/_matrix/app/v1/thirdparty/{kind}{of}?{}", query.join("&"));
        let mut found = Vec::new();
        for service in self.speaking(protocol) {
            let Ok(answer) = self.send(service, Method::GET, &path, Bytes::new()).await else { continue };
            if let Ok(Value::Array(more)) = serde_json::from_slice(&answer) {
                found.extend(more);
            }
        }
        found
    }

    fn speaking<'a>(&'a self, protocol: Option<&'a str>) -> impl Iterator<Item = &'a Service> {
        self.services.iter().map(AsRef::as_ref).filter(move |service: &&Service| {
            let spoken = service.registration.protocols.iter().flatten();
            protocol.is_none_or(|protocol| spoken.clone().any(|spoken| spoken == protocol))
        })
    }

    /// Pings a service (Application Service API, "Pinging").
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn ping(&self, service: &Service, txn: Option<&str>) -> Result<Ping, AskError> {
        let body = match txn {
            Some(txn) => json!({ "transaction_id": txn }),
            None => json!({}),
        };
        let begun = tokio::time::Instant::now();
        self.send(service, Method::POST, "/_matrix/app/v1/ping", body.to_string().into()).await?;
        Ok(Ping { duration_ms: i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX) })
    }

    async fn send(
        &self,
        service: &Service,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Bytes, AskError> {
        let outgoing = self.outgoing.as_ref().ok_or(AskError::NoUrl)?;
        let answer = outgoing.send(request(service, method, path, body)?, ANSWER).await?;
        let status = answer.status();
        let body = answer.into_body();
        if status == StatusCode::OK {
            return Ok(body);
        }
        let begin: String = String::from_utf8_lossy(&body).chars().take(500).collect();
        Err(AskError::Status(status.as_u16(), begin))
    }
}
