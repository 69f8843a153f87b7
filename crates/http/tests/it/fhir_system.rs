//! Systems without a person behind them (SMART Backend Services): registered by an administrator, proved by a signed assertion,
//! held to their scopes.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, routing::get};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};
use wardline_domain::Clock;
use wardline_outgoing::{Networks, Outgoing, OutgoingConfig};

use crate::{
    fhir::{Hospital, hospital, hospital_in, refused},
    oauth::{TOKEN, WHOAMI, post, refused as oauth_refused},
    support::{Answer, PASSWORD, Server, text},
};

/// Keys of P-384 made for these tests only.
const KEYS: [&str; 2] = [
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDBzZUmTaStH+6wGBI7TApqrrqUQ0sIV0vkNAMGRF5ERaVWn398/+yJmkHzZkojCuZShZANiAARuoGYdGZczBOhwI0+81sxpquy5p9ECk8OMM2ezLXbdvnmVqO9tj9EkvLMNZdnu67lMqd081kBC/ZMugqBJePg3auMK+loZpvIzq6oe38gf5bpniT/5g3OhJ3WcSrh5eAI=",
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDBAMn3iXmb3FIYe9feDT6PG3/eWy9uZq9zeHLLvsoUClrBsZI1SoLGWEaPvp8uis+uhZANiAAQMFJwORXb5R6bT8Qi8Y7NhtR1o5CWPi7DLkB5APLSNTVp2sgNGDO1ycojfR588FRjuZKlbjgDP3t+wDZxWdt0o6Y7FR7G3CEfly6uy4AWNeG7wXzjwCiVJQcaUMonp84c=",
];
const AUDIENCE: &str = "https://chat.riverside.example/oauth/token";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const CLIENTS: &str = "/_wardline/admin/v1/system-clients";
const MINUTE: i64 = 60_000;
/// A key of RSA, 2048 bits, made for tests only.
const FIRST: &[u8] = include_bytes!("oauth/keys/first.pem");

struct Key {
    private: EncodingKey,
    public: Jwk,
    algorithm: Algorithm,
}

impl Key {
    fn new(private: EncodingKey, algorithm: Algorithm, id: &str) -> Self {
        let mut public = Jwk::from_encoding_key(&private, algorithm).unwrap();
        public.common.key_id = Some(id.to_owned());
        Self { private, public, algorithm }
    }

    fn curve(n: usize) -> Self {
        let private = EncodingKey::from_ec_der(&STANDARD.decode(KEYS[n]).unwrap());
        Self::new(private, Algorithm::ES384, &format!("k{n}"))
    }

    fn rsa() -> Self {
        Self::new(EncodingKey::from_rsa_pem(FIRST).unwrap(), Algorithm::RS384, "rsa")
    }

    fn header(&self) -> Header {
        let mut header = Header::new(self.algorithm);
        header.kid.clone_from(&self.public.common.key_id);
        header
    }

    fn sign(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.private).unwrap()
    }
}

fn jwks(keys: &[&Key]) -> Value {
    json!({ "keys": keys.iter().map(|key| &key.public).collect::<Vec<_>>() })
}

/// The hospital with an administrator, and a number for the next assertion.
struct House {
    it: Hospital,
    zoe: String,
    next: AtomicUsize,
}

impl House {
    async fn new() -> Self {
        Self::of(hospital().await).await
    }

    async fn of(it: Hospital) -> Self {
        it.server.identity.create_account("zoe", Some(PASSWORD), true).await.unwrap();
        let zoe = it.server.token("zoe").await;
        Self { it, zoe, next: AtomicUsize::new(1) }
    }

    async fn register(&self, id: &str, scope: &str, keys: Value) -> Answer {
        let body = json!({ "name": "Laboratory", "scope": scope, "jwks": keys });
        self.it.server.call(&format!("PUT {CLIENTS}/{id}"), &self.zoe, body).await
    }

