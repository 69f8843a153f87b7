//! Small endpoints that clients probe: presence, OpenID, TURN, other networks, contact addresses, whois.

use serde_json::{Value, json};
use wardline_http::TurnConfig;

use crate::support::{Server, text};

const V3: &str = "/_matrix/client/v3";

#[tokio::test]
async fn presence_is_off() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    let own = format!("{V3}/presence/@amy:riverside.example/status");
    let online = json!({ "presence": "online", "status_msg": "here" });
    server.call(&format!("PUT {own}"), &amy, online.clone()).await.ok();
    assert_eq!(server.get(&own, &amy).await.ok(), json!({ "presence": "offline" }));
    server
        .call(&format!("PUT {own}"), &amy, json!({ "presence": "x" }))
        .await
        .refused(400, "M_INVALID_PARAM");
    let other = format!("{V3}/presence/@bob:riverside.example/status");
    server.call(&format!("PUT {other}"), &amy, online).await.refused(403, "M_FORBIDDEN");
    server.get(&other, &amy).await.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn a_third_party_learns_who_somebody_is() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    let call = format!("POST {V3}/user/@amy:riverside.example/openid/request_token");
    let given = server.call(&call, &amy, json!({})).await.ok();
    assert_eq!(
        (&given["token_type"], &given["expires_in"], &given["matrix_server_name"]),
        (&json!("Bearer"), &json!(3600), &json!("riverside.example"))
    );
    let info = "/_matrix/federation/v1/openid/userinfo";
    let ask = format!("{info}?access_token={}", text(&given, "access_token"));
    assert_eq!(server.get(&ask, "").await.ok(), json!({ "sub": "@amy:riverside.example" }));
    server
        .get(&format!("{V3}/account/whoami"), &text(&given, "access_token"))
        .await
        .refused(401, "M_UNKNOWN_TOKEN");
    server.get(info, "").await.refused(401, "M_MISSING_TOKEN");
    server.get(&format!("{info}?access_token=x"), "").await.refused(401, "M_UNKNOWN_TOKEN");
    server.clock.advance(3_600_000);
    server.get(&ask, "").await.refused(401, "M_UNKNOWN_TOKEN");
    let other = format!("POST {V3}/user/@bob:riverside.example/openid/request_token");
    server.call(&other, &amy, json!({})).await.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn turn_credentials_come_from_the_shared_secret() {
    let path = format!("{V3}/voip/turnServer");
    let server = Server::new().await;
    let amy = server.token("amy").await;
    assert_eq!(server.get(&path, &amy).await.ok(), json!({}));
    let turn = TurnConfig {
        uris: vec!["turn:turn.riverside.example".to_owned()],
        secret: "north".to_owned(),
        lifetime_s: 600,
    };
    let server = Server::with(|config| config.turn = Some(turn)).await;
    let amy = server.token("amy").await;
    let given = server.get(&path, &amy).await.ok();
    assert_eq!(given["username"], "1800000600:@amy:riverside.example");
    assert_eq!((&given["ttl"], &given["uris"]), (&json!(600), &json!(["turn:turn.riverside.example"])));
    assert_eq!(text(&given, "password").len(), 28);
}

