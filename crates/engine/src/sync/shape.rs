//! The form in which a filter wants events (`event_fields`, `event_format` in Client-Server API, "Filtering").

use serde_json::{Map, Value};
use wardline_store::{ReadTx, StoreError};

use crate::events::{Event, EventCache, Extras, Viewer};
use crate::filters::{EventFormat, Filter};

/// How events are written.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Paths of the members to write; `None`: all.
    fields: Option<Vec<Vec<String>>>,
    format: EventFormat,
}

impl Shape {
    pub(super) fn of(filter: &Filter) -> Self {
        let fields = filter.event_fields.as_ref();
        Self {
            fields: fields.map(|all| all.iter().map(|field| path(field)).collect()),
            format: filter.event_format,
        }
    }

    /// Appends an event. Only a filter that asks for another form than the usual one has to take the text apart.
    pub(super) fn write(
        &self,
        tx: &ReadTx<'_>,
        cache: &EventCache,
        event: &Event,
        viewer: Viewer<'_>,
        extras: Extras<'_>,
        out: &mut String,
    ) -> Result<(), StoreError> {
        if self.fields.is_none() && self.format == EventFormat::Client {
            return cache.write(tx, event, viewer, extras, false, out);
        }
        let mut text = String::new();
        cache.write(tx, event, viewer, extras, false, &mut text)?;
        let mut members = object(&text)?;
        if self.format == EventFormat::Federation {
            let mut raw = object(event.pdu.json())?;
            for name in ["event_id", "unsigned"] {
                raw.extend(members.remove(name).map(|value| (name.to_owned(), value)));
            }
            members = raw;
        }
        if let Some(fields) = &self.fields {
            members = only(&members, fields);
        }
        out.push_str(&Value::Object(members).to_string());
        Ok(())
    }
}

fn object(text: &str) -> Result<Map<String, Value>, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Malformed(error.to_string()))
}

/// The parts of a field's name: split at dots, but not at those behind a backslash.
fn path(field: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = field.chars();
    while let Some(character) = characters.next() {
        let last = parts.len() - 1;
        match character {
            '.' => parts.push(String::new()),
            '\\' => match characters.next() {
                Some(escaped @ ('.' | '\\')) => parts[last].push(escaped),
                other => {
                    parts[last].push('\\');
                    parts[last].extend(other);
                }
            },
            other => parts[last].push(other),
        }
    }
    parts
}

/// What of an object lies on one of the paths.
fn only(from: &Map<String, Value>, fields: &[Vec<String>]) -> Map<String, Value> {
    let mut kept = Map::new();
    for field in fields {
        keep(from, field, &mut kept);
    }
    kept
}

fn keep(from: &Map<String, Value>, path: &[String], to: &mut Map<String, Value>) {
    let Some((name, rest)) = path.split_first() else { return };
    match (from.get(name), rest.is_empty()) {
        (None, _) => {}
        (Some(value), true) => drop(to.insert(name.clone(), value.clone())),
        (Some(Value::Object(inner)), false) => {
            let mut kept = match to.remove(name) {
                Some(Value::Object(kept)) => kept,
                _ => Map::new(),
            };
            // Of what is kept whole a part is there already.
            keep(inner, rest, &mut kept);
            if !kept.is_empty() {
                to.insert(name.clone(), Value::Object(kept));
            }
        }
        (Some(_), false) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_paths() {
        assert_eq!(path("type"), ["type"]);
        assert_eq!(path("content.body"), ["content", "body"]);
        assert_eq!(path(r"content.m\.relates_to.a\\b\c"), ["content", "m.relates_to", r"a\b\c"]);
        let event = json!({
            "type": "m", "sender": "@a", "content": { "body": "b", "m.x": { "y": 1, "z": 2 }, "list": [1] }
        });
        let shown = |fields: &[&str]| {
            let fields: Vec<_> = fields.iter().map(|field| path(field)).collect();
            Value::Object(only(event.as_object().unwrap(), &fields))
        };
        assert_eq!(shown(&["type", "nothing", "content.nothing"]), json!({ "type": "m" }));
        assert_eq!(
            shown(&["content.body", r"content.m\.x.y"]),
            json!({ "content": { "body": "b", "m.x": { "y": 1 } } })
        );
        assert_eq!(shown(&["content.list.0"]), json!({}));
        assert_eq!(
            shown(&["content", "content.body"])["content"]["list"],
            json!([1]),
            "the whole stays whole"
        );
        assert_eq!(shown(&[]), json!({}));
    }
}
