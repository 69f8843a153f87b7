//! An identity provider that says what a test tells it to, on a port of this machine.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Form, Json, Router, extract::State, response::IntoResponse, routing};
use http::{HeaderMap, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use parking_lot::Mutex;
use serde_json::{Value, json};
use wardline_outgoing::{Networks, Outgoing, OutgoingConfig};

pub(crate) const FIRST: &[u8] = include_bytes!("keys/first.pem");
pub(crate) const SECOND: &[u8] = include_bytes!("keys/second.pem");

/// What the provider says, and what it was asked.
#[derive(Debug, Default)]
pub(crate) struct Says {
    /// The ID token of the next answer.
    pub(crate) id_token: String,
    /// The userinfo answer; null: 401.
    pub(crate) user_info: Value,
    /// The keys that it publishes.
    pub(crate) keys: Vec<(String, Vec<u8>)>,
    /// The answer to a refresh or introspection: whether the sign-in holds.
    pub(crate) holds: bool,
    /// The introspection endpoint fails.
    pub(crate) down: bool,
    /// How often a token was introspected.
    pub(crate) introspections: usize,
    /// How often the keys were fetched.
    pub(crate) key_fetches: usize,
    /// The forms that came to the token endpoint, with the `Authorization` header.
    pub(crate) forms: Vec<(BTreeMap<String, String>, String)>,
    /// The issuer in the metadata, if it is another one.
    pub(crate) issuer: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Provider {
    pub(crate) issuer: String,
    pub(crate) says: Arc<Mutex<Says>>,
}

type Shared = State<Provider>;

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self { issuer, says: Arc::default() };
        {
            let mut says = provider.says.lock();
            says.keys = vec![("first".into(), FIRST.to_vec())];
            says.holds = true;
        }
        let app = Router::new()
            .route("/.well-known/openid-configuration", routing::get(metadata))
            .route("/jwks", routing::get(keys))
            .route("/token", routing::post(token))
            .route("/introspect", routing::post(introspect))
            .route("/userinfo", routing::get(user_info))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        provider
    }

    /// A token signed with the key of this name, as the provider signs.
    pub(crate) fn sign(&self, key: (&str, &[u8]), algorithm: Algorithm, claims: &Value) -> String {
        let mut header = Header::new(algorithm);
        header.kid = Some(key.0.to_owned());
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_rsa_pem(key.1).unwrap()).unwrap()
    }
}

/// A client for connections to others that may reach this machine.
pub(crate) fn outgoing() -> Outgoing {
    let networks = Networks { allowed: vec!["127.0.0.0/8".parse().unwrap()], ..Networks::default() };
    Outgoing::new(OutgoingConfig { networks, ..OutgoingConfig::default() }).unwrap()
}

async fn metadata(State(provider): Shared) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", provider.issuer);
    let issuer = provider.says.lock().issuer.clone().unwrap_or(provider.issuer.clone());
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks"),
        "userinfo_endpoint": at("/userinfo"),
        "introspection_endpoint": at("/introspect"),
        "end_session_endpoint": at("/logout"),
    }))
}

async fn keys(State(provider): Shared) -> Json<Value> {
    let mut says = provider.says.lock();
    says.key_fetches += 1;
    let keys = says.keys.iter().map(|(id, pem)| {
        let key = EncodingKey::from_rsa_pem(pem).unwrap();
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap();
        jwk.common.key_id = Some(id.clone());
        jwk.common.key_algorithm = None;
        serde_json::to_value(jwk).unwrap()
    });
    // A key of a kind that is not understood must not spoil the others.
    let all: Vec<Value> = keys.chain([json!({ "kty": "new", "kid": "x" })]).collect();
    Json(json!({ "keys": all }))
}

async fn token(
    State(provider): Shared,
    headers: HeaderMap,
    Form(form): Form<BTreeMap<String, String>>,
) -> axum::response::Response {
    let authorization = headers.get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned();
    let mut says = provider.says.lock();
    let grant = form["grant_type"].clone();
    says.forms.push((form, authorization));
    if grant == "refresh_token" && !says.holds {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
    }
    Json(json!({
        "id_token": says.id_token,
        "access_token": "at",
        "refresh_token": format!("rt{}", says.forms.len()),
        "token_type": "Bearer",
    }))
    .into_response()
}

async fn introspect(State(provider): Shared) -> axum::response::Response {
    let mut says = provider.says.lock();
    says.introspections += 1;
    if says.down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    Json(json!({ "active": says.holds })).into_response()
}

async fn user_info(State(provider): Shared) -> axum::response::Response {
    match provider.says.lock().user_info.clone() {
        Value::Null => StatusCode::UNAUTHORIZED.into_response(),
        claims => Json(claims).into_response(),
    }
}