    /// The claims of an assertion as they should be, each time others.
    fn claims(&self) -> Value {
        let now = self.it.server.clock.now().as_millis() / 1000;
        json!({
            "iss": "lab", "sub": "lab", "aud": AUDIENCE, "exp": now + 300,
            "jti": format!("jti-{}", self.next.fetch_add(1, Ordering::Relaxed)),
        })
    }

    async fn present(&self, assertion: &str, scope: &str) -> Answer {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion),
            ("scope", scope),
        ];
        post(&self.it.server, TOKEN, &fields).await
    }

    async fn ask(&self, key: &Key, scope: &str) -> Answer {
        self.present(&key.sign(&key.header(), &self.claims()), scope).await
    }

    /// A token with this scope.
    async fn token(&self, key: &Key, scope: &str) -> String {
        text(&self.ask(key, scope).await.ok(), "access_token")
    }

    async fn get(&self, token: &str, path: &str) -> Answer {
        self.it.server.get(&format!("/fhir/R4/{path}"), token).await
    }

    /// How often the audit log has an action with this outcome.
    fn audited(&self, action: &str, outcome: &str) -> usize {
        let mut found = 0;
        let visit = |row: wardline_store::audit_log::AuditRow| {
            found += usize::from(row.action == action && row.outcome == outcome);
            Ok(())
        };
        self.it
            .server
            .store
            .read_now(|tx| wardline_store::audit_log::for_each(tx, 1, 100_000, visit))
            .unwrap();
        found
    }
}

