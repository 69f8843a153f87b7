//! Sign-in with identity providers: what is sent, what is accepted, what is refused, and what ends sessions.

mod bound;
pub(crate) mod cis2;
mod ending;
mod generic;
pub(crate) mod nhs_login;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use url::Url;
use wardline_identity::upstream::{ClientAuthentication, Profile, ProviderConfig, Upstream};

use super::{
    Browser, Shown, WHOAMI, answer_of, authorize_path, post,
    provider::{FIRST, Provider, SECOND, outgoing},
    redeem, refresh, register,
};
use crate::support::{Server, text};

const NOW_S: i64 = 1_800_000_000;
const CLIENT: &str = "wardline";

/// A server whose provider `trust` has this profile.
pub(crate) async fn house(
    profile: Profile,
    authentication: Option<ClientAuthentication>,
    change: impl FnOnce(&mut ProviderConfig),
) -> (Server, Provider) {
    let provider = Provider::start().await;
    let authentication = authentication.unwrap_or(ClientAuthentication::SecretBasic("s:ecret".into()));
    let mut config = ProviderConfig::new(profile, "trust", &provider.issuer, CLIENT, authentication);
    config.label = "Sign in with Riverside".into();
    change(&mut config);
    config.check().unwrap();
    let server = Server::wired(|identity, clock| {
        let base = "https://chat.riverside.example";
        identity.with_provider(Upstream::new(config, outgoing(), clock, base))
    })
    .await;
    (server, provider)
}

fn query(address: &str) -> std::collections::BTreeMap<String, String> {
    Url::parse(address).unwrap().query_pairs().into_owned().collect()
}

/// Claims that are in order for the generic profile.
fn claims(provider: &Provider, nonce: &str) -> Value {
    json!({
        "iss": provider.issuer, "aud": CLIENT, "sub": "sub-1", "exp": NOW_S + 300, "iat": NOW_S,
        "auth_time": NOW_S - 10, "nonce": nonce, "sid": "sid-1",
        "preferred_username": "Zoe.Ng@riverside.nhs.uk", "name": "Dr Zoe Ng", "given_name": "Zoe",
        "family_name": "Ng",
    })
}

/// Goes to the provider; the parameters that the browser took along.
async fn leave(browser: &mut Browser<'_>, next: &str) -> std::collections::BTreeMap<String, String> {
    let page = browser.get(next).await;
    assert!(page.html.contains("Sign in with Riverside"), "{}", page.html);
    let link = page.html.split("class=\"main\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    query(&browser.get(&link.replace("&amp;", "&")).await.location())
}

/// Goes to the provider and comes back with these claims.
pub(crate) async fn come_back(
    browser: &mut Browser<'_>,
    provider: &Provider,
    next: &str,
    change: impl FnOnce(&mut Value),
) -> Shown {
    let asked = leave(browser, next).await;
    let mut all = claims(provider, &asked["nonce"]);
    change(&mut all);
    let algorithm = if asked.contains_key("vtr") { Algorithm::RS512 } else { Algorithm::RS256 };
    provider.says.lock().id_token = provider.sign(("first", FIRST), algorithm, &all);
    browser.get(&format!("/oauth/upstream/trust/callback?code=c&state={}", asked["state"])).await
}

/// A whole sign-in of a client: its id, access token and refresh token.
pub(crate) async fn signed_in(
    server: &Server,
    provider: &Provider,
    change: impl FnOnce(&mut Value),
) -> (String, String, String) {
    let client = register(server).await;
    let mut browser = Browser::new(server);
    let path = authorize_path(&client, &[]);
    let back = come_back(&mut browser, provider, &path, change).await;
    assert_eq!(back.location(), path);
    finish(server, &mut browser, client, &path).await
}

pub(crate) async fn finish(
    server: &Server,
    browser: &mut Browser<'_>,
    client: String,
    path: &str,
) -> (String, String, String) {
    let consent = browser.get(path).await;
    let to = browser.fill(&consent, "/oauth/authorize", &[("decision", "allow")]).await.location();
    let tokens = redeem(server, &client, &answer_of(&to)["code"]).await.ok();
    (client, text(&tokens, "access_token"), text(&tokens, "refresh_token"))
}

/// The audit entries of an action: outcome and detail.
fn audited(server: &Server, action: &str) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    server
        .store
        .read_now(|tx| {
            wardline_store::audit_log::for_each(tx, 1, 10_000, |row| {
                if row.action == action {
                    all.push((row.outcome.clone(), serde_json::from_str(&row.detail).unwrap()));
                }
                Ok(())
            })
        })
        .unwrap();
    all
}

