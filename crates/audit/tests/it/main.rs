//! The audit chain through the public API, over a real store.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use wardline_audit::{Action, Broken, Entry, Outcome, Verified, VerifyError, append, verify};
use wardline_domain::Timestamp;
use wardline_store::{Store, StoreConfig, StoreError, audit_log, params};

struct Log {
    store: Store,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Log {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreConfig::at(folder.path().join("wardline.db"))).unwrap();
        Self { store, runtime: tokio::runtime::Runtime::new().unwrap(), _folder: folder }
    }

    fn with(entries: u64) -> Self {
        let log = Self::new();
        for n in 0..entries {
            log.append(entry(n)).unwrap();
        }
        log
    }

    fn append(&self, entry: Entry) -> Result<(), StoreError> {
        self.runtime.block_on(self.store.write(move |tx| append(tx, &entry)))
    }

    fn sql(&self, statements: &'static [&'static str]) -> Result<(), StoreError> {
        self.runtime.block_on(self.store.write(move |tx| {
            for sql in statements {
                tx.execute(sql, params![])?;
            }
            Ok(())
        }))
    }

    /// Statements of somebody who got round the triggers.
    fn tamper(&self, statements: &'static [&'static str]) {
        self.sql(&["DROP TRIGGER audit_log_no_update", "DROP TRIGGER audit_log_no_delete"]).unwrap();
        self.sql(statements).unwrap();
    }

    fn verify(&self) -> Result<Verified, VerifyError> {
        self.store.read_now(|tx| Ok::<_, StoreError>(verify(tx))).unwrap()
    }

    fn broken(&self) -> Broken {
        match self.verify() {
            Err(VerifyError::Broken(broken)) => broken,
            other => panic!("not found broken: {other:?}"),
        }
    }
}

fn entry(n: u64) -> Entry {
    Entry::new(Timestamp(1_000 + n as i64), "@amy:riverside.example", Action::SignIn)
        .device("WARD7")
        .with("session", n.to_string())
}

#[test]
fn an_untouched_log_verifies() {
    assert_eq!(Log::new().verify().unwrap(), Verified { entries: 0, last_hash: [0; 32] });
    let log = Log::with(5);
    let verified = log.verify().unwrap();
    assert_eq!(verified.entries, 5);
    assert_ne!(verified.last_hash, [0; 32]);
}

#[test]
fn more_entries_than_one_page() {
    let log = Log::new();
    let all = (0..2000).map(entry).collect::<Vec<_>>();
    log.runtime
        .block_on(log.store.write(move |tx| all.iter().try_for_each(|entry| append(tx, entry))))
        .unwrap();
    assert_eq!(log.verify().unwrap().entries, 2000);
    log.tamper(&["UPDATE audit_log SET actor = 'x' WHERE seq = 1500"]);
    assert_eq!(log.broken().seq, 1500);
}

#[test]
fn a_rolled_back_write_leaves_no_entry_and_no_gap() {
    let log = Log::with(2);
    let refused = log.runtime.block_on(log.store.write(|tx| {
        append(tx, &entry(7))?;
        Err::<(), _>(StoreError::Conflict)
    }));
    assert!(refused.is_err());
    log.append(entry(3)).unwrap();
    assert_eq!(log.verify().unwrap().entries, 3);
}

#[test]
fn the_table_refuses_changes() {
    let log = Log::with(3);
    assert!(log.sql(&["UPDATE audit_log SET actor = 'x' WHERE seq = 2"]).is_err());
    assert!(log.sql(&["DELETE FROM audit_log WHERE seq = 3"]).is_err());
    assert_eq!(log.verify().unwrap().entries, 3);
}

#[test]
fn each_changed_column_is_named() {
    let changes: [&'static [&'static str]; 8] = [
        &["UPDATE audit_log SET at = at + 1 WHERE seq = 2"],
        &["UPDATE audit_log SET actor = actor || 'x' WHERE seq = 2"],
        &["UPDATE audit_log SET action = 'patient.read' WHERE seq = 2"],
        &["UPDATE audit_log SET target = '' WHERE seq = 2"],
        &["UPDATE audit_log SET device = NULL WHERE seq = 2"],
        &["UPDATE audit_log SET outcome = 'refused' WHERE seq = 2"],
        &["UPDATE audit_log SET detail = '{}' WHERE seq = 2"],
        &["UPDATE audit_log SET hash = x'00' WHERE seq = 2"],
    ];
    for change in changes {
        let log = Log::with(4);
        log.tamper(change);
        assert_eq!(log.broken().seq, 2, "{change:?}");
    }
}

#[test]
fn deleted_entries_are_named() {
    for (change, seq) in [
        (&["DELETE FROM audit_log WHERE seq = 1"], 1),
        (&["DELETE FROM audit_log WHERE seq = 3"], 3),
        (&["DELETE FROM audit_log WHERE seq = 4"], 4),
        (&["DELETE FROM audit_log"], 1),
    ] {
        let log = Log::with(4);
        log.tamper(change);
        assert_eq!(log.broken().seq, seq, "{change:?}");
    }
}

#[test]
fn swapped_entries_are_named() {
    let log = Log::with(4);
    log.tamper(&[
        "UPDATE audit_log SET seq = 99 WHERE seq = 2",
        "UPDATE audit_log SET seq = 2 WHERE seq = 3",
        "UPDATE audit_log SET seq = 3 WHERE seq = 99",
    ]);
    assert_eq!(log.broken().seq, 2);
}

#[test]
fn an_entry_slipped_in_behind_the_head_is_named() {
    let log = Log::with(4);
    log.tamper(&[
        "INSERT INTO audit_log SELECT 5, at, actor, action, target, device, outcome, detail, hash \
                  FROM audit_log WHERE seq = 4",
    ]);
    assert_eq!(log.broken().seq, 5);
}

#[test]
fn a_cut_tail_with_a_moved_head_differs_from_the_noted_hash() {
    let log = Log::with(4);
    let noted = log.verify().unwrap();
    log.tamper(&[
        "DELETE FROM audit_log WHERE seq = 4",
        "UPDATE audit_head SET seq = 3, hash = (SELECT hash FROM audit_log WHERE seq = 3)",
    ]);
    assert_ne!(log.verify().unwrap(), noted);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever is written verifies, and comes back as it was written.
    #[test]
    fn any_entries_verify(texts in prop::collection::vec(("\\PC{0,20}", any::<Option<String>>(), any::<i64>()), 1..8)) {
        let log = Log::new();
        for (actor, target, at) in &texts {
            let mut entry = Entry::new(Timestamp(*at), actor.as_str(), Action::MembershipChanged);
            entry.target.clone_from(target);
            entry.outcome = Outcome::Failed;
            entry.detail = BTreeMap::from([(actor.clone(), target.clone().unwrap_or_default())]);
            log.append(entry).unwrap();
        }
        prop_assert_eq!(log.verify().unwrap().entries, texts.len() as u64);
        let mut read = Vec::new();
        log.store
            .read_now(|tx| audit_log::for_each(tx, 1, 100, |row| {
                read.push((row.actor, row.target, row.at.as_millis()));
                Ok(())
            }))
            .unwrap();
        prop_assert_eq!(read, texts);
    }
}
