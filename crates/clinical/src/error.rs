//! What can go wrong on the clinical floor. `http` turns it into an OperationOutcome.

use wardline_domain::care::request::RequestError;
use wardline_store::StoreError;

use crate::{Conflict, Fault, ImportReport, Only, PortError};

/// An error of the clinical floor. It never carries patient data, so it may be logged.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClinicalError {
    /// There is no such thing.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The caller may not.
    #[error("only {0} may do this")]
    Forbidden(Only),
    /// A value is not acceptable.
    #[error("{path}: {problem}")]
    Invalid {
        /// The field, as the FHIR element's path.
        path: String,
        /// What is wrong with it.
        problem: String,
        /// The same as a code, where clients tell it from other mistakes.
        fault: Option<Fault>,
    },
    /// Several values are not acceptable: the FHIR element's path of each, and what is wrong with it.
    #[error("{}", .0.iter().map(|(path, problem)| format!("{path}: {problem}")).collect::<Vec<_>>().join("; "))]
    Several(Vec<(String, String)>),
    /// It contradicts what is already there.
    #[error("{0}")]
    Conflict(Conflict),
    /// The resource has another version than the caller expects.
    #[error("this was changed meanwhile: read it again")]
    OtherVersion,
    /// The state machine refuses the command.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A strict import found problems and changed nothing.
    #[error("the import was refused: {} problem(s), nothing was changed", .0.problems.len())]
    ImportRefused(ImportReport),
    /// A dry run of an import, which is undone, found this. It never leaves the import.
    #[error("a dry run changes nothing")]
    DryRun(ImportReport),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rooms failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl ClinicalError {
    pub(crate) fn invalid(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { path: path.into(), problem: problem.into(), fault: None }
    }

    /// The value at `path` has a fault that clients tell from other mistakes.
    pub fn fault(path: impl Into<String>, fault: impl Into<Fault>) -> Self {
        let fault = fault.into();
        Self::Invalid { path: path.into(), problem: fault.to_string(), fault: Some(fault) }
    }
}
