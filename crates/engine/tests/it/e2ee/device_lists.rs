//! Whose device lists changed between two positions.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId};
use wardline_engine::rooms::{CreateRoom, Preset};
use wardline_store::device_lists::{self, Changes};

use crate::home::{Home, Person};

impl Home {
    async fn ward(&self, creator: &Person) -> OwnedRoomId {
        self.room(creator, CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() }).await
    }

    async fn enter(&self, person: &Person, room: &OwnedRoomId) {
        self.engine.rooms.join(person.caller(), room, None).await.unwrap();
    }

    async fn exit(&self, person: &Person, room: &OwnedRoomId) {
        self.engine.rooms.leave(person.caller(), room, None).await.unwrap();
    }

    async fn new_keys(&self, person: &Person) {
        let user = person.nid;
        self.store().write(move |tx| device_lists::record(tx, user)).await.unwrap();
    }

    async fn changes(&self, person: &Person, from: u64) -> Changes {
        self.engine.keys.changes(person.nid, from, u64::MAX).await.unwrap()
    }

    fn head(&self) -> u64 {
        self.store().head()
    }
}

fn lists(changed: &[&Person], left: &[&Person]) -> Changes {
    let ids = |people: &[&Person]| people.iter().map(|person| person.id.clone()).collect();
    Changes { changed: ids(changed), left: ids(left) }
}

#[tokio::test]
async fn only_those_who_share_a_room_are_told() {
    let home = Home::new();
    let (anna, ben, carl) = (home.person("anna").await, home.person("ben").await, home.person("carl").await);
    let room = home.ward(&anna).await;
    home.enter(&ben, &room).await;
    let start = home.head();
    home.new_keys(&ben).await;
    home.new_keys(&carl).await;
    home.say(&anna, &room, "no change", "1").await.unwrap();
    assert_eq!(home.changes(&anna, start).await, lists(&[&ben], &[]));
    assert_eq!(home.changes(&ben, start).await, lists(&[&ben], &[]), "one's own change is told too");
    assert_eq!(home.changes(&carl, start).await, lists(&[&carl], &[]));
    assert_eq!(home.changes(&anna, home.head()).await, Changes::default());
    let window = home.engine.keys.changes(anna.nid, start, start).await.unwrap();
    assert_eq!(window, Changes::default());
}

#[tokio::test]
async fn coming_together_and_parting_are_told_to_both() {
    let home = Home::new();
    let (anna, ben, carl) = (home.person("anna").await, home.person("ben").await, home.person("carl").await);
    let (one, two) = (home.ward(&anna).await, home.ward(&anna).await);
    home.enter(&carl, &one).await;

    let start = home.head();
    home.enter(&ben, &one).await;
    assert_eq!(home.changes(&anna, start).await, lists(&[&ben], &[]));
    assert_eq!(home.changes(&ben, start).await, lists(&[&anna, &carl], &[]));

    home.enter(&ben, &two).await;
    let start = home.head();
    home.exit(&ben, &one).await;
    assert_eq!(home.changes(&anna, start).await, Changes::default(), "they still share the other room");
    assert_eq!(home.changes(&ben, start).await, lists(&[], &[&carl]));
    assert_eq!(home.changes(&carl, start).await, lists(&[], &[&ben]));

    let start = home.head();
    home.exit(&ben, &two).await;
    assert_eq!(home.changes(&anna, start).await, lists(&[], &[&ben]));
    assert_eq!(home.changes(&ben, start).await, lists(&[], &[&anna]));
}

#[tokio::test]
async fn somebody_invited_is_shared_with() {
    let home = Home::new();
    let (anna, ben) = (home.person("anna").await, home.person("ben").await);
    let start = home.head();
    let room = home.room(&anna, CreateRoom { invite: vec![ben.id.clone()], ..CreateRoom::default() }).await;
    assert_eq!(home.changes(&anna, start).await, lists(&[&ben], &[]));
    assert_eq!(home.changes(&ben, start).await, Changes::default(), "who is invited does not encrypt yet");
    let start = home.head();
    home.new_keys(&ben).await;
    assert_eq!(home.changes(&anna, start).await, lists(&[&ben], &[]));

    let start = home.head();
    home.exit(&ben, &room).await;
    assert_eq!(home.changes(&anna, start).await, lists(&[], &[&ben]));
    assert_eq!(
        home.changes(&ben, start).await,
        Changes::default(),
        "who declines learns nothing of the room"
    );
}

