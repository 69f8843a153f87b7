//! Checking a bundle, link by link, against published keys.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{LINK, SEAL, START, bundle::Parts, hash};
use crate::{Timestamp, care::request::Transition, signing::verify_signed_json};

/// One link that is as it was signed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    #[serde(rename = "type")]
    kind: String,
    request: String,
    /// Its number, from 1.
    pub number: u64,
    previous: String,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// What happened.
    pub transition: Transition,
    /// Of the first: what was asked.
    pub raised: Option<Value>,
    signatures: Signatures,
}

type Signatures = BTreeMap<String, BTreeMap<String, String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    #[serde(rename = "type")]
    kind: String,
    request: String,
    links: usize,
    last: String,
    names: BTreeMap<String, String>,
    sealed_at: Timestamp,
    signatures: Signatures,
}

/// A bundle that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Id of the request.
    pub request: String,
    /// The server that signed.
    pub server: String,
    /// The ids of the keys that signed.
    pub keys: Vec<String>,
    /// When the bundle was made: it says nothing of what came after.
    pub sealed_at: Timestamp,
    /// The names of the people in it, by id.
    pub names: BTreeMap<String, String>,
    /// Everything that happened.
    pub links: Vec<Link>,
}

/// Why a bundle proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
pub enum ProofError {
    /// It is not a bundle.
    #[error("this is not a proof of a request: {0}")]
    Form(String),
    /// A link is missing, changed or out of place.
    #[error("link {number}: {problem}")]
    Link {
        /// Its place, from 1.
        number: usize,
        /// What is wrong.
        problem: String,
    },
    /// The seal was changed, or does not belong to these links.
    #[error("seal: {0}")]
    Seal(String),
}

/// The keys that a bundle names for itself, by id. They prove nothing until they are compared with the published ones.
///
/// # Errors
/// [`ProofError::Form`].
pub fn own_keys(bundle: &str) -> Result<BTreeMap<String, String>, ProofError> {
    let parts = Parts::read(bundle)?;
    Ok(parts.keys)
}

/// Checks a bundle against the published keys of the server: key id (`ed25519:…`) to public key in base64.
///
/// # Errors
/// [`ProofError`] names the first thing that is not as it was signed.
pub fn verify(bundle: &str, published: &BTreeMap<String, String>) -> Result<Proven, ProofError> {
    let parts = Parts::read(bundle)?;
    for (id, key) in &parts.keys {
        if published.get(id) != Some(key) {
            return Err(ProofError::Form(format!("keys: {id} is not the published key")));
        }
    }
    let mut chain = Chain { published, server: &parts.server, keys: Vec::new() };
    let seal: Seal = chain.signed(&parts.seal).map_err(ProofError::Seal)?;
    if !parts.keys.keys().eq(&chain.keys) {
        return Err(ProofError::Form("keys: must be the one that signed the seal".to_owned()));
    }
    let mut links: Vec<Link> = Vec::with_capacity(parts.links.len());
    let mut last = START;
    for (index, text) in parts.links.iter().enumerate() {
        let wrong = |problem: String| ProofError::Link { number: index + 1, problem };
        let link: Link = chain.signed(text).map_err(wrong)?;
        follows(&link, index, &last, links.last(), &seal.request).map_err(|problem| wrong(problem.into()))?;
        links.push(link);
        last = hash(text);
    }
    let problem = match &seal {
        _ if seal.kind != SEAL => Some("is not a seal"),
        _ if links.is_empty() => Some("there are no links"),
        _ if seal.links != links.len() => Some("links are missing at the end"),
        _ if seal.last != hex::encode(last) => Some("the last link is another one"),
        _ => None,
    };
    if let Some(problem) = problem {
        return Err(ProofError::Seal(problem.to_owned()));
    }
    let Seal { request, names, sealed_at, .. } = seal;
    Ok(Proven { request, keys: chain.keys, server: parts.server, sealed_at, names, links })
}

/// Whether `link` is the one that follows `before`, whose hash is `last`.
fn follows(
    link: &Link,
    index: usize,
    last: &[u8; 32],
    before: Option<&Link>,
    request: &str,
) -> Result<(), &'static str> {
    if link.kind != LINK {
        return Err("is not a link");
    }
    if link.request != request {
        return Err("is of another request");
    }
    if link.number != index as u64 + 1 {
        return Err("is missing, or out of place");
    }
    if link.previous != hex::encode(last) {
        return Err("does not follow from the link before");
    }
    if link.raised.is_some() != (index == 0) {
        return Err("says what was asked in the wrong place");
    }
    if before.is_some_and(|before| before.transition.at > link.transition.at) {
        return Err("is earlier than the link before");
    }
    Ok(())
}

struct Chain<'a> {
    published: &'a BTreeMap<String, String>,
    server: &'a str,
    /// The keys met so far.
    keys: Vec<String>,
}

trait Signed {
    fn signatures(&self) -> &Signatures;
}

impl Signed for Link {
    fn signatures(&self) -> &Signatures {
        &self.signatures
    }
}

impl Signed for Seal {
    fn signatures(&self) -> &Signatures {
        &self.signatures
    }
}

impl Chain<'_> {
    /// Reads an object that bears exactly one signature, by the server with a published key.
    fn signed<T: Signed + for<'de> Deserialize<'de>>(&mut self, text: &str) -> Result<T, String> {
        let read: T = serde_json::from_str(text).map_err(|_| "is not as it was signed".to_owned())?;
        let signatures = read.signatures();
        let only = signatures.get(self.server).filter(|own| signatures.len() == 1 && own.len() == 1);
        let (id, signature) = only
            .and_then(|own| own.iter().next())
            .ok_or("does not bear exactly one signature, the server's")?;
        let key =
            self.published.get(id).ok_or_else(|| format!("is signed with {id}, which is not published"))?;
        // 64 bytes are 86 characters; the last of them has four unused bits, which must be nought.
        if signature.len() != 86 || !signature.ends_with(['A', 'Q', 'g', 'w']) {
            return Err("the signature is not in its one form".to_owned());
        }
        verify_signed_json(key, id, self.server, text).map_err(|error| error.to_string())?;
        if !self.keys.contains(id) {
            self.keys.push(id.clone());
        }
        Ok(read)
    }
}
