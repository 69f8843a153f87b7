//! Changes by path (RFC 7644 section 3.5.2), with what Entra ID sends besides: operations in capital letters, members to
//! remove in `value`, paths as the names of a value without a path.

use serde_json::{Map, Value};

use super::{
    Filter, ScimError,
    path::Target,
    schema::{Attribute, Mutability, ResourceKind},
    value::{entry, fit, one},
};

const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// The most operations of one request.
const MAX_OPERATIONS: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Add,
    Replace,
    Remove,
}

/// Applies the operations of a request to a resource; all or nothing is the caller's business.
pub(super) fn apply(
    kind: &ResourceKind,
    resource: &mut Map<String, Value>,
    request: &Value,
) -> Result<(), ScimError> {
    let syntax = |text: &str| ScimError::InvalidSyntax(text.to_owned());
    let request = request.as_object().ok_or_else(|| syntax("the body must be an object"))?;
    let schemas = entry(request, "schemas").and_then(Value::as_array);
    if !schemas.is_some_and(|all| all.iter().any(|schema| schema.as_str() == Some(SCHEMA))) {
        return Err(syntax("schemas: must have that of PatchOp"));
    }
    let operations = entry(request, "Operations").and_then(Value::as_array);
    let operations = operations.ok_or_else(|| syntax("Operations: is required"))?;
    if operations.is_empty() || operations.len() > MAX_OPERATIONS {
        return Err(syntax("Operations: must have 1 to 1000"));
    }
    for operation in operations {
        let operation = operation.as_object().ok_or_else(|| syntax("Operations: must be objects"))?;
        let name = entry(operation, "op").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        let change = match &*name {
            "add" => Change::Add,
            "replace" => Change::Replace,
            "remove" => Change::Remove,
            _ => return Err(syntax("op: must be add, replace or remove")),
        };
        let value = entry(operation, "value");
        match (entry(operation, "path"), change) {
            (None | Some(Value::Null), Change::Remove) => {
                return Err(ScimError::NoTarget("is required to remove".into()));
            }
            (None | Some(Value::Null), _) => {
                let value =
                    value.and_then(Value::as_object).ok_or_else(|| syntax("value: must be an object"))?;
                for (path, value) in value.iter().filter(|(path, _)| !is_bookkeeping(path)) {
                    at(kind, resource, change, path, Some(value))?;
                }
            }
            (Some(Value::String(path)), _) => at(kind, resource, change, path, value)?,
            (Some(_), _) => return Err(ScimError::InvalidPath("must be text".into())),
        }
    }
    Ok(())
}

/// Whether a name is of what the server itself says of a resource; sent back with values, it is ignored.
fn is_bookkeeping(name: &str) -> bool {
    ["schemas", "id", "meta"].iter().any(|own| own.eq_ignore_ascii_case(name))
}

fn at(
    kind: &ResourceKind,
    resource: &mut Map<String, Value>,
    change: Change,
    path: &str,
    value: Option<&Value>,
) -> Result<(), ScimError> {
    let target = Target::parse(kind, path)?;
    let schema = kind.extension.map_or("", |(schema, _)| schema);
    match target {
        Target::Extension => {
            if change == Change::Remove {
                resource.remove(schema);
                return Ok(());
            }
            let value = value.and_then(Value::as_object);
            let value = value.ok_or_else(|| ScimError::InvalidValue(format!("{path}: must be an object")))?;
            for (name, value) in value.iter().filter(|(name, _)| !is_bookkeeping(name)) {
                at(kind, resource, change, &format!("{schema}:{name}"), Some(value))?;
            }
            Ok(())
        }
        Target::Attribute { extension, attribute, filter, part } => {
            if attribute.mutability == Mutability::ReadOnly {
                return Err(ScimError::Mutability(attribute.name.into()));
            }
            let mut inner = Map::new();
            let object = if extension {
                if let Some(Value::Object(there)) = resource.remove(schema) {
                    inner = there;
                }
                &mut inner
            } else {
                &mut *resource
            };
            let done = attribute_at(object, change, &attribute, filter.as_ref(), part.as_ref(), value);
            if extension && !inner.is_empty() {
                resource.insert(schema.to_owned(), inner.into());
            }
            done
        }
    }
}

fn needed<'a>(attribute: &Attribute, value: Option<&'a Value>) -> Result<&'a Value, ScimError> {
    value.ok_or_else(|| ScimError::InvalidValue(format!("{}: value is required", attribute.name)))
}

