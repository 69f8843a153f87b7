//! `wardline import`.

use std::{fs, path::Path, sync::Arc};

use wardline_clinical::{ClinicalError, ImportMode, ImportReport};
use wardline_domain::{Clock, Random};

use crate::{Config, Error, House};

/// Takes `file` in and says on standard output what was taken and on standard error what was not.
///
/// # Errors
/// [`Error`], also when the file is refused; then nothing was taken.
pub(crate) async fn file(
    config: &Config,
    file: &Path,
    mode: ImportMode,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<(), Error> {
    let content = fs::read(file).map_err(|source| Error::File { path: file.to_owned(), source })?;
    let house = House::open(config, config.listen, clock, random).await?;
    let imported = house.clinical().import(&content, mode).await;
    if imported.is_ok() && mode != ImportMode::DryRun {
        house.clinical().drain_outbox().await?;
    }
    house.close().await;
    match imported {
        Ok(report) => {
            list(&report);
            let (dry, taken) = match mode {
                ImportMode::DryRun => (true, "would be taken in"),
                ImportMode::Strict | ImportMode::Skip => (false, "taken in"),
            };
            for change in report.changes.iter().filter(|_| dry) {
                let what = if change.new { "new" } else { "changed" };
                println!("{}: {} would be {what}", change.position, change.target);
            }
            let new = report.changes.iter().filter(|change| change.new).count();
            let changed = report.changes.len() - new;
            let wrong = report.problems.len();
            println!("{} {taken} ({new} new, {changed} changed), {wrong} passed over", report.applied);
            Ok(())
        }
        Err(ClinicalError::ImportRefused(report)) => {
            list(&report);
            Err(Error::Check(format!("{}: refused, nothing was taken in", file.display())))
        }
        Err(error) => Err(error.into()),
    }
}

fn list(report: &ImportReport) {
    for notice in &report.notices {
        eprintln!("{}: taken in, but {}", notice.position, notice.problem);
    }
    for problem in &report.problems {
        eprintln!("{}: {}", problem.position, problem.problem);
    }
}
