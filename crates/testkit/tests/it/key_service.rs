//! The key service against the real server.

use serde_json::json;
use wardline_testkit::TestServer;

const PATH: &str = "/_wardline/gateway/v1/recovery-key";
const PASSWORD: &str = "a long enough passphrase";

#[tokio::test(flavor = "multi_thread")]
async fn a_second_device_gets_the_recovery_key_for_the_password() {
    let server = TestServer::start().await;
    let mut amara = server.register("amara").await;
    amara.put(PATH, json!({ "recovery_key": "EsTc LW2K", "password": PASSWORD })).await.ok();
    amara.login("amara").await;
    let path = format!("{PATH}/unseal");
    assert_eq!(amara.post(&path, json!({ "password": "a guess" })).await.refusal(), (403, "M_FORBIDDEN"));
    let answer = amara.post(&path, json!({ "password": PASSWORD })).await.ok();
    assert_eq!(answer["recovery_key"], "EsTc LW2K");
}

#[tokio::test(flavor = "multi_thread")]
async fn proving_a_password_leaves_no_device_behind() {
    let server = TestServer::start().await;
    let amara = server.register("amara").await;
    amara.put(PATH, json!({ "recovery_key": "EsTc LW2K", "password": PASSWORD })).await.ok();
    let devices = amara.get("/_matrix/client/v3/devices").await.ok();
    let ids: Vec<_> =
        devices["devices"].as_array().expect("a list").iter().map(|d| &d["device_id"]).collect();
    assert_eq!(ids, [&json!(amara.device_id)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_out_token_gets_nothing() {
    let server = TestServer::start().await;
    let amara = server.register("amara").await;
    amara.post("/_matrix/client/v3/logout", json!({})).await.ok();
    let answer = amara.post(&format!("{PATH}/unseal"), json!({ "password": PASSWORD })).await;
    assert_eq!(answer.refusal(), (401, "M_UNKNOWN_TOKEN"));
}
