//! Which addresses a client may have its answers sent to.
//!
//! Specification: Client-Server API, "Redirect URI validation"; RFC 8252 section 7.

use url::{Host, Origin, Url};

/// The kind of a client, `application_type` in its metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Web,
    Native,
}

/// The longest address that is accepted, in bytes.
const MAX_BYTES: usize = 2048;

/// The origin of this server's own address: its own web application may live there, even on plain HTTP in a
/// trial on one machine. `None` if the address is not a URL.
#[must_use]
pub fn own_origin_of(public_base_url: &str) -> Option<Origin> {
    Url::parse(public_base_url).ok().map(|url| url.origin())
}

/// Parses an address of a client's metadata. Characters on which parsers disagree are refused.
fn parse(text: &str) -> Result<Url, &'static str> {
    let plain = |c: char| c.is_ascii_graphic() && !"\\\"<>^`{|}".contains(c);
    if text.len() > MAX_BYTES || !text.chars().all(plain) {
        return Err("is not a URI");
    }
    let url = Url::parse(text).map_err(|_| "is not a URI")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have a user or password");
    }
    Ok(url)
}

/// The address of a client's own page.
pub(crate) fn client_uri(text: &str, own: Option<&Origin>) -> Result<Url, &'static str> {
    let url = parse(text)?;
    if url.scheme() != "https" && own != Some(&url.origin()) {
        return Err("must use https");
    }
    if url.host().is_none() {
        return Err("must have a host");
    }
    Ok(url)
}

/// A further page of the client: on the host of its own page or below it.
pub(crate) fn page_of(client: &Url, text: &str, own: Option<&Origin>) -> Result<(), &'static str> {
    let url = client_uri(text, own)?;
    if !shares_host(client, &url) {
        return Err("must be on the host of client_uri or below it");
    }
    Ok(())
}

fn shares_host(client: &Url, url: &Url) -> bool {
    match (client.host(), url.host()) {
        (Some(Host::Domain(base)), Some(Host::Domain(host))) => {
            host == base || host.strip_suffix(base).is_some_and(|rest| rest.ends_with('.'))
        }
        (base, host) => base == host,
    }
}

/// Whether a client of this kind with this page may have its answers sent to `text`.
pub(crate) fn check(kind: Kind, client: &Url, text: &str, own: Option<&Origin>) -> Result<(), &'static str> {
    let url = parse(text)?;
    if url.fragment().is_some() {
        return Err("must not have a fragment");
    }
    if url.scheme() == "https" || kind == Kind::Web {
        return page_of(client, text, own);
    }
    if url.scheme() == "http" {
        if !is_loopback(&url) {
            return Err("http is for localhost, 127.0.0.1 and [::1] only");
        }
        // The parser drops the default port, so it is looked for in the text.
        let authority = text.split('/').nth(2).unwrap_or_default();
        if authority.rsplit(']').next().unwrap_or_default().contains(':') {
            return Err("must not have a port: any port is accepted later");
        }
        return Ok(());
    }
    let Some(Host::Domain(host)) = client.host() else {
        return Err("its scheme must be of client_uri's host");
    };
    let reversed: Vec<&str> = host.rsplit('.').collect();
    let reversed = reversed.join(".");
    let scheme = url.scheme();
    let ours =
        scheme == reversed || scheme.strip_prefix(&*reversed).is_some_and(|rest| rest.starts_with('.'));
    if !ours || !reversed.contains('.') {
        return Err("its scheme must begin with the host of client_uri in reverse order");
    }
    if url.has_authority() {
        return Err("must not have an authority: one slash or none after the scheme");
    }
    Ok(())
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// Whether `given` is the registered address: the same text, except for the port of a native client's loopback.
pub(crate) fn matches(kind: Kind, registered: &str, given: &str) -> bool {
    if registered == given {
        return true;
    }
    let (Ok(registered), Ok(mut given)) = (Url::parse(registered), parse(given)) else { return false };
    kind == Kind::Native
        && registered.scheme() == "http"
        && is_loopback(&registered)
        && given.set_port(None).is_ok()
        && registered == given
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(kind: Kind, text: &str) -> bool {
        check(kind, &Url::parse("https://example.com/").unwrap(), text, None).is_ok()
    }

    /// The examples of the specification, and what attackers try.
    #[test]
    fn web_clients() {
        for good in [
            "https://example.com/callback",
            "https://app.example.com/callback",
            "https://example.com:5173/?query=value",
        ] {
            assert!(accepts(Kind::Web, good), "{good}");
        }
        for bad in [
            "https://example.com/callback#fragment",
            "http://example.com/callback",
            "http://localhost/",
            "https://evil.com/",
            "https://notexample.com/",
            "https://example.com.evil.com/",
            "https://example.com@evil.com/",
            "https://evil.com\\@example.com/",
            "https://user@example.com/",
            "javascript:alert(1)",
            "data:text/html,x",
            "com.example:/callback",
            "/callback",
            "",
            "https://example.com/a b",
        ] {
            assert!(!accepts(Kind::Web, bad), "{bad}");
        }
    }

    #[test]
    fn native_clients() {
        for good in [
            "com.example.app:/callback",
            "com.example:/",
            "com.example:callback",
            "http://localhost/callback",
            "http://127.0.0.1/callback",
            "http://[::1]/callback",
            "https://example.com/claimed",
        ] {
            assert!(accepts(Kind::Native, good), "{good}");
        }
        for bad in [
            "example:/callback",
            "com.example.app://callback",
            "com.exampleapp:/callback",
            "https://localhost/callback",
            "http://localhost:1234/callback",
            "http://localhost:80/callback",
            "http://[::1]:80/callback",
            "http://example.com/callback",
            "http://localhost.evil.com/callback",
            "javascript:alert(1)",
            "com.example:/callback#x",
        ] {
            assert!(!accepts(Kind::Native, bad), "{bad}");
        }
    }

    #[test]
    fn only_the_port_of_a_loopback_may_differ() {
        let loopback = "http://127.0.0.1/callback";
        assert!(matches(Kind::Native, loopback, "http://127.0.0.1:49152/callback"));
        assert!(matches(Kind::Native, "http://[::1]/callback", "http://[::1]:49152/callback"));
        for given in [
            "http://localhost:49152/callback",
            "http://127.0.0.1:49152/other",
            "http://127.0.0.1:49152/callback?x=1",
            "http://user@127.0.0.1:49152/callback",
            "https://127.0.0.1:49152/callback",
        ] {
            assert!(!matches(Kind::Native, loopback, given), "{given}");
        }
        assert!(!matches(Kind::Web, loopback, "http://127.0.0.1:49152/callback"));
        assert!(!matches(Kind::Web, "https://example.com/a", "https://example.com/a/"));
        assert!(!matches(Kind::Web, "https://example.com/a", "https://example.com:443/a"));
    }

    #[test]
    fn the_servers_own_address_may_be_plain_http() {
        let own = own_origin_of("http://127.0.0.1:8008");
        let page = client_uri("http://127.0.0.1:8008/", own.as_ref()).unwrap();
        assert!(check(Kind::Web, &page, "http://127.0.0.1:8008/callback", own.as_ref()).is_ok());
        assert!(check(Kind::Web, &page, "http://127.0.0.1:8009/callback", own.as_ref()).is_err());
        assert!(client_uri("http://127.0.0.1:8009/", own.as_ref()).is_err());
        assert!(client_uri("data:text/html,x", own.as_ref()).is_err());
    }
}