#[tokio::test]
async fn there_are_no_other_networks_and_no_contact_addresses() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    for (path, answer) in [
        ("thirdparty/protocols", json!({})),
        ("thirdparty/location?alias=%23a:b", json!([])),
        ("thirdparty/user?userid=@a:b", json!([])),
        ("account/3pid", json!({ "threepids": [] })),
    ] {
        assert_eq!(server.get(&format!("{V3}/{path}"), &amy).await.ok(), answer);
        server.get(&format!("{V3}/{path}"), "").await.refused(401, "M_MISSING_TOKEN");
    }
    for path in ["protocol/irc", "location/irc", "user/irc"] {
        server.get(&format!("{V3}/thirdparty/{path}"), &amy).await.refused(404, "M_NOT_FOUND");
    }
    for path in ["", "/add", "/bind"] {
        let call = format!("POST {V3}/account/3pid{path}");
        server.call(&call, &amy, json!({})).await.refused(403, "M_FORBIDDEN");
    }
    for path in ["delete", "unbind"] {
        let call = format!("POST {V3}/account/3pid/{path}");
        let gone = json!({ "medium": "email", "address": "amy@riverside.example" });
        assert_eq!(server.call(&call, &amy, gone).await.ok()["id_server_unbind_result"], "no-support");
        server.call(&call, &amy, json!({})).await.refused(400, "M_BAD_JSON");
    }
    for path in ["account/3pid/email", "account/password/email", "register/msisdn"] {
        let call = format!("POST {V3}/{path}/requestToken");
        server.call(&call, "", json!({})).await.refused(403, "M_THREEPID_DENIED");
    }
}

#[tokio::test]
async fn administrators_suspend_and_lock_accounts() {
    let server = Server::new().await;
    server.identity.create_account("root", Some(crate::support::PASSWORD), true).await.unwrap();
    let (root, amy) = (server.token("root").await, server.token("amy").await);
    let room = server.call(&format!("POST {V3}/createRoom"), &amy, json!({})).await.ok();
    let room = text(&room, "room_id");
    let whoami = format!("{V3}/account/whoami");
    let send = format!("PUT {V3}/rooms/{room}/send/m.room.message");
    let hello = json!({ "msgtype": "m.text", "body": "hello" });
    let said = server.call(&format!("{send}/1"), &amy, hello.clone()).await.ok();
    let more = server.call(&format!("{send}/more"), &amy, hello.clone()).await.ok();
    let bob = server.token("bob").await;
    let invite = json!({ "user_id": "@bob:riverside.example" });
    server.call(&format!("POST {V3}/rooms/{room}/invite"), &amy, invite).await.ok();
    server.call(&format!("POST {V3}/rooms/{room}/join"), &bob, json!({})).await.ok();
    let his = server.call(&format!("{send}/1"), &bob, hello.clone()).await.ok();

    let suspend = "/_matrix/client/v1/admin/suspend/@amy:riverside.example";
    server
        .call(&format!("PUT {suspend}"), &amy, json!({ "suspended": true }))
        .await
        .refused(403, "M_FORBIDDEN");
    server.call(&format!("PUT {suspend}"), &root, json!({ "suspended": 1 })).await.refused(400, "M_BAD_JSON");
    let answer = server.call(&format!("PUT {suspend}"), &root, json!({ "suspended": true })).await.ok();
    assert_eq!(answer, json!({ "suspended": true }));
    assert_eq!(server.get(suspend, &root).await.ok(), answer);
    server.call(&format!("{send}/2"), &amy, hello.clone()).await.refused(403, "M_USER_SUSPENDED");
    server.call(&format!("POST {V3}/createRoom"), &amy, json!({})).await.refused(403, "M_USER_SUSPENDED");
    server.get(&whoami, &amy).await.ok();
    let redact = format!("PUT {V3}/rooms/{room}/redact/{}/3", text(&said, "event_id"));
    server.call(&redact, &amy, json!({})).await.ok();
    // What somebody else said stays, whichever way it is asked for; one's own does not.
    let redact = format!("PUT {V3}/rooms/{room}/redact/{}/5", text(&his, "event_id"));
    server.call(&redact, &amy, json!({})).await.refused(403, "M_USER_SUSPENDED");
    let redaction = format!("PUT {V3}/rooms/{room}/send/m.room.redaction");
    let body = |event: &Value| json!({ "redacts": text(event, "event_id") });
    server.call(&format!("{redaction}/6"), &amy, body(&his)).await.refused(403, "M_USER_SUSPENDED");
    server.call(&format!("{redaction}/7"), &amy, body(&more)).await.ok();
    server.call(&format!("PUT {suspend}"), &root, json!({ "suspended": false })).await.ok();
    server.call(&format!("{redaction}/8"), &amy, body(&his)).await.ok();
    server.call(&format!("{send}/4"), &amy, hello).await.ok();

    let lock = "/_matrix/client/v1/admin/lock/@amy:riverside.example";
    server.call(&format!("PUT {lock}"), &root, json!({ "locked": true })).await.ok();
    assert_eq!(server.get(lock, &root).await.ok(), json!({ "locked": true }));
    assert_eq!(server.get(&whoami, &amy).await.refused(401, "M_USER_LOCKED")["soft_logout"], true);
    server.call(&format!("PUT {lock}"), &root, json!({ "locked": false })).await.ok();
    server.get(&whoami, &amy).await.ok();
    server.call(&format!("PUT {lock}"), &root, json!({ "locked": true })).await.ok();
    server.call(&format!("POST {V3}/logout"), &amy, Value::Null).await.ok();
    for (user, status, errcode) in [
        ("@root:riverside.example", 403, "M_FORBIDDEN"),
        ("@nobody:riverside.example", 404, "M_NOT_FOUND"),
        ("@a:elsewhere.example", 400, "M_INVALID_PARAM"),
    ] {
        let call = format!("PUT /_matrix/client/v1/admin/lock/{user}");
        server.call(&call, &root, json!({ "locked": true })).await.refused(status, errcode);
    }
}

