//! Random histories against a plain reading of the store: whatever a client was told, in whatever steps, and
//! whichever answers it lost, it must end up with what is there.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;
use wardline_domain::ruma::{OwnedEventId, OwnedRoomId};
use wardline_engine::receipts::NewReceipt;
use wardline_engine::rooms::{CreateRoom, Preset};
use wardline_store::members::Membership;
use wardline_store::{Reader, events, members, params, rooms, state};

use super::glance::Glance;
use super::phone::{Mode, Phone};
use crate::home::{Home, Person, raw};

const PEOPLE: usize = 3;
const ROOMS: usize = 2;
const MODES: [Mode; 3] = [Mode::Full, Mode::Lazy, Mode::After];
const GLANCES: [Mode; 2] = [Mode::Full, Mode::Lazy];

#[derive(Clone, Copy, Debug)]
enum Operation {
    Join(usize, usize),
    Leave(usize, usize),
    Invite(usize, usize, usize),
    Kick(usize, usize),
    Say(usize, usize),
    Topic(usize, usize, u8),
    Receipt { person: usize, room: usize, kind: usize, back: usize },
    Sync { phone: usize, limit: usize, lost: bool },
    Glance { glance: usize, change: Change, lost: bool },
}

/// How a client of sliding sync changes what it looks at before it asks.
#[derive(Clone, Copy, Debug)]
enum Change {
    Nothing,
    /// The last index of its list.
    Range(usize),
    Limit(usize),
    Subscribe(usize),
    Unsubscribe(usize),
    /// A second list, of invites or of joined rooms.
    Second(bool),
    NoSecond,
    Extensions(bool),
    Anew,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => Just(Change::Nothing),
        2 => (0..3_usize).prop_map(Change::Range),
        2 => (0..6_usize).prop_map(Change::Limit),
        1 => (0..ROOMS).prop_map(Change::Subscribe),
        1 => (0..ROOMS).prop_map(Change::Unsubscribe),
        1 => any::<bool>().prop_map(Change::Second),
        1 => Just(Change::NoSecond),
        1 => any::<bool>().prop_map(Change::Extensions),
        1 => Just(Change::Anew),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let person = || 0..PEOPLE;
    let room = || 0..ROOMS;
    prop_oneof![
        4 => (person(), room()).prop_map(|(p, r)| Operation::Join(p, r)),
        2 => (person(), room()).prop_map(|(p, r)| Operation::Leave(p, r)),
        2 => (person(), person(), room()).prop_map(|(p, q, r)| Operation::Invite(p, q, r)),
        1 => (person(), room()).prop_map(|(p, r)| Operation::Kick(p, r)),
        8 => (person(), room()).prop_map(|(p, r)| Operation::Say(p, r)),
        3 => (person(), room(), 0..4_u8).prop_map(|(p, r, n)| Operation::Topic(p, r, n)),
        4 => (person(), room(), 0..3_usize, 0..4_usize)
            .prop_map(|(person, room, kind, back)| Operation::Receipt { person, room, kind, back }),
        8 => (0..PEOPLE * MODES.len(), 1..5_usize, prop::bool::weighted(0.3))
            .prop_map(|(phone, limit, lost)| Operation::Sync { phone, limit, lost }),
        8 => (0..PEOPLE * GLANCES.len(), change(), prop::bool::weighted(0.3))
            .prop_map(|(glance, change, lost)| Operation::Glance { glance, change, lost }),
    ]
}

struct World {
    home: Home,
    people: Vec<Person>,
    rooms: Vec<OwnedRoomId>,
    phones: Vec<Phone>,
    glances: Vec<Glance>,
}

