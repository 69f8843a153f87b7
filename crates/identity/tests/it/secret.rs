//! Registration by the operator's shared secret.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use wardline_identity::{IdentityError, Proven, SharedSecretRequest};

use crate::support::{House, PASSWORD};

fn mac(message: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(b"secret").unwrap();
    mac.update(message.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

async fn register(
    house: &House,
    nonce: &str,
    mac: &str,
    user_type: Option<&str>,
) -> Result<Proven, IdentityError> {
    let request =
        SharedSecretRequest { nonce, username: "cat", password: PASSWORD, admin: true, user_type, mac };
    house.identity.register_with_secret("secret", request).await
}

#[tokio::test]
async fn the_right_proof_makes_the_account() {
    let house = House::new(|i| i).await;
    let nonce = house.identity.new_nonce();
    let proof = mac(&format!("{nonce}\0cat\0{PASSWORD}\0admin"));
    let proven = register(&house, &nonce, &proof, None).await.unwrap();
    assert_eq!(proven.user_id, "@cat:riverside.example");
    let tokens = house.identity.sign_in(proven, Default::default()).await.unwrap();
    assert!(house.identity.verify_token(&tokens.access_token).await.unwrap().admin);
    // The nonce is spent.
    let again = register(&house, &nonce, &proof, None).await;
    assert!(matches!(again, Err(IdentityError::SharedSecret(_))));
}

#[tokio::test]
async fn a_wrong_proof_spends_the_nonce() {
    let house = House::new(|i| i).await;
    let nonce = house.identity.new_nonce();
    let proof = mac(&format!("{nonce}\0cat\0{PASSWORD}\0notadmin"));
    assert!(register(&house, &nonce, &proof, None).await.is_err());
    let proof = mac(&format!("{nonce}\0cat\0{PASSWORD}\0admin"));
    assert!(register(&house, &nonce, &proof, None).await.is_err());
    let nonce = house.identity.new_nonce();
    assert!(register(&house, &nonce, "not hexadecimal", None).await.is_err());
}

#[tokio::test]
async fn the_user_type_is_part_of_the_proof_and_nonces_end() {
    let house = House::new(|i| i).await;
    let nonce = house.identity.new_nonce();
    house.clock.advance(60_000);
    let proof = mac(&format!("{nonce}\0cat\0{PASSWORD}\0admin\0bot"));
    assert!(register(&house, &nonce, &proof, Some("bot")).await.is_err());
    let nonce = house.identity.new_nonce();
    let proof = mac(&format!("{nonce}\0cat\0{PASSWORD}\0admin\0bot"));
    register(&house, &nonce, &proof, Some("bot")).await.unwrap();
}
