//! Who may change the rota, the playbooks and the directory by hand: administrators of the server, and (but for the directory)
//! whoever holds the role for it at the moment.

use wardline_domain::Timestamp;
use wardline_store::{
    Reader,
    clinical::{directory, rota},
};

use crate::{Caller, Clinical, ClinicalError, ClinicalParts, Only};

/// Somebody who wants to change something that others rely on.
#[derive(Clone, Debug)]
pub struct Editor {
    /// Who.
    pub caller: Caller,
    /// Whether they are an administrator of the server, with the rights of one at the moment.
    pub administrator: bool,
}

/// What is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Editing {
    /// Shifts.
    Rota,
    /// Playbooks.
    Playbooks,
    /// Organisations, places, staff, roles and teams.
    Directory,
}

impl Editing {
    /// The kinds of role (`HealthcareService.type`) whose holder may.
    const fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Rota => &["duty-manager"],
            Self::Playbooks => &["duty-manager", "clinical-safety"],
            Self::Directory => &[],
        }
    }
}

/// Whether the editor may change this now.
///
/// # Errors
/// A failure of the store.
pub(crate) fn may_edit(
    tx: &impl Reader,
    parts: &ClinicalParts,
    editor: &Editor,
    what: Editing,
    at: Timestamp,
) -> Result<bool, ClinicalError> {
    if editor.administrator {
        return Ok(true);
    }
    for kind in what.kinds() {
        for role in directory::services_of_kind(tx, kind)? {
            let holder = rota::holder(tx, &parts.cipher, &role.id, at)?;
            if holder.is_some_and(|shift| shift.person == editor.caller.person()) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Refuses who may not change this now.
///
/// # Errors
/// [`ClinicalError::Forbidden`], or a failure of the store.
pub(crate) fn check_editor(
    tx: &impl Reader,
    parts: &ClinicalParts,
    editor: &Editor,
    what: Editing,
    at: Timestamp,
) -> Result<(), ClinicalError> {
    if may_edit(tx, parts, editor, what, at)? {
        return Ok(());
    }
    Err(ClinicalError::Forbidden(match what {
        Editing::Rota => Only::RotaEditors,
        Editing::Playbooks => Only::PlaybookEditors,
        Editing::Directory => Only::DirectoryEditors,
    }))
}

impl Clinical {
    /// Whether the editor may change the rota now, and whether the playbooks.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn may_edit(&self, editor: &Editor) -> Result<(bool, bool), ClinicalError> {
        let (parts, now) = (&self.parts, self.parts.clock.now());
        parts.store.read_now(|tx| {
            let rota = may_edit(tx, parts, editor, Editing::Rota, now)?;
            Ok((rota, may_edit(tx, parts, editor, Editing::Playbooks, now)?))
        })
    }
}
