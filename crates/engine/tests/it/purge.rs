//! Purging rooms: over a restart, and past those who follow the stream and are behind.

use std::time::Duration;

use wardline_domain::ruma::RoomId;
use wardline_engine::EngineError;
use wardline_engine::rooms::{CreateRoom, Preset};
use wardline_store::purge::{self, Purge};
use wardline_store::{StoreError, events, rooms};

use crate::home::{Home, Person};

async fn public(home: &Home, owner: &Person) -> wardline_domain::ruma::OwnedRoomId {
    let request =
        CreateRoom { preset: Preset::PublicChat, name: Some("Ward 7".into()), ..CreateRoom::default() };
    home.room(owner, request).await
}

/// The texts of all events that are kept of a room.
fn kept(home: &Home, room: &RoomId) -> Vec<String> {
    let read = home.store().read_now(|tx| {
        let nid = rooms::find(tx, room)?.unwrap();
        let points = events::newest(tx, nid, 0, u64::MAX >> 1, 1000)?;
        points.into_iter().map(|point| Ok(events::get(tx, point.nid)?.unwrap().pdu)).collect()
    });
    read.map_err(|error: StoreError| error).unwrap()
}

#[tokio::test]
async fn a_purge_that_a_crash_ended_goes_on_at_the_next_start() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let room = public(&home, &ada).await;
    home.engine.rooms.join(ben.caller(), &room, None).await.unwrap();
    for n in 0..5 {
        home.say(&ben, &room, "the words", &n.to_string()).await.unwrap();
    }
    let other = public(&home, &ada).await;
    home.say(&ada, &other, "other words", "other").await.unwrap();
    assert_eq!(home.engine.rooms.remove_everybody(&room).await.unwrap(), 2);
    // The process dies right after the first transaction.
    let (id, by, now) = (room.clone(), ada.nid, home.engine.context.now());
    home.store()
        .write(move |tx| {
            let purge = Purge { room: rooms::find(tx, &id)?.unwrap(), media: false };
            purge::begin(tx, (purge, &id), (by, now))
        })
        .await
        .unwrap();
    assert!(kept(&home, &room).iter().any(|pdu| pdu.contains("the words")));

    let home = home.restart();
    let finished = async {
        while !home.store().read_now(|tx| purge::unfinished(tx)).unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), finished).await.expect("it goes on by itself");
    let left = kept(&home, &room);
    assert!(!left.is_empty() && left.iter().all(|pdu| pdu.contains("m.room.member")), "{left:?}");
    assert!(kept(&home, &other).iter().any(|pdu| pdu.contains("other words")), "nothing of another room");
    let refused = home.say(&ada, &room, "again", "again").await.unwrap_err();
    assert!(matches!(refused, EngineError::Forbidden(_) | EngineError::NotFound(_)), "{refused:?}");
    home.say(&ada, &other, "more words", "more").await.unwrap();
}

#[tokio::test]
async fn a_room_with_somebody_in_it_is_not_purged() {
    let home = Home::new();
    let ada = home.person("ada").await;
    let room = public(&home, &ada).await;
    let busy = home.engine.purges.purge(&room, false, ada.nid, |_| Ok(())).await.unwrap_err();
    assert!(matches!(busy, EngineError::Busy));
    home.say(&ada, &room, "as before", "1").await.unwrap();
}
