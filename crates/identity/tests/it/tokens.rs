//! Tokens: what is stored, what is remembered, what a restart keeps.

use std::sync::Arc;

use wardline_domain::{Timestamp, ruma::OwnedServerName};
use wardline_identity::{Identity, IdentityError};

use crate::support::{House, PASSWORD};

#[tokio::test]
async fn neither_tokens_nor_passwords_are_on_the_disk() {
    let house = House::new(|i| i).await;
    let tokens = house.sign_in("WARD7", true).await;
    house.identity.verify_token(&tokens.access_token).await.unwrap();
    let refresh_token = tokens.refresh_token.unwrap();
    for file in std::fs::read_dir(house.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in [&tokens.access_token[3..], &refresh_token[4..], PASSWORD] {
            assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()));
        }
    }
}

#[tokio::test]
async fn a_session_is_one_value_in_memory_and_outlives_a_restart() {
    let house = House::new(|i| i).await;
    let tokens = house.sign_in("WARD7", false).await;
    let first = house.identity.verify_token(&tokens.access_token).await.unwrap();
    let second = house.identity.verify_token(&tokens.access_token).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second));

    let name = OwnedServerName::try_from("riverside.example").unwrap();
    let random = Arc::new(NoDice);
    let restarted = Identity::new(house.store.clone(), house.clock.clone(), random, name);
    let session = restarted.verify_token(&tokens.access_token).await.unwrap();
    assert_eq!((session.session_id, &session.user_id), (first.session_id, &first.user_id));
}

#[derive(Debug)]
struct NoDice;

impl wardline_domain::Random for NoDice {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

#[tokio::test]
async fn last_seen_is_noted_coarsely() {
    let house = House::new(|i| i).await;
    let tokens = house.sign_in("WARD7", false).await;
    let session = house.identity.verify_token(&tokens.access_token).await.unwrap();
    let seen = || house.identity.device(&session, "WARD7").unwrap().last_seen_at;
    let signed_in = seen();
    house.clock.advance(9 * 60 * 1000);
    house.identity.verify_token(&tokens.access_token).await.unwrap();
    // Writes are done in order: after this one, an earlier one would be visible.
    house.store.write(|_| Ok(())).await.unwrap();
    assert_eq!(seen(), signed_in);

    house.clock.advance(60 * 1000);
    house.identity.verify_token(&tokens.access_token).await.unwrap();
    tokio::task::yield_now().await;
    house.store.write(|_| Ok(())).await.unwrap();
    assert_eq!(seen(), Timestamp(signed_in.as_millis() + 10 * 60 * 1000));
}

#[tokio::test]
async fn many_refreshes_leave_few_rows_and_one_working_pair() {
    let house = House::new(|i| i).await;
    let mut tokens = house.sign_in("WARD7", true).await;
    let oldest = tokens.refresh_token.clone().unwrap();
    for _ in 0..60 {
        tokens = house.identity.refresh(&tokens.refresh_token.unwrap()).await.unwrap();
        house.identity.verify_token(&tokens.access_token).await.unwrap();
    }
    // So old that it is forgotten: refused, but no longer taken for a theft.
    let refused = house.identity.refresh(&oldest).await;
    assert!(matches!(refused, Err(IdentityError::UnknownToken { .. })));
    house.identity.verify_token(&tokens.access_token).await.unwrap();
}

#[tokio::test]
async fn requests_and_revocations_at_the_same_time() {
    let house = House::new(|i| i).await;
    let house = Arc::new(house);
    for _ in 0..20 {
        let tokens = house.sign_in("WARD7", false).await;
        let session = house.identity.verify_token(&tokens.access_token).await.unwrap();
        let requests: Vec<_> = (0..8)
            .map(|_| {
                let (house, token) = (house.clone(), tokens.access_token.clone());
                tokio::spawn(async move { house.identity.verify_token(&token).await.is_ok() })
            })
            .collect();
        house.identity.sign_out(&session).await.unwrap();
        for request in requests {
            request.await.unwrap();
        }
        let after = house.identity.verify_token(&tokens.access_token).await;
        assert!(matches!(after, Err(IdentityError::UnknownToken { soft_logout: false })));
    }
}

#[tokio::test]
async fn an_account_without_a_password_cannot_sign_in_by_one() {
    let house = House::new(|i| i).await;
    house.identity.create_account("clerk", None, false).await.unwrap();
    for password in ["", "clerk", PASSWORD] {
        let refused = house.identity.check_password("clerk", password, None).await;
        assert!(matches!(refused, Err(IdentityError::WrongPassword)));
    }
}
