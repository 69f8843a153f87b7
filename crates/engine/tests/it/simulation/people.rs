//! What people do, and what they were promised.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use wardline_domain::ruma::{OwnedRoomId, RoomId};
use wardline_engine::filters::Filter;
use wardline_engine::rooms::{Caller, Message};
use wardline_engine::sync::SyncRequest;
use wardline_engine::{Engine, EngineError};

use super::dice::Dice;
use crate::home::{Person, raw};

/// A request to send, as its client names it.
pub(crate) type Txn = (usize, usize, usize);

/// What was promised, over all lives of the process.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The event of each answered request.
    pub(crate) answered: BTreeMap<Txn, String>,
    /// Requests that were made and not answered: their clients ask again.
    pub(crate) open: BTreeSet<Txn>,
    next: usize,
    /// State events that were answered.
    pub(crate) state: Vec<String>,
}

/// What one device was told: the events of each room in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Phone {
    pub(crate) token: Option<String>,
    pub(crate) seen: BTreeMap<String, Vec<String>>,
}

/// Everything that outlives the process.
pub(crate) struct World {
    pub(crate) dice: Arc<Dice>,
    pub(crate) people: Vec<Person>,
    pub(crate) rooms: Vec<OwnedRoomId>,
    pub(crate) ledger: Mutex<Ledger>,
    /// One for each of the first people, who never leave a room.
    pub(crate) phones: Vec<Mutex<Phone>>,
}

/// The people; the last is the one that comes and goes.
pub(crate) const NAMES: [&str; 4] = ["ada", "ben", "cat", "guest"];
pub(crate) const GUEST: usize = 3;

/// What a person has in hand in one life of the process.
pub(crate) struct Hands {
    pub(crate) world: Arc<World>,
    pub(crate) nodes: Vec<Arc<Engine>>,
    pub(crate) person: usize,
}

impl Hands {
    fn node(&self) -> &Engine {
        &self.nodes[self.world.dice.below(self.nodes.len())]
    }

