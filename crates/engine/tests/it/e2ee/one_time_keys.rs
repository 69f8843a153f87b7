//! One-time keys: in order, never twice, whatever happens in between.

use std::collections::HashSet;

use proptest::prelude::*;
use wardline_engine::keys::{KeyError, Upload};
use wardline_store::{Kind, one_time_keys, stream};

use super::support::{Home, otk, otks};

#[tokio::test]
async fn keys_are_given_out_in_upload_order() {
    let home = Home::new();
    let phone = home.device_with_keys("amy", "PHONE").await;
    // Neither the alphabetical nor the numerical order.
    assert_eq!(home.upload(&phone, otks(["C", "A", "B"])).await.unwrap(), [("signed_curve25519".into(), 3)]);
    home.upload(&phone, otks(["0"])).await.unwrap();
    for id in ["C", "A", "B", "0"] {
        assert_eq!(home.claim(&phone).await.unwrap(), format!("signed_curve25519:{id}"));
    }
    assert_eq!(home.claim(&phone).await, None);
}

#[tokio::test]
async fn the_same_key_again_changes_nothing() {
    let home = Home::new();
    let phone = home.device_with_keys("amy", "PHONE").await;
    home.upload(&phone, otks(["A", "B"])).await.unwrap();
    assert_eq!(home.claim(&phone).await.unwrap(), "signed_curve25519:A");
    // One that was given out and one that waits; the members of the object in another order.
    let again = Upload {
        one_time_keys: vec![
            otk("A"),
            ("signed_curve25519:B".into(), r#"{ "signatures": {}, "key": "public B" }"#.into()),
        ],
        ..Upload::default()
    };
    assert_eq!(home.upload(&phone, again).await.unwrap(), [("signed_curve25519".into(), 1)]);
    assert_eq!(home.claim(&phone).await.unwrap(), "signed_curve25519:B");
    assert_eq!(home.claim(&phone).await, None);
}

#[tokio::test]
async fn another_key_under_a_known_id_is_refused_and_changes_nothing() {
    let home = Home::new();
    let phone = home.device_with_keys("amy", "PHONE").await;
    home.upload(&phone, otks(["A", "B"])).await.unwrap();
    home.claim(&phone).await.unwrap();
    for known in ["A", "B"] {
        let (name, _) = otk(known);
        let upload = Upload {
            one_time_keys: vec![otk("NEW"), (name, r#"{"key":"other"}"#.into())],
            ..Upload::default()
        };
        assert!(matches!(home.upload(&phone, upload).await, Err(KeyError::OtherKey(..))));
    }
    assert_eq!(home.claim(&phone).await.unwrap(), "signed_curve25519:B");
    assert_eq!(home.claim(&phone).await, None);
    let metrics = home.keys.metrics().prometheus();
    for line in [
        "wardline_one_time_key_conflicts_total 2",
        "wardline_one_time_keys_issued_total 2",
        "wardline_claims_unanswered_total 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn a_restart_brings_no_key_back() {
    let home = Home::new();
    let phone = home.device_with_keys("amy", "PHONE").await;
    home.upload(&phone, otks(["A", "B"])).await.unwrap();
    assert_eq!(home.claim(&phone).await.unwrap(), "signed_curve25519:A");
    let home = home.restarted();
    home.upload(&phone, otks(["A"])).await.unwrap();
    assert_eq!(home.claim(&phone).await.unwrap(), "signed_curve25519:B");
    assert_eq!(home.claim(&phone).await, None);
}

#[tokio::test]
async fn concurrent_claims_get_different_keys() {
    let home = Home::new();
    let phone = home.device_with_keys("amy", "PHONE").await;
    home.upload(&phone, otks(0..40)).await.unwrap();
    let claims = (0..50).map(|_| home.claim(&phone));
    let got: Vec<_> = futures_util::future::join_all(claims).await.into_iter().flatten().collect();
    assert_eq!(got.len(), 40);
    assert_eq!(got.iter().collect::<HashSet<_>>().len(), 40);
}

#[tokio::test]
async fn the_fallback_key_comes_last_and_is_marked_as_used() {
    let home = Home::new();
    let phone = home.device_with_keys("amy", "PHONE").await;
    let fallback = || Upload { fallback_keys: vec![otk("FALL")], ..Upload::default() };
    home.upload(&phone, Upload { fallback_keys: vec![otk("FALL")], ..otks(["A"]) }).await.unwrap();
    let unused =
        || home.store.read_now(|tx| one_time_keys::unused_fallback_types(tx, phone.user, "PHONE")).unwrap();
    assert_eq!(home.claim(&phone).await.unwrap(), "signed_curve25519:A");
    assert_eq!(unused(), ["signed_curve25519"]);
    for _ in 0..2 {
        assert_eq!(home.claim(&phone).await.unwrap(), "signed_curve25519:FALL");
        assert!(unused().is_empty());
    }
    home.upload(&phone, fallback()).await.unwrap();
    assert!(unused().is_empty(), "the same key again is still used");
    home.upload(&phone, Upload { fallback_keys: vec![otk("NEW")], ..Upload::default() }).await.unwrap();
    assert_eq!(unused(), ["signed_curve25519"]);
}

#[tokio::test]
async fn a_claim_wakes_the_owner() {
    let home = Home::new();
    let phone = home.device_with_keys("amy", "PHONE").await;
    home.upload(&phone, otks(["A"])).await.unwrap();
    let before = home.store.head();
    home.claim(&phone).await.unwrap();
    let rows = home.store.read_now(|tx| stream::range(tx, before, u64::MAX >> 1, 10)).unwrap();
    assert_eq!(
        rows.iter().map(|row| (row.kind, row.user)).collect::<Vec<_>>(),
        [(Kind::OneTimeKeys, Some(phone.user))]
    );
}

#[tokio::test]
async fn malformed_keys_are_refused() {
    let home = Home::new();
    let phone = home.device_with_keys("amy", "PHONE").await;
    for (name, key) in [
        ("no-colon", "{}"),
        (":id", "{}"),
        ("algorithm:", "{}"),
        ("a:b", "5"),
        ("a:b", "{\"key\": 1.5}"),
        ("a:b", "{"),
    ] {
        let upload = Upload { one_time_keys: vec![(name.into(), key.into())], ..Upload::default() };
        assert!(matches!(home.upload(&phone, upload).await, Err(KeyError::Invalid(_))), "{name} {key}");
    }
    assert!(matches!(home.upload(&phone, otks(0..1001)).await, Err(KeyError::Invalid(_))));
    assert_eq!(home.claim(&phone).await, None);
}

#[tokio::test]
async fn a_new_identity_starts_with_no_keys() {
    let home = Home::new();
    let mut phone = home.device_with_keys("amy", "PHONE").await;
    home.upload(&phone, otks(["A"])).await.unwrap();
    phone.key = super::support::Key::new("PHONE", [42; 32]);
    let upload = Upload { device_keys: Some(phone.keys().to_string()), ..Upload::default() };
    assert_eq!(home.upload(&phone, upload).await.unwrap(), [("signed_curve25519".into(), 0)]);
}

#[derive(Clone, Debug)]
enum Step {
    Upload(Vec<u8>),
    Claim(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![prop::collection::vec(0_u8..24, 1..6).prop_map(Step::Upload), (1_u8..5).prop_map(Step::Claim),]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Uploads (with repetitions) and claims in any order: every key at most once, first come first served.
    #[test]
    fn no_key_is_given_out_twice(steps in prop::collection::vec(step(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let home = Home::new();
            let phone = home.device_with_keys("amy", "PHONE").await;
            let mut uploaded = Vec::new();
            let mut claimed = Vec::new();
            for step in steps {
                match step {
                    Step::Upload(ids) => {
                        home.upload(&phone, otks(&ids)).await.unwrap();
                        for id in ids {
                            let name = format!("signed_curve25519:{id}");
                            if !uploaded.contains(&name) {
                                uploaded.push(name);
                            }
                        }
                    }
                    Step::Claim(times) => {
                        let claims = (0..times).map(|_| home.claim(&phone));
                        claimed.extend(futures_util::future::join_all(claims).await.into_iter().flatten());
                    }
                }
            }
            assert_eq!(claimed, uploaded[..claimed.len()]);
        });
    }
}
