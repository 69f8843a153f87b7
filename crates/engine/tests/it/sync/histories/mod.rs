//! Random histories: whatever clients of `/sync` and of sliding sync were told, in whatever steps, and whichever
//! answers they lost, they must end up with what a plain reading of the store says is there.
//!
//! 2,000 histories by default; `WARDLINE_HISTORIES` sets another number.

mod operations;
mod truth;
mod world;

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::test_runner::{Config, TestCaseError, TestRunner};

use self::operations::History;
use self::world::World;
use crate::home::Home;

/// Parts that run beside one another.
const PARTS: u32 = 4;
/// Histories if nobody asks for another number.
const USUAL: u32 = 2000;
/// Histories in one server: later ones must not suffer from what earlier ones left behind.
const PER_SERVER: usize = 100;

fn run_part() {
    let asked = std::env::var("WARDLINE_HISTORIES").ok().and_then(|number| number.parse().ok());
    let cases = asked.unwrap_or(USUAL).div_ceil(PARTS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let home = std::cell::RefCell::new(Home::new());
    let count = AtomicUsize::new(0);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
    let ran = TestRunner::new(config).run(&operations::history(), |history| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        if number % PER_SERVER == PER_SERVER - 1 {
            drop(home.replace(Home::new()));
        }
        runtime.block_on(live(&home.borrow(), number, history))
    });
    if let Err(error) = ran {
        panic!("{error}");
    }
}

async fn live(home: &Home, number: usize, history: History) -> Result<(), TestCaseError> {
    let mut world = World::new(home, number, &history).await;
    for (step, operation) in history.operations.into_iter().enumerate() {
        world.run(operation, step).await;
    }
    world.check().await
}

#[test]
fn every_client_ends_up_with_what_is_there_1() {
    run_part();
}

#[test]
fn every_client_ends_up_with_what_is_there_2() {
    run_part();
}

#[test]
fn every_client_ends_up_with_what_is_there_3() {
    run_part();
}

#[test]
fn every_client_ends_up_with_what_is_there_4() {
    run_part();
}
