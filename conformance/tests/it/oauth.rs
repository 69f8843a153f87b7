//! matrix-sdk signs in by OAuth: it registers itself, a person consents in a browser, it refreshes, and resets its
//! cross-signing keys with leave from the account page.

use std::collections::BTreeMap;

use matrix_sdk::{
    Client, SessionTokens,
    authentication::oauth::registration::{ApplicationType, ClientMetadata, Localized, OAuthGrantType},
    encryption::{CrossSigningResetAuthType, EncryptionSettings},
    reqwest::{self, Response, Url, header, redirect::Policy},
    ruma::serde::Raw,
};

use crate::{
    encrypted::{PASSWORD, register},
    server::Server,
};

/// The application's loopback address; nobody listens there, the browser only reads where it is sent.
pub(crate) const CALLBACK: &str = "http://127.0.0.1:49152/callback";

pub(crate) fn metadata() -> Raw<ClientMetadata> {
    let url = |text: &str| Url::parse(text).expect("a URL");
    let grants = vec![
        OAuthGrantType::AuthorizationCode { redirect_uris: vec![url("http://127.0.0.1/callback")] },
        OAuthGrantType::DeviceCode,
    ];
    let page = Localized::new(url("https://conformance.example/"), []);
    Raw::new(&ClientMetadata::new(ApplicationType::Native, grants, page)).expect("metadata")
}

/// A browser that fills in the forms of plain pages.
pub(crate) struct Browser {
    http: reqwest::Client,
    /// Values by name, for each host with its port.
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

/// The most redirections that are followed.
const MAX_HOPS: usize = 20;

impl Browser {
    pub(crate) fn new() -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none()).build().expect("HTTP client");
        Self { http, cookies: BTreeMap::new() }
    }

    async fn send(&mut self, url: &Url, request: reqwest::RequestBuilder) -> Response {
        let jar = self.cookies.entry(url.authority().to_owned()).or_default();
        let all: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header(header::COOKIE, all.join("; ")).send().await.expect("the page answers");
        for set in answer.headers().get_all(header::SET_COOKIE) {
            let pair = set.to_str().expect("a cookie").split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a cookie has a name");
            jar.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    async fn get(&mut self, url: Url) -> String {
        let request = self.http.get(url.clone());
        self.send(&url, request).await.text().await.expect("a page")
    }

    /// Opens a page, wherever that leads; where the browser is then, and what it shows.
    pub(crate) async fn open(&mut self, mut url: Url) -> (Url, String) {
        for _ in 0..MAX_HOPS {
            let request = self.http.get(url.clone());
            let answer = self.send(&url, request).await;
            let Some(location) = answer.headers().get(header::LOCATION) else {
                return (url, answer.text().await.expect("a page"));
            };
            url = url.join(location.to_str().expect("an address")).expect("an address");
        }
        panic!("no page after {MAX_HOPS} redirections: {url}");
    }

    /// Sends the first form of a page with `fields` filled in; where the browser is sent then.
    pub(crate) async fn fill(&mut self, at: &Url, page: &str, fields: &[(&str, &str)]) -> Option<Url> {
        let form = page.split("<form").nth(1).expect("a form");
        let form = form.split("</form>").next().unwrap_or_default();
        let action =
            form.split("action=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an action");
        let mut all = BTreeMap::new();
        for hidden in form.split("<input type=\"hidden\" name=\"").skip(1) {
            let parts: Vec<&str> = hidden.splitn(4, '"').collect();
            all.insert(parts[0].to_owned(), parts[2].replace("&amp;", "&"));
        }
        all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut body = Url::parse("form:").expect("a URL");
        body.query_pairs_mut().extend_pairs(all);
        let to = at.join(action).expect("an address");
        let request = self
            .http
            .post(to.clone())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.query().unwrap_or_default().to_owned());
        let answer = self.send(&to, request).await;
        let status = answer.status();
        let location = answer.headers().get(header::LOCATION).cloned();
        if location.is_none() {
            assert!(status.is_success(), "{status}: {}", answer.text().await.unwrap_or_default());
        }
        location.map(|location| to.join(location.to_str().expect("an address")).expect("an address"))
    }

    /// Opens a page that asks for the password, and is shown what is behind it.
    pub(crate) async fn sign_in(&mut self, url: &Url) -> String {
        let page = self.get(url.clone()).await;
        let next = self.fill(url, &page, &[("username", "amy"), ("password", PASSWORD)]).await;
        self.get(next.expect("a way on")).await
    }
}

fn tokens(client: &Client) -> SessionTokens {
    client.session_tokens().expect("signed in")
}

/// A client of amy's that signed in by OAuth, with her consent in a browser.
pub(crate) async fn signed_in(server: &Server, browser: &mut Browser) -> Client {
    let settings = EncryptionSettings { auto_enable_cross_signing: true, ..EncryptionSettings::default() };
    let client = Client::builder()
        .homeserver_url(&server.url)
        .with_encryption_settings(settings)
        .build()
        .await
        .expect("client");
    let oauth = client.oauth();
    let callback = Url::parse(CALLBACK).expect("a URL");
    let login = oauth.login(callback, None, Some(metadata().into()), None).build().await.expect("registered");

    let consent = browser.sign_in(&login.url).await;
    let back =
        browser.fill(&login.url, &consent, &[("decision", "allow")]).await.expect("back to the client");
    assert!(back.as_str().starts_with(CALLBACK), "{back}");
    oauth.finish_login(back.into()).await.expect("signed in");
    assert_eq!(client.user_id().map(|user| user.as_str()), Some("@amy:conformance.example"));
    client
}

#[tokio::test]
async fn matrix_sdk_signs_in_by_oauth() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::open_registration(dir.path());
    register(&server, "amy").await;
    let mut browser = Browser::new();
    let client = signed_in(&server, &mut browser).await;
    let oauth = client.oauth();

    let before = tokens(&client);
    oauth.refresh_access_token().await.expect("refreshed");
    assert_ne!(tokens(&client).access_token, before.access_token);
    client.whoami().await.expect("the new token works");

    // Its first cross-signing keys need no leave; new ones do.
    client.encryption().wait_for_e2ee_initialization_tasks().await;
    let first = client.encryption().cross_signing_status().await.expect("keys");
    assert!(first.is_complete());
    let reset = client.encryption().reset_cross_signing().await.expect("asked").expect("leave is needed");
    let CrossSigningResetAuthType::OAuth(info) = reset.auth_type() else { panic!("m.oauth is offered") };
    let page = browser.sign_in(&info.approval_url).await;
    browser.fill(&info.approval_url, &page, &[("password", PASSWORD)]).await;
    reset.auth(None).await.expect("the keys are replaced");

    // The SDK's own sign-out insists on HTTPS, which this server has a proxy for; its request is made here.
    let revoke = format!("token={}&token_type_hint=access_token", tokens(&client).access_token);
    let answer = reqwest::Client::new()
        .post(format!("{}/oauth/revoke", server.url))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(revoke)
        .send()
        .await
        .expect("the server answers");
    assert!(answer.status().is_success());
    client.whoami().await.expect_err("the session has ended");
}
