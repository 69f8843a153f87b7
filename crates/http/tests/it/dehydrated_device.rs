//! Dehydrated devices (MSC3814) as clients ask for them.

use serde_json::{Value, json};
use wardline_domain::canonical::Value as Canonical;
use wardline_domain::signing::Signer;

use crate::support::{Server, text};

const PATH: &str = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device";
const AMY: &str = "@amy:riverside.example";

fn asleep(device: &str) -> Value {
    let signer = Signer::from_seed("riverside.example".try_into().unwrap(), "x", [9; 32]).unwrap();
    let mut keys = json!({
        "user_id": AMY, "device_id": device, "algorithms": ["m.megolm.v1.aes-sha2"], "dehydrated": true,
        "keys": { format!("ed25519:{device}"): signer.public_key(), format!("curve25519:{device}"): "abc" },
    });
    let canonical = keys.to_string();
    let signature = signer.sign(Canonical::parse(&canonical).unwrap().to_canonical().as_bytes());
    keys["signatures"] = json!({ AMY: { format!("ed25519:{device}"): signature } });
    json!({
        "device_id": device, "initial_device_display_name": "Dehydrated device",
        "device_data": { "algorithm": "org.matrix.msc3814.v2", "device_pickle": "p", "nonce": "n" },
        "device_keys": keys,
        "one_time_keys": { "signed_curve25519:A": { "key": "a" } },
        "fallback_keys": { "signed_curve25519:F": { "key": "f", "fallback": true } },
    })
}

#[tokio::test]
async fn a_device_sleeps_gets_messages_and_is_woken() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let none = server.get(PATH, &amy).await.refused(404, "M_NOT_FOUND");
    assert!(none["error"].is_string());
    let put = format!("PUT {PATH}");
    assert_eq!(server.call(&put, &amy, asleep("SLEEP")).await.ok(), json!({ "device_id": "SLEEP" }));
    let found = server.get(PATH, &amy).await.ok();
    assert_eq!(found["device_id"], "SLEEP");
    assert_eq!(found["device_data"]["device_pickle"], "p");
    server.get(PATH, &bob).await.refused(404, "M_NOT_FOUND");

    let query = json!({ "device_keys": { AMY: [] } });
    let keys = server.call("POST /_matrix/client/v3/keys/query", &bob, query).await.ok();
    assert_eq!(keys["device_keys"][AMY]["SLEEP"]["dehydrated"], true);
    let claim = json!({ "one_time_keys": { AMY: { "SLEEP": "signed_curve25519" } } });
    let claimed = server.call("POST /_matrix/client/v3/keys/claim", &bob, claim).await.ok();
    assert_eq!(claimed["one_time_keys"][AMY]["SLEEP"]["signed_curve25519:A"]["key"], "a");
    for n in 0..3 {
        let send = format!("PUT /_matrix/client/v3/sendToDevice/m.room.encrypted/{n}");
        let messages = json!({ "messages": { AMY: { "SLEEP": { "n": n } } } });
        server.call(&send, &bob, messages).await.ok();
    }
    let events = format!("POST {PATH}/SLEEP/events");
    let page = server.call(&events, &amy, json!({})).await.ok();
    assert_eq!(page["events"].as_array().unwrap().len(), 3);
    assert_eq!(page["events"][2]["content"]["n"], 2);
    let next = text(&page, "next_batch");
    let after = server.call(&events, &amy, json!({ "next_batch": next })).await.ok();
    assert_eq!(after, json!({ "events": [], "next_batch": next }));
    server.call(&events, &amy, json!({ "next_batch": "s5" })).await.refused(400, "M_INVALID_PARAM");
    // The present form: the last page says that it is.
    let get = format!("{PATH}/SLEEP/events");
    let page = server.get(&get, &amy).await.ok();
    assert_eq!(page["events"].as_array().unwrap().len(), 3);
    assert!(page.get("next_batch").is_none());
    let rest = server.get(&format!("{get}?from={next}"), &amy).await.ok();
    assert_eq!(rest, json!({ "events": [] }));
    server.get(&format!("{get}?from=5"), &amy).await.refused(400, "M_INVALID_PARAM");
    for n in 3..120 {
        let send = format!("PUT /_matrix/client/v3/sendToDevice/m.room.encrypted/{n}");
        let messages = json!({ "messages": { AMY: { "SLEEP": { "n": n } } } });
        server.call(&send, &bob, messages).await.ok();
    }
    let first = server.get(&get, &amy).await.ok();
    assert_eq!(first["events"].as_array().unwrap().len(), 100);
    let second = server.get(&format!("{get}?from={}", text(&first, "next_batch")), &amy).await.ok();
    assert_eq!(second["events"].as_array().unwrap().len(), 20);
    assert!(second.get("next_batch").is_none());
    server.call(&events, &bob, json!({})).await.refused(404, "M_NOT_FOUND");

    assert_eq!(
        server.call(&format!("DELETE {PATH}"), &amy, Value::Null).await.ok(),
        json!({ "device_id": "SLEEP" })
    );
    server.call(&format!("DELETE {PATH}"), &amy, Value::Null).await.refused(404, "M_NOT_FOUND");
    server.call(&events, &amy, json!({})).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn bad_ones_are_refused() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    let put = format!("PUT {PATH}");
    let mut bare = asleep("SLEEP");
    bare.as_object_mut().unwrap().remove("device_keys");
    server.call(&put, &amy, bare).await.refused(400, "M_MISSING_PARAM");
    let mut forged = asleep("SLEEP");
    forged["device_keys"]["dehydrated"] = json!(false);
    server.call(&put, &amy, forged).await.refused(400, "M_INVALID_SIGNATURE");
    let mut odd = asleep("SLEEP");
    odd["device_data"] = json!("text");
    server.call(&put, &amy, odd).await.refused(400, "M_INVALID_PARAM");
    server.call(&put, &amy, json!({})).await.refused(400, "M_BAD_JSON");
    server.call(&put, "", asleep("SLEEP")).await.refused(401, "M_MISSING_TOKEN");
    server.get(PATH, &amy).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn it_sleeps_on_when_everything_is_signed_out() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    server.call(&format!("PUT {PATH}"), &amy, asleep("SLEEP")).await.ok();
    server.call("POST /_matrix/client/v3/logout/all", &amy, json!({})).await.ok();
    let again = server.token("amy").await;
    assert_eq!(server.get(PATH, &again).await.ok()["device_id"], "SLEEP");
}