impl World {
    async fn new() -> Self {
        let home = Home::new();
        let mut people = Vec::new();
        for name in ["ada", "ben", "cat"] {
            people.push(home.person(name).await);
        }
        let mut rooms = Vec::new();
        for creator in people.iter().take(ROOMS) {
            let request = CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() };
            rooms.push(home.room(creator, request).await);
        }
        let phones = people
            .iter()
            .flat_map(|person| MODES.map(|mode| Phone::new(person, &format!("{mode:?}"), mode)))
            .collect();
        let glance = |person, mode| Glance::new(person, &format!("Sliding{mode:?}"), mode);
        let glances = people.iter().flat_map(|person| GLANCES.map(|mode| glance(person, mode))).collect();
        Self { home, people, rooms, phones, glances }
    }

    /// What is not allowed is refused, which is as good as not asked.
    async fn run(&mut self, operation: Operation, step: usize) {
        let engine = &self.home.engine;
        match operation {
            Operation::Join(p, r) => {
                drop(engine.rooms.join(self.people[p].caller(), &self.rooms[r], None).await);
            }
            Operation::Leave(p, r) => {
                drop(engine.rooms.leave(self.people[p].caller(), &self.rooms[r], None).await);
            }
            Operation::Invite(p, q, r) => {
                let invited = &self.people[q].id;
                drop(engine.rooms.invite(self.people[p].caller(), &self.rooms[r], invited, None).await);
            }
            Operation::Kick(p, r) => {
                let (by, room) = (self.people[r].caller(), &self.rooms[r]);
                drop(engine.rooms.kick(by, room, &self.people[p].id, None).await);
            }
            Operation::Say(p, r) => {
                drop(self.home.say(&self.people[p], &self.rooms[r], "text", &step.to_string()).await);
            }
            Operation::Topic(p, r, n) => {
                let content = raw(&json!({ "topic": n.to_string() }));
                let caller = self.people[p].caller();
                drop(engine.rooms.send_state(caller, &self.rooms[r], "m.room.topic", "", content).await);
            }
            Operation::Receipt { person, room, kind, back } => self.receipt(person, room, kind, back).await,
            Operation::Glance { glance, change, lost } => self.glance(glance, change, lost).await,
            Operation::Sync { phone, limit, lost } => {
                let phone = &mut self.phones[phone];
                phone.limit(limit);
                if lost {
                    phone.ask(&self.home).await;
                } else {
                    phone.sync(&self.home).await;
                }
            }
        }
    }

    async fn glance(&mut self, glance: usize, change: Change, lost: bool) {
        let (glance, rooms) = (&mut self.glances[glance], &self.rooms);
        glance.change(change, rooms);
        if lost {
            glance.ask(&self.home).await;
        } else {
            glance.sync(&self.home).await;
        }
    }

    async fn receipt(&self, person: usize, room: usize, kind: usize, back: usize) {
        let all = self.events(&self.rooms[room]);
        let event: OwnedEventId = all[all.len().saturating_sub(1 + back)].id.as_str().try_into().unwrap();
        let kind = ["m.read", "m.read.private", "org.wardline.delivered"][kind].to_owned();
        let receipt = NewReceipt { kind, event_id: event, thread: None };
        let receipts = &self.home.engine.receipts;
        drop(receipts.advance(self.people[person].nid, &self.rooms[room], vec![receipt]).await);
    }

    /// Every event of a room, oldest first.
    fn events(&self, room: &OwnedRoomId) -> Vec<Seen> {
        let read = |tx: &wardline_store::ReadTx<'_>| {
            let nid = rooms::find(tx, room)?.unwrap();
            tx.query(
                "SELECT event_id, pos, sender_nid, kind FROM events WHERE room_nid = ?1 ORDER BY pos",
                params![nid],
                |row| Ok(Seen { id: row.get(0)?, pos: row.get(1)?, sender: row.get(2)?, kind: row.get(3)? }),
            )
        };
        self.home.store().read_now(read).unwrap()
    }

    fn check(&self, phone: &Phone) {
        for room in &self.rooms {
            let member = self
                .home
                .store()
                .read_now(|tx| {
                    let nid = rooms::find(tx, room)?.unwrap();
                    members::get(tx, nid, phone.person.nid)
                })
                .unwrap();
            let kept = phone.rooms.get(room.as_str());
            match (member.as_ref().map(|member| member.membership), kept) {
                (None, None) => {}
                (Some(Membership::Join), Some(kept)) => self.check_joined(phone, room, kept),
                (Some(Membership::Invite), Some(kept)) => assert_eq!(kept.section, "invite"),
                // Somebody who came and went before this device first asked is not told of it.
                (Some(Membership::Leave), None) => {}
                (Some(Membership::Leave), Some(kept)) => assert_eq!(kept.section, "leave", "{phone:?}"),
                (is, kept) => panic!("{is:?} but {kept:?}"),
            }
        }
    }

    fn check_joined(&self, phone: &Phone, room: &OwnedRoomId, kept: &super::phone::Room) {
        assert_eq!(kept.section, "join");
        let all = self.events(room);
        let suffix: Vec<_> = all[all.len() - kept.timeline.len()..].iter().map(|e| e.id.clone()).collect();
        assert_eq!(kept.timeline, suffix, "the timeline has no holes");

        let (current, receipts): (BTreeMap<_, _>, BTreeMap<_, _>) = self
            .home
            .store()
            .read_now(|tx| {
                let nid = rooms::find(tx, room)?.unwrap();
                let current = state::current_entries(tx, nid)?
                    .into_iter()
                    .map(|entry| {
                        let id = events::event_id(tx, entry.event)?.to_string();
                        Ok(((entry.kind, entry.state_key), id))
                    })
                    .collect::<Result<_, wardline_store::StoreError>>()?;
                let receipts = tx.query(
                    "SELECT u.user_id, r.kind, r.thread, r.event_id FROM receipts r \
                     JOIN users u ON u.nid = r.user_nid WHERE r.room_nid = ?1 \
                     AND (r.kind <> 'm.read.private' OR r.user_nid = ?2)",
                    params![nid, phone.person.nid],
                    |row| Ok(((row.get(0)?, row.get(1)?, row.get(2)?), row.get(3)?)),
                )?;
                Ok::<_, wardline_store::StoreError>((current, receipts.into_iter().collect()))
            })
            .unwrap();
        if phone.mode == Mode::Lazy {
            for (key, id) in &current {
                let known = kept.state.get(key);
                assert!(known == Some(id) || (known.is_none() && key.0 == "m.room.member"), "{key:?}");
            }
        } else {
            assert_eq!(kept.state, current, "{:?}", phone.mode);
        }
        assert_eq!(kept.receipts, receipts);
        assert_eq!(kept.unread, (self.unread(phone, &all, &receipts), 0));
    }

    /// Messages of others after the user's read receipts and own last event.
    fn unread(
        &self,
        phone: &Phone,
        all: &[Seen],
        receipts: &BTreeMap<(String, String, String), String>,
    ) -> u64 {
        let me = phone.person.nid;
        let pos = |id: &String| all.iter().find(|event| event.id == *id).unwrap().pos;
        let read = ["m.read", "m.read.private"]
            .iter()
            .filter_map(|kind| {
                receipts.get(&(phone.person.id.to_string(), (*kind).to_owned(), String::new()))
            })
            .map(pos)
            .max();
        let own = all.iter().filter(|event| event.sender == me).map(|event| event.pos).max();
        let from = read.max(own).unwrap_or(0);
        let unread = |event: &&Seen| event.pos > from && event.kind == "m.room.message" && event.sender != me;
        all.iter().filter(unread).count() as u64
    }
}

