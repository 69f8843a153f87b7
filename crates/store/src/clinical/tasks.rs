//! Requests (FHIR Task) and their transitions; both sealed, found by patient and by the people concerned.

use serde::{Deserialize, Serialize};
use wardline_domain::{
    care::{
        playbook::Ask,
        request::{Request, Transition},
    },
    ruma::OwnedRoomId,
};

use super::{ColumnCipher, Conditions, from_json, rota::PERSON, to_json};
use crate::{Kind, Reader, Row, StoreError, WriteTx, params};

const SEALED: &str = "tasks.record";
const SEALED_VERSION: &str = "task_versions.record";
const SEALED_TRANSITION: &str = "task_transitions.record";

/// A request as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// FHIR id, chosen by the client.
    pub id: String,
    /// Reference of the patient; `None` if it is not about one.
    pub patient: Option<String>,
    /// Where it is announced: the patient's conversation, or that of a role for a request of the server itself.
    pub room: OwnedRoomId,
    /// To whom it is addressed.
    pub addressed: Ask,
    /// Id of its playbook.
    pub playbook: Option<String>,
    /// Id of the encrypted event that carries its words.
    pub event: Option<String>,
    /// The room of that event, if it is another one than `room`: that of a record that was merged.
    #[serde(default)]
    pub event_room: Option<OwnedRoomId>,
    /// What it is about, of a request that the server raised itself; never about what a person said.
    #[serde(default)]
    pub description: Option<String>,
    /// System and value by which another system knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<(String, String)>,
    /// The crash call of which it is part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallPart>,
    /// Where it stands.
    pub request: Request,
}

/// What a request of a crash call says of the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallPart {
    /// Id of the call.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Where to come to.
    pub place: String,
    /// Whether it is an exercise.
    pub drill: bool,
}

impl Task {
    /// Whether it is announced in a room of the server's own, into which whoever is asked is brought at once: that of a
    /// role, or of a crash call.
    #[must_use]
    pub const fn in_own_room(&self) -> bool {
        self.description.is_some() || (self.call.is_some() && self.patient.is_none())
    }
}

/// What to look for; empty fields do not restrict.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// The patient.
    pub patient: Option<&'a str>,
    /// Who raised it.
    pub requester: Option<&'a str>,
    /// Who is asked now or has accepted.
    pub owner: Option<&'a str>,
    /// Who has anything to do with it: raised it, was asked or accepted.
    pub person: Option<&'a str>,
    /// Only those that are not completed or cancelled.
    pub open: bool,
}

/// Writes a task with its new transitions and takes one position of the stream.
///
/// # Errors
/// Any failure of the database.
pub fn put(
    tx: &mut WriteTx<'_>,
    cipher: &ColumnCipher,
    task: &Task,
    transitions: &[Transition],
) -> Result<(), StoreError> {
    let request = &task.request;
    let sealed = cipher.seal(SEALED, &task.id, &to_json(task)?)?;
    let nid: i64 = tx
        .query_row(
            "INSERT INTO tasks (id, patient, state, version, changed_at, record, open) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET \
             state = ?3, version = ?4, changed_at = ?5, record = ?6, open = ?7 RETURNING nid",
            params![
                task.id,
                task.patient,
                request.state.code(),
                request.version,
                request.changed_at,
                sealed,
                !request.state.is_final()
            ],
            |row| row.get(0),
        )?
        .ok_or_else(|| StoreError::Malformed("an insert returned no row".into()))?;
    let first = request.version.saturating_sub(transitions.len() as u64);
    for (ord, transition) in (first + 1..).zip(transitions) {
        let sealed = cipher.seal(SEALED_TRANSITION, &format!("{}/{ord}", task.id), &to_json(transition)?)?;
        tx.execute(
            "INSERT INTO task_transitions (task, ord, at, state, record) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![nid, ord, transition.at, transition.state.code(), sealed],
        )?;
    }
    let version =
        cipher.seal(SEALED_VERSION, &format!("{}/{}", task.id, request.version), &to_json(task)?)?;
    tx.execute(
        "INSERT INTO task_versions (task, version, record) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![nid, request.version, version],
    )?;
    if let Some(identifier) = &task.identifier {
        tx.execute(
            "INSERT INTO task_identifiers (identifier_index, task) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![identifier_index(cipher, identifier), nid],
        )?;
    }
    tx.execute("DELETE FROM task_people WHERE task = ?1 AND part = 'owner'", params![nid])?;
    let people = std::iter::once((&request.requester, "requester"))
        .chain(request.holders.iter().map(|p| (p, "owner")))
        .chain(request.asked.keys().map(|p| (p, "asked")));
    for (person, part) in people {
        tx.execute(
            "INSERT INTO task_people (person_index, part, task) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![cipher.index(PERSON, person), part, nid],
        )?;
    }
    set_roles(tx, nid, request)?;
    tx.record(Kind::Request, None, None, nid)?;
    Ok(())
}

