//! The store's promises, through its public API.

mod commit;
