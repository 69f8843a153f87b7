//! What is there, by a plain reading of the store: slow, and as simple as the specification's own words.

use std::collections::BTreeMap;

use serde_json::Value;
use wardline_domain::ruma::OwnedRoomId;
use wardline_store::members::{MemberRow, Membership};
use wardline_store::{
    ReadTx, Reader, StoreError, UserNid, account_data, events, members, params, rooms, state,
};

use crate::home::{Home, Person};

/// An event as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) id: String,
    pub(super) pos: u64,
    pub(super) sender: UserNid,
    pub(super) kind: String,
    state_key: Option<String>,
    content: Value,
    pub(super) redacted: bool,
}

/// What is known of a room for one user.
pub(super) struct Truth {
    pub(super) member: Option<MemberRow>,
    /// Who the user's own member event is from.
    pub(super) member_sender: Option<UserNid>,
    /// Every event, oldest first.
    pub(super) events: Vec<Seen>,
    /// Event ids of the current state.
    pub(super) state: BTreeMap<(String, String), String>,
    /// Event ids by user, type and thread.
    pub(super) receipts: BTreeMap<(String, String, String), String>,
    /// The account data `a.b` of the room.
    pub(super) data: Option<Value>,
}

impl Truth {
    pub(super) fn of(home: &Home, room: &OwnedRoomId, person: &Person) -> Self {
        home.store().read_now(|tx| read(tx, room, person)).unwrap()
    }

    /// What the user may see and has not asked to be spared, oldest first.
    pub(super) fn visible(&self, person: &Person, ignored: Option<UserNid>) -> Vec<&Seen> {
        let me = Some(person.id.as_str());
        let own = |event: &Seen| event.kind == "m.room.member" && event.state_key.as_deref() == me;
        let joins: Vec<u64> = self
            .events
            .iter()
            .filter(|event| own(event) && event.content["membership"] == "join")
            .map(|event| event.pos)
            .collect();
        let (mut visibility, mut membership) = ("shared".to_owned(), "leave".to_owned());
        let mut found = Vec::new();
        for event in &self.events {
            let joined_later = joins.iter().any(|join| *join > event.pos);
            let may = |visibility: &str, membership: &str| {
                visibility == "world_readable"
                    || membership == "join"
                    || (visibility == "shared" && joined_later)
                    || (visibility == "invited" && membership == "invite")
            };
            let mut allowed = may(&visibility, &membership);
            if event.kind == "m.room.history_visibility" && event.state_key.is_some() {
                let value = event.content["history_visibility"].as_str();
                visibility = value.unwrap_or("shared").to_owned();
            }
            if own(event) {
                membership = event.content["membership"].as_str().unwrap().to_owned();
            }
            allowed |= may(&visibility, &membership);
            let spared = event.state_key.is_none() && Some(event.sender) == ignored;
            if allowed && !spared {
                found.push(event);
            }
        }
        found
    }

    /// Notifications and highlights: messages of others that were not redacted, and tombstones, after what the user has read or written.
    pub(super) fn unread(&self, person: &Person, ignored: Option<UserNid>) -> (u64, u64) {
        let pos = |id: &String| self.events.iter().find(|event| event.id == *id).unwrap().pos;
        let read = ["m.read", "m.read.private"]
            .iter()
            .filter_map(|kind| self.receipts.get(&(person.id.to_string(), (*kind).to_owned(), String::new())))
            .map(pos)
            .max();
        let own = self.events.iter().filter(|event| event.sender == person.nid).map(|event| event.pos).max();
        let from = read.max(own).unwrap_or(0);
        let count = |kind: &str| {
            let of_others = |event: &&Seen| {
                event.pos > from
                    && event.kind == kind
                    && !event.redacted
                    && event.sender != person.nid
                    && Some(event.sender) != ignored
            };
            self.events.iter().filter(of_others).count() as u64
        };
        let tombstones = count("m.room.tombstone");
        (count("m.room.message") + tombstones, tombstones)
    }
}

/// The account data `a.b` of a user.
pub(super) fn account_data_of(home: &Home, person: &Person) -> Option<Value> {
    let text = home.store().read_now(|tx| account_data::get(tx, person.nid, None, "a.b")).unwrap();
    text.map(|text| serde_json::from_str(&text).unwrap())
}

/// Every event of a room, oldest first.
pub(super) fn events_of(home: &Home, room: &OwnedRoomId) -> Vec<Seen> {
    home.store().read_now(|tx| read_events(tx, room)).unwrap()
}

fn read_events(tx: &ReadTx<'_>, room: &OwnedRoomId) -> Result<Vec<Seen>, StoreError> {
    let nid = rooms::find(tx, room)?.unwrap();
    tx.query(
        "SELECT e.event_id, e.pos, e.sender_nid, e.redacted_by, j.pdu FROM events e \
         JOIN event_json j ON j.nid = e.nid WHERE e.room_nid = ?1 ORDER BY e.pos",
        params![nid],
        |row| {
            let pdu: String = row.get(4)?;
            let mut pdu: Value = serde_json::from_str(&pdu).unwrap();
            Ok(Seen {
                id: row.get(0)?,
                pos: row.get(1)?,
                sender: row.get(2)?,
                kind: pdu["type"].as_str().unwrap().to_owned(),
                state_key: pdu["state_key"].as_str().map(str::to_owned),
                content: pdu["content"].take(),
                redacted: row.get::<Option<i64>>(3)?.is_some(),
            })
        },
    )
}

fn read(tx: &ReadTx<'_>, room: &OwnedRoomId, person: &Person) -> Result<Truth, StoreError> {
    let nid = rooms::find(tx, room)?.unwrap();
    let member = members::get(tx, nid, person.nid)?;
    let all = read_events(tx, room)?;
    let mut current = BTreeMap::new();
    for entry in state::current_entries(tx, nid)? {
        let id = events::event_id(tx, entry.event)?.to_string();
        current.insert((entry.kind, entry.state_key), id);
    }
    let member_id = current.get(&("m.room.member".to_owned(), person.id.to_string()));
    let member_sender =
        member_id.and_then(|id| all.iter().find(|event| event.id == *id)).map(|event| event.sender);
    let receipts = tx.query(
        "SELECT u.user_id, r.kind, r.thread, r.event_id FROM receipts r \
         JOIN users u ON u.nid = r.user_nid WHERE r.room_nid = ?1 \
         AND (r.kind <> 'm.read.private' OR r.user_nid = ?2)",
        params![nid, person.nid],
        |row| Ok(((row.get(0)?, row.get(1)?, row.get(2)?), row.get(3)?)),
    )?;
    let data = account_data::get(tx, person.nid, Some(nid), "a.b")?;
    Ok(Truth {
        member,
        member_sender,
        events: all,
        state: current,
        receipts: receipts.into_iter().collect(),
        data: data.map(|text| serde_json::from_str(&text).unwrap()),
    })
}

impl Truth {
    /// What the user is to the room.
    pub(super) fn membership(&self) -> Option<Membership> {
        self.member.as_ref().map(|member| member.membership)
    }
}
