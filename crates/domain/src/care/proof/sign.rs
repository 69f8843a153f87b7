//! Signing links and the seal.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{FORMAT, LINK, SEAL, START, hash};
use crate::{
    Timestamp,
    care::request::Transition,
    signing::{Signer, SigningError},
};

/// What goes into one link.
#[derive(Clone, Copy, Debug)]
pub struct NewLink<'a> {
    /// Id of the request.
    pub request: &'a str,
    /// Number of the transition, from 1.
    pub number: u64,
    /// Hash of the link before, or [`START`].
    pub previous: &'a [u8; 32],
    /// When it is signed.
    pub signed_at: Timestamp,
    /// What happened.
    pub transition: &'a Transition,
    /// Of the first link: what was asked, of whom and about whom, as JSON.
    pub raised: Option<&'a Value>,
}

/// A signed link: its canonical JSON and its hash.
pub type SignedLink = (String, [u8; 32]);

/// Signs a link.
///
/// # Errors
/// [`SigningError::Canonical`] if a number in it has no canonical form.
pub fn sign_link(signer: &Signer, new: &NewLink<'_>) -> Result<SignedLink, SigningError> {
    let mut link = json!({
        "type": LINK,
        "request": new.request,
        "number": new.number,
        "previous": hex::encode(new.previous),
        "signed_at": new.signed_at.as_millis(),
        "transition": new.transition,
    });
    if let Some(raised) = new.raised {
        link["raised"] = raised.clone();
    }
    let text = signer.sign_json(&link.to_string())?;
    let hash = hash(&text);
    Ok((text, hash))
}

/// Puts the links of a request (their JSON, in order), the names of its people and a seal into a bundle.
///
/// # Errors
/// [`SigningError`] if a link is not JSON or there is none.
pub fn bundle(
    signer: &Signer,
    request: &str,
    links: &[String],
    names: &BTreeMap<String, String>,
    at: Timestamp,
) -> Result<String, SigningError> {
    let last = links.last().map_or(START, |link| hash(link));
    let seal = json!({
        "type": SEAL,
        "request": request,
        "links": links.len(),
        "last": hex::encode(last),
        "names": names,
        "sealed_at": at.as_millis(),
    });
    let seal = signer.sign_json(&seal.to_string())?;
    let (format, server, key) =
        (json!(FORMAT), json!(signer.server_name()), json!({ signer.key_id(): signer.public_key() }));
    // One link a line, so that people can read it and compare two of them.
    Ok(format!(
        "{{\"format\":{format},\n\"server\":{server},\n\"keys\":{key},\n\"links\":[\n{}\n],\n\"seal\":\n{seal}\n}}\n",
        links.join(",\n")
    ))
}
