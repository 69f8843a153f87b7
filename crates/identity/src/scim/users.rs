//! Users: accounts of staff, and their entries in the directory.

use serde_json::{Map, Value};
use wardline_audit::{Action, Entry};
use wardline_domain::ruma::{OwnedUserId, UserId};
use wardline_store::{
    Kind, Reader, StoreError, UserNid, WriteTx,
    accounts::{self, AccountKind},
    scim::{self, UserRow},
    sessions,
};

use super::{
    Filter, ResourceType, ScimError, Shaped, Write,
    resource::{By, Done, Expected, rewritten},
    schema::ENTERPRISE_SCHEMA,
    shape,
};
use crate::{
    DISPLAY_NAME, Identity, IdentityError,
    account::new_account,
    oauth::forget_pages_of,
    ports::StaffEntry,
    sign_in::{Gone, remove_device},
    upstream::localpart_of,
};

/// The register of employee numbers in the directory.
const EMPLOYEE_NUMBER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber";

/// All users, at most those that the filter can fit.
pub(super) fn list(tx: &impl Reader, base: &str, filter: Option<&Filter>) -> Result<Vec<Shaped>, StoreError> {
    // Most questions are for one user, by name.
    let rows = match name_asked_for(filter) {
        Some(name) => scim::user_by_name(tx, &name)?.into_iter().filter(|row| !row.deleted).collect(),
        None => scim::users(tx)?,
    };
    rows.iter().map(|row| shaped(tx, base, row)).collect()
}

/// One user.
pub(super) fn read(tx: &impl Reader, base: &str, id: &str) -> Result<Option<Shaped>, StoreError> {
    scim::user(tx, id)?.map(|row| shaped(tx, base, &row)).transpose()
}

fn shaped(tx: &impl Reader, base: &str, row: &UserRow) -> Result<Shaped, StoreError> {
    Ok(shape::user(base, row, &scim::groups_of(tx, &row.id)?))
}

impl Identity {
    /// The account that a user is, or would be.
    pub(super) fn user_for(&self, resource: &Map<String, Value>) -> Result<OwnedUserId, ScimError> {
        let localpart = localpart_of(text(resource, "userName").unwrap_or_default());
        let unusable = || ScimError::InvalidValue("userName: no user name can be made of it".into());
        if localpart.is_empty() {
            return Err(unusable());
        }
        self.user_of(&localpart).ok_or_else(unusable)
    }
}

/// `userName eq "x"`, in small letters.
fn name_asked_for(filter: Option<&Filter>) -> Option<String> {
    let equal = filter?.equalities()?;
    let (_, name) = equal.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("userName"))?;
    name.as_str().map(str::to_lowercase)
}

fn text<'a>(resource: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    resource.get(name).and_then(Value::as_str)
}

fn is_active(resource: &Map<String, Value>) -> bool {
    resource.get("active").and_then(Value::as_bool).unwrap_or(true)
}

fn taken() -> ScimError {
    ScimError::Uniqueness("userName: is that of another user".into())
}

/// Makes a user: an account, or the control of one that exists and that nobody provisions.
pub(super) fn create(
    tx: &mut WriteTx<'_>,
    by: &By,
    id: String,
    user_id: OwnedUserId,
    resource: Map<String, Value>,
) -> Result<Done, ScimError> {
    let user_name = text(&resource, "userName").unwrap_or_default().to_lowercase();
    let external_id = text(&resource, "externalId").map(str::to_owned);
    // A deleted user comes back only as the same person.
    let same_person =
        |row: &UserRow| row.deleted && row.external_id.is_some() && row.external_id == external_id;
    let mut known = None;
    if let Some(row) = scim::user_by_name(tx, &user_name)? {
        if !same_person(&row) {
            return Err(taken());
        }
        known = Some(row);
    }
    let user = match accounts::find(tx, &user_id)? {
        None => new_account(tx, by.at, &by.actor, &user_id, AccountKind::Staff, None, false)?,
        Some(account) => {
            let provisioned = scim::user_by_account(tx, account.user)?;
            let free = provisioned.as_ref().is_none_or(same_person);
            if account.admin || account.deactivated || account.kind != AccountKind::Staff || !free {
                return Err(ScimError::Uniqueness(
                    "userName: its user name here is another account's".into(),
                ));
            }
            known = known.or(provisioned);
            account.user
        }
    };
    let (id, version, created_at) = match known {
        Some(row) => (row.id, row.version + 1, row.created_at),
        None => (id, 1, by.at),
    };
    let row = UserRow {
        id,
        user,
        user_id,
        user_name,
        external_id,
        resource: Value::from(resource.clone()).to_string(),
        version,
        created_at,
        modified_at: by.at,
        deleted: false,
    };
    scim::put_user(tx, &row)?;
    follow(tx, by, row, &resource, "created")
}

