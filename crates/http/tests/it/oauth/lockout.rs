//! Throttling of sign-ins that cannot be used to lock others out.

use super::{Browser, passkey::SoftPasskey};
use crate::support::{PASSWORD, Server, login_body, request};
use wardline_http::Bucket;

const SECURITY: &str = "/account?action=org.wardline.security";

#[tokio::test]
async fn attempts_of_others_at_the_same_address_do_not_hold_up_a_browser_that_is_known() {
    let server = Server::new().await;
    let mut amy = Browser::new(&server);
    amy.sign_in("/account").await;
    // Somebody else at the hospital's one address tries amy's name until it is throttled.
    let mut other = Browser::new(&server);
    let wrong = [("method", "password"), ("username", "amy"), ("password", "wrong")];
    let right = [("method", "password"), ("username", "amy"), ("password", PASSWORD)];
    let page = other.get("/account").await;
    for _ in 0..5 {
        assert_eq!(other.login(&page, "/account", &wrong).await.status, 403);
    }
    assert_eq!(other.login(&page, "/account", &right).await.status, 429);
    // Amy's own browser, where she signed in before, is not touched by that.
    amy.cookie = None;
    let page = amy.get("/account").await;
    assert_eq!(amy.login(&page, "/account", &right).await.location(), "/account");
    // Nor can her browser be used to try without end, or against other accounts.
    amy.cookie = None;
    let page = amy.get("/account").await;
    for _ in 0..5 {
        assert_eq!(amy.login(&page, "/account", &wrong).await.status, 403);
    }
    assert_eq!(amy.login(&page, "/account", &right).await.status, 429);
    server.clock.advance(60_000);
    assert_eq!(amy.login(&page, "/account", &right).await.location(), "/account");
    // Bob was never held up, from anywhere.
    let mut bob = Browser::new(&server);
    let page = bob.get("/account").await;
    let fields = [("method", "password"), ("username", "bob"), ("password", PASSWORD)];
    assert_eq!(bob.login(&page, "/account", &fields).await.location(), "/account");
}

#[tokio::test]
async fn attempts_from_elsewhere_lock_nobody_out() {
    let server = Server::new().await;
    // From many addresses amy's name is tried, more often than any limit allows.
    for n in 1..=60_u8 {
        let mut request = request(
            "POST /_matrix/client/v3/login",
            "",
            login_body("amy", &format!("wrong {n}")).to_string().into(),
        );
        let address: std::net::SocketAddr = format!("198.51.100.{}:5000", n.div_ceil(5)).parse().unwrap();
        request.extensions_mut().insert(axum::extract::ConnectInfo(address));
        assert_eq!(server.send(request).await.status, 403);
    }
    // No lock is put on the account: from her own address she signs in, in a browser that nobody knows.
    Browser::new(&server).sign_in("/account").await;
    server.token("amy").await;
}

#[tokio::test]
async fn people_who_are_not_named_yet_do_not_share_the_few_attempts_of_one_account() {
    let server = Server::new().await;
    let mut stranger = Browser::new(&server);
    let page = stranger.get("/account").await;
    for _ in 0..20 {
        let answer = stranger.login(&page, "/account", &[("method", "passkey"), ("username", "")]).await;
        assert_ne!(answer.status, 429, "one address, many people");
    }
}

#[tokio::test]
async fn a_whole_address_used_up_by_somebody_holds_up_no_browser_that_is_known() {
    let server =
        Server::with(|config| config.login_address_limit = Bucket { burst: 10, per_minute: 6 }).await;
    let mut amy = Browser::new(&server);
    amy.sign_in(SECURITY).await;
    let mut passkey = SoftPasskey::add(&mut amy, SECURITY).await;
    let mut other = Browser::new(&server);
    let page = other.get("/account").await;
    let mut held = false;
    for n in 0..20 {
        let user = format!("nobody{n}");
        let wrong = [("method", "password"), ("username", &*user), ("password", "wrong")];
        held = other.login(&page, "/account", &wrong).await.status == 429;
        if held {
            break;
        }
    }
    assert!(held, "the address has a limit");
    // With a password, and with a passkey, which says whose it is only in the end.
    amy.cookie = None;
    let page = amy.get("/account").await;
    let right = [("method", "password"), ("username", "amy"), ("password", PASSWORD)];
    assert_eq!(amy.login(&page, "/account", &right).await.location(), "/account");
    amy.cookie = None;
    assert_eq!(passkey.sign_in(&mut amy, "/account").await.location(), "/account");
    assert_eq!(passkey.sign_in(&mut Browser::new(&server), "/account").await.status, 429);
}
