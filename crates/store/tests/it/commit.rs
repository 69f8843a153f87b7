//! Group commit: isolation of closures, consecutive positions, order of publication, durability.

use std::sync::Arc;

use parking_lot::Mutex;
use wardline_domain::ruma::user_id;
use wardline_store::{Kind, Store, StoreConfig, StoreError, StreamRow, StreamSink, stream, users};

fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(&StoreConfig::at(folder.path().join("wardline.db"))).unwrap()
}

#[derive(Default)]
struct Seen(Mutex<Vec<StreamRow>>);

impl StreamSink for Seen {
    fn committed(&self, rows: &[StreamRow]) {
        self.0.lock().extend_from_slice(rows);
    }
}

#[tokio::test]
async fn a_failed_closure_gives_its_positions_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let seen = Arc::new(Seen::default());
    store.subscribe(seen.clone());

    let mut answers = Vec::new();
    for round in 0..100_i64 {
        let answer = store
            .submit(move |tx| {
                let pos = tx.record(Kind::Event, None, None, round)?;
                if round % 3 == 0 { Err(StoreError::Conflict) } else { Ok(pos) }
            })
            .await
            .unwrap();
        answers.push(answer);
    }
    let mut kept = Vec::new();
    for (round, answer) in answers.into_iter().enumerate() {
        match answer.await.unwrap() {
            Ok(pos) => kept.push((pos, round as i64)),
            Err(error) => assert!(round % 3 == 0 && matches!(error, StoreError::Conflict)),
        }
    }
    assert_eq!(kept.iter().map(|(pos, _)| *pos).collect::<Vec<_>>(), (1..=66).collect::<Vec<_>>());
    let published: Vec<_> = seen.0.lock().iter().map(|row| (row.pos, row.reference)).collect();
    assert_eq!(published, kept);
    assert_eq!(store.head(), 66);
    assert_eq!(store.read_now(|tx| stream::first_gap(tx)).unwrap(), None);
}

#[tokio::test]
async fn whoever_is_answered_can_read_its_own_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    for name in ["@a:x.example", "@b:x.example", "@a:x.example"] {
        let id = wardline_domain::ruma::UserId::parse(name).unwrap();
        let nid = store
            .write({
                let id = id.clone();
                move |tx| users::intern(tx, &id)
            })
            .await
            .unwrap();
        assert_eq!(store.read_now(|tx| users::find(tx, &id)).unwrap(), Some(nid));
        assert_eq!(store.read_now(|tx| users::user_id(tx, nid)).unwrap(), id);
    }
}

#[tokio::test]
async fn a_reopened_store_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    {
        let store = open(&folder);
        store.write(|tx| tx.record(Kind::Event, None, None, 1)).await.unwrap();
    }
    let store = open(&folder);
    assert_eq!(store.head(), 1);
    assert_eq!(store.write(|tx| tx.record(Kind::Event, None, None, 2)).await.unwrap(), 2);
    assert_eq!(store.read_now(|tx| stream::range(tx, 0, 9, 9)).unwrap().len(), 2);
}

#[tokio::test]
async fn a_panicking_closure_is_rolled_back_and_the_writer_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let result: Result<(), StoreError> = store
        .write(|tx| {
            users::intern(tx, user_id!("@lost:x.example"))?;
            panic!("a fault in a closure")
        })
        .await;
    assert!(matches!(result, Err(StoreError::Panicked)));
    assert_eq!(store.read_now(|tx| users::find(tx, user_id!("@lost:x.example"))).unwrap(), None);
    store.write(|tx| users::intern(tx, user_id!("@kept:x.example"))).await.unwrap();
}

#[tokio::test]
async fn a_database_of_another_lineage_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(&folder));
    let path = folder.path().join("wardline.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute("INSERT INTO schema_steps (name, checksum, ord) VALUES ('99_elsewhere', '', 99)", [])
        .unwrap();
    assert!(matches!(Store::open(&StoreConfig::at(&path)), Err(StoreError::UnknownSchema(_))));
}

