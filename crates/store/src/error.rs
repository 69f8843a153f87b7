//! What can go wrong in the store.

use std::sync::Arc;

/// An error of the store. It never contains parameter values, so it may be logged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The disk (or quota) is full. Nothing of the write was kept; reading goes on.
    #[error("the disk is full; nothing was written")]
    DiskFull,
    /// The batch could not be made durable. The writer has stopped; the process must restart.
    #[error("the database could not be synced to disk; the writer has stopped")]
    NotDurable,
    /// The store is shutting down and takes no more writes.
    #[error("the store is closed")]
    Closed,
    /// The database was written by an unknown (newer or foreign) version of the schema.
    #[error("the database schema is not one that this version knows: {0}")]
    UnknownSchema(String),
    /// A uniqueness or reference rule of the schema refused the write.
    #[error("a constraint of the schema refused the write: {0}")]
    Constraint(String),
    /// A stored value is not what its column promises.
    #[error("a stored value is malformed: {0}")]
    Malformed(String),
    /// A guarded update found another version than the one expected: somebody else was first.
    #[error("the row was changed by somebody else in the meantime")]
    Conflict,
    /// Another write of the same batch failed after it had begun. Nothing of the batch was kept; try again.
    #[error("the batch was rolled back for the failure of another write")]
    Abandoned,
    /// A write closure panicked; what it did was rolled back.
    #[error("a write failed in an unforeseen way and was rolled back")]
    Panicked,
    /// Any other failure of the database.
    #[error("database: {0}")]
    Database(Arc<str>),
    /// A file beside the database could not be read or written.
    #[error("file: {0}")]
    Io(Arc<str>),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::ConstraintViolation) => Self::Constraint(error.to_string()),
            _ => Self::Database(error.to_string().into()),
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        if matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) {
            Self::DiskFull
        } else {
            Self::Io(error.to_string().into())
        }
    }
}
