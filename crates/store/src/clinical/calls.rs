//! Crash calls and broadcasts; calls and the people whom they call are sealed, people found by blind index.

use serde::{Deserialize, Serialize};
use wardline_domain::{Timestamp, care::playbook::Ask, ruma::OwnedRoomId};

use super::{ColumnCipher, from_json, rota::PERSON, to_json};
use crate::{Reader, Row, StoreError, WriteTx, params};

const SEALED: &str = "calls.record";
const SEALED_PERSON: &str = "call_people.record";

/// What kind of call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallKind {
    /// A team is called to a place, each role by a request of its own.
    Crash,
    /// Many people are told something and asked for an answer.
    Broadcast,
}

impl CallKind {
    /// Its code on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Crash => "crash-call",
            Self::Broadcast => "broadcast",
        }
    }
}

/// One of those whom a crash call calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Called {
    /// The role or person.
    pub ask: Ask,
    /// Its name.
    pub name: String,
    /// The request that calls them. Two roles in one hand share it; none is needed for who made the call.
    pub task: Option<String>,
}

/// Whom a broadcast is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// Everybody in the directory.
    Everybody,
    /// A role, a person, a team, or whoever is on duty at a place.
    Some(Ask),
}

/// An answer that may be given to a broadcast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Its code, of letters, digits and hyphens.
    pub code: String,
    /// What its button says.
    pub text: String,
    /// Whether it says in how many minutes.
    pub minutes: bool,
    /// Whether it means that the person comes.
    pub comes: bool,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// FHIR id, chosen by the client.
    pub id: String,
    /// Of which kind.
    pub kind: CallKind,
    /// Whether it is an exercise.
    pub drill: bool,
    /// What it is called.
    pub title: String,
    /// Who made it (id of the Practitioner).
    pub caller: String,
    /// Their name.
    pub caller_name: String,
    /// When.
    pub raised_at: Timestamp,
    /// Where to come to, in words.
    pub place: Option<String>,
    /// Where to come to (id of the Location).
    pub location: Option<String>,
    /// Whom it is about.
    pub patient: Option<String>,
    /// The conversation of a crash call.
    pub room: Option<OwnedRoomId>,
    /// The playbook of a crash call.
    pub playbook: Option<String>,
    /// Whom a crash call calls.
    #[serde(default)]
    pub called: Vec<Called>,
    /// What a broadcast says.
    pub words: Option<String>,
    /// Whom a broadcast is for, with the names.
    #[serde(default)]
    pub audience: Vec<(Audience, String)>,
    /// What may be answered to a broadcast.
    #[serde(default)]
    pub replies: Vec<Reply>,
    /// How many people a broadcast calls.
    #[serde(default)]
    pub people: usize,
    /// Who ended it (id and name), and when.
    pub ended: Option<(String, String, Timestamp)>,
    /// When people were told again, and by whom (id).
    #[serde(default)]
    pub again: Vec<(String, Timestamp)>,
}

/// What somebody answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The code of the reply.
    pub code: String,
    /// In how many minutes.
    pub minutes: Option<u32>,
    /// When.
    pub at: Timestamp,
}

/// One whom a broadcast calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledPerson {
    /// Who (id of the Practitioner).
    pub person: String,
    /// Their name.
    pub name: String,
    /// What they are.
    pub job: String,
    /// When their devices were told, and how many they are.
    pub told: Option<(Timestamp, usize)>,
    /// When it was on one of them.
    pub delivered: Option<Timestamp>,
    /// When they looked at it.
    pub seen: Option<Timestamp>,
    /// What they answered, the last in the end.
    pub answers: Vec<Answer>,
}

/// A call as stored, with the number of its last change.
pub type StoredCall = (Call, u64);

fn read(row: &Row<'_>, cipher: &ColumnCipher) -> Result<StoredCall, StoreError> {
    Ok((from_json(&cipher.open(SEALED, row.text(0)?, row.blob(1)?)?, SEALED)?, row.get(2)?))
}

/// Writes a call, over the one with the same id.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn put(tx: &mut WriteTx<'_>, cipher: &ColumnCipher, call: &Call) -> Result<(), StoreError> {
    let sealed = cipher.seal(SEALED, &call.id, &to_json(call)?)?;
    tx.execute(
        "INSERT INTO calls (id, kind, open, raised_at, seq, record) VALUES (?1, ?2, ?3, ?4, 1, ?5) \
         ON CONFLICT (id) DO UPDATE SET open = ?3, seq = seq + 1, record = ?5",
        params![call.id, call.kind.code(), call.ended.is_none(), call.raised_at, sealed],
    )?;
    Ok(())
}

/// The call with this id.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn get(tx: &impl Reader, cipher: &ColumnCipher, id: &str) -> Result<Option<StoredCall>, StoreError> {
    tx.query_row("SELECT id, record, seq FROM calls WHERE id = ?1", params![id], |row| read(row, cipher))
}

