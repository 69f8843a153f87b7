//! Room state: the current one key by key, earlier ones as chains of changes of bounded length.

use std::collections::BTreeMap;

use wardline_domain::ruma::OwnedEventId;

use crate::{EventNid, Reader, RoomNid, SnapshotNid, StateKeyNid, StoreError, WriteTx, params};

/// Longest chain of changes before a snapshot is written in full.
const MAX_CHAIN: u32 = 32;

/// A room's state at one point: which event holds which key.
pub type StateMap = BTreeMap<StateKeyNid, EventNid>;

/// One entry of the current state, with its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateEntry {
    /// Event type.
    pub kind: String,
    /// State key.
    pub state_key: String,
    /// The event that holds it.
    pub event: EventNid,
    /// That event's id.
    pub event_id: OwnedEventId,
}

/// The number of a pair of event type and state key, given to it now if it had none.
///
/// # Errors
/// Any failure of the database.
pub fn intern_key(tx: &mut WriteTx<'_>, kind: &str, state_key: &str) -> Result<StateKeyNid, StoreError> {
    if let Some(nid) = find_key(tx, kind, state_key)? {
        return Ok(nid);
    }
    tx.query_row(
        "INSERT INTO state_keys (kind, state_key) VALUES (?1, ?2) RETURNING nid",
        params![kind, state_key],
        |row| row.get(0),
    )?
    .ok_or_else(|| StoreError::Malformed("an insert returned no row".into()))
}

/// The number of a pair of event type and state key that has been seen before.
///
/// # Errors
/// Any failure of the database.
pub fn find_key(tx: &impl Reader, kind: &str, state_key: &str) -> Result<Option<StateKeyNid>, StoreError> {
    tx.query_row(
        "SELECT nid FROM state_keys WHERE kind = ?1 AND state_key = ?2",
        params![kind, state_key],
        |row| row.get(0),
    )
}

