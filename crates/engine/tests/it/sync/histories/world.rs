//! A few people, their rooms and their clients.

use proptest::prop_assert;
use proptest::test_runner::TestCaseError;
use serde_json::{Value, json};
use wardline_domain::ruma::{OwnedEventId, OwnedRoomId};
use wardline_engine::receipts::NewReceipt;
use wardline_engine::rooms::{CreateRoom, InitialState, Preset};
use wardline_store::UserNid;
use wardline_store::members::Membership;

use super::super::glance::Glance;
use super::super::phone::{Mode, Phone, Room, array, text};
use super::operations::{Change, History, Operation, PEOPLE};
use super::truth::{self, Truth};
use crate::home::{Home, Person, raw};

const VISIBILITIES: [&str; 4] = ["joined", "invited", "shared", "world_readable"];

pub(super) struct World<'h> {
    home: &'h Home,
    people: Vec<Person>,
    rooms: Vec<OwnedRoomId>,
    ignores: Option<(usize, usize)>,
    /// Whether a room was upgraded: once is enough, and keeps the number of rooms small.
    upgraded: bool,
    phones: Vec<Phone>,
    glances: Vec<Glance>,
}

impl<'h> World<'h> {
    pub(super) async fn new(home: &'h Home, number: usize, history: &History) -> Self {
        let mut people = Vec::new();
        for name in ["ada", "ben", "cat"].iter().take(PEOPLE) {
            people.push(home.person(&format!("{name}{number}")).await);
        }
        if let Some((one, other)) = history.ignores {
            let list = raw(&json!({ "ignored_users": { people[other].id.as_str(): {} } }));
            let data = &home.engine.account_data;
            data.put(people[one].nid, None, "m.ignored_user_list", &list).await.unwrap();
        }
        let mut rooms = Vec::new();
        let count = if history.knock { 3 } else { 2 };
        for (at, visibility) in history.visibilities.into_iter().enumerate().take(count) {
            let state = |kind: &str, content: Value| InitialState {
                kind: kind.to_owned(),
                state_key: String::new(),
                content: raw(&content),
            };
            let visibility = VISIBILITIES[usize::from(visibility)];
            let mut first =
                vec![state("m.room.history_visibility", json!({ "history_visibility": visibility }))];
            if at == 2 {
                first.push(state("m.room.join_rules", json!({ "join_rule": "knock" })));
            }
            let request =
                CreateRoom { preset: Preset::PublicChat, initial_state: first, ..CreateRoom::default() };
            rooms.push(home.room(&people[at % 2], request).await);
        }
        let phones = history.phones.iter().enumerate();
        let phones =
            phones.map(|(at, (person, mode))| Phone::new(&people[*person], &format!("PHONE{at}"), *mode));
        let glances = history.glances.iter().enumerate();
        let glances =
            glances.map(|(at, (person, mode))| Glance::new(&people[*person], &format!("SLIDE{at}"), *mode));
        let (phones, glances) = (phones.collect(), glances.collect());
        Self { home, rooms, ignores: history.ignores, upgraded: false, phones, glances, people }
    }

