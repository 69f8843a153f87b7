//! A room upgrade is two commits: killed after any of them, the next start finishes it.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use wardline_domain::ruma::OwnedRoomId;
use wardline_store::{rooms, state, upgrades};

use super::dice::{Dice, Hand};
use super::machine::Machine;
use super::people::{Ledger, World};
use super::{Life, beginning};

/// The replacement that an old room's tombstone names.
fn replacement(life: &Life, room: &OwnedRoomId) -> Option<String> {
    let engine = &life.nodes[0];
    let held = life.store.read_now(|tx| {
        let nid = rooms::find(tx, room)?.unwrap();
        let Some(event) = state::current_event(tx, nid, "m.room.tombstone", "")? else { return Ok(None) };
        engine.context.events.get(tx, event).map(Some)
    });
    let content: Value = serde_json::from_str(held.unwrap()?.pdu.content()).unwrap();
    Some(content["replacement_room"].as_str().unwrap().to_owned())
}

/// Lets everything come to rest.
fn rest(life: &mut Life, dice: &Dice, clock: &Hand) {
    let mut steps = 0;
    while life.step(dice, clock) {
        steps += 1;
        assert!(steps < 100_000, "it never comes to rest");
    }
}

#[test]
fn an_upgrade_that_was_killed_is_finished_by_the_next_start() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _inside = runtime.enter();
    let start = beginning();
    let (mut untouched, mut finished) = (0, 0);
    for commits in 0..8 {
        let (dice, clock) = (Arc::new(Dice::new(commits)), Hand::new());
        let world = Arc::new(World {
            dice: Arc::clone(&dice),
            people: start.people.clone(),
            rooms: start.rooms.clone(),
            ledger: Mutex::new(Ledger::default()),
            phones: Vec::new(),
        });
        let mut machine = Machine::new(&start.database);
        let mut life = Life::start(&machine, &world, &clock, 1);
        let (engine, people, room) = (life.nodes[0].clone(), world.people.clone(), world.rooms[1].clone());
        let old = room.clone();
        life.scheduler.spawn(async move {
            drop(engine.rooms.upgrade(people[0].caller(), &old, "12", Vec::new()).await);
        });
        // One commit at a time, and then the end.
        for _ in 0..commits {
            while life.scheduler.poll_one(&dice) {}
            life.stepper.step(1).unwrap();
        }
        while life.scheduler.poll_one(&dice) {}
        machine.crash(false, &dice);
        drop(life);

        let mut life = Life::start(&machine, &world, &clock, 1);
        let begun = life.store.read_now(|tx| upgrades::all(tx)).unwrap().len();
        rest(&mut life, &dice, &clock);
        assert_eq!(life.store.read_now(|tx| upgrades::all(tx)).unwrap(), [], "nothing is left to finish");
        let rooms: Vec<String> = life
            .store
            .read_now(|tx| {
                wardline_store::Reader::query(tx, "SELECT room_id FROM rooms", &[], |row| row.get(0))
            })
            .unwrap();
        match replacement(&life, &room) {
            None => {
                untouched += 1;
                assert_eq!((rooms.len(), begun), (2, 0), "no replacement without a tombstone");
            }
            Some(new) => {
                finished += begun;
                assert!(rooms.len() == 3 && rooms.contains(&new), "the tombstone names the one new room");
            }
        }
        assert_eq!(life.store.read_now(|tx| wardline_store::stream::first_gap(tx)).unwrap(), None);
    }
    assert!(untouched > 0 && finished > 0, "killed before the first commit and between the two");
}
