//! Searching the directory as one types: people, roles, places, teams and organisations in one list.
//!
//! The index is in memory. It is made at the first search and again when the directory has changed: at once for a small
//! directory; for a large one beside the searches, which use the last one for that second.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use wardline_domain::care::directory_index::{Builder, DirectoryIndex, Weight};
use wardline_store::{
    ReadTx, StoreError,
    clinical::{
        ColumnCipher, directory, identifiers,
        rota::{self, Duty},
        teams,
    },
};

use crate::{Clinical, ClinicalError, Practitioner};

/// A directory with no more entries than this is indexed while the search waits.
const SMALL: usize = 5000;
/// Most shifts and assignments that are looked at for the places where people work.
const MOST_DUTIES: usize = 500_000;

/// What an entry of the directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A role.
    Service,
    /// A member of staff.
    Practitioner,
    /// A team.
    Team,
    /// A site, ward or bed.
    Location,
    /// An organisation.
    Organisation,
}

/// One that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundEntry {
    /// What it is.
    pub kind: EntryKind,
    /// Its FHIR id.
    pub id: String,
    /// How well it fits; only the order means something.
    pub score: u32,
}

/// The index that was made last, and of which version of the directory.
#[derive(Debug, Default)]
pub(crate) struct Indexed {
    last: Mutex<Option<(i64, Arc<Index>)>>,
    /// Held by whoever makes the next one.
    making: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Index {
    entries: Vec<(EntryKind, String)>,
    index: DirectoryIndex,
}

impl Indexed {
    fn last(&self) -> Option<(i64, Arc<Index>)> {
        self.last.lock().clone()
    }
}

impl Clinical {
    /// The entries of these kinds (all if there are none) whose words begin with the words of `query`, give or take a
    /// mistake in spelling; best first, at most `limit`.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn search_directory(
        self: &Arc<Self>,
        query: &str,
        kinds: &[EntryKind],
        limit: usize,
    ) -> Result<Vec<FoundEntry>, ClinicalError> {
        let index = self.directory_index().await?;
        let keep = |entry: usize| {
            kinds.is_empty() || index.entries.get(entry).is_some_and(|(kind, _)| kinds.contains(kind))
        };
        let found = index.index.search(query, limit, keep);
        let entry = |(at, score): (usize, u32)| {
            index.entries.get(at).map(|(kind, id)| FoundEntry { kind: *kind, id: id.clone(), score })
        };
        Ok(found.into_iter().filter_map(entry).collect())
    }

    /// The practitioners whose names have a word that begins with each word of `name`: `count` of them from `offset` on, by
    /// family name, and how many there are.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn practitioners_named(
        self: &Arc<Self>,
        name: &str,
        offset: usize,
        count: usize,
    ) -> Result<(Vec<Practitioner>, usize), ClinicalError> {
        let index = self.directory_index().await?;
        let is_person =
            |at: &usize| index.entries.get(*at).is_some_and(|(kind, _)| *kind == EntryKind::Practitioner);
        let found: Vec<usize> = index.index.named(name).into_iter().filter(is_person).collect();
        let shown = found.iter().skip(offset).take(count).filter_map(|at| index.entries.get(*at));
        let people = self.parts.store.read_now(|tx| {
            let mut people = Vec::new();
            for (_, id) in shown {
                people.extend(directory::practitioner(tx, id)?);
            }
            Ok::<_, ClinicalError>(people)
        })?;
        Ok((people, found.len()))
    }

    /// The index, of the directory as it is now or, if it is large, was a moment ago.
    async fn directory_index(self: &Arc<Self>) -> Result<Arc<Index>, ClinicalError> {
        let version = self.parts.store.read_now(|tx| Ok::<_, ClinicalError>(directory::version(tx)?))?;
        Ok(match self.indexed.last() {
            Some((known, index)) if known == version => index,
            Some((_, index)) if index.entries.len() > SMALL => {
                let clinical = Arc::clone(self);
                tokio::spawn(async move {
                    if let Ok(_making) = clinical.indexed.making.try_lock()
                        && let Err(error) = clinical.index_directory().await
                    {
                        tracing::error!(%error, "the directory could not be indexed");
                    }
                });
                index
            }
            _ => {
                let _making = self.indexed.making.lock().await;
                match self.indexed.last() {
                    Some((known, index)) if known >= version => index,
                    _ => self.index_directory().await?,
                }
            }
        })
    }

    async fn index_directory(&self) -> Result<Arc<Index>, ClinicalError> {
        let cipher = self.parts.cipher.clone();
        let (version, index) = self
            .parts
            .store
            .read(move |tx| Ok::<_, ClinicalError>((directory::version(tx)?, Arc::new(build(tx, &cipher)?))))
            .await?;
        *self.indexed.last.lock() = Some((version, Arc::clone(&index)));
        Ok(index)
    }
}

