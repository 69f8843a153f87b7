//! Sign-in with identity providers: what is sent, what is accepted, what is refused, and what ends sessions.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use url::Url;
use wardline_identity::{
    AccountKind,
    upstream::{ClientAuthentication, ClientKey, Poll, Profile, ProviderConfig, Upstream},
};

use super::{
    Browser, Shown, WHOAMI, answer_of, authorize_path, post,
    provider::{FIRST, Provider, SECOND, outgoing},
    redeem, refresh, register,
};
use crate::support::{Server, text};

const NOW_S: i64 = 1_800_000_000;
const CLIENT: &str = "wardline";
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A server whose provider `trust` has this profile.
async fn house(
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
async fn come_back(
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
async fn signed_in(
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

async fn finish(
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

#[tokio::test]
async fn a_first_sign_in_makes_the_account_and_the_next_finds_it() {
    let (server, provider) = house(Profile::Generic, None, |config| config.max_age_s = Some(60)).await;
    let mut browser = Browser::new(&server);
    let asked = leave(&mut browser, "/account").await;
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", "https://chat.riverside.example/oauth/upstream/trust/callback"),
        ("scope", "openid profile email offline_access"),
        ("code_challenge_method", "S256"),
        ("max_age", "60"),
    ] {
        assert_eq!(asked[name], value, "{name}");
    }
    let (_, access, _) = signed_in(&server, &provider, |_| {}).await;
    let who = server.get(WHOAMI, &access).await.ok();
    assert_eq!(who["user_id"], "@zoe.ng:riverside.example");
    assert_eq!(who["org.wardline.kind"], "staff");
    let profile = server.get("/_matrix/client/v3/profile/@zoe.ng:riverside.example", &access).await.ok();
    assert_eq!(profile["displayname"], "Dr Zoe Ng");
    {
        let says = provider.says.lock();
        let (form, authorization) = says.forms.last().unwrap();
        // `wardline:s%3Aecret`
        assert_eq!(authorization, "Basic d2FyZGxpbmU6cyUzQWVjcmV0");
        assert_eq!(form["grant_type"], "authorization_code");
        assert!(form["code_verifier"].len() >= 43 && !form.contains_key("client_secret"));
    }
    // The same person under another name and address is the same account.
    let renamed = |all: &mut Value| all["preferred_username"] = json!("someone.else");
    let (_, access, _) = signed_in(&server, &provider, renamed).await;
    assert_eq!(server.get(WHOAMI, &access).await.ok()["user_id"], "@zoe.ng:riverside.example");
    let entries = audited(&server, "session.sign-in");
    let (outcome, detail) = entries.last().unwrap();
    assert_eq!((outcome.as_str(), &detail["method"]), ("success", &json!("oidc:trust")));
    assert_eq!((&detail["assurance"], &detail["address"]), (&json!("aal1"), &json!("192.0.2.1")));
}

#[tokio::test]
async fn what_cannot_be_trusted_opens_no_session_and_is_audited() {
    let (server, provider) = house(Profile::Generic, None, |config| config.max_age_s = Some(60)).await;
    type Change = fn(&mut Value);
    let bad: [(&str, Change); 13] = [
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
        ("auth_time", |all| all["auth_time"] = json!(NOW_S - 600)),
        ("auth_time", |all| drop(all.as_object_mut().unwrap().remove("auth_time"))),
    ];
    for (why, change) in bad {
        let mut browser = Browser::new(&server);
        let page = come_back(&mut browser, &provider, "/account", change).await;
        assert_eq!(page.status, 401, "{why}: {}", page.html);
        let (outcome, detail) = audited(&server, "session.sign-in").pop().unwrap();
        assert_eq!((outcome.as_str(), &detail["why"]), ("refused", &json!(why)));
        assert!(browser.get("/account").await.html.contains("<h1>Sign in</h1>"));
    }
}

#[tokio::test]
async fn signatures_are_pinned_and_keys_rotate() {
    let (server, provider) = house(Profile::Generic, None, |_| {}).await;
    let attempt = async |sign: &dyn Fn(&Value) -> String| {
        let mut browser = Browser::new(&server);
        let asked = leave(&mut browser, "/account").await;
        let token = sign(&claims(&provider, &asked["nonce"]));
        provider.says.lock().id_token = token;
        let back = format!("/oauth/upstream/trust/callback?code=c&state={}", asked["state"]);
        browser.get(&back).await.status.as_u16()
    };
    // Another algorithm of the same key, a MAC with the public key's name, none, and a foreign key.
    assert_eq!(attempt(&|all| provider.sign(("first", FIRST), Algorithm::RS512, all)).await, 401);
    let unsigned = |header: Value| {
        move |all: &Value| {
            use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as B64};
            format!("{}.{}.", B64.encode(header.to_string()), B64.encode(all.to_string()))
        }
    };
    assert_eq!(attempt(&unsigned(json!({ "alg": "none" }))).await, 401);
    assert_eq!(attempt(&unsigned(json!({ "alg": "HS256", "kid": "first" }))).await, 401);
    assert_eq!(attempt(&|all| provider.sign(("first", SECOND), Algorithm::RS256, all)).await, 401);
    assert_eq!(attempt(&|all| provider.sign(("first", FIRST), Algorithm::RS256, all)).await, 303);
    // Rotation: an unknown key id makes the keys be fetched again, at most every half minute.
    let fetched = provider.says.lock().key_fetches;
    assert_eq!(attempt(&|all| provider.sign(("second", SECOND), Algorithm::RS256, all)).await, 401);
    assert_eq!(provider.says.lock().key_fetches, fetched);
    provider.says.lock().keys = vec![("second".into(), SECOND.to_vec())];
    server.clock.advance(31_000);
    assert_eq!(attempt(&|all| provider.sign(("second", SECOND), Algorithm::RS256, all)).await, 303);
    assert_eq!(provider.says.lock().key_fetches, fetched + 1);
}

#[tokio::test]
async fn an_answer_belongs_to_one_browser_one_attempt_and_one_issuer() {
    let (server, provider) = house(Profile::Generic, None, |_| {}).await;
    let mut browser = Browser::new(&server);
    let asked = leave(&mut browser, "/account").await;
    let token = provider.sign(("first", FIRST), Algorithm::RS256, &claims(&provider, &asked["nonce"]));
    provider.says.lock().id_token = token;
    let back = format!("/oauth/upstream/trust/callback?code=c&state={}", asked["state"]);
    assert_eq!(Browser::new(&server).get(&back).await.status, 401);
    assert_eq!(browser.get("/oauth/upstream/trust/callback?code=c").await.status, 401);
    assert_eq!(browser.get("/oauth/upstream/trust/callback?code=c&state=x").await.status, 401);
    let keep = browser.cookie.clone();
    assert_eq!(browser.get(&back).await.location(), "/account");
    browser.cookie = keep;
    assert_eq!(browser.get(&back).await.status, 401);
    // Another issuer's answer, and the provider's own refusals.
    for more in ["&iss=https%3A%2F%2Fevil.example", "&error=access_denied", "&error=server_error"] {
        let mut browser = Browser::new(&server);
        let asked = leave(&mut browser, "/account").await;
        let back = format!("/oauth/upstream/trust/callback?code=c&state={}{more}", asked["state"]);
        assert_eq!(browser.get(&back).await.status, 401, "{more}");
    }
    // Metadata of another issuer is nobody's.
    let (server, provider) = house(Profile::Generic, None, |_| {}).await;
    provider.says.lock().issuer = Some("https://evil.example".into());
    let mut browser = Browser::new(&server);
    let page = browser.get("/oauth/login/elsewhere?method=oidc%3Atrust&next=%2Faccount").await;
    assert_eq!(page.status, 502, "{}", page.html);
    let away =
        browser.get("/oauth/login/elsewhere?method=oidc%3Atrust&next=https%3A%2F%2Fevil.example").await;
    assert_eq!(away.status, 400);
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_and_nothing_is_joined() {
    let (server, provider) = house(Profile::Generic, None, |_| {}).await;
    let mut browser = Browser::new(&server);
    let amy = |all: &mut Value| all["preferred_username"] = json!("amy@riverside.nhs.uk");
    let page = come_back(&mut browser, &provider, "/account", amy).await;
    assert_eq!(page.status, 401);
    assert!(page.html.contains("already used by another account"), "{}", page.html);
    let nameless = |all: &mut Value| all["preferred_username"] = json!("@");
    assert_eq!(come_back(&mut Browser::new(&server), &provider, "/account", nameless).await.status, 401);
    // Without leave to make accounts.
    let (server, provider) = house(Profile::Generic, None, |config| config.creates_accounts = false).await;
    let page = come_back(&mut Browser::new(&server), &provider, "/account", |_| {}).await;
    assert!(page.html.contains("You have no account here"), "{}", page.html);
}

#[tokio::test]
async fn back_channel_logout_ends_the_sessions_at_once() {
    let (server, provider) = house(Profile::Generic, None, |_| {}).await;
    let (client, access, token) = signed_in(&server, &provider, |_| {}).await;
    let other = |all: &mut Value| all["sid"] = json!("sid-2");
    let (_, second, _) = signed_in(&server, &provider, other).await;
    // The first session is over: the same device signed in again. A third person's stays.
    let third = |all: &mut Value| {
        all["sub"] = json!("sub-3");
        all["sid"] = json!("sid-3");
        all["preferred_username"] = json!("third");
    };
    let (_, stays, _) = signed_in(&server, &provider, third).await;
    server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
    server.get(WHOAMI, &second).await.ok();
    let logout = |id: &str, change: &dyn Fn(&mut Value)| {
        let mut all = json!({
            "iss": provider.issuer, "aud": CLIENT, "iat": NOW_S, "exp": NOW_S + 120, "jti": id,
            "events": { LOGOUT_EVENT: {} }, "sub": "sub-1", "sid": "sid-2",
        });
        change(&mut all);
        provider.sign(("first", FIRST), Algorithm::RS256, &all)
    };
    let path = "/oauth/upstream/trust/backchannel-logout";
    let changes: [&dyn Fn(&mut Value); 7] = [
        &|all| all["iss"] = json!("https://evil.example"),
        &|all| all["aud"] = json!("other"),
        &|all| all["nonce"] = json!("n"),
        &|all| all["events"] = json!({}),
        &|all| all["iat"] = json!(NOW_S - 3600),
        &|all| drop(all.as_object_mut().unwrap().remove("jti")),
        &|all| {
            drop(all.as_object_mut().unwrap().remove("sid"));
            drop(all.as_object_mut().unwrap().remove("sub"));
        },
    ];
    for (n, change) in changes.into_iter().enumerate() {
        let answer = post(&server, path, &[("logout_token", &logout(&n.to_string(), change))]).await;
        assert_eq!((answer.status.as_u16(), &answer.body["error"]), (400, &json!("invalid_request")), "{n}");
    }
    server.get(WHOAMI, &second).await.ok();
    let good = logout("good", &|_| {});
    assert_eq!(post(&server, path, &[("logout_token", &good)]).await.status, 200);
    let over = server.get(WHOAMI, &second).await.refused(401, "M_UNKNOWN_TOKEN");
    // The device and its keys stay.
    assert_eq!(over["soft_logout"], true);
    assert_eq!(refresh(&server, &client, &token).await.status, 400);
    server.get(WHOAMI, &stays).await.ok();
    assert_eq!(post(&server, path, &[("logout_token", &good)]).await.status, 400);
    assert_eq!(post(&server, "/oauth/upstream/no/backchannel-logout", &[]).await.status, 404);
    let person = logout("person", &|all| {
        drop(all.as_object_mut().unwrap().remove("sid"));
        all["sub"] = json!("sub-3");
    });
    assert_eq!(post(&server, path, &[("logout_token", &person)]).await.status, 200);
    server.get(WHOAMI, &stays).await.refused(401, "M_UNKNOWN_TOKEN");
    let (_, detail) = audited(&server, "session.sign-out").pop().unwrap();
    assert_eq!(detail["why"], "back-channel-logout");
}

#[tokio::test]
async fn a_logout_between_consent_and_token_leaves_no_session() {
    let (server, provider) = house(Profile::Generic, None, |_| {}).await;
    let client = register(&server).await;
    let mut browser = Browser::new(&server);
    let path = authorize_path(&client, &[]);
    come_back(&mut browser, &provider, &path, |_| {}).await;
    let consent = browser.get(&path).await;
    let to = browser.fill(&consent, "/oauth/authorize", &[("decision", "allow")]).await.location();
    let token = json!({
        "iss": provider.issuer, "aud": CLIENT, "iat": NOW_S, "jti": "j", "events": { LOGOUT_EVENT: {} },
        "sub": "sub-1",
    });
    let token = provider.sign(("first", FIRST), Algorithm::RS256, &token);
    let path = "/oauth/upstream/trust/backchannel-logout";
    assert_eq!(post(&server, path, &[("logout_token", &token)]).await.status, 200);
    assert_eq!(redeem(&server, &client, &answer_of(&to)["code"]).await.status, 400);
}

#[tokio::test]
async fn polling_ends_sessions_within_fifteen_minutes() {
    for poll in [Poll::RefreshToken, Poll::Introspection, Poll::UserInfo] {
        let (server, provider) = house(Profile::Generic, None, |config| config.poll = poll).await;
        let (_, access, _) = signed_in(&server, &provider, |_| {}).await;
        provider.says.lock().user_info = json!({ "sub": "sub-1" });
        assert_eq!(server.identity.ask_providers().await.unwrap(), 0);
        let asked = provider.says.lock().forms.len();
        server.clock.advance(5 * 60 * 1000);
        assert_eq!(server.identity.ask_providers().await.unwrap(), 0);
        server.get(WHOAMI, &access).await.ok();
        if poll == Poll::RefreshToken {
            let says = provider.says.lock();
            assert_eq!(says.forms.len(), asked + 1, "asked when it is due, and not before");
            assert_eq!(says.forms.last().unwrap().0["refresh_token"], format!("rt{asked}"));
        }
        {
            let mut says = provider.says.lock();
            says.holds = false;
            says.user_info = Value::Null;
        }
        server.clock.advance(5 * 60 * 1000);
        assert_eq!(server.identity.ask_providers().await.unwrap(), 1, "{poll:?}");
        server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
    }
}

#[tokio::test]
async fn signing_out_of_the_pages_signs_out_there_too() {
    let (server, provider) = house(Profile::Generic, None, |_| {}).await;
    let mut browser = Browser::new(&server);
    come_back(&mut browser, &provider, "/account", |_| {}).await;
    let mut fields = browser.get("/account").await.hidden();
    fields.retain(|(name, _)| name == "csrf");
    let page = browser.post("/oauth/logout", &fields).await;
    assert_eq!(page.status, 200);
    let to = page.headers["refresh"].to_str().unwrap().strip_prefix("1; url=").unwrap();
    let asked = query(to);
    assert!(to.starts_with(&format!("{}/logout?", provider.issuer)));
    assert_eq!(asked["id_token_hint"], provider.says.lock().id_token);
    let back = "https://chat.riverside.example/oauth/upstream/trust/signed-out";
    assert_eq!(asked["post_logout_redirect_uri"], back);
    assert!(browser.get("/account").await.html.contains("<h1>Sign in</h1>"));
    assert_eq!(browser.get("/oauth/upstream/trust/signed-out").await.status, 200);
}

fn role(id: &str, organisation: &str) -> Value {
    json!({ "org_code": organisation, "person_orgid": "1", "person_roleid": id,
        "role_code": "S8000:G8000:R8001", "role_name": "\"Clinical\":\"Clinical Provision\":\"Nurse <A>\"" })
}

fn cis2(all: &mut Value, acr: &str, roles: Value, selected: Option<&str>) {
    all["acr"] = json!(acr);
    all["nhsid_useruid"] = json!("555000000001");
    all["idassurancelevel"] = json!("3");
    all["nhsid_nrbac_roles"] = roles;
    if let Some(selected) = selected {
        all["selected_roleid"] = json!(selected);
    }
}

#[tokio::test]
async fn cis2_asks_for_two_factors_and_takes_nothing_less() {
    let (server, provider) = house(Profile::Cis2, None, |config| config.user_info = false).await;
    let asked = leave(&mut Browser::new(&server), "/account").await;
    assert_eq!(asked["acr_values"], "AAL2_OR_AAL3_ANY");
    assert_eq!(
        asked["scope"],
        "openid profile email nhsperson nationalrbacaccess associatedorgs selectedrole"
    );
    for acr in ["AAL1_USERPASS", "", "AAL9"] {
        let one = |all: &mut Value| cis2(all, acr, json!([role("11", "RX1")]), Some("11"));
        let page = come_back(&mut Browser::new(&server), &provider, "/account", one).await;
        assert_eq!(page.status, 401, "{acr}");
    }
    let good = |all: &mut Value| cis2(all, "AAL2_TOTP", json!([role("11", "RX1")]), Some("11"));
    let (_, access, _) = signed_in(&server, &provider, good).await;
    let who = server.get(WHOAMI, &access).await.ok();
    assert_eq!(who["user_id"], "@555000000001:riverside.example");
    let expected = json!({ "id": "11", "code": "S8000:G8000:R8001", "name": "Nurse <A>", "ods": "RX1" });
    assert_eq!(who["org.wardline.role"], expected);
    let (_, detail) = audited(&server, "session.sign-in").pop().unwrap();
    for (name, value) in [("assurance", "aal2"), ("role", "S8000:G8000:R8001"), ("ods", "RX1")] {
        assert_eq!(detail[name], value, "{name}");
    }
    let (_, detail) = audited(&server, "session.sign-in").remove(0);
    assert_eq!(detail["why"], "acr");
}

#[tokio::test]
async fn cis2_roles_at_two_organisations_make_the_person_choose() {
    let (server, provider) = house(Profile::Cis2, None, |config| config.user_info = false).await;
    let client = register(&server).await;
    let path = authorize_path(&client, &[]);
    let two = |all: &mut Value| {
        cis2(all, "AAL3_ANY", json!([role("11", "RX1"), role("12", "RX2")]), Some("12"));
    };
    let mut browser = Browser::new(&server);
    let page = come_back(&mut browser, &provider, &path, two).await;
    assert_eq!(page.status, 200);
    assert!(page.html.contains("Choose your role") && page.html.contains("Nurse &lt;A&gt;"), "{}", page.html);
    assert!(page.html.find("at RX2") < page.html.find("at RX1"), "the one chosen at CIS2 is first");
    // Not one of theirs; and the ticket is spent by it.
    let wrong = browser.fill(&page, "/oauth/login", &[("choice", "13")]).await;
    assert_eq!(wrong.status, 401);
    assert_eq!(browser.fill(&page, "/oauth/login", &[("choice", "11")]).await.status, 401);
    let page = come_back(&mut browser, &provider, &path, two).await;
    let chosen = browser.fill(&page, "/oauth/login", &[("choice", "11")]).await;
    assert_eq!(chosen.location(), path);
    let (_, access, _) = finish(&server, &mut browser, client, &path).await;
    assert_eq!(server.get(WHOAMI, &access).await.ok()["org.wardline.role"]["ods"], "RX1");
    // Not in order: no session.
    for roles in [json!([]), json!("x"), json!([{ "org_code": "RX1" }])] {
        let bad = |all: &mut Value| cis2(all, "AAL3_ANY", roles, Some("11"));
        assert_eq!(come_back(&mut Browser::new(&server), &provider, "/account", bad).await.status, 401);
    }
}

#[tokio::test]
async fn cis2_another_role_is_taken_by_proving_again_who_one_is() {
    let (server, provider) = house(Profile::Cis2, None, |config| config.user_info = false).await;
    let with = |selected: &'static str| {
        let roles = json!([role("11", "RX1"), role("12", "RX1")]);
        move |all: &mut Value| cis2(all, "AAL3_ANY", roles, Some(selected))
    };
    let (client, first, _) = signed_in(&server, &provider, with("11")).await;
    let role_of = async |token: &str| server.get(WHOAMI, token).await.ok()["org.wardline.role"]["id"].clone();
    assert_eq!(role_of(&first).await, "11");
    server.clock.advance(60 * 60 * 1000);
    // The application asks for a proof that is new: being signed in at CIS2 still is not one.
    let mut browser = Browser::new(&server);
    let path = authorize_path(&client, &[("max_age", "0")]);
    assert_eq!(leave(&mut browser, &path).await["prompt"], "login");
    let later = |old: bool| {
        let change = with("12");
        move |all: &mut Value| {
            change(all);
            for claim in ["exp", "iat", "auth_time"] {
                let late = if old && claim == "auth_time" { 0 } else { 60 * 60 };
                all[claim] = json!(all[claim].as_i64().unwrap() + late);
            }
        }
    };
    let back = come_back(&mut browser, &provider, &path, later(true)).await;
    assert_eq!(back.status, 401, "the sign-in at CIS2 is an hour old");
    let back = come_back(&mut browser, &provider, &path, later(false)).await;
    assert_eq!(back.location(), path);
    let (_, second, _) = finish(&server, &mut browser, client, &path).await;
    // The same device, in the other role; the session in the first one is over.
    assert_eq!(role_of(&second).await, "12");
    server.get(WHOAMI, &first).await.refused(401, "M_UNKNOWN_TOKEN");
    let mut roles: Vec<_> = audited(&server, "session.sign-in")
        .into_iter()
        .filter(|(outcome, _)| outcome == "success")
        .map(|(_, detail)| detail["role_id"].clone())
        .collect();
    roles.dedup();
    assert_eq!(roles, ["11", "12"]);
}

#[tokio::test]
async fn cis2_a_role_that_is_taken_away_ends_the_session() {
    let (server, provider) = house(Profile::Cis2, None, |_| {}).await;
    let says = |roles: Value| {
        let info = json!({ "sub": "sub-1", "nhsid_useruid": "555000000001", "nhsid_nrbac_roles": roles,
            "selected_roleid": "11" });
        provider.says.lock().user_info = info;
    };
    says(json!([role("11", "RX1")]));
    let (_, access, _) = signed_in(&server, &provider, |all| all["acr"] = json!("AAL3_ANY")).await;
    server.clock.advance(5 * 60 * 1000);
    assert_eq!(server.identity.ask_providers().await.unwrap(), 0);
    says(json!([role("12", "RX1")]));
    server.clock.advance(5 * 60 * 1000);
    assert_eq!(server.identity.ask_providers().await.unwrap(), 1);
    server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
}

fn nhs_login(all: &mut Value, level: &str, vot: &str) {
    all["identity_proofing_level"] = json!(level);
    all["vot"] = json!(vot);
    all["nhs_number"] = json!("9434765919");
}

#[tokio::test]
async fn nhs_login_makes_patients() {
    let key = ClientKey::of_pem(SECOND, wardline_identity::upstream::AlgorithmName::RS512, None).unwrap();
    let authentication = ClientAuthentication::PrivateKeyJwt(key);
    let change = |config: &mut ProviderConfig| config.user_info = false;
    let (server, provider) = house(Profile::NhsLogin, Some(authentication), change).await;
    let asked = leave(&mut Browser::new(&server), "/account").await;
    assert_eq!(asked["vtr"], r#"["P9.Cp.Cd","P9.Cp.Ck","P9.Cm"]"#);
    for (level, vot) in [("P5", "P9.Cm"), ("P9", "P5.Cp.Cd"), ("P9", "P9.Cp"), ("P0", "P0.Cp")] {
        let mut browser = Browser::new(&server);
        let page = come_back(&mut browser, &provider, "/account", |all| nhs_login(all, level, vot)).await;
        assert_eq!(page.status, 401, "{level} {vot}");
    }
    let (client, access, token) = signed_in(&server, &provider, |all| nhs_login(all, "P9", "P9.Cp.Cd")).await;
    let who = server.get(WHOAMI, &access).await.ok();
    let user = text(&who, "user_id");
    assert_eq!(who["org.wardline.kind"], "patient");
    assert!(user.starts_with("@patient-") && !user.contains("9434765919"), "{user}");
    let profile = server.get(&format!("/_matrix/client/v3/profile/{user}"), &access).await.ok();
    assert_eq!(
        (&profile["displayname"], &profile["org.wardline.kind"]),
        (&json!("Zoe Ng"), &json!("patient"))
    );
    {
        // Signed with our key, whose public half is served.
        let says = provider.says.lock();
        let (form, _) = says.forms.last().unwrap();
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        assert_eq!(form["client_assertion_type"], kind);
        let header = jsonwebtoken::decode_header(&form["client_assertion"]).unwrap();
        assert_eq!(header.alg, Algorithm::RS512);
        let claims: Value = payload(&form["client_assertion"]);
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!(CLIENT), &json!(CLIENT)));
        assert_eq!(claims["aud"], format!("{}/token", provider.issuer));
    }
    let keys = server.get("/oauth/jwks.json", "").await.ok();
    assert_eq!(keys["keys"][0]["alg"], "RS512");
    assert!(keys["keys"][0].get("d").is_none() && keys["keys"].as_array().unwrap().len() == 1);
    // Thirty minutes without use; waiting for news is no use.
    server.clock.advance(29 * 60 * 1000);
    server.get(WHOAMI, &access).await.ok();
    server.clock.advance(29 * 60 * 1000);
    server.get("/_matrix/client/v3/sync", &access).await.ok();
    server.clock.advance(60 * 1000);
    server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
    assert_eq!(refresh(&server, &client, &token).await.status, 400);
    let account = server
        .store
        .read_now(|tx| {
            wardline_store::accounts::kind(tx, <&wardline_domain::ruma::UserId>::try_from(&*user).unwrap())
        })
        .unwrap();
    assert_eq!(account, Some(AccountKind::Patient));
}

#[tokio::test]
async fn nhs_login_ends_after_twelve_hours_of_use() {
    let key = ClientKey::of_pem(SECOND, wardline_identity::upstream::AlgorithmName::RS512, None).unwrap();
    let authentication = ClientAuthentication::PrivateKeyJwt(key);
    let change = |config: &mut ProviderConfig| config.user_info = false;
    let (server, provider) = house(Profile::NhsLogin, Some(authentication), change).await;
    let (client, mut access, mut token) =
        signed_in(&server, &provider, |all| nhs_login(all, "P9", "P9.Cm")).await;
    for _ in 0..28 {
        server.clock.advance(25 * 60 * 1000);
        let fresh = refresh(&server, &client, &token).await.ok();
        (access, token) = (text(&fresh, "access_token"), text(&fresh, "refresh_token"));
        server.get(WHOAMI, &access).await.ok();
    }
    server.clock.advance(21 * 60 * 1000);
    server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
    assert_eq!(refresh(&server, &client, &token).await.status, 400);
}

/// The claims of a token, unchecked.
fn payload(token: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
