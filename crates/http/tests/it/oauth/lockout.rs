//! Throttling of sign-ins that cannot be used to lock others out.

use super::Browser;
use crate::support::{PASSWORD, Server};

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