/// The number of the last change of a call; `None` if there is no such call.
///
/// # Errors
/// Any failure of the database.
pub fn seq(tx: &impl Reader, id: &str) -> Result<Option<u64>, StoreError> {
    tx.query_row("SELECT seq FROM calls WHERE id = ?1", params![id], |row| row.get(0))
}

/// The open calls, and those that were made at `since` or later; the latest first, at most `limit`.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn recent(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<StoredCall>, StoreError> {
    let sql = "SELECT id, record, seq FROM calls WHERE open = 1 OR (open = 0 AND raised_at >= ?1) \
               ORDER BY raised_at DESC, nid DESC LIMIT ?2";
    tx.query(sql, params![since, limit], |row| read(row, cipher))
}

fn sealed_row(nid: i64, index: &[u8]) -> String {
    index.iter().fold(format!("{nid}/"), |mut text, byte| {
        text.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
        text.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
        text
    })
}

fn nid(tx: &impl Reader, call: &str) -> Result<i64, StoreError> {
    let nid = tx.query_row("SELECT nid FROM calls WHERE id = ?1", params![call], |row| row.get(0))?;
    nid.ok_or_else(|| StoreError::Malformed("a call is not where it was put".into()))
}

/// Writes people whom a call calls, over what was known of them: one change of the call.
///
/// # Errors
/// Any failure of the database or the cipher; the call must exist.
pub fn put_people<'p>(
    tx: &mut WriteTx<'_>,
    cipher: &ColumnCipher,
    call: &str,
    people: impl IntoIterator<Item = &'p CalledPerson>,
) -> Result<(), StoreError> {
    let nid = nid(tx, call)?;
    tx.execute("UPDATE calls SET seq = seq + 1 WHERE nid = ?1", params![nid])?;
    for person in people {
        let index = cipher.index(PERSON, &person.person);
        let sealed = cipher.seal(SEALED_PERSON, &sealed_row(nid, &index), &to_json(person)?)?;
        tx.execute(
            "INSERT INTO call_people (call, person_index, seq, record) \
             VALUES (?1, ?2, (SELECT seq FROM calls WHERE nid = ?1), ?3) \
             ON CONFLICT (call, person_index) DO UPDATE SET seq = excluded.seq, record = excluded.record",
            params![nid, index, sealed],
        )?;
    }
    Ok(())
}

fn read_person(row: &Row<'_>, cipher: &ColumnCipher, nid: i64) -> Result<CalledPerson, StoreError> {
    from_json(&cipher.open(SEALED_PERSON, &sealed_row(nid, row.blob(0)?), row.blob(1)?)?, SEALED_PERSON)
}

/// One person whom a call calls; `None` if it does not call them.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn person(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    call: &str,
    person: &str,
) -> Result<Option<CalledPerson>, StoreError> {
    let nid = nid(tx, call)?;
    let index = cipher.index(PERSON, person);
    let sql = "SELECT person_index, record FROM call_people WHERE call = ?1 AND person_index = ?2";
    tx.query_row(sql, params![nid, index], |row| read_person(row, cipher, nid))
}

/// The people of a call that changed after its change number `since`, in the order of their changes.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn people_since(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    call: &str,
    since: u64,
) -> Result<Vec<CalledPerson>, StoreError> {
    let nid = nid(tx, call)?;
    let sql = "SELECT person_index, record FROM call_people WHERE call = ?1 AND seq > ?2 ORDER BY seq, person_index";
    tx.query(sql, params![nid, since], |row| read_person(row, cipher, nid))
}

/// Where [`people_after`] goes on: the blind index of the last one that it gave.
pub type Place = [u8; 32];

/// Up to `limit` people of a call in an order that does not change, after `after`.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn people_after(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    call: &str,
    after: Option<Place>,
    limit: usize,
) -> Result<Vec<(Place, CalledPerson)>, StoreError> {
    let nid = nid(tx, call)?;
    let after: &[u8] = after.as_ref().map_or(&[], |place| place.as_slice());
    let sql = "SELECT person_index, record FROM call_people WHERE call = ?1 AND person_index > ?2 \
               ORDER BY person_index LIMIT ?3";
    let all = tx.query(sql, params![nid, after, limit], |row| read_person(row, cipher, nid))?;
    Ok(all.into_iter().map(|person| (cipher.index(PERSON, &person.person), person)).collect())
}

/// Writes down the conversation of a call.
///
/// # Errors
/// Any failure of the database.
pub fn set_room(tx: &mut WriteTx<'_>, call: &str, room: &OwnedRoomId) -> Result<(), StoreError> {
    let sql = "INSERT INTO call_rooms (call, room_id) VALUES (?1, ?2)";
    tx.execute(sql, params![call, room]).map(drop)
}

/// The conversation of a call.
///
/// # Errors
/// Any failure of the database.
pub fn room(tx: &impl Reader, call: &str) -> Result<Option<OwnedRoomId>, StoreError> {
    tx.query_row("SELECT room_id FROM call_rooms WHERE call = ?1", params![call], |row| row.get(0))
}