#[tokio::test]
async fn a_system_is_let_in_and_does_what_its_scopes_say() {
    let house = House::new().await;
    let (curve, rsa) = (Key::curve(0), Key::rsa());
    let scope = "system/Patient.rs system/Task.rs system/*.rs system/Location.cud system/Practitioner.rs";
    let made = house.register("lab", scope, jwks(&[&curve, &rsa])).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let granted =
        house.ask(&curve, "system/Location.cruds system/Location.read system/Location.cu").await.ok();
    assert_eq!(granted["scope"], "system/Location.cruds", "what was registered, no more");
    assert_eq!((granted["token_type"].as_str(), granted["expires_in"].as_i64()), (Some("bearer"), Some(300)));
    assert!(granted.get("refresh_token").is_none());
    let token = text(&granted, "access_token");
    house.get(&token, "Location?type=ward").await.ok();
    refused(house.get(&token, "Patient").await, 403, "");
    let mut ward = house.get(&token, "Location/barts").await.ok();
    ward["description"] = json!("Cardiology");
    let put = async |token: &str, ward: &Value| {
        house.it.server.call("PUT /fhir/R4/Location/barts", token, ward.clone()).await
    };
    put(&token, &ward).await.ok();
    ward["description"] = json!("Renal");
    let reader = house.token(&rsa, "system/*.rs").await;
    refused(put(&reader, &ward).await, 403, "");

    // It sees every patient, each look on record, but is nobody's colleague.
    let patients = house.get(&reader, "Patient").await.ok();
    assert!(patients["total"].as_u64().unwrap() > 8, "not only those of one ward");
    let patient = text(&patients["entry"][0]["resource"], "id");
    house.get(&reader, &format!("Patient/{patient}")).await.ok();
    let task = house.it.task().await;
    house.it.put(task).await;
    assert_eq!(house.get(&reader, "Task").await.ok()["total"], 1);
    let room = house.get(&reader, &format!("Patient/{patient}/$conversation")).await;
    assert_eq!(room.body["issue"][0]["details"]["coding"][0]["code"], "only-members", "{}", room.body);
    refused(house.get(&reader, &format!("AuditEvent?patient=Patient/{patient}")).await, 403, "");
    refused(house.get(&reader, "HealthcareService/medical-registrar/$handover").await, 403, "");

    // And nothing outside the FHIR API.
    for path in
        [WHOAMI, "/_matrix/client/v3/sync", CLIENTS, "/_wardline/client/v1/playbooks", "/scim/v2/Users"]
    {
        let elsewhere = house.it.server.get(path, &reader).await;
        assert_eq!(elsewhere.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    house.it.server.clock.advance(5 * MINUTE);
    assert_eq!(house.get(&reader, "Patient").await.status, 401, "its time is over");
    assert_eq!(house.audited("oauth.system-token", "success"), 2);
    assert!(house.audited("patient.read", "success") >= 1);
}

#[tokio::test]
async fn an_assertion_that_proves_nothing_is_refused_and_one_is_good_once() {
    let house = House::new().await;
    let (key, other) = (Key::curve(0), Key::curve(1));
    house.register("lab", "system/Location.rs", jwks(&[&key])).await;
    let now = house.it.server.clock.now().as_millis() / 1000;
    let scope = "system/Location.rs";
    let changed = |name: &str, value: Value| {
        let mut claims = house.claims();
        claims[name] = value;
        claims
    };
    for (name, value, why) in [
        ("iss", json!("lad"), "iss and sub"),
        ("sub", json!(""), "iss and sub"),
        ("aud", json!("https://elsewhere.example/token"), "aud"),
        ("aud", Value::Null, "aud"),
        ("exp", json!(now), "has ended"),
        ("exp", json!(now + 301), "five minutes"),
        ("exp", json!("soon"), "exp is required"),
        ("nbf", json!(now + 120), "not good yet"),
        ("iat", json!(now + 120), "not good yet"),
        ("jti", Value::Null, "jti is required"),
        ("jti", json!("x".repeat(256)), "jti is required"),
    ] {
        let answer = house.present(&key.sign(&key.header(), &changed(name, value)), scope).await;
        oauth_refused(&answer, 401, "invalid_client");
        assert!(text(&answer.body, "error_description").contains(why), "{name}: {}", answer.body);
    }
    let header = |change: &dyn Fn(&mut Header)| {
        let mut header = key.header();
        change(&mut header);
        header
    };
    for (header, signer, why) in [
        (header(&|it| it.kid = None), &key, "kid is required"),
        (header(&|it| it.kid = Some("k1".to_owned())), &key, "none of the client's keys"),
        (header(&|_| ()), &other, "signature"),
        (header(&|it| it.typ = Some("at+jwt".to_owned())), &key, "typ"),
        (header(&|it| it.jku = Some("https://elsewhere.example/keys".to_owned())), &key, "jku"),
    ] {
        let answer = house.present(&signer.sign(&header, &house.claims()), scope).await;
        oauth_refused(&answer, 401, "invalid_client");
        assert!(text(&answer.body, "error_description").contains(why), "{why}: {}", answer.body);
    }
    // Algorithms that prove nothing, or less than they should.
    let hmac = EncodingKey::from_secret(key.public.common.key_id.as_ref().unwrap().as_bytes());
    let mut weak = Header::new(Algorithm::HS256);
    weak.kid = Some("k0".to_owned());
    let weak = jsonwebtoken::encode(&weak, &house.claims(), &hmac).unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIiwia2lkIjoiazAifQ.{}.", weak.split('.').nth(1).unwrap());
    for bad in [weak.as_str(), &unsigned, "", "a.b.c", &"x".repeat(10_000)] {
        oauth_refused(&house.present(bad, scope).await, 401, "invalid_client");
    }
    assert_eq!(house.audited("oauth.system-token", "success"), 0);
    assert_eq!(house.audited("oauth.system-token", "refused"), 12, "of a system that is known");

    let good = key.sign(&key.header(), &house.claims());
    house.present(&good, scope).await.ok();
    let again = house.present(&good, scope).await;
    oauth_refused(&again, 401, "invalid_client");
    assert!(text(&again.body, "error_description").contains("jti"), "{}", again.body);
    let listed = changed("aud", json!(["https://other.example", AUDIENCE]));
    house.present(&key.sign(&key.header(), &listed), scope).await.ok();
}

#[tokio::test]
async fn a_request_that_is_none_is_refused_by_name() {
    let house = House::new().await;
    let key = Key::curve(0);
    house.register("lab", "system/Location.rs", jwks(&[&key])).await;
    for (scope, error) in [
        ("system/Location.cruds", None),
        ("system/Location.c", Some("invalid_scope")),
        ("system/Patient.rs", Some("invalid_scope")),
        ("user/Location.rs", Some("invalid_scope")),
        ("", Some("invalid_scope")),
    ] {
        let answer = house.ask(&key, scope).await;
        match error {
            Some(error) => oauth_refused(&answer, 400, error),
            None => assert_eq!(answer.ok()["scope"], "system/Location.rs"),
        }
    }
    let assertion = key.sign(&key.header(), &house.claims());
    let base = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion.as_str()),
        ("scope", "system/Location.rs"),
    ];
    for missing in 1..4 {
        let fields: Vec<_> =
            base.iter().enumerate().filter(|(at, _)| *at != missing).map(|it| *it.1).collect();
        oauth_refused(&post(&house.it.server, TOKEN, &fields).await, 400, "invalid_request");
    }
    let with = |more| [&base[..], &[more]].concat();
    let secret = post(&house.it.server, TOKEN, &with(("client_secret", "x"))).await;
    oauth_refused(&secret, 400, "invalid_request");
    oauth_refused(&post(&house.it.server, TOKEN, &with(("client_id", "other"))).await, 401, "invalid_client");
    post(&house.it.server, TOKEN, &with(("client_id", "lab"))).await.ok();
}

