//! Unread counts over random histories, against a plain recount: whatever was remembered or forgotten in between, they
//! are what the events, receipts and rules say.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use wardline_domain::push;
use wardline_domain::ruma::{OwnedEventId, OwnedRoomId};
use wardline_engine::receipts::NewReceipt;
use wardline_engine::rooms::{CreateRoom, Message, Preset};
use wardline_engine::unread::{self, Page};

use super::phone::{Mode, Phone};
use crate::home::{Home, Person, json as parse, raw};

const PEOPLE: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Operation {
    Say {
        person: usize,
        thread: Option<usize>,
        mentions: Option<usize>,
        edit: bool,
    },
    /// More than are remembered one by one.
    Many(usize),
    Read {
        person: usize,
        back: usize,
        thread: Option<Option<usize>>,
        private: bool,
    },
    Redact(usize),
    Mute(usize, bool),
    Ignore(usize, Option<usize>),
    Leave(usize),
    Join(usize),
    Look(usize),
    Restart,
}

fn operation() -> impl Strategy<Value = Operation> {
    let person = || 0..PEOPLE;
    let option = |range| prop::option::weighted(0.4, range);
    prop_oneof![
        20 => (person(), option(0..4_usize), option(person()), prop::bool::weighted(0.15))
            .prop_map(|(person, thread, mentions, edit)| Operation::Say { person, thread, mentions, edit }),
        1 => person().prop_map(Operation::Many),
        6 => (person(), 0..8_usize, prop::option::weighted(0.5, prop::option::weighted(0.4, 0..4_usize)), any::<bool>())
            .prop_map(|(person, back, thread, private)| Operation::Read { person, back, thread, private }),
        3 => (0..8_usize).prop_map(Operation::Redact),
        1 => (person(), any::<bool>()).prop_map(|(person, on)| Operation::Mute(person, on)),
        1 => (person(), option(person())).prop_map(|(person, whom)| Operation::Ignore(person, whom)),
        1 => (1..PEOPLE).prop_map(Operation::Leave),
        3 => (1..PEOPLE).prop_map(Operation::Join),
        10 => person().prop_map(Operation::Look),
        1 => Just(Operation::Restart),
    ]
}

/// An event as the recount knows it.
#[derive(Clone, Debug)]
struct Said {
    id: OwnedEventId,
    sender: usize,
    /// Root of the thread: an index.
    thread: Option<usize>,
    message: bool,
    mentions: Option<usize>,
    redacted: bool,
    joins: Option<usize>,
}

struct World {
    home: Home,
    people: Vec<Person>,
    room: OwnedRoomId,
    said: Vec<Said>,
    joined: Vec<bool>,
    muted: Vec<bool>,
    ignored: Vec<Option<usize>>,
    /// By person and thread (`None`: all threads): the index up to which they have read.
    receipts: BTreeMap<(usize, Option<Option<usize>>), usize>,
}