type Change = fn(&mut Value);

/// What no profile believes: the word in the audit, and what is other than it should be.
const WRONG: [(&str, Change); 11] = [
    ("token_issuer", |all| all["iss"] = json!("https://evil.example")),
    ("token_audience", |all| all["aud"] = json!("other")),
    ("token_party", |all| all["aud"] = json!([CLIENT, "other"])),
    ("token_party", |all| all["azp"] = json!("other")),
    ("token_expired", |all| all["exp"] = json!(NOW_S - 120)),
    ("token_expired", |all| drop(all.as_object_mut().unwrap().remove("exp"))),
    ("token_issued_at", |all| all["iat"] = json!(NOW_S + 600)),
    ("token_not_yet", |all| all["nbf"] = json!(NOW_S + 600)),
    ("token_nonce", |all| all["nonce"] = json!("other")),
    ("token_nonce", |all| drop(all.as_object_mut().unwrap().remove("nonce"))),
    ("token_subject", |all| all["sub"] = json!("")),
];

/// Comes back with these claims, which opens nothing; the word in the audit.
async fn refusal(server: &Server, provider: &Provider, change: impl FnOnce(&mut Value)) -> String {
    let mut browser = Browser::new(server);
    let page = come_back(&mut browser, provider, "/account", change).await;
    assert_eq!(page.status, 401, "{}", page.html);
    assert!(browser.get("/account").await.html.contains("<h1>Sign in</h1>"));
    let (outcome, detail) = audited(server, "session.sign-in").pop().unwrap();
    assert_eq!((outcome.as_str(), &detail["address"]), ("refused", &json!("192.0.2.1")));
    text(&detail, "why")
}

/// Comes back with a token that is signed as `sign` does it.
async fn signed_by(
    server: &Server,
    provider: &Provider,
    change: impl FnOnce(&mut Value),
    sign: impl FnOnce(&Value) -> String,
) -> Shown {
    let mut browser = Browser::new(server);
    let asked = leave(&mut browser, "/account").await;
    let mut all = claims(provider, &asked["nonce"]);
    change(&mut all);
    provider.says.lock().id_token = sign(&all);
    browser.get(&format!("/oauth/upstream/trust/callback?code=c&state={}", asked["state"])).await
}

/// A token without a signature.
fn unsigned(header: Value) -> impl Fn(&Value) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as B64};
    move |all| format!("{}.{}.", B64.encode(header.to_string()), B64.encode(all.to_string()))
}

/// Everything of [`WRONG`], and signatures that are none, on top of claims that `good` puts in order.
async fn believes_nothing_wrong(server: &Server, provider: &Provider, good: &dyn Fn(&mut Value)) {
    for (why, wrong) in WRONG {
        let change = |all: &mut Value| {
            good(all);
            wrong(all);
        };
        assert_eq!(refusal(server, provider, change).await, why);
    }
    for header in
        [json!({ "alg": "none" }), json!({ "alg": "HS256", "kid": "first" }), json!({ "alg": "ES256" })]
    {
        let page = signed_by(server, provider, good, unsigned(header.clone())).await;
        assert_eq!(page.status, 401, "{header}");
    }
    let foreign = |all: &Value| provider.sign(("first", SECOND), Algorithm::RS256, all);
    assert_eq!(signed_by(server, provider, good, foreign).await.status, 401);
}
