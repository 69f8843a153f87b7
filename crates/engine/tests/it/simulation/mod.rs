//! Deterministic simulation: the real committer, room executors and hub on a simulated clock, disk and scheduler.
//!
//! A history is a few lives of a process. In each, people send, change state and look for news, on one node or on two
//! that compete for the rooms' heads. One thread decides with seeded dice which task goes on, how many closures a
//! batch holds, when the disk fails and how, and when the process is killed or the power goes. The next life starts
//! from the files that are left. At the end everything that was ever promised is held against what is there.
//!
//! `WARDLINE_SIM_SEED` plays one history again, `WARDLINE_SIM_HISTORIES` says how many are played.

mod dice;
mod machine;
mod people;
mod scheduler;
mod upgrade;
mod verdict;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::json;
use wardline_domain::signing::Signer;
use wardline_engine::rooms::{CreateRoom, Preset};
use wardline_engine::{Context, Engine, EngineConfig};
use wardline_store::{Stepper, Store};

use self::dice::{Dice, Hand};
use self::machine::{Fault, Machine};
use self::people::{GUEST, Hands, Ledger, NAMES, World};
use self::scheduler::Scheduler;
use self::verdict::Witness;
use crate::home::Home;

/// Histories that are played unless the environment says otherwise.
const HISTORIES: u64 = 2000;
/// Steps of a life that is cut short, at most, and of the last one, in which everybody comes to an end.
const STEPS: usize = 400;
const LAST_STEPS: usize = 200_000;

/// What every history begins with: the bytes of a database, its people and its rooms.
struct Beginning {
    database: Vec<u8>,
    people: Vec<crate::home::Person>,
    rooms: Vec<wardline_domain::ruma::OwnedRoomId>,
}

fn beginning() -> &'static Beginning {
    static BEGINNING: OnceLock<Beginning> = OnceLock::new();
    BEGINNING.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let home = Home::new();
            let mut people = Vec::new();
            for name in NAMES {
                people.push(home.person(name).await);
            }
            let mut rooms = Vec::new();
            for version in ["12", "11"] {
                let powers = json!({ "invite": 0, "kick": 0, "state_default": 0 });
                let request = CreateRoom {
                    preset: Preset::PublicChat,
                    room_version: Some(version.to_owned()),
                    power_levels: powers.as_object().unwrap().clone(),
                    ..CreateRoom::default()
                };
                let room = home.room(&people[0], request).await;
                for person in &people[1..] {
                    home.engine.rooms.join(person.caller(), &room, None).await.unwrap();
                }
                rooms.push(room);
            }
            let path = home.path().with_file_name("copy.db");
            wardline_store::copy::database(home.path(), &path).unwrap();
            Beginning { database: std::fs::read(path).unwrap(), people, rooms }
        })
    })
}

/// One life of the process.
struct Life {
    store: Store,
    stepper: Stepper,
    nodes: Vec<Arc<Engine>>,
    scheduler: Scheduler,
    actors: Vec<usize>,
    from: u64,
    failed: bool,
}

impl Life {
    fn start(machine: &Machine, world: &Arc<World>, clock: &Arc<Hand>, nodes: usize) -> Self {
        let (store, stepper) = machine.start();
        let from = store.head();
        store.subscribe(Arc::new(Witness(Mutex::new(from))));
        let mut scheduler = Scheduler::default();
        let mut engines = Vec::new();
        for _ in 0..nodes {
            let signer = Signer::from_seed("ward.example".try_into().unwrap(), "a1", [7; 32]).unwrap();
            let config = EngineConfig { shards: 2, heads_per_shard: 1, ..EngineConfig::default() };
            let context = Context::new(store.clone(), clock.clone(), world.dice.clone(), signer, config);
            let (engine, tasks) = Engine::prepare(Arc::new(context)).unwrap();
            for task in tasks {
                scheduler.spawn(task);
            }
            engines.push(Arc::new(engine));
        }
        Self { store, stepper, nodes: engines, scheduler, actors: Vec::new(), from, failed: false }
    }

    fn hands(&self, world: &Arc<World>, person: usize) -> Hands {
        Hands { world: Arc::clone(world), nodes: self.nodes.clone(), person }
    }

    /// Lets everybody do some things.
    fn occupy(&mut self, world: &Arc<World>) {
        for person in 0..world.people.len() {
            for _ in 0..=world.dice.below(2) {
                let actor = self.hands(world, person).act(1 + world.dice.below(6));
                self.actors.push(self.scheduler.spawn(actor));
            }
            if person < world.phones.len() {
                let follower = self.hands(world, person).follow(1 + world.dice.below(5));
                self.actors.push(self.scheduler.spawn(follower));
            }
        }
    }

