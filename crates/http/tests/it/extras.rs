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
