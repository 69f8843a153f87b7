//! matrix-sdk with sliding sync: the list of rooms, and an encrypted talk with a client that uses `/sync`.

use std::{pin::pin, time::Duration};

use futures_util::StreamExt as _;
use matrix_sdk::{
    Client, SlidingSync, SlidingSyncList, SlidingSyncMode, ruma::events::StateEventType,
    sliding_sync::Version,
};

use crate::{
    encrypted::{encrypted_room, register, send, sign_in, sync, texts},
    server::Server,
};

/// How often a client asks for something that was already acknowledged to the other side.
const PATIENCE: usize = 20;

/// The two connections that Element X has, as one: rooms with their state, and what encryption needs.
pub(crate) async fn sliding(client: &Client) -> SlidingSync {
    let required =
        ["m.room.name", "m.room.encryption", "m.room.create", "m.room.power_levels", "m.room.tombstone"];
    let required = required.map(|kind| (StateEventType::from(kind), String::new()));
    let members = ["$LAZY", "$ME"].map(|key| (StateEventType::RoomMember, key.to_owned()));
    let list = SlidingSyncList::builder("all_rooms")
        .sync_mode(SlidingSyncMode::new_selective().add_range(0..=19))
        .timeline_limit(10)
        .required_state(required.into_iter().chain(members).collect());
    client
        .sliding_sync("conformance")
        .expect("a name of the right length")
        .version(Version::Native)
        .poll_timeout(Duration::from_millis(500))
        .network_timeout(Duration::from_secs(10))
        .add_list(list)
        .with_all_extensions()
        .build()
        .await
        .expect("sliding sync")
}

#[tokio::test]
async fn one_client_on_sliding_sync_and_one_on_sync_talk_encrypted() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::open_registration(dir.path());
    register(&server, "amara").await;
    register(&server, "ben").await;
    let (amara, ben) = (sign_in(&server, "amara").await, sign_in(&server, "ben").await);
    let versions = amara.available_sliding_sync_versions().await;
    let native = versions.iter().any(|version| matches!(version, Version::Native));
    assert!(native, "the server says that it has it: {versions:?}");

    let sliding = sliding(&amara).await;
    let mut answers = pin!(sliding.sync());
    let (at_amara, at_ben) = encrypted_room(&amara, &ben).await;
    send(&at_amara, "Bed 4 looks grey").await;
    let mut expected = vec!["Bed 4 looks grey"];
    for (text, from_ben) in [("On my way", true), ("Thanks", false), ("Here now", true)] {
        send(if from_ben { &at_ben } else { &at_amara }, text).await;
        expected.push(text);
        for attempt in 0.. {
            let (of_amara, of_ben) = (texts(&at_amara).await, texts(&at_ben).await);
            if of_amara == expected && of_ben == expected {
                break;
            }
            assert!(attempt < PATIENCE, "expected {expected:?}, read {of_amara:?} and {of_ben:?}");
            let summary = answers.next().await.expect("it goes on").expect("an answer that the SDK takes");
            assert!(summary.rooms.iter().all(|room| room == at_amara.room_id()));
            sync(&ben).await;
        }
    }
    let room = amara.get_room(at_amara.room_id()).expect("known");
    assert_eq!(room.joined_members_count(), 2);
    assert!(room.latest_encryption_state().await.expect("state").is_encrypted());
}
