//! Canonical JSON (Matrix appendices, "Canonical JSON"): the one byte form of a value that is hashed and signed.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// The largest magnitude of an integer in canonical JSON: 2^53 - 1.
pub const MAX_INTEGER: i64 = (1 << 53) - 1;

/// The members of an object, sorted by key (by code point), each key once.
pub type Members<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// A JSON value that has a canonical form, borrowed from the text it was parsed from where possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer within ±(2^53 - 1). Fractions and exponents have no canonical form.
    Integer(i64),
    /// A string, unescaped.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object.
    Object(Members<'a>),
}

/// Why a text has no canonical form.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// Not JSON, or JSON with a number that canonical JSON refuses; the message gives line and column.
    #[error("not canonical JSON: {0}")]
    Invalid(#[from] serde_json::Error),
    /// The text is JSON but not an object.
    #[error("not a JSON object")]
    NotObject,
}

impl<'a> Value<'a> {
    /// Parses a JSON text. If a key occurs twice in an object the last occurrence counts.
    ///
    /// # Errors
    /// [`CanonicalError::Invalid`] for a text that is not JSON, or holds a float or too large an integer.
    pub fn parse(json: &'a str) -> Result<Self, CanonicalError> {
        Ok(serde_json::from_str(json)?)
    }

    /// The value of a member, if this is an object that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        let Value::Object(members) = self else { return None };
        let at = members.binary_search_by(|(k, _)| k.as_ref().cmp(key)).ok()?;
        Some(&members[at].1)
    }

    /// The text, if this is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Appends the canonical form.
    pub fn write(&self, out: &mut String) {
        match self {
            Value::Null => out.push_str("null"),
            Value::Bool(true) => out.push_str("true"),
            Value::Bool(false) => out.push_str("false"),
            Value::Integer(number) => write_integer(out, *number),
            Value::String(text) => write_string(out, text),
            Value::Array(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Value::Object(members) => write_object(out, members.iter().map(|(k, v)| (k.as_ref(), v))),
        }
    }

    /// The canonical form.
    #[must_use]
    pub fn to_canonical(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }
}

/// Parses a JSON object into its sorted members.
///
/// # Errors
/// As [`Value::parse`], and [`CanonicalError::NotObject`] for any other value.
pub fn parse_object(json: &str) -> Result<Members<'_>, CanonicalError> {
    match Value::parse(json)? {
        Value::Object(members) => Ok(members),
        _ => Err(CanonicalError::NotObject),
    }
}

/// Appends an object made of `members`, which must come in key order.
pub(crate) fn write_object<'m, 'a: 'm>(
    out: &mut String,
    members: impl Iterator<Item = (&'m str, &'m Value<'a>)>,
) {
    out.push('{');
    for (at, (key, value)) in members.enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_string(out, key);
        out.push(':');
        value.write(out);
    }
    out.push('}');
}

/// Appends a decimal integer.
pub(crate) fn write_integer(out: &mut String, number: i64) {
    use fmt::Write as _;
    // Writing to a String cannot fail.
    let _ = write!(out, "{number}");
}

/// Appends a quoted string, escaping only what must be escaped.
pub fn write_string(out: &mut String, text: &str) {
    out.push('"');
    let mut clean_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[clean_from..at]);
        clean_from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x08 => out.push_str("\\b"),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            0x0c => out.push_str("\\f"),
            b'\r' => out.push_str("\\r"),
            control => {
                out.push_str("\\u00");
                out.push(if control < 0x10 { '0' } else { '1' });
                out.push(char::from(b"0123456789abcdef"[usize::from(control & 0x0f)]));
            }
        }
    }
    out.push_str(&text[clean_from..]);
    out.push('"');
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value without fractions, within ±(2^53 - 1)")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        if value.unsigned_abs() > MAX_INTEGER.unsigned_abs() {
            return Err(E::invalid_value(de::Unexpected::Signed(value), &self));
        }
        Ok(Value::Integer(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Err(E::invalid_value(de::Unexpected::Unsigned(value), &self)),
        }
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Value::String(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Value::String(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Members<'de> = Vec::new();
        while let Some((Key(key), value)) = map.next_entry()? {
            members.push((key, value));
        }
        // A stable sort keeps repeated keys in their order, so that the last of them can be kept.
        members.sort_by(|a, b| a.0.cmp(&b.0));
        members.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        Ok(Value::Object(members))
    }
}

#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_without_a_canonical_form_are_refused() {
        for text in
            ["1.0", "1e3", "-0", "9007199254740992", "-9007199254740992", "18446744073709551615", "1e999"]
        {
            assert!(Value::parse(text).is_err(), "{text}");
        }
        assert_eq!(Value::parse(" 9007199254740991 ").unwrap(), Value::Integer(MAX_INTEGER));
        assert_eq!(Value::parse("-9007199254740991").unwrap(), Value::Integer(-MAX_INTEGER));
    }

    #[test]
    fn the_last_of_repeated_keys_counts() {
        assert_eq!(Value::parse(r#"{"b":1,"a":1,"a":2,"a":3}"#).unwrap().to_canonical(), r#"{"a":3,"b":1}"#);
    }

    #[test]
    fn deep_nesting_is_an_error_not_a_crash() {
        assert!(Value::parse(&"[".repeat(100_000)).is_err());
    }
}