fn build(tx: &ReadTx<'_>, cipher: &ColumnCipher) -> Result<Index, StoreError> {
    let mut builder = Builder::default();
    let mut entries = Vec::new();
    let places: HashMap<String, directory::Location> =
        directory::locations(tx, None)?.into_iter().map(|it| (it.id.clone(), it)).collect();
    let services = directory::services(tx)?;
    let about = |place: &str| {
        let place = places.get(place);
        let description = place.and_then(|it| it.description.as_deref()).unwrap_or_default();
        format!("{} {description}", place.map_or("", |it| &it.name))
    };

    let mut work: HashMap<String, String> = HashMap::new();
    let names: HashMap<&str, &str> = services.iter().map(|it| (it.id.as_str(), it.name.as_str())).collect();
    for shift in rota::find(tx, cipher, &rota::Filter::default(), MOST_DUTIES)? {
        let said = match &shift.duty {
            Duty::Ward(ward) => about(ward),
            Duty::Role(role) => names.get(role.as_str()).copied().unwrap_or_default().to_owned(),
        };
        let known = work.entry(shift.person).or_default();
        if !known.contains(&said) {
            known.push_str(&said);
            known.push(' ');
        }
    }
    for (person, number) in identifiers::all(tx)? {
        let known = work.entry(person).or_default();
        known.push_str(&number);
        known.push(' ');
    }

    for it in &services {
        let wards: Vec<String> = it.wards.iter().map(|ward| about(ward)).collect();
        let kind = it.kind.as_deref().unwrap_or_default();
        builder.add([
            (Weight::Name, it.name.as_str()),
            (Weight::Trait, kind),
            (Weight::Context, &wards.join(" ")),
        ]);
        entries.push((EntryKind::Service, it.id.clone()));
    }
    for it in directory::practitioners(tx)? {
        let name = format!("{} {}", it.given, it.family);
        let context = work.get(&it.id).map_or("", String::as_str);
        let texts = [(Weight::Name, name.as_str()), (Weight::Trait, &it.job), (Weight::Context, context)];
        builder.add(texts.into_iter().chain([(Weight::Context, it.title.as_str())]));
        entries.push((EntryKind::Practitioner, it.id));
    }
    for it in teams::all(tx)? {
        builder.add([(Weight::Name, it.name.as_str())]);
        entries.push((EntryKind::Team, it.id));
    }
    let mut sorted: Vec<&directory::Location> = places.values().collect();
    sorted.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    for it in sorted {
        let part_of = it.part_of.as_deref().map(about).unwrap_or_default();
        let description = it.description.as_deref().unwrap_or_default();
        let texts =
            [(Weight::Name, it.name.as_str()), (Weight::Trait, description), (Weight::Trait, &it.code)];
        builder.add(texts.into_iter().chain([(Weight::Context, part_of.as_str())]));
        entries.push((EntryKind::Location, it.id.clone()));
    }
    for it in directory::organisations(tx)? {
        builder.add([(Weight::Name, it.name.as_str()), (Weight::Trait, &it.ods)]);
        entries.push((EntryKind::Organisation, it.id));
    }
    Ok(Index { entries, index: builder.build() })
}
