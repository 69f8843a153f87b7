//! The OAuth 2.0 authorisation server through the router: what clients send and what people do on the pages.

mod account;
mod audit;
mod clients;
mod code;
mod devices;
mod dpop;
mod factors;
mod legacy;
mod lockout;
mod pages;
mod passkey;
mod provider;
mod sessions;
mod upstream;

use axum::body::Body;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use url::{Url, form_urlencoded};

use crate::support::{Answer, PASSWORD, Server, request, text};

pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const CALLBACK: &str = "https://app.example.com/callback";
pub(crate) const SCOPE: &str = "urn:matrix:client:api:* urn:matrix:client:device:PHONE12345";
pub(crate) const WHOAMI: &str = "/_matrix/client/v3/account/whoami";
pub(crate) const TOKEN: &str = "/oauth/token";

pub(crate) fn metadata() -> Value {
    json!({
        "client_uri": "https://example.com/",
        "client_name": "Ward <App>",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "web",
    })
}

pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

pub(crate) async fn register(server: &Server) -> String {
    let answer = server.call("POST /oauth/register", "", metadata()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    text(&answer.body, "client_id")
}

/// Posts a form as a client does.
pub(crate) async fn post(server: &Server, path: &str, fields: &[(&str, &str)]) -> Answer {
    let mut request = request(&format!("POST {path}"), "", Body::from(form(fields)));
    let content = "application/x-www-form-urlencoded".parse().unwrap();
    request.headers_mut().insert(header::CONTENT_TYPE, content);
    server.send(request).await
}

#[track_caller]
pub(crate) fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status.as_u16(), &answer.body["error"]), (status, &json!(error)), "{}", answer.body);
}

/// A page as a browser gets it.
pub(crate) struct Shown {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
}

impl Shown {
    #[track_caller]
    pub(crate) fn location(&self) -> String {
        assert_eq!(self.status, 303, "{}", self.html);
        self.headers[header::LOCATION].to_str().unwrap().to_owned()
    }

    /// The hidden fields of the first form that has all of a decision's.
    pub(crate) fn hidden(&self) -> Vec<(String, String)> {
        let form = self.html.split("<form").nth(1).unwrap_or_default();
        let form = form.split("</form>").next().unwrap();
        let fields = form.split("<input type=\"hidden\" name=\"").skip(1);
        fields
            .map(|field| {
                let mut parts = field.split('"');
                let (name, value) = (parts.next().unwrap(), parts.nth(1).unwrap());
                (name.to_owned(), value.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
            })
            .collect()
    }
}

/// A browser with its one cookie.
pub(crate) struct Browser<'a> {
    server: &'a Server,
    pub(crate) cookie: Option<String>,
    /// The long-lived cookie.
    pub(crate) known: Option<String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(server: &'a Server) -> Self {
        Self { server, cookie: None, known: None }
    }

    pub(crate) async fn send(&mut self, call: &str, body: Body, more: &[(&str, &str)]) -> Shown {
        let mut request = request(call, "", body);
        let cookies: Vec<&str> =
            [&self.cookie, &self.known].into_iter().flatten().map(String::as_str).collect();
        if !cookies.is_empty() {
            request.headers_mut().insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        for (name, value) in more {
            let name: http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let response = self.server.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        for set in headers.get_all(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            assert!(set.ends_with("; HttpOnly; SameSite=Lax; Secure") && set.contains("; Path=/;"), "{set}");
            let cookie = set.split(';').next().map(str::to_owned);
            if set.starts_with("__Host-wardline-known=") {
                self.known = cookie;
            } else {
                self.cookie = cookie;
            }
        }
        Shown { status, headers, html: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Shown {
        self.send(&format!("GET {path}"), Body::empty(), &[]).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(String, String)]) -> Shown {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(&format!("POST {path}"), Body::from(body), &[("sec-fetch-site", "same-origin")]).await
    }

    /// Fills in the first form of a page and sends it.
    pub(crate) async fn fill(&mut self, page: &Shown, path: &str, fields: &[(&str, &str)]) -> Shown {
        let mut all = page.hidden();
        all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.post(path, &all).await
    }

    /// Fills in one of the forms of the sign-in page, which are for different methods, and sends it.
    pub(crate) async fn login(&mut self, page: &Shown, next: &str, fields: &[(&str, &str)]) -> Shown {
        let mut all: Vec<(String, String)> =
            page.hidden().into_iter().filter(|(name, _)| ["csrf", "ticket"].contains(&&**name)).collect();
        all.push(("next".into(), next.into()));
        all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.post("/oauth/login", &all).await
    }

    /// Opens a page that asks for amy's password, gives it, and is shown the page.
    pub(crate) async fn sign_in(&mut self, path: &str) -> Shown {
        let page = self.get(path).await;
        assert_eq!(page.status, 200, "{}", page.html);
        let fields = [("method", "password"), ("username", "amy"), ("password", PASSWORD)];
        let next = self.login(&page, path, &fields).await.location();
        assert_eq!(next, path);
        self.get(&next).await
    }
}

pub(crate) fn authorize_path(client: &str, changes: &[(&str, &str)]) -> String {
    let mut all = vec![
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", CALLBACK),
        ("scope", SCOPE),
        ("state", "st<a>te"),
        ("response_mode", "fragment"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        all.retain(|(old, _)| old != name);
        if !value.is_empty() {
            all.push((name, value));
        }
    }
    format!("/oauth/authorize?{}", form(&all))
}

/// The parameters of an answer in the fragment or query.
pub(crate) fn answer_of(location: &str) -> std::collections::BTreeMap<String, String> {
    let url = Url::parse(location).unwrap();
    let text = url.fragment().or(url.query()).unwrap_or_default();
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// The whole of sign-in and consent: a code for the client.
pub(crate) async fn code_for(server: &Server, client: &str, changes: &[(&str, &str)]) -> String {
    let mut browser = Browser::new(server);
    let consent = browser.sign_in(&authorize_path(client, changes)).await;
    assert!(consent.html.contains("Allow this application?"), "{}", consent.html);
    let back = browser.fill(&consent, "/oauth/authorize", &[("decision", "allow")]).await.location();
    answer_of(&back)["code"].clone()
}

pub(crate) async fn redeem(server: &Server, client: &str, code: &str) -> Answer {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    post(server, TOKEN, &fields).await
}

pub(crate) async fn refresh(server: &Server, client: &str, token: &str) -> Answer {
    let fields = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
    post(server, TOKEN, &fields).await
}

/// Signs amy in by OAuth; the client, the access token and the refresh token.
pub(crate) async fn signed_in(server: &Server) -> (String, String, String) {
    let client = register(server).await;
    let code = code_for(server, &client, &[]).await;
    let answer = redeem(server, &client, &code).await.ok();
    (client, text(&answer, "access_token"), text(&answer, "refresh_token"))
}
