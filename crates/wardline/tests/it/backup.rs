//! A backup is taken under load, checked, restored into a new folder, and compared.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::process::{Person, Process, configure, run, text};

const SYNC: &str = "/_matrix/client/v3/sync";

/// Sends messages and uploads files until `over`; the events in order, and the media with their content.
async fn load(
    person: Person,
    room: String,
    over: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
) -> (Vec<String>, Vec<(String, String)>) {
    let (mut events, mut media) = (Vec::new(), Vec::new());
    while !over.load(Ordering::SeqCst) {
        let number = events.len();
        let (status, answer) = person.send(&room, &number.to_string()).await.unwrap();
        assert_eq!(status, 200, "{answer}");
        events.push(text(&answer["event_id"]));
        if number % 4 == 0 {
            let content = format!("file {number}");
            let upload = person
                .http
                .post(format!("{}/_matrix/media/v3/upload", person.url))
                .bearer_auth(&person.token)
                .body(content.clone());
            let answer: Value = upload.send().await.unwrap().json().await.unwrap();
            media.push((text(&answer["content_uri"]), content));
        }
        done.fetch_add(1, Ordering::SeqCst);
    }
    (events, media)
}

async fn download(person: &Person, uri: &str) -> String {
    let place = uri.trim_start_matches("mxc://");
    let url = format!("{}/_matrix/client/v1/media/download/{place}", person.url);
    let answer = person.http.get(url).bearer_auth(&person.token).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{uri}");
    answer.text().await.unwrap()
}

/// Uploads one-time keys with these names, of no value but well-formed.
async fn upload_keys(person: &Person, names: &[&str]) -> Value {
    let keys: serde_json::Map<String, Value> =
        names.iter().map(|name| (format!("curve25519:{name}"), json!("A".repeat(43)))).collect();
    let body = json!({ "one_time_keys": keys });
    person.ok(Method::POST, "/_matrix/client/v3/keys/upload", Some(&body)).await
}

/// Claims a one-time key of somebody; its name, if there is one.
async fn claim(person: &Person, of: &Person) -> Option<String> {
    let body = json!({ "one_time_keys": { of.user.as_str(): { of.device.as_str(): "curve25519" } } });
    let answer = person.ok(Method::POST, "/_matrix/client/v3/keys/claim", Some(&body)).await;
    answer["one_time_keys"][&of.user][&of.device].as_object()?.keys().next().cloned()
}

async fn send_to_device(from: &Person, to: &Person, txn: &str) {
    let body = json!({ "messages": { to.user.as_str(): { to.device.as_str(): { "n": txn } } } });
    let path = format!("/_matrix/client/v3/sendToDevice/org.test/{txn}");
    from.ok(Method::PUT, &path, Some(&body)).await;
}

/// The `n` of the messages to the device in an answer.
fn messages(answer: &Value) -> Vec<String> {
    let events = answer["to_device"]["events"].as_array().cloned().unwrap_or_default();
    events.iter().map(|event| text(&event["content"]["n"])).collect()
}

fn succeeds(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_is_whole_and_a_server_goes_on_from_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = configure(dir.path(), "");
    let server = Process::serve(&config);
    let (amy, ben) = (Person::register(&server.url, "amy").await, Person::register(&server.url, "ben").await);
    let room = amy.room().await;
    ben.join(&room).await;
    upload_keys(&ben, &["k1", "k2", "k3"]).await;
    assert_eq!(claim(&amy, &ben).await.as_deref(), Some("curve25519:k1"));
    send_to_device(&amy, &ben, "before").await;
    let early = text(&ben.ok(Method::GET, SYNC, None).await["next_batch"]);

    let (over, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let loading = tokio::spawn(load(amy.at(&server.url), room.clone(), over.clone(), done.clone()));
    while done.load(Ordering::SeqCst) < 10 {
        tokio::task::yield_now().await;
    }
    let sent_before = done.load(Ordering::SeqCst);
    let backup = dir.path().join("backup");
    let arguments = ["backup", "--config", path(&config), path(&backup)].map(str::to_owned);
    let said = tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        succeeds(&arguments)
    });
    let said = said.await.unwrap();
    let during = done.load(Ordering::SeqCst);
    while done.load(Ordering::SeqCst) < during + 10 {
        tokio::task::yield_now().await;
    }
    // What is lost later: a key is given out, messages are read, a device is made, somebody sees it all.
    assert_eq!(claim(&amy, &ben).await.as_deref(), Some("curve25519:k2"));
    send_to_device(&amy, &ben, "after").await;
    let seen = ben.ok(Method::GET, &format!("{SYNC}?since={early}"), None).await;
    assert_eq!(messages(&seen), ["after"], "the first message was read with the token");
    let late = text(&seen["next_batch"]);
    let cat = Person::register(&server.url, "cat").await;
    over.store(true, Ordering::SeqCst);
    let (events, media) = loading.await.unwrap();
    let before = amy.timeline(&room).await;
    server.stop();

    checks(&backup, &said);
    let restored = dir.path().join("elsewhere");
    fs::create_dir(&restored).unwrap();
    let digest = digest(&said);
    let data = restored.join("data");
    succeeds(&["restore", path(&backup), "--data", path(&data), "--manifest", &digest]);
    assert!(refused(&["restore", path(&backup), "--data", path(&data)]).contains("is not empty"));
    // The sealing key is kept elsewhere.
    fs::copy(dir.path().join("data/gateway/seal.key"), data.join("gateway/seal.key")).unwrap();
    succeeds(&["audit", "verify", "--data", path(&data)]);

    let server = Process::serve(&configure(&restored, ""));
    let (amy, ben, cat) = (amy.at(&server.url), ben.at(&server.url), cat.at(&server.url));
    let kept = amy.timeline(&room).await;
    assert!(before.starts_with(&kept), "what is there is how it was");
    assert!(events[..sent_before].iter().all(|event| kept.contains(event)), "all that was before the backup");
    assert!(kept.len() < before.len(), "and nothing that was after it");
    for (uri, content) in media.iter().take(sent_before / 4) {
        assert_eq!(download(&amy, uri).await, *content);
    }
    goes_on(&amy, &ben, &cat, &room, (&early, &late)).await;
    server.stop();
}

