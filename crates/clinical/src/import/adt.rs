//! A file of HL7 v2 ADT messages.

use wardline_audit::{Action, Entry};
use wardline_domain::care::hl7::{self, Message, adt::AdtEvent};

use super::{ImportMode, ImportReport, conclude};
use crate::{Clinical, ClinicalError, patients::Admissions};

/// Messages per transaction when problems are passed over: enough to share a sync, few enough to let others in.
const BATCH: usize = 64;

impl Clinical {
    /// Imports a file of ADT messages, in order.
    ///
    /// # Errors
    /// [`ClinicalError::ImportRefused`] for a strict import with problems, or a failure of the store.
    pub async fn import_adt(&self, file: &[u8], mode: ImportMode) -> Result<ImportReport, ClinicalError> {
        let messages = hl7::split_file(file);
        if messages.is_empty() {
            return Err(ClinicalError::invalid("file", "holds no HL7 message"));
        }
        let parsed: Vec<(String, Result<AdtEvent, String>)> = messages
            .into_iter()
            .map(|m| {
                let event = Message::parse(m.bytes).and_then(|message| AdtEvent::read(&message));
                (format!("message {} (line {})", m.ordinal, m.line), event.map_err(|e| e.to_string()))
            })
            .collect();
        // A dry run is one transaction, so that later messages find what earlier ones would do.
        let size = if mode == ImportMode::Skip { BATCH } else { parsed.len() };
        let mut total = ImportReport::default();
        for batch in parsed.chunks(size.max(1)) {
            let report = match self.apply_messages(batch.to_vec(), mode).await {
                Err(ClinicalError::DryRun(report)) => report,
                done => done?,
            };
            total.applied += report.applied;
            total.problems.extend(report.problems);
            total.notices.extend(report.notices);
        }
        self.wake();
        Ok(total)
    }

    async fn apply_messages(
        &self,
        batch: Vec<(String, Result<AdtEvent, String>)>,
        mode: ImportMode,
    ) -> Result<ImportReport, ClinicalError> {
        let (cipher, random, at) =
            (self.parts.cipher.clone(), self.parts.random.clone(), self.parts.clock.now());
        self.parts
            .store
            .write_with(move |tx| {
                let admissions = Admissions { cipher: &cipher, random: random.as_ref(), at };
                let mut report = ImportReport::default();
                for (position, event) in batch {
                    match event.map(|event| admissions.apply(tx, &event)) {
                        Ok(Ok(notice)) => {
                            report.applied += 1;
                            notice.into_iter().for_each(|notice| report.notice(position.as_str(), notice));
                        }
                        Ok(Err(error @ ClinicalError::Invalid { .. })) => report.problem(position, error),
                        Ok(Err(error)) => return Err(error),
                        Err(problem) => report.problem(position, problem),
                    }
                }
                conclude(
                    tx,
                    report,
                    mode,
                    Entry::new(at, "system:import", Action::Import).with("kind", "adt"),
                )
            })
            .await
    }
}
