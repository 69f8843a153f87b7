//! A bundle taken apart: its members, each once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};

use super::{FORMAT, ProofError};
use crate::canonical;

/// A bundle in its parts; links and seal as canonical JSON.
pub(super) struct Parts {
    pub(super) server: String,
    pub(super) keys: BTreeMap<String, String>,
    pub(super) links: Vec<String>,
    pub(super) seal: String,
}

impl Parts {
    pub(super) fn read(bundle: &str) -> Result<Self, ProofError> {
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
