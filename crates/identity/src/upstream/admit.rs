//! A person at a provider into an account: the one that is theirs, one that was provisioned for them, or a new one.

use std::sync::Arc;

use wardline_audit::{Action, Entry, Outcome};
use wardline_domain::{Timestamp, ruma::OwnedUserId};
use wardline_store::{
    UserNid, WriteTx,
    accounts::{self, AccountKind},
    scim, upstream,
};

use super::{ProviderConfig, Upstream, UpstreamError, exchange::TokenSet, person::Person};
use crate::{
    Authentication, DISPLAY_NAME, Identity, IdentityError, Proven,
    account::new_account,
    ports::{StaffDirectory, StaffEntry},
};

/// Somebody whom the provider vouches for.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) person: Person,
    pub(super) token_sub: String,
    pub(super) sid: Option<String>,
    pub(super) tokens: TokenSet,
    pub(super) how: Authentication,
}

/// Why somebody has no account here. Written down in the transaction that found it.
type Refusal = (&'static str, &'static str);

const CLOSED: Refusal = ("account_closed", "Your account here is closed.");
const UNKNOWN: Refusal = ("account_unknown", "You have no account here. Ask your administrator for one.");
const TAKEN: Refusal = (
    "account_taken",
    "Your user name is already used by another account. Ask your administrator to join the two.",
);
const CONFLICT: Refusal = (
    "account_conflict",
    "Your entry in the directory already belongs to another sign-in. Ask your administrator.",
);
const NAMELESS: Refusal = (
    "account_name",
    "Your organisation's sign-in sent no user name that can be used here. Ask your administrator.",
);

impl Upstream {
    /// Finds or makes the account, and notes the sign-in.
    pub(super) async fn admit(
        &self,
        identity: &Identity,
        admission: Admission,
    ) -> Result<Proven, UpstreamError> {
        let config = self.config.clone();
        let Admission { person, token_sub, sid, tokens, mut how } = admission;
        let sealed = identity.seal_tokens(&config.id, &person.subject, &tokens)?;
        let (at, directory) = (identity.now(), identity.directory.clone());
        let names = Names { server_name: identity.server_name.clone() };
        let role = how.role.as_ref().map(|role| role.id.clone());
        let subject = person.subject.clone();
        let admitted = identity
            .store
            .write_with(move |tx| {
                let found = match account_of(tx, &config, &person, &names, directory.as_ref(), at)? {
                    Ok(found) => found,
                    Err((why, text)) => return Ok(Err((why, text))),
                };
                let (user, user_id) = found;
                match accounts::find(tx, &user_id)? {
                    Some(account) if !account.deactivated && !account.disabled => {}
                    _ => return Ok(Err(CLOSED)),
                }
                let login = upstream::NewLogin {
                    provider: config.id.clone(),
                    subject,
                    token_sub,
                    sid,
                    user,
                    tokens: sealed,
                    role,
                    at,
                };
                let login = upstream::add_login(tx, &login)?;
                Ok::<_, IdentityError>(Ok((user, user_id, login)))
            })
            .await?;
        match admitted {
            Ok((user, user_id, login)) => {
                how.upstream = Some(login);
                Ok(Proven::new(user, user_id, how))
            }
            Err((why, text)) => Err(UpstreamError::refused(why, text)),
        }
    }
}

struct Names {
    server_name: wardline_domain::ruma::OwnedServerName,
}

impl Names {
    fn user(&self, localpart: &str) -> Option<OwnedUserId> {
        if localpart.is_empty() {
            return None;
        }
        wardline_domain::ruma::UserId::parse_with_server_name(localpart, &self.server_name).ok()
    }
}

type Found = Result<(UserNid, OwnedUserId), Refusal>;