    /// What is not allowed is refused, which is as good as not asked.
    pub(super) async fn run(&mut self, operation: Operation, step: usize) {
        let rooms = &self.home.engine.rooms;
        let room = |r: usize| &self.rooms[r % self.rooms.len()];
        let caller = |p: usize| self.people[p].caller();
        // Who made a room may remove people from it.
        let owner = |r: usize| self.people[(r % self.rooms.len()) % 2].caller();
        match operation {
            Operation::Join(p, r) => drop(rooms.join(caller(p), room(r), None).await),
            Operation::Leave(p, r) => drop(rooms.leave(caller(p), room(r), None).await),
            Operation::Invite(p, q, r) => {
                drop(rooms.invite(caller(p), room(r), &self.people[q].id, None).await);
            }
            Operation::Kick(p, r) => drop(rooms.kick(owner(r), room(r), &self.people[p].id, None).await),
            Operation::Ban(p, r) => drop(rooms.ban(owner(r), room(r), &self.people[p].id, None).await),
            Operation::Unban(p, r) => drop(rooms.unban(owner(r), room(r), &self.people[p].id, None).await),
            Operation::Knock(p, r) => drop(rooms.knock(caller(p), room(r), None).await),
            Operation::Forget(p, r) => drop(rooms.forget(caller(p), room(r)).await),
            Operation::Say(p, r) => {
                drop(self.home.say(&self.people[p], room(r), "text", &step.to_string()).await);
            }
            Operation::Topic(p, r, n) => {
                let content = raw(&json!({ "topic": n.to_string() }));
                drop(rooms.send_state(caller(p), room(r), "m.room.topic", "", content).await);
            }
            Operation::Visibility(p, r, n) => {
                let content = raw(&json!({ "history_visibility": VISIBILITIES[usize::from(n)] }));
                let kind = "m.room.history_visibility";
                drop(rooms.send_state(caller(p), room(r), kind, "", content).await);
            }
            Operation::Redact { person, room: r, back } => self.redact(person, r, back, step).await,
            Operation::Upgrade(p, r) => {
                if !self.upgraded
                    && let Ok(new) = rooms.upgrade(caller(p), room(r), "12", Vec::new()).await
                {
                    self.rooms.push(new);
                    self.upgraded = true;
                }
            }
            Operation::Receipt { person, room, kind, back } => self.receipt(person, room, kind, back).await,
            Operation::Data(p, r, n) => {
                let (data, nid, room) = (&self.home.engine.account_data, self.people[p].nid, r.map(room));
                match n {
                    0 => drop(data.delete(nid, room.map(|room| &**room), "a.b").await),
                    n => {
                        let content = raw(&json!({ "n": n }));
                        drop(data.put(nid, room.map(|room| &**room), "a.b", &content).await);
                    }
                }
            }
            Operation::Sync { phone, limit, lost } => {
                let count = self.phones.len();
                let phone = &mut self.phones[phone % count];
                phone.limit(limit);
                if lost {
                    phone.ask(self.home).await;
                } else {
                    phone.sync(self.home).await;
                }
            }
            Operation::Glance { glance, change, lost } => {
                let count = self.glances.len();
                let glance = &mut self.glances[glance % count];
                glance.change(change, &self.rooms);
                if lost {
                    glance.ask(self.home).await;
                } else {
                    glance.sync(self.home).await;
                }
            }
        }
    }

    async fn redact(&self, person: usize, room: usize, back: usize, step: usize) {
        let room = &self.rooms[room % self.rooms.len()];
        let mut messages = truth::events_of(self.home, room);
        messages.retain(|event| event.kind == "m.room.message");
        let Some(target) = messages.iter().rev().nth(back) else { return };
        let target: OwnedEventId = target.id.as_str().try_into().unwrap();
        let (caller, txn) = (self.people[person].caller(), format!("redact{step}"));
        drop(self.home.engine.rooms.redact(caller, room, &target, None, Some(&txn)).await);
    }

    async fn receipt(&self, person: usize, room: usize, kind: usize, back: usize) {
        let room = &self.rooms[room % self.rooms.len()];
        let all = truth::events_of(self.home, room);
        let event: OwnedEventId = all[all.len().saturating_sub(1 + back)].id.as_str().try_into().unwrap();
        let kind = ["m.read", "m.read.private", "org.wardline.delivered"][kind].to_owned();
        let receipt = NewReceipt { kind, event_id: event, thread: None };
        drop(self.home.engine.receipts.advance(self.people[person].nid, room, vec![receipt]).await);
    }

    /// Every client asks once more, and has it all; asking again tells nothing.
    pub(super) async fn check(&self) -> Result<(), TestCaseError> {
        for phone in &self.phones {
            let mut phone = phone.clone();
            phone.sync(self.home).await;
            self.check_client(&phone);
            let quiet = phone.sync(self.home).await;
            prop_assert!(quiet.get("rooms").is_none(), "nothing is told twice: {}", quiet);
            prop_assert!(quiet.get("account_data").is_none(), "nothing is told twice: {}", quiet);
        }
        for glance in &self.glances {
            let mut glance = glance.clone();
            // Whatever it looked at before: now everything.
            glance.change(Change::Range(99), &self.rooms);
            glance.change(Change::Extensions(true), &self.rooms);
            glance.sync(self.home).await;
            self.check_client(&glance.phone);
            let quiet = glance.sync(self.home).await;
            prop_assert!(quiet["rooms"] == json!({}), "nothing is told twice: {}", quiet);
            prop_assert!(quiet["extensions"].get("receipts").is_none());
        }
        self.check_redactions().await;
        Ok(())
    }

