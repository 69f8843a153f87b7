//! Storing and unsealing a recovery key.

use std::{fs, sync::atomic::Ordering};

use http::StatusCode;
use wardline_domain::Random;
use wardline_gateway::keys::{KeyServiceError, OpenError, Policy, STEP_UP_MILLIS, Sealer, SealingKey};
use zeroize::Zeroizing;

use crate::home::Home;

const KEY: &str = "EsTc LW2K PGiF wKEA 3As5 g5c4 BXwk qeeJ ZJV8 Q9fu gUMN UE4d";

#[tokio::test]
async fn a_second_device_gets_the_key_back() {
    let home = Home::new().await;
    assert_eq!(home.store("amara/ONE", KEY).await.0, StatusCode::OK);
    let (status, body) = home.unseal("amara/TWO").await;
    assert_eq!((status, body["recovery_key"].as_str()), (StatusCode::OK, Some(KEY)));
    assert_eq!(home.accesses(), ["@amara:x ONE store done", "@amara:x TWO unseal done"]);
}

#[tokio::test]
async fn the_newest_key_replaces_the_older() {
    let home = Home::new().await;
    home.store("amara/ONE", "abcd").await;
    home.store("amara/ONE", KEY).await;
    assert_eq!(home.unseal("amara/ONE").await.1["recovery_key"], KEY);
}

#[tokio::test]
async fn nobody_gets_the_key_of_another() {
    let home = Home::new().await;
    home.store("amara/ONE", KEY).await;
    let (status, body) = home.unseal("mallory/M").await;
    assert_eq!((status, &body["errcode"]), (StatusCode::NOT_FOUND, &"M_NOT_FOUND".into()));
    assert_eq!(home.accesses().last().unwrap(), "@mallory:x M unseal not-found");
}

