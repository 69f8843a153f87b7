//! A key service in a temporary folder, and the little of a Matrix server that it asks.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use axum::{Form, Json, Router, body::Body, routing::post};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use wardline_domain::{Clock, Random, Timestamp};
use wardline_gateway::keys::{KeyService, Policy, Sealer, SealingKey, router};

/// When everybody on the stand-in server signed in, in seconds.
pub(crate) const SIGNED_IN_AT: i64 = 1_800_000_000;

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

/// The key service under test.
pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) clock: Arc<Settable>,
    url: String,
    router: Router,
}

impl Home {
    /// The same folder under another policy.
    pub(crate) fn with_policy(self, policy: Policy) -> Self {
        let service = open(self.dir.path(), &self.url, Arc::clone(&self.clock), SealingKey::new([7; 32]));
        Self { router: router(service.with_policy(policy)), ..self }
    }

    /// The same folder with another sealer.
    pub(crate) fn with_sealer(self, sealer: impl Sealer + 'static) -> Self {
        let service = open(self.dir.path(), &self.url, Arc::clone(&self.clock), sealer);
        Self { router: router(service), ..self }
    }

    pub(crate) async fn new() -> Self {
        Self::with_server(&serve().await)
    }

    pub(crate) fn with_server(url: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::<Settable>::default();
        clock.0.store(SIGNED_IN_AT * 1000, Ordering::SeqCst);
        let router = router(open(dir.path(), url, Arc::clone(&clock), SealingKey::new([7; 32])));
        Self { dir, clock, url: url.to_owned(), router }
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

    pub(crate) async fn store(&self, token: &str, key: &str) -> (StatusCode, Value) {
        let body = json!({ "recovery_key": key }).to_string();
        self.call("PUT", "/recovery-key", Some(token), body).await
    }

    pub(crate) async fn unseal(&self, token: &str) -> (StatusCode, Value) {
        self.call("POST", "/recovery-key/unseal", Some(token), Body::empty()).await
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

fn open(dir: &Path, url: &str, clock: Arc<Settable>, sealer: impl Sealer + 'static) -> KeyService {
    let random = Arc::<Counting>::default();
    KeyService::open(dir, sealer, url, clock, random).unwrap()
}

async fn serve() -> String {
    let app = Router::new().route("/oauth/introspect", post(introspect));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

async fn introspect(Form(fields): Form<HashMap<String, String>>) -> Json<Value> {
    let parts: Vec<&str> = fields["token"].split('/').collect();
    let (user, device, bound) = match parts[..] {
        [user, device] => (user, device, false),
        [user, device, "bound"] => (user, device, true),
        _ => return Json(json!({ "active": false })),
    };
    let mut answer = json!({
        "active": true,
        "sub": format!("@{user}:x"),
        "device_id": device,
        "org.wardline.signed_in_at": SIGNED_IN_AT,
    });
    if bound {
        answer["cnf"] = json!({ "jkt": "key" });
    }
    Json(answer)
}
