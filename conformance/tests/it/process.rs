//! Starting, stopping and the commands.

use std::{collections::HashSet, fs, path::Path, time::Duration};

use crate::{
    hospital::Person,
    server::{Server, demo_interrupted, run},
};

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_waiting_clients_go_and_ends_within_five_seconds() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::demo(&dir.path().join("data"), "127.0.0.1:0");
    let nurse = Person::sign_in(&server.url, "grace.adeyemi").await;
    let since = nurse.next_batch().await;
    let waiting = tokio::spawn(async move { nurse.wait_for_news(&since).await });
    // The long poll is on its way; another person's whole sign-in gives it time to arrive.
    Person::sign_in(&server.url, "megan.evans").await.next_batch().await;
    let (took, status) = tokio::task::spawn_blocking(move || server.terminate()).await.expect("ended");
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(waiting.await.expect("no panic").is_some(), "the waiting client is answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filling_that_was_interrupted_is_completed() {
    let whole = tempfile::tempdir().expect("folder");
    let server = Server::demo(&whole.path().join("data"), "127.0.0.1:0");
    let expected = Person::sign_in(&server.url, "grace.adeyemi").await.patients().await.len();
    assert!(expected > 0);
    drop(server);
    for delay in [5, 50, 150, 300, 500, 800] {
        let dir = tempfile::tempdir().expect("folder");
        let data = dir.path().join("data");
        demo_interrupted(&data, Duration::from_millis(delay)).await;
        let server = Server::demo(&data, "127.0.0.1:0");
        let patients = Person::sign_in(&server.url, "grace.adeyemi").await.patients().await;
        let different: HashSet<_> = patients.iter().collect();
        assert_eq!((patients.len(), different.len()), (expected, expected), "killed after {delay} ms");
    }
}

#[test]
fn the_demo_does_not_move_into_a_real_server() {
    let dir = tempfile::tempdir().expect("folder");
    drop(Server::open_registration(dir.path()));
    let data = dir.path().join("data");
    let refused = run(&["demo", "--data", path(&data), "--listen", "127.0.0.1:0"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("not a demo"));
}

#[test]
fn a_wrong_configuration_is_named() {
    let dir = tempfile::tempdir().expect("folder");
    let file = dir.path().join("wardline.toml");
    fs::write(&file, "server_name = \"a.example\"\ndata = \"d\"\n[limits]\nconections = 5\n")
        .expect("written");
    let refused = run(&["serve", "--config", path(&file), "--check-config"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("conections"));
    assert!(!dir.path().join("d").exists(), "a refused configuration leaves nothing behind");
}

#[test]
fn an_import_names_what_is_wrong_and_strict_takes_nothing() {
    let dir = tempfile::tempdir().expect("folder");
    let data = dir.path().join("data");
    drop(Server::demo(&data, "127.0.0.1:0"));
    let file = dir.path().join("admissions.hl7");
    let message = |id: &str, nhs: &str| {
        format!(
            "MSH|^~\\&|PAS|X9R|WARDLINE|X9R|20261122090000||ADT^A01^ADT_A01|{id}|P|2.4\rEVN|A01|20261122090000\r\
             PID|1||{nhs}^^^NHS^NH~{id}^^^X9R^PI||Quill^Ada^^^Ms^^L||19700101|F\rPV1|1|I|NIGHT^B^5\r"
        )
    };
    fs::write(&file, format!("{}{}", message("T1", "9990000019"), message("T2", "9990000027")))
        .expect("written");
    let import = |strict: &[&str]| {
        let name = ["--server-name", "riverside.example"];
        run(&[&["import", "--data", path(&data)], &name[..], strict, &[path(&file)]].concat())
    };
    let refused = import(&["--strict"]);
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("message 1") && said.contains("PID"), "{said}");
    let taken = import(&[]);
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    assert!(String::from_utf8_lossy(&taken.stdout).contains("0 taken in (0 new, 0 changed), 2 passed over"));
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
