//! The provable chain of a request: every transition as a signed link that names the hash of the link before, and a
//! seal over the whole. Whoever has the server's published key finds any change or gap, without the server.
//!
//! A link and the seal are JSON objects signed as Matrix signs JSON (appendices, "Signing JSON"), so that tools that are
//! not ours can check them. The hash of a link is SHA-256 of its canonical JSON, signature included. The format is
//! described in `docs/protocol/request-proof.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::request::Transition;
use crate::{
    Timestamp, canonical,
    signing::{Signer, SigningError, verify_signed_json},
};

/// The `format` of a bundle.
pub const FORMAT: &str = "org.wardline.request.proof.v1";
const LINK: &str = "org.wardline.request.link";
const SEAL: &str = "org.wardline.request.seal";
/// What the first link names as the hash before it.
pub const START: [u8; 32] = [0; 32];

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

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

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

/// A bundle in its parts; links and seal as canonical JSON.
struct Parts {
    server: String,
    keys: BTreeMap<String, String>,
    links: Vec<String>,
    seal: String,
}

impl Parts {
    fn read(bundle: &str) -> Result<Self, ProofError> {
        let wrong = |problem: &str| ProofError::Form(problem.to_owned());
        serde_json::from_str::<Once>(bundle).map_err(|error| ProofError::Form(error.to_string()))?;
        let members = canonical::parse_object(bundle).map_err(|error| ProofError::Form(error.to_string()))?;
        let (mut format, mut server, mut keys) = (None, None, None);
        let (mut links, mut seal) = (None, None);
        for (name, value) in &members {
            match (name.as_ref(), value) {
                ("format", canonical::Value::String(text)) => format = Some(text.to_string()),
                ("server", canonical::Value::String(text)) => server = Some(text.to_string()),
                ("keys", it @ canonical::Value::Object(_)) => {
                    let read = serde_json::from_str(&it.to_canonical());
                    keys = Some(read.map_err(|_| wrong("keys: must be texts"))?);
                }
                ("links", canonical::Value::Array(all)) => {
                    links = Some(all.iter().map(canonical::Value::to_canonical).collect());
                }
                ("seal", it @ canonical::Value::Object(_)) => seal = Some(it.to_canonical()),
                (name, _) => return Err(ProofError::Form(format!("{name}: does not belong here"))),
            }
        }
        if format.as_deref() != Some(FORMAT) {
            return Err(ProofError::Form(format!("format: must be {FORMAT}")));
        }
        Ok(Self {
            server: server.ok_or_else(|| wrong("server: is missing"))?,
            keys: keys.ok_or_else(|| wrong("keys: is missing"))?,
            links: links.ok_or_else(|| wrong("links: is missing"))?,
            seal: seal.ok_or_else(|| wrong("seal: is missing"))?,
        })
    }
}

