//! Every way of signing in leaves one entry that says who, how, how surely, in which role, for which organisation, on which
//! device, and from where.

use serde_json::{Value, json};
use wardline_identity::{AccountPolicy, upstream::Profile};

use super::{
    Browser, CALLBACK, answer_of, authorize_path, devices,
    factors::{half, now, one_time_code, with_totp},
    form,
    passkey::SoftPasskey,
    redeem, register, signed_in,
    upstream::{
        self,
        cis2::{cis2, role},
        house,
        nhs_login::{clinic, nhs_login},
    },
};
use crate::support::{PASSWORD, Server, text};

const LOGIN: &str = "POST /_matrix/client/v3/login";
const SECURITY: &str = "/account?action=org.wardline.security";
const ADDRESS: &str = "192.0.2.1";

/// What an entry must say.
#[derive(Debug, Default, PartialEq)]
struct Said {
    actor: String,
    outcome: String,
    device: Option<String>,
    method: String,
    assurance: String,
    role: String,
    ods: String,
    address: String,
}

/// The sign-ins in the audit log.
fn sign_ins(server: &Server) -> Vec<Said> {
    let mut all = Vec::new();
    let read = server.store.read_now(|tx| {
        wardline_store::audit_log::for_each(tx, 1, 10_000, |row| {
            if row.action != "session.sign-in" {
                return Ok(());
            }
            let detail: Value = serde_json::from_str(&row.detail).unwrap();
            let say = |name: &str| detail[name].as_str().unwrap_or_default().to_owned();
            all.push(Said {
                actor: row.actor.clone(),
                outcome: row.outcome.clone(),
                device: row.device.clone(),
                method: say("method"),
                assurance: say("assurance"),
                role: say("role"),
                ods: say("ods"),
                address: say("address"),
            });
            Ok(())
        })
    });
    read.unwrap();
    all
}

/// The last sign-in was this one: a session on `device`, or a visit to the pages.
#[track_caller]
fn last(server: &Server, user: &str, device: Option<&str>, method: &str, assurance: &str) {
    let expected = Said {
        actor: format!("@{user}:riverside.example"),
        outcome: "success".into(),
        device: device.map(str::to_owned),
        method: method.into(),
        assurance: assurance.into(),
        address: ADDRESS.into(),
        ..Said::default()
    };
    assert_eq!(sign_ins(server).pop().unwrap(), expected);
}

/// Allows the client on the page where a browser is after signing in, and opens the session.
async fn allow(server: &Server, browser: &mut Browser<'_>, client: &str, path: &str) {
    let consent = browser.get(path).await;
    let to = browser.fill(&consent, "/oauth/authorize", &[("decision", "allow")]).await.location();
    redeem(server, client, &answer_of(&to)["code"]).await.ok();
}

#[tokio::test]
async fn local_accounts() {
    let server = Server::new().await;
    server.login("amy", json!({ "device_id": "LEGACY" })).await.ok();
    last(&server, "amy", Some("LEGACY"), "password", "aal1");
    // The pages, and the client that they let in.
    Browser::new(&server).sign_in("/account").await;
    last(&server, "amy", None, "password", "aal1");
    let (client, access, _) = signed_in(&server).await;
    last(&server, "amy", Some("PHONE12345"), "password", "aal1");
    // A device that another one lets in, by the legacy login API.
    let given = server.call("POST /_matrix/client/v1/login/get_token", &access, json!({})).await.ok();
    let token = json!({ "type": "m.login.token", "token": given["login_token"], "device_id": "CARRIED" });
    server.call(LOGIN, "", token).await.ok();
    last(&server, "amy", Some("CARRIED"), "login-token", "aal1");
    // The browser on the way to a client of the legacy login API.
    let mut browser = Browser::new(&server);
    let query = form(&[("redirectUrl", CALLBACK)]);
    let start = browser.get(&format!("/_matrix/client/v3/login/sso/redirect?{query}")).await.location();
    let ask = browser.sign_in(&start).await;
    let back = browser.fill(&ask, "/oauth/sso", &[("decision", "allow")]).await.location();
    let token = back.split_once("loginToken=").unwrap().1;
    let token = json!({ "type": "m.login.token", "token": token, "device_id": "BROUGHT" });
    server.call(LOGIN, "", token).await.ok();
    last(&server, "amy", Some("BROUGHT"), "password", "aal1");
    // A device without a browser.
    let asked = devices::begin(&server, &client).await;
    let mut browser = Browser::new(&server);
    let confirm = browser.sign_in(&devices::path_of(&asked["verification_uri_complete"])).await;
    browser.fill(&confirm, "/oauth/link", &[("decision", "allow")]).await;
    devices::poll(&server, &client, &asked).await.ok();
    last(&server, "amy", Some("PHONE12345"), "password", "aal1");
}

#[tokio::test]
async fn second_factors() {
    let server = Server::new().await;
    let client = register(&server).await;
    let path = authorize_path(&client, &[]);
    let mut browser = Browser::new(&server);
    browser.sign_in(SECURITY).await;
    let mut passkey = SoftPasskey::add(&mut browser, SECURITY).await;
    let mut browser = Browser::new(&server);
    passkey.sign_in(&mut browser, &path).await.location();
    last(&server, "amy", None, "passkey", "aal2");
    allow(&server, &mut browser, &client, &path).await;
    last(&server, "amy", Some("PHONE12345"), "passkey", "aal2");

    let server = Server::new().await;
    let client = register(&server).await;
    let (secret, codes) = with_totp(&server).await;
    server.clock.advance(60_000);
    let code = one_time_code(&secret, now(&server));
    for (code, method) in [(code, "password+totp"), (codes[0].clone(), "password+recovery-code")] {
        let (mut browser, asked) = half(&server, &path).await;
        browser.login(&asked, &path, &[("method", "password"), ("code", &code)]).await.location();
        last(&server, "amy", None, method, "aal2");
        allow(&server, &mut browser, &client, &path).await;
        last(&server, "amy", Some("PHONE12345"), method, "aal2");
    }
}