/// Changes a user, or deletes it, which leaves the account its name and what was said with it.
pub(super) fn change(
    tx: &mut WriteTx<'_>,
    by: &By,
    expected: Expected<'_>,
    write: Write,
) -> Result<Done, ScimError> {
    let mut row = expected.found(ResourceType::User, scim::user(tx, expected.id)?, |row| row.version)?;
    let old: Map<String, Value> = serde_json::from_str(&row.resource).unwrap_or_default();
    let (resource, what) = match rewritten(ResourceType::User, &old, &write)? {
        Some(rewritten) => rewritten,
        None => {
            row.deleted = true;
            let mut resource = old.clone();
            resource.insert("active".into(), Value::Bool(false));
            (resource, "deleted")
        }
    };
    let user_name = text(&resource, "userName").unwrap_or_default().to_lowercase();
    if user_name != row.user_name && scim::user_by_name(tx, &user_name)?.is_some() {
        return Err(taken());
    }
    if resource == old && !row.deleted {
        return Ok(Done::quietly(shaped(tx, &by.base, &row)?));
    }
    row.user_name = user_name;
    row.external_id = text(&resource, "externalId").map(str::to_owned);
    row.resource = Value::from(resource.clone()).to_string();
    row.version += 1;
    row.modified_at = by.at;
    scim::put_user(tx, &row)?;
    if row.deleted {
        super::groups::leave_all(tx, by, &row.id)?;
    }
    follow(tx, by, row, &resource, what)
}

/// What follows from a user's new values: the account, the name that others see, the directory, the audit.
fn follow(
    tx: &mut WriteTx<'_>,
    by: &By,
    row: UserRow,
    resource: &Map<String, Value>,
    what: &str,
) -> Result<Done, ScimError> {
    let entry = Entry::new(by.at, &*by.actor, Action::Provisioned)
        .target(row.user_id.as_str())
        .with("user", &*row.id)
        .with("change", what);
    wardline_audit::append(tx, &entry)?;
    let active = is_active(resource) && !row.deleted;
    let signed_out = set_active(tx, by, row.user, &row.user_id, active)?;
    let entry = directory_entry(resource);
    let shown = text(resource, "displayName").map(str::to_owned);
    let shown = shown.unwrap_or_else(|| format!("{} {}", entry.given, entry.family).trim().to_owned());
    let mut renamed = false;
    if !shown.trim().is_empty() && !row.deleted {
        let name: String = shown.trim().chars().take(60).collect();
        let name = Value::from(name).to_string();
        if accounts::profile_field(tx, row.user, DISPLAY_NAME)?.as_deref() != Some(&*name) {
            accounts::set_profile_field(tx, row.user, DISPLAY_NAME, Some(&name))?;
            tx.record(Kind::Profile, None, Some(row.user), 0)?;
            renamed = true;
        }
    }
    if let Some(directory) = &by.directory {
        directory.put(tx, by.at, &by.actor, row.user_id.localpart(), &entry)?;
    }
    Ok(Done {
        shaped: shaped(tx, &by.base, &row)?,
        signed_out: signed_out.then_some(row.user),
        renamed: renamed.then_some((row.user, row.user_id)),
    })
}

fn directory_entry(resource: &Map<String, Value>) -> StaffEntry {
    let name = resource.get("name").and_then(Value::as_object);
    let part = |part: &str| name.and_then(|name| text(name, part)).unwrap_or_default().to_owned();
    let number = resource.get(ENTERPRISE_SCHEMA).and_then(Value::as_object);
    let number = number.and_then(|extension| text(extension, "employeeNumber"));
    let family = match &*part("familyName") {
        // Nobody can be found in a directory without a name.
        "" => text(resource, "displayName").or(text(resource, "userName")).unwrap_or_default().to_owned(),
        family => family.to_owned(),
    };
    StaffEntry {
        family,
        given: part("givenName"),
        title: part("honorificPrefix"),
        job: text(resource, "title").unwrap_or_default().to_owned(),
        identifiers: number
            .map(|number| (EMPLOYEE_NUMBER.to_owned(), number.to_owned()))
            .into_iter()
            .collect(),
    }
}

/// Disables or enables an account. Disabling ends every session at once, with its device and keys; what was said
/// stays. Whether somebody was signed out.
fn set_active(
    tx: &mut WriteTx<'_>,
    by: &By,
    user: UserNid,
    user_id: &UserId,
    active: bool,
) -> Result<bool, IdentityError> {
    let disabled = accounts::find(tx, user_id)?.is_some_and(|account| account.disabled);
    if disabled != active {
        return Ok(false);
    }
    accounts::set_disabled(tx, user, (!active).then_some(by.at))?;
    let entry = Entry::new(by.at, &*by.actor, Action::AccountDisabled)
        .target(user_id.as_str())
        .with("disabled", (!active).to_string());
    wardline_audit::append(tx, &entry)?;
    if active {
        return Ok(false);
    }
    forget_pages_of(tx, user)?;
    for device in sessions::devices(tx, user)? {
        if remove_device(tx, user, &device.device_id, Gone::Elsewhere(by.at))? {
            let entry = Entry::new(by.at, &*by.actor, Action::SignOut)
                .target(user_id.as_str())
                .device(device.device_id)
                .with("why", "disabled");
            wardline_audit::append(tx, &entry)?;
        }
    }
    Ok(true)
}
