//! The key service against the real server.

use serde_json::json;
use wardline_testkit::TestServer;

const PATH: &str = "/_wardline/gateway/v1/recovery-key";

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_has_just_signed_in_gets_the_recovery_key() {
    let server = TestServer::start().await;
    let mut amara = server.register("amara").await;
    amara.put(PATH, json!({ "recovery_key": "EsTc LW2K" })).await.ok();
    amara.login("amara").await;
    let path = format!("{PATH}/unseal");
    assert_eq!(amara.post(&path, json!({})).await.ok()["recovery_key"], "EsTc LW2K");
    // Ten minutes later the same token is not enough: whoever stole it in between gets nothing.
    server.clock.advance(10 * 60 * 1000 + 1000);
    assert_eq!(amara.post(&path, json!({})).await.refusal(), (401, "ORG.WARDLINE.STEP_UP"));
    amara.login("amara").await;
    assert_eq!(amara.post(&path, json!({})).await.ok()["recovery_key"], "EsTc LW2K");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_out_token_gets_nothing() {
    let server = TestServer::start().await;
    let amara = server.register("amara").await;
    amara.post("/_matrix/client/v3/logout", json!({})).await.ok();
    let answer = amara.post(&format!("{PATH}/unseal"), json!({})).await;
    assert_eq!(answer.refusal(), (401, "M_UNKNOWN_TOKEN"));
}
