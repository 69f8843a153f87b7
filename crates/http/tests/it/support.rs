//! A router over a store in a temporary folder, with a clock that is set by hand.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use wardline_clinical::{Clinical, ClinicalParts, ColumnCipher, TimeZone};
use wardline_domain::{Clock, Random, Timestamp, signing::Signer};
use wardline_engine::{Context, Engine, EngineConfig};
use wardline_http::{AppState, HttpConfig, RateLimiter};
use wardline_identity::{AccountPolicy, Identity};
use wardline_store::{Store, StoreConfig};

#[derive(Debug)]
pub(crate) struct Hand(AtomicI64);

impl Hand {
    pub(crate) fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

/// Different bytes at every call (splitmix64).
#[derive(Debug, Default)]
struct Dice(AtomicU64);

impl Random for Dice {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed).wrapping_add(1);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    #[track_caller]
    pub(crate) fn refused(self, status: u16, errcode: &str) -> Value {
        assert_eq!((self.status.as_u16(), &self.body["errcode"]), (status, &json!(errcode)), "{}", self.body);
        self.body
    }
}

pub(crate) struct Server {
    pub(crate) router: Router,
    pub(crate) clock: Arc<Hand>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) clinical: Arc<Clinical>,
    pub(crate) store: Store,
    _folder: tempfile::TempDir,
}

pub(crate) const PASSWORD: &str = "a long password";

impl Server {
    /// A server with the users amy and bob, registration closed.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut HttpConfig)) -> Self {
        Self::build(AccountPolicy::lenient(), change, EngineConfig::default(), |identity, _| identity).await
    }

    pub(crate) async fn with_engine(change: impl FnOnce(&mut HttpConfig), engine: EngineConfig) -> Self {
        Self::build(AccountPolicy::lenient(), change, engine, |identity, _| identity).await
    }

    /// With these rules for local accounts.
    pub(crate) async fn with_policy(policy: AccountPolicy, change: impl FnOnce(&mut HttpConfig)) -> Self {
        Self::build(policy, change, EngineConfig::default(), |identity, _| identity).await
    }

    /// With an identity floor that `wire` has added to.
    pub(crate) async fn wired(wire: impl FnOnce(Identity, Arc<dyn Clock>) -> Identity) -> Self {
        Self::build(AccountPolicy::lenient(), |_| {}, EngineConfig::default(), wire).await
    }

    async fn build(
        policy: AccountPolicy,
        change: impl FnOnce(&mut HttpConfig),
        engine: EngineConfig,
        wire: impl FnOnce(Identity, Arc<dyn Clock>) -> Identity,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreConfig::at(folder.path().join("wardline.db"))).unwrap();
        let clock = Arc::new(Hand(AtomicI64::new(1_800_000_000_000)));
        let random: Arc<dyn Random> = Arc::new(Dice::default());
        let name = wardline_domain::ruma::OwnedServerName::try_from("riverside.example").unwrap();
        let mut config = HttpConfig::new(name.clone(), "https://chat.riverside.example/");
        change(&mut config);
        let identity = Identity::new(store.clone(), clock.clone(), random.clone(), name.clone())
            .with_public_url("https://chat.riverside.example")
            .with_policy(policy);
        let identity = Arc::new(wire(identity, clock.clone()));
        for user in ["amy", "bob"] {
            identity.create_account(user, Some(PASSWORD), false).await.unwrap();
        }
        let clinical = Arc::new(Clinical::new(ClinicalParts {
            store: store.clone(),
            cipher: ColumnCipher::new(&[7; 32], random.clone()),
            clock: clock.clone(),
            random: random.clone(),
            server_name: name.clone(),
            zone: TimeZone::get("Europe/London").unwrap(),
            holidays: wardline_domain::care::bank_holiday::BankHolidays::default(),
            budget: wardline_clinical::Budget::default(),
            unreachable_after: None,
            digest_times: Vec::new(),
            call_managers: wardline_clinical::CallManagers {
                roles: vec!["site-manager".to_owned()],
                people: Vec::new(),
            },
            outgoing: None,
            signer: Arc::new(Signer::from_seed(name.clone(), "1", [7; 32]).unwrap()),
            playbooks: wardline_clinical::KnownPlaybooks::default(),
            conversations: Arc::new(crate::rooms::Rooms::default()),
        }));
        let signer = Signer::from_seed(name, "1", [7; 32]).unwrap();
        let context = Context::new(store.clone(), clock.clone(), random.clone(), signer, engine);
        let state = AppState {
            engine: Arc::new(Engine::start(Arc::new(context)).unwrap()),
            identity: identity.clone(),
            clinical: clinical.clone(),
            store: store.clone(),
            clock: clock.clone(),
            random,
            config: Arc::new(config),
            limiter: Arc::new(RateLimiter::new(clock.clone())),
        };
        Self { router: wardline_http::router(state), clock, identity, clinical, store, _folder: folder }
    }

    /// How many blobs lie on the disk.
    pub(crate) fn blobs(&self) -> usize {
        let folders = wardline_store::blobs::Blobs::new(self.store.path().with_file_name("media")).folders();
        folders.unwrap().into_iter().map(|folder| std::fs::read_dir(folder).unwrap().count()).sum()
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, headers, body }
    }

    /// `call` is a method and a path, such as `GET /_matrix/client/versions`; a null body is no body.
    pub(crate) async fn call(&self, call: &str, token: &str, body: Value) -> Answer {
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(request(call, token, body)).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.call(&format!("GET {path}"), token, Value::Null).await
    }

    /// Signs in by password; `more` adds members to the request.
    pub(crate) async fn login(&self, user: &str, more: Value) -> Answer {
        let mut body = login_body(user, PASSWORD);
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        self.call("POST /_matrix/client/v3/login", "", body).await
    }

    pub(crate) async fn token(&self, user: &str) -> String {
        text(&self.login(user, Value::Null).await.ok(), "access_token")
    }
}

pub(crate) fn request(call: &str, token: &str, body: Body) -> Request<Body> {
    let (method, path) = call.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    if !token.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let address: std::net::SocketAddr = "192.0.2.1:5000".parse().unwrap();
    request.extension(ConnectInfo(address)).body(body).unwrap()
}

pub(crate) fn login_body(user: &str, password: &str) -> Value {
    json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": user },
        "password": password,
    })
}

pub(crate) fn password_auth(user: &str, password: &str, session: &Value) -> Value {
    let mut auth = login_body(user, password);
    auth["session"] = session.clone();
    auth
}

pub(crate) fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap().to_owned()
}
