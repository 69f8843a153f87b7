//! The language of the pages: English, or Welsh by the `ui_locales` of the request that led here (OpenID Connect Core, section 3.1.2.1),
//! by what that said before in this browser session, or by `Accept-Language`.
//!
//! The pages are written in English; `cy.txt` has each sentence in Welsh, and a test that none is missing. Words from outside – names,
//! addresses – are never looked up.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderValue, header};
use url::form_urlencoded;

use super::browser::is_secure;
use crate::AppState;

/// What the pages are written in, as HTML and the metadata name it (BCP 47).
pub(super) const LANGUAGES: [&str; 2] = ["en-GB", "cy"];
/// The cookie that keeps the choice from one page to the next.
const COOKIE: &str = "wardline-language";

tokio::task_local! {
    static WELSH: bool;
}

/// The sentences of the pages, from English to Welsh.
static CATALOGUE: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let mut lines = include_str!("cy.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    std::iter::from_fn(|| Some((lines.next()?, lines.next()?))).collect()
});

/// Sentences with gaps, marked `{}`.
static PATTERNS: LazyLock<Vec<(Vec<&'static str>, &'static str)>> = LazyLock::new(|| {
    let gapped = CATALOGUE.iter().filter(|(english, _)| english.contains("{}"));
    let mut all: Vec<(Vec<&str>, &str)> =
        gapped.map(|(english, welsh)| (english.split("{}").collect(), *welsh)).collect();
    // What says more comes before what it may be a part of.
    all.sort_by_key(|(fixed, _)| {
        (std::cmp::Reverse(fixed.iter().map(|part| part.len()).sum::<usize>()), fixed.len())
    });
    all
});

fn is_welsh() -> bool {
    WELSH.try_with(|welsh| *welsh).unwrap_or(false)
}

/// How HTML names the language of the page.
pub(super) fn language() -> &'static str {
    LANGUAGES[usize::from(is_welsh())]
}

/// The parts of `text` that stand in the gaps between `fixed`.
fn gaps<'a>(fixed: &[&str], text: &'a str) -> Option<Vec<&'a str>> {
    let (first, rest) = fixed.split_first()?;
    let mut left = text.strip_prefix(first)?;
    let mut found = Vec::with_capacity(rest.len());
    for (n, next) in rest.iter().enumerate() {
        let last = n + 1 == rest.len();
        let at = if last { left.len().checked_sub(next.len())? } else { left.find(next)? };
        let (gap, after) = left.split_at_checked(at)?;
        left = after.strip_prefix(next)?;
        found.push(gap);
    }
    left.is_empty().then_some(found)
}

fn translated(text: &str) -> Option<String> {
    if let Some(welsh) = CATALOGUE.get(text) {
        return Some((*welsh).to_owned());
    }
    PATTERNS.iter().find_map(|(fixed, welsh)| {
        let found = gaps(fixed, text)?;
        let mut parts = welsh.split("{}");
        let mut filled = parts.next()?.to_owned();
        for (gap, after) in found.into_iter().zip(parts) {
            filled.push_str(CATALOGUE.get(gap).copied().unwrap_or(gap));
            filled.push_str(after);
        }
        Some(filled)
    })
}

/// A sentence of ours in the language of the page; one that is not known, such as a technical reason, stays as it is.
pub(super) fn say(text: &str) -> String {
    let welsh = if is_welsh() { translated(text) } else { None };
    welsh.unwrap_or_else(|| text.to_owned())
}

/// What a scope allows (`read and search Task records`), in the language of the page.
pub(super) fn say_scope(text: &str) -> String {
    let parts = text.strip_suffix(" records").and_then(|text| text.rsplit_once(' '));
    let Some((list, records)) = parts.filter(|_| is_welsh()) else { return text.to_owned() };
    let verbs: Vec<String> = list.replace(" and ", ", ").split(", ").map(say).collect();
    match records {
        "all" => format!("{} {}", verbs.join(", "), say("all records")),
        resource => format!("{} {} {resource}", verbs.join(", "), say("records of")),
    }
}

/// Markup of ours with its text in the language of the page.
pub(super) fn say_markup(markup: &str) -> String {
    if !is_welsh() {
        return markup.to_owned();
    }
    let mut said = String::with_capacity(markup.len() + 32);
    for (node, is_text) in nodes(markup) {
        if is_text {
            let trimmed = node.trim();
            let (before, after) = node.split_at(node.len() - node.trim_start().len());
            let after = &after[trimmed.len()..];
            let _ = write!(said, "{before}{}{after}", say(trimmed));
        } else if let Some((start, rest)) = node.split_once("aria-label=\"")
            && let Some((label, end)) = rest.split_once('"')
        {
            let _ = write!(said, "{start}aria-label=\"{}\"{end}", say(label));
        } else {
            said.push_str(node);
        }
    }
    said
}