#[tokio::test]
async fn account_data_can_be_deleted() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    let path = format!("{V3}/user/@amy:riverside.example/account_data/org.test");
    server.call(&format!("PUT {path}"), &amy, json!({ "a": 1 })).await.ok();
    let sync = server.get(&format!("{V3}/sync"), &amy).await.ok();
    let since = text(&sync, "next_batch");
    let unstable = path.replace("/v3/", "/unstable/org.matrix.msc3391/");
    server.call(&format!("DELETE {unstable}"), &amy, Value::Null).await.ok();
    server.call(&format!("DELETE {unstable}"), &amy, Value::Null).await.ok();
    server.get(&path, &amy).await.refused(404, "M_NOT_FOUND");
    let of = |sync: &Value| {
        let events = sync["account_data"]["events"].as_array().cloned().unwrap_or_default();
        events.into_iter().find(|event| event["type"] == "org.test").map(|event| event["content"].clone())
    };
    let news = server.get(&format!("{V3}/sync?since={since}"), &amy).await.ok();
    assert_eq!((of(&sync), of(&news)), (Some(json!({ "a": 1 })), Some(json!({}))));
    assert_eq!(of(&server.get(&format!("{V3}/sync"), &amy).await.ok()), None);
    server.call(&format!("PUT {path}"), &amy, json!({ "a": 2 })).await.ok();
    assert_eq!(server.get(&path, &amy).await.ok(), json!({ "a": 2 }));
    let rules = unstable.replace("org.test", "m.push_rules");
    assert_eq!(server.call(&format!("DELETE {rules}"), &amy, Value::Null).await.status, 405);
    let other = unstable.replace("@amy", "@bob");
    server.call(&format!("DELETE {other}"), &amy, Value::Null).await.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn whois_shows_ones_own_devices() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let path = format!("{V3}/admin/whois/@amy:riverside.example");
    let own = server.get(&path, &amy).await.ok();
    assert_eq!(own["devices"].as_object().unwrap().len(), 1);
    server.get(&path, &bob).await.refused(403, "M_FORBIDDEN");
    server.identity.create_account("root", Some(crate::support::PASSWORD), true).await.unwrap();
    let root = server.token("root").await;
    assert_eq!(server.get(&path, &root).await.ok()["user_id"], "@amy:riverside.example");
    let nobody = format!("{V3}/admin/whois/@nobody:riverside.example");
    server.get(&nobody, &root).await.refused(404, "M_NOT_FOUND");
    assert_eq!(server.call(&format!("POST {V3}/admin/whois/x"), &root, Value::Null).await.status, 405);
}