fn set(
    object: &mut Map<String, Value>,
    attribute: &Attribute,
    value: Option<Value>,
) -> Result<(), ScimError> {
    match value {
        Some(value) => {
            object.insert(attribute.name.to_owned(), value);
        }
        None if attribute.required => {
            return Err(ScimError::InvalidValue(format!("{}: is required", attribute.name)));
        }
        None => {
            object.remove(attribute.name);
        }
    }
    Ok(())
}

fn attribute_at(
    object: &mut Map<String, Value>,
    change: Change,
    attribute: &Attribute,
    filter: Option<&Filter>,
    part: Option<&Attribute>,
    value: Option<&Value>,
) -> Result<(), ScimError> {
    if attribute.multi {
        return values_at(object, change, attribute, filter, part, value);
    }
    let Some(part) = part else {
        if change == Change::Remove {
            return set(object, attribute, None);
        }
        let value = one(attribute, needed(attribute, value)?)?;
        // The parts that are named change; the others stay.
        if let (Some(Value::Object(old)), Some(Value::Object(new))) =
            (object.get_mut(attribute.name), value.as_ref())
        {
            old.extend(new.clone());
            return Ok(());
        }
        return set(object, attribute, value);
    };
    let mut inner = match object.remove(attribute.name) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    let value = if change == Change::Remove { None } else { one(part, needed(part, value)?)? };
    set(&mut inner, part, value)?;
    if !inner.is_empty() {
        object.insert(attribute.name.to_owned(), inner.into());
    }
    Ok(())
}

fn values_at(
    object: &mut Map<String, Value>,
    change: Change,
    attribute: &Attribute,
    filter: Option<&Filter>,
    part: Option<&Attribute>,
    value: Option<&Value>,
) -> Result<(), ScimError> {
    let mut values = match object.get(attribute.name) {
        Some(Value::Array(values)) => values.clone(),
        _ => Vec::new(),
    };
    let fits =
        |value: &Value| filter.is_none_or(|filter| value.as_object().is_some_and(|value| filter.fits(value)));
    match (change, part) {
        (Change::Remove, None) => {
            // Entra ID names the members to remove in `value`.
            let named = match (filter, value) {
                (None, Some(value)) => fit(attribute, value)?,
                _ => None,
            };
            match named {
                Some(Value::Array(named)) => values.retain(|value| !named.iter().any(|n| same(n, value))),
                _ => values.retain(|value| !fits(value)),
            }
        }
        (Change::Remove, Some(part)) => {
            for value in values.iter_mut().filter(|value| fits(value)) {
                if let Value::Object(value) = value {
                    value.remove(part.name);
                }
            }
            values.retain(|value| value.as_object().is_none_or(|value| !value.is_empty()));
        }
        (Change::Add, None) if filter.is_none() => {
            if let Some(Value::Array(new)) = fit(attribute, needed(attribute, value)?)? {
                if new.iter().any(is_primary) {
                    unset_primary(&mut values);
                }
                for value in new {
                    if !values.iter().any(|there| same(there, &value)) {
                        values.push(value);
                    }
                }
            }
        }
        (Change::Replace, None) if filter.is_none() => {
            values = match fit(attribute, needed(attribute, value)?)? {
                Some(Value::Array(values)) => values,
                _ => Vec::new(),
            };
        }
        (Change::Add | Change::Replace, part) => {
            change_selected(&mut values, change, attribute, filter, part, needed(attribute, value)?)?;
        }
    }
    set(object, attribute, (!values.is_empty()).then_some(Value::Array(values)))
}

/// Changes the values that the filter selects, or a part of each.
fn change_selected(
    values: &mut Vec<Value>,
    change: Change,
    attribute: &Attribute,
    filter: Option<&Filter>,
    part: Option<&Attribute>,
    value: &Value,
) -> Result<(), ScimError> {
    let new = match part {
        Some(part) => Map::from_iter(one(part, value)?.map(|value| (part.name.to_owned(), value))),
        None => match one(attribute, value)? {
            Some(Value::Object(new)) => new,
            _ => return Err(ScimError::InvalidValue(format!("{}: must be an object", attribute.name))),
        },
    };
    let fits =
        |value: &Value| filter.is_none_or(|filter| value.as_object().is_some_and(|value| filter.fits(value)));
    if !values.iter().any(fits) {
        // Adding to a value that is not there makes it, with what the filter says of it.
        let made = filter.and_then(Filter::equalities).filter(|_| change == Change::Add || filter.is_none());
        let Some(equal) = made else {
            return Err(ScimError::NoTarget(format!("no value of {} fits", attribute.name)));
        };
        let mut made = Map::from_iter(equal);
        made.extend(new);
        values.extend(one(attribute, &made.into())?);
        return Ok(());
    }
    if new.get("primary") == Some(&Value::Bool(true)) {
        unset_primary(values);
    }
    for there in values.iter_mut().filter(|value| fits(value)) {
        if let Value::Object(there) = there {
            there.extend(new.clone());
        }
    }
    Ok(())
}