/// The hash of the manifest, as `backup` said it.
fn digest(said: &str) -> String {
    let line = said.lines().find_map(|line| line.strip_prefix("manifest: "));
    line.expect("the hash of the manifest").to_owned()
}

/// A backup is accepted as it is, and in no other form.
fn checks(backup: &Path, said: &str) {
    assert!(said.contains("sealing key"), "{said}");
    assert!(!backup.join("gateway/seal.key").exists());
    let digest = digest(said);
    assert!(succeeds(&["check", path(backup), "--manifest", &digest]).contains("whole"));
    assert!(refused(&["check", path(backup), "--manifest", &"0".repeat(64)]).contains("another backup"));
    let spoil = |file: &str, spoilt: &dyn Fn(Vec<u8>) -> Vec<u8>, complaint: &str| {
        let at = backup.join(file);
        let whole = fs::read(&at).unwrap_or_default();
        fs::write(&at, spoilt(whole.clone())).unwrap();
        let said = refused(&["check", path(backup)]);
        assert!(said.contains(complaint), "{file}: {said}");
        if whole.is_empty() { fs::remove_file(&at).unwrap() } else { fs::write(&at, whole).unwrap() }
    };
    let flip = |mut bytes: Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    };
    spoil("wardline.db", &flip, "wardline.db");
    spoil("keys/column.key", &flip, "keys/column.key");
    spoil(
        "manifest.json",
        &|bytes| String::from_utf8(bytes).unwrap().replace("\"format\":1", "\"format\":2").into(),
        "format 2",
    );
    spoil(
        "manifest.json",
        &|bytes| String::from_utf8(bytes).unwrap().replace("test.example", "evil.example").into(),
        "manifest.json",
    );
    spoil("media/stray", &|_| b"?".to_vec(), "media/stray");
    succeeds(&["check", path(backup)]);
}

/// Clients find that the server went back in time, and get on with it.
async fn goes_on(amy: &Person, ben: &Person, cat: &Person, room: &str, (early, late): (&str, &str)) {
    // A token of before the backup is good: only what is new is told.
    let answer = ben.ok(Method::GET, &format!("{SYNC}?since={early}"), None).await;
    assert_eq!(answer["rooms"]["join"][room]["state"]["events"].as_array().map_or(0, Vec::len), 0);
    assert!(answer["next_batch"].as_str().unwrap().ends_with("_e1"), "{answer}");
    // One of after it is not: rooms are told anew, although the server has passed its position by now.
    for number in 0..60 {
        amy.send(room, &format!("new{number}")).await.unwrap();
    }
    let answer = ben.ok(Method::GET, &format!("{SYNC}?since={late}"), None).await;
    let told = &answer["rooms"]["join"][room];
    assert!(told["state"]["events"].as_array().is_some_and(|state| !state.is_empty()), "{told}");
    assert_eq!(told["timeline"]["limited"], true);
    assert_eq!(messages(&answer), Vec::<String>::new(), "what was read is not told again");
    let changed: Vec<String> =
        answer["device_lists"]["changed"].as_array().unwrap().iter().map(text).collect();
    assert_eq!(changed, [amy.user.clone(), ben.user.clone()], "keys are to be fetched again");
    assert_eq!(answer["device_one_time_keys_count"]["curve25519"], Value::Null, "{answer}");

    // No key is given out twice, not even one that its owner offers again.
    assert_eq!(claim(amy, ben).await, None);
    upload_keys(ben, &["k2", "k3"]).await;
    assert_eq!(claim(amy, ben).await, None);
    upload_keys(ben, &["k4"]).await;
    assert_eq!(claim(amy, ben).await.as_deref(), Some("curve25519:k4"));

    // A device of the lost time is told to sign in again and to keep its keys.
    let (status, answer) = cat.call(Method::GET, "/_matrix/client/v3/account/whoami", None).await.unwrap();
    assert_eq!((status.as_u16(), &answer["errcode"]), (401, &json!("M_UNKNOWN_TOKEN")));
    assert_eq!(answer["soft_logout"], true);
}

#[test]
fn there_must_be_something_to_back_up_and_room_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = configure(dir.path(), "");
    let to = dir.path().join("backup");
    assert!(refused(&["backup", "--config", path(&config), path(&to)]).contains("no such database"));
    assert!(!to.exists());
    drop(Process::serve(&config));
    fs::create_dir(&to).unwrap();
    fs::write(to.join("mine"), "").unwrap();
    assert!(refused(&["backup", "--config", path(&config), path(&to)]).contains("is not empty"));
    assert!(refused(&["check", path(&to)]).contains("manifest.json"));
}
