//! The user directory (Client-Server API, "User Directory"): finding people to talk to.

use std::sync::Arc;

use serde::Serialize;
use wardline_domain::ruma::OwnedUserId;
use wardline_store::{StoreError, UserNid, accounts, published, users};

use crate::{Context, EngineError};

const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 50;

/// Somebody who was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The user.
    pub user_id: OwnedUserId,
    /// Their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Their picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
}

/// The users whose localpart or name has every word of `term` at the beginning of a word, or whose id begins with
/// `term`; best first: exact matches, then by name. `user` finds those who share a room with them or are in public rooms; with `everybody` also every active
/// account of the server. The second answer says whether there were more than `limit` (10 if not said).
///
/// # Errors
/// Any failure of the database.
pub async fn search(
    context: &Arc<Context>,
    user: UserNid,
    term: &str,
    limit: Option<usize>,
    everybody: bool,
) -> Result<(Vec<Found>, bool), EngineError> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let (wanted, start) = (words(term), term.trim().to_lowercase());
    let mut found = context
        .store
        .read(move |tx| -> Result<Vec<(bool, Found)>, StoreError> {
            let mut found = Vec::new();
            for candidate in published::findable(tx, user, everybody)? {
                let user_id = users::user_id(tx, candidate)?;
                let field = |name| -> Result<Option<String>, StoreError> {
                    let json = accounts::profile_field(tx, candidate, name)?;
                    Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
                };
                let display_name = field("displayname")?;
                let mut theirs = words(user_id.localpart());
                theirs.extend(display_name.as_deref().map(words).into_iter().flatten());
                let matches = |word: &String| theirs.iter().any(|own| own.starts_with(word.as_str()));
                let by_id = start.starts_with('@');
                let found_by_id = by_id && user_id.as_str().starts_with(&start);
                if found_by_id || (!by_id && !wanted.is_empty() && wanted.iter().all(matches)) {
                    let exact = by_id || wanted.iter().all(|word| theirs.contains(word));
                    let avatar_url = field("avatar_url")?;
                    found.push((!exact, Found { user_id, display_name, avatar_url }));
                }
            }
            Ok(found)
        })
        .await?;
    found.sort_by(|(a_rank, a), (b_rank, b)| {
        (a_rank, &a.display_name, &a.user_id).cmp(&(b_rank, &b.display_name, &b.user_id))
    });
    let limited = found.len() > limit;
    Ok((found.into_iter().take(limit).map(|(_, found)| found).collect(), limited))
}

/// The words of a text in lower case.
fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
