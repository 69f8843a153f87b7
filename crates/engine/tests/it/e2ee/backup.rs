//! The backup of room keys: counts, etags, which copy wins, versions.

use wardline_engine::backup::{BackupError, Keys};
use wardline_store::key_backup::BackedUpKey;

use super::support::Home;

fn key(room: &str, session: &str) -> BackedUpKey {
    BackedUpKey {
        room_id: room.to_owned(),
        session_id: session.to_owned(),
        first_message_index: 5,
        forwarded_count: 2,
        is_verified: false,
        session_data: r#"{"ciphertext":"first"}"#.to_owned(),
    }
}

async fn with_version() -> (Home, wardline_store::UserNid, u64) {
    let home = Home::new();
    let user = home.device("amy", "PHONE").await.user;
    let version = home.backup.create(user, "m.megolm_backup.v1".into(), "{}".into()).await.unwrap();
    (home, user, version)
}

#[tokio::test]
async fn counts_are_exact_and_the_etag_moves_only_with_the_keys() {
    let (home, user, version) = with_version().await;
    let put = |keys| home.backup.put(user, version, keys);
    let first = put(vec![key("!a", "1"), key("!a", "2"), key("!b", "1")]).await.unwrap();
    assert_eq!(first.count, 3);
    let same = put(vec![key("!a", "1")]).await.unwrap();
    assert_eq!((same.count, same.etag), (3, first.etag));
    let more = put(vec![key("!a", "1"), key("!c", "1")]).await.unwrap();
    assert_eq!(more.count, 4);
    assert_ne!(more.etag, first.etag);

    let delete = |which| home.backup.delete_keys(user, version, which);
    assert_eq!(delete(Keys::Session("!a".into(), "9".into())).await.unwrap().etag, more.etag);
    assert_eq!(delete(Keys::Session("!a".into(), "2".into())).await.unwrap().count, 3);
    assert_eq!(delete(Keys::Room("!a".into())).await.unwrap().count, 2);
    assert_eq!(home.backup.get(user, version, Keys::Room("!b".into())).await.unwrap(), [key("!b", "1")]);
    assert!(home.backup.get(user, version, Keys::Room("!a".into())).await.unwrap().is_empty());
    let none = home.backup.get(user, version, Keys::Session("!a".into(), "1".into())).await;
    assert!(matches!(none, Err(BackupError::NoKey)));
    assert_eq!(delete(Keys::All).await.unwrap().count, 0);
    assert_eq!(home.backup.version(user, None).unwrap().count, 0);
}

#[tokio::test]
async fn the_better_copy_wins() {
    let (home, user, version) = with_version().await;
    let second = |change: fn(&mut BackedUpKey)| {
        let mut key = BackedUpKey { session_data: r#"{"ciphertext":"second"}"#.into(), ..key("!a", "1") };
        change(&mut key);
        key
    };
    for (better, change) in [
        (false, (|_| {}) as fn(&mut BackedUpKey)),
        (false, |key| key.first_message_index = 6),
        (false, |key| key.forwarded_count = 3),
        (false, |key| (key.first_message_index, key.forwarded_count) = (6, 0)),
        (true, |key| key.forwarded_count = 1),
        (true, |key| (key.first_message_index, key.forwarded_count) = (4, 9)),
        (true, |key| (key.is_verified, key.first_message_index) = (true, 9)),
    ] {
        home.backup.delete_keys(user, version, Keys::All).await.unwrap();
        home.backup.put(user, version, vec![key("!a", "1")]).await.unwrap();
        let changed = second(change);
        home.backup.put(user, version, vec![changed.clone()]).await.unwrap();
        let kept = home.backup.get(user, version, Keys::All).await.unwrap().remove(0);
        assert_eq!(kept, if better { changed } else { key("!a", "1") });
    }
}

#[tokio::test]
async fn keys_go_into_the_current_version_only() {
    let (home, user, first) = with_version().await;
    home.backup.put(user, first, vec![key("!a", "1")]).await.unwrap();
    let second = home.backup.create(user, "m.megolm_backup.v1".into(), "{}".into()).await.unwrap();
    let refused = home.backup.put(user, first, vec![key("!a", "2")]).await;
    assert!(matches!(refused, Err(BackupError::WrongVersion { current }) if current == second));
    assert!(matches!(home.backup.put(user, 99, Vec::new()).await, Err(BackupError::NoVersion)));
    assert_eq!(home.backup.get(user, first, Keys::All).await.unwrap().len(), 1, "the old one can be read");

    home.backup.delete(user, second).await.unwrap();
    assert!(matches!(home.backup.delete(user, second).await, Err(BackupError::NoVersion)));
    assert_eq!(home.backup.version(user, None).unwrap().version, first);
    assert!(matches!(home.backup.version(user, Some(second)), Err(BackupError::NoVersion)));
    let third = home.backup.create(user, "m.megolm_backup.v1".into(), "{}".into()).await.unwrap();
    assert_eq!(third, second + 1, "a number is never used twice");
}

#[tokio::test]
async fn only_the_auth_data_of_a_version_can_change() {
    let (home, user, version) = with_version().await;
    let update = |algorithm: &str| home.backup.update(user, version, algorithm.into(), r#"{"a":1}"#.into());
    assert!(matches!(update("other").await, Err(BackupError::Invalid(_))));
    update("m.megolm_backup.v1").await.unwrap();
    assert_eq!(home.backup.version(user, Some(version)).unwrap().auth_data, r#"{"a":1}"#);
    let other = home.device("bob", "PHONE").await.user;
    assert!(matches!(home.backup.version(other, Some(version)), Err(BackupError::NoVersion)));
}
