//! The organisation's authority: its files, and what it signs. That clients believe it is shown with matrix-js-sdk in
//! `conformance/js/trust.test.mjs`.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use wardline_gateway::trust::{self, Authority, TrustError};

use crate::home::Settable;

fn authority(dir: &Path) -> Authority {
    let clock = Arc::<Settable>::default();
    clock.0.store(1_800_000_000_000, std::sync::atomic::Ordering::SeqCst);
    let (certificate, key) = (dir.join("trust.pem"), dir.join("trust.key"));
    Authority::new("Riverside NHS Trust".into(), certificate, key, clock)
}

const MASTER: &str = r#"{"keys":{"ed25519:a":"a"},"usage":["master"],"user_id":"@amara:x"}"#;

#[test]
fn it_is_made_once_and_only_its_owner_may_read_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let first = authority(dir.path());
    assert!(fs::read_dir(dir.path()).unwrap().next().is_none(), "nothing before it is needed");
    let (name, pem) = (first.signature_name().unwrap(), first.certificate_pem().unwrap());
    assert!(name.starts_with("io.element.x509:") && pem.starts_with("-----BEGIN CERTIFICATE-----"));
    let mode = fs::metadata(dir.path().join("trust.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
    let again = authority(dir.path());
    assert_eq!((again.signature_name().unwrap(), again.certificate_pem().unwrap()), (name, pem));
}

#[test]
fn many_who_come_first_at_once_find_one_authority() {
    let dir = tempfile::tempdir().unwrap();
    let authority = authority(dir.path());
    let names: Vec<String> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..4).map(|_| scope.spawn(|| authority.signature_name().unwrap())).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert!(names.iter().all(|name| *name == names[0]), "{names:?}");
}

#[test]
fn each_signature_has_a_certificate_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let authority = authority(dir.path());
    let one = authority.sign("@amara:riverside.example", MASTER).unwrap();
    let other = authority.sign("@amara:riverside.example", MASTER).unwrap();
    assert_eq!(one.key_id, other.key_id);
    assert_ne!(one.signature, other.signature);
    assert!(
        one.signature.starts_with("-----BEGIN CMS-----\n") && one.signature.ends_with("-----END CMS-----\n")
    );
    assert!(matches!(authority.sign("amara", MASTER), Err(TrustError::UserId)));
}

#[test]
fn files_that_do_not_belong_together_are_named() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for dir in [&dir, &other] {
        authority(dir.path()).certificate_pem().unwrap();
    }
    fs::copy(other.path().join("trust.key"), dir.path().join("trust.key")).unwrap();
    let refused = authority(dir.path()).certificate_pem().unwrap_err();
    assert!(refused.to_string().contains("trust.pem"), "{refused}");
    fs::write(dir.path().join("trust.key"), "no key").unwrap();
    let refused = authority(dir.path()).sign("@amara:x", MASTER).unwrap_err();
    assert!(refused.to_string().contains("trust.key"), "{refused}");
    fs::remove_file(dir.path().join("trust.key")).unwrap();
    let refused = authority(dir.path()).signature_name().unwrap_err();
    assert!(matches!(refused, TrustError::File { .. }), "a lost key is not replaced silently");
}

#[tokio::test]
async fn clients_are_told_whom_to_trust() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Arc::new(authority(dir.path()));
    let router = trust::router(Arc::clone(&authority));
    let get =
        || Request::get("/_wardline/gateway/v1/trust-identity").body(axum::body::Body::empty()).unwrap();
    let answer = router.clone().oneshot(get()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let body: serde_json::Value =
        serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!(body["name"], "Riverside NHS Trust");
    assert_eq!(body["certificates"], authority.certificate_pem().unwrap());
}
