//! Users: accounts of staff, and their entries in the directory.

use std::sync::Arc;

use serde_json::{Map, Value};
use wardline_audit::{Action, Entry};
use wardline_domain::{
    Timestamp,
    ruma::{OwnedUserId, UserId},
};
use wardline_store::{
    Kind, StoreError, UserNid, WriteTx,
    accounts::{self, AccountKind},
    scim::{self, UserRow},
    sessions,
};

use super::{
    Filter, ScimError, Shaped, patch,
    schema::{ENTERPRISE_SCHEMA, USERS},
    shape, value,
};
use crate::{
    DISPLAY_NAME, Identity, IdentityError,
    account::new_account,
    oauth::forget_pages_of,
    ports::{StaffDirectory, StaffEntry},
    sign_in::{Gone, remove_device},
    upstream::localpart_of,
};

/// The register of employee numbers in the directory.
const EMPLOYEE_NUMBER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber";

/// What changes a user.
#[derive(Clone, Debug)]
pub(super) enum Write {
    Put(Value),
    Patch(Value),
    Delete,
}

/// Who provisions and when.
#[derive(Clone, Debug)]
pub(super) struct By {
    pub(super) at: Timestamp,
    pub(super) actor: String,
    pub(super) directory: Option<Arc<dyn StaffDirectory>>,
}

impl Identity {
    pub(super) fn by(&self, client: &str) -> By {
        By { at: self.now(), actor: format!("system:scim:{client}"), directory: self.directory.clone() }
    }

    /// All users that fit, below `base`, in a fixed order.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn scim_users(&self, base: &str, filter: Option<Filter>) -> Result<Vec<Shaped>, ScimError> {
        let base = base.to_owned();
        let found = self.store.read(move |tx| {
            // Most questions are for one user, by name.
            let rows = match name_asked_for(filter.as_ref()) {
                Some(name) => scim::user_by_name(tx, &name)?.into_iter().filter(|row| !row.deleted).collect(),
                None => scim::users(tx)?,
            };
            let mut found = Vec::new();
            for row in rows {
                let shaped = shape::user(&base, &row, &scim::groups_of(tx, &row.id)?);
                if filter.as_ref().is_none_or(|filter| filter.fits(&shaped.resource)) {
                    found.push(shaped);
                }
            }
            Ok::<_, StoreError>(found)
        });
        Ok(found.await?)
    }

    /// One user.
    ///
    /// # Errors
    /// [`ScimError::NotFound`], or a failure of the store.
    pub fn scim_user(&self, base: &str, id: &str) -> Result<Shaped, ScimError> {
        let found = self.store.read_now(|tx| {
            let Some(row) = scim::user(tx, id)? else { return Ok::<_, StoreError>(None) };
            Ok(Some(shape::user(base, &row, &scim::groups_of(tx, &row.id)?)))
        })?;
        found.ok_or(ScimError::NotFound("User"))
    }

    /// Makes a user: an account, or the control of one that exists and that nobody provisions.
    ///
    /// # Errors
    /// [`ScimError::Uniqueness`], [`ScimError::InvalidValue`], [`ScimError::InvalidSyntax`].
    pub async fn create_scim_user(
        &self,
        base: &str,
        client: &str,
        sent: &Value,
    ) -> Result<Shaped, ScimError> {
        let resource = value::resource(&USERS, sent)?;
        let user_id = self.user_for(&resource)?;
        let (by, id) = (self.by(client), uuid_of(&*self.random));
        let done = self.store.write_with(move |tx| create(tx, &by, id, user_id, resource));
        self.finish_user(base, done.await?).await
    }

    /// Replaces what is kept of a user (PUT).
    ///
    /// # Errors
    /// As [`Self::create_scim_user`]; [`ScimError::NotFound`], [`ScimError::Precondition`].
    pub async fn put_scim_user(
        &self,
        base: &str,
        client: &str,
        (id, if_match): (&str, Option<&str>),
        sent: Value,
    ) -> Result<Shaped, ScimError> {
        self.change_scim_user(base, client, (id, if_match), Write::Put(sent)).await
    }

    /// Changes a user by path (PATCH).
    ///
    /// # Errors
    /// As [`Self::put_scim_user`]; [`ScimError::InvalidPath`], [`ScimError::NoTarget`], [`ScimError::Mutability`].
    pub async fn patch_scim_user(
        &self,
        base: &str,
        client: &str,
        (id, if_match): (&str, Option<&str>),
        sent: Value,
    ) -> Result<Shaped, ScimError> {
        self.change_scim_user(base, client, (id, if_match), Write::Patch(sent)).await
    }

    /// Deletes a user. The account is disabled and keeps its name and everything that was said with it.
    ///
    /// # Errors
    /// [`ScimError::NotFound`], [`ScimError::Precondition`].
    pub async fn delete_scim_user(
        &self,
        client: &str,
        (id, if_match): (&str, Option<&str>),
    ) -> Result<(), ScimError> {
        self.change_scim_user("", client, (id, if_match), Write::Delete).await.map(|_| ())
    }

    async fn change_scim_user(
        &self,
        base: &str,
        client: &str,
        (id, if_match): (&str, Option<&str>),
        write: Write,
    ) -> Result<Shaped, ScimError> {
        let (by, id, if_match) = (self.by(client), id.to_owned(), if_match.map(str::to_owned));
        let done = self.store.write_with(move |tx| {
            let row = scim::user(tx, &id)?.ok_or(ScimError::NotFound("User"))?;
            expect_version(if_match.as_deref(), row.version)?;
            change(tx, &by, row, write)
        });
        self.finish_user(base, done.await?).await
    }

    /// The account that a user is, or would be.
    fn user_for(&self, resource: &Map<String, Value>) -> Result<OwnedUserId, ScimError> {
        let localpart = localpart_of(text(resource, "userName").unwrap_or_default());
        let unusable = || ScimError::InvalidValue("userName: no user name can be made of it".into());
        if localpart.is_empty() {
            return Err(unusable());
        }
        self.user_of(&localpart).ok_or_else(unusable)
    }

    /// What follows from a change once it is durable.
    async fn finish_user(&self, base: &str, done: Done) -> Result<Shaped, ScimError> {
        let user = done.row.user;
        if done.signed_out {
            self.sessions.forget(|session| session.user_nid == user);
        }
        if done.renamed {
            for listener in &self.listeners {
                listener.profile_changed(user, &done.row.user_id).await;
            }
        }
        let groups = self.store.read_now(|tx| scim::groups_of(tx, &done.row.id))?;
        Ok(shape::user(base, &done.row, &groups))
    }
}

