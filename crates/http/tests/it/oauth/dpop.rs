//! Proof of possession (DPoP, RFC 9449): tokens that are good only with the client's key.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, ThumbprintHash},
};
use serde_json::{Value, json};
use sha2::Digest as _;

use super::{CALLBACK, TOKEN, VERIFIER, WHOAMI, authorize_path, code_for, form, register};
use crate::support::{Answer, Server, request, text};

/// Keys made for these tests only.
const KEYS: [&str; 2] = [
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgUfAiyvA22k6/qbdnqf4Ms7QOI1RhkoYlw4YW0VkSNNihRANCAAT5JBG0n2PeUZ5f5dxwP+o8Wihz6aC73ypzSXg3eGc6VFEP0XNTmUhDll6IP1cFbniJJu6d2qfE0gQ8mhDz6pHQ",
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgZFK0jr+tQRpY+vlz7d/u2qKiylyYddTx2TxOAn6m3B6hRANCAARn4wGBdFt+KLHs1mdiB3kKnMrWDhwU9TxpJHy+Q2+NYEh5xKgNV3tduBirXv6FgJy1FBYIhK75NDCbeUjVT2AI",
];
const ORIGIN: &str = "https://chat.riverside.example";

struct Key {
    private: EncodingKey,
    public: Jwk,
}

impl Key {
    fn new(n: usize) -> Self {
        let private = EncodingKey::from_ec_der(&STANDARD.decode(KEYS[n]).unwrap());
        let public = Jwk::from_encoding_key(&private, Algorithm::ES256).unwrap();
        Self { private, public }
    }

    fn thumbprint(&self) -> String {
        self.public.thumbprint(ThumbprintHash::SHA256).unwrap()
    }

    fn sign(&self, typ: &str, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(typ.to_owned());
        header.jwk = Some(self.public.clone());
        jsonwebtoken::encode(&header, claims, &self.private).unwrap()
    }
}

/// The claims of a proof as they should be, each time others.
fn claims(server: &Server, method: &str, path: &str, token: Option<&str>) -> Value {
    use wardline_domain::Clock;
    let mut claims = json!({
        "jti": server.identity.rendezvous().create(String::new()).unwrap().0,
        "htm": method,
        "htu": format!("{ORIGIN}{path}"),
        "iat": server.clock.now().as_millis() / 1000,
        "nonce": server.identity.dpop().nonce(),
    });
    if let Some(token) = token {
        claims["ath"] = json!(URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(token.as_bytes())));
    }
    claims
}

fn proof(server: &Server, key: &Key, method: &str, path: &str, token: Option<&str>) -> String {
    key.sign("dpop+jwt", &claims(server, method, path, token))
}

/// Posts to the token endpoint with a proof.
async fn post(server: &Server, fields: &[(&str, &str)], proof: &str) -> Answer {
    let mut request = request(&format!("POST {TOKEN}"), "", axum::body::Body::from(form(fields)));
    let headers = request.headers_mut();
    headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    headers.insert("dpop", proof.parse().unwrap());
    server.send(request).await
}

