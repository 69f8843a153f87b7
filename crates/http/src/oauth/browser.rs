//! Who is in front of a page, and whether a form really came from one of ours.

use std::net::IpAddr;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use url::form_urlencoded;
use wardline_identity::oauth::{Visitor, csrf_token};

use super::html::{Html, Page, PageError};
use crate::{AppState, extract::address_of};

/// The browser in front of a page.
#[derive(Debug)]
pub(super) struct Browser {
    cookie: String,
    /// Whether the browser does not have the cookie yet.
    fresh: bool,
    /// The long-lived cookie of a browser in which somebody has signed in before.
    known: Option<String>,
    secure: bool,
    /// Who is signed in to the pages.
    pub(super) visitor: Option<Visitor>,
}

pub(super) fn is_secure(state: &AppState) -> bool {
    state.config.public_base_url.starts_with("https:")
}

/// The prefix binds the cookie to this host and to HTTPS; a trial on plain HTTP goes without.
fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-wardline" } else { "wardline" }
}

fn cookie_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, value)| *key == name && value.len() == 43).map(|(_, value)| value)
}

impl Browser {
    fn of(headers: &HeaderMap, state: &AppState) -> Result<Self, PageError> {
        let secure = is_secure(state);
        let known = cookie_of(headers, known_name(secure)).map(str::to_owned);
        match cookie_of(headers, cookie_name(secure)) {
            Some(cookie) => {
                let visitor = state.identity.visitor(cookie)?;
                Ok(Self { cookie: cookie.to_owned(), fresh: false, known, secure, visitor })
            }
            None => Ok(Self { cookie: state.random.token(32), fresh: true, known, secure, visitor: None }),
        }
    }

    /// The value of the cookie.
    pub(super) fn cookie(&self) -> &str {
        &self.cookie
    }

    /// The value of the cookie if the browser does not have it yet.
    pub(super) fn fresh_cookie(&self) -> Option<&str> {
        self.fresh.then_some(&*self.cookie)
    }

    /// The long-lived cookie, if somebody has signed in here before.
    pub(super) fn known(&self) -> Option<&str> {
        self.known.as_deref()
    }

    /// The hidden field that every form carries.
    pub(super) fn csrf(&self) -> Html {
        Html::default().hidden("csrf", &csrf_token(&self.cookie))
    }

    /// The page, with the cookie that its forms need.
    pub(super) fn show(&self, page: Page) -> Response {
        let mut response = page.into_response();
        if self.fresh {
            set_cookie(&mut response, &self.cookie, self.secure);
        }
        response
    }
}

/// Gives the browser a cookie that ends with its last window, and that scripts and other sites' forms cannot use.
fn set_cookie(response: &mut Response, value: &str, secure: bool) {
    let name = cookie_name(secure);
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

fn known_name(secure: bool) -> &'static str {
    if secure { "__Host-wardline-known" } else { "wardline-known" }
}

/// Gives the browser the long-lived cookie by which it is known to have been used to sign in. It opens nothing: it only
/// counts this browser's attempts apart from those of others.
pub(super) fn set_known(state: &AppState, response: &mut Response, value: &str) {
    let secure = is_secure(state);
    let name = known_name(secure);
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; Max-Age=15552000; HttpOnly; SameSite=Lax{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Sends the browser on; with a new cookie if there is one.
pub(super) fn go(state: &AppState, to: &str, cookie: Option<&str>) -> Result<Response, PageError> {
    let location =
        HeaderValue::from_str(to).map_err(|_| PageError::bad_request("The address is not valid."))?;
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    let mut response = (StatusCode::SEE_OTHER, headers).into_response();
    if let Some(cookie) = cookie {
        set_cookie(&mut response, cookie, is_secure(state));
    }
    Ok(response)
}

impl FromRequestParts<AppState> for Browser {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, PageError> {
        Self::of(&parts.headers, state)
    }
}

/// A form that was sent from one of our pages in this browser.
#[derive(Debug)]
pub(super) struct Posted {
    pub(super) browser: Browser,
    /// Where it came from.
    pub(super) address: IpAddr,
    pub(super) fields: Vec<(String, String)>,
}

impl Posted {
    /// The value of a field, or nothing.
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }
}

impl FromRequest<AppState> for Posted {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, PageError> {
        let browser = Browser::of(request.headers(), state)?;
        let address = address_of(&state.config, request.headers(), request.extensions());
        let foreign = request.headers().get("sec-fetch-site").is_some_and(|site| site != "same-origin");
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|_| PageError::bad_request("The form could not be read."))?;
        let fields: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
        let posted = Self { browser, address, fields };
        if foreign || posted.browser.fresh || posted.field("csrf") != csrf_token(&posted.browser.cookie) {
            let text = "This page was open for too long, or cookies are switched off.";
            return Err(PageError::new(StatusCode::FORBIDDEN, text));
        }
        Ok(posted)
    }
}