#[tokio::test]
async fn a_full_disk_refuses_the_write_whole_and_reading_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = StoreConfig::at(folder.path().join("wardline.db"));
    config.max_bytes = Some(
        std::fs::metadata({
            drop(Store::open(&config).unwrap());
            &config.path
        })
        .unwrap()
        .len()
            + 65_536,
    );
    let store = Store::open(&config).unwrap();
    let long = "x".repeat(200);
    let mut kept = 0_u64;
    let mut refused = 0;
    for round in 0..2_000 {
        let id = wardline_domain::ruma::UserId::parse(format!("@{round}{long}:x.example")).unwrap();
        let result = store
            .write(move |tx| {
                let nid = users::intern(tx, &id)?;
                tx.record(Kind::Profile, None, Some(nid), 0)
            })
            .await;
        match result {
            Ok(_) => kept += 1,
            Err(error) => {
                assert!(matches!(error, StoreError::DiskFull), "{error}");
                refused += 1;
                if refused == 3 {
                    break;
                }
            }
        }
    }
    assert!(refused == 3 && kept > 10, "kept {kept}, refused {refused}");
    assert_eq!(store.head(), kept);
    assert_eq!(store.read_now(|tx| stream::first_gap(tx)).unwrap(), None);
    drop(store);
    config.max_bytes = None;
    let store = Store::open(&config).unwrap();
    assert_eq!(store.head(), kept);
    store.write(|tx| tx.record(Kind::Profile, None, None, 0)).await.unwrap();
}

#[tokio::test]
async fn a_decided_closure_that_fails_at_once_takes_nothing_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let first = store.submit_decided(|tx| tx.record(Kind::Event, None, None, 1)).await.unwrap();
    let refused = store.submit_decided(|_| Err::<(), _>(StoreError::Conflict)).await.unwrap();
    let last = store.submit_decided(|tx| tx.record(Kind::Event, None, None, 2)).await.unwrap();
    assert_eq!(first.await.unwrap().unwrap(), 1);
    assert!(matches!(refused.await.unwrap(), Err(StoreError::Conflict)));
    assert_eq!(last.await.unwrap().unwrap(), 2);
}

#[tokio::test]
async fn a_decided_closure_that_breaks_its_word_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    // Holds the writer up, so that the three behind it are one batch.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (begin, begun) = tokio::sync::oneshot::channel::<()>();
    let blocked = store
        .submit(move |_| {
            let _ = begin.send(());
            wait.recv().unwrap_or_default();
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    begun.await.unwrap();
    let mut answers = Vec::new();
    for breaks in [false, true, false] {
        let answer = store.submit_decided(move |tx| {
            let pos = tx.record(Kind::Event, None, None, 1)?;
            if breaks { Err(StoreError::Malformed("a page".into())) } else { Ok(pos) }
        });
        answers.push(answer.await.unwrap());
    }
    go.send(()).unwrap();
    blocked.await.unwrap().unwrap();
    let mut outcomes = Vec::new();
    for answer in answers {
        outcomes.push(answer.await.unwrap());
    }
    assert!(matches!(outcomes[0], Err(StoreError::Abandoned)));
    assert!(matches!(outcomes[1], Err(StoreError::Malformed(_))));
    assert!(matches!(outcomes[2], Err(StoreError::Abandoned)));
    assert_eq!(store.read_now(|tx| stream::head(tx)).unwrap(), 0);
    assert_eq!(store.write(|tx| tx.record(Kind::Event, None, None, 2)).await.unwrap(), 1);
    assert_eq!(store.read_now(|tx| stream::first_gap(tx)).unwrap(), None);
}

#[tokio::test]
async fn what_is_put_on_an_account_is_known_at_once() {
    use wardline_store::account_holds::{self, Holds};
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let user = store.write(|tx| users::intern(tx, user_id!("@ada:x.example"))).await.unwrap();
    for suspended in [false, true, false] {
        let holds = Holds { suspended, locked: !suspended };
        store.write(move |tx| account_holds::set(tx, user, holds)).await.unwrap();
        assert_eq!(store.holds(user).unwrap(), holds);
        assert_eq!(store.holds(user).unwrap(), holds);
    }
}
