//! Teams of staff (FHIR CareTeam without a patient).

use super::directory;
use crate::{Reader, StoreError, WriteTx, params};

/// Who is in a team.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    /// A person (id of the Practitioner).
    Person(String),
    /// Whoever holds a role at the moment (id of the HealthcareService).
    Role(String),
}

/// A team of staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// FHIR id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What provisions it, such as `scim`; `None` if it is kept here.
    pub source: Option<String>,
    /// Who is in it, people first, in order of their ids.
    pub members: Vec<Member>,
}

/// Writes a team and its members, over the one with the same id.
///
/// # Errors
/// Any failure of the database.
pub fn put(tx: &mut WriteTx<'_>, team: &Team) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO care_teams (id, name, source) VALUES (?1, ?2, ?3) \
         ON CONFLICT (id) DO UPDATE SET name = ?2, source = ?3",
        params![team.id, team.name, team.source],
    )?;
    tx.execute("DELETE FROM care_team_members WHERE team = ?1", params![team.id])?;
    for member in &team.members {
        let (kind, id) = match member {
            Member::Person(id) => ("person", id),
            Member::Role(id) => ("role", id),
        };
        let sql = "INSERT INTO care_team_members (team, kind, id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        tx.execute(sql, params![team.id, kind, id])?;
    }
    directory::touch(tx)
}

/// Removes a team; nothing to do if there is none.
///
/// # Errors
/// Any failure of the database.
pub fn remove(tx: &mut WriteTx<'_>, id: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM care_team_members WHERE team = ?1", params![id])?;
    tx.execute("DELETE FROM care_teams WHERE id = ?1", params![id])?;
    directory::touch(tx)
}

/// The team with this id.
///
/// # Errors
/// Any failure of the database.
pub fn get(tx: &impl Reader, id: &str) -> Result<Option<Team>, StoreError> {
    let sql = "SELECT id, name, source FROM care_teams WHERE id = ?1";
    let found = tx.query_row(sql, params![id], read)?;
    found.map(|team| with_members(tx, team)).transpose()
}

/// All teams, by name.
///
/// # Errors
/// Any failure of the database.
pub fn all(tx: &impl Reader) -> Result<Vec<Team>, StoreError> {
    let found = tx.query("SELECT id, name, source FROM care_teams ORDER BY name, id", params![], read)?;
    found.into_iter().map(|team| with_members(tx, team)).collect()
}

/// The teams that a person or a role is in, by id.
///
/// # Errors
/// Any failure of the database.
pub fn of_member(tx: &impl Reader, member: &Member) -> Result<Vec<Team>, StoreError> {
    let (kind, id) = match member {
        Member::Person(id) => ("person", id),
        Member::Role(id) => ("role", id),
    };
    let sql = "SELECT c.id, c.name, c.source FROM care_team_members m JOIN care_teams c ON c.id = m.team \
               WHERE m.kind = ?1 AND m.id = ?2 ORDER BY c.id";
    let found = tx.query(sql, params![kind, id], read)?;
    found.into_iter().map(|team| with_members(tx, team)).collect()
}

fn read(row: &crate::Row<'_>) -> Result<Team, StoreError> {
    Ok(Team { id: row.get(0)?, name: row.get(1)?, source: row.get(2)?, members: Vec::new() })
}

fn with_members(tx: &impl Reader, mut team: Team) -> Result<Team, StoreError> {
    let sql = "SELECT kind, id FROM care_team_members WHERE team = ?1 ORDER BY kind, id";
    team.members = tx.query(sql, params![team.id], |row| {
        let id = row.get(1)?;
        Ok(if row.text(0)? == "person" { Member::Person(id) } else { Member::Role(id) })
    })?;
    Ok(team)
}