/// Keeps the roles that an open request has asked; one that is over follows nobody.
fn set_roles(tx: &mut WriteTx<'_>, nid: i64, request: &Request) -> Result<(), StoreError> {
    if request.state.is_final() {
        tx.execute("DELETE FROM task_roles WHERE task = ?1", params![nid])?;
        return Ok(());
    }
    for step in request.plan.iter().take(request.step + 1) {
        for ask in &step.asks {
            if let Ask::Role(service) = ask {
                tx.execute(
                    "INSERT INTO task_roles (service, task) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                    params![service, nid],
                )?;
            }
        }
    }
    Ok(())
}

/// The open requests that have asked a role, oldest first.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn open_of_role(tx: &impl Reader, cipher: &ColumnCipher, service: &str) -> Result<Vec<Task>, StoreError> {
    let sql = "SELECT t.id, t.record FROM task_roles r JOIN tasks t ON t.nid = r.task \
               WHERE r.service = ?1 ORDER BY t.nid";
    tx.query(sql, params![service], |row| read(row, cipher))
}

/// The open requests about a patient, oldest first.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn open_about(tx: &impl Reader, cipher: &ColumnCipher, patient: &str) -> Result<Vec<Task>, StoreError> {
    let sql = "SELECT id, record FROM tasks WHERE patient = ?1 AND open = 1 ORDER BY nid";
    tx.query(sql, params![patient], |row| read(row, cipher))
}

/// All requests about a patient, oldest first.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn of_patient(tx: &impl Reader, cipher: &ColumnCipher, patient: &str) -> Result<Vec<Task>, StoreError> {
    let sql = "SELECT id, record FROM tasks WHERE patient = ?1 ORDER BY nid";
    tx.query(sql, params![patient], |row| read(row, cipher))
}

/// The number of open requests about a patient.
///
/// # Errors
/// Any failure of the database.
pub fn open_of_patient(tx: &impl Reader, patient: &str) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM tasks WHERE patient = ?1 AND open = 1";
    Ok(tx.query_row(sql, params![patient], |row| row.get(0))?.unwrap_or_default())
}

/// Writes another patient and room of a request, which has made no transition, and takes a position of the stream.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn relocate(tx: &mut WriteTx<'_>, cipher: &ColumnCipher, task: &Task) -> Result<(), StoreError> {
    let sealed = cipher.seal(SEALED, &task.id, &to_json(task)?)?;
    let sql = "UPDATE tasks SET patient = ?2, record = ?3 WHERE id = ?1 RETURNING nid";
    let nid: Option<i64> = tx.query_row(sql, params![task.id, task.patient, sealed], |row| row.get(0))?;
    if let Some(nid) = nid {
        tx.record(Kind::Request, None, None, nid)?;
    }
    Ok(())
}

