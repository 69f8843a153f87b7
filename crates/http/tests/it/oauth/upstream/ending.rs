//! What ends sessions from the provider's side.

use wardline_identity::upstream::Poll;

use super::*;

const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

#[tokio::test]
async fn back_channel_logout_ends_the_sessions_at_once() {
    let (server, provider) = house(Profile::Generic, None, |_| {}).await;
    let (client, access, token) = signed_in(&server, &provider, |_| {}).await;
    let other = |all: &mut Value| all["sid"] = json!("sid-2");
    let (_, second, _) = signed_in(&server, &provider, other).await;
    // The first session is over: the same device signed in again. A third person's stays.
    let third = |all: &mut Value| {
        all["sub"] = json!("sub-3");
        all["sid"] = json!("sid-3");
        all["preferred_username"] = json!("third");
    };
    let (_, stays, _) = signed_in(&server, &provider, third).await;
    server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
    server.get(WHOAMI, &second).await.ok();
    let logout = |id: &str, change: &dyn Fn(&mut Value)| {
        let mut all = json!({
            "iss": provider.issuer, "aud": CLIENT, "iat": NOW_S, "exp": NOW_S + 120, "jti": id,
            "events": { LOGOUT_EVENT: {} }, "sub": "sub-1", "sid": "sid-2",
        });
        change(&mut all);
        provider.sign(("first", FIRST), Algorithm::RS256, &all)
    };
    let path = "/oauth/upstream/trust/backchannel-logout";
    let changes: [&dyn Fn(&mut Value); 7] = [
        &|all| all["iss"] = json!("https://evil.example"),
        &|all| all["aud"] = json!("other"),
        &|all| all["nonce"] = json!("n"),
        &|all| all["events"] = json!({}),
        &|all| all["iat"] = json!(NOW_S - 3600),
        &|all| drop(all.as_object_mut().unwrap().remove("jti")),
        &|all| {
            drop(all.as_object_mut().unwrap().remove("sid"));
            drop(all.as_object_mut().unwrap().remove("sub"));
        },
    ];
    for (n, change) in changes.into_iter().enumerate() {
        let answer = post(&server, path, &[("logout_token", &logout(&n.to_string(), change))]).await;
        assert_eq!((answer.status.as_u16(), &answer.body["error"]), (400, &json!("invalid_request")), "{n}");
    }
    server.get(WHOAMI, &second).await.ok();
    let good = logout("good", &|_| {});
    assert_eq!(post(&server, path, &[("logout_token", &good)]).await.status, 200);
    let over = server.get(WHOAMI, &second).await.refused(401, "M_UNKNOWN_TOKEN");
    // The device and its keys stay.
    assert_eq!(over["soft_logout"], true);
    assert_eq!(refresh(&server, &client, &token).await.status, 400);
    server.get(WHOAMI, &stays).await.ok();
    assert_eq!(post(&server, path, &[("logout_token", &good)]).await.status, 400);
    assert_eq!(post(&server, "/oauth/upstream/no/backchannel-logout", &[]).await.status, 404);
    let person = logout("person", &|all| {
        drop(all.as_object_mut().unwrap().remove("sid"));
        all["sub"] = json!("sub-3");
    });
    assert_eq!(post(&server, path, &[("logout_token", &person)]).await.status, 200);
    server.get(WHOAMI, &stays).await.refused(401, "M_UNKNOWN_TOKEN");
    let (_, detail) = audited(&server, "session.sign-out").pop().unwrap();
    assert_eq!(detail["why"], "back-channel-logout");
}

