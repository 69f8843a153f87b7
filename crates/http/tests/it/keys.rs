//! Keys, cross-signing and messages to devices.

use serde_json::{Value, json};
use wardline_domain::canonical::Value as Canonical;
use wardline_domain::signing::Signer;

use crate::support::{PASSWORD, Server, password_auth, text};

const UPLOAD: &str = "POST /_matrix/client/v3/keys/upload";
const QUERY: &str = "POST /_matrix/client/v3/keys/query";
const CLAIM: &str = "POST /_matrix/client/v3/keys/claim";
const SIGNING: &str = "POST /_matrix/client/v3/keys/device_signing/upload";
const SIGNATURES: &str = "POST /_matrix/client/v3/keys/signatures/upload";
const AMY: &str = "@amy:riverside.example";

fn signer(seed: u8) -> Signer {
    Signer::from_seed("riverside.example".try_into().unwrap(), "x", [seed; 32]).unwrap()
}

/// The object signed by Amy with a key of this name.
fn signed(mut object: Value, signer: &Signer, name: &str) -> Value {
    let text = object.to_string();
    let signature = signer.sign(Canonical::parse(&text).unwrap().to_canonical().as_bytes());
    object["signatures"] = json!({ AMY: { format!("ed25519:{name}"): signature } });
    object
}

pub(crate) fn device_keys(device: &str) -> Value {
    let signer = signer(1);
    let keys = json!({
        "user_id": AMY, "device_id": device, "algorithms": ["m.megolm.v1.aes-sha2"],
        "keys": { format!("ed25519:{device}"): signer.public_key(), format!("curve25519:{device}"): "abc" },
    });
    signed(keys, &signer, device)
}

fn cross_signing_key(usage: &str, seed: u8) -> Value {
    let public = signer(seed).public_key();
    json!({ "user_id": AMY, "usage": [usage], "keys": { format!("ed25519:{public}"): public } })
}

fn signing_keys(seed: u8) -> Value {
    let master = signer(seed);
    let by_master = |usage, n| signed(cross_signing_key(usage, seed + n), &master, &master.public_key());
    json!({
        "master_key": cross_signing_key("master", seed),
        "self_signing_key": by_master("self_signing", 1),
        "user_signing_key": by_master("user_signing", 2),
    })
}

async fn phone(server: &Server) -> String {
    text(&server.login("amy", json!({ "device_id": "PHONE" })).await.ok(), "access_token")
}

#[tokio::test]
async fn keys_are_uploaded_found_and_claimed_in_the_order_of_the_body() {
    let server = Server::new().await;
    let (amy, bob) = (phone(&server).await, server.token("bob").await);
    let body = format!(
        r#"{{"device_keys": {}, "fallback_keys": {{"signed_curve25519:F": {{"key": "f", "fallback": true}}}},
            "one_time_keys": {{"signed_curve25519:Z": {{"key": "z"}}, "signed_curve25519:A": {{"key": "a"}}}}}}"#,
        device_keys("PHONE")
    );
    let request = crate::support::request(UPLOAD, &amy, body.into());
    assert_eq!(server.send(request).await.ok()["one_time_key_counts"], json!({ "signed_curve25519": 2 }));
    let counts = server.call(UPLOAD, &amy, json!({})).await.ok();
    assert_eq!(counts["one_time_key_counts"]["signed_curve25519"], 2);

    let ask = json!({ "device_keys": { AMY: [], "@far:other.example": [] }, "timeout": 1000 });
    let found = server.call(QUERY, &bob, ask).await.ok();
    assert_eq!(found["device_keys"][AMY]["PHONE"]["keys"], device_keys("PHONE")["keys"]);
    assert!(found["failures"].get("other.example").is_some());
    let claim =
        json!({ "one_time_keys": { AMY: { "PHONE": "signed_curve25519", "GONE": "signed_curve25519" } } });
    for key in [json!({"Z": "z"}), json!({"A": "a"}), json!({"F": "f"}), json!({"F": "f"})] {
        let (id, value) = key.as_object().unwrap().iter().next().unwrap();
        let got = server.call(CLAIM, &bob, claim.clone()).await.ok();
        assert_eq!(got["one_time_keys"][AMY]["PHONE"][format!("signed_curve25519:{id}")]["key"], *value);
        assert!(got["one_time_keys"][AMY].get("GONE").is_none());
    }
}

