//! Values that fit their attributes.

use serde_json::{Map, Value};

use super::{
    ScimError,
    schema::{Attribute, Kind, Mutability, ResourceKind},
};

/// The longest text, in bytes.
const MAX_TEXT: usize = 1000;
/// The most values of an attribute.
const MAX_VALUES: usize = 10_000;

/// The entry of an object whose name is this, whatever its letter case.
pub(super) fn entry<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// What fits of a resource that the provisioning system sent: attributes that are not known or not writable are left
/// out, as RFC 7644 section 3.3 asks.
pub(super) fn resource(kind: &ResourceKind, sent: &Value) -> Result<Map<String, Value>, ScimError> {
    let sent =
        sent.as_object().ok_or_else(|| ScimError::InvalidSyntax("the body must be an object".into()))?;
    let listed = entry(sent, "schemas").and_then(Value::as_array);
    if !listed
        .is_some_and(|all| all.iter().filter_map(Value::as_str).any(|s| s.eq_ignore_ascii_case(kind.schema)))
    {
        return Err(ScimError::InvalidSyntax(format!("schemas: must have {}", kind.schema)));
    }
    let mut kept = Map::new();
    for attribute in kind.attributes.iter().chain([&super::schema::EXTERNAL_ID]) {
        keep(&mut kept, attribute, entry(sent, attribute.name))?;
    }
    if let Some((schema, attributes)) = kind.extension
        && let Some(Value::Object(sent)) = entry(sent, schema)
    {
        let mut extension = Map::new();
        for attribute in attributes {
            keep(&mut extension, attribute, entry(sent, attribute.name))?;
        }
        if !extension.is_empty() {
            kept.insert(schema.to_owned(), extension.into());
        }
    }
    Ok(kept)
}

fn keep(to: &mut Map<String, Value>, attribute: &Attribute, sent: Option<&Value>) -> Result<(), ScimError> {
    if attribute.mutability == Mutability::ReadOnly {
        return Ok(());
    }
    if let Some(value) = sent.map(|value| fit(attribute, value)).transpose()?.flatten() {
        to.insert(attribute.name.to_owned(), value);
    } else if attribute.required {
        return Err(ScimError::InvalidValue(format!("{}: is required", attribute.name)));
    }
    Ok(())
}

/// The value as it is kept; `None`: none at all.
pub(super) fn fit(attribute: &Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    if !attribute.multi {
        return one(attribute, value);
    }
    let values = match value {
        Value::Null => return Ok(None),
        Value::Array(values) => values.clone(),
        single => vec![single.clone()],
    };
    if values.len() > MAX_VALUES {
        return Err(ScimError::InvalidValue(format!("{}: has too many values", attribute.name)));
    }
    let mut kept: Vec<Value> = Vec::with_capacity(values.len());
    for value in &values {
        if let Some(value) = one(attribute, value)?
            && !kept.contains(&value)
        {
            kept.push(value);
        }
    }
    Ok((!kept.is_empty()).then_some(Value::Array(kept)))
}

/// One value.
pub(super) fn one(attribute: &Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    let wrong = |what: &str| Err(ScimError::InvalidValue(format!("{}: must be {what}", attribute.name)));
    match (attribute.kind, value) {
        (_, Value::Null) => Ok(None),
        (Kind::Text | Kind::Reference(_), Value::String(text)) => {
            if text.len() > MAX_TEXT || text.chars().any(char::is_control) {
                return wrong("at most 1000 bytes without control characters");
            }
            if attribute.required && text.trim().is_empty() {
                return wrong("not empty");
            }
            Ok(Some(value.clone()))
        }
        (Kind::Text | Kind::Reference(_), _) => wrong("text"),
        (Kind::Bool, Value::Bool(_)) => Ok(Some(value.clone())),
        // Entra ID sends "True" and "False".
        (Kind::Bool, Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(Value::Bool(true))),
        (Kind::Bool, Value::String(text)) if text.eq_ignore_ascii_case("false") => {
            Ok(Some(Value::Bool(false)))
        }
        (Kind::Bool, _) => wrong("true or false"),
        (Kind::Complex(parts), Value::Object(sent)) => {
            let mut kept = Map::new();
            for part in parts {
                keep(&mut kept, part, entry(sent, part.name))?;
            }
            Ok((!kept.is_empty()).then_some(kept.into()))
        }
        // A bare value of a list is its `value`.
        (Kind::Complex(parts), Value::String(_)) if attribute.multi => {
            let part = parts.iter().find(|part| part.name == "value");
            let Some(part) = part else { return wrong("an object") };
            let value = one(part, value)?;
            Ok(value.map(|value| Value::Object(Map::from_iter([("value".to_owned(), value)]))))
        }
        (Kind::Complex(_), _) => wrong("an object"),
    }
}