#[tokio::test]
async fn two_who_leave_between_two_looks_are_told_of_each_other() {
    let home = Home::new();
    let (anna, ben, carl) = (home.person("anna").await, home.person("ben").await, home.person("carl").await);
    let room = home.ward(&anna).await;
    home.enter(&ben, &room).await;
    home.enter(&carl, &room).await;
    let start = home.head();
    home.exit(&ben, &room).await;
    home.exit(&carl, &room).await;
    assert_eq!(home.changes(&ben, start).await, lists(&[], &[&anna, &carl]));
    assert_eq!(home.changes(&anna, start).await, lists(&[], &[&ben, &carl]));
}

const PEOPLE: usize = 4;
const ROOMS: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Toggle(usize, usize),
    Keys(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..PEOPLE, 0..ROOMS).prop_map(|(person, room)| Step::Toggle(person, room)),
        1 => (0..PEOPLE).prop_map(Step::Keys),
    ]
}

/// Who shares a room with whom, by memory alone.
#[derive(Clone, Default)]
struct Oracle(BTreeSet<(usize, usize)>);

impl Oracle {
    fn share(&self, a: usize, b: usize) -> bool {
        (0..ROOMS).any(|room| self.0.contains(&(a, room)) && self.0.contains(&(b, room)))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Nobody is missing from either list, and nobody stands in the wrong one.
    #[test]
    fn no_change_is_missed(steps in prop::collection::vec(step(), 1..16), look in 0_usize..16) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let home = Home::new();
            let host = home.person("host").await;
            let mut people = Vec::new();
            for n in 0..PEOPLE {
                people.push(home.person(&format!("p{n}")).await);
            }
            let mut rooms = Vec::new();
            for _ in 0..ROOMS {
                rooms.push(home.ward(&host).await);
            }
            let mut now = Oracle::default();
            let mut then = (home.head(), now.clone());
            let mut new_keys = BTreeSet::new();
            for (n, step) in steps.into_iter().enumerate() {
                if n == look {
                    then = (home.head(), now.clone());
                    new_keys.clear();
                }
                match step {
                    Step::Toggle(person, room) if now.0.remove(&(person, room)) => {
                        home.exit(&people[person], &rooms[room]).await;
                    }
                    Step::Toggle(person, room) => {
                        now.0.insert((person, room));
                        home.enter(&people[person], &rooms[room]).await;
                    }
                    Step::Keys(person) => {
                        new_keys.insert(person);
                        home.new_keys(&people[person]).await;
                    }
                }
            }
            let names: BTreeMap<OwnedUserId, usize> =
                people.iter().enumerate().map(|(n, person)| (person.id.clone(), n)).collect();
            for (me, person) in people.iter().enumerate() {
                let told = home.changes(person, then.0).await;
                let known = |ids: &[OwnedUserId]| -> BTreeSet<usize> {
                    ids.iter().filter_map(|id| names.get(id).copied()).collect()
                };
                let (changed, left) = (known(&told.changed), known(&told.left));
                for other in (0..PEOPLE).filter(|other| *other != me) {
                    let (before, after) = (then.1.share(me, other), now.share(me, other));
                    if after && (!before || new_keys.contains(&other)) {
                        assert!(changed.contains(&other), "{me} must look at {other}");
                    }
                    if before && !after {
                        assert!(left.contains(&other), "{me} must forget {other}");
                    }
                    assert!(after || !changed.contains(&other), "{me} does not share with {other}");
                    assert!(!after || !left.contains(&other), "{me} still shares with {other}");
                }
            }
        });
    }
}
