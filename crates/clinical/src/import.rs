//! Import of files: a FHIR bundle (directory, rotas, patients), a table (CSV), a rota in iCalendar, an HL7 v2 ADT file, a
//! playbook.
//!
//! A strict import changes nothing unless everything is right. Otherwise what is wrong is passed over and reported with
//! its position, and the rest is imported. A dry run reports the same and changes nothing. To import a file again changes
//! nothing either.

mod adt;
mod bundle;
mod calendar;
mod entries;
mod person;
mod shift;
mod table;
mod team;
mod writer;

use wardline_audit::{Action, Entry};
use wardline_domain::care::playbook::Playbook;
use wardline_store::{WriteTx, clinical::playbooks};

use crate::{Clinical, ClinicalError};

/// What to do about what is wrong in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportMode {
    /// Refuse the whole file.
    Strict,
    /// Pass over and report.
    Skip,
    /// Change nothing, and report what [`ImportMode::Skip`] would do.
    DryRun,
}

/// Something in the directory that an import makes or changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportChange {
    /// Where in the file.
    pub position: String,
    /// What, such as `Practitioner/priya.raman`.
    pub target: String,
    /// Whether it is new.
    pub new: bool,
}

/// One thing that is wrong. It never repeats the content of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportProblem {
    /// Where, such as `message 3 (line 9)` or `entry[4] PractitionerRole`.
    pub position: String,
    /// What, with the field.
    pub problem: String,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Messages or entries that were imported, whether or not they changed anything.
    pub applied: usize,
    /// What of the directory was made or changed.
    pub changes: Vec<ImportChange>,
    /// What was passed over.
    pub problems: Vec<ImportProblem>,
    /// What was imported and somebody must still look to.
    pub notices: Vec<ImportProblem>,
}

impl ImportReport {
    fn notice(&mut self, position: impl Into<String>, notice: impl ToString) {
        self.notices.push(ImportProblem { position: position.into(), problem: notice.to_string() });
    }

    fn problem(&mut self, position: impl Into<String>, problem: impl ToString) {
        self.problems.push(ImportProblem { position: position.into(), problem: problem.to_string() });
    }
}

impl Clinical {
    /// Imports a file of any of the kinds, told apart by its beginning.
    ///
    /// # Errors
    /// [`ClinicalError::ImportRefused`] for a strict import with problems, [`ClinicalError::Invalid`] for a file
    /// that is of none of the kinds, or a failure of the store.
    pub async fn import(&self, file: &[u8], mode: ImportMode) -> Result<ImportReport, ClinicalError> {
        let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
        match self.import_any(file, mode).await {
            Err(ClinicalError::DryRun(report)) => Ok(report),
            done => done,
        }
    }

    async fn import_any(&self, file: &[u8], mode: ImportMode) -> Result<ImportReport, ClinicalError> {
        match file.trim_ascii_start() {
            [b'{', ..] => self.import_bundle(file, mode).await,
            [0x0b, ..] | [b'M', b'S', b'H', ..] | [b'F' | b'B', b'H', b'S', ..] => {
                self.import_adt(file, mode).await
            }
            _ => {
                let text = std::str::from_utf8(file).map_err(|_| {
                    let problem = "is no FHIR bundle, table, iCalendar, HL7 v2 or playbook (in UTF-8)";
                    ClinicalError::invalid("file", problem)
                })?;
                let beginning = text.trim_start().get(..15).unwrap_or_default();
                if beginning.eq_ignore_ascii_case("BEGIN:VCALENDAR") {
                    return self.import_calendar(text, mode).await;
                }
                if table::is_table(text) {
                    return self.import_table(text, mode).await;
                }
                if mode == ImportMode::DryRun {
                    let playbook = Playbook::parse(text);
                    let playbook = playbook.map_err(|e| ClinicalError::invalid("playbook", e.to_string()))?;
                    self.parts.store.read(move |tx| crate::playbooks::check_names(tx, &playbook)).await?;
                    return Ok(ImportReport { applied: 1, ..ImportReport::default() });
                }
                self.import_playbook(text).await
            }
        }
    }

    /// Imports one playbook.
    ///
    /// # Errors
    /// [`ClinicalError::Invalid`] names the step and field that are wrong, or whom the directory does not have.
    pub async fn import_playbook(&self, text: &str) -> Result<ImportReport, ClinicalError> {
        let playbook =
            Playbook::parse(text).map_err(|e| ClinicalError::invalid("playbook", e.to_string()))?;
        let (at, text) = (self.parts.clock.now(), text.to_owned());
        self.parts
            .store
            .write_with(move |tx| {
                crate::playbooks::check_names(tx, &playbook)?;
                playbooks::put(tx, &playbook.id, &text, at, "system:import")?;
                let entry = Entry::new(at, "system:import", Action::DirectoryWritten);
                let entry = entry.target(format!("playbook/{}", playbook.id));
                Ok::<_, ClinicalError>(wardline_audit::append(tx, &entry)?)
            })
            .await?;
        self.rota_changed();
        Ok(ImportReport { applied: 1, ..ImportReport::default() })
    }
}

/// Ends a transaction of an import: in strict mode problems undo it, a dry run always is. An import is audited with its numbers.
fn conclude(
    tx: &mut WriteTx<'_>,
    report: ImportReport,
    mode: ImportMode,
    entry: Entry,
) -> Result<ImportReport, ClinicalError> {
    if mode == ImportMode::Strict && !report.problems.is_empty() {
        return Err(ClinicalError::ImportRefused(report));
    }
    if mode == ImportMode::DryRun {
        return Err(ClinicalError::DryRun(report));
    }
    let entry =
        entry.with("applied", report.applied.to_string()).with("problems", report.problems.len().to_string());
    wardline_audit::append(tx, &entry)?;
    Ok(report)
}
