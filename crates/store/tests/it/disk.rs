//! A disk that fails: the writer says so and stops for good; and copies of a database in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wardline_store::{
    Disk, DiskWork, Durability, Kind, Reader, Store, StoreConfig, StoreError, copy, params, stream,
};

/// Fails what it is told to fail, once it is told to.
#[derive(Clone, Default)]
struct Brittle {
    commit: Arc<AtomicBool>,
    checkpoint: Arc<AtomicBool>,
}

fn broken() -> StoreError {
    StoreError::Database("the disk did not sync".into())
}

impl Disk for Brittle {
    fn commit(&mut self, work: DiskWork<'_>) -> Result<(), StoreError> {
        if self.commit.load(Ordering::SeqCst) { Err(broken()) } else { work() }
    }

    fn checkpoint(&mut self, work: DiskWork<'_>) -> Result<(), StoreError> {
        if self.checkpoint.load(Ordering::SeqCst) { Err(broken()) } else { work() }
    }
}

fn config(folder: &tempfile::TempDir) -> StoreConfig {
    StoreConfig { durability: Durability::Normal, ..StoreConfig::at(folder.path().join("wardline.db")) }
}

async fn record(store: &Store, reference: i64) -> Result<u64, StoreError> {
    store.write(move |tx| tx.record(Kind::Event, None, None, reference)).await
}

#[tokio::test]
async fn a_failed_sync_stops_the_writer_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Brittle::default();
    let store = Store::open_on(&config(&folder), Box::new(disk.clone())).unwrap();
    assert_eq!(record(&store, 1).await.unwrap(), 1);
    disk.commit.store(true, Ordering::SeqCst);
    assert!(matches!(record(&store, 2).await, Err(StoreError::NotDurable)));
    // The disk is well again, but what it did with the failed batch nobody knows.
    disk.commit.store(false, Ordering::SeqCst);
    assert!(matches!(store.failed().await, StoreError::NotDurable));
    for reference in 3..6 {
        assert!(matches!(record(&store, reference).await, Err(StoreError::NotDurable)));
    }
    assert_eq!(store.head(), 1);
    assert_eq!(store.read_now(|tx| stream::head(tx)).unwrap(), 1, "reading goes on");
    drop(store);
    let store = Store::open(&config(&folder)).unwrap();
    assert_eq!(record(&store, 6).await.unwrap(), 2);
    let references: Vec<i64> = store
        .read_now(|tx| stream::range(tx, 0, 9, 9))
        .unwrap()
        .into_iter()
        .map(|row| row.reference)
        .collect();
    assert_eq!(references, [1, 6]);
}

/// Writes so much that the log is moved into the database file; the first failure.
async fn write_much(store: &Store) -> Result<(), StoreError> {
    store.write(|tx| tx.execute("CREATE TABLE IF NOT EXISTS much (bytes BLOB)", params![])).await?;
    for _ in 0..800 {
        let bytes = vec![7_u8; 128 << 10];
        store.write(move |tx| tx.execute("INSERT INTO much (bytes) VALUES (?1)", params![bytes])).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_log_that_cannot_be_moved_stops_the_writer_too() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Brittle::default();
    disk.checkpoint.store(true, Ordering::SeqCst);
    let store = Store::open_on(&config(&folder), Box::new(disk)).unwrap();
    let failed = write_much(&store).await.unwrap_err();
    assert!(matches!(failed, StoreError::NotDurable), "{failed}");
    let known: i64 = count(&store);
    drop(store);
    // What was answered before is in the log, which the next start moves.
    let store = Store::open(&config(&folder)).unwrap();
    assert_eq!(count(&store), known);
    assert!(known > 200);
    write_much(&store).await.unwrap();
    let size = |name: &str| std::fs::metadata(folder.path().join(name)).map_or(0, |file| file.len());
    assert!(size("wardline.db") > 32 << 20, "the log is moved while the server runs");
    assert!(size("wardline.db-wal") < 120 << 20, "and does not grow without end");
}

fn count(store: &Store) -> i64 {
    let count =
        store.read_now(|tx| tx.query_row("SELECT count(*) FROM much", params![], |row| row.get::<i64>(0)));
    count.unwrap().unwrap()
}

#[tokio::test]
async fn a_closed_store_has_answered_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&config(&folder)).unwrap();
    let mut answers = Vec::new();
    for reference in 0..500 {
        let answer = store.submit(move |tx| tx.record(Kind::Event, None, None, reference)).await.unwrap();
        answers.push(answer);
    }
    store.close().await;
    for (answer, pos) in answers.into_iter().zip(1..) {
        let answer: Result<u64, StoreError> = answer.await.unwrap();
        assert_eq!(answer.unwrap(), pos);
    }
    assert!(matches!(record(&store, 0).await, Err(StoreError::Closed)));
    assert_eq!(store.read_now(|tx| stream::head(tx)).unwrap(), 500);
    store.close().await;
}

#[tokio::test]
async fn a_copy_is_one_instant_of_a_store_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&config(&folder)).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (store, over) = (store.clone(), Arc::clone(&over));
        async move {
            let mut last = 0;
            while !over.load(Ordering::SeqCst) {
                // Two in one transaction: a copy has both or none.
                let both = store.write(|tx| {
                    tx.record(Kind::Event, None, None, 1)?;
                    tx.record(Kind::Event, None, None, 2)
                });
                last = both.await.unwrap();
            }
            last
        }
    });
    for round in 0..10 {
        while store.head() < round * 20 {
            tokio::task::yield_now().await;
        }
        let (before, to) = (store.head(), folder.path().join(format!("copy{round}.db")));
        copy::database(store.path(), &to).unwrap();
        let after = store.head();
        let head = copy::read(&to, |tx| {
            assert_eq!(stream::first_gap(tx)?, None);
            stream::head(tx)
        });
        let head = head.unwrap();
        assert!(before <= head && head <= after + 2 && head % 2 == 0, "{before} {head} {after}");
        assert_eq!(copy::faults(&to).unwrap(), Vec::<String>::new());
        assert!(copy::database(store.path(), &to).is_err(), "a file that is there is not written over");
    }
    over.store(true, Ordering::SeqCst);
    assert!(writing.await.unwrap() >= 180);
}
