//! Transactions: what a write or read closure may do.

use std::cell::Cell;

use rusqlite::{CachedStatement, Connection};

use crate::stream::{Kind, Pos, StreamRow};
use crate::value::{Param, Row};
use crate::{RoomNid, StoreError, UserNid, params};

/// Reading, inside a read or a write transaction: a consistent snapshot.
pub trait Reader {
    #[doc(hidden)]
    fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>, StoreError>;

    /// Takes note of a failure of a statement.
    #[doc(hidden)]
    fn note(&self, error: rusqlite::Error) -> StoreError {
        error.into()
    }

    /// The first row of a query, or `None`.
    ///
    /// # Errors
    /// Any failure of the database, or what `read` returns.
    fn query_row<T>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(params)).map_err(|e| self.note(e))?;
        rows.next().map_err(|e| self.note(e))?.map(|row| read(&Row(row))).transpose()
    }

    /// All rows of a query.
    ///
    /// # Errors
    /// Any failure of the database, or the first error that `read` returns.
    fn query<T>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        self.for_each(sql, params, |row| {
            all.push(read(row)?);
            Ok(())
        })?;
        Ok(all)
    }

    /// Visits every row of a query without collecting them.
    ///
    /// # Errors
    /// Any failure of the database, or the first error that `visit` returns.
    fn for_each(
        &self,
        sql: &str,
        params: &[Param<'_>],
        mut visit: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(params)).map_err(|e| self.note(e))?;
        while let Some(row) = rows.next().map_err(|e| self.note(e))? {
            visit(&Row(row))?;
        }
        Ok(())
    }
}

/// A read transaction.
#[derive(Debug)]
pub struct ReadTx<'c> {
    pub(crate) connection: &'c Connection,
}

impl Reader for ReadTx<'_> {
    fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>, StoreError> {
        Ok(self.connection.prepare_cached(sql)?)
    }
}

/// A write transaction: one closure's share of a batch.
#[derive(Debug)]
pub struct WriteTx<'c> {
    pub(crate) connection: &'c Connection,
    pub(crate) head: Pos,
    pub(crate) rows: Vec<StreamRow>,
    /// Whether [`account_holds`](crate::account_holds) were changed.
    pub(crate) holds_changed: bool,
    /// Whether a statement failed because the disk is full.
    full_disk: Cell<bool>,
}

impl Reader for WriteTx<'_> {
    fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>, StoreError> {
        Ok(self.connection.prepare_cached(sql)?)
    }

    fn note(&self, error: rusqlite::Error) -> StoreError {
        let error = error.into();
        if matches!(error, StoreError::DiskFull) {
            self.full_disk.set(true);
        }
        error
    }
}

impl<'c> WriteTx<'c> {
    /// A batch after position `head`.
    pub(crate) fn new(connection: &'c Connection, head: Pos) -> Self {
        Self { connection, head, rows: Vec::new(), holds_changed: false, full_disk: Cell::new(false) }
    }

    pub(crate) fn saw_full_disk(&self) -> bool {
        self.full_disk.get()
    }

    /// Runs a statement that returns no rows; the number of rows it changed.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] or any other failure of the database.
    pub fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<usize, StoreError> {
        self.prepare(sql)?.execute(rusqlite::params_from_iter(params)).map_err(|e| self.note(e))
    }

    /// The last position taken so far, by this closure or anyone before it.
    #[must_use]
    pub fn head(&self) -> Pos {
        self.head
    }

    /// Takes the next position for one change and writes it to the stream. It is published to the
    /// subscribers after commit; if the closure fails, the position is given back.
    ///
    /// # Errors
    /// Any failure of the database.
    pub fn record(
        &mut self,
        kind: Kind,
        room: Option<RoomNid>,
        user: Option<UserNid>,
        reference: i64,
    ) -> Result<Pos, StoreError> {
        let pos = self.head + 1;
        self.execute(
            "INSERT INTO stream (pos, kind, room_nid, user_nid, ref) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![pos, kind, room, user, reference],
        )?;
        self.head = pos;
        self.rows.push(StreamRow { pos, kind, room, user, reference });
        Ok(pos)
    }
}
