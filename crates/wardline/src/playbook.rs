//! `wardline playbook check`.

use std::{fs, path::Path};

use wardline_domain::care::playbook::Playbook;

use crate::Error;

/// Says whether the playbook in `file` can be used.
///
/// # Errors
/// [`Error::Check`] with the key that is wrong.
pub(crate) fn check(file: &Path) -> Result<(), Error> {
    let text = fs::read_to_string(file).map_err(|source| Error::File { path: file.to_owned(), source })?;
    let playbook =
        Playbook::parse(&text).map_err(|error| Error::Check(format!("{}: {error}", file.display())))?;
    println!("{}: \"{}\", {} steps", file.display(), playbook.title, playbook.steps.len());
    Ok(())
}