impl World {
    async fn new() -> Self {
        let home = Home::new();
        let mut people = Vec::new();
        for name in ["ada", "ben", "cat"] {
            people.push(home.person(name).await);
        }
        let request = CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() };
        let room = home.room(&people[0], request).await;
        let mut world = Self {
            home,
            people,
            room,
            said: Vec::new(),
            joined: vec![true, false, false],
            muted: vec![false; PEOPLE],
            ignored: vec![None; PEOPLE],
            receipts: BTreeMap::new(),
        };
        for person in 1..PEOPLE {
            world.join(person).await;
        }
        world
    }

    fn heard(&mut self, id: OwnedEventId, sender: usize, thread: Option<usize>) -> &mut Said {
        let said = Said { id, sender, thread, message: false, mentions: None, redacted: false, joins: None };
        self.said.push(said);
        self.said.last_mut().unwrap()
    }

    async fn join(&mut self, person: usize) {
        if !std::mem::replace(&mut self.joined[person], true) {
            let caller = self.people[person].caller();
            let id = self.home.engine.rooms.join(caller, &self.room, None).await.unwrap();
            self.heard(id, person, None).joins = Some(person);
        }
    }

    async fn say(&mut self, person: usize, thread: Option<usize>, mentions: Option<usize>, edit: bool) {
        if !self.joined[person] {
            return;
        }
        let mut content = json!({ "msgtype": "m.text", "body": "words" });
        if let Some(whom) = mentions {
            content["m.mentions"] = json!({ "user_ids": [self.people[whom].id] });
        }
        // A root is a message of the main timeline.
        let root = thread.and_then(|nth| {
            let is_root = |(_, said): &(usize, &Said)| said.message && said.thread.is_none();
            self.said.iter().enumerate().filter(is_root).map(|(at, _)| at).nth(nth)
        });
        let mut of = root;
        if let Some(root) = root {
            let root_said = &self.said[root];
            let kind = if edit { "m.replace" } else { "m.thread" };
            content["m.relates_to"] = json!({ "rel_type": kind, "event_id": root_said.id });
            if edit {
                content["m.new_content"] = json!({ "msgtype": "m.text", "body": "other words" });
                of = None;
            }
        }
        let is_edit = edit && root.is_some();
        let message = Message {
            room: &self.room,
            kind: "m.room.message",
            content: raw(&content),
            txn: None,
            also: None,
        };
        let id = self.home.engine.rooms.send(self.people[person].caller(), message).await.unwrap();
        let said = self.heard(id, person, of);
        // An edit tells nobody but whom it mentions.
        said.message = !is_edit;
        said.mentions = mentions;
    }

    async fn run(&mut self, operation: Operation) {
        match operation {
            Operation::Say { person, thread, mentions, edit } => {
                self.say(person, thread, mentions, edit).await
            }
            Operation::Many(person) => {
                for _ in 0..300 {
                    self.say(person, None, None, false).await;
                }
            }
            Operation::Read { person, back, thread, private } => {
                let at = self.said.len().checked_sub(back + 1);
                let thread = thread.map(|root| root.filter(|root| *root < self.said.len()));
                if let Some(at) = at.filter(|_| self.joined[person]) {
                    let kind = if private { "m.read.private" } else { "m.read" };
                    let name = thread.map(|root| match root {
                        None => "main".to_owned(),
                        Some(root) => self.said[root].id.to_string(),
                    });
                    let receipt =
                        NewReceipt { kind: kind.into(), event_id: self.said[at].id.clone(), thread: name };
                    let nid = self.people[person].nid;
                    self.home.engine.receipts.advance(nid, &self.room, vec![receipt]).await.unwrap();
                    let read = self.receipts.entry((person, thread)).or_default();
                    *read = at.max(*read);
                }
            }
            Operation::Redact(back) => {
                let at = self.said.len().checked_sub(back + 1);
                if let Some(at) = at.filter(|at| self.said[*at].message && !self.said[*at].redacted) {
                    let (caller, rooms) = (self.people[0].caller(), &self.home.engine.rooms);
                    let id = rooms.redact(caller, &self.room, &self.said[at].id, None, None).await.unwrap();
                    (self.said[at].redacted, self.said[at].thread) = (true, None);
                    self.heard(id, 0, None);
                }
            }
            Operation::Mute(person, on) => {
                let switch = move |rules: &mut _| {
                    let kind = push::parse_kind("override")?;
                    push::set_enabled(rules, &kind, ".m.rule.master", on)
                };
                let Person { nid, id } = &self.people[person];
                self.home.engine.push_rules.change(*nid, id, switch).await.unwrap();
                self.muted[person] = on;
            }
            Operation::Ignore(person, whom) => {
                let list: serde_json::Map<_, _> =
                    whom.iter().map(|whom| (self.people[*whom].id.to_string(), json!({}))).collect();
                let (nid, content) = (self.people[person].nid, json!({ "ignored_users": list }).to_string());
                let put = move |tx: &mut wardline_store::WriteTx<'_>| {
                    wardline_store::account_data::put(tx, nid, None, "m.ignored_user_list", &content)
                };
                self.home.store().write(put).await.unwrap();
                self.ignored[person] = whom;
            }
            Operation::Leave(person) => {
                if std::mem::replace(&mut self.joined[person], false) {
                    let caller = self.people[person].caller();
                    let id = self.home.engine.rooms.leave(caller, &self.room, None).await.unwrap();
                    self.heard(id, person, None);
                }
            }
            Operation::Join(person) => self.join(person).await,
            Operation::Look(person) => self.look(person).await,
            Operation::Restart => {}
        }
    }

    /// By thread: how many are unread, and how many of them highlighted.
    fn recount(&self, person: usize) -> BTreeMap<Option<usize>, (u64, u64)> {
        let mut unread: BTreeMap<Option<usize>, (u64, u64)> = BTreeMap::new();
        for (at, said) in self.said.iter().enumerate() {
            let read = |thread| self.receipts.get(&(person, thread)).is_some_and(|read| *read >= at);
            if said.joins == Some(person) {
                unread.clear();
            } else if said.sender == person {
                unread.remove(&said.thread);
            } else if (said.message || said.mentions == Some(person))
                && !said.redacted
                && !self.muted[person]
                && self.ignored[person] != Some(said.sender)
                && !read(None)
                && !read(Some(said.thread))
            {
                let count = unread.entry(said.thread).or_default();
                count.0 += 1;
                count.1 += u64::from(said.mentions == Some(person));
            }
        }
        unread
    }

    async fn look(&self, person: usize) {
        if !self.joined[person] {
            return;
        }
        let expected = self.recount(person);
        let mut phone = Phone::new(&self.people[person], "LOOK", Mode::Full);
        phone.filter["room"]["timeline"]["unread_thread_notifications"] = json!(true);
        let answer = phone.ask(&self.home).await;
        let told = &answer["rooms"]["join"][self.room.as_str()];
        let counts = |value: &Value| {
            (value["notification_count"].as_u64().unwrap(), value["highlight_count"].as_u64().unwrap())
        };
        let main = expected.get(&None).copied().unwrap_or_default();
        assert_eq!(counts(&told["unread_notifications"]), main, "{person} in the main timeline");
        let threads: BTreeMap<String, (u64, u64)> = expected
            .iter()
            .filter_map(|(thread, count)| Some((self.said[(*thread)?].id.to_string(), *count)))
            .collect();
        let told: BTreeMap<String, (u64, u64)> = told["unread_thread_notifications"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(thread, count)| (thread.clone(), counts(count)))
            .collect();
        assert_eq!(told, threads, "{person} in threads");
        self.check_list(person, expected.values().map(|count| count.0).sum()).await;
    }

    /// The list of notifications marks as many unread as are counted, page by page.
    async fn check_list(&self, person: usize, expected: u64) {
        let Person { nid, id } = &self.people[person];
        let (mut before, mut unread) = (None, 0);
        loop {
            let page = Page {
                user: *nid,
                user_id: id.clone(),
                device: "LOOK".into(),
                before,
                highlights_only: false,
                limit: 7,
                now: self.home.engine.context.now(),
            };
            let page = parse(&unread::list(&self.home.engine.context, page).await.unwrap());
            let listed = page["notifications"].as_array().unwrap();
            unread += listed.iter().filter(|listed| listed["read"] == json!(false)).count() as u64;
            let Some(next) = page["next_token"].as_str() else { break };
            let next = next.parse().unwrap();
            assert!(before.is_none_or(|before| next < before), "pages go on");
            before = Some(next);
        }
        assert_eq!(unread, expected, "{person} in the list");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn counts_are_what_a_recount_says(operations in prop::collection::vec(operation(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for operation in operations {
                world.run(operation).await;
                if let Operation::Restart = operation {
                    world.home = world.home.restart();
                }
            }
            for person in 0..PEOPLE {
                world.look(person).await;
            }
            world.home = world.home.restart();
            for person in 0..PEOPLE {
                world.look(person).await;
            }
        });
    }
}