/// Whether a person is asked now by an open request about a patient, or has accepted one.
///
/// # Errors
/// Any failure of the database.
pub fn is_engaged(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    patient: &str,
    person: &str,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM task_people p JOIN tasks t ON t.nid = p.task \
               WHERE p.person_index = ?1 AND p.part = 'owner' AND t.patient = ?2 AND t.open = 1 LIMIT 1";
    let found: Option<i64> =
        tx.query_row(sql, params![cipher.index(PERSON, person), patient], |row| row.get(0))?;
    Ok(found.is_some())
}

fn read(row: &Row<'_>, cipher: &ColumnCipher) -> Result<Task, StoreError> {
    from_json(&cipher.open(SEALED, row.text(0)?, row.blob(1)?)?, SEALED)
}

/// The task with this id.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn get(tx: &impl Reader, cipher: &ColumnCipher, id: &str) -> Result<Option<Task>, StoreError> {
    tx.query_row("SELECT id, record FROM tasks WHERE id = ?1", params![id], |row| read(row, cipher))
}

/// A task as it was after each move, oldest first.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn versions(tx: &impl Reader, cipher: &ColumnCipher, id: &str) -> Result<Vec<Task>, StoreError> {
    let sql = "SELECT v.version, v.record FROM task_versions v JOIN tasks t ON t.nid = v.task \
               WHERE t.id = ?1 ORDER BY v.version";
    tx.query(sql, params![id], |row| {
        let version: u64 = row.get(0)?;
        from_json(&cipher.open(SEALED_VERSION, &format!("{id}/{version}"), row.blob(1)?)?, SEALED_VERSION)
    })
}

/// The task that another system knows by this system and value.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn by_identifier(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    identifier: &(String, String),
) -> Result<Option<Task>, StoreError> {
    let sql = "SELECT t.id, t.record FROM task_identifiers i JOIN tasks t ON t.nid = i.task \
               WHERE i.identifier_index = ?1";
    tx.query_row(sql, params![identifier_index(cipher, identifier)], |row| read(row, cipher))
}

fn identifier_index(cipher: &ColumnCipher, (system, value): &(String, String)) -> [u8; 32] {
    cipher.index("task-identifier", &format!("{}:{system}{value}", system.len()))
}

/// All transitions of a task, in order.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn transitions(tx: &impl Reader, cipher: &ColumnCipher, id: &str) -> Result<Vec<Transition>, StoreError> {
    let sql = "SELECT tr.ord, tr.record FROM task_transitions tr JOIN tasks t ON t.nid = tr.task \
               WHERE t.id = ?1 ORDER BY tr.ord";
    tx.query(sql, params![id], |row| {
        let ord: i64 = row.get(0)?;
        let plain = cipher.open(SEALED_TRANSITION, &format!("{id}/{ord}"), row.blob(1)?)?;
        from_json(&plain, SEALED_TRANSITION)
    })
}

/// The tasks that fit, last changed first, at most `limit`.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn find(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    filter: &Filter<'_>,
    limit: usize,
) -> Result<Vec<Task>, StoreError> {
    let index = |person: Option<&str>| person.map(|p| cipher.index(PERSON, p));
    let (requester, owner, anyone) = (index(filter.requester), index(filter.owner), index(filter.person));
    let mut conditions = Conditions::default();
    let person = "t.nid IN (SELECT task FROM task_people WHERE person_index = ? AND part = ";
    conditions.and(&format!("{person}'requester')"), requester.as_ref().map(|v| v as _));
    conditions.and(&format!("{person}'owner')"), owner.as_ref().map(|v| v as _));
    let part = "t.nid IN (SELECT task FROM task_people WHERE person_index = ?)";
    conditions.and(part, anyone.as_ref().map(|v| v as _));
    conditions.and("t.open = ?", filter.open.then_some(&true as _));
    conditions.and("t.patient = ?", filter.patient.as_ref().map(|v| v as _));
    let select = "SELECT t.id, t.record FROM tasks t";
    let sql = conditions.limited(select, " ORDER BY t.changed_at DESC, t.nid DESC LIMIT ?", &limit);
    tx.query(&sql, &conditions.values, |row| read(row, cipher))
}
