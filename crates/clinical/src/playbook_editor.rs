//! Playbooks as they are listed, read, saved and withdrawn by hand. Every version is kept; a request keeps the plan that it
//! was raised with.

use wardline_audit::{Action, Entry};
use wardline_domain::care::playbook::{Playbook, PlaybookError};
use wardline_store::clinical::playbooks;

use crate::{
    Clinical, ClinicalError,
    editors::{Editing, Editor, check_editor},
};

pub use wardline_store::clinical::playbooks::Version as PlaybookVersion;

impl Clinical {
    /// The present version of every playbook that is in use, by id.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn playbooks(&self) -> Result<Vec<PlaybookVersion>, ClinicalError> {
        self.parts.store.read(|tx| Ok(playbooks::present(tx)?)).await
    }

    /// Every version of a playbook, latest first; a withdrawal is one without text.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], or a failure of the store.
    pub async fn playbook_versions(&self, id: &str) -> Result<Vec<PlaybookVersion>, ClinicalError> {
        let id = id.to_owned();
        let found =
            self.parts.store.read(move |tx| Ok::<_, ClinicalError>(playbooks::versions(tx, &id)?)).await?;
        if found.is_empty() { Err(ClinicalError::NotFound("playbook")) } else { Ok(found) }
    }

    /// Saves a playbook as its next version. `expected` is the version that the editor began with (nought: there was none);
    /// the same text again changes nothing.
    ///
    /// # Errors
    /// [`ClinicalError::Forbidden`]; [`ClinicalError::Invalid`] if the text is no playbook with this id, names somebody
    /// whom the directory does not have, or a team without members; [`ClinicalError::OtherVersion`].
    pub async fn save_playbook(
        &self,
        editor: &Editor,
        id: &str,
        source: &str,
        expected: u64,
    ) -> Result<PlaybookVersion, ClinicalError> {
        let playbook = Playbook::parse(source).map_err(invalid)?;
        if playbook.id != id {
            return Err(ClinicalError::invalid("playbook.id", "must be the id of the address"));
        }
        let (parts, editor, source) = (self.parts.clone(), editor.clone(), source.to_owned());
        let at = self.parts.clock.now();
        let saved = self
            .parts
            .store
            .write_with(move |tx| {
                check_editor(tx, &parts, &editor, Editing::Playbooks, at)?;
                let known = playbooks::last(tx, &playbook.id)?;
                let now = known.as_ref().map_or(0, |known| known.version);
                if let Some(known) = known.filter(|known| known.source.as_ref() == Some(&source)) {
                    return Ok(known);
                }
                if now != expected {
                    return Err(ClinicalError::OtherVersion);
                }
                crate::playbooks::check_names(tx, &playbook)?;
                let author = editor.caller.user.to_string();
                let version = playbooks::put(tx, &playbook.id, &source, at, &author)?;
                wardline_audit::append(tx, &entry(&editor, &playbook.id, version, at))?;
                let id = playbook.id;
                Ok(PlaybookVersion { playbook: id, version, source: Some(source), at, author })
            })
            .await?;
        self.rota_changed();
        Ok(saved)
    }

    /// Withdraws a playbook: it is chosen no more.
    ///
    /// # Errors
    /// [`ClinicalError::Forbidden`], [`ClinicalError::NotFound`], [`ClinicalError::OtherVersion`].
    pub async fn withdraw_playbook(
        &self,
        editor: &Editor,
        id: &str,
        expected: u64,
    ) -> Result<(), ClinicalError> {
        let (parts, editor, id) = (self.parts.clone(), editor.clone(), id.to_owned());
        let at = self.parts.clock.now();
        self.parts
            .store
            .write_with(move |tx| {
                check_editor(tx, &parts, &editor, Editing::Playbooks, at)?;
                let known = playbooks::last(tx, &id)?.filter(|known| known.source.is_some());
                let known = known.ok_or(ClinicalError::NotFound("playbook"))?;
                if known.version != expected {
                    return Err(ClinicalError::OtherVersion);
                }
                let version = playbooks::withdraw(tx, &id, at, editor.caller.user.as_str())?;
                Ok::<_, ClinicalError>(wardline_audit::append(
                    tx,
                    &entry(&editor, &id, version, at).with("withdrawn", "true"),
                )?)
            })
            .await?;
        self.rota_changed();
        Ok(())
    }
}

fn entry(editor: &Editor, id: &str, version: u64, at: wardline_domain::Timestamp) -> Entry {
    let entry = Entry::new(at, editor.caller.user.as_str(), Action::PlaybookWritten)
        .target(format!("playbook/{id}"))
        .with("version", version.to_string());
    match &editor.caller.device {
        Some(device) => entry.device(device),
        None => entry,
    }
}

/// The error with the path of the element, as `playbook.steps[1].wait`.
pub(crate) fn invalid(error: PlaybookError) -> ClinicalError {
    match error {
        PlaybookError::Syntax(problem) => ClinicalError::invalid("playbook", problem),
        PlaybookError::Head { field, problem } => {
            ClinicalError::invalid(format!("playbook.{field}"), problem)
        }
        PlaybookError::Step { step, field, problem } => {
            ClinicalError::invalid(format!("playbook.steps[{}].{field}", step.saturating_sub(1)), problem)
        }
    }
}