#[tokio::test]
async fn an_administrator_registers_changes_and_removes() {
    let house = House::new().await;
    let (key, other) = (Key::curve(0), Key::curve(1));
    let body = json!({ "name": "Laboratory", "scope": "system/*.rs", "jwks": jwks(&[&key]) });
    let path = format!("{CLIENTS}/lab");
    let stranger = house.it.server.call(&format!("PUT {path}"), &house.it.nurse, body.clone()).await;
    stranger.refused(403, "M_FORBIDDEN");
    oauth_refused(&house.ask(&key, "system/*.rs").await, 401, "invalid_client");
    let put = async |id: &str, name: &str, value: Value| {
        let mut body = body.clone();
        body[name] = value;
        house.it.server.call(&format!("PUT {CLIENTS}/{id}"), &house.zoe, body).await
    };
    let mut private = jwks(&[&key]);
    private["keys"][0]["d"] = json!("AAAA");
    let mut anonymous = jwks(&[&key]);
    anonymous["keys"][0].as_object_mut().unwrap().remove("kid");
    for (id, name, value, field) in [
        ("Lab", "name", json!("x"), "client_id"),
        ("lab", "name", json!(" "), "name"),
        ("lab", "scope", json!("system/*.rs user/*.rs"), "scope"),
        ("lab", "scope", json!(""), "scope"),
        ("lab", "jwks", private, "jwks"),
        ("lab", "jwks", anonymous, "jwks"),
        ("lab", "jwks", json!({ "keys": [] }), "jwks"),
        ("lab", "jwks", Value::Null, "jwks"),
        ("lab", "jwks_uri", json!("https://lab.example/keys"), "jwks"),
    ] {
        let refused = put(id, name, value).await.refused(400, "M_INVALID_PARAM");
        assert!(text(&refused, "error").starts_with(&format!("{field}:")), "{refused}");
    }
    let listed = async || house.it.server.get(CLIENTS, &house.zoe).await.ok()["system_clients"].clone();
    assert_eq!(listed().await, json!([]));
    assert_eq!(put("lab", "scope", json!("system/Task.read system/*.rs system/Task.rs")).await.status, 201);
    let known = house.it.server.get(&path, &house.zoe).await.ok();
    assert_eq!((&known["client_id"], &known["scope"]), (&json!("lab"), &json!("system/*.rs system/Task.rs")));
    assert_eq!(listed().await[0], known);

    let token = house.token(&key, "system/*.rs").await;
    house.get(&token, "Location").await.ok();
    assert_eq!(put("lab", "jwks", jwks(&[&other])).await.status, 200);
    assert_eq!(house.get(&token, "Location").await.status, 401, "its tokens ended with the change");
    oauth_refused(&house.ask(&key, "system/*.rs").await, 401, "invalid_client");
    let token = house.token(&other, "system/*.rs").await;
    let revoked = house.token(&other, "system/*.rs").await;
    post(&house.it.server, "/oauth/revoke", &[("token", &revoked)]).await.ok();
    assert_eq!(house.get(&revoked, "Location").await.status, 401);
    house.get(&token, "Location").await.ok();
    house.it.server.call(&format!("DELETE {path}"), &house.zoe, Value::Null).await.ok();
    assert_eq!(house.get(&token, "Location").await.status, 401);
    house
        .it
        .server
        .call(&format!("DELETE {path}"), &house.zoe, Value::Null)
        .await
        .refused(404, "M_NOT_FOUND");
    assert_eq!(house.audited("oauth.system-client", "success"), 3);
}

