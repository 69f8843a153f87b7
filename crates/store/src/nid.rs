//! Interned identifiers: small integers that stand for long Matrix identifiers inside the database and in
//! memory. They are never reused and never leave the process.

use crate::value::{FromColumn, Param, ToParam};
use crate::{Row, StoreError};

macro_rules! nid {
    ($(#[$doc:meta] $name:ident),* $(,)?) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl ToParam for $name {
            fn to_param(&self) -> Param<'_> {
                Param::Int(self.0)
            }
        }

        impl FromColumn for $name {
            fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
                i64::from_column(row, index).map(Self)
            }
        }
    )*};
}

nid! {
    /// A user id, local or remote.
    UserNid,
    /// A room id.
    RoomNid,
    /// An event.
    EventNid,
    /// A pair of event type and state key.
    StateKeyNid,
    /// A room's state at one point. Drawn from the same numbers as events.
    SnapshotNid,
}
