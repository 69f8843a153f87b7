//! Resources as they are answered (RFC 7643 section 3.1, RFC 7644 section 3.9).

use serde_json::{Map, Value, json};
use wardline_domain::Timestamp;
use wardline_store::scim::{GroupRow, UserRow};

use super::{
    filter::names,
    schema::{ENTERPRISE_SCHEMA, GROUPS, ResourceKind, USERS},
};

/// A resource and its version.
#[derive(Clone, Debug)]
pub struct Shaped {
    /// The whole resource.
    pub resource: Map<String, Value>,
    /// Its entity tag.
    pub version: String,
    /// Its address.
    pub location: String,
}

/// Which attributes are answered.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only these (`attributes`); empty: all.
    pub only: Vec<String>,
    /// Not these (`excludedAttributes`).
    pub without: Vec<String>,
}

impl Selection {
    /// The resource with what is selected; `schemas` and `id` always stay.
    #[must_use]
    pub fn of(&self, resource: Map<String, Value>) -> Map<String, Value> {
        let always = |name: &str| ["schemas", "id"].iter().any(|kept| kept.eq_ignore_ascii_case(name));
        let paths = |list: &[String]| -> Vec<Vec<String>> { list.iter().map(|text| names(text)).collect() };
        if !self.only.is_empty() {
            let wanted = paths(&self.only);
            return resource
                .into_iter()
                .filter_map(|(name, value)| {
                    if always(&name) {
                        return Some((name, value));
                    }
                    let of_this: Vec<&[String]> = inside(&wanted, &name);
                    let value = if of_this.iter().any(|rest| rest.is_empty()) {
                        Some(value)
                    } else {
                        (!of_this.is_empty()).then(|| parts(value, &of_this, true))
                    };
                    value.map(|value| (name, value))
                })
                .collect();
        }
        let unwanted = paths(&self.without);
        resource
            .into_iter()
            .filter_map(|(name, value)| {
                let of_this: Vec<&[String]> = inside(&unwanted, &name);
                if always(&name) || of_this.is_empty() {
                    return Some((name, value));
                }
                if of_this.iter().any(|rest| rest.is_empty()) {
                    return None;
                }
                let value = parts(value, &of_this, false);
                Some((name, value))
            })
            .collect()
    }
}

/// What the paths say inside the attribute of this name.
fn inside<'a>(paths: &'a [Vec<String>], name: &str) -> Vec<&'a [String]> {
    let of_this =
        paths.iter().filter(|path| path.first().is_some_and(|head| head.eq_ignore_ascii_case(name)));
    of_this.map(|path| &path[1..]).collect()
}

/// The parts of a value that are named, or those that are not.
fn parts(value: Value, named: &[&[String]], keep: bool) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(|value| parts(value, named, keep)).collect(),
        Value::Object(object) => object
            .into_iter()
            .filter(|(name, _)| {
                let is_named =
                    named.iter().any(|path| path.first().is_some_and(|n| n.eq_ignore_ascii_case(name)));
                is_named == keep
            })
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

/// A time as SCIM writes it.
fn instant(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis()).map(|at| at.to_string()).unwrap_or_default()
}

fn shaped(
    kind: &ResourceKind,
    base: &str,
    id: &str,
    mut resource: Map<String, Value>,
    (version, created, modified): (u64, Timestamp, Timestamp),
) -> Shaped {
    let mut schemas = vec![kind.schema];
    if resource.contains_key(ENTERPRISE_SCHEMA) {
        schemas.push(ENTERPRISE_SCHEMA);
    }
    let version = format!("W/\"{version}\"");
    let location = format!("{base}/{}s/{id}", kind.name);
    resource.insert("schemas".into(), json!(schemas));
    resource.insert("id".into(), json!(id));
    resource.insert(
        "meta".into(),
        json!({
            "resourceType": kind.name,
            "created": instant(created),
            "lastModified": instant(modified),
            "location": location,
            "version": version,
        }),
    );
    Shaped { resource, version, location }
}

/// A user with the groups that it is in (ids and names), below `base`.
pub(super) fn user(base: &str, row: &UserRow, groups: &[(String, String)]) -> Shaped {
    let mut resource: Map<String, Value> = serde_json::from_str(&row.resource).unwrap_or_default();
    if !groups.is_empty() {
        let groups = groups
            .iter()
            .map(|(id, name)| json!({ "value": id, "$ref": format!("{base}/Groups/{id}"), "display": name }));
        resource.insert("groups".into(), groups.collect());
    }
    shaped(&USERS, base, &row.id, resource, (row.version, row.created_at, row.modified_at))
}

/// A group with its members, below `base`.
pub(super) fn group(base: &str, row: &GroupRow, members: &[UserRow]) -> Shaped {
    let mut resource = writable_group(row, members);
    if let Some(Value::Array(listed)) = resource.get_mut("members") {
        for (value, member) in listed.iter_mut().zip(members) {
            value["$ref"] = json!(format!("{base}/Users/{}", member.id));
        }
    }
    shaped(&GROUPS, base, &row.id, resource, (row.version, row.created_at, row.modified_at))
}

/// What of a group the provisioning system writes.
pub(super) fn writable_group(row: &GroupRow, members: &[UserRow]) -> Map<String, Value> {
    let mut resource = Map::new();
    resource.insert("displayName".into(), json!(row.display_name));
    if let Some(id) = &row.external_id {
        resource.insert("externalId".into(), json!(id));
    }
    if !members.is_empty() {
        resource
            .insert("members".into(), members.iter().map(|member| json!({ "value": member.id })).collect());
    }
    resource
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_selected_by_path() {
        let resource = json!({
            "schemas": ["s"], "id": "1", "userName": "amy", "title": "Nurse",
            "name": { "givenName": "Amy", "familyName": "Li" },
            "emails": [{ "type": "work", "value": "a" }],
            (ENTERPRISE_SCHEMA): { "department": "Ward 7", "employeeNumber": "9" },
        });
        let resource = resource.as_object().unwrap();
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let department = format!("{ENTERPRISE_SCHEMA}:department");
        let only =
            Selection { only: list(&["USERNAME", "name.givenName", &department]), ..Selection::default() };
        assert_eq!(
            Value::from(only.of(resource.clone())),
            json!({ "schemas": ["s"], "id": "1", "userName": "amy", "name": { "givenName": "Amy" },
                (ENTERPRISE_SCHEMA): { "department": "Ward 7" } })
        );
        let without = list(&["id", "emails.type", "name", ENTERPRISE_SCHEMA]);
        let without = Selection { without, ..Selection::default() };
        assert_eq!(
            Value::from(without.of(resource.clone())),
            json!({ "schemas": ["s"], "id": "1", "userName": "amy", "title": "Nurse", "emails": [{ "value": "a" }] })
        );
    }
}
