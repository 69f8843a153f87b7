//! The clinical floor over a real store, with a settable clock and rooms in memory.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod access;
mod adt;
mod bad_input;
mod break_glass;
mod calls;
mod digest;
mod directory;
mod duty;
mod handover;
mod import;
mod interruptions;
mod merge;
mod playbooks;
mod proof;
mod requests;
mod restart;
mod shifts;
mod sign_on;
mod support;
mod vacancy;