/// `userName eq "x"`, in small letters.
fn name_asked_for(filter: Option<&Filter>) -> Option<String> {
    let equal = filter?.equalities()?;
    let (_, name) = equal.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("userName"))?;
    name.as_str().map(str::to_lowercase)
}

/// Refuses a change of another version than the one that is there (RFC 7644 section 3.14).
pub(super) fn expect_version(if_match: Option<&str>, version: u64) -> Result<(), ScimError> {
    let Some(given) = if_match else { return Ok(()) };
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let fits = given.split(',').any(|tag| tag.trim() == "*" || opaque(tag) == format!("\"{version}\""));
    if fits { Ok(()) } else { Err(ScimError::Precondition) }
}

/// A random UUID (version 4), as resources are named.
pub(super) fn uuid_of(random: &dyn wardline_domain::Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// A changed user, and what else changed.
struct Done {
    row: UserRow,
    signed_out: bool,
    renamed: bool,
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

fn create(
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

fn change(tx: &mut WriteTx<'_>, by: &By, mut row: UserRow, write: Write) -> Result<Done, ScimError> {
    let old: Map<String, Value> = serde_json::from_str(&row.resource).unwrap_or_default();
    let (resource, what) = match write {
        Write::Put(sent) => (value::resource(&USERS, &sent)?, "replaced"),
        Write::Patch(request) => {
            let mut resource = old.clone();
            patch::apply(&USERS, &mut resource, &request)?;
            (resource, "changed")
        }
        Write::Delete => {
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
        return Ok(Done { row, signed_out: false, renamed: false });
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
    Ok(Done { row, signed_out, renamed })
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
