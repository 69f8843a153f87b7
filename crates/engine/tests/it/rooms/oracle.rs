//! Random operations against a plain model of membership and power.

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::json;
use wardline_domain::visibility::Membership;
use wardline_engine::rooms::{CreateRoom, Direction};
use wardline_store::stream;

use super::{all, bodies};
use crate::home::{Home, raw};

const PEOPLE: usize = 4;

#[derive(Clone, Copy, Debug)]
enum Operation {
    Invite(usize, usize),
    Join(usize),
    Leave(usize),
    Kick(usize, usize),
    Ban(usize, usize),
    Unban(usize, usize),
    Say(usize),
    Topic(usize, u8),
    Restart,
}

fn operation() -> impl Strategy<Value = Operation> {
    let person = || 0..PEOPLE;
    prop_oneof![
        4 => (person(), person()).prop_map(|(a, b)| Operation::Invite(a, b)),
        6 => person().prop_map(Operation::Join),
        2 => person().prop_map(Operation::Leave),
        1 => (person(), person()).prop_map(|(a, b)| Operation::Kick(a, b)),
        1 => (person(), person()).prop_map(|(a, b)| Operation::Ban(a, b)),
        1 => (person(), person()).prop_map(|(a, b)| Operation::Unban(a, b)),
        6 => person().prop_map(Operation::Say),
        2 => (person(), 0_u8..3).prop_map(|(a, n)| Operation::Topic(a, n)),
        1 => Just(Operation::Restart),
    ]
}

/// What the rules say, in a room that only invited people join and that person 0 made (and so rules).
#[derive(Default)]
struct Model {
    members: HashMap<usize, Membership>,
    said: Vec<String>,
    topic: Option<u8>,
}

impl Model {
    fn of(&self, person: usize) -> Membership {
        self.members.get(&person).copied().unwrap_or_default()
    }

    /// Whether the operation is allowed; if so it is done.
    fn apply(&mut self, operation: Operation, step: usize) -> bool {
        use Membership::{Ban, Invite, Join, Knock, Leave};
        let joined = |person| self.of(person) == Join;
        let (allowed, change) = match operation {
            Operation::Invite(by, who) => {
                (joined(by) && !matches!(self.of(who), Join | Ban), Some((who, Invite)))
            }
            Operation::Join(who) => (matches!(self.of(who), Join | Invite), Some((who, Join))),
            Operation::Leave(who) => {
                let known = self.members.contains_key(&who);
                (known && self.of(who) != Ban, Some((who, Leave)))
            }
            Operation::Kick(by, who) => {
                let there = matches!(self.of(who), Join | Invite | Knock);
                (joined(by) && there && (by == who || by == 0), Some((who, Leave)))
            }
            Operation::Ban(by, who) => (joined(by) && by == 0 && who != 0, Some((who, Ban))),
            Operation::Unban(by, who) => (joined(by) && by == 0 && self.of(who) == Ban, Some((who, Leave))),
            Operation::Say(who) => (joined(who), None),
            Operation::Topic(who, _) => (joined(who) && who == 0, None),
            Operation::Restart => (true, None),
        };
        if allowed {
            self.members.extend(change);
            match operation {
                Operation::Say(_) => self.said.push(step.to_string()),
                Operation::Topic(_, topic) => self.topic = Some(topic),
                _ => {}
            }
        }
        allowed
    }
}

async fn check(operations: Vec<Operation>) {
    let mut home = Home::new();
    let mut people = Vec::new();
    for n in 0..PEOPLE {
        people.push(home.person(&format!("p{n}")).await);
    }
    let room = home.room(&people[0], CreateRoom::default()).await;
    let mut model = Model::default();
    model.members.insert(0, Membership::Join);
    for (step, operation) in operations.into_iter().enumerate() {
        let caller = |n: usize| people[n].caller();
        let rooms = &home.engine.rooms;
        let done = match operation {
            Operation::Invite(by, who) => {
                rooms.invite(caller(by), &room, &people[who].id, None).await.is_ok()
            }
            Operation::Join(who) => rooms.join(caller(who), &room, None).await.is_ok(),
            Operation::Leave(who) => rooms.leave(caller(who), &room, None).await.is_ok(),
            Operation::Kick(by, who) => rooms.kick(caller(by), &room, &people[who].id, None).await.is_ok(),
            Operation::Ban(by, who) => rooms.ban(caller(by), &room, &people[who].id, None).await.is_ok(),
            Operation::Unban(by, who) => rooms.unban(caller(by), &room, &people[who].id, None).await.is_ok(),
            Operation::Say(who) => {
                home.say(&people[who], &room, &step.to_string(), &step.to_string()).await.is_ok()
            }
            Operation::Topic(who, n) => {
                let content = raw(&json!({ "topic": n.to_string() }));
                rooms.send_state(caller(who), &room, "m.room.topic", "", content).await.is_ok()
            }
            Operation::Restart => {
                home = home.restart();
                true
            }
        };
        assert_eq!(done, model.apply(operation, step), "step {step}: {operation:?}");
    }
    let rooms = &home.engine.rooms;
    let nid = rooms.nid(&room).unwrap();
    for (n, person) in people.iter().enumerate() {
        let found = rooms.membership(nid, person.nid).unwrap();
        assert_eq!(found.map(|member| member.membership), model.members.get(&n).copied());
    }
    home.store()
        .read_now(|tx| {
            let row = wardline_store::rooms::get(tx, nid)?.unwrap();
            let count =
                |wanted| model.members.values().filter(|membership| **membership == wanted).count() as u64;
            assert_eq!((row.joined, row.invited), (count(Membership::Join), count(Membership::Invite)));
            assert_eq!(stream::first_gap(tx)?, None);
            Ok::<_, wardline_engine::EngineError>(())
        })
        .unwrap();
    home.audited();
    if model.of(0) == Membership::Join {
        assert_eq!(bodies(&all(&home, &people[0], &room, Direction::Forwards, 9).await), model.said);
        let topic = rooms.state_event(people[0].caller(), &room, "m.room.topic", "").ok();
        let topic = topic.map(|event| event.pdu.content().to_owned());
        assert_eq!(topic, model.topic.map(|n| format!("{{\"topic\":\"{n}\"}}")));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn random_operations_agree_with_the_model(operations in prop::collection::vec(operation(), 1..60)) {
        tokio::runtime::Runtime::new().unwrap().block_on(check(operations));
    }
}
