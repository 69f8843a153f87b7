//! What protects the pages.

use axum::body::Body;

use super::{Browser, authorize_path, form, register};
use crate::support::{PASSWORD, Server};

#[tokio::test]
async fn pages_cannot_be_framed_scripted_or_kept() {
    let server = Server::new().await;
    let client = register(&server).await;
    let mut browser = Browser::new(&server);
    let page = browser.get(&authorize_path(&client, &[])).await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert_eq!(
        policy,
        "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; frame-ancestors 'none'; \
         base-uri 'none'"
    );
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(page.headers["x-frame-options"], "DENY");
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    // The one script is ours and asks for passkeys; other pages have none.
    assert_eq!(page.html.matches("<script").count(), 1);
    assert!(page.html.contains("<script src=\"/oauth/passkey.js\" defer></script>"));
    assert!(browser.get("/oauth/passkey.js").await.html.contains("navigator.credentials"));
    let consent = browser.sign_in(&authorize_path(&client, &[])).await;
    let policy = consent.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self' https://app.example.com;"), "{policy}");
    assert!(!policy.contains("script-src") && !consent.html.contains("<script"), "{policy}");
    assert!(browser.get("/oauth/style.css").await.html.contains("focus-visible"));
}

#[tokio::test]
async fn a_form_of_another_site_or_browser_is_refused() {
    let server = Server::new().await;
    let client = register(&server).await;
    let mut amy = Browser::new(&server);
    let consent = amy.sign_in(&authorize_path(&client, &[])).await;
    let mut fields = consent.hidden();
    fields.push(("decision".into(), "allow".into()));
    // Another browser has another cookie, or none.
    let mut other = Browser::new(&server);
    assert_eq!(other.post("/oauth/authorize", &fields).await.status, 403);
    other.get(&authorize_path(&client, &[])).await;
    assert_eq!(other.post("/oauth/authorize", &fields).await.status, 403);
    // The right cookie without the token, and with it but from another site.
    let without: Vec<_> = fields.iter().filter(|(name, _)| name != "csrf").cloned().collect();
    assert_eq!(amy.post("/oauth/authorize", &without).await.status, 403);
    let pairs: Vec<_> = fields.iter().map(|(n, v)| (&**n, &**v)).collect();
    let body = Body::from(form(&pairs));
    let foreign = amy.send("POST /oauth/authorize", body, &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(foreign.status, 403);
    amy.post("/oauth/authorize", &fields).await.location();
}

#[tokio::test]
async fn signing_in_changes_the_cookie_and_one_decision_ends_the_visit() {
    let server = Server::new().await;
    let client = register(&server).await;
    let mut browser = Browser::new(&server);
    let path = authorize_path(&client, &[]);
    browser.get(&path).await;
    let before = browser.cookie.clone();
    let consent = browser.sign_in(&path).await;
    assert_ne!(browser.cookie, before);
    browser.fill(&consent, "/oauth/authorize", &[("decision", "allow")]).await.location();
    // The next person at this computer is asked for their own password.
    assert!(browser.get(&path).await.html.contains("<h1>Sign in</h1>"));
    assert!(
        browser.fill(&consent, "/oauth/authorize", &[("decision", "allow")]).await.html.contains("Sign in")
    );
}

#[tokio::test]
async fn a_visit_ends_by_itself_and_by_hand() {
    let server = Server::new().await;
    let mut browser = Browser::new(&server);
    assert!(browser.sign_in("/account").await.html.contains("Your profile"));
    server.clock.advance(15 * 60 * 1000);
    assert!(browser.get("/account").await.html.contains("<h1>Sign in</h1>"));
    let page = browser.sign_in("/account").await;
    let csrf = page.hidden().into_iter().find(|(name, _)| name == "csrf").unwrap();
    let out = browser.post("/oauth/logout", &[csrf, ("next".into(), "https://evil.com".into())]).await;
    assert_eq!(out.location(), "/account");
    assert!(browser.get("/account").await.html.contains("<h1>Sign in</h1>"));
}

#[tokio::test]
async fn a_wrong_password_is_said_at_once_and_guessing_is_limited() {
    let server = Server::new().await;
    let mut browser = Browser::new(&server);
    let page = browser.get("/account").await;
    for user in ["amy", "nobody"] {
        let fields = [("method", "password"), ("username", user), ("password", "guess guess")];
        let wrong = browser.login(&page, "/account", &fields).await;
        assert_eq!(wrong.status, 403);
        assert!(wrong.html.contains("role=\"alert\""));
        assert!(!wrong.html.contains("guess guess"));
    }
    for _ in 0..4 {
        let guess = [("method", "password"), ("username", "amy"), ("password", "guess")];
        browser.login(&page, "/account", &guess).await;
    }
    let right = [("method", "password"), ("username", "amy"), ("password", PASSWORD)];
    assert_eq!(browser.login(&page, "/account", &right).await.status, 429);
    // Somebody else at the same address is not locked out.
    let bob = [("method", "password"), ("username", "bob"), ("password", PASSWORD)];
    browser.login(&page, "/account", &bob).await.location();
}

#[tokio::test]
async fn the_way_on_after_signing_in_stays_here() {
    let server = Server::new().await;
    let mut browser = Browser::new(&server);
    let page = browser.get("/account").await;
    let csrf = page.hidden().into_iter().find(|(name, _)| name == "csrf").unwrap();
    for next in ["https://evil.com/", "//evil.com", "/_matrix/client/versions", ""] {
        let fields = [
            csrf.clone(),
            ("next".into(), next.into()),
            ("method".into(), "password".into()),
            ("username".into(), "amy".into()),
            ("password".into(), PASSWORD.into()),
        ];
        assert_eq!(browser.post("/oauth/login", &fields).await.status, 400, "{next}");
    }
}

#[tokio::test]
async fn pages_speak_welsh_to_who_asks_or_whose_browser_does() {
    let server = Server::new().await;
    let client = register(&server).await;
    let path = authorize_path(&client, &[]);
    let mut browser = Browser::new(&server);
    let english = browser.get(&path).await;
    assert!(english.html.contains("<html lang=\"en-GB\">") && english.html.contains("<h1>Sign in</h1>"));
    let accept = [("accept-language", "de, cy-GB;q=0.9, en;q=0.8")];
    let page = browser.send(&format!("GET {path}"), Body::empty(), &accept).await;
    assert!(
        page.html.contains("<html lang=\"cy\">") && page.html.contains("<h1>Mewngofnodi</h1>"),
        "{}",
        page.html
    );
    assert!(!page.headers.contains_key("set-cookie"), "nothing is kept of what the browser says each time");
    // Who asks gets it, whatever the browser says, and keeps it for this session.
    let page = browser.send(&format!("GET {path}&ui_locales=en"), Body::empty(), &accept).await;
    assert!(page.html.contains("<h1>Sign in</h1>"));
    let page = browser.get(&format!("{path}&ui_locales=fr+cy")).await;
    assert!(page.html.contains("<h1>Mewngofnodi</h1>"));
    let kept = page.headers.get_all("set-cookie").iter().next_back().unwrap().to_str().unwrap();
    assert_eq!(kept, "wardline-language=cy; Path=/; HttpOnly; SameSite=Lax; Secure");
    assert!(browser.get(&path).await.html.contains("<h1>Mewngofnodi</h1>"));
    let wrong =
        browser.send("GET /oauth/invitation?token=x", Body::empty(), &[("accept-language", "cy")]).await;
    assert_eq!(wrong.status, 404);
    assert!(wrong.html.contains("Mae’r gwahoddiad hwn wedi dod i ben"), "{}", wrong.html);
    let metadata = browser.get("/_matrix/client/v1/auth_metadata").await;
    assert!(metadata.html.contains("\"ui_locales_supported\":[\"en-GB\",\"cy\"]"), "{}", metadata.html);
}
