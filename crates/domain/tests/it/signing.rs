//! Signed JSON.

use proptest::prelude::*;
use serde_json::{Value, json};
use wardline_domain::ruma::server_name;
use wardline_domain::signing::{Signer, SigningError, verify_signed_json};

use crate::fixture::signer;
use crate::json;

const SERVER: &str = "riverside.example";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_signed_verifies_and_what_is_changed_does_not(object in json::object()) {
        let signer = signer();
        let signed = signer.sign_json(&Value::from(object).to_string()).unwrap();
        prop_assert!(verify_signed_json(&signer.public_key(), signer.key_id(), SERVER, &signed).is_ok());
        let mut changed: Value = serde_json::from_str(&signed).unwrap();
        changed["unsigned"] = json!({ "device_display_name": "Ward PC" });
        let key = signer.public_key();
        prop_assert!(verify_signed_json(&key, signer.key_id(), SERVER, &changed.to_string()).is_ok());
        changed["extra"] = json!(1);
        let changed = changed.to_string();
        let verdict = verify_signed_json(&key, signer.key_id(), SERVER, &changed);
        let is_invalid = matches!(verdict, Err(SigningError::Invalid { .. }));
        prop_assert!(is_invalid);
    }
}

/// Test vector of the specification's appendices ("Cryptographic Test Vectors").
#[test]
fn the_test_vector_of_the_specification() {
    let seed = "YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1";
    let signer = Signer::from_text(server_name!("domain").to_owned(), &format!("ed25519 1 {seed}")).unwrap();
    assert_eq!(
        signer.sign_json("{}").unwrap(),
        "{\"signatures\":{\"domain\":{\"ed25519:1\":\"K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV\
         /7Xg4ahLwYGYZzuHGZKM5ZAQ\"}}}"
    );
    assert_eq!(signer.public_key(), "XGX0JRS2Af3be3knz2fBiRbApjm2Dh61gXDJA8kcJNI");
}

#[test]
fn a_key_survives_being_written_down() {
    let text = signer().to_text();
    let again = Signer::from_text(server_name!("riverside.example").to_owned(), &text).unwrap();
    assert_eq!(again.public_key(), signer().public_key());
    assert_eq!(again.key_id(), "ed25519:a1");
    for wrong in [
        "",
        "ed25519 a1",
        "ed25519 a1 short",
        "rsa a1 AAAA",
        "ed25519 a-1 YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1",
    ] {
        assert!(Signer::from_text(server_name!("riverside.example").to_owned(), wrong).is_err(), "{wrong}");
    }
    assert!(!format!("{:?}", signer()).contains("7, 7, 7"), "debug output must not show the seed");
}

#[test]
fn signatures_of_others_are_kept_and_missing_ones_named() {
    let signed =
        signer().sign_json(r#"{"a":1,"signatures":{"@amy:riverside.example":{"ed25519:PC":"x"}}}"#).unwrap();
    let value: Value = serde_json::from_str(&signed).unwrap();
    assert_eq!(value["signatures"]["@amy:riverside.example"]["ed25519:PC"], "x");
    let key = signer().public_key();
    let missing = verify_signed_json(&key, "ed25519:other", SERVER, &signed);
    assert!(matches!(missing, Err(SigningError::Missing { .. })));
    let padded = format!("{key}=");
    assert!(verify_signed_json(&padded, "ed25519:a1", SERVER, &signed).is_ok());
    assert!(matches!(verify_signed_json("AAAA", "ed25519:a1", SERVER, &signed), Err(SigningError::Key(_))));
    assert!(matches!(verify_signed_json(&key, "ed25519:a1", SERVER, "[]"), Err(SigningError::Canonical(_))));
}