#[tokio::test]
async fn new_accounts() {
    let server = Server::with(|config| {
        config.registration_open = true;
        config.guests = true;
    })
    .await;
    let call = "POST /_matrix/client/v3/register";
    let body = json!({ "username": "cat", "password": PASSWORD, "device_id": "NEW",
        "auth": { "type": "m.login.dummy" } });
    server.call(call, "", body).await.ok();
    last(&server, "cat", Some("NEW"), "registration", "aal1");
    let guest = server.call("POST /_matrix/client/v3/register?kind=guest", "", Value::Null).await.ok();
    let (user, device) = (text(&guest, "user_id"), text(&guest, "device_id"));
    let local = user.trim_start_matches('@').split(':').next().unwrap();
    last(&server, local, Some(&device), "guest", "aal1");

    let server = Server::with_policy(AccountPolicy::lenient(), |_| {}).await;
    server.identity.create_account("ada", Some(PASSWORD), true).await.unwrap();
    let ada = server.token("ada").await;
    let ask = json!({ "kind": "outsider" });
    let made = server.call("POST /_wardline/admin/v1/invitations", &ada, ask).await.ok();
    let link = text(&made, "url");
    let link = link.strip_prefix("https://chat.riverside.example").unwrap();
    let mut browser = Browser::new(&server);
    let page = browser.get(link).await;
    let fields = [("username", "al"), ("displayname", "Al"), ("password", PASSWORD)];
    browser.fill(&page, "/oauth/invitation", &fields).await.location();
    last(&server, "al", None, "password", "aal1");
}

#[tokio::test]
async fn identity_providers() {
    let (server, provider) = house(Profile::Generic, None, |_| {}).await;
    upstream::signed_in(&server, &provider, |_| {}).await;
    last(&server, "zoe.ng", Some("PHONE12345"), "oidc:trust", "aal1");

    let (server, provider) = house(Profile::Cis2, None, |config| config.user_info = false).await;
    for (acr, assurance) in [("AAL3_ANY", "aal3"), ("AAL2_TOTP", "aal2")] {
        let nurse = |all: &mut Value| cis2(all, acr, json!([role("11", "RX1")]), Some("11"));
        upstream::signed_in(&server, &provider, nurse).await;
        // The visit to the pages and the session both say it.
        let both = sign_ins(&server).split_off(sign_ins(&server).len() - 2);
        for (said, device) in both.into_iter().zip([None, Some("PHONE12345")]) {
            let expected = Said {
                actor: "@555000000001:riverside.example".into(),
                outcome: "success".into(),
                device: device.map(str::to_owned),
                method: "oidc:trust".into(),
                assurance: assurance.into(),
                role: "S8000:G8000:R8001".into(),
                ods: "RX1".into(),
                address: ADDRESS.into(),
            };
            assert_eq!(said, expected);
        }
    }

    let (server, provider) = clinic(|_| {}).await;
    let (_, access, _) =
        upstream::signed_in(&server, &provider, |all| nhs_login(all, "P9", "P9.Cp.Cd")).await;
    let user = text(&server.get(super::WHOAMI, &access).await.ok(), "user_id");
    let local = user.trim_start_matches('@').split(':').next().unwrap();
    last(&server, local, Some("PHONE12345"), "oidc:trust", "aal2");
}

#[tokio::test]
async fn refusals() {
    let server = Server::new().await;
    let refused = |actor: &str, method: &str| Said {
        actor: actor.into(),
        outcome: "refused".into(),
        method: method.into(),
        address: ADDRESS.into(),
        ..Said::default()
    };
    server.login("amy", json!({ "password": "wrong" })).await.refused(403, "M_FORBIDDEN");
    assert_eq!(sign_ins(&server).pop().unwrap(), refused("@amy:riverside.example", "password"));
    server.login("nobody", Value::Null).await.refused(403, "M_FORBIDDEN");
    assert_eq!(sign_ins(&server).pop().unwrap(), refused("system:unknown-user", "password"));
    let token = json!({ "type": "m.login.token", "token": "wrong" });
    server.call(LOGIN, "", token).await.refused(403, "M_FORBIDDEN");
    assert_eq!(sign_ins(&server).pop().unwrap(), refused("system:unknown-user", "login-token"));
    with_totp(&server).await;
    let (mut browser, asked) = half(&server, "/account").await;
    browser.login(&asked, "/account", &[("method", "password"), ("code", "000000")]).await;
    assert_eq!(sign_ins(&server).pop().unwrap(), refused("@amy:riverside.example", "password+totp"));
    let bad = [("method", "passkey"), ("challenge", "x"), ("credential", "{}")];
    let page = browser.get("/account").await;
    browser.login(&page, "/account", &bad).await;
    assert_eq!(sign_ins(&server).pop().unwrap(), refused("system:unknown-user", "passkey"));
    // Before something grave on the pages.
    let server = Server::new().await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in("/account?action=org.matrix.account_deactivate").await;
    browser.fill(&page, "/account", &[("password", "wrong"), ("sure", "yes")]).await;
    assert_eq!(sign_ins(&server).pop().unwrap(), refused("@amy:riverside.example", "password"));
    // What a provider says is refused by `refusal` in `upstream`, which asks for the address.
}