fn code_fields<'a>(client: &'a str, code: &'a str) -> [(&'static str, &'a str); 5] {
    [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

async fn get(server: &Server, path: &str, scheme: &str, token: &str, proof: Option<&str>) -> Answer {
    let mut request = request(&format!("GET {path}"), "", axum::body::Body::empty());
    request.headers_mut().insert("authorization", format!("{scheme} {token}").parse().unwrap());
    if let Some(proof) = proof {
        request.headers_mut().insert("dpop", proof.parse().unwrap());
    }
    server.send(request).await
}

/// A session bound to the key; the client and its tokens.
async fn bound(server: &Server, key: &Key) -> (String, Value) {
    let client = register(server).await;
    let code = code_for(server, &client, &[]).await;
    let answer =
        post(server, &code_fields(&client, &code), &proof(server, key, "POST", TOKEN, None)).await.ok();
    assert_eq!(answer["token_type"], "DPoP");
    (client, answer)
}

#[tokio::test]
async fn a_bound_token_is_good_only_with_a_proof_by_its_key_and_each_proof_once() {
    let server = Server::new().await;
    let (key, other) = (Key::new(0), Key::new(1));
    let (_, tokens) = bound(&server, &key).await;
    let access = text(&tokens, "access_token");
    let good = proof(&server, &key, "GET", WHOAMI, Some(&access));
    get(&server, WHOAMI, "DPoP", &access, Some(&good)).await.ok();
    let refused = |answer: Answer| {
        assert_eq!((answer.status.as_u16(), &answer.body["errcode"]), (401, &json!("ORG.WARDLINE.DPOP")));
        answer.headers["www-authenticate"].to_str().unwrap().to_owned()
    };
    let invalid = "DPoP error=\"invalid_dpop_proof\"";
    assert_eq!(refused(get(&server, WHOAMI, "DPoP", &access, Some(&good)).await), invalid, "used before");
    assert_eq!(refused(get(&server, WHOAMI, "Bearer", &access, None).await), invalid);
    assert_eq!(refused(get(&server, WHOAMI, "DPoP", &access, None).await), invalid);
    let by_other = proof(&server, &other, "GET", WHOAMI, Some(&access));
    assert_eq!(refused(get(&server, WHOAMI, "DPoP", &access, Some(&by_other)).await), invalid);
    for (claim, value) in [
        ("htm", json!("POST")),
        ("htu", json!(format!("{ORIGIN}/_matrix/client/v3/sync"))),
        ("htu", json!("https://evil.example/_matrix/client/v3/account/whoami")),
        ("ath", json!("other")),
        ("iat", json!(1_700_000_000)),
        ("jti", json!("")),
    ] {
        let mut changed = claims(&server, "GET", WHOAMI, Some(&access));
        changed[claim] = value;
        let proof = key.sign("dpop+jwt", &changed);
        assert_eq!(refused(get(&server, WHOAMI, "DPoP", &access, Some(&proof)).await), invalid, "{claim}");
    }
    let jwt = key.sign("JWT", &claims(&server, "GET", WHOAMI, Some(&access)));
    assert_eq!(refused(get(&server, WHOAMI, "DPoP", &access, Some(&jwt)).await), invalid, "typ");
    // A query does not matter.
    let path = "/_matrix/client/v3/account/whoami?x=1";
    let good = proof(&server, &key, "GET", WHOAMI, Some(&access));
    get(&server, path, "DPoP", &access, Some(&good)).await.ok();
}

#[tokio::test]
async fn a_proof_must_carry_a_fresh_nonce() {
    let server = Server::new().await;
    let key = Key::new(0);
    let (_, tokens) = bound(&server, &key).await;
    let access = text(&tokens, "access_token");
    let old = proof(&server, &key, "GET", WHOAMI, Some(&access));
    server.clock.advance(4 * 60 * 1000);
    let mut none = claims(&server, "GET", WHOAMI, Some(&access));
    none.as_object_mut().unwrap().remove("nonce");
    for stale in [old, key.sign("dpop+jwt", &none)] {
        let answer = get(&server, WHOAMI, "DPoP", &access, Some(&stale)).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.headers["www-authenticate"], "DPoP error=\"use_dpop_nonce\"");
        let mut fresh = claims(&server, "GET", WHOAMI, Some(&access));
        fresh["nonce"] = json!(answer.headers["dpop-nonce"].to_str().unwrap());
        get(&server, WHOAMI, "DPoP", &access, Some(&key.sign("dpop+jwt", &fresh))).await.ok();
    }
    // The same at the token endpoint.
    let client = register(&server).await;
    let code = code_for(&server, &client, &[]).await;
    let mut none = claims(&server, "POST", TOKEN, None);
    none.as_object_mut().unwrap().remove("nonce");
    let answer = post(&server, &code_fields(&client, &code), &key.sign("dpop+jwt", &none)).await;
    super::refused(&answer, 400, "use_dpop_nonce");
    let mut again = claims(&server, "POST", TOKEN, None);
    again["nonce"] = json!(answer.headers["dpop-nonce"].to_str().unwrap());
    post(&server, &code_fields(&client, &code), &key.sign("dpop+jwt", &again)).await.ok();
}

#[tokio::test]
async fn a_refresh_token_is_bound_too() {
    let server = Server::new().await;
    let (key, other) = (Key::new(0), Key::new(1));
    let (client, tokens) = bound(&server, &key).await;
    let token = text(&tokens, "refresh_token");
    let fields = [("grant_type", "refresh_token"), ("client_id", &*client), ("refresh_token", &*token)];
    super::refused(&super::refresh(&server, &client, &token).await, 400, "invalid_dpop_proof");
    let by_other = proof(&server, &other, "POST", TOKEN, None);
    super::refused(&post(&server, &fields, &by_other).await, 400, "invalid_dpop_proof");
    let next = post(&server, &fields, &proof(&server, &key, "POST", TOKEN, None)).await.ok();
    assert_eq!(next["token_type"], "DPoP");
    let access = text(&next, "access_token");
    let good = proof(&server, &key, "GET", WHOAMI, Some(&access));
    get(&server, WHOAMI, "DPoP", &access, Some(&good)).await.ok();
    let found = super::post(&server, "/oauth/introspect", &[("token", &access)]).await.ok();
    assert_eq!(found["cnf"]["jkt"], json!(key.thumbprint()));
}

#[tokio::test]
async fn a_code_may_be_bound_to_a_key_in_advance() {
    let server = Server::new().await;
    let (key, other) = (Key::new(0), Key::new(1));
    let client = register(&server).await;
    for (by, good) in [(None, false), (Some(&other), false), (Some(&key), true)] {
        let code = code_for(&server, &client, &[("dpop_jkt", &key.thumbprint())]).await;
        let answer = match by {
            None => super::redeem(&server, &client, &code).await,
            Some(by) => {
                post(&server, &code_fields(&client, &code), &proof(&server, by, "POST", TOKEN, None)).await
            }
        };
        assert_eq!(answer.status == 200, good, "{}", answer.body);
    }
    let bad =
        super::Browser::new(&server).get(&authorize_path(&client, &[("dpop_jkt", "x")])).await.location();
    assert_eq!(super::answer_of(&bad)["error"], "invalid_request");
}

#[tokio::test]
async fn a_token_that_is_not_bound_needs_no_proof_and_takes_none() {
    let server = Server::new().await;
    let (_, access, _) = super::signed_in(&server).await;
    get(&server, WHOAMI, "Bearer", &access, None).await.ok();
    let good = proof(&server, &Key::new(0), "GET", WHOAMI, Some(&access));
    assert_eq!(get(&server, WHOAMI, "DPoP", &access, Some(&good)).await.status, 401);
    let metadata = server.get("/_matrix/client/v1/auth_metadata", "").await.ok();
    assert_eq!(metadata["dpop_signing_alg_values_supported"][0], "ES256");
}
