//! Schema, group committer, readers. The only crate that knows SQL.
//!
//! # Layout
//! - [`Store`] opens the database and owns one writer thread and a pool of reading connections.
//! - `commit`: the group committer. It takes whatever closures wait, runs them in one transaction (each in
//!   its own savepoint), syncs once, publishes the stream rows in order, then answers everyone.
//! - `disk`: the seam between the committer and the disk, where tests and simulations let it fail.
//! - `tx`: [`WriteTx`], [`ReadTx`] and the [`Reader`] trait: the three verbs `execute`, `query_row`, `query`.
//! - `value`: [`Param`], [`Row`] and the conversions; nothing of SQLite shows through them.
//! - `stream`: the one ordered stream of everything that is persisted.
//! - `nid`, `users`: interned identifiers.
//! - one file per aggregate (`rooms`, `accounts`, …): plain functions over a transaction, with their SQL.
//! - `schema/*.sql`: the tables, each column explained; `migrate` applies them in order, once.
//!
//! # Invariants
//! - A write is answered only after the batch that holds it is durable (`synchronous=FULL` unless
//!   [`Durability::Normal`] was asked for).
//! - Positions are consecutive: a closure that fails gives its positions back. Commit order is position order.
//! - Subscribers see rows in position order, after they are durable and before the writer's caller is
//!   answered, so that whoever was answered can read its own write through them.
//! - A failed sync is fatal for the writer: it never retries on pages of unknown state. [`Store::failed`]
//!   tells the process to stop; a restart recovers from the log. A full disk is not fatal: the batch is rolled
//!   back, each caller is told [`StoreError::DiskFull`], and reading goes on.
//! - SQL is the portable subset of SQLite and PostgreSQL with numbered parameters (`?1`), so that PostgreSQL
//!   becomes a second backend behind the same functions.

pub mod account_data;
pub mod account_holds;
pub mod accounts;
pub mod administration;
pub mod alerts;
pub mod aliases;
pub mod app_services;
pub mod audit_log;
pub mod blobs;
pub mod clinical;
mod commit;
pub mod copy;
pub mod cross_signing;
mod db;
pub mod dehydrated_devices;
pub mod delayed_events;
pub mod device_keys;
pub mod device_lists;
mod disk;
pub mod epochs;
pub mod erasures;
mod error;
pub mod events;
pub mod factors;
pub mod filters;
pub mod guests;
pub mod history;
pub mod invitations;
pub mod key_backup;
pub mod media;
pub mod members;
mod migrate;
mod nid;
pub mod oauth;
pub mod one_time_keys;
pub mod openid;
pub mod published;
pub mod purge;
pub mod push_rules;
pub mod pushers;
pub mod receipts;
pub mod registration_tokens;
pub mod reports;
pub mod restoration;
pub mod retention;
pub mod rooms;
pub mod scim;
pub mod sessions;
pub mod state;
pub mod stream;
pub mod sync;
pub mod thread_subscriptions;
pub mod to_device;
mod tx;
pub mod txn_ids;
pub mod unread;
pub mod upgrades;
pub mod upstream;
pub mod users;
mod value;

pub use db::{Durability, Stepper, Store, StoreConfig};
pub use disk::{Disk, DiskWork, RealDisk};
pub use error::StoreError;
pub use nid::{EventNid, RoomNid, SnapshotNid, StateKeyNid, UserNid};
pub use stream::{Kind, Pos, StreamRow, StreamSink};
pub use tx::{ReadTx, Reader, WriteTx};
pub use value::{FromColumn, Param, Row, ToParam};