#[tokio::test]
async fn keys_are_fetched_from_where_they_are_published() {
    let networks = Networks { allowed: vec!["127.0.0.0/8".parse().unwrap()], ..Networks::default() };
    let outgoing = Outgoing::new(OutgoingConfig { networks, ..OutgoingConfig::default() }).unwrap();
    let server = Server::wired(|identity, _| identity.with_outgoing(outgoing)).await;
    let house = House::of(hospital_in(server).await).await;
    let (key, other) = (Key::curve(0), Key::curve(1));
    let published = Arc::new(Mutex::new(jwks(&[&key])));
    let fetched = Arc::new(AtomicUsize::new(0));
    let (shown, count) = (Arc::clone(&published), Arc::clone(&fetched));
    let app = Router::new().route(
        "/keys",
        get(async move || {
            count.fetch_add(1, Ordering::SeqCst);
            shown.lock().unwrap().to_string()
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/keys", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let put = async |uri: &str| {
        let body = json!({ "name": "Laboratory", "scope": "system/*.rs", "jwks_uri": uri });
        house.it.server.call(&format!("PUT {CLIENTS}/lab"), &house.zoe, body).await
    };
    put("http://lab.example/keys").await.refused(400, "M_INVALID_PARAM");
    assert_eq!(put(&address).await.status, 201);
    let scope = "system/Location.rs";
    let mut header = key.header();
    header.jku = Some(address.clone());
    house.present(&key.sign(&header, &house.claims()), scope).await.ok();
    house.ask(&key, scope).await.ok();
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
    // The system changes its key: an unknown one is looked for, but not again and again.
    *published.lock().unwrap() = jwks(&[&other]);
    oauth_refused(&house.ask(&other, scope).await, 401, "invalid_client");
    house.it.server.clock.advance(MINUTE);
    house.ask(&other, scope).await.ok();
    oauth_refused(&house.ask(&key, scope).await, 401, "invalid_client");
    assert_eq!(fetched.load(Ordering::SeqCst), 2);
    *published.lock().unwrap() = json!("nonsense");
    house.it.server.clock.advance(MINUTE);
    oauth_refused(&house.ask(&key, scope).await, 401, "invalid_client");
}

#[tokio::test]
async fn the_configuration_says_that_systems_may_be_let_in() {
    let it = hospital().await;
    let found = it.server.get("/fhir/R4/.well-known/smart-configuration", "").await.ok();
    let has = |name: &str, value: &str| found[name].as_array().unwrap().contains(&json!(value));
    assert!(has("grant_types_supported", "client_credentials"));
    assert!(has("capabilities", "client-confidential-asymmetric"));
    assert!(has("token_endpoint_auth_methods_supported", "private_key_jwt"));
    assert!(has("token_endpoint_auth_signing_alg_values_supported", "RS384"));
    assert!(has("token_endpoint_auth_signing_alg_values_supported", "ES384"));
    assert!(has("scopes_supported", "system/*.rs"));
}
