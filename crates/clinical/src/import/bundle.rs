//! A FHIR R4 bundle: the directory, rotas and (rarely) patients.
//!
//! A PractitionerRole with `availableTime` is a pattern: it is expanded into shifts for the coming fourteen days,
//! in the Trust's time zone. Importing the same bundle again writes the same shifts again.

use serde::Deserialize;
use serde_json::Value;
use wardline_audit::{Action, Entry};
use wardline_store::clinical::directory;

use super::{ImportChange, ImportMode, ImportReport, conclude, entries::Resource, writer::Writer};
use crate::{Clinical, ClinicalError};

/// Days of shifts that a pattern is expanded into.
pub(super) const DAYS: u16 = 14;
/// The extension of a HealthcareService that names who is told when it is vacant.
pub(super) const FALLBACK: &str = "https://wardline.org/fhir/StructureDefinition/role-fallback";
#[derive(Deserialize)]
struct Bundle {
    entry: Vec<BundleEntry>,
}

#[derive(Deserialize)]
struct BundleEntry {
    resource: Value,
}

/// The column of a table that is behind an element of the resource that it became.
pub(super) type Columns = fn(&str) -> Option<&'static str>;

/// A resource and where it stands in the file.
pub(super) struct Positioned {
    pub(super) position: String,
    pub(super) resource: Resource,
    /// How its elements are called in the file, if it is none of FHIR.
    pub(super) columns: Option<Columns>,
}

impl Positioned {
    /// A problem in the words of the file.
    fn problem(&self, error: &ClinicalError) -> String {
        match (error, self.columns) {
            (ClinicalError::Invalid { path, problem, .. }, Some(columns)) => {
                format!("column {}: {problem}", columns(path).unwrap_or(path))
            }
            _ => error.to_string(),
        }
    }
}

impl Clinical {
    /// Imports a bundle in one transaction.
    ///
    /// # Errors
    /// [`ClinicalError::Invalid`] if it is not a bundle, [`ClinicalError::ImportRefused`] for a strict import with
    /// problems, or a failure of the store.
    pub async fn import_bundle(&self, file: &[u8], mode: ImportMode) -> Result<ImportReport, ClinicalError> {
        let bundle: Bundle = serde_json::from_slice(file).map_err(|e| {
            let problem = format!("is not a FHIR bundle in JSON (line {}, column {})", e.line(), e.column());
            ClinicalError::invalid("file", problem)
        })?;
        let mut report = ImportReport::default();
        let mut resources = Vec::with_capacity(bundle.entry.len());
        for (index, entry) in bundle.entry.into_iter().enumerate() {
            let kind = entry.resource.get("resourceType").and_then(Value::as_str).unwrap_or("?").to_owned();
            let position = format!("entry[{index}] {kind}");
            match Resource::read(entry.resource) {
                Ok(resource) => resources.push(Positioned { position, resource, columns: None }),
                Err(error) => report.problem(position, reason(&error)),
            }
        }
        self.write_resources(resources, report, mode, "bundle").await
    }

    /// Writes the resources of a file in one transaction; `report` has what was wrong so far.
    pub(super) async fn write_resources(
        &self,
        mut resources: Vec<Positioned>,
        mut report: ImportReport,
        mode: ImportMode,
        kind: &'static str,
    ) -> Result<ImportReport, ClinicalError> {
        resources.sort_by_key(|it| it.resource.rank());
        let (parts, at) = (self.parts.clone(), self.parts.clock.now());
        let report = self
            .parts
            .store
            .write_with(move |tx| {
                let writer = Writer { parts: &parts, at, kind };
                let mut fallbacks = Vec::new();
                for it in resources {
                    let fallback = it.resource.fallback(FALLBACK);
                    let target = it.resource.target();
                    let before = target.as_ref().map(|it| writer.known(tx, it)).transpose()?.flatten();
                    let role_before = fallback.as_ref().map(|_| writer.service_of(tx, target.as_deref()));
                    let role_before = role_before.transpose()?.flatten();
                    match writer.put(tx, &it.resource) {
                        Ok(()) => {
                            report.applied += 1;
                            if let Some(target) = &target {
                                let after = writer.known(tx, target)?;
                                if before != after {
                                    let (position, new) = (it.position.clone(), before.is_none());
                                    let target = target.clone();
                                    report.changes.push(ImportChange { position, target, new });
                                }
                            }
                            fallbacks.extend(fallback.map(|id| (it.position, target, id, role_before)));
                        }
                        Err(error @ ClinicalError::Invalid { .. }) => {
                            let problem = it.problem(&error);
                            report.problem(it.position, problem);
                        }
                        Err(other) => return Err(other),
                    }
                }
                if report.changes.iter().any(|it| it.target.starts_with("PractitionerRole/")) {
                    directory::touch(tx)?;
                }
                // A fallback may stand later in the bundle than the role that names it.
                for (position, target, id, before) in fallbacks {
                    if directory::service(tx, &id)?.is_none() {
                        report.problem(position, "extension(role-fallback): there is no such role");
                        writer.without_fallback(tx, target.as_deref(), before)?;
                    }
                }
                conclude(tx, report, mode, Entry::new(at, "system:import", Action::Import).with("kind", kind))
            })
            .await?;
        self.rota_changed();
        Ok(report)
    }
}

/// The place and kind of a mistake without the offending value, which may be a patient's.
fn reason(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let text = error.inner().to_string();
    let kind = text.split([':', ',']).next().unwrap_or_default();
    let expected = text.rfind("expected").map(|at| &text[at..]).unwrap_or_default();
    let missing = if kind.starts_with("missing field") || kind.starts_with("unknown variant") {
        kind
    } else {
        "invalid value"
    };
    format!("{}: {missing} {expected}", error.path()).trim_end().to_owned()
}
