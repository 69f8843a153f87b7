//! Rooms: everything that changes or reads one.

mod token;
mod visibility;

use std::sync::Arc;

pub use token::Token;
pub use visibility::{Eyes, state_for};

use crate::Context;

/// The rooms of this server.
#[derive(Debug)]
pub struct Rooms {
    context: Arc<Context>,
}

impl Rooms {
    /// Starts the executors.
    #[must_use]
    pub fn start(context: Arc<Context>) -> Self {
        Self { context }
    }
}
