//! The sleeping device (MSC3814) of a matrix-sdk client. The SDK has the cryptography of it and no flow, so the flow is
//! here: the key that opens the device is a secret of its user, as matrix-js-sdk keeps it.

use std::collections::BTreeMap;

use matrix_sdk::{
    Client, Room,
    room::MessagesOptions,
    ruma::{
        OwnedEventId,
        api::client::{
            dehydrated_device::{get_dehydrated_device, get_events, put_dehydrated_device},
            keys::get_keys,
        },
        events::secret::request::SecretName,
    },
};
use matrix_sdk_crypto::{
    DecryptionSettings, OlmMachine, TrustRequirement, encrypt_room_key_export,
    store::types::{CrossSigningKeyExport, DehydratedDeviceKey},
};

/// The name of the secret that opens the sleeping device.
const SECRET: &str = "org.matrix.msc3814";

/// The cryptography of a user's identity, apart from their client: with their public and private keys.
struct Helper {
    machine: OlmMachine,
    key: Option<DehydratedDeviceKey>,
}

async fn helper(client: &Client, recovery_key: &str) -> Helper {
    let user = client.user_id().expect("signed in");
    let machine = OlmMachine::new(user, "HELPER".into()).await;
    let (id, _) = machine.query_keys_for_users([user]);
    let mut query = get_keys::v3::Request::new();
    query.device_keys.insert(user.to_owned(), Vec::new());
    let keys = client.send(query).await.expect("keys");
    machine.mark_request_as_sent(&id, &keys).await.expect("keys of oneself");
    let secrets = client.encryption().secret_storage().open_secret_store(recovery_key).await.expect("opened");
    let secret =
        async |name: &str| secrets.get_secret(SecretName::from(name)).await.expect("a readable secret");
    let export = CrossSigningKeyExport {
        master_key: secret("m.cross_signing.master").await,
        self_signing_key: secret("m.cross_signing.self_signing").await,
        user_signing_key: secret("m.cross_signing.user_signing").await,
    };
    machine.import_cross_signing_keys(export).await.expect("one's own identity");
    let key =
        secret(SECRET).await.map(|text| DehydratedDeviceKey::from_slice(&decode(&text)).expect("a key"));
    Helper { machine, key }
}

fn decode(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

/// Leaves a sleeping device in place of the one before.
pub(crate) async fn leave(client: &Client, recovery_key: &str) {
    let Helper { machine, key } = helper(client, recovery_key).await;
    let key = match key {
        Some(key) => key,
        None => {
            let bytes: Vec<u8> = (0..4).flat_map(|_| rand_bytes()).collect();
            let store = client.encryption().secret_storage().open_secret_store(recovery_key).await;
            let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            store.expect("opened").put_secret(SecretName::from(SECRET), &text).await.expect("kept");
            DehydratedDeviceKey::from_slice(&bytes).expect("32 bytes")
        }
    };
    let device = machine.dehydrated_devices().create().await.expect("a device signed by its user");
    let request: put_dehydrated_device::unstable::Request =
        device.keys_for_upload("Asleep".into(), &key).await.expect("its keys");
    client.send(request).await.expect("the server takes the sleeping device");
}

/// Eight bytes that differ each time.
fn rand_bytes() -> [u8; 8] {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0_u8).to_le_bytes()
}

/// Takes what came for the sleeping device into the client.
pub(crate) async fn wake(client: &Client, recovery_key: &str) {
    let Helper { machine, key } = helper(client, recovery_key).await;
    let Some(key) = key else { return };
    let Ok(asleep) = client.send(get_dehydrated_device::unstable::Request::new()).await else { return };
    let device = machine
        .dehydrated_devices()
        .rehydrate(&key, &asleep.device_id, asleep.device_data)
        .await
        .expect("the key opens it");
    let settings = DecryptionSettings { sender_device_trust_requirement: TrustRequirement::Untrusted };
    let mut request = get_events::unstable::Request::new(asleep.device_id);
    loop {
        let page = client.send(request.clone()).await.expect("messages to the sleeping device");
        if page.events.is_empty() {
            break;
        }
        device.receive_events(page.events, &settings).await.expect("the keys in them");
        request.next_batch = page.next_batch;
    }
    let keys = machine.store().export_room_keys(|_| true).await.expect("exported");
    let dir = tempfile::tempdir().expect("folder");
    let file = dir.path().join("keys.txt");
    std::fs::write(&file, encrypt_room_key_export(&keys, "x", 10).expect("written")).expect("written");
    client.encryption().import_room_keys(file, "x").await.expect("taken in");
}

/// Those of the `wanted` messages that this client cannot read in the room.
pub(crate) async fn unread(
    room: &Room,
    mut wanted: BTreeMap<OwnedEventId, String>,
) -> BTreeMap<OwnedEventId, String> {
    let mut from = None;
    loop {
        let mut options = MessagesOptions::backward();
        options.limit = 100_u32.into();
        options.from = from;
        let page = room.messages(options).await.expect("messages");
        for event in &page.chunk {
            let Some(id) = event.event_id() else { continue };
            let body: Option<serde_json::Value> = event.raw().deserialize_as_unchecked().ok();
            if body.is_some_and(|body| wanted.get(&id).is_some_and(|text| body["content"]["body"] == **text))
            {
                wanted.remove(&id);
            }
        }
        from = page.end;
        if from.is_none() || wanted.is_empty() {
            return wanted;
        }
    }
}
