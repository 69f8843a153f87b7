//! Cross-signing keys and signatures.

use serde_json::{Value, json};
use wardline_domain::ruma::UserId;
use wardline_engine::keys::{KeyError, SigningKeys};

use super::support::{Device, Home, Key};

/// A user's three keys.
struct Identity {
    master: Key,
    self_signing: Key,
    user_signing: Key,
}

fn object(user: &UserId, usage: &str, key: &Key) -> Value {
    json!({ "user_id": user, "usage": [usage], "keys": { key.id(): key.public() } })
}

impl Identity {
    fn new(seed: u8) -> Self {
        let key = |n| Key::cross_signing(seed * 8 + n);
        Self { master: key(1), self_signing: key(2), user_signing: key(3) }
    }

    fn keys(&self, user: &UserId) -> SigningKeys {
        let signed = |usage, key| self.master.sign(object(user, usage, key), user).to_string();
        SigningKeys {
            master: Some(object(user, "master", &self.master).to_string()),
            self_signing: Some(signed("self_signing", &self.self_signing)),
            user_signing: Some(signed("user_signing", &self.user_signing)),
        }
    }
}

impl Home {
    async fn sign(&self, by: &Device, of: &UserId, key: &str, object: &Value) -> Vec<KeyError> {
        let signed = vec![(of.to_string(), key.to_owned(), object.to_string())];
        let failures = self.keys.upload_signatures(by.as_user(), signed).await.unwrap();
        failures.into_values().flat_map(std::collections::BTreeMap::into_values).collect()
    }

    async fn with_identity(&self, user: &str, seed: u8) -> (Device, Identity) {
        let device = self.device_with_keys(user, "PHONE").await;
        let identity = Identity::new(seed);
        self.keys
            .upload_signing_keys(device.as_user(), &device.id, identity.keys(&device.user_id), false)
            .await
            .unwrap();
        (device, identity)
    }
}

#[tokio::test]
async fn only_a_replacement_needs_proof() {
    let home = Home::new();
    let (phone, first) = home.with_identity("amy", 1).await;
    let again =
        home.keys.upload_signing_keys(phone.as_user(), &phone.id, first.keys(&phone.user_id), false).await;
    assert!(again.is_ok());
    let second = Identity::new(2);
    let replaced =
        home.keys.upload_signing_keys(phone.as_user(), &phone.id, second.keys(&phone.user_id), false).await;
    assert!(matches!(replaced, Err(KeyError::AuthRequired)));
    home.keys
        .upload_signing_keys(phone.as_user(), &phone.id, second.keys(&phone.user_id), true)
        .await
        .unwrap();

    let wanted = || vec![(phone.user_id.clone(), Vec::new())];
    let own = home.keys.query(phone.user, wanted()).await.unwrap();
    assert_eq!(own.master_keys[&phone.user_id], object(&phone.user_id, "master", &second.master));
    assert!(own.user_signing_keys.contains_key(&phone.user_id));
    let bob = home.device("bob", "B").await;
    let seen = home.keys.query(bob.user, wanted()).await.unwrap();
    assert!(seen.self_signing_keys.contains_key(&phone.user_id));
    assert!(seen.user_signing_keys.is_empty(), "whom somebody trusts is their own affair");
}

#[tokio::test]
async fn keys_that_the_master_key_did_not_sign_are_refused() {
    let home = Home::new();
    let phone = home.device_with_keys("amy", "PHONE").await;
    let identity = Identity::new(1);
    let unsigned = object(&phone.user_id, "self_signing", &identity.self_signing).to_string();
    let keys = SigningKeys { self_signing: Some(unsigned.clone()), ..identity.keys(&phone.user_id) };
    let refused = home.keys.upload_signing_keys(phone.as_user(), &phone.id, keys, false).await;
    assert!(matches!(refused, Err(KeyError::BadSignature(_))));
    let alone = SigningKeys { self_signing: Some(unsigned), ..SigningKeys::default() };
    let refused = home.keys.upload_signing_keys(phone.as_user(), &phone.id, alone, false).await;
    assert!(matches!(refused, Err(KeyError::Missing(_))));
    let bob = home.device("bob", "B").await;
    let refused =
        home.keys.upload_signing_keys(bob.as_user(), &bob.id, identity.keys(&phone.user_id), false).await;
    assert!(matches!(refused, Err(KeyError::Invalid(_))));
    let found = home.keys.query(phone.user, vec![(phone.user_id.clone(), Vec::new())]).await.unwrap();
    assert!(found.master_keys.is_empty() && found.self_signing_keys.is_empty());
}

