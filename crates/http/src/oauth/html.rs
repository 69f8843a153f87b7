//! The pages' HTML: small, readable by screen readers. The one script asks the browser for passkeys.

use std::fmt::Write as _;

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use url::{Host, Url};
use wardline_identity::{IdentityError, oauth::OAuthError};

use super::words::{language, say, say_markup};

use crate::{AppState, MatrixError};

const STYLE: &str = "/oauth/style.css";
const SCRIPT: &str = "/oauth/passkey.js";

pub(super) fn routes() -> Router<AppState> {
    Router::new().route(STYLE, get(style)).route(SCRIPT, get(script))
}

async fn script() -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (headers, include_str!("passkey.js")).into_response()
}

async fn style() -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (headers, include_str!("style.css")).into_response()
}

/// HTML that may be put on a page as it is: all that came from outside was escaped.
#[derive(Clone, Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup written here, in the language of the page.
    pub(super) fn raw(mut self, markup: &str) -> Self {
        self.0.push_str(&say_markup(markup));
        self
    }

    /// A sentence of ours, in the language of the page.
    pub(super) fn say(self, text: &str) -> Self {
        self.text(&say(text))
    }

    /// Text from anywhere, in an element or a quoted attribute.
    pub(super) fn text(mut self, text: &str) -> Self {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
        self
    }

    /// Other HTML.
    pub(super) fn add(mut self, other: Html) -> Self {
        self.0.push_str(&other.0);
        self
    }

    /// `<tag>text</tag>` with a sentence of ours; `tag` may have attributes.
    pub(super) fn element(self, tag: &str, text: &str) -> Self {
        let name = tag.split(' ').next().unwrap_or(tag);
        self.raw(&format!("<{tag}>")).say(text).raw(&format!("</{name}>"))
    }

    /// A hidden field of a form.
    pub(super) fn hidden(self, name: &str, value: &str) -> Self {
        self.raw("<input type=\"hidden\" name=\"").text(name).raw("\" value=\"").text(value).raw("\">")
    }

    /// A labelled field of a form; `attributes` is markup written here.
    pub(super) fn field(self, name: &str, label: &str, value: &str, attributes: &str) -> Self {
        self.raw(&format!("<label for=\"{name}\">"))
            .say(label)
            .raw(&format!("</label><input id=\"{name}\" name=\"{name}\" value=\""))
            .text(value)
            .raw(&format!("\" {attributes}>"))
    }

    /// A button that sends its form with `name` set to `value`; `class` is `main`, `plain` or `danger`.
    pub(super) fn button(self, class: &str, name: &str, value: &str, label: &str) -> Self {
        self.raw(&format!("<button class=\"{class}\" name=\"{name}\" value=\""))
            .text(value)
            .raw("\">")
            .say(label)
            .raw("</button>")
    }

    /// What went wrong, where a screen reader says it at once.
    pub(super) fn alert(self, text: &str) -> Self {
        self.element("p role=\"alert\" class=\"error\"", text)
    }
}

/// A whole page.
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    pub(super) body: Html,
    /// Where, besides this server, an answer to a form on the page may send the browser: a CSP source.
    pub(super) form_source: Option<String>,
    /// Whether the script that asks for passkeys runs on it.
    pub(super) script: bool,
}

impl Page {
    pub(super) fn new(title: &'static str, body: Html) -> Self {
        Self { status: StatusCode::OK, title, body, form_source: None, script: false }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut html = String::with_capacity(2048 + self.body.0.len());
        let title = Html::default().say(self.title).0;
        let language = language();
        let script =
            if self.script { format!("<script src=\"{SCRIPT}\" defer></script>") } else { String::new() };
        let _ = write!(
            html,
            "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>{title} – Wardline</title><link rel=\"stylesheet\" href=\"{STYLE}\">{script}</head>\
             <body><header><span>Wardline</span></header><main><h1>{title}</h1>{}</main></body></html>",
            self.body.0
        );
        let mut headers = HeaderMap::new();
        let mut set = |name: HeaderName, value: &'static str| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        set(header::CONTENT_TYPE, "text/html; charset=utf-8");
        set(header::CACHE_CONTROL, "no-store");
        set(header::X_FRAME_OPTIONS, "DENY");
        set(header::REFERRER_POLICY, "no-referrer");
        let source = self.form_source.map(|source| format!(" {source}")).unwrap_or_default();
        let policy = format!(
            "default-src 'none'; style-src 'self';{} form-action 'self'{source}; frame-ancestors 'none'; \
             base-uri 'none'",
            if self.script { " script-src 'self';" } else { "" }
        );
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
            return (self.status, headers, html).into_response();
        }
        // A source that is no header value cannot come from a URL that was parsed.
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

/// The content policy's source for an address to which the answer to a form sends the browser.
pub(super) fn form_source(address: &Url) -> String {
    let origin = address.origin();
    // The grammar of sources has no IPv6 addresses, and a private scheme has no origin.
    if origin.is_tuple() && !matches!(address.host(), Some(Host::Ipv6(_))) {
        origin.ascii_serialization()
    } else {
        format!("{}:", address.scheme())
    }
}

/// A page that says why something did not happen.
#[derive(Debug)]
pub(super) struct PageError {
    status: StatusCode,
    text: String,
}

impl PageError {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    pub(super) fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }
}

impl From<MatrixError> for PageError {
    fn from(error: MatrixError) -> Self {
        let text = match error.status {
            StatusCode::TOO_MANY_REQUESTS => "Too many attempts. Wait a minute, then try again.".to_owned(),
            status if status.is_server_error() => "The server has a problem. Try again later.".to_owned(),
            _ => error.error,
        };
        Self { status: error.status, text }
    }
}

impl From<IdentityError> for PageError {
    fn from(error: IdentityError) -> Self {
        MatrixError::from(error).into()
    }
}

impl From<OAuthError> for PageError {
    fn from(error: OAuthError) -> Self {
        match error {
            OAuthError::Refused(_, text) => {
                Self::bad_request(format!("The application's request is not in order ({text})."))
            }
            OAuthError::Server(error) => error.into(),
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let body =
            Html::default().alert(&self.text).raw("<p>Go back to the application and start again.</p>");
        Page { status: self.status, ..Page::new("That did not work", body) }.into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let evil = "\"><script>'&";
        let html = Html::default().text(evil).hidden("a", evil).element("p class=\"x\"", evil);
        let safe = "&quot;&gt;&lt;script&gt;&#39;&amp;";
        assert_eq!(
            html.0,
            format!("{safe}<input type=\"hidden\" name=\"a\" value=\"{safe}\"><p class=\"x\">{safe}</p>")
        );
    }
}
