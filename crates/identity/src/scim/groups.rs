//! Groups: teams of the directory.

use serde_json::{Map, Value};
use wardline_audit::{Action, Entry};
use wardline_store::{
    Reader, StoreError, WriteTx,
    scim::{self, GroupRow, UserRow},
};

use super::{
    ResourceType, ScimError, Shaped, Write,
    resource::{By, Done, Expected, rewritten},
    shape,
};

/// All groups.
pub(super) fn list(tx: &impl Reader, base: &str) -> Result<Vec<Shaped>, StoreError> {
    let rows = scim::groups(tx)?;
    rows.iter().map(|row| Ok(shape::group(base, row, &scim::members(tx, &row.id)?))).collect()
}

/// One group.
pub(super) fn read(tx: &impl Reader, base: &str, id: &str) -> Result<Option<Shaped>, StoreError> {
    let Some(row) = scim::group(tx, id)? else { return Ok(None) };
    Ok(Some(shape::group(base, &row, &scim::members(tx, id)?)))
}

/// Makes a group and its team.
pub(super) fn create(
    tx: &mut WriteTx<'_>,
    by: &By,
    id: String,
    resource: &Map<String, Value>,
) -> Result<Done, ScimError> {
    let row = GroupRow {
        id,
        display_name: String::new(),
        external_id: None,
        version: 0,
        created_at: by.at,
        modified_at: by.at,
    };
    write(tx, by, row, resource, "created")
}

/// Changes a group, or deletes it with its team.
pub(super) fn change(
    tx: &mut WriteTx<'_>,
    by: &By,
    expected: Expected<'_>,
    what: Write,
) -> Result<Done, ScimError> {
    let row = expected.found(ResourceType::Group, scim::group(tx, expected.id)?, |row| row.version)?;
    let members = scim::members(tx, &row.id)?;
    let old = shape::writable_group(&row, &members);
    let Some((resource, change)) = rewritten(ResourceType::Group, &old, &what)? else {
        scim::delete_group(tx, &row.id)?;
        if let Some(directory) = &by.directory {
            directory.remove_team(tx, by.at, &by.actor, &row.id)?;
        }
        audit(tx, by, &row.id, "deleted")?;
        return Ok(Done::quietly(shape::group(&by.base, &row, &members)));
    };
    if resource == old {
        return Ok(Done::quietly(shape::group(&by.base, &row, &members)));
    }
    write(tx, by, row, &resource, change)
}

fn audit(tx: &mut WriteTx<'_>, by: &By, id: &str, change: &str) -> Result<(), StoreError> {
    let entry = Entry::new(by.at, &*by.actor, Action::Provisioned).target(id).with("group", id);
    wardline_audit::append(tx, &entry.with("change", change))
}

/// Writes a group with these values, its team and the audit.
fn write(
    tx: &mut WriteTx<'_>,
    by: &By,
    mut row: GroupRow,
    resource: &Map<String, Value>,
    change: &str,
) -> Result<Done, ScimError> {
    let text = |name: &str| resource.get(name).and_then(Value::as_str).map(str::to_owned);
    row.display_name = text("displayName").unwrap_or_default();
    row.external_id = text("externalId");
    row.version += 1;
    row.modified_at = by.at;
    let listed = resource.get("members").and_then(Value::as_array).into_iter().flatten();
    let mut members = Vec::new();
    for member in listed {
        let id = member.get("value").and_then(Value::as_str).unwrap_or_default();
        if scim::user(tx, id)?.is_none() {
            return Err(ScimError::InvalidValue(format!("members: there is no User {id}")));
        }
        members.push(id.to_owned());
    }
    scim::put_group(tx, &row, &members)?;
    audit(tx, by, &row.id, change)?;
    let members = put_team(tx, by, &row)?;
    Ok(Done::quietly(shape::group(&by.base, &row, &members)))
}

/// Writes the team of a group as the group is now.
fn put_team(tx: &mut WriteTx<'_>, by: &By, row: &GroupRow) -> Result<Vec<UserRow>, StoreError> {
    let members = scim::members(tx, &row.id)?;
    if let Some(directory) = &by.directory {
        let people: Vec<String> =
            members.iter().map(|member| member.user_id.localpart().to_owned()).collect();
        directory.put_team(tx, by.at, &by.actor, (&row.id, &row.display_name), &people)?;
    }
    Ok(members)
}

/// Takes a user that was deleted out of the teams of its groups.
pub(super) fn leave_all(tx: &mut WriteTx<'_>, by: &By, user: &str) -> Result<(), StoreError> {
    for (id, _) in scim::groups_of(tx, user)? {
        if let Some(row) = scim::group(tx, &id)? {
            put_team(tx, by, &row)?;
        }
    }
    Ok(())
}