#[tokio::test]
async fn a_new_master_key_voids_what_the_old_one_signed() {
    let home = Home::new();
    let (phone, first) = home.with_identity("amy", 1).await;
    let signed = first.self_signing.sign(phone.keys(), &phone.user_id);
    assert!(home.sign(&phone, &phone.user_id, "PHONE", &signed).await.is_empty());
    let only_master =
        SigningKeys { master: Identity::new(2).keys(&phone.user_id).master, ..SigningKeys::default() };
    home.keys.upload_signing_keys(phone.as_user(), &phone.id, only_master, true).await.unwrap();
    let found = home.keys.query(phone.user, vec![(phone.user_id.clone(), Vec::new())]).await.unwrap();
    assert!(found.self_signing_keys.is_empty() && found.user_signing_keys.is_empty());
    let signatures = &found.device_keys[&phone.user_id]["PHONE"]["signatures"][phone.user_id.as_str()];
    assert_eq!(signatures.as_object().unwrap().len(), 1, "only the device's own is left");
}

#[tokio::test]
async fn a_signed_device_and_a_signed_user_show_the_signature_to_whom_it_concerns() {
    let home = Home::new();
    let (amy, amys) = home.with_identity("amy", 1).await;
    let (bob, bobs) = home.with_identity("bob", 2).await;
    let (eve, _) = home.with_identity("eve", 3).await;

    // Amy's self-signing key signs her phone: everybody sees it.
    let signed = amys.self_signing.sign(amy.keys(), &amy.user_id);
    assert!(home.sign(&amy, &amy.user_id, "PHONE", &signed).await.is_empty());
    let found = home.keys.query(eve.user, vec![(amy.user_id.clone(), Vec::new())]).await.unwrap();
    assert_eq!(found.device_keys[&amy.user_id]["PHONE"]["signatures"], signed["signatures"]);

    // Her phone signs her master key.
    let master = amy.key.sign(object(&amy.user_id, "master", &amys.master), &amy.user_id);
    assert!(home.sign(&amy, &amy.user_id, &amys.master.public(), &master).await.is_empty());

    // Bob's user-signing key signs her master key: he sees it, Eve does not.
    let verified = bobs.user_signing.sign(object(&amy.user_id, "master", &amys.master), &bob.user_id);
    let before = home.store.head();
    assert!(home.sign(&bob, &amy.user_id, &amys.master.public(), &verified).await.is_empty());
    let rows = home.rows_after(before);
    assert_eq!(
        rows.iter().map(|row| (row.user, row.reference)).collect::<Vec<_>>(),
        [(Some(amy.user), bob.user.0)]
    );
    for (viewer, sees) in [(&bob, true), (&eve, false), (&amy, false)] {
        let found = home.keys.query(viewer.user, vec![(amy.user_id.clone(), Vec::new())]).await.unwrap();
        let signatures = &found.master_keys[&amy.user_id]["signatures"];
        assert_eq!(signatures.get(bob.user_id.as_str()).is_some(), sees, "{}", viewer.user_id);
        assert!(signatures.get(amy.user_id.as_str()).is_some());
    }
}

#[tokio::test]
async fn signatures_that_do_not_verify_are_refused_one_by_one() {
    let home = Home::new();
    let (amy, amys) = home.with_identity("amy", 1).await;
    let (bob, bobs) = home.with_identity("bob", 2).await;
    let stranger = Key::cross_signing(99);
    let master = object(&amy.user_id, "master", &amys.master);

    let mut forged = amys.self_signing.sign(amy.keys(), &amy.user_id);
    forged["signatures"][amy.user_id.as_str()][amys.self_signing.id()] = json!(stranger.public());
    let refused = home.sign(&amy, &amy.user_id, "PHONE", &forged).await;
    assert!(matches!(refused[..], [KeyError::BadSignature(_)]));

    let unknown_signer = stranger.sign(amy.keys(), &amy.user_id);
    let refused = home.sign(&amy, &amy.user_id, "PHONE", &unknown_signer).await;
    assert!(matches!(refused[..], [KeyError::BadSignature(_)]));

    let mut changed = amy.keys();
    changed["algorithms"] = json!([]);
    let refused =
        home.sign(&amy, &amy.user_id, "PHONE", &amys.self_signing.sign(changed, &amy.user_id)).await;
    assert!(matches!(refused[..], [KeyError::Invalid(_)]));

    // Somebody else's device, and a key that nobody uploaded.
    let device = bobs.user_signing.sign(amy.keys(), &bob.user_id);
    let refused = home.sign(&bob, &amy.user_id, "PHONE", &device).await;
    assert!(matches!(refused[..], [KeyError::UnknownKey]));
    let refused = home.sign(&bob, &amy.user_id, &stranger.public(), &master).await;
    assert!(matches!(refused[..], [KeyError::UnknownKey]));
    let refused = home.sign(&bob, "@nobody:riverside.example".try_into().unwrap(), "X", &master).await;
    assert!(matches!(refused[..], [KeyError::UnknownKey]));
}