    /// Nobody who comes after a redaction learns what it removed.
    async fn check_redactions(&self) {
        let mut late = Phone::new(&self.people[0], "LATE", Mode::Full);
        late.limit(100);
        let answer = late.ask(self.home).await;
        for room in &self.rooms {
            let told = &answer["rooms"]["join"][room.as_str()]["timeline"]["events"];
            let redacted: Vec<_> =
                truth::events_of(self.home, room).into_iter().filter(|event| event.redacted).collect();
            for event in array(told) {
                let is_redacted = redacted.iter().any(|other| other.id == text(&event["event_id"]));
                assert_eq!(is_redacted, event["unsigned"].get("redacted_because").is_some());
                assert_eq!(is_redacted, event["type"] == "m.room.message" && event["content"] == json!({}));
            }
        }
    }

    fn check_client(&self, phone: &Phone) {
        let data = truth::account_data_of(self.home, &phone.person);
        assert_same_data(data.as_ref(), phone.account_data.get("a.b"));
        for room in &self.rooms {
            let truth = Truth::of(self.home, room, &phone.person);
            let kept = phone.rooms.get(room.as_str());
            let spared = truth.member_sender.is_some() && truth.member_sender == self.ignored_by(phone);
            match (truth.membership(), kept) {
                (Some(Membership::Join), Some(kept)) => self.check_joined(phone, &truth, kept),
                (Some(Membership::Invite), kept) if spared => {
                    assert!(kept.is_none_or(|kept| kept.section != "invite"), "{}", phone.device);
                }
                (Some(Membership::Invite), Some(kept)) => assert_eq!(kept.section, "invite"),
                (Some(Membership::Knock), Some(kept)) => assert_eq!(kept.section, "knock"),
                // Somebody who came and went before this device first asked is not told of it.
                (None | Some(Membership::Leave | Membership::Ban), None) => {}
                (Some(Membership::Leave | Membership::Ban), Some(kept)) => {
                    assert_eq!(kept.section, "leave", "{} {:?}", phone.device, phone.mode);
                }
                (is, kept) => panic!("{} {:?}: {is:?} but {kept:?}", phone.device, phone.mode),
            }
        }
    }

    /// Whom the owner of a client ignores.
    fn ignored_by(&self, phone: &Phone) -> Option<UserNid> {
        let (one, other) = self.ignores?;
        (self.people[one].nid == phone.person.nid).then(|| self.people[other].nid)
    }

    fn check_joined(&self, phone: &Phone, truth: &Truth, kept: &Room) {
        assert_eq!(kept.section, "join");
        let ignored = self.ignored_by(phone);
        let mut visible = truth.visible(&phone.person, ignored);
        if phone.mode == Mode::Filtered {
            visible.retain(|event| event.kind == "m.room.message");
        }
        let ids: Vec<_> = visible.iter().map(|event| event.id.clone()).collect();
        assert!(ids.ends_with(&kept.timeline), "the timeline has no holes: {ids:?} {:?}", kept.timeline);
        if phone.mode == Mode::Lazy {
            for (key, id) in &truth.state {
                let known = kept.state.get(key);
                assert!(known == Some(id) || (known.is_none() && key.0 == "m.room.member"), "{key:?}");
            }
        } else {
            assert_eq!(kept.state, truth.state, "{:?}", phone.mode);
        }
        if phone.mode == Mode::Filtered {
            assert!(kept.receipts.is_empty());
        } else {
            assert_eq!(kept.receipts, truth.receipts);
        }
        assert_eq!(kept.unread, truth.unread(&phone.person, ignored));
        assert_same_data(truth.data.as_ref(), kept.account_data.get("a.b"));
    }
}

/// What was deleted is shown empty to those who knew it.
fn assert_same_data(is: Option<&Value>, kept: Option<&Value>) {
    match is {
        Some(is) => assert_eq!(kept, Some(is)),
        None => assert!(kept.is_none_or(|kept| *kept == json!({})), "{kept:?}"),
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
            Change::Subscribe(room) => {
                body["room_subscriptions"] = json!({ rooms[room % rooms.len()].as_str(): details });
            }
            Change::Unsubscribe(room) => {
                body["room_subscriptions"] = json!({});
                body["unsubscribe_rooms"] = json!([rooms[room % rooms.len()]]);
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
                self.phone.account_data.clear();
            }
        }
    }
}
