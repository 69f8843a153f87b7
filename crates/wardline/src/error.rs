//! Why a command failed.

use std::{io, net::SocketAddr, path::PathBuf};

use wardline_clinical::ClinicalError;
use wardline_gateway::keys;
use wardline_identity::IdentityError;
use wardline_store::StoreError;

use crate::ConfigError;

/// Why a command failed. The text is for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The runtime could not be started or stopped working.
    #[error("{0}")]
    Runtime(#[from] io::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file or folder cannot be used.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process serves this data folder.
    #[error("{}: in use by a running server; stop it first", .0.display())]
    InUse(PathBuf),
    /// The database.
    #[error("database: {0}")]
    Store(#[from] StoreError),
    /// Accounts.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Directory, patients and requests.
    #[error(transparent)]
    Clinical(#[from] ClinicalError),
    /// The key service.
    #[error("key service: {0}")]
    Keys(#[from] keys::OpenError),
    /// Something that was checked is not as it must be; the text says what.
    #[error("{0}")]
    Check(String),
}

impl Error {
    /// The exit code of a process that ends for this reason: 74 (`EX_IOERR` of `sysexits.h`) when the disk under the
    /// database failed, so that a supervisor knows that a restart is what is needed, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Store(StoreError::NotDurable) => 74,
            _ => 1,
        }
    }
}
