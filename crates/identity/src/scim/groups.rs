//! Groups: teams of the directory.

use serde_json::{Map, Value};
use wardline_audit::{Action, Entry};
use wardline_store::{
    StoreError, WriteTx,
    scim::{self, GroupRow, UserRow},
};

use super::{
    Filter, ScimError, Shaped, patch,
    schema::GROUPS,
    shape,
    users::{By, Write, expect_version, uuid_of},
    value,
};
use crate::Identity;

impl Identity {
    /// All groups that fit, below `base`, in a fixed order.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn scim_groups(&self, base: &str, filter: Option<Filter>) -> Result<Vec<Shaped>, ScimError> {
        let base = base.to_owned();
        let found = self.store.read(move |tx| {
            let mut found = Vec::new();
            for row in scim::groups(tx)? {
                let shaped = shape::group(&base, &row, &scim::members(tx, &row.id)?);
                if filter.as_ref().is_none_or(|filter| filter.fits(&shaped.resource)) {
                    found.push(shaped);
                }
            }
            Ok::<_, StoreError>(found)
        });
        Ok(found.await?)
    }

    /// One group.
    ///
    /// # Errors
    /// [`ScimError::NotFound`], or a failure of the store.
    pub fn scim_group(&self, base: &str, id: &str) -> Result<Shaped, ScimError> {
        let found = self.store.read_now(|tx| {
            let Some(row) = scim::group(tx, id)? else { return Ok::<_, StoreError>(None) };
            Ok(Some(shape::group(base, &row, &scim::members(tx, id)?)))
        })?;
        found.ok_or(ScimError::NotFound("Group"))
    }

    /// Makes a group.
    ///
    /// # Errors
    /// [`ScimError::InvalidValue`], [`ScimError::InvalidSyntax`].
    pub async fn create_scim_group(
        &self,
        base: &str,
        client: &str,
        sent: &Value,
    ) -> Result<Shaped, ScimError> {
        let resource = value::resource(&GROUPS, sent)?;
        let (by, id, base) = (self.by(client), uuid_of(&*self.random), base.to_owned());
        let done = self.store.write_with(move |tx| {
            let row = GroupRow {
                id,
                display_name: String::new(),
                external_id: None,
                version: 0,
                created_at: by.at,
                modified_at: by.at,
            };
            let (row, members) = write(tx, &by, row, &resource, "created")?;
            Ok::<_, ScimError>(shape::group(&base, &row, &members))
        });
        done.await
    }

    /// Replaces a group (PUT).
    ///
    /// # Errors
    /// As [`Self::create_scim_group`]; [`ScimError::NotFound`], [`ScimError::Precondition`].
    pub async fn put_scim_group(
        &self,
        base: &str,
        client: &str,
        (id, if_match): (&str, Option<&str>),
        sent: Value,
    ) -> Result<Shaped, ScimError> {
        self.change_scim_group(base, client, (id, if_match), Write::Put(sent)).await
    }

    /// Changes a group by path (PATCH).
    ///
    /// # Errors
    /// As [`Self::put_scim_group`]; [`ScimError::InvalidPath`], [`ScimError::NoTarget`].
    pub async fn patch_scim_group(
        &self,
        base: &str,
        client: &str,
        (id, if_match): (&str, Option<&str>),
        sent: Value,
    ) -> Result<Shaped, ScimError> {
        self.change_scim_group(base, client, (id, if_match), Write::Patch(sent)).await
    }

    /// Deletes a group and its team.
    ///
    /// # Errors
    /// [`ScimError::NotFound`], [`ScimError::Precondition`].
    pub async fn delete_scim_group(
        &self,
        client: &str,
        (id, if_match): (&str, Option<&str>),
    ) -> Result<(), ScimError> {
        self.change_scim_group("", client, (id, if_match), Write::Delete).await.map(|_| ())
    }

    async fn change_scim_group(
        &self,
        base: &str,
        client: &str,
        (id, if_match): (&str, Option<&str>),
        what: Write,
    ) -> Result<Shaped, ScimError> {
        let (by, id, if_match) = (self.by(client), id.to_owned(), if_match.map(str::to_owned));
        let base = base.to_owned();
        let done = self.store.write_with(move |tx| {
            let row = scim::group(tx, &id)?.ok_or(ScimError::NotFound("Group"))?;
            expect_version(if_match.as_deref(), row.version)?;
            let members = scim::members(tx, &id)?;
            let old = shape::writable_group(&row, &members);
            let resource = match what {
                Write::Put(sent) => value::resource(&GROUPS, &sent)?,
                Write::Patch(request) => {
                    let mut resource = old.clone();
                    patch::apply(&GROUPS, &mut resource, &request)?;
                    resource
                }
                Write::Delete => {
                    scim::delete_group(tx, &id)?;
                    if let Some(directory) = &by.directory {
                        directory.remove_team(tx, by.at, &by.actor, &id)?;
                    }
                    audit(tx, &by, &id, "deleted")?;
                    return Ok(shape::group(&base, &row, &members));
                }
            };
            if resource == old {
                return Ok(shape::group(&base, &row, &members));
            }
            let (row, members) = write(tx, &by, row, &resource, "changed")?;
            Ok::<_, ScimError>(shape::group(&base, &row, &members))
        });
        done.await
    }
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
) -> Result<(GroupRow, Vec<UserRow>), ScimError> {
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
    Ok((row, members))
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
