//! The head of a room in memory: what the next event is built on.

use std::sync::Arc;

use wardline_domain::Timestamp;
use wardline_domain::auth::MessageAuth;
use wardline_domain::pdu::Pdu;
use wardline_domain::room_version::RoomVersion;
use wardline_domain::ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use wardline_domain::state::StateMap;
use wardline_domain::visibility::Membership;
use wardline_store::rooms::{self, RoomRow};
use wardline_store::{EventNid, ReadTx, RoomNid, SnapshotNid, StoreError, UserNid, events, members, state};

/// Which event holds a state key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) nid: EventNid,
    pub(super) event_id: OwnedEventId,
}

/// A room's head. Copying it is cheap: the maps share their structure.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) nid: RoomNid,
    pub(super) room_id: OwnedRoomId,
    pub(super) version: RoomVersion,
    pub(super) room_type: Option<String>,
    pub(super) fence: i64,
    pub(super) extremities: Vec<Held>,
    pub(super) depth: i64,
    pub(super) snapshot: Option<SnapshotNid>,
    pub(super) auth_count: u32,
    /// By event type, then by state key: looking one up makes no copy of either.
    pub(super) state: StateMap<String, StateMap<String, Held>>,
    pub(super) members: StateMap<OwnedUserId, Membership>,
    pub(super) joined: u64,
    pub(super) invited: u64,
    pub(super) encrypted: bool,
    pub(super) created_at: Timestamp,
    /// The greatest `origin_server_ts` of its events.
    pub(super) newest_ts: Timestamp,
    /// Made on first use after a change of the power levels.
    pub(super) message_auth: Option<Arc<MessageAuth>>,
}

impl Head {
    /// The head of a room that has no event yet.
    pub(super) fn fresh(nid: RoomNid, create: &Pdu, version: RoomVersion, room_type: Option<String>) -> Self {
        Self {
            nid,
            room_id: create.room_id.clone(),
            version,
            room_type,
            fence: 0,
            extremities: Vec::new(),
            depth: 0,
            snapshot: None,
            auth_count: 0,
            state: StateMap::new(),
            members: StateMap::new(),
            joined: 0,
            invited: 0,
            encrypted: false,
            created_at: create.origin_server_ts,
            newest_ts: Timestamp(0),
            message_auth: None,
        }
    }

    /// Reads a head: the only work that is proportional to the size of a room's state.
    pub(super) fn load(tx: &ReadTx<'_>, room: &RoomId) -> Result<Option<Self>, StoreError> {
        let Some(nid) = rooms::find(tx, room)? else { return Ok(None) };
        let Some(row) = rooms::get(tx, nid)? else { return Ok(None) };
        let version = RoomVersion::parse(&row.room_version)
            .map_err(|error| StoreError::Malformed(error.to_string()))?;
        let held = |nid| events::event_id(tx, nid).map(|event_id| Held { nid, event_id });
        let mut state = StateMap::new();
        for entry in state::current_entries(tx, nid)? {
            let held = Held { nid: entry.event, event_id: entry.event_id };
            hold(&mut state, &entry.kind, entry.state_key, held);
        }
        let members = members::of_room(tx, nid)?;
        Ok(Some(Self {
            nid,
            room_id: row.room_id,
            version,
            room_type: row.room_type,
            fence: row.fence,
            extremities: row.extremities.into_iter().map(held).collect::<Result<_, _>>()?,
            depth: row.depth,
            snapshot: row.state,
            auth_count: row.auth_count,
            state,
            members: members.into_iter().map(|(user, row)| (user, row.membership)).collect(),
            joined: row.joined,
            invited: row.invited,
            encrypted: row.encrypted,
            created_at: row.created_at,
            newest_ts: row.newest_ts,
            message_auth: None,
        }))
    }

    /// The event that holds a state key.
    pub(super) fn held(&self, kind: &str, state_key: &str) -> Option<&Held> {
        self.state.get(kind)?.get(state_key)
    }

    /// A user's membership; [`Membership::Leave`] for somebody who never had one.
    pub(super) fn membership(&self, user: &UserId) -> Membership {
        self.members.get(user).copied().unwrap_or_default()
    }

    /// Moves the head over an event that is allowed.
    pub(super) fn apply(&mut self, nid: EventNid, pdu: &Pdu) {
        let held = Held { nid, event_id: pdu.event_id.clone() };
        self.depth = pdu.depth;
        self.newest_ts = self.newest_ts.max(pdu.origin_server_ts);
        self.extremities = vec![held.clone()];
        let Some(state_key) = &pdu.state_key else { return };
        hold(&mut self.state, &pdu.kind, state_key.clone(), held);
        self.snapshot = Some(SnapshotNid(nid.0));
        self.auth_count += 1;
        match pdu.kind.as_str() {
            "m.room.member" => self.apply_membership(state_key, Membership::of(Some(pdu))),
            "m.room.encryption" => self.encrypted = true,
            "m.room.power_levels" | "m.room.create" => self.message_auth = None,
            _ => {}
        }
    }

    fn apply_membership(&mut self, user: &str, membership: Membership) {
        let Ok(user) = OwnedUserId::try_from(user) else { return };
        let before = self.members.insert(user, membership);
        for (counted, count) in
            [(Membership::Join, &mut self.joined), (Membership::Invite, &mut self.invited)]
        {
            if before == Some(counted) {
                *count = count.saturating_sub(1);
            }
            if membership == counted {
                *count += 1;
            }
        }
    }

    /// The head as it is stored. The creator and the position are filled in at commit.
    pub(super) fn to_row(&self) -> RoomRow {
        RoomRow {
            nid: self.nid,
            room_id: self.room_id.clone(),
            room_version: self.version.as_str().to_owned(),
            room_type: self.room_type.clone(),
            creator: UserNid(0),
            fence: self.fence,
            extremities: self.extremities.iter().map(|held| held.nid).collect(),
            depth: self.depth,
            state: self.snapshot,
            auth_count: self.auth_count,
            joined: self.joined,
            invited: self.invited,
            encrypted: self.encrypted,
            last_pos: 0,
            created_at: self.created_at,
            newest_ts: self.newest_ts,
        }
    }
}

fn hold(state: &mut StateMap<String, StateMap<String, Held>>, kind: &str, state_key: String, held: Held) {
    let mut of_kind = state.get(kind).cloned().unwrap_or_default();
    of_kind.insert(state_key, held);
    state.insert(kind.to_owned(), of_kind);
}
