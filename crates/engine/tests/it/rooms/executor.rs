//! The executor: idempotency, pipelining, lost heads, restarts.

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::json;
use wardline_engine::rooms::{CreateRoom, Direction, Message};
use wardline_engine::{EngineError, rooms::Preset};
use wardline_store::{WriteTx, events, rooms, sessions, stream};

use super::{all, bodies};
use crate::home::{Home, open_store, raw};

#[tokio::test]
async fn one_transaction_makes_one_event() {
    let home = Home::new();
    let (anna, ben) = (home.person("anna").await, home.person("ben").await);
    let request = CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() };
    let room = home.room(&anna, request).await;
    home.engine.rooms.join(ben.caller(), &room, None).await.unwrap();
    let answers = join_all((0..20).map(|_| home.say(&anna, &room, "once", "same"))).await;
    let ids: HashSet<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(ids.len(), 1);
    assert!(ids.contains(&home.say(&anna, &room, "once", "same").await.unwrap()));
    assert!(!ids.contains(&home.say(&ben, &room, "his own", "same").await.unwrap()));
    let home = home.restart();
    assert!(ids.contains(&home.say(&anna, &room, "once", "same").await.unwrap()));
    assert_eq!(bodies(&all(&home, &anna, &room, Direction::Forwards, 50).await), ["once", "his own"]);
    // Only the device that sent it is told the transaction id.
    let event = ids.into_iter().next().unwrap();
    let seen = |person: &crate::home::Person| {
        crate::home::json(&home.engine.rooms.event(person.caller(), &room, &event).unwrap())
    };
    assert_eq!(seen(&anna)["unsigned"]["transaction_id"], "same");
    assert!(seen(&ben)["unsigned"].get("transaction_id").is_none());
}

/// Texts that are numbers, sorted: senders at once come in any order.
fn in_order(mut texts: Vec<&str>) -> Vec<&str> {
    texts.sort_by_key(|text| text.parse::<u32>().unwrap());
    texts
}

#[tokio::test]
async fn a_thousand_sends_at_once_keep_one_line() {
    let home = Home::new();
    let anna = home.person("anna").await;
    let room = home.room(&anna, CreateRoom::default()).await;
    let texts: Vec<String> = (0..1000).map(|n| format!("{n}")).collect();
    let sent = join_all(texts.iter().map(|text| home.say(&anna, &room, text, text))).await;
    let ids: HashSet<_> = sent.into_iter().map(Result::unwrap).collect();
    assert_eq!(ids.len(), 1000);
    let home = home.restart();
    let forwards = all(&home, &anna, &room, Direction::Forwards, 300).await;
    let mut backwards = all(&home, &anna, &room, Direction::Backwards, 170).await;
    backwards.reverse();
    assert_eq!(forwards, backwards);
    assert_eq!(in_order(bodies(&forwards)), texts);
    home.store()
        .read_now(|tx| {
            assert_eq!(stream::first_gap(tx)?, None);
            let nid = rooms::find(tx, &room)?.unwrap();
            let row = rooms::get(tx, nid)?.unwrap();
            assert_eq!(row.extremities.len(), 1);
            // Each event follows the one before it, in depth as in position.
            let points = events::forwards(tx, nid, (0, 0), 5000)?;
            assert_eq!(row.depth, points.len() as i64);
            for (at, pair) in points.windows(2).enumerate() {
                let event = home.engine.context.events.get(tx, pair[1].nid)?;
                assert_eq!((pair[1].topo, event.pdu.prev_events.len()), (at as i64 + 2, 1));
                assert_eq!(event.pdu.prev_events[0], events::event_id(tx, pair[0].nid)?);
                assert!(pair[0].pos < pair[1].pos);
            }
            Ok::<_, EngineError>(())
        })
        .unwrap();
}

#[tokio::test]
async fn a_head_moved_by_another_node_is_read_again() {
    let home = Home::new();
    let anna = home.person("anna").await;
    let room = home.room(&anna, CreateRoom::default()).await;
    home.say(&anna, &room, "before", "b").await.unwrap();
    let other = open_store(home.path());
    let name = room.clone();
    other
        .write(move |tx: &mut WriteTx<'_>| {
            let nid = rooms::find(tx, &name)?.unwrap();
            let fence = rooms::get(tx, nid)?.unwrap().fence;
            let new = rooms::reserve_nids(tx, 1)?;
            rooms::claim(tx, nid, fence, new)
        })
        .await
        .unwrap();
    drop(other);
    let texts: Vec<String> = (0..200).map(|n| format!("{n}")).collect();
    for sent in join_all(texts.iter().map(|text| home.say(&anna, &room, text, text))).await {
        sent.unwrap();
    }
    let seen = all(&home, &anna, &room, Direction::Forwards, 500).await;
    assert_eq!(in_order(bodies(&seen)[1..].to_vec()), texts);
}

