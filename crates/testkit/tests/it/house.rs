//! Starting, stopping, starting again.

use wardline_testkit::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn a_session_survives_a_restart() {
    let server = TestServer::start().await;
    let amara = server.register("amara").await;
    let server = server.restart().await;
    let mut again = server.client();
    assert_eq!(again.get("/_matrix/client/v3/account/whoami").await.refusal(), (401, "M_MISSING_TOKEN"));
    again.token = amara.token;
    let whoami = again.get("/_matrix/client/v3/account/whoami").await.ok();
    assert_eq!(whoami["user_id"], "@amara:test.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_is_closed_unless_the_configuration_opens_it() {
    let server = TestServer::start_with(|config| config.registration.open = false).await;
    let body = serde_json::json!({ "username": "mallory", "password": "a long enough passphrase",
        "auth": { "type": "m.login.dummy" } });
    let answer = server.client().post("/_matrix/client/v3/register", body).await;
    assert_eq!(answer.refusal(), (403, "M_FORBIDDEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_endpoints_are_the_apis_and_pages_are_the_web_apps() {
    let server = TestServer::start().await;
    assert_eq!(server.client().get("/_matrix/client/v3/nothing").await.refusal(), (404, "M_UNRECOGNIZED"));
    assert_eq!(server.client().get("/assets/nothing.js").await.refusal(), (404, ""));
}