/// The tags of markup and the text between them, in order; `true` for text. A piece that ends within a tag counts to its end as one.
fn nodes(markup: &str) -> Vec<(&str, bool)> {
    let mut found = Vec::new();
    let mut left = markup;
    // What goes on within a tag: ` class="x">…` or `">…`, after a value from outside.
    if let Some(end) = left.find('>')
        && left.find('<').is_none_or(|start| end < start)
    {
        found.push((&left[..=end], false));
        left = &left[end + 1..];
    }
    while !left.is_empty() {
        let at = left.find('<').unwrap_or(left.len());
        let (text, rest) = left.split_at(at);
        found.push((text, true));
        let end = rest.find('>').map_or(rest.len(), |end| end + 1);
        let (tag, after) = rest.split_at(end);
        found.push((tag, false));
        left = after;
    }
    found
}

/// Whether the first language of a list that the pages have is Welsh; `None` when they have none of them.
fn prefers_welsh<'a>(wanted: impl Iterator<Item = &'a str>) -> Option<bool> {
    wanted.map(|tag| tag.split('-').next().unwrap_or_default().to_ascii_lowercase()).find_map(|tag| {
        match &*tag {
            "cy" => Some(true),
            "en" => Some(false),
            _ => None,
        }
    })
}

/// A weight between 0 and 1 with up to three digits after the point.
fn thousandths(weight: &str) -> Option<u32> {
    let (whole, rest) = weight.split_once('.').unwrap_or((weight, ""));
    let rest: u32 = format!("{rest:0<3}").get(..3)?.parse().ok()?;
    Some((whole.parse::<u32>().ok()?.checked_mul(1000)? + rest).min(1000))
}

/// The languages of `Accept-Language`, the most wanted first (RFC 9110, section 12.5.4).
fn accepted(header: &str) -> Vec<&str> {
    let mut tags: Vec<(&str, u32)> = header
        .split(',')
        .filter_map(|part| {
            let (tag, weight) = part.split_once(';').unwrap_or((part, ""));
            let weight = weight.trim().strip_prefix("q=").map_or(Some(1000), thousandths)?;
            (weight > 0).then_some((tag.trim(), weight))
        })
        .collect();
    tags.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    tags.into_iter().map(|(tag, _)| tag).collect()
}

fn kept(headers: &HeaderMap) -> Option<bool> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).and_then(|(_, value)| prefers_welsh(std::iter::once(value)))
}

