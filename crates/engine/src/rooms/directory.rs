//! The room directory (Client-Server API, "Listing rooms").

use wardline_domain::ruma::RoomId;
use wardline_store::{StoreError, app_services, published, rooms};

use super::summary::Summary;
use super::{Caller, Rooms, read};
use crate::EngineError;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 500;

/// Which listed rooms to show.
#[derive(Clone, Debug, Default)]
pub struct DirectoryQuery {
    /// Only rooms with this in their name, topic or main alias, in any letter case.
    pub search: Option<String>,
    /// Only rooms of these types; `None` among them stands for rooms without a type.
    pub room_types: Option<Vec<Option<String>>>,
    /// The most rooms, 100 if not said, never more than 500.
    pub limit: Option<usize>,
    /// How many rooms the pages before have shown.
    pub since: usize,
    /// Whose directory.
    pub network: Network,
}

/// Whose directory of rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// The server's own.
    #[default]
    Own,
    /// That of a network of an application service, by its instance id.
    Of(String),
    /// All of them.
    All,
}

/// A page of the directory.
#[derive(Clone, Debug)]
pub struct DirectoryPage {
    /// The rooms, those with most members first.
    pub rooms: Vec<Summary>,
    /// How many rooms match in all.
    pub total: usize,
    /// The `since` of the next page.
    pub next: Option<usize>,
    /// The `since` of the page before.
    pub previous: Option<usize>,
}

impl Rooms {
    /// Lists a room in the directory or takes it off: who may set the room's main alias may do so.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`].
    pub async fn publish(&self, caller: Caller<'_>, room: &RoomId, listed: bool) -> Result<(), EngineError> {
        let nid = self.require_joined(caller, room)?;
        let levels = self.context.store.read_now(|tx| read::levels(tx, &self.context, nid))?;
        if !levels.can_send(caller.user_id, "m.room.canonical_alias", true) {
            return Err(EngineError::forbidden("your power level does not suffice to list the room"));
        }
        self.context.store.write(move |tx| published::set(tx, nid, listed)).await?;
        Ok(())
    }

    /// Whether a room is listed in the directory.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown room.
    pub fn is_published(&self, room: &RoomId) -> Result<bool, EngineError> {
        self.context.store.read_now(|tx| {
            let nid = rooms::find(tx, room)?.ok_or(EngineError::NotFound("room"))?;
            Ok(published::is_listed(tx, nid)?)
        })
    }

    /// A page of the directory.
    ///
    /// # Errors
    /// Any failure of the database.
    pub async fn directory(&self, query: DirectoryQuery) -> Result<DirectoryPage, EngineError> {
        let context = self.context.clone();
        self.context
            .store
            .read(move |tx| {
                let mut matching = Vec::new();
                let mut listed = match &query.network {
                    Network::Own | Network::All => published::all(tx)?,
                    Network::Of(instance) => app_services::listed_rooms(tx, Some(instance))?,
                };
                if query.network == Network::All {
                    let more = app_services::listed_rooms(tx, None)?;
                    let more: Vec<_> = more.into_iter().filter(|room| !listed.contains(room)).collect();
                    listed.extend(more);
                }
                for room in listed {
                    matching.extend(Summary::of(tx, &context, room)?.filter(|room| query.matches(room)));
                }
                Ok::<_, StoreError>(query.page(matching))
            })
            .await
            .map_err(EngineError::Store)
    }
}

impl DirectoryQuery {
    fn matches(&self, room: &Summary) -> bool {
        let of_type = self.room_types.as_ref().is_none_or(|types| types.contains(&room.room_type));
        let search = self.search.as_deref().map(str::trim).filter(|search| !search.is_empty());
        of_type
            && search.is_none_or(|search| {
                let search = search.to_lowercase();
                let texts = [&room.name, &room.topic, &room.canonical_alias];
                texts.into_iter().flatten().any(|text| text.to_lowercase().contains(&search))
            })
    }

    fn page(&self, matching: Vec<Summary>) -> DirectoryPage {
        let total = matching.len();
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
        let end = self.since.saturating_add(limit).min(total);
        DirectoryPage {
            rooms: matching.into_iter().skip(self.since).take(limit).collect(),
            total,
            next: (end < total).then_some(end),
            previous: (self.since > 0).then(|| self.since.saturating_sub(limit)),
        }
    }
}