#[tokio::test]
async fn a_logout_between_consent_and_token_leaves_no_session() {
    let (server, provider) = house(Profile::Generic, None, |_| {}).await;
    let client = register(&server).await;
    let mut browser = Browser::new(&server);
    let path = authorize_path(&client, &[]);
    come_back(&mut browser, &provider, &path, |_| {}).await;
    let consent = browser.get(&path).await;
    let to = browser.fill(&consent, "/oauth/authorize", &[("decision", "allow")]).await.location();
    let token = json!({
        "iss": provider.issuer, "aud": CLIENT, "iat": NOW_S, "jti": "j", "events": { LOGOUT_EVENT: {} },
        "sub": "sub-1",
    });
    let token = provider.sign(("first", FIRST), Algorithm::RS256, &token);
    let path = "/oauth/upstream/trust/backchannel-logout";
    assert_eq!(post(&server, path, &[("logout_token", &token)]).await.status, 200);
    assert_eq!(redeem(&server, &client, &answer_of(&to)["code"]).await.status, 400);
}

#[tokio::test]
async fn polling_ends_sessions_within_fifteen_minutes() {
    for poll in [Poll::RefreshToken, Poll::Introspection, Poll::UserInfo] {
        let (server, provider) = house(Profile::Generic, None, |config| config.poll = poll).await;
        let (_, access, _) = signed_in(&server, &provider, |_| {}).await;
        provider.says.lock().user_info = json!({ "sub": "sub-1" });
        assert_eq!(server.identity.ask_providers().await.unwrap(), 0);
        let asked = provider.says.lock().forms.len();
        server.clock.advance(5 * 60 * 1000);
        assert_eq!(server.identity.ask_providers().await.unwrap(), 0);
        server.get(WHOAMI, &access).await.ok();
        if poll == Poll::RefreshToken {
            let says = provider.says.lock();
            assert_eq!(says.forms.len(), asked + 1, "asked when it is due, and not before");
            assert_eq!(says.forms.last().unwrap().0["refresh_token"], format!("rt{asked}"));
        }
        {
            let mut says = provider.says.lock();
            says.holds = false;
            says.user_info = Value::Null;
        }
        server.clock.advance(5 * 60 * 1000);
        assert_eq!(server.identity.ask_providers().await.unwrap(), 1, "{poll:?}");
        server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
    }
}

/// How often the server looks for questions that are due.
const LOOK_MS: i64 = 30 * 1000;

#[tokio::test]
async fn fifteen_minutes_are_kept_by_the_slowest_polling_at_the_worst_moment() {
    let slowest = |config: &mut ProviderConfig| {
        config.poll = Poll::Introspection;
        config.poll_s = 841;
        assert_eq!(config.check().unwrap_err().0, "poll_seconds");
        config.poll_s = 840;
    };
    let (server, provider) = house(Profile::Generic, None, slowest).await;
    let (_, access, _) = signed_in(&server, &provider, |_| {}).await;
    let mut asked = provider.says.lock().introspections;
    // Run until the provider has just been asked: it will not be for as long as it may be.
    for _ in 0..60 {
        server.clock.advance(LOOK_MS);
        assert_eq!(server.identity.ask_providers().await.unwrap(), 0);
        if std::mem::replace(&mut asked, provider.says.lock().introspections) != asked {
            break;
        }
    }
    assert_eq!(asked, 1);
    provider.says.lock().holds = false;
    let mut waited = 0;
    while server.get(WHOAMI, &access).await.status == 200 {
        server.clock.advance(LOOK_MS);
        waited += LOOK_MS;
        server.identity.ask_providers().await.unwrap();
    }
    assert!(waited <= 15 * 60 * 1000, "{waited}");
    server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
}

#[tokio::test]
async fn a_provider_that_is_down_signs_nobody_out_and_is_asked_again() {
    let (server, provider) = house(Profile::Generic, None, |config| config.poll = Poll::Introspection).await;
    let (_, access, _) = signed_in(&server, &provider, |_| {}).await;
    {
        let mut says = provider.says.lock();
        (says.holds, says.down) = (false, true);
    }
    server.clock.advance(5 * 60 * 1000);
    assert_eq!(server.identity.ask_providers().await.unwrap(), 0);
    server.get(WHOAMI, &access).await.ok();
    provider.says.lock().down = false;
    server.clock.advance(LOOK_MS);
    assert_eq!(server.identity.ask_providers().await.unwrap(), 1);
    server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
}