    fn caller(&self) -> Caller<'_> {
        self.world.people[self.person].caller()
    }

    /// Some things, one after the other.
    pub(crate) async fn act(self, times: usize) {
        for _ in 0..times {
            let room = self.world.dice.below(self.world.rooms.len());
            match self.world.dice.below(10) {
                0..6 => self.send_new(room).await,
                6 => self.topic(room).await,
                7 => self.powers(room).await,
                8 => self.come_or_go(room).await,
                _ => self.ask_again().await,
            }
        }
    }

    async fn send_new(&self, room: usize) {
        let txn = {
            let mut ledger = self.world.ledger.lock();
            ledger.next += 1;
            let txn = (self.person, room, ledger.next);
            ledger.open.insert(txn);
            txn
        };
        if self.world.dice.chance(30) {
            // The client lost patience and asked again while the first request was under way.
            futures_util::join!(self.send(txn), self.send(txn));
        } else {
            self.send(txn).await;
        }
    }

    /// Asks again for whatever of this person's was never answered, or once more for what was.
    pub(crate) async fn ask_again(&self) {
        let txn = {
            let ledger = self.world.ledger.lock();
            let mine: Vec<Txn> = ledger
                .open
                .iter()
                .chain(ledger.answered.keys())
                .filter(|(person, ..)| *person == self.person)
                .copied()
                .collect();
            mine.get(self.world.dice.below(mine.len())).copied()
        };
        if let Some(txn) = txn {
            self.send(txn).await;
        }
    }

    /// Sends, and holds the server to its answer.
    pub(crate) async fn send(&self, txn: Txn) {
        let (_, room, number) = txn;
        let content = raw(&json!({ "msgtype": "m.text", "body": number.to_string() }));
        let name = number.to_string();
        let room: &RoomId = &self.world.rooms[room];
        let message = Message { room, kind: "m.room.message", content, txn: Some(&name), also: None };
        let sent = self.node().rooms.send(self.caller(), message).await;
        let mut ledger = self.world.ledger.lock();
        match sent {
            Ok(event) => {
                self.world.dice.note(event.as_str().as_bytes());
                ledger.open.remove(&txn);
                let first = ledger.answered.entry(txn).or_insert_with(|| event.to_string());
                assert_eq!(*first, event.as_str(), "one transaction id, one answer");
            }
            Err(EngineError::Forbidden(_)) => {
                // Also a repeated request may find its sender put out of the room; what was promised stands.
                ledger.open.remove(&txn);
            }
            Err(EngineError::Busy | EngineError::Stopping | EngineError::Store(_)) => {}
            Err(error) => panic!("a message is not refused with {error:?}"),
        }
    }

    async fn topic(&self, room: usize) {
        let topic = raw(&json!({ "topic": self.world.dice.below(5).to_string() }));
        let room = &self.world.rooms[room];
        self.keep(self.node().rooms.send_state(self.caller(), room, "m.room.topic", "", topic).await);
    }

    /// Changes what the others may do: whoever builds on the state before is wrong.
    async fn powers(&self, room: usize) {
        let dice = &self.world.dice;
        let levels = [0, 50];
        let mut users = serde_json::Map::new();
        for person in &self.world.people[1..] {
            users.insert(person.id.to_string(), json!(levels[dice.below(2)]));
        }
        let content = raw(&json!({
            "users": users, "events_default": levels[dice.below(2)], "state_default": levels[dice.below(2)],
        }));
        let room = &self.world.rooms[room];
        self.keep(
            self.node().rooms.send_state(self.caller(), room, "m.room.power_levels", "", content).await,
        );
    }

    async fn come_or_go(&self, room: usize) {
        let (rooms, room) = (&self.node().rooms, &self.world.rooms[room]);
        let guest = &self.world.people[GUEST];
        let done = match (self.person == GUEST, self.world.dice.chance(50)) {
            (true, true) => rooms.join(guest.caller(), room, None).await.map(drop),
            (true, false) => rooms.leave(guest.caller(), room, None).await.map(drop),
            (false, true) => rooms.kick(self.caller(), room, &guest.id, None).await.map(drop),
            (false, false) => rooms.invite(self.caller(), room, &guest.id, None).await.map(drop),
        };
        // What is not allowed is refused, which is as good as not asked.
        drop(done);
    }

    fn keep(&self, sent: Result<wardline_domain::ruma::OwnedEventId, EngineError>) {
        if let Ok(event) = sent {
            self.world.dice.note(event.as_str().as_bytes());
            self.world.ledger.lock().state.push(event.to_string());
        }
    }

    /// Looks for news some times; some answers are lost on the way.
    pub(crate) async fn follow(self, times: usize) {
        for _ in 0..times {
            let kept = !self.world.dice.chance(25);
            self.look(kept, Duration::from_secs(3600)).await;
        }
    }

    /// One look at the news.
    pub(crate) async fn look(&self, kept: bool, wait: Duration) {
        let person = &self.world.people[self.person];
        let since = self.world.phones[self.person].lock().token.clone();
        let request = SyncRequest {
            user: person.nid,
            user_id: person.id.clone(),
            device: "DEVICE".into(),
            since: since.map(|token| token.parse().unwrap()),
            filter: Filter::parse(r#"{"room":{"timeline":{"limit":1000}}}"#).unwrap().into(),
            full_state: false,
            state_after: false,
            stable_state_after: false,
            set_presence: wardline_engine::presence::State::Offline,
        };
        // A node of its own: what another node tells must not be needed.
        let node = &self.nodes[self.person % self.nodes.len()];
        match node.sync.sync(request, wait).await {
            Ok(answer) if kept => self.world.phones[self.person].lock().keep(&answer),
            Ok(_) | Err(EngineError::Store(_)) => {}
            Err(error) => panic!("a sync is not refused with {error:?}"),
        }
    }
}

impl Phone {
    fn keep(&mut self, answer: &str) {
        let answer: Value = serde_json::from_str(answer).unwrap();
        self.token = Some(answer["next_batch"].as_str().unwrap().to_owned());
        for (room, told) in answer["rooms"]["join"].as_object().into_iter().flatten() {
            let seen = self.seen.entry(room.clone()).or_default();
            assert!(seen.is_empty() || told["timeline"]["limited"] != true, "nothing was left out");
            for event in told["timeline"]["events"].as_array().into_iter().flatten() {
                let id = event["event_id"].as_str().unwrap().to_owned();
                assert!(!seen.contains(&id), "{id} is told twice");
                seen.push(id);
            }
        }
    }
}
