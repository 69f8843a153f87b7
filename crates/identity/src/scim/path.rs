//! Attribute paths (RFC 7644 sections 3.5.2 and 3.10).

use super::{
    Filter, ScimError,
    filter::Parser,
    schema::{Attribute, Kind, ResourceKind},
};

/// Where a change goes.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// The whole extension.
    Extension,
    /// An attribute, some of its values, a part of it.
    Attribute {
        /// Whether it is the extension's.
        extension: bool,
        attribute: Attribute,
        filter: Option<Filter>,
        part: Option<Attribute>,
    },
}

/// The rest of a name after a schema's URN: whether it is the extension's, and the name. `None`: it is the URN itself.
fn without_schema<'a>(kind: &ResourceKind, text: &'a str) -> Option<(bool, &'a str)> {
    let after = |schema: &str| {
        let head = text.get(..schema.len())?;
        head.eq_ignore_ascii_case(schema).then(|| &text[schema.len()..])
    };
    if let Some((schema, _)) = kind.extension
        && let Some(rest) = after(schema)
    {
        return rest.strip_prefix(':').map(|name| (true, name));
    }
    match after(kind.schema) {
        Some(rest) => rest.strip_prefix(':').map(|name| (false, name)),
        None => Some((false, text)),
    }
}

impl Target {
    /// Reads a path of a resource of this kind.
    pub(super) fn parse(kind: &ResourceKind, text: &str) -> Result<Self, ScimError> {
        let text = text.trim();
        let unknown = || ScimError::InvalidPath(format!("{text} is no attribute of a {}", kind.name));
        let Some((extension, name)) = without_schema(kind, text) else {
            return if kind.extension.is_some_and(|(schema, _)| text.eq_ignore_ascii_case(schema)) {
                Ok(Self::Extension)
            } else {
                Err(unknown())
            };
        };
        let (head, filter, rest) = match name.split_once('[') {
            Some((head, rest)) => {
                let (inside, rest) = rest.rsplit_once(']').ok_or_else(unknown)?;
                (head, Some(Parser::parse(inside)?), rest)
            }
            None => match name.split_once('.') {
                Some((head, _)) => (head, None, &name[head.len()..]),
                None => (name, None, ""),
            },
        };
        let attribute = kind.attribute(extension, head).ok_or_else(unknown)?;
        if filter.is_some() && !attribute.multi {
            return Err(ScimError::InvalidPath(format!("{head} has one value only")));
        }
        let part = match rest.strip_prefix('.') {
            None if rest.is_empty() => None,
            None => return Err(unknown()),
            Some(name) => {
                let Kind::Complex(parts) = attribute.kind else { return Err(unknown()) };
                let part = parts.iter().find(|part| part.name.eq_ignore_ascii_case(name));
                Some(*part.ok_or_else(unknown)?)
            }
        };
        Ok(Self::Attribute { extension, attribute, filter, part })
    }
}
