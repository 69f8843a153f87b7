//! Who may see what of the past: every setting of history visibility with every way to be, or not to be, in the room.

use serde_json::{Value, json};
use wardline_domain::ruma::{OwnedEventId, RoomId};
use wardline_engine::rooms::{CreateRoom, Direction, InitialState, MessagesQuery, Preset};

use crate::home::{Home, Person, json as parse, raw};

/// What somebody does after each message.
#[derive(Clone, Copy, Debug)]
enum Step {
    Nothing,
    Invited,
    Knocks,
    Joins,
    Leaves,
    Banned,
    Unbanned,
}

use Step::{Banned, Invited, Joins, Knocks, Leaves, Nothing, Unbanned};

/// What happens, and which of the messages 0, 1, 2… is seen afterwards under `joined`, `invited`, `shared` and
/// `world_readable`. Message n is sent before step n.
const CASES: &[(&[Step], [&[usize]; 4])] = &[
    (&[Nothing], [&[], &[], &[], &[0]]),
    (&[Invited, Nothing], [&[], &[1], &[], &[0, 1]]),
    (&[Knocks, Nothing], [&[], &[], &[], &[0, 1]]),
    (&[Joins, Nothing], [&[1], &[1], &[0, 1], &[0, 1]]),
    (&[Invited, Joins, Nothing], [&[2], &[1, 2], &[0, 1, 2], &[0, 1, 2]]),
    (&[Knocks, Invited, Joins, Nothing], [&[3], &[2, 3], &[0, 1, 2, 3], &[0, 1, 2, 3]]),
    (&[Invited, Leaves, Nothing], [&[], &[1], &[], &[0, 1, 2]]),
    (&[Invited, Joins, Leaves, Nothing], [&[2], &[1, 2], &[0, 1, 2], &[0, 1, 2, 3]]),
    (&[Invited, Joins, Banned, Nothing], [&[2], &[1, 2], &[0, 1, 2], &[0, 1, 2, 3]]),
    (
        &[Invited, Joins, Leaves, Nothing, Joins, Nothing],
        [&[2, 5], &[1, 2, 5], &[0, 1, 2, 3, 4, 5], &[0, 1, 2, 3, 4, 5]],
    ),
    (
        &[Joins, Banned, Unbanned, Invited, Joins, Nothing],
        [&[1, 5], &[1, 4, 5], &[0, 1, 2, 3, 4, 5], &[0, 1, 2, 3, 4, 5]],
    ),
];

struct Scene {
    home: Home,
    ada: Person,
    ben: Person,
}

impl Scene {
    async fn room(&self, visibility: &str, steps: &[Step]) -> wardline_domain::ruma::OwnedRoomId {
        let state = |kind: &str, content: Value| InitialState {
            kind: kind.to_owned(),
            state_key: String::new(),
            content: raw(&content),
        };
        // One may knock at a room with this rule, and nobody may simply join.
        let rule = if steps.iter().any(|step| matches!(step, Knocks)) { "knock" } else { "public" };
        let initial_state = vec![
            state("m.room.history_visibility", json!({ "history_visibility": visibility })),
            state("m.room.join_rules", json!({ "join_rule": rule })),
        ];
        let request = CreateRoom { preset: Preset::PublicChat, initial_state, ..CreateRoom::default() };
        self.home.room(&self.ada, request).await
    }

    async fn step(&self, room: &RoomId, step: Step) {
        let (rooms, ben) = (&self.home.engine.rooms, &self.ben.id);
        let (by_ada, by_ben) = (self.ada.caller(), self.ben.caller());
        match step {
            Nothing => {}
            Invited => drop(rooms.invite(by_ada, room, ben, None).await.unwrap()),
            Knocks => drop(rooms.knock(by_ben, room, None).await.unwrap()),
            Joins => drop(rooms.join(by_ben, room, None).await.unwrap()),
            Leaves => drop(rooms.leave(by_ben, room, None).await.unwrap()),
            Banned => drop(rooms.ban(by_ada, room, ben, None).await.unwrap()),
            Unbanned => drop(rooms.unban(by_ada, room, ben, None).await.unwrap()),
        }
    }

    /// The messages that Ben finds by paging, if he may page at all.
    async fn paged(&self, room: &RoomId) -> Vec<String> {
        let query = MessagesQuery {
            direction: Direction::Forwards,
            from: None,
            to: None,
            limit: Some(100),
            filter: serde_json::from_str(r#"{"types":["m.room.message"]}"#).unwrap(),
        };
        match self.home.engine.rooms.messages(self.ben.caller(), room, query).await {
            Ok(page) => parse(&page.chunk)
                .as_array()
                .unwrap()
                .iter()
                .map(|event| event["event_id"].as_str().unwrap().to_owned())
                .collect(),
            Err(_) => Vec::new(),
        }
    }
}

#[tokio::test]
async fn every_visibility_with_every_membership() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let scene = Scene { home, ada, ben };
    for (steps, expected) in CASES {
        for (visibility, seen) in ["joined", "invited", "shared", "world_readable"].iter().zip(expected) {
            let room = scene.room(visibility, steps).await;
            let mut messages: Vec<OwnedEventId> = Vec::new();
            for (n, step) in steps.iter().enumerate() {
                messages.push(scene.home.say(&scene.ada, &room, "text", &n.to_string()).await.unwrap());
                scene.step(&room, *step).await;
            }
            let rooms = &scene.home.engine.rooms;
            let single: Vec<usize> = (0..messages.len())
                .filter(|n| rooms.event(scene.ben.caller(), &room, &messages[*n]).is_ok())
                .collect();
            assert_eq!(single, *seen, "{visibility} {steps:?}");
            let around: Vec<usize> = {
                let mut found = Vec::new();
                for (n, message) in messages.iter().enumerate() {
                    let filter = wardline_engine::filters::RoomEventFilter::default();
                    let context = rooms.context(scene.ben.caller(), &room, message, Some(0), filter).await;
                    found.extend(context.is_ok().then_some(n));
                }
                found
            };
            assert_eq!(around, *seen, "{visibility} {steps:?}");
            // Who was never in the room may not page through it, even if they may see what they were invited to.
            let was_in = steps.iter().any(|step| matches!(step, Joins)) || *visibility == "world_readable";
            let expected: Vec<_> = seen.iter().filter(|_| was_in).map(|n| messages[*n].to_string()).collect();
            assert_eq!(scene.paged(&room).await, expected, "{visibility} {steps:?}");
        }
    }
}