/// The pair behind a number: event type and state key.
///
/// # Errors
/// [`StoreError::Malformed`] if there is none, or any failure of the database.
pub fn key(tx: &impl Reader, key: StateKeyNid) -> Result<(String, String), StoreError> {
    tx.query_row("SELECT kind, state_key FROM state_keys WHERE nid = ?1", params![key], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?
    .ok_or_else(|| StoreError::Malformed(format!("no state key has the number {}", key.0)))
}

/// Puts a state event into the current state and writes the snapshot that it leads to, which bears its number.
/// `before` is the snapshot of the state that it changes.
///
/// # Errors
/// Any failure of the database.
pub fn apply(
    tx: &mut WriteTx<'_>,
    room: RoomNid,
    before: Option<SnapshotNid>,
    key: StateKeyNid,
    event: EventNid,
) -> Result<SnapshotNid, StoreError> {
    tx.execute(
        "INSERT INTO current_state (room_nid, state_key_nid, event_nid) VALUES (?1, ?2, ?3) \
         ON CONFLICT (room_nid, state_key_nid) DO UPDATE SET event_nid = excluded.event_nid",
        params![room, key, event],
    )?;
    let chain = match before {
        Some(before) => {
            tx.query_row("SELECT chain_len FROM state_snapshots WHERE nid = ?1", params![before], |row| {
                row.get::<u32>(0)
            })?
        }
        None => None,
    };
    let (base, length, entries) = match chain {
        Some(length) if length < MAX_CHAIN => (before, length + 1, encode([(key, event)])),
        _ => (None, 0, encode(current(tx, room)?)),
    };
    let nid = SnapshotNid(event.0);
    tx.execute(
        "INSERT INTO state_snapshots (nid, room_nid, base, chain_len, entries) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![nid, room, base, length, entries],
    )?;
    Ok(nid)
}

/// The current state of a room.
///
/// # Errors
/// Any failure of the database.
pub fn current(tx: &impl Reader, room: RoomNid) -> Result<StateMap, StoreError> {
    let mut state = StateMap::new();
    tx.for_each(
        "SELECT state_key_nid, event_nid FROM current_state WHERE room_nid = ?1",
        params![room],
        |row| {
            state.insert(row.get(0)?, row.get(1)?);
            Ok(())
        },
    )?;
    Ok(state)
}

/// The current state of a room with the names of its keys.
///
/// # Errors
/// Any failure of the database.
pub fn current_entries(tx: &impl Reader, room: RoomNid) -> Result<Vec<StateEntry>, StoreError> {
    tx.query(
        "SELECT k.kind, k.state_key, s.event_nid, e.event_id FROM current_state s \
         JOIN state_keys k ON k.nid = s.state_key_nid JOIN events e ON e.nid = s.event_nid WHERE s.room_nid = ?1",
        params![room],
        |row| {
            Ok(StateEntry {
                kind: row.get(0)?,
                state_key: row.get(1)?,
                event: row.get(2)?,
                event_id: row.get(3)?,
            })
        },
    )
}

/// The current state events of one type of a room.
///
/// # Errors
/// Any failure of the database.
pub fn current_of_kind(tx: &impl Reader, room: RoomNid, kind: &str) -> Result<Vec<EventNid>, StoreError> {
    tx.query(
        "SELECT s.event_nid FROM state_keys k JOIN current_state s ON s.state_key_nid = k.nid \
         WHERE k.kind = ?2 AND s.room_nid = ?1 ORDER BY s.event_nid",
        params![room, kind],
        |row| row.get(0),
    )
}

/// The event that holds a key in the current state of a room.
///
/// # Errors
/// Any failure of the database.
pub fn current_event(
    tx: &impl Reader,
    room: RoomNid,
    kind: &str,
    state_key: &str,
) -> Result<Option<EventNid>, StoreError> {
    tx.query_row(
        "SELECT s.event_nid FROM state_keys k JOIN current_state s ON s.state_key_nid = k.nid \
         WHERE k.kind = ?2 AND k.state_key = ?3 AND s.room_nid = ?1",
        params![room, kind, state_key],
        |row| row.get(0),
    )
}

/// The state at a snapshot.
///
/// # Errors
/// [`StoreError::Malformed`] if the snapshot does not exist, or any failure of the database.
pub fn at(tx: &impl Reader, snapshot: SnapshotNid) -> Result<StateMap, StoreError> {
    let mut state = StateMap::new();
    walk(tx, snapshot, |key, event| {
        state.entry(key).or_insert(event);
        true
    })?;
    Ok(state)
}

/// The event that holds `key` in the state at a snapshot.
///
/// # Errors
/// As [`at`].
pub fn event_at(
    tx: &impl Reader,
    snapshot: SnapshotNid,
    key: StateKeyNid,
) -> Result<Option<EventNid>, StoreError> {
    let [event] = events_at(tx, snapshot, [Some(key)])?;
    Ok(event)
}

/// The events that hold `keys` in the state at a snapshot. One look for each if that is the present state of its room, as
/// it is for whoever reads the newest messages; otherwise, for all of them together, as many as the snapshot has before it
/// up to a full one.
///
/// # Errors
/// As [`at`].
pub fn events_at<const N: usize>(
    tx: &impl Reader,
    snapshot: SnapshotNid,
    keys: [Option<StateKeyNid>; N],
) -> Result<[Option<EventNid>; N], StoreError> {
    let mut found = [None; N];
    let mut is_present = true;
    for (key, found) in keys.iter().zip(&mut found) {
        let Some(key) = key else { continue };
        let present = tx.query_row(
            "SELECT c.event_nid FROM state_snapshots s JOIN rooms r ON r.nid = s.room_nid AND r.state_nid = s.nid \
             LEFT JOIN current_state c ON c.room_nid = r.nid AND c.state_key_nid = ?2 WHERE s.nid = ?1",
            params![snapshot, key],
            |row| row.get::<Option<EventNid>>(0),
        )?;
        let Some(event) = present else {
            is_present = false;
            break;
        };
        *found = event;
    }
    if is_present {
        return Ok(found);
    }
    walk(tx, snapshot, |k, event| {
        for (key, found) in keys.iter().zip(&mut found) {
            if found.is_none() && *key == Some(k) {
                *found = Some(event);
            }
        }
        keys.iter().zip(&found).any(|(key, found)| key.is_some() && found.is_none())
    })?;
    Ok(found)
}

/// Visits the entries of a snapshot and of those it builds on, newest first, until `visit` answers false.
fn walk(
    tx: &impl Reader,
    snapshot: SnapshotNid,
    mut visit: impl FnMut(StateKeyNid, EventNid) -> bool,
) -> Result<(), StoreError> {
    let mut next = Some(snapshot);
    while let Some(nid) = next {
        let mut go_on = true;
        next = tx
            .query_row("SELECT base, entries FROM state_snapshots WHERE nid = ?1", params![nid], |row| {
                for (key, event) in decode(row.blob(1)?)? {
                    go_on = go_on && visit(key, event);
                }
                row.get::<Option<SnapshotNid>>(0)
            })?
            .ok_or_else(|| StoreError::Malformed(format!("no snapshot has the number {}", nid.0)))?;
        if !go_on {
            break;
        }
    }
    Ok(())
}

fn encode(entries: impl IntoIterator<Item = (StateKeyNid, EventNid)>) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, event) in entries {
        varint(&mut out, key.0.unsigned_abs());
        varint(&mut out, event.0.unsigned_abs());
    }
    out
}

fn decode(mut bytes: &[u8]) -> Result<Vec<(StateKeyNid, EventNid)>, StoreError> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let pair = read_varint(&mut bytes).zip(read_varint(&mut bytes));
        let (key, event) = pair.ok_or_else(|| StoreError::Malformed("a snapshot is cut short".into()))?;
        entries.push((StateKeyNid(key), EventNid(event)));
    }
    Ok(entries)
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn read_varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return i64::try_from(value).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_survive_encoding() {
        let entries = vec![
            (StateKeyNid(1), EventNid(127)),
            (StateKeyNid(128), EventNid(1 << 40)),
            (StateKeyNid(0), EventNid(0)),
        ];
        assert_eq!(decode(&encode(entries.clone())).unwrap(), entries);
        assert!(decode(&[0x80]).is_err());
        assert!(decode(&[1]).is_err());
    }
}
