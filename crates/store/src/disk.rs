//! The seam between the committer and the disk: where a simulation lets the disk fail.

use crate::StoreError;

/// Work of the database that the disk may let fail.
pub type DiskWork<'a> = &'a mut dyn FnMut() -> Result<(), StoreError>;

/// The disk as the committer sees it. Each method does the work that it is given; a simulated disk may refuse it, or
/// do it and say that it failed, as real disks do.
pub trait Disk: Send {
    /// Begins the transaction of a batch.
    ///
    /// # Errors
    /// What the work returns.
    fn begin(&mut self, work: DiskWork<'_>) -> Result<(), StoreError> {
        work()
    }

    /// Commits the transaction and syncs it: after this the batch survives a power cut.
    ///
    /// # Errors
    /// What the work returns. After any error but [`StoreError::DiskFull`] nobody knows what is on the disk.
    fn commit(&mut self, work: DiskWork<'_>) -> Result<(), StoreError> {
        work()
    }

    /// Moves what is committed from the log into the database file and syncs it.
    ///
    /// # Errors
    /// What the work returns.
    fn checkpoint(&mut self, work: DiskWork<'_>) -> Result<(), StoreError> {
        work()
    }
}

/// The disk of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {}
