//! The clerk's outbox: no job is lost when two workers do the same one.

use wardline_store::clinical::outbox;
use wardline_store::{Store, StoreConfig};

#[tokio::test]
async fn who_is_late_in_calling_a_job_done_does_not_remove_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreConfig::at(folder.path().join("wardline.db"))).unwrap();
    store.write(|tx| outbox::push(tx, "patient", "first")).await.unwrap();
    let first = store.read_now(|tx| outbox::after(tx, 0, 9)).unwrap().remove(0);
    store.write(move |tx| outbox::done(tx, first.seq)).await.unwrap();
    store.write(|tx| outbox::push(tx, "patient", "second")).await.unwrap();
    store.write(move |tx| outbox::done(tx, first.seq)).await.unwrap();
    let left = store.read_now(|tx| outbox::after(tx, first.seq, 9)).unwrap();
    assert_eq!(left.iter().map(|row| row.job.as_str()).collect::<Vec<_>>(), ["second"]);
}