#[tokio::test]
async fn a_name_or_a_power_of_then_decides_and_not_one_of_now() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let request = CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() };
    let room = home.room(&ada, request).await;
    home.engine.rooms.join(ben.caller(), &room, None).await.unwrap();
    let everybody = raw(&json!({ "body": "all", "msgtype": "m.text", "m.mentions": { "room": true } }));
    let message =
        || Message { room: &room, kind: "m.room.message", content: everybody.clone(), txn: None, also: None };
    home.engine.rooms.send(ben.caller(), message()).await.unwrap();
    home.engine.rooms.send(ada.caller(), message()).await.unwrap();
    let mut phone = Phone::new(&ada, "PHONE", Mode::Full);
    phone.sync(&home).await;
    assert_eq!(phone.rooms[room.as_str()].unread, (0, 0), "her own message read his");
    home.engine.rooms.send(ben.caller(), message()).await.unwrap();
    phone.sync(&home).await;
    assert_eq!(phone.rooms[room.as_str()].unread, (1, 0), "he may not call everybody");
    let levels = raw(&json!({ "notifications": { "room": 0 } }));
    home.engine.rooms.send_state(ada.caller(), &room, "m.room.power_levels", "", levels).await.ok();
    home.engine.rooms.send(ben.caller(), message()).await.unwrap();
    phone.sync(&home).await;
    assert_eq!(phone.rooms[room.as_str()].unread, (1, 1), "now he may, and setting levels read the first");
    let home = home.restart();
    let mut tablet = Phone::new(&ada, "TABLET", Mode::Full);
    tablet.sync(&home).await;
    assert_eq!(tablet.rooms[room.as_str()].unread, (1, 1));
}

/// What ten sends add to the database's log, in bytes, in a room of so many members.
async fn written_by_sends(members: usize) -> u64 {
    let home = Home::new();
    let ada = home.person("ada").await;
    let request = CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() };
    let room = home.room(&ada, request).await;
    for member in 1..members {
        let person = home.person(&format!("member{member}")).await;
        home.engine.rooms.join(person.caller(), &room, None).await.unwrap();
    }
    let log = home.path().with_extension("db-wal");
    let before = std::fs::metadata(&log).unwrap().len();
    for n in 0..10 {
        home.say(&ada, &room, "words", &n.to_string()).await.unwrap();
    }
    std::fs::metadata(&log).unwrap().len() - before
}

#[tokio::test]
async fn a_send_writes_as_much_in_a_large_room_as_in_a_small_one() {
    let (small, large) = (written_by_sends(2).await, written_by_sends(80).await);
    assert!(large * 2 <= small * 3, "{large} bytes against {small}");
}
