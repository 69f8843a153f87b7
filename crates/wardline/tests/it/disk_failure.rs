//! The disk fails under a running server: it says so, ends with its own exit code, and starts clean.

use std::process::Command;

use reqwest::{Method, StatusCode};

use crate::process::{Person, Process, configure};

/// Blocks of 512 bytes that no file may grow beyond: a write that would is refused like one on a broken disk.
const BLOCKS: &str = "8192";

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_write_ends_the_process_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let config = configure(dir.path(), "");
    let mut limited = Command::new("sh");
    // The signal that would kill the process is ignored, so that the write returns an error.
    let script = "trap '' XFSZ; ulimit -f \"$1\"; exec \"$0\" serve --config \"$2\"";
    limited.args(["-c", script, env!("CARGO_BIN_EXE_wardline"), BLOCKS]).arg(&config);
    let server = Process::start(&mut limited);
    let person = Person::register(&server.url, "amy").await;
    let room = person.room().await;
    let (mut kept, mut refused) = (Vec::new(), 0);
    for number in 0.. {
        match person.send(&room, &number.to_string()).await {
            Ok((StatusCode::OK, answer)) => {
                assert_eq!(refused, 0, "nothing is written after the disk has failed");
                kept.push(answer["event_id"].as_str().unwrap().to_owned());
            }
            Ok((status, answer)) => {
                assert_eq!((status.as_u16(), &answer["errcode"]), (503, &"M_UNKNOWN".into()), "{answer}");
                assert_eq!(answer["retry_after_ms"], 1000);
                refused += 1;
            }
            // The process has ended.
            Err(_) => break,
        }
    }
    assert_eq!(server.ended().code(), Some(74));
    assert!(kept.len() > 10, "{} messages before the end", kept.len());

    let server = Process::serve(&config);
    let person = person.at(&server.url);
    let timeline = person.timeline(&room).await;
    assert!(kept.iter().all(|event| timeline.contains(event)), "what was answered is there");
    let (status, answer) = person.send(&room, "again").await.unwrap();
    assert_eq!(status, 200, "{answer}");
    person.ok(Method::GET, "/_matrix/client/v3/account/whoami", None).await;
    server.stop();
}
