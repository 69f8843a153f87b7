//! Two matrix-sdk clients talk end-to-end encrypted; one loses its store and gets its history back.

use std::time::Duration;

use matrix_sdk::{
    Client, Room,
    config::SyncSettings,
    encryption::{BackupDownloadStrategy, EncryptionSettings},
    room::MessagesOptions,
    ruma::{
        api::client::room::create_room::v3::{Request as CreateRoom, RoomPreset},
        events::{
            AnyInitialStateEvent, InitialStateEvent,
            room::{encryption::RoomEncryptionEventContent, message::RoomMessageEventContent},
        },
        serde::Raw,
    },
};
use serde_json::json;

use crate::server::Server;

pub(crate) const PASSWORD: &str = "a long enough passphrase";
/// How often a client syncs for something that was already acknowledged to the other side.
const PATIENCE: usize = 20;

pub(crate) async fn register(server: &Server, name: &str) {
    let answer = reqwest::Client::new()
        .post(format!("{}/_matrix/client/v3/register", server.url))
        .json(&json!({
            "username": name, "password": PASSWORD, "inhibit_login": true,
            "auth": { "type": "m.login.dummy" },
        }))
        .send()
        .await
        .expect("the server answers");
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
}

/// A client with an empty store: a new device.
pub(crate) async fn sign_in(server: &Server, name: &str) -> Client {
    let settings = EncryptionSettings {
        auto_enable_cross_signing: true,
        auto_enable_backups: true,
        backup_download_strategy: BackupDownloadStrategy::OneShot,
    };
    let client = Client::builder()
        .homeserver_url(&server.url)
        .with_encryption_settings(settings)
        .build()
        .await
        .expect("client");
    client.matrix_auth().login_username(name, PASSWORD).send().await.expect("sign-in");
    client.encryption().wait_for_e2ee_initialization_tasks().await;
    sync(&client).await;
    client
}

pub(crate) async fn sync(client: &Client) {
    let settings = SyncSettings::new().timeout(Duration::from_millis(500));
    client.sync_once(settings).await.expect("sync");
}

pub(crate) async fn encrypted_room(owner: &Client, guest: &Client) -> (Room, Room) {
    let encryption =
        InitialStateEvent::with_empty_state_key(RoomEncryptionEventContent::with_recommended_defaults());
    let mut request = CreateRoom::new();
    request.preset = Some(RoomPreset::PrivateChat);
    request.invite = vec![guest.user_id().expect("signed in").to_owned()];
    request.initial_state =
        vec![Raw::new(&encryption).expect("JSON").cast_unchecked::<AnyInitialStateEvent>()];
    let room = owner.create_room(request).await.expect("room");
    sync(guest).await;
    let joined = guest.join_room_by_id(room.room_id()).await.expect("join");
    sync(guest).await;
    sync(owner).await;
    (room, joined)
}

pub(crate) async fn send(room: &Room, text: &str) {
    room.send(RoomMessageEventContent::text_plain(text)).await.expect("send");
}

/// The texts of a room as this client can read them, oldest first; events that do not decrypt are absent.
pub(crate) async fn texts(room: &Room) -> Vec<String> {
    let mut options = MessagesOptions::backward();
    options.limit = 100_u32.into();
    let messages = room.messages(options).await.expect("messages");
    let text = |event: &matrix_sdk::deserialized_responses::TimelineEvent| {
        let event: serde_json::Value = event.raw().deserialize_as_unchecked().ok()?;
        Some(event["content"]["body"].as_str()?.to_owned())
    };
    messages.chunk.iter().rev().filter_map(text).collect()
}

/// Syncs until the client reads exactly `expected` in the room.
async fn reads(client: &Client, room: &Room, expected: &[&str]) {
    let mut seen = texts(room).await;
    for _ in 0..PATIENCE {
        if seen == expected {
            return;
        }
        sync(client).await;
        seen = texts(room).await;
    }
    panic!("expected {expected:?}, read {seen:?}");
}

#[tokio::test]
async fn two_clients_talk_and_a_lost_store_is_recovered_from_backup() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::open_registration(dir.path());
    register(&server, "amara").await;
    register(&server, "ben").await;
    let amara = sign_in(&server, "amara").await;
    let ben = sign_in(&server, "ben").await;
    let (at_amara, at_ben) = encrypted_room(&amara, &ben).await;

    send(&at_amara, "Bed 4 looks grey").await;
    reads(&ben, &at_ben, &["Bed 4 looks grey"]).await;
    send(&at_ben, "On my way").await;
    reads(&amara, &at_amara, &["Bed 4 looks grey", "On my way"]).await;

    let key = amara.encryption().recovery().enable().wait_for_backups_to_upload().await.expect("recovery");
    let room_id = at_amara.room_id().to_owned();
    drop((amara, at_amara));

    let amara = sign_in(&server, "amara").await;
    let again = amara.get_room(&room_id).expect("her room is in her first sync");
    assert!(texts(&again).await.is_empty(), "a new device reads nothing by itself");
    amara.encryption().recovery().recover(&key).await.expect("the key opens her secrets");
    reads(&amara, &again, &["Bed 4 looks grey", "On my way"]).await;

    send(&at_ben, "Here now").await;
    reads(&amara, &again, &["Bed 4 looks grey", "On my way", "Here now"]).await;
}