    /// One thing happens. `false`: nothing can happen any more.
    fn step(&mut self, dice: &Dice, clock: &Hand) -> bool {
        clock.advance(dice.below(3) as i64);
        // How busy the disk is differs from moment to moment.
        let disk_first = dice.chance(25);
        if !disk_first && self.scheduler.poll_one(dice) {
            return true;
        }
        let written = self.stepper.step(1 + dice.below(12));
        dice.note(&[u8::from(written.is_ok())]);
        match written {
            Ok(0) => self.scheduler.poll_one(dice),
            Ok(_) => true,
            Err(_) => {
                self.failed = true;
                true
            }
        }
    }
}

/// Plays the history of a seed; its fingerprint.
fn play(seed: u64) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _inside = runtime.enter();
    let start = beginning();
    let (dice, clock) = (Arc::new(Dice::new(seed)), Hand::new());
    let world = Arc::new(World {
        dice: Arc::clone(&dice),
        people: start.people.clone(),
        rooms: start.rooms.clone(),
        ledger: Mutex::new(Ledger::default()),
        phones: (0..GUEST).map(|_| Mutex::default()).collect(),
    });
    let mut machine = Machine::new(&start.database);
    for _ in 0..1 + dice.below(3) {
        machine.set_room(dice.chance(15).then(|| dice.below(60) as u64));
        let mut life = Life::start(&machine, &world, &clock, 1 + dice.below(2));
        life.occupy(&world);
        for _ in 0..dice.below(STEPS) {
            let faults = [Fault::Lost, Fault::Torn, Fault::Full, Fault::FullAtOnce];
            if dice.chance(2) {
                machine.set_fault(faults[dice.below(faults.len())]);
            }
            if !life.step(&dice, &clock) || machine.has_stopped() {
                break;
            }
        }
        if life.failed {
            assert!(life.stepper.step(1).is_err(), "a writer whose disk failed never writes again");
        }
        machine.crash(dice.chance(50), &dice);
    }
    last_life(&mut machine, &world, &clock);
    dice.fingerprint()
}

/// Nothing fails any more: everybody asks again for what was not answered, looks at the news, and comes to an end.
fn last_life(machine: &mut Machine, world: &Arc<World>, clock: &Arc<Hand>) {
    machine.set_room(None);
    machine.set_fault(Fault::None);
    let dice = &world.dice;
    let mut life = Life::start(machine, world, clock, 1 + dice.below(2));
    life.occupy(world);
    let finish = |life: &mut Life, actors: &[usize]| {
        let mut left = LAST_STEPS;
        while actors.iter().any(|actor| life.scheduler.is_running(*actor)) {
            assert!(left > 0, "somebody is never answered");
            left -= 1;
            if !life.step(dice, clock) {
                break;
            }
        }
    };
    let actors = life.actors.clone();
    finish(&mut life, &actors);
    let open: Vec<_> = world.ledger.lock().open.iter().copied().collect();
    let mut rest = Vec::new();
    for txn in open {
        let hands = life.hands(world, txn.0);
        rest.push(life.scheduler.spawn(async move { hands.send(txn).await }));
    }
    finish(&mut life, &rest);
    assert!(world.ledger.lock().open.is_empty(), "every request is answered in the end");
    // Whoever waits for news is let go, as at a clean stop: no timer has to run out.
    for node in &life.nodes {
        node.context.stop.cancel();
    }
    // A phone asks one thing at a time: whoever waited gets their answer before anybody looks for the last time.
    finish(&mut life, &actors);
    assert!(actors.iter().all(|actor| !life.scheduler.is_running(*actor)));
    let mut looks = Vec::new();
    for person in 0..world.phones.len() {
        let hands = life.hands(world, person);
        looks.push(life.scheduler.spawn(async move { hands.look(true, Duration::ZERO).await }));
    }
    finish(&mut life, &looks);
    assert!(looks.iter().all(|look| !life.scheduler.is_running(*look)));
    verdict::check(&life.store, world);
    for node in &life.nodes {
        verdict::check_hub(&node.hub, &life.store, world, life.from);
    }
}

/// Plays a history and names its seed if it fails.
fn play_or_name(seed: u64) -> u64 {
    catch_unwind(AssertUnwindSafe(|| play(seed))).unwrap_or_else(|panic| {
        eprintln!("this history failed; play it again with WARDLINE_SIM_SEED={seed}");
        resume_unwind(panic)
    })
}

fn from_environment(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn a_seed_is_one_history() {
    for seed in 1..6 {
        assert_eq!(play_or_name(seed), play_or_name(seed), "seed {seed}");
    }
    assert_ne!(play_or_name(1), play_or_name(2));
}

#[test]
fn no_promise_is_broken_in_any_history() {
    if let Some(seed) = from_environment("WARDLINE_SIM_SEED") {
        play_or_name(seed);
        return;
    }
    let histories = from_environment("WARDLINE_SIM_HISTORIES").unwrap_or(HISTORIES);
    // Other histories every time.
    let first = u64::from(std::process::id()) << 32;
    println!("{histories} histories from WARDLINE_SIM_SEED={first} on");
    let next = AtomicU64::new(first);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + histories {
                        return;
                    }
                    play_or_name(seed);
                }
            });
        }
    });
}
