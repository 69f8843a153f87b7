//! What is the same for all resources: list, read, make, replace, change by path, delete (RFC 7644 section 3). What a resource
//! stands for is in `users` and `groups`.

use std::sync::Arc;

use serde_json::{Map, Value};
use wardline_domain::{Timestamp, ruma::OwnedUserId};
use wardline_store::{StoreError, UserNid};

use super::{
    Filter, ScimError, Shaped, groups, patch,
    schema::{GROUPS, ResourceKind, USERS},
    users, value,
};
use crate::{Identity, ports::StaffDirectory};

/// The kinds of resources that are provisioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceType {
    /// An account of a member of staff.
    User,
    /// A team.
    Group,
}

impl ResourceType {
    /// Its name, as refusals say it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    const fn kind(self) -> &'static ResourceKind {
        match self {
            Self::User => &USERS,
            Self::Group => &GROUPS,
        }
    }
}

/// What changes a resource.
#[derive(Clone, Debug)]
pub enum Write {
    /// PUT: everything is as in this body.
    Put(Value),
    /// PATCH: these operations are carried out.
    Patch(Value),
    /// DELETE.
    Delete,
}

/// Who provisions and when, and below which address resources are.
#[derive(Clone, Debug)]
pub(super) struct By {
    pub(super) at: Timestamp,
    pub(super) actor: String,
    pub(super) directory: Option<Arc<dyn StaffDirectory>>,
    pub(super) base: String,
}

/// A resource after a change, and what is to follow once that is durable.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) shaped: Shaped,
    /// Whose sessions have ended.
    pub(super) signed_out: Option<UserNid>,
    /// Whose name others see has changed.
    pub(super) renamed: Option<(UserNid, OwnedUserId)>,
}

impl Done {
    /// Nothing follows.
    pub(super) fn quietly(shaped: Shaped) -> Self {
        Self { shaped, signed_out: None, renamed: None }
    }
}

impl Identity {
    /// All resources of a type that fit, with addresses below `base`, in a fixed order.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn scim_list(
        &self,
        what: ResourceType,
        base: &str,
        filter: Option<Filter>,
    ) -> Result<Vec<Shaped>, ScimError> {
        let base = base.to_owned();
        let found = self.store.read(move |tx| {
            let mut found = match what {
                ResourceType::User => users::list(tx, &base, filter.as_ref())?,
                ResourceType::Group => groups::list(tx, &base)?,
            };
            found.retain(|shaped| filter.as_ref().is_none_or(|filter| filter.fits(&shaped.resource)));
            Ok::<_, StoreError>(found)
        });
        Ok(found.await?)
    }

    /// One resource.
    ///
    /// # Errors
    /// [`ScimError::NotFound`], or a failure of the store.
    pub fn scim_read(&self, what: ResourceType, base: &str, id: &str) -> Result<Shaped, ScimError> {
        let found = self.store.read_now(|tx| match what {
            ResourceType::User => users::read(tx, base, id),
            ResourceType::Group => groups::read(tx, base, id),
        })?;
        found.ok_or(ScimError::NotFound(what.as_str()))
    }

    /// Makes a resource. A user is an account, or the control of one that exists and that nobody provisions.
    ///
    /// # Errors
    /// [`ScimError::Uniqueness`], [`ScimError::InvalidValue`], [`ScimError::InvalidSyntax`].
    pub async fn scim_create(
        &self,
        what: ResourceType,
        base: &str,
        client: &str,
        sent: &Value,
    ) -> Result<Shaped, ScimError> {
        let resource = value::resource(what.kind(), sent)?;
        let account = match what {
            ResourceType::User => Some(self.user_for(&resource)?),
            ResourceType::Group => None,
        };
        let (by, id) = (self.by(base, client), uuid_of(&*self.random));
        let done = self.store.write_with(move |tx| match account {
            Some(user_id) => users::create(tx, &by, id, user_id, resource),
            None => groups::create(tx, &by, id, &resource),
        });
        Ok(self.scim_follow(done.await?).await)
    }

    /// Changes a resource, if it is still as the caller knows it (`If-Match`). A deleted user's account is disabled and keeps
    /// its name and everything that was said with it; a deleted group's team goes.
    ///
    /// # Errors
    /// As [`Self::scim_create`]; [`ScimError::NotFound`], [`ScimError::Precondition`], [`ScimError::InvalidPath`],
    /// [`ScimError::NoTarget`], [`ScimError::Mutability`].
    pub async fn scim_change(
        &self,
        what: ResourceType,
        base: &str,
        client: &str,
        (id, if_match): (&str, Option<&str>),
        write: Write,
    ) -> Result<Shaped, ScimError> {
        let (by, id, if_match) = (self.by(base, client), id.to_owned(), if_match.map(str::to_owned));
        let done = self.store.write_with(move |tx| {
            let expected = Expected { id: &id, if_match: if_match.as_deref() };
            match what {
                ResourceType::User => users::change(tx, &by, expected, write),
                ResourceType::Group => groups::change(tx, &by, expected, write),
            }
        });
        Ok(self.scim_follow(done.await?).await)
    }

    /// What follows from a change once it is durable.
    async fn scim_follow(&self, done: Done) -> Shaped {
        if let Some(user) = done.signed_out {
            self.sessions.forget(|session| session.user_nid == user);
        }
        if let Some((user, user_id)) = done.renamed {
            for listener in &self.listeners {
                listener.profile_changed(user, &user_id).await;
            }
        }
        done.shaped
    }

    fn by(&self, base: &str, client: &str) -> By {
        By {
            at: self.now(),
            actor: format!("system:scim:{client}"),
            directory: self.directory.clone(),
            base: base.to_owned(),
        }
    }
}

/// Which resource is meant, and in which version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub(super) id: &'a str,
    if_match: Option<&'a str>,
}

impl Expected<'_> {
    /// The row that was found, unless it is of another version than the caller's (RFC 7644 section 3.14).
    pub(super) fn found<T>(
        &self,
        what: ResourceType,
        row: Option<T>,
        version: impl Fn(&T) -> u64,
    ) -> Result<T, ScimError> {
        let row = row.ok_or(ScimError::NotFound(what.as_str()))?;
        let Some(given) = self.if_match else { return Ok(row) };
        let tag = format!("\"{}\"", version(&row));
        let fits =
            given.split(',').any(|given| given.trim() == "*" || given.trim().trim_start_matches("W/") == tag);
        if fits { Ok(row) } else { Err(ScimError::Precondition) }
    }
}

/// The values after a change, and what the audit calls it.
pub(super) type Rewritten = (Map<String, Value>, &'static str);

/// What a resource becomes. `None`: the resource is to be deleted.
pub(super) fn rewritten(
    what: ResourceType,
    old: &Map<String, Value>,
    write: &Write,
) -> Result<Option<Rewritten>, ScimError> {
    match write {
        Write::Put(sent) => Ok(Some((value::resource(what.kind(), sent)?, "replaced"))),
        Write::Patch(request) => {
            let mut resource = old.clone();
            patch::apply(what.kind(), &mut resource, request)?;
            Ok(Some((resource, "changed")))
        }
        Write::Delete => Ok(None),
    }
}

/// A random UUID (version 4), as resources are named.
fn uuid_of(random: &dyn wardline_domain::Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