impl Glance {
    fn change(&mut self, change: Change, rooms: &[OwnedRoomId]) {
        let body = &mut self.body;
        let details = json!({
            "timeline_limit": 3, "required_state": body["lists"]["all"]["required_state"]
        });
        match change {
            Change::Nothing => {}
            Change::Range(last) => body["lists"]["all"]["ranges"] = json!([[0, last]]),
            Change::Limit(limit) => body["lists"]["all"]["timeline_limit"] = json!(limit),
            Change::Subscribe(room) => body["room_subscriptions"] = json!({ rooms[room].as_str(): details }),
            Change::Unsubscribe(room) => {
                body["room_subscriptions"] = json!({});
                body["unsubscribe_rooms"] = json!([rooms[room]]);
            }
            Change::Second(invites) => {
                body["lists"]["second"] = details;
                body["lists"]["second"]["ranges"] = json!([[0, 0], [1, 1]]);
                body["lists"]["second"]["filters"] = json!({ "is_invite": invites });
            }
            Change::NoSecond => drop(body["lists"].as_object_mut().unwrap().remove("second")),
            Change::Extensions(on) => {
                for name in ["account_data", "receipts"] {
                    body["extensions"][name]["enabled"] = json!(on);
                }
            }
            Change::Anew => {
                // What is told from here on does not depend on what was told before.
                self.pos = None;
                self.phone.rooms.clear();
            }
        }
    }
}

struct Seen {
    id: String,
    pos: u64,
    sender: wardline_store::UserNid,
    kind: String,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_client_ends_up_with_what_is_there(operations in prop::collection::vec(operation(), 1..70)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for (step, operation) in operations.into_iter().enumerate() {
                world.run(operation, step).await;
            }
            for index in 0..world.phones.len() {
                let mut phone = world.phones[index].clone();
                phone.sync(&world.home).await;
                world.check(&phone);
                let quiet = phone.sync(&world.home).await;
                prop_assert!(quiet.get("rooms").is_none(), "nothing is told twice: {}", quiet);
            }
            for index in 0..world.glances.len() {
                let mut glance = world.glances[index].clone();
                // Whatever it looked at before: now everything.
                glance.change(Change::Range(99), &world.rooms);
                glance.change(Change::Extensions(true), &world.rooms);
                glance.sync(&world.home).await;
                world.check(&glance.phone);
                let quiet = glance.sync(&world.home).await;
                prop_assert_eq!(&quiet["rooms"], &json!({}), "nothing is told twice");
                prop_assert!(quiet["extensions"].get("receipts").is_none());
            }
            Ok(())
        })?;
    }
}