#[tokio::test]
async fn a_sealed_key_moved_to_another_person_does_not_open() {
    let home = Home::new().await;
    home.store("amara/ONE", KEY).await;
    let db = rusqlite::Connection::open(home.dir.path().join("keys.db")).unwrap();
    db.execute("UPDATE recovery_key SET user_id = '@mallory:x'", []).unwrap();
    assert_eq!(home.unseal("mallory/M").await.0, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_token_whose_person_signed_in_long_ago_neither_reads_nor_writes() {
    let home = Home::new().await;
    home.store("amara/ONE", KEY).await;
    home.clock.0.fetch_add(STEP_UP_MILLIS, Ordering::SeqCst);
    assert_eq!(home.unseal("amara/ONE").await.0, StatusCode::OK);
    home.clock.0.fetch_add(1, Ordering::SeqCst);
    let (status, body) = home.unseal("amara/ONE").await;
    assert_eq!((status, &body["errcode"]), (StatusCode::UNAUTHORIZED, &"ORG.WARDLINE.STEP_UP".into()));
    assert_eq!(home.store("amara/ONE", "abcd").await.0, StatusCode::UNAUTHORIZED);
    home.clock.0.fetch_sub(1, Ordering::SeqCst);
    assert_eq!(home.unseal("amara/ONE").await.1["recovery_key"], KEY);
    assert_eq!(home.accesses()[2..4], ["@amara:x ONE unseal step-up", "@amara:x ONE store step-up"]);
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_key_is_no_use_without_it() {
    let home = Home::new().await;
    home.store("amara/ONE", KEY).await;
    let (status, body) = home.unseal("amara/ONE/bound").await;
    assert_eq!((status, &body["errcode"]), (StatusCode::UNAUTHORIZED, &"M_UNKNOWN_TOKEN".into()));
}

#[tokio::test]
async fn bad_requests_are_named_and_touch_nothing() {
    let home = Home::new().await;
    let (status, body) = home.call("PUT", "/recovery-key", None, "{}").await;
    assert_eq!((status, &body["errcode"]), (StatusCode::UNAUTHORIZED, &"M_MISSING_TOKEN".into()));
    let (status, body) = home.unseal("stolen").await;
    assert_eq!((status, &body["errcode"]), (StatusCode::UNAUTHORIZED, &"M_UNKNOWN_TOKEN".into()));
    for (sent, named) in [
        ("{", "EOF"),
        ("{}", "recovery_key"),
        (r#"{"recovery_key":7}"#, "string"),
        (r#"{"recovery_key":"two\nlines"}"#, "recovery_key"),
        (r#"{"recovery_key":"  "}"#, "recovery_key"),
    ] {
        let (status, body) = home.call("PUT", "/recovery-key", Some("amara/ONE"), sent).await;
        assert_eq!((status, &body["errcode"]), (StatusCode::BAD_REQUEST, &"M_BAD_JSON".into()), "{sent}");
        assert!(body["error"].as_str().unwrap().contains(named), "{sent}: {body}");
    }
    let long = format!(r#"{{"recovery_key":"{}"}}"#, "a".repeat(5000));
    let (status, _) = home.call("PUT", "/recovery-key", Some("amara/ONE"), long).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(home.accesses().is_empty());
}

#[tokio::test]
async fn without_the_server_nothing_is_given() {
    let home = Home::with_server("http://127.0.0.1:1");
    let (status, body) = home.unseal("amara/ONE").await;
    assert_eq!((status, &body["errcode"]), (StatusCode::BAD_GATEWAY, &"M_UNKNOWN".into()));
}

#[tokio::test]
async fn the_key_is_in_none_of_the_files() {
    let home = Home::new().await;
    home.store("amara/ONE", KEY).await;
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    let mut files = 0;
    for entry in fs::read_dir(home.dir.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!holds(&bytes, KEY));
        files += 1;
    }
    assert!(files >= 1);
}

#[test]
fn a_sealing_key_is_64_hexadecimal_digits() {
    assert!(SealingKey::from_text(&format!(" {}\n", "0f".repeat(32))).is_ok());
    for wrong in ["", "0f", &"0g".repeat(32), &"0f".repeat(33)] {
        assert!(matches!(SealingKey::from_text(wrong), Err(OpenError::MalformedKey)), "{wrong}");
    }
}

#[tokio::test]
async fn under_the_personal_policy_nothing_is_taken_or_given() {
    let home = Home::new().await;
    let policy = async |home: &Home| home.call("GET", "/policy", None, "").await.1["policy"].clone();
    assert_eq!(policy(&home).await, "managed");
    home.store("amara/ONE", KEY).await;
    let home = home.with_policy(Policy::Personal);
    assert_eq!(policy(&home).await, "personal");
    for (status, body) in [home.store("amara/ONE", "abcd").await, home.unseal("amara/ONE").await] {
        assert_eq!((status, &body["errcode"]), (StatusCode::FORBIDDEN, &"ORG.WARDLINE.PERSONAL_KEYS".into()));
    }
    let home = home.with_policy(Policy::Managed);
    assert_eq!(home.unseal("amara/ONE").await.1["recovery_key"], KEY);
}

/// Keeps what it seals under the user's name only; for showing that the service asks nothing else of a sealer.
#[derive(Debug)]
struct Glass;

impl Sealer for Glass {
    fn seal(&self, user_id: &str, secret: &str, _: &dyn Random) -> Result<Vec<u8>, KeyServiceError> {
        Ok(format!("{user_id} {secret}").into_bytes())
    }

    fn open(&self, user_id: &str, sealed: &[u8]) -> Result<Zeroizing<String>, KeyServiceError> {
        let text = String::from_utf8(sealed.to_vec()).map_err(|_| KeyServiceError::Unsealable)?;
        let secret = text.strip_prefix(&format!("{user_id} ")).ok_or(KeyServiceError::Unsealable)?;
        Ok(Zeroizing::new(secret.to_owned()))
    }
}

#[tokio::test]
async fn another_sealer_does_as_well() {
    let home = Home::new().await.with_sealer(Glass);
    home.store("amara/ONE", KEY).await;
    assert_eq!(home.unseal("amara/TWO").await.1["recovery_key"], KEY);
    let db = rusqlite::Connection::open(home.dir.path().join("keys.db")).unwrap();
    db.execute("UPDATE recovery_key SET user_id = '@mallory:x'", []).unwrap();
    assert_eq!(home.unseal("mallory/M").await.0, StatusCode::INTERNAL_SERVER_ERROR);
}