/// Any JSON in which no object has a key twice: of two the reader of the file may see the one that was not signed.
struct Once;

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Looking;
        impl<'de> Visitor<'de> for Looking {
            type Value = Once;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Once, A::Error> {
                let mut keys = BTreeSet::new();
                while let Some(key) = map.next_key::<String>()? {
                    map.next_value::<Once>()?;
                    if !keys.insert(key) {
                        return Err(A::Error::custom("a key occurs twice"));
                    }
                }
                Ok(Once)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Once, A::Error> {
                while seq.next_element::<Once>()?.is_some() {}
                Ok(Once)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Once, E> {
                Ok(Once)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Once, E> {
                Ok(Once)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Once, E> {
                Ok(Once)
            }

            fn visit_str<E>(self, _: &str) -> Result<Once, E> {
                Ok(Once)
            }

            fn visit_unit<E>(self) -> Result<Once, E> {
                Ok(Once)
            }
        }
        deserializer.deserialize_any(Looking)
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::care::request::{Reason, State};

    fn signer(seed: u8) -> Signer {
        Signer::from_seed("riverside.example".try_into().unwrap(), "a1", [seed; 32]).unwrap()
    }

    fn published() -> BTreeMap<String, String> {
        BTreeMap::from([("ed25519:a1".to_owned(), signer(7).public_key())])
    }

    fn transition(n: u64) -> Transition {
        Transition {
            state: State::ALL[n as usize % State::ALL.len()],
            at: Timestamp(1000 + n as i64),
            step: 0,
            actor: Some("priya.raman".into()),
            device: None,
            asks: (n == 0).then(|| "dev.patel".to_owned()),
            reason: (n == 1).then(|| Reason::Said("With another patient".to_owned())),
            device_at: None,
        }
    }

    fn links(signer: &Signer, count: u64) -> Vec<String> {
        let raised = json!({ "class": "urgent", "patient": "p1" });
        let mut previous = START;
        (0..count)
            .map(|n| {
                let transition = transition(n);
                let link = NewLink {
                    request: "r1",
                    number: n + 1,
                    previous: &previous,
                    signed_at: transition.at,
                    transition: &transition,
                    raised: (n == 0).then_some(&raised),
                };
                let (text, hash) = sign_link(signer, &link).unwrap();
                previous = hash;
                text
            })
            .collect()
    }

    fn sealed(links: &[String]) -> String {
        let names = BTreeMap::from([("priya.raman".to_owned(), "Dr Priya Raman".to_owned())]);
        bundle(&signer(7), "r1", links, &names, Timestamp(5000)).unwrap()
    }

    #[test]
    fn a_whole_chain_is_proven() {
        let proven = verify(&sealed(&links(&signer(7), 4)), &published()).unwrap();
        assert_eq!(proven.request, "r1");
        assert_eq!(proven.links.iter().map(|link| link.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(proven.links[3].transition, transition(3));
        assert_eq!(proven.names["priya.raman"], "Dr Priya Raman");
        assert_eq!(proven.keys, ["ed25519:a1"]);
    }

    #[test]
    fn gaps_swaps_and_foreign_links_are_found() {
        let whole = links(&signer(7), 5);
        for gone in 0..5 {
            let mut links = whole.clone();
            links.remove(gone);
            assert!(verify(&sealed(&links[..]), &published()).is_err() || gone == 4, "link {gone} is gone");
            // With the seal of the whole chain, the end cannot be cut off either.
            let cut = sealed(&whole).replace(&whole[gone], "").replace(",\n,", ",").replace(",\n\n]", "\n]");
            assert!(verify(&cut, &published()).is_err(), "link {gone} is cut out");
        }
        let mut swapped = whole.clone();
        swapped.swap(1, 2);
        assert!(verify(&sealed(&swapped), &published()).is_err());
        let mut foreign = whole.clone();
        foreign[4] = links(&signer(8), 5).remove(4);
        assert!(verify(&sealed(&foreign), &published()).is_err(), "signed with another key");
        let other_server = Signer::from_seed("evil.example".try_into().unwrap(), "a1", [7; 32]).unwrap();
        foreign[4] = links(&other_server, 5).remove(4);
        assert!(verify(&sealed(&foreign), &published()).is_err(), "in another name");
        assert!(verify(&sealed(&[]), &published()).is_err(), "nothing is no proof");
    }

    #[test]
    fn another_key_than_the_published_proves_nothing() {
        let forged = bundle(&signer(8), "r1", &links(&signer(8), 3), &BTreeMap::new(), Timestamp(1)).unwrap();
        assert!(verify(&forged, &own_keys(&forged).unwrap()).is_ok(), "it is whole in itself");
        assert!(verify(&forged, &published()).is_err());
    }

    #[test]
    fn a_key_that_occurs_twice_is_found() {
        let whole = sealed(&links(&signer(7), 2));
        let twice = whole.replace("\"state\":\"raised\"", "\"state\":\"failed\",\"state\":\"raised\"");
        assert_ne!(whole, twice);
        assert!(verify(&twice, &published()).is_err());
    }

    /// Every value of the JSON in order, each with the way to it.
    fn ways(value: &Value, way: String, found: &mut Vec<String>) {
        found.push(way.clone());
        match value {
            Value::Object(all) => {
                all.iter()
                    .for_each(|(key, value)| ways(value, format!("{way}/{}", key.replace('/', "~1")), found));
            }
            Value::Array(all) => {
                all.iter().enumerate().for_each(|(at, value)| ways(value, format!("{way}/{at}"), found));
            }
            _ => {}
        }
    }

    fn changed(value: &Value, how: u8) -> Value {
        match (value, how % 3) {
            (Value::String(text), 0) => {
                let at = usize::from(how) % text.chars().count().max(1);
                let other = |c: char| if c == 'x' { 'y' } else { 'x' };
                text.chars()
                    .enumerate()
                    .map(|(i, c)| if i == at { other(c) } else { c })
                    .collect::<String>()
                    .into()
            }
            (Value::String(text), 1) => format!("{text}=").into(),
            (Value::Number(n), 0 | 1) => (n.as_i64().unwrap() + 1 + i64::from(how)).into(),
            (Value::Object(all), 0) if !all.is_empty() => {
                let gone = all.keys().nth(usize::from(how) % all.len()).cloned().unwrap();
                let mut all = all.clone();
                all.remove(&gone);
                all.into()
            }
            (Value::Object(all), 1) => {
                let mut all = all.clone();
                all.insert("unsigned".to_owned(), json!({}));
                all.into()
            }
            (Value::Array(all), 0) if all.len() > 1 => {
                let mut all = all.clone();
                let at = usize::from(how) % (all.len() - 1);
                all.swap(at, at + 1);
                all.into()
            }
            (Value::Array(all), 1) if !all.is_empty() => {
                let mut all = all.clone();
                all.push(all[usize::from(how) % all.len()].clone());
                all.into()
            }
            (Value::Null, _) => "x".into(),
            _ => Value::Null,
        }
    }

    proptest! {
        #[test]
        fn any_change_is_found(count in 1_u64..6, place in any::<prop::sample::Index>(), how: u8) {
            let whole = sealed(&links(&signer(7), count));
            let mut json: Value = serde_json::from_str(&whole).unwrap();
            let mut all = Vec::new();
            ways(&json, String::new(), &mut all);
            let way = place.get(&all);
            let target = json.pointer_mut(way).unwrap();
            let other = changed(target, how);
            prop_assume!(other != *target);
            *target = other;
            prop_assert!(verify(&json.to_string(), &published()).is_err(), "{way} was changed unseen");
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,200}") {
            prop_assert!(verify(&text, &published()).is_err());
        }
    }
}
