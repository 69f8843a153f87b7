//! Any OpenID Connect provider.

use super::*;

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
    believes_nothing_wrong(&server, &provider, &|_| {}).await;
    let bad: [(&str, Change); 2] = [
        ("auth_time", |all| all["auth_time"] = json!(NOW_S - 600)),
        ("auth_time", |all| drop(all.as_object_mut().unwrap().remove("auth_time"))),
    ];
    for (why, change) in bad {
        assert_eq!(refusal(&server, &provider, change).await, why);
    }
}

#[tokio::test]
async fn signatures_are_pinned_and_keys_rotate() {
    let (server, provider) = house(Profile::Generic, None, |_| {}).await;
    let attempt = async |sign: &dyn Fn(&Value) -> String| {
        signed_by(&server, &provider, |_| {}, sign).await.status.as_u16()
    };
    // Another algorithm of the same key, a MAC with the public key's name, none, and a foreign key.
    assert_eq!(attempt(&|all| provider.sign(("first", FIRST), Algorithm::RS512, all)).await, 401);
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

#[tokio::test]
async fn the_way_to_the_provider_is_held_up_by_nobody_else_at_the_same_address() {
    let (server, provider) = house(Profile::Generic, None, |_| {}).await;
    let mut known = Browser::new(&server);
    come_back(&mut known, &provider, "/account", |_| {}).await;
    let away = "/oauth/login/elsewhere?method=oidc%3Atrust&next=%2Faccount";
    let mut held = false;
    for _ in 0..200 {
        held = Browser::new(&server).get(away).await.status == 429;
        if held {
            break;
        }
    }
    assert!(held, "the address has a limit");
    known.cookie = None;
    let back = come_back(&mut known, &provider, "/account", |_| {}).await;
    assert_eq!(back.location(), "/account");
}

#[tokio::test]
async fn clients_of_the_legacy_api_may_name_the_provider() {
    let (server, provider) = house(Profile::Generic, None, |_| ()).await;
    let flows = server.get("/_matrix/client/v3/login", "").await.ok();
    let offered = json!([{ "id": "trust", "name": "Sign in with Riverside" }]);
    assert_eq!(flows["flows"][0]["identity_providers"], offered);
    let start = "/_matrix/client/v3/login/sso/redirect";
    let address = super::super::form(&[("redirectUrl", "https://client.example/")]);
    server.get(&format!("{start}/unheard-of?{address}"), "").await.refused(404, "M_NOT_FOUND");
    server.get(&format!("{start}/trust"), "").await.refused(400, "M_MISSING_PARAM");
    let mut browser = Browser::new(&server);
    let away = browser.get(&format!("{start}/trust?{address}")).await.location();
    let asked = query(&browser.get(&away).await.location());
    provider.says.lock().id_token =
        provider.sign(("first", FIRST), Algorithm::RS256, &claims(&provider, &asked["nonce"]));
    let back = format!("/oauth/upstream/trust/callback?code=c&state={}", asked["state"]);
    let page = browser.get(&back).await.location();
    assert_eq!(page, format!("/oauth/sso?{address}"));
    let ask = browser.get(&page).await;
    let back = browser.fill(&ask, "/oauth/sso", &[("decision", "allow")]).await.location();
    let (_, token) = back.split_once("https://client.example/?loginToken=").unwrap();
    let login = json!({ "type": "m.login.token", "token": token });
    let signed = server.call("POST /_matrix/client/v3/login", "", login).await.ok();
    assert!(text(&signed, "user_id").starts_with("@zoe.ng"), "{signed}");
}
