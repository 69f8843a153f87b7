//! Parameters and columns: the conversions between Rust and SQL values.

use wardline_domain::Timestamp;
use wardline_domain::ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};

use crate::StoreError;

/// A borrowed SQL value.
#[derive(Clone, Copy, Debug)]
pub enum Param<'a> {
    /// `NULL`.
    Null,
    /// An integer (also booleans and instants).
    Int(i64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

impl rusqlite::ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, ValueRef};
        Ok(ToSqlOutput::Borrowed(match *self {
            Param::Null => ValueRef::Null,
            Param::Int(value) => ValueRef::Integer(value),
            Param::Text(value) => ValueRef::Text(value.as_bytes()),
            Param::Blob(value) => ValueRef::Blob(value),
        }))
    }
}

/// Something that can be handed to a statement, usually through [`params!`](crate::params).
pub trait ToParam {
    /// The value as a borrowed SQL value.
    fn to_param(&self) -> Param<'_>;
}

/// Builds the parameter list of a statement: `params![room, user, "text"]` for `?1`, `?2`, `?3`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::ToParam::to_param(&$value)),*][..] as &[$crate::Param<'_>] };
}

macro_rules! int_param {
    ($($ty:ty),*) => {$(
        impl ToParam for $ty {
            fn to_param(&self) -> Param<'_> {
                Param::Int(i64::from(*self))
            }
        }
    )*};
}
int_param!(i64, i32, u32, u16, u8, bool);

impl ToParam for u64 {
    /// Positions and counters: far below `i64::MAX`; a larger value saturates.
    fn to_param(&self) -> Param<'_> {
        Param::Int(i64::try_from(*self).unwrap_or(i64::MAX))
    }
}

impl ToParam for usize {
    /// Limits and counts: a value beyond `i64::MAX` saturates.
    fn to_param(&self) -> Param<'_> {
        Param::Int(i64::try_from(*self).unwrap_or(i64::MAX))
    }
}

impl ToParam for Timestamp {
    fn to_param(&self) -> Param<'_> {
        Param::Int(self.as_millis())
    }
}

macro_rules! text_param {
    ($($ty:ty),*) => {$(
        impl ToParam for $ty {
            fn to_param(&self) -> Param<'_> {
                Param::Text(AsRef::<str>::as_ref(self))
            }
        }
    )*};
}
text_param!(
    str,
    String,
    std::sync::Arc<str>,
    UserId,
    OwnedUserId,
    RoomId,
    OwnedRoomId,
    EventId,
    OwnedEventId
);

macro_rules! blob_param {
    ($($ty:ty),*) => {$(
        impl ToParam for $ty {
            fn to_param(&self) -> Param<'_> {
                Param::Blob(AsRef::<[u8]>::as_ref(self))
            }
        }
    )*};
}
blob_param!([u8], Vec<u8>, bytes::Bytes);

impl<const N: usize> ToParam for [u8; N] {
    fn to_param(&self) -> Param<'_> {
        Param::Blob(self)
    }
}

impl<T: ToParam + ?Sized> ToParam for &T {
    fn to_param(&self) -> Param<'_> {
        (**self).to_param()
    }
}

impl<T: ToParam> ToParam for Option<T> {
    fn to_param(&self) -> Param<'_> {
        self.as_ref().map_or(Param::Null, ToParam::to_param)
    }
}

/// One row of a result.
#[derive(Debug)]
pub struct Row<'a>(pub(crate) &'a rusqlite::Row<'a>);

impl Row<'_> {
    /// The column at `index` (from 0).
    ///
    /// # Errors
    /// [`StoreError::Malformed`] if the stored value is not a `T`.
    pub fn get<T: FromColumn>(&self, index: usize) -> Result<T, StoreError> {
        T::from_column(self, index)
    }

    fn value(&self, index: usize) -> Result<rusqlite::types::ValueRef<'_>, StoreError> {
        self.0.get_ref(index).map_err(StoreError::from)
    }

    fn malformed(&self, index: usize, expected: &str) -> StoreError {
        let name = self.0.as_ref().column_name(index).unwrap_or("?");
        StoreError::Malformed(format!("column {name} is not {expected}"))
    }

    /// The bytes of a blob column without a copy.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] if the column is not a blob.
    pub fn blob(&self, index: usize) -> Result<&[u8], StoreError> {
        self.value(index)?.as_blob().map_err(|_| self.malformed(index, "a blob"))
    }

    /// The text of a text column without a copy.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] if the column is not text.
    pub fn text(&self, index: usize) -> Result<&str, StoreError> {
        self.value(index)?.as_str().map_err(|_| self.malformed(index, "text"))
    }
}

/// A type that a column can be read as.
pub trait FromColumn: Sized {
    /// Reads column `index` of `row`.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] if the stored value has another shape.
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError>;
}

impl FromColumn for i64 {
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
        row.value(index)?.as_i64().map_err(|_| row.malformed(index, "an integer"))
    }
}

macro_rules! int_column {
    ($($ty:ty),*) => {$(
        impl FromColumn for $ty {
            fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
                i64::from_column(row, index)?.try_into().map_err(|_| row.malformed(index, stringify!($ty)))
            }
        }
    )*};
}
int_column!(u64, u32, i32, u16, u8, usize);

impl FromColumn for bool {
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
        Ok(i64::from_column(row, index)? != 0)
    }
}

impl FromColumn for Timestamp {
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
        i64::from_column(row, index).map(Timestamp)
    }
}

impl FromColumn for String {
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
        row.text(index).map(str::to_owned)
    }
}

impl FromColumn for Vec<u8> {
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
        row.blob(index).map(<[u8]>::to_vec)
    }
}

impl FromColumn for bytes::Bytes {
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
        row.blob(index).map(bytes::Bytes::copy_from_slice)
    }
}

impl<const N: usize> FromColumn for [u8; N] {
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
        row.blob(index)?.try_into().map_err(|_| row.malformed(index, "a blob of the right length"))
    }
}

macro_rules! id_column {
    ($($ty:ty),*) => {$(
        impl FromColumn for $ty {
            fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
                row.text(index)?.try_into().map_err(|_| row.malformed(index, stringify!($ty)))
            }
        }
    )*};
}
id_column!(OwnedUserId, OwnedRoomId, OwnedEventId);

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
        match row.value(index)? {
            rusqlite::types::ValueRef::Null => Ok(None),
            _ => T::from_column(row, index).map(Some),
        }
    }
}
