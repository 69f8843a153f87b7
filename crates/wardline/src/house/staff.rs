//! The directory of staff, for identity: what first sign-ins and provisioning write.

use wardline_audit::{Action, Entry};
use wardline_domain::Timestamp;
use wardline_identity::{StaffDirectory, StaffEntry};
use wardline_store::{
    StoreError, WriteTx,
    clinical::{
        directory::{self, Practitioner},
        identifiers,
        teams::{self, Member, Team},
    },
};

/// Practitioners and care teams of the store.
#[derive(Debug)]
pub(super) struct StaffBook;

fn audit(tx: &mut WriteTx<'_>, at: Timestamp, by: &str, target: String) -> Result<(), StoreError> {
    wardline_audit::append(tx, &Entry::new(at, by, Action::DirectoryWritten).target(target))
}

impl StaffDirectory for StaffBook {
    fn find(&self, tx: &WriteTx<'_>, system: &str, value: &str) -> Result<Option<String>, StoreError> {
        identifiers::find(tx, system, value)
    }

    fn put(
        &self,
        tx: &mut WriteTx<'_>,
        at: Timestamp,
        by: &str,
        id: &str,
        entry: &StaffEntry,
    ) -> Result<(), StoreError> {
        let known = directory::practitioner(tx, id)?;
        // What another source knows and this one does not say stays.
        let or_known = |new: &str, old: fn(&Practitioner) -> &String| match &known {
            Some(known) if new.is_empty() => old(known).clone(),
            _ => new.to_owned(),
        };
        let first = if by.starts_with("system:scim:") { "scim" } else { "sign-in" };
        let person = Practitioner {
            source: known.as_ref().map_or_else(|| Some(first.to_owned()), |known| known.source.clone()),
            id: id.to_owned(),
            family: or_known(&entry.family, |known| &known.family),
            given: or_known(&entry.given, |known| &known.given),
            title: or_known(&entry.title, |known| &known.title),
            job: or_known(&entry.job, |known| &known.job),
        };
        if known.as_ref() != Some(&person) {
            directory::put_practitioner(tx, &person)?;
            audit(tx, at, by, format!("Practitioner/{id}"))?;
        }
        for (system, value) in &entry.identifiers {
            if identifiers::find(tx, system, value)?.as_deref() != Some(id) {
                identifiers::put(tx, system, value, id)?;
                audit(tx, at, by, format!("Practitioner/{id}"))?;
            }
        }
        Ok(())
    }

    fn put_team(
        &self,
        tx: &mut WriteTx<'_>,
        at: Timestamp,
        by: &str,
        (id, name): (&str, &str),
        members: &[String],
    ) -> Result<(), StoreError> {
        let members = members.iter().cloned().map(Member::Person).collect();
        let source = Some("scim".to_owned());
        let team = Team { id: id.to_owned(), name: name.to_owned(), source, members };
        teams::put(tx, &team)?;
        audit(tx, at, by, format!("CareTeam/{id}"))
    }

    fn remove_team(&self, tx: &mut WriteTx<'_>, at: Timestamp, by: &str, id: &str) -> Result<(), StoreError> {
        teams::remove(tx, id)?;
        audit(tx, at, by, format!("CareTeam/{id}"))
    }
}
