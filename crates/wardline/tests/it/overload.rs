//! Far more requests than there are places: the server turns the rest away, keeps what it answered and is well after.

use futures_util::future::join_all;
use reqwest::StatusCode;

use crate::process::{Person, Process, configure};

/// Senders at the same moment, for each of the server's places.
const TIMES: usize = 10;
const PLACES: usize = 8;
const EACH: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn ten_times_too_many_senders_are_turned_away_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let config = configure(dir.path(), &format!("[limits]\nrequests = {PLACES}\nrates = false\n"));
    let server = Process::serve(&config);
    let person = Person::register(&server.url, "amy").await;
    let room = person.room().await;
    let storm = (0..TIMES * PLACES).map(|name| {
        let (person, room) = (person.at(&server.url), room.clone());
        tokio::spawn(async move {
            let (mut kept, mut turned_away) = (Vec::new(), 0);
            for number in 0..EACH {
                let (status, answer) = person.send(&room, &format!("{name}-{number}")).await.unwrap();
                match status {
                    StatusCode::OK => kept.push(answer["event_id"].as_str().unwrap().to_owned()),
                    StatusCode::TOO_MANY_REQUESTS => {
                        assert_eq!(answer["errcode"], "M_LIMIT_EXCEEDED");
                        assert_eq!(answer["retry_after_ms"], 1000);
                        turned_away += 1;
                    }
                    other => panic!("{other} {answer}"),
                }
            }
            (kept, turned_away)
        })
    });
    let (mut kept, mut turned_away) = (Vec::new(), 0);
    for done in join_all(storm).await {
        let (events, count) = done.unwrap();
        kept.extend(events);
        turned_away += count;
    }
    assert_eq!(kept.len() + turned_away, TIMES * PLACES * EACH);
    assert!(turned_away > 0 && !kept.is_empty(), "{} kept, {turned_away} turned away", kept.len());
    let timeline = person.timeline(&room).await;
    assert!(kept.iter().all(|event| timeline.contains(event)), "what was answered is there");
    let (status, answer) = person.send(&room, "after").await.unwrap();
    assert_eq!(status, 200, "{answer}");
    server.stop();
}