/// Whether two values of a list are the same one: that of the same `value`.
fn same(a: &Value, b: &Value) -> bool {
    match (a.get("value"), b.get("value")) {
        (Some(x), Some(y)) => x == y && a.get("type").is_none_or(|t| b.get("type").is_none_or(|u| t == u)),
        _ => a == b,
    }
}

fn is_primary(value: &Value) -> bool {
    value.get("primary") == Some(&Value::Bool(true))
}

/// One value at most is the primary one.
fn unset_primary(values: &mut [Value]) {
    for value in values.iter_mut().filter(|value| is_primary(value)) {
        value["primary"] = Value::Bool(false);
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::schema::{ENTERPRISE_SCHEMA, GROUPS, USERS},
        *,
    };
    use serde_json::json;

    fn patched(kind: &ResourceKind, from: Value, operations: Value) -> Result<Value, ScimError> {
        let mut resource = from.as_object().unwrap().clone();
        let request = json!({ "schemas": [SCHEMA], "Operations": operations });
        apply(kind, &mut resource, &request).map(|()| resource.into())
    }

    #[test]
    fn what_entra_id_sends() {
        let user = json!({ "userName": "amy", "active": true });
        let done = patched(
            &USERS,
            user,
            json!([
                { "op": "Replace", "path": "active", "value": "False" },
                { "op": "Add", "path": "emails[type eq \"work\"].value", "value": "amy@x.example" },
                { "op": "Add", "path": "name.givenName", "value": "Amy" },
                { "op": "Replace", "value": {
                    "title": "Nurse", "name.familyName": "Li",
                    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "Ward 7",
                } },
            ]),
        )
        .unwrap();
        assert_eq!(
            done,
            json!({
                "userName": "amy", "active": false, "title": "Nurse",
                "name": { "givenName": "Amy", "familyName": "Li" },
                "emails": [{ "type": "work", "value": "amy@x.example" }],
                (ENTERPRISE_SCHEMA): { "department": "Ward 7" },
            })
        );
        let group =
            json!({ "displayName": "T", "members": [{ "value": "1" }, { "value": "2" }, { "value": "3" }] });
        let done = patched(
            &GROUPS,
            group,
            json!([
                { "op": "Remove", "path": "members", "value": [{ "value": "1" }] },
                { "op": "Remove", "path": "members[value eq \"2\"]" },
                { "op": "Add", "path": "members", "value": [{ "value": "3" }, { "value": "4" }] },
            ]),
        )
        .unwrap();
        assert_eq!(done["members"], json!([{ "value": "3" }, { "value": "4" }]));
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let user = json!({ "userName": "amy", "emails": [{ "type": "home", "value": "a@x.example" }] });
        for operation in [
            json!({ "op": "move", "path": "title", "value": "x" }),
            json!({ "op": "remove" }),
            json!({ "op": "remove", "path": "userName" }),
            json!({ "op": "add", "path": "nothing", "value": "x" }),
            json!({ "op": "add", "path": "groups", "value": [{ "value": "x" }] }),
            json!({ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "x" }),
            json!({ "op": "replace", "path": "emails[type eq].value", "value": "x" }),
            json!({ "op": "replace", "path": "title[x eq 1]", "value": "x" }),
            json!({ "op": "replace", "path": "active", "value": "perhaps" }),
            json!({ "op": "replace", "path": "title", "value": 7 }),
            json!({ "op": "replace", "value": "x" }),
            json!({ "op": "replace", "path": "title" }),
        ] {
            assert!(patched(&USERS, user.clone(), json!([operation])).is_err(), "{operation}");
        }
        assert!(patched(&USERS, user, json!([])).is_err());
    }

    #[test]
    fn one_primary_value() {
        let user = json!({ "userName": "amy", "emails": [{ "value": "a", "primary": true }] });
        let added = json!([{ "op": "add", "path": "emails", "value": { "value": "b", "primary": true } }]);
        let done = patched(&USERS, user, added).unwrap();
        assert_eq!(
            done["emails"],
            json!([{ "value": "a", "primary": false }, { "value": "b", "primary": true }])
        );
    }
}