fn account_of(
    tx: &mut WriteTx<'_>,
    config: &ProviderConfig,
    person: &Person,
    names: &Names,
    directory: Option<&Arc<dyn StaffDirectory>>,
    at: Timestamp,
) -> Result<Found, IdentityError> {
    if let Some(found) = upstream::account(tx, &config.id, &person.subject)? {
        return Ok(Ok(found));
    }
    // Provisioned by SCIM for this very person.
    if !person.external_id.is_empty()
        && let Some(user_id) = scim::user_of_external_id(tx, &person.external_id)?
    {
        return join(tx, config, person, user_id, at);
    }
    // In the directory under the same registration.
    if let (AccountKind::Staff, Some(directory), Some((system, value))) =
        (config.kind, directory, &person.registration)
        && let Some(id) = directory.find(tx, system, value)?
    {
        let Some(user_id) = names.user(&id) else { return Ok(Err(NAMELESS)) };
        if accounts::find(tx, &user_id)?.is_some() {
            return join(tx, config, person, user_id, at);
        }
        return create(tx, config, person, user_id, directory_entry(None, person), at);
    }
    let localpart = match config.kind {
        AccountKind::Patient | AccountKind::Outsider => opaque_name(config, person),
        AccountKind::Staff | AccountKind::Service => person.localpart.clone(),
    };
    let Some(user_id) = names.user(&localpart) else { return Ok(Err(NAMELESS)) };
    if accounts::find(tx, &user_id)?.is_some() {
        return Ok(Err(TAKEN));
    }
    let directory = directory.filter(|_| config.kind == AccountKind::Staff);
    create(tx, config, person, user_id, directory_entry(directory, person), at)
}

fn directory_entry<'a>(
    directory: Option<&'a Arc<dyn StaffDirectory>>,
    person: &Person,
) -> Option<(&'a Arc<dyn StaffDirectory>, StaffEntry)> {
    directory.map(|directory| {
        let entry = StaffEntry {
            family: person.family.clone(),
            given: person.given.clone(),
            title: person.title.clone(),
            job: person.job.clone(),
            identifiers: person.registration.clone().into_iter().collect(),
        };
        (directory, entry)
    })
}

/// A name that says nothing of its person: their name, number and address stay out of user ids.
fn opaque_name(config: &ProviderConfig, person: &Person) -> String {
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(format!("{}\0{}", config.id, person.subject).as_bytes());
    format!("{}-{}", config.kind.as_str(), hex::encode(&hash[..10]))
}

/// Joins a person to an account that was there before.
fn join(
    tx: &mut WriteTx<'_>,
    config: &ProviderConfig,
    person: &Person,
    user_id: OwnedUserId,
    at: Timestamp,
) -> Result<Found, IdentityError> {
    let Some(account) = accounts::find(tx, &user_id)? else { return Ok(Err(UNKNOWN)) };
    if account.deactivated {
        return Ok(Err(CLOSED));
    }
    // An administrator's account and another kind of account are nobody's to take over by a claim.
    if account.admin || account.kind != config.kind || upstream::is_linked(tx, &config.id, account.user)? {
        return Ok(Err(CONFLICT));
    }
    upstream::link(tx, &config.id, &person.subject, account.user, at)?;
    let entry = Entry::new(at, format!("system:{}", config.method()), Action::AccountLinked)
        .target(user_id.as_str())
        .outcome(Outcome::Success);
    wardline_audit::append(tx, &entry)?;
    Ok(Ok((account.user, user_id)))
}

fn create(
    tx: &mut WriteTx<'_>,
    config: &ProviderConfig,
    person: &Person,
    user_id: OwnedUserId,
    directory: Option<(&Arc<dyn StaffDirectory>, StaffEntry)>,
    at: Timestamp,
) -> Result<Found, IdentityError> {
    if !config.creates_accounts {
        return Ok(Err(UNKNOWN));
    }
    let by = format!("system:{}", config.method());
    let user = new_account(tx, at, &by, &user_id, config.kind, None, false)?;
    if !person.display_name.trim().is_empty() {
        let name = serde_json::Value::from(person.display_name.trim()).to_string();
        accounts::set_profile_field(tx, user, DISPLAY_NAME, Some(&name))?;
    }
    upstream::link(tx, &config.id, &person.subject, user, at)?;
    if let Some((directory, entry)) = directory {
        directory.put(tx, at, &by, user_id.localpart(), &entry)?;
    }
    Ok(Ok((user, user_id)))
}
