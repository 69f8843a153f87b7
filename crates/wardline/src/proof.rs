//! `wardline request prove` and `verify`: what happened to a request, for somebody who does not trust the server.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use jiff::tz::TimeZone;
use serde::Deserialize;
use wardline_domain::{
    Clock, Random, Timestamp,
    care::{
        proof::{self, Link, Proven},
        request::{Reason, State},
    },
};

use crate::{Config, Error, house};

/// Prints the bundle of a request, also while the server runs.
///
/// # Errors
/// [`Error`] if there is no such server or request.
pub(crate) async fn prove(
    config: &Config,
    request: &str,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<(), Error> {
    print!("{}", house::reading(config, clock, random)?.prove(request).await?);
    Ok(())
}

/// Checks the bundle in `file` without any server and prints what it proves. `keys` are published keys, each
/// `ed25519:ID=BASE64`; `published` is a saved answer of `/_matrix/key/v2/server`. Without either the bundle is held against
/// the key that it names itself, and the answer says so.
///
/// # Errors
/// [`Error::Check`] naming the first change or gap.
pub(crate) fn verify(file: &Path, keys: &[String], published: Option<&Path>) -> Result<(), Error> {
    let bundle = read(file)?;
    let wrong = |error| Error::Check(format!("{}: {error}", file.display()));
    let mut known = BTreeMap::new();
    for key in keys {
        let (id, key) = key
            .split_once('=')
            .ok_or_else(|| Error::Check("--key: is written ed25519:ID=BASE64".to_owned()))?;
        known.insert(id.to_owned(), key.to_owned());
    }
    if let Some(path) = published {
        known.extend(published_keys(path)?);
    }
    let own = known.is_empty();
    if own {
        known = proof::own_keys(&bundle).map_err(wrong)?;
    }
    let proven = proof::verify(&bundle, &known).map_err(wrong)?;
    print(&proven);
    for id in &proven.keys {
        println!("signed by {} with {id} {}", proven.server, known.get(id).map_or("", String::as_str));
    }
    if own {
        println!(
            "ATTENTION: compare this key with the published one (https://{}/_matrix/key/v2/server).",
            proven.server
        );
    }
    Ok(())
}

#[derive(Deserialize)]
struct Published {
    verify_keys: BTreeMap<String, Key>,
    #[serde(default)]
    old_verify_keys: BTreeMap<String, Key>,
}

#[derive(Deserialize)]
struct Key {
    key: String,
}

fn published_keys(path: &Path) -> Result<BTreeMap<String, String>, Error> {
    let read: Published = serde_json::from_str(&read(path)?)
        .map_err(|error| Error::Check(format!("{}: {error}", path.display())))?;
    Ok(read.verify_keys.into_iter().chain(read.old_verify_keys).map(|(id, key)| (id, key.key)).collect())
}

fn read(file: &Path) -> Result<String, Error> {
    fs::read_to_string(file).map_err(|source| Error::File { path: file.to_owned(), source })
}

fn print(proven: &Proven) {
    println!("request {}: {} transitions, unchanged and without a gap", proven.request, proven.links.len());
    for link in &proven.links {
        println!("  {:>3}  {}  {}", link.number, time(link.transition.at), line(link, &proven.names));
        if link.signed_at != link.transition.at {
            println!("       (signed {})", time(link.signed_at));
        }
    }
    println!("as of {}", time(proven.sealed_at));
}

fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis()).map_or_else(
        |_| at.to_instant(),
        |instant| instant.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S%.3f UTC").to_string(),
    )
}

fn line(link: &Link, names: &BTreeMap<String, String>) -> String {
    let name = |id: &str| match names.get(id) {
        Some(name) => format!("{name} ({id})"),
        None => id.to_owned(),
    };
    let transition = &link.transition;
    let mut text = transition.state.code().to_owned();
    match &transition.actor {
        Some(actor) => text += &format!(" by {}", name(actor)),
        None => text += " by the server",
    }
    if let Some(device) = &transition.device {
        text += &format!(", device {device}");
    }
    if let Some(asks) = &transition.asks {
        text += &format!(", asks {}", name(asks));
    }
    match &transition.reason {
        None => {}
        Some(Reason::Said(words) | Reason::Comment(words)) => text += &format!(": {words:?}"),
        Some(reason) => text += &format!(", because of {}", why(reason)),
    }
    if transition.state == State::Raised {
        text += &format!(", step {}", transition.step + 1);
    }
    text
}

fn why(reason: &Reason) -> &'static str {
    match reason {
        Reason::NoAnswer => "no answer in time",
        Reason::Vacant => "a vacancy",
        Reason::AlreadyAsked => "everybody there having been asked",
        Reason::NotNow => "a condition that did not hold",
        Reason::HandedOver => "a handover of the role",
        Reason::Reassigned => "its being passed on",
        Reason::Delegated => "its being delegated",
        Reason::Returned => "its return to who delegated it",
        Reason::Reopened => "its being reopened",
        Reason::Said(_) | Reason::Comment(_) => "what was said",
    }
}