#[tokio::test]
async fn work_of_the_caller_is_all_or_nothing() {
    let home = Home::new();
    let anna = home.person("anna").await;
    let room = home.room(&anna, CreateRoom::default()).await;
    let send = |text: &str, fails: bool| {
        let content = raw(&json!({ "body": text }));
        let also = move |_: &mut WriteTx<'_>, _| match fails {
            true => Err(EngineError::forbidden("no")),
            false => Ok(()),
        };
        let message =
            Message { room: &room, kind: "m.room.message", content, txn: None, also: Some(Box::new(also)) };
        home.engine.rooms.send(anna.caller(), message)
    };
    let (a, b, c, d) =
        tokio::join!(send("a", false), send("b", true), send("c", false), home.say(&anna, &room, "d", "d"));
    assert!(a.is_ok() && c.is_ok() && d.is_ok());
    assert!(matches!(b, Err(EngineError::Forbidden(_))));
    assert_eq!(bodies(&all(&home, &anna, &room, Direction::Forwards, 50).await), ["a", "c", "d"]);
    assert_eq!(home.store().read_now(|tx| stream::first_gap(tx)).unwrap(), None);
}

#[tokio::test]
async fn rooms_go_on_after_a_restart() {
    let mut home = Home::new();
    let anna = home.person("anna").await;
    let room = home.room(&anna, CreateRoom::default()).await;
    for round in 0..5 {
        for n in 0..10 {
            // State, so that snapshots build on those from before the restart.
            let (key, content) = (format!("{n}"), raw(&json!({ "round": round })));
            home.engine.rooms.send_state(anna.caller(), &room, "org.test", &key, content).await.unwrap();
        }
        home = home.restart();
    }
    let state = home.engine.rooms.state_at_now(anna.caller(), &room).await.unwrap();
    let rounds = state.iter().filter(|event| event.pdu.kind == "org.test");
    assert!(rounds.clone().all(|event| event.pdu.content() == r#"{"round":4}"#));
    assert_eq!(rounds.count(), 10);
    // The state that each event saw, from its chain of snapshots, agrees with the history.
    home.store()
        .read_now(|tx| {
            use wardline_store::{EventNid, state};
            let nid = rooms::find(tx, &room)?.unwrap();
            let mut expected = state::StateMap::new();
            for point in events::forwards(tx, nid, (0, 0), 1000)? {
                let event = home.engine.context.events.get(tx, point.nid)?;
                let before = event.state_before.map(|at| state::at(tx, at)).transpose()?.unwrap_or_default();
                assert_eq!(before, expected);
                // Key by key it is the same: by the chain, and by the present state once an event leads to it.
                for at in [event.state_before, event.state_after()].into_iter().flatten() {
                    let whole = state::at(tx, at)?;
                    for key in state::current(tx, nid)?.keys() {
                        assert_eq!(state::event_at(tx, at, *key)?, whole.get(key).copied());
                    }
                }
                if let Some(key) = &event.pdu.state_key {
                    let key = state::find_key(tx, &event.pdu.kind, key)?.unwrap();
                    expected.insert(key, EventNid(event.nid.0));
                }
            }
            assert_eq!(state::current(tx, nid)?, expected);
            Ok::<_, EngineError>(())
        })
        .unwrap();
}

#[tokio::test]
async fn a_deleted_device_leaves_no_transaction_ids() {
    let home = Home::new();
    let (anna, ben) = (home.person("anna").await, home.person("ben").await);
    let request = CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() };
    let room = home.room(&anna, request).await;
    home.engine.rooms.join(ben.caller(), &room, None).await.unwrap();
    for number in 0..20 {
        home.say(&anna, &room, "a", &number.to_string()).await.unwrap();
    }
    let his = home.say(&ben, &room, "b", "0").await.unwrap();
    let now = home.engine.context.now();
    let users = [anna.nid, ben.nid];
    home.store()
        .write(move |tx| {
            for user in users {
                sessions::add_device(tx, user, "DEVICE", None, now)?;
            }
            sessions::delete_device(tx, users[0], "DEVICE")
        })
        .await
        .unwrap();
    let removed = home.engine.upkeep.tidy_rows().await.unwrap();
    assert_eq!(removed.transactions, 20);
    assert_eq!(home.engine.upkeep.tidy_rows().await.unwrap().transactions, 0);
    assert_eq!(home.say(&ben, &room, "b", "0").await.unwrap(), his, "other devices keep theirs");
}
