//! NHS login.

use wardline_identity::{AccountKind, upstream::ClientKey};

use super::*;

pub(crate) fn nhs_login(all: &mut Value, level: &str, vot: &str) {
    all["identity_proofing_level"] = json!(level);
    all["vot"] = json!(vot);
    all["nhs_number"] = json!("9434765919");
}

/// A server with NHS login.
pub(crate) async fn clinic(change: impl FnOnce(&mut ProviderConfig)) -> (Server, Provider) {
    let key = ClientKey::of_pem(SECOND, wardline_identity::upstream::AlgorithmName::RS512, None).unwrap();
    let authentication = ClientAuthentication::PrivateKeyJwt(key);
    house(Profile::NhsLogin, Some(authentication), |config| {
        config.user_info = false;
        change(config);
    })
    .await
}

#[tokio::test]
async fn nhs_login_makes_patients() {
    let (server, provider) = clinic(|_| {}).await;
    let asked = leave(&mut Browser::new(&server), "/account").await;
    assert_eq!(asked["vtr"], r#"["P9.Cp.Cd","P9.Cp.Ck","P9.Cm"]"#);
    for (level, vot) in [("P5", "P9.Cm"), ("P9", "P5.Cp.Cd"), ("P9", "P9.Cp"), ("P0", "P0.Cp")] {
        let mut browser = Browser::new(&server);
        let page = come_back(&mut browser, &provider, "/account", |all| nhs_login(all, level, vot)).await;
        assert_eq!(page.status, 401, "{level} {vot}");
    }
    let (client, access, token) = signed_in(&server, &provider, |all| nhs_login(all, "P9", "P9.Cp.Cd")).await;
    let who = server.get(WHOAMI, &access).await.ok();
    let user = text(&who, "user_id");
    assert_eq!(who["org.wardline.kind"], "patient");
    assert!(user.starts_with("@patient-") && !user.contains("9434765919"), "{user}");
    let profile = server.get(&format!("/_matrix/client/v3/profile/{user}"), &access).await.ok();
    assert_eq!(
        (&profile["displayname"], &profile["org.wardline.kind"]),
        (&json!("Zoe Ng"), &json!("patient"))
    );
    {
        // Signed with our key, whose public half is served.
        let says = provider.says.lock();
        let (form, _) = says.forms.last().unwrap();
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        assert_eq!(form["client_assertion_type"], kind);
        let header = jsonwebtoken::decode_header(&form["client_assertion"]).unwrap();
        assert_eq!(header.alg, Algorithm::RS512);
        let claims: Value = payload(&form["client_assertion"]);
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!(CLIENT), &json!(CLIENT)));
        assert_eq!(claims["aud"], format!("{}/token", provider.issuer));
    }
    let keys = server.get("/oauth/jwks.json", "").await.ok();
    assert_eq!(keys["keys"][0]["alg"], "RS512");
    assert!(keys["keys"][0].get("d").is_none() && keys["keys"].as_array().unwrap().len() == 1);
    // Thirty minutes without use; waiting for news is no use.
    server.clock.advance(29 * 60 * 1000);
    server.get(WHOAMI, &access).await.ok();
    server.clock.advance(29 * 60 * 1000);
    server.get("/_matrix/client/v3/sync", &access).await.ok();
    server.clock.advance(60 * 1000);
    server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
    assert_eq!(refresh(&server, &client, &token).await.status, 400);
    let account = server
        .store
        .read_now(|tx| {
            wardline_store::accounts::kind(tx, <&wardline_domain::ruma::UserId>::try_from(&*user).unwrap())
        })
        .unwrap();
    assert_eq!(account, Some(AccountKind::Patient));
}

#[tokio::test]
async fn nhs_login_ends_after_twelve_hours_of_use() {
    let (server, provider) = clinic(|_| {}).await;
    let (client, mut access, mut token) =
        signed_in(&server, &provider, |all| nhs_login(all, "P9", "P9.Cm")).await;
    for _ in 0..28 {
        server.clock.advance(25 * 60 * 1000);
        let fresh = refresh(&server, &client, &token).await.ok();
        (access, token) = (text(&fresh, "access_token"), text(&fresh, "refresh_token"));
        server.get(WHOAMI, &access).await.ok();
    }
    server.clock.advance(21 * 60 * 1000);
    server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
    assert_eq!(refresh(&server, &client, &token).await.status, 400);
}

/// The claims of a token, unchecked.
fn payload(token: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn nhs_login_believes_nothing_wrong() {
    let (server, provider) = clinic(|config| config.max_age_s = Some(60)).await;
    believes_nothing_wrong(&server, &provider, &|all| nhs_login(all, "P9", "P9.Cm")).await;
    // The right key, and an algorithm that is not NHS login's.
    let good = |all: &mut Value| nhs_login(all, "P9", "P9.Cm");
    let other = |all: &Value| provider.sign(("first", FIRST), Algorithm::RS256, all);
    assert_eq!(signed_by(&server, &provider, good, other).await.status, 401);
    for (why, level, vot) in [
        ("identity_proofing_level", "P5", "P9.Cm"),
        ("identity_proofing_level", "", "P9.Cm"),
        ("vot", "P9", "P5.Cp.Cd"),
        ("vot", "P9", "P9.Cp"),
        ("vot", "P9", ""),
    ] {
        assert_eq!(refusal(&server, &provider, |all| nhs_login(all, level, vot)).await, why);
    }
    for time in [json!(NOW_S - 600), Value::Null] {
        let stale = |all: &mut Value| {
            good(all);
            all["auth_time"] = time;
        };
        assert_eq!(refusal(&server, &provider, stale).await, "auth_time");
    }
    signed_in(&server, &provider, good).await;
}

#[tokio::test]
async fn nhs_login_takes_the_vectors_that_were_asked_for_only() {
    let only = vec![("vtr".to_owned(), r#"["P9.Cm"]"#.to_owned())];
    let (server, provider) = clinic(|config| config.parameters = only).await;
    assert_eq!(leave(&mut Browser::new(&server), "/account").await["vtr"], r#"["P9.Cm"]"#);
    assert_eq!(refusal(&server, &provider, |all| nhs_login(all, "P9", "P9.Cp.Cd")).await, "vot");
    signed_in(&server, &provider, |all| nhs_login(all, "P9", "P9.Cm")).await;
}

#[tokio::test]
async fn nhs_login_asks_again_where_the_application_wants_a_new_proof() {
    let (server, provider) = clinic(|_| {}).await;
    let good = |all: &mut Value| nhs_login(all, "P9", "P9.Cm");
    let (client, _, _) = signed_in(&server, &provider, good).await;
    let path = authorize_path(&client, &[("max_age", "0")]);
    let mut browser = Browser::new(&server);
    assert_eq!(leave(&mut browser, &path).await["prompt"], "login");
    let stale = |all: &mut Value| {
        good(all);
        all["auth_time"] = json!(NOW_S - 3600);
    };
    assert_eq!(come_back(&mut browser, &provider, &path, stale).await.status, 401);
    assert_eq!(come_back(&mut browser, &provider, &path, good).await.location(), path);
}
