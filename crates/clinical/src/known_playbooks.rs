//! The playbooks in use as they are followed: each text is parsed once, whoever raises how many requests.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use wardline_domain::care::playbook::Playbook;
use wardline_store::{Reader, StoreError, clinical::playbooks};

/// The playbooks that were in use when somebody looked last. Cheap to clone; clones know the same.
///
/// A playbook is known by its text: whichever snapshot of the store a reader has, and whatever was undone meanwhile, it is
/// given what stands there.
#[derive(Clone, Debug, Default)]
pub struct KnownPlaybooks(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    /// By text; nothing for one that an earlier version took and this one does not.
    last: Mutex<HashMap<String, Option<Arc<Playbook>>>>,
    parsed: AtomicU64,
}

impl KnownPlaybooks {
    /// The playbooks in use, by id.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) fn all(&self, tx: &impl Reader) -> Result<Vec<Arc<Playbook>>, StoreError> {
        let texts = playbooks::all(tx)?;
        let mut last = self.0.last.lock();
        let mut known = HashMap::with_capacity(texts.len());
        let mut found = Vec::with_capacity(texts.len());
        for text in texts {
            let playbook = last.remove(&text).unwrap_or_else(|| {
                self.0.parsed.fetch_add(1, Ordering::Relaxed);
                Playbook::parse(&text).ok().map(Arc::new)
            });
            found.extend(playbook.clone());
            known.insert(text, playbook);
        }
        *last = known;
        Ok(found)
    }

    /// How many texts were parsed so far.
    #[must_use]
    pub fn parsed(&self) -> u64 {
        self.0.parsed.load(Ordering::Relaxed)
    }
}