/// Answers in the language that the browser's person reads.
pub(super) async fn speak(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let asked = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "ui_locales")
        .and_then(|(_, value)| prefers_welsh(value.split(' ')));
    let accept = || {
        let header = request.headers().get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        prefers_welsh(accepted(header).into_iter())
    };
    let welsh = asked.or_else(|| kept(request.headers())).or_else(accept).unwrap_or(false);
    let mut response = WELSH.scope(welsh, next.run(request)).await;
    if asked.is_some() {
        let secure = if is_secure(&state) { "; Secure" } else { "" };
        let value = if welsh { "cy" } else { "en" };
        let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax{secure}");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn in_welsh<T>(what: impl FnOnce() -> T) -> T {
        WELSH.sync_scope(true, what)
    }

    /// The string literals of a source file before its tests, without comments.
    fn literals(source: &str) -> Vec<String> {
        let source = source.split("#[cfg(test)]").next().unwrap();
        let mut found = Vec::new();
        let mut chars = source.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '/' if chars.peek() == Some(&'/') => {
                    chars.by_ref().find(|c| *c == '\n');
                }
                '\'' => {
                    // A character, or a lifetime.
                    let mut ahead = chars.clone();
                    let (first, second) = (ahead.next(), ahead.next());
                    if first == Some('\\') || second == Some('\'') {
                        chars.nth(1);
                        if first == Some('\\') {
                            chars.find(|c| *c == '\'');
                        }
                    }
                }
                '"' => {
                    let mut text = String::new();
                    while let Some(c) = chars.next().filter(|c| *c != '"') {
                        if c != '\\' {
                            text.push(c);
                            continue;
                        }
                        match chars.next() {
                            // A line that goes on.
                            Some('\n') => while chars.next_if(|c| c.is_whitespace()).is_some() {},
                            Some('n') => text.push('\n'),
                            Some(escaped) => text.push(escaped),
                            None => {}
                        }
                    }
                    found.push(text);
                }
                _ => {}
            }
        }
        found
    }

    /// Whether somebody is meant to read it: it has a word of small letters and a space, or is one word with a capital.
    fn is_prose(text: &str) -> bool {
        let words = text.contains(' ') || text.starts_with(|c: char| c.is_ascii_uppercase());
        let marks = ["=", "_", "/", ";", "::", "'none'", "{name}", "{}:", "Cookie"];
        words
            && text.chars().any(|c| c.is_ascii_lowercase())
            && !marks.iter().any(|mark| text.contains(mark))
            && !["Wardline", "{title} – Wardline", "{known} {account}", "there is no such identity provider"]
                .contains(&text)
            // For programmers: a Matrix error.
            && !text.starts_with("redirectUrl:")
    }

    fn gapped(text: &str) -> String {
        let mut out = String::new();
        let mut depth = 0;
        for c in text.chars() {
            match c {
                '{' => {
                    depth += 1;
                    out.push('{');
                }
                '}' => {
                    depth -= 1;
                    out.push('}');
                }
                c if depth == 0 => out.push(c),
                _ => {}
            }
        }
        out
    }

    #[test]
    fn no_sentence_of_the_pages_is_missing_in_welsh() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        // All but what programs read.
        let others = ["error.rs", "metadata.rs", "register.rs", "token.rs", "words.rs", "mod.rs"];
        let files = std::fs::read_dir(root.join("src/oauth")).unwrap().map(|file| file.unwrap().path());
        let pages = files.filter(|path| {
            path.extension().is_some_and(|kind| kind == "rs")
                && !others.iter().any(|other| path.ends_with(other))
        });
        let mut wanted = BTreeSet::new();
        for page in pages {
            let source = std::fs::read_to_string(page).unwrap();
            for literal in literals(&source) {
                for (node, is_text) in nodes(&literal) {
                    if is_text && is_prose(node.trim()) {
                        wanted.insert(gapped(node.trim()));
                    }
                }
            }
        }
        // What the floor below says to people.
        let identity = root.join("../identity/src");
        let upstream = std::fs::read_dir(identity.join("upstream")).unwrap().map(|file| file.unwrap().path());
        for path in upstream.chain(["strength.rs", "oauth/method.rs"].map(|file| identity.join(file))) {
            let source = std::fs::read_to_string(path).unwrap();
            let said = |text: &String| {
                text.ends_with('.') && text.contains(' ') && text.starts_with(char::is_uppercase)
            };
            let why = |text: &String| text.starts_with("is ") || text.starts_with("must ");
            wanted.extend(
                literals(&source).into_iter().filter(why).filter(|_| source.contains("WeakPassword(")),
            );
            wanted.extend(literals(&source).iter().filter(|text| said(text)).map(|text| gapped(text)));
        }
        let missing: Vec<&String> =
            wanted.iter().filter(|text| !CATALOGUE.contains_key(text.as_str())).collect();
        assert!(missing.is_empty(), "{missing:#?}");
    }

    #[test]
    fn the_catalogue_keeps_the_gaps_and_has_no_sentence_twice() {
        let lines: Vec<&str> = include_str!("cy.txt")
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect();
        assert_eq!(lines.len() % 2, 0);
        assert_eq!(lines.len() / 2, CATALOGUE.len());
        for (english, welsh) in CATALOGUE.iter() {
            assert_eq!(english.matches("{}").count(), welsh.matches("{}").count(), "{english}");
        }
    }

    #[test]
    fn sentences_are_found_whole_with_gaps_and_within_markup() {
        assert_eq!(say("Sign in"), "Sign in");
        in_welsh(|| {
            assert_eq!(say("Sign in"), "Mewngofnodi");
            assert_eq!(
                say("With your account on riverside.example."),
                "Gyda’ch cyfrif ar riverside.example."
            );
            assert_eq!(say_scope("read and search Task records"), "darllen, chwilio cofnodion Task");
            assert_eq!(say_scope("add all records"), "ychwanegu pob cofnod");
            assert_eq!(say("Nothing of ours"), "Nothing of ours");
            assert_eq!(
                say_markup(" class=\"x\"><p class=\"or\"><span>or</span></p><nav aria-label=\"Account\">"),
                " class=\"x\"><p class=\"or\"><span>neu</span></p><nav aria-label=\"Cyfrif\">"
            );
        });
    }

    #[test]
    fn the_language_is_the_first_that_there_is() {
        assert_eq!(prefers_welsh(["de", "cy-GB", "en"].into_iter()), Some(true));
        assert_eq!(prefers_welsh(["fr"].into_iter()), None);
        assert_eq!(accepted("en;q=0.8, cy, fr;q=0"), ["cy", "en"]);
        assert_eq!(accepted(""), [""]);
        assert_eq!(accepted("cy;q=nonsense"), Vec::<&str>::new());
    }
}