#[tokio::test]
async fn bad_keys_are_refused() {
    let server = Server::new().await;
    let amy = phone(&server).await;
    let other = json!({ "device_keys": device_keys("TABLET") });
    server.call(UPLOAD, &amy, other).await.refused(400, "M_BAD_JSON");
    let mut forged = device_keys("PHONE");
    forged["algorithms"] = json!([]);
    server.call(UPLOAD, &amy, json!({ "device_keys": forged })).await.refused(400, "M_INVALID_SIGNATURE");
    server.call(UPLOAD, &amy, json!({ "one_time_keys": [] })).await.refused(400, "M_BAD_JSON");
    let key = |text: &str| json!({ "one_time_keys": { "signed_curve25519:A": { "key": text } } });
    server.call(UPLOAD, &amy, key("one")).await.ok();
    server.call(UPLOAD, &amy, key("one")).await.ok();
    server.call(UPLOAD, &amy, key("two")).await.refused(400, "M_INVALID_PARAM");
    let ask = json!({ "device_keys": { "amy": [] } });
    server.call(QUERY, &amy, ask).await.refused(400, "M_INVALID_PARAM");
    server.call(QUERY, "", json!({ "device_keys": {} })).await.refused(401, "M_MISSING_TOKEN");
    let changes = "/_matrix/client/v3/keys/changes";
    server.get(&format!("{changes}?from=x"), &amy).await.refused(400, "M_INVALID_PARAM");
    let none = server.get(&format!("{changes}?from=s0&to=s0"), &amy).await.ok();
    assert_eq!(none, json!({ "changed": [], "left": [] }));
    let own = server.get(&format!("{changes}?from=s0"), &amy).await.ok();
    assert_eq!(own, json!({ "changed": [], "left": [] }));
}

#[tokio::test]
async fn replacing_cross_signing_keys_asks_for_the_password() {
    let server = Server::new().await;
    let amy = phone(&server).await;
    server.call(UPLOAD, &amy, json!({ "device_keys": device_keys("PHONE") })).await.ok();
    server.call(SIGNING, &amy, signing_keys(10)).await.ok();
    server.call(SIGNING, &amy, signing_keys(10)).await.ok();
    let refused = server.call(SIGNING, &amy, signing_keys(20)).await;
    assert_eq!(refused.status, 401);
    let mut body = signing_keys(20);
    body["auth"] = password_auth("amy", PASSWORD, &refused.body["session"]);
    server.call(SIGNING, &amy, body).await.ok();
    let found = server.call(QUERY, &amy, json!({ "device_keys": { AMY: [] } })).await.ok();
    assert_eq!(found["master_keys"][AMY], cross_signing_key("master", 20));
    assert_eq!(found["user_signing_keys"][AMY]["usage"], json!(["user_signing"]));

    let mut bare = device_keys("PHONE");
    bare.as_object_mut().unwrap().remove("signatures");
    let self_signing = signer(21);
    let good = signed(bare.clone(), &self_signing, &self_signing.public_key());
    let body = json!({ AMY: { "PHONE": good, "GONE": bare } });
    let answer = server.call(SIGNATURES, &amy, body).await.ok();
    assert_eq!(answer["failures"][AMY]["GONE"]["errcode"], "M_NOT_FOUND");
    assert!(answer["failures"][AMY].get("PHONE").is_none());
    let found = server.call(QUERY, &amy, json!({ "device_keys": { AMY: [] } })).await.ok();
    assert_eq!(found["device_keys"][AMY]["PHONE"]["signatures"][AMY].as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn to_device_messages_are_checked() {
    let server = Server::new().await;
    let amy = phone(&server).await;
    let send = "PUT /_matrix/client/v3/sendToDevice/m.custom/1";
    let to = |content: Value| json!({ "messages": { AMY: { "PHONE": content } } });
    server.call(send, &amy, to(json!("text"))).await.refused(400, "M_BAD_JSON");
    server.call(send, &amy, json!({ "messages": { "amy": {} } })).await.refused(400, "M_INVALID_PARAM");
    server.call(send, &amy, json!({})).await.refused(400, "M_BAD_JSON");
    let waiting = || {
        server
            .store
            .read_now(|tx| {
                let user = wardline_store::users::find(tx, AMY.try_into().unwrap())?.unwrap();
                wardline_store::to_device::pending(tx, user, "PHONE", 0, server.store.head(), 9)
            })
            .unwrap()
    };
    assert!(waiting().is_empty());
    server.call(send, &amy, to(json!({ "a": 1 }))).await.ok();
    server.call(send, &amy, to(json!({ "a": 2 }))).await.ok();
    assert_eq!(waiting().len(), 1);
}
