//! What local accounts prove themselves with besides a password, invitations, and what administrators must show.
//! Passkeys are tested in a real browser: `web/e2e/sign-in.test.mjs`.

use serde_json::{Value, json};
use wardline_identity::AccountPolicy;

use super::{Browser, Shown, WHOAMI, authorize_path, code_for, redeem, register};
use crate::support::{PASSWORD, Server, text};

/// The bytes of a base32 text, as an authenticator application reads it.
fn base32(text: &str) -> Vec<u8> {
    let mut bits = 0_u64;
    let (mut count, mut bytes) = (0, Vec::new());
    for c in text.bytes().filter(|c| !c.is_ascii_whitespace()) {
        let value = if c.is_ascii_uppercase() { c - b'A' } else { c - b'2' + 26 };
        bits = bits << 5 | u64::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}

/// RFC 6238 with SHA-1, written out.
pub(crate) fn one_time_code(secret: &[u8], ms: i64) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(secret).unwrap();
    mac.update(&u64::try_from(ms / 30_000).unwrap().to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let at = usize::from(hash[19] & 0xf);
    let number = u32::from_be_bytes(hash[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

pub(crate) fn now(server: &Server) -> i64 {
    use wardline_domain::Clock;
    server.clock.now().as_millis()
}

/// Posts to the security page with one of its forms.
async fn secure(browser: &mut Browser<'_>, page: &Shown, fields: &[(&str, &str)]) -> Shown {
    let mut all: Vec<(String, String)> =
        page.hidden().into_iter().filter(|(name, _)| name == "csrf").collect();
    all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    browser.post("/account/security", &all).await
}

/// What stands between two marks.
fn between<'a>(html: &'a str, before: &str, after: &str) -> &'a str {
    html.split(before).nth(1).and_then(|rest| rest.split(after).next()).unwrap_or_else(|| panic!("{html}"))
}

const SECURITY: &str = "/account?action=org.wardline.security";

/// Switches one-time codes on for amy; the secret and the recovery codes.
pub(crate) async fn with_totp(server: &Server) -> (Vec<u8>, Vec<String>) {
    let mut browser = Browser::new(server);
    let page = browser.sign_in(SECURITY).await;
    let begun = secure(&mut browser, &page, &[("do", "totp-begin")]).await;
    assert!(begun.html.contains("<svg class=\"qr\" role=\"img\""), "{}", begun.html);
    let secret = base32(between(&begun.html, "<p class=\"key\">", "</p>"));
    assert_eq!(secret.len(), 20);
    let carried = begun.hidden().into_iter().find(|(name, _)| name == "carried").unwrap().1;
    let finish =
        |code: String| [("do", "totp-finish".to_owned()), ("carried", carried.clone()), ("code", code)];
    let wrong = finish("000000".into());
    let wrong: Vec<_> = wrong.iter().map(|(n, v)| (*n, &**v)).collect();
    assert_eq!(secure(&mut browser, &begun, &wrong).await.status, 400);
    let right = finish(one_time_code(&secret, now(server)));
    let right: Vec<_> = right.iter().map(|(n, v)| (*n, &**v)).collect();
    let done = secure(&mut browser, &begun, &right).await;
    let codes: Vec<String> =
        done.html.split("<code>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect();
    assert_eq!(codes.len(), 10, "{}", done.html);
    (secret, codes)
}

/// Gives amy's password; the page that asks for the code.
pub(crate) async fn half<'a>(server: &'a Server, path: &str) -> (Browser<'a>, Shown) {
    let mut browser = Browser::new(server);
    let page = browser.get(path).await;
    let fields = [("method", "password"), ("username", "amy"), ("password", PASSWORD)];
    let asked = browser.login(&page, path, &fields).await;
    assert!(asked.html.contains("one-time code"), "{}", asked.html);
    (browser, asked)
}

#[tokio::test]
async fn a_code_is_asked_after_the_password_and_good_once() {
    let server = Server::new().await;
    let (secret, _) = with_totp(&server).await;
    server.clock.advance(60_000);
    let (mut browser, asked) = half(&server, "/account").await;
    let code = one_time_code(&secret, now(&server));
    let given = [("method", "password"), ("code", &*code)];
    assert_eq!(browser.login(&asked, "/account", &given).await.location(), "/account");
    assert!(browser.get("/account").await.html.contains("Your profile"));
    // The same code again, and the one of the step before, in another browser.
    let (mut other, asked) = half(&server, "/account").await;
    for old in [code, one_time_code(&secret, now(&server) - 30_000)] {
        let again = other.login(&asked, "/account", &[("method", "password"), ("code", &old)]).await;
        assert_eq!(again.status, 403);
        assert!(again.html.contains("was used before"), "{}", again.html);
    }
    assert!(other.get("/account").await.html.contains("<h1>Sign in</h1>"), "half a sign-in is none");
}

#[tokio::test]
async fn a_recovery_code_is_good_once_in_place_of_a_code() {
    let server = Server::new().await;
    let (_, codes) = with_totp(&server).await;
    let typed = codes[3].to_lowercase().replace('-', " ");
    let (mut browser, asked) = half(&server, "/account").await;
    let given = [("method", "password"), ("code", &*typed)];
    browser.login(&asked, "/account", &given).await.location();
    assert!(browser.get(SECURITY).await.html.contains("You have 9 recovery codes left"));
    let (mut browser, asked) = half(&server, "/account").await;
    assert_eq!(browser.login(&asked, "/account", &given).await.status, 403);
}

#[tokio::test]
async fn codes_cannot_be_guessed_from_many_addresses_and_nobody_without_the_password_is_in_the_way() {
    let server = Server::new().await;
    let (secret, _) = with_totp(&server).await;
    let (mut browser, asked) = half(&server, "/account").await;
    let mut refused = 0;
    for n in 0..8 {
        let guess = format!("{n:06}");
        let answer = browser.login(&asked, "/account", &[("method", "password"), ("code", &guess)]).await;
        refused += u32::from(answer.status == 429);
    }
    assert!(refused >= 3, "{refused}");
    server.clock.advance(5 * 60_000);
    let (mut browser, asked) = half(&server, "/account").await;
    let code = one_time_code(&secret, now(&server));
    browser.login(&asked, "/account", &[("method", "password"), ("code", &code)]).await.location();
}

#[tokio::test]
async fn a_second_factor_closes_the_legacy_login_and_password_prompts() {
    let server = Server::new().await;
    let before = server.token("amy").await;
    let (_, _) = with_totp(&server).await;
    server.login("amy", Value::Null).await.refused(403, "M_FORBIDDEN");
    // What asked for the password now sends to the account page.
    let answer = server.call("POST /_matrix/client/v3/account/deactivate", &before, json!({})).await;
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert_eq!(answer.body["flows"], json!([{ "stages": ["m.oauth"] }]));
    let url = text(&answer.body["params"]["m.oauth"], "url");
    assert!(url.ends_with("/account?action=org.matrix.account_deactivate"), "{url}");
    // A password alone does not change how one signs in any more, nor close the account.
    let mut weak = Browser::new(&server);
    let page = weak.get(SECURITY).await;
    let fields = [("method", "password"), ("username", "amy"), ("password", PASSWORD)];
    let asked = weak.login(&page, SECURITY, &fields).await;
    assert!(asked.html.contains("one-time code"));
    assert!(secure(&mut weak, &page, &[("do", "totp-remove")]).await.html.contains("<h1>Sign in</h1>"));
}

#[tokio::test]
async fn weak_and_common_passwords_are_refused() {
    let server =
        Server::with_policy(AccountPolicy { password_login: true, ..AccountPolicy::default() }, |_| {}).await;
    let access = server.token("amy").await;
    let auth = json!({ "type": "m.login.password", "user": "amy", "password": PASSWORD });
    for weak in ["short", "password123", "riverside1", "amyamyamy"] {
        let body = json!({ "auth": auth, "new_password": weak });
        server
            .call("POST /_matrix/client/v3/account/password", &access, body)
            .await
            .refused(400, "M_WEAK_PASSWORD");
    }
    let body = json!({ "auth": auth, "new_password": "seven blue umbrellas" });
    server.call("POST /_matrix/client/v3/account/password", &access, body).await.ok();
    // The same on the page.
    let mut browser = Browser::new(&server);
    let page = browser.get(SECURITY).await;
    let fields = [("method", "password"), ("username", "amy"), ("password", "seven blue umbrellas")];
    browser.login(&page, SECURITY, &fields).await.location();
    let page = browser.get(SECURITY).await;
    let mut change =
        vec![("do", "password"), ("password", "seven blue umbrellas"), ("new_password", "qwertyuiop")];
    let answer = secure(&mut browser, &page, &change).await;
    assert!(answer.html.contains("easy to guess"), "{}", answer.html);
    change[1].1 = "not this one";
    change[2].1 = "eight green lanterns";
    assert!(secure(&mut browser, &page, &change).await.html.contains("The password is wrong"));
    change[1].1 = "seven blue umbrellas";
    assert!(secure(&mut browser, &page, &change).await.html.contains("in force"));
}

#[tokio::test]
async fn the_legacy_login_takes_passwords_only_when_that_is_switched_on() {
    let server = Server::with_policy(AccountPolicy::default(), |_| {}).await;
    server.login("amy", Value::Null).await.refused(403, "M_FORBIDDEN");
    let flows = server.get("/_matrix/client/v3/login", "").await.ok();
    assert!(!flows.to_string().contains("m.login.password"), "{flows}");
    // The sign-in page takes them.
    assert!(Browser::new(&server).sign_in("/account").await.html.contains("Your profile"));
}

/// A server with the administrator ada, who has a password and nothing else.
async fn with_admin() -> Server {
    let policy = AccountPolicy { password_login: true, ..AccountPolicy::default() };
    let server = Server::with_policy(policy, |_| {}).await;
    server.identity.create_account("ada", Some(PASSWORD), true).await.unwrap();
    server
}

#[tokio::test]
async fn an_administrator_without_a_second_factor_has_no_rights_and_must_add_one() {
    let server = with_admin().await;
    let weak = server.token("ada").await;
    let invitations = "/_wardline/admin/v1/invitations";
    let answer = server.get(invitations, &weak).await.refused(403, "M_FORBIDDEN");
    assert!(text(&answer, "error").contains("passkey"), "{answer}");
    // At the next sign-in there is no way past adding one.
    let client = register(&server).await;
    let path = authorize_path(&client, &[]);
    let mut browser = Browser::new(&server);
    let page = browser.get(&path).await;
    let fields = [("method", "password"), ("username", "ada"), ("password", PASSWORD)];
    assert_eq!(browser.login(&page, &path, &fields).await.location(), path);
    let to = browser.get(&path).await.location();
    assert!(to.starts_with(SECURITY) && to.contains("next=%2Foauth%2Fauthorize"), "{to}");
    let must = browser.get(&to).await;
    assert!(must.html.contains("Administrators need a second factor"), "{}", must.html);
    assert!(browser.get("/account").await.html.contains("Administrators need a second factor"));
    let begun = secure(&mut browser, &must, &[("do", "totp-begin"), ("next", &path)]).await;
    let secret = base32(between(&begun.html, "<p class=\"key\">", "</p>"));
    let carried = begun.hidden().into_iter().find(|(name, _)| name == "carried").unwrap().1;
    let code = one_time_code(&secret, now(&server));
    let fields = [("do", "totp-finish"), ("carried", &*carried), ("code", &*code), ("next", &*path)];
    assert!(secure(&mut browser, &begun, &fields).await.html.contains("Your recovery codes"));
    let consent = browser.get(&path).await;
    assert!(consent.html.contains("Allow this application?"), "{}", consent.html);
    let back = browser.fill(&consent, "/oauth/authorize", &[("decision", "allow")]).await.location();
    let code = super::answer_of(&back)["code"].clone();
    let answer = redeem(&server, &client, &code).await.ok();
    let strong = text(&answer, "access_token");
    server.get(invitations, &strong).await.ok();
    // Not for ever: the access token is refreshed, the proof grows old.
    let refresh = text(&answer, "refresh_token");
    server.clock.advance(12 * 60 * 60 * 1000 + 1);
    let later = text(&super::refresh(&server, &client, &refresh).await.ok(), "access_token");
    let answer = server.get(invitations, &later).await.refused(403, "M_FORBIDDEN");
    assert!(text(&answer, "error").contains("sign in again"), "{answer}");
}

#[tokio::test]
async fn an_invitation_makes_one_account() {
    let server = Server::new().await;
    server.identity.create_account("ada", Some(PASSWORD), true).await.unwrap();
    let (ada, amy) = (server.token("ada").await, server.token("amy").await);
    let path = "/_wardline/admin/v1/invitations";
    let ask = json!({ "kind": "patient", "note": "Mr Hughes", "expires_in_ms": 3_600_000 });
    server.call(&format!("POST {path}"), &amy, ask.clone()).await.refused(403, "M_FORBIDDEN");
    for bad in [
        json!({ "kind": "robot" }),
        json!({ "kind": "patient", "admin": true }),
        json!({ "expires_in_ms": 0 }),
    ] {
        server.call(&format!("POST {path}"), &ada, bad).await.refused(400, "M_INVALID_PARAM");
    }
    let made = server.call(&format!("POST {path}"), &ada, ask.clone()).await.ok();
    let link = text(&made, "url");
    let link = link.strip_prefix("https://chat.riverside.example").unwrap();
    let mut browser = Browser::new(&server);
    let page = browser.get(link).await;
    assert!(page.html.contains("Make your account"), "{}", page.html);
    let taken = [("username", "amy"), ("displayname", "Al"), ("password", PASSWORD)];
    assert!(browser.fill(&page, "/oauth/invitation", &taken).await.html.contains("is taken"));
    let right = [("username", "al.hughes"), ("displayname", "Al Hughes"), ("password", PASSWORD)];
    assert_eq!(browser.fill(&page, "/oauth/invitation", &right).await.location(), SECURITY);
    assert!(browser.get(SECURITY).await.html.contains("@al.hughes:riverside.example"));
    let token = text(&server.login("al.hughes", Value::Null).await.ok(), "access_token");
    assert_eq!(server.get(WHOAMI, &token).await.ok()["org.wardline.kind"], "patient");
    // Once only, and not after its time; a withdrawn one neither.
    assert_eq!(Browser::new(&server).get(link).await.status, 404);
    let mut again = browser.get(SECURITY).await.hidden();
    again.retain(|(name, _)| name == "csrf");
    let token = link.split("token=").nth(1).unwrap();
    for (name, value) in
        [("token", token), ("username", "other"), ("displayname", "O"), ("password", PASSWORD)]
    {
        again.push((name.into(), value.into()));
    }
    assert_eq!(browser.post("/oauth/invitation", &again).await.status, 404);
    let late = text(&server.call(&format!("POST {path}"), &ada, ask.clone()).await.ok(), "url");
    let gone = server.call(&format!("POST {path}"), &ada, ask).await.ok();
    server.call(&format!("DELETE {path}/{}", text(&gone, "id")), &ada, Value::Null).await.ok();
    for link in [text(&gone, "url"), late] {
        server.clock.advance(3_600_000);
        let link = link.strip_prefix("https://chat.riverside.example").unwrap();
        assert_eq!(Browser::new(&server).get(link).await.status, 404);
    }
    let list = server.get(path, &ada).await.ok();
    let used: Vec<_> = list["invitations"].as_array().unwrap().iter().map(|i| &i["used_by"]).collect();
    assert!(used.contains(&&json!("@al.hughes:riverside.example")), "{list}");
}

#[tokio::test]
async fn a_client_may_ask_for_a_newer_proof() {
    let server = Server::new().await;
    let client = register(&server).await;
    let mut browser = Browser::new(&server);
    let path = authorize_path(&client, &[("max_age", "120")]);
    assert!(browser.sign_in(&path).await.html.contains("Allow this application?"));
    server.clock.advance(119_000);
    assert!(browser.get(&path).await.html.contains("Allow this application?"));
    server.clock.advance(2_000);
    assert!(browser.get(&path).await.html.contains("<h1>Sign in</h1>"));
    let consent = browser.get(&authorize_path(&client, &[])).await;
    let mut fields = consent.hidden();
    fields.push(("max_age".into(), "120".into()));
    fields.push(("decision".into(), "allow".into()));
    assert!(browser.post("/oauth/authorize", &fields).await.location().starts_with("/oauth/authorize?"));
    assert!(browser.sign_in(&authorize_path(&client, &[("prompt", "login")])).await.html.contains("Allow"));
    let refused = browser.get(&authorize_path(&client, &[("max_age", "soon")])).await.location();
    assert_eq!(super::answer_of(&refused)["error"], "invalid_request");
}

#[tokio::test]
async fn the_servers_own_application_is_not_asked_about_just_after_signing_in() {
    let server = Server::new().await;
    let own = json!({
        "client_uri": "https://chat.riverside.example/",
        "redirect_uris": ["https://chat.riverside.example/"],
        "application_type": "web",
    });
    let client = text(&server.call("POST /oauth/register", "", own).await.body, "client_id");
    let path = authorize_path(&client, &[("redirect_uri", "https://chat.riverside.example/")]);
    let mut browser = Browser::new(&server);
    let back = browser.sign_in(&path).await.location();
    assert!(super::answer_of(&back).contains_key("code"), "{back}");
    // Whoever was signed in to the pages before is asked.
    browser.sign_in("/account").await;
    server.clock.advance(61_000);
    assert!(browser.get(&path).await.html.contains("Allow this application?"));
}

#[tokio::test]
async fn a_token_is_introspected_by_whoever_holds_it() {
    let server = Server::new().await;
    let client = register(&server).await;
    let code = code_for(&server, &client, &[]).await;
    let access = text(&redeem(&server, &client, &code).await.ok(), "access_token");
    let found = super::post(&server, "/oauth/introspect", &[("token", &access)]).await.ok();
    assert_eq!(found["active"], true);
    assert_eq!(found["sub"], "@amy:riverside.example");
    assert_eq!(found["device_id"], "PHONE12345");
    assert_eq!(found["auth_time"], json!(now(&server) / 1000));
    assert_eq!((&found["acr"], &found["amr"]), (&json!("aal1"), &json!(["password"])));
    server.clock.advance(60 * 60 * 1000);
    for dead in [&*access, "wl_nonsense"] {
        let found = super::post(&server, "/oauth/introspect", &[("token", dead)]).await.ok();
        assert_eq!(found, json!({ "active": false }));
    }
}
