//! A key service in a temporary folder, and the little of a Matrix server that it asks.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    routing::{get, post},
};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use wardline_domain::{Clock, Random, Timestamp};
use wardline_gateway::keys::{KeyService, SealingKey, router};

/// The password of every account on the stand-in server.
pub(crate) const PASSWORD: &str = "correct horse";

#[derive(Debug, Default)]
pub(crate) struct Settable(pub(crate) AtomicI64);

impl Clock for Settable {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::SeqCst).to_le_bytes();
            chunk.copy_from_slice(&next[..chunk.len()]);
        }
    }
}

/// Sessions that the stand-in server has open because of password checks.
#[derive(Debug, Default)]
pub(crate) struct Sessions(AtomicUsize);

impl Sessions {
    pub(crate) fn open(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// The key service under test.
pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) clock: Arc<Settable>,
    pub(crate) sessions: Arc<Sessions>,
    router: Router,
}

impl Home {
    pub(crate) async fn new() -> Self {
        let sessions = Arc::<Sessions>::default();
        let url = serve(Arc::clone(&sessions)).await;
        Self::with_server(&url, sessions)
    }

    pub(crate) fn with_server(url: &str, sessions: Arc<Sessions>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::<Settable>::default();
        let router = router(open(dir.path(), url, Arc::clone(&clock)));
        Self { dir, clock, sessions, router }
    }

    /// Sends a request; `token` is `user/device`, as the stand-in server understands it.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: impl Into<Body>,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(format!("/_wardline/gateway/v1{path}"));
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let response = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    pub(crate) async fn store(&self, token: &str, key: &str, password: &str) -> (StatusCode, Value) {
        let body = json!({ "recovery_key": key, "password": password }).to_string();
        self.call("PUT", "/recovery-key", Some(token), body).await
    }

    pub(crate) async fn unseal(&self, token: &str, password: &str) -> (StatusCode, Value) {
        let body = json!({ "password": password }).to_string();
        self.call("POST", "/recovery-key/unseal", Some(token), body).await
    }

    /// The rows of the record of accesses as `user device action outcome`, oldest first.
    pub(crate) fn accesses(&self) -> Vec<String> {
        let db = rusqlite::Connection::open(self.dir.path().join("keys.db")).unwrap();
        let mut rows =
            db.prepare("SELECT user_id, device_id, action, outcome FROM access ORDER BY rowid").unwrap();
        let text = |row: &rusqlite::Row<'_>| {
            let column = |i| row.get::<_, String>(i);
            Ok(format!("{} {} {} {}", column(0)?, column(1)?, column(2)?, column(3)?))
        };
        rows.query_map([], text).unwrap().map(Result::unwrap).collect()
    }
}

fn open(dir: &Path, url: &str, clock: Arc<Settable>) -> KeyService {
    let random = Arc::<Counting>::default();
    KeyService::open(dir, SealingKey::new([7; 32]), url, clock, random).unwrap()
}

async fn serve(sessions: Arc<Sessions>) -> String {
    let app = Router::new()
        .route("/_matrix/client/v3/account/whoami", get(whoami))
        .route("/_matrix/client/v3/login", post(login))
        .route("/_matrix/client/v3/logout", post(logout))
        .with_state(sessions);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

async fn whoami(headers: HeaderMap) -> (StatusCode, Json<Value>) {
    let token = headers[header::AUTHORIZATION].to_str().unwrap().trim_start_matches("Bearer ");
    match token.split_once('/') {
        Some((user, device)) => {
            (StatusCode::OK, Json(json!({ "user_id": format!("@{user}:x"), "device_id": device })))
        }
        None => (StatusCode::UNAUTHORIZED, Json(json!({ "errcode": "M_UNKNOWN_TOKEN" }))),
    }
}

async fn login(State(sessions): State<Arc<Sessions>>, Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    if body["password"] != PASSWORD {
        return (StatusCode::FORBIDDEN, Json(json!({ "errcode": "M_FORBIDDEN" })));
    }
    sessions.0.fetch_add(1, Ordering::SeqCst);
    (StatusCode::OK, Json(json!({ "user_id": body["identifier"]["user"], "access_token": "temporary" })))
}

async fn logout(State(sessions): State<Arc<Sessions>>, headers: HeaderMap) -> Json<Value> {
    assert_eq!(headers[header::AUTHORIZATION], "Bearer temporary");
    sessions.0.fetch_sub(1, Ordering::SeqCst);
    Json(json!({}))
}
