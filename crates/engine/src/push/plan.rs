//! What a pusher has to tell: read from the store, from its cursor on.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;
use wardline_domain::Timestamp;
use wardline_store::alerts::{self, Alert};
use wardline_store::members::{self, Membership};
use wardline_store::pushers::{self, Pusher};
use wardline_store::rooms::{self, RoomRow};
use wardline_store::{Pos, ReadTx, RoomNid, StoreError, UserNid, state, stream, unread as stored};

use super::{Disturb, Silence, web};
use crate::Context;
use crate::events::Event;
use crate::hub::Hub;
use crate::unread::{self, Basis, Who};

/// Events told in one go; the rest follows.
const MOST: usize = 100;

/// What a pusher is told now.
pub(super) struct Plan {
    pub(super) pusher: Pusher,
    /// Oldest first.
    pub(super) notices: Vec<Notice>,
    /// Alerts besides events of rooms, oldest first.
    pub(super) alerts: Vec<Alert>,
    /// When all of it is told, the pusher has been told everything up to this position.
    pub(super) upto: Pos,
    /// There is more.
    pub(super) more: bool,
    /// Unread notifications of the user in all rooms.
    pub(super) unread: Unread,
    pub(super) badge: Badge,
}

/// An event to be told.
pub(super) struct Notice {
    pub(super) event: Arc<Event>,
    pub(super) room: RoomRow,
    /// The actions of the rule that matched: a JSON array.
    pub(super) actions: String,
    pub(super) highlight: bool,
    pub(super) sound: bool,
    /// The event is an invitation of the user.
    pub(super) invites: bool,
    /// What a gateway gets to show, if the pusher and the room allow it.
    pub(super) names: Option<Names>,
}

/// What people call things.
#[derive(Default)]
pub(super) struct Names {
    pub(super) sender: Option<String>,
    pub(super) room: Option<String>,
    pub(super) alias: Option<String>,
}

/// How much somebody has not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unread {
    /// Messages that notify, over all rooms: what gateways are told.
    pub(super) messages: u64,
    /// Rooms with any of them: what the app shows on its icon and in its lists.
    pub(super) conversations: usize,
}

/// How much each room adds to a user's unread count; kept between plans, so that only rooms with news are counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Badge {
    basis: Option<Basis>,
    upto: Pos,
    rooms: HashMap<RoomNid, u64>,
}

/// The plan of a pusher; `None` if there is no such pusher any more.
pub(super) fn plan(
    tx: &ReadTx<'_>,
    context: &Context,
    hub: &Arc<Hub>,
    id: i64,
    badge: Badge,
    (oldest, silence): (Timestamp, Option<&dyn Silence>),
) -> Result<Option<Plan>, StoreError> {
    let Some(pusher) = pushers::get(tx, id)? else { return Ok(None) };
    let upto = stream::head(tx)?;
    let ignored = unread::ignored_users(tx, pusher.user)?;
    let who = Who::new(tx, context, pusher.user, &pusher.user_id, &ignored)?;
    let mut planning = Planning { tx, context, hub, who, ignored, pusher, upto, oldest };
    let (badge, unread) = planning.badge(badge)?;
    let mut notices = planning.notices()?;
    if let Some(silence) = silence.filter(|_| !notices.is_empty()) {
        match silence.of(tx, &planning.pusher.user_id, context.now())? {
            Disturb::Everything => {}
            Disturb::Urgent => notices.retain(|notice| web::class(notice).as_deref() == Some("urgent")),
            Disturb::Nothing => notices.clear(),
        }
    }
    notices.sort_by_key(|notice| notice.event.pos);
    let more = notices.len() > MOST;
    notices.truncate(MOST);
    let told = notices.last().filter(|_| more).map_or(upto, |notice| notice.event.pos);
    // Alerts are for those whom nothing else may disturb, too: that is what they are.
    let pusher = planning.pusher;
    let alerts =
        if pusher.activated { alerts::after(tx, pusher.user, pusher.cursor, oldest)? } else { Vec::new() };
    let alerts = alerts.into_iter().filter(|alert| alert.pos <= told).collect();
    Ok(Some(Plan { pusher, notices, alerts, upto: told, more, unread, badge }))
}

impl Plan {
    /// Everything that is told, in its order.
    pub(super) fn tellings(&self) -> Vec<Telling<'_>> {
        let events = self.notices.iter().map(Telling::Event);
        let mut all: Vec<Telling<'_>> = events.chain(self.alerts.iter().map(Telling::Alert)).collect();
        all.sort_by_key(Telling::pos);
        all
    }
}

/// One thing that is told.
#[derive(Clone, Copy)]
pub(super) enum Telling<'p> {
    Event(&'p Notice),
    Alert(&'p Alert),
}

impl Telling<'_> {
    /// Where it stands in the stream.
    pub(super) fn pos(&self) -> Pos {
        match self {
            Self::Event(notice) => notice.event.pos,
            Self::Alert(alert) => alert.pos,
        }
    }
}

struct Planning<'a> {
    tx: &'a ReadTx<'a>,
    context: &'a Context,
    hub: &'a Arc<Hub>,
    who: Who,
    ignored: HashSet<String>,
    pusher: Pusher,
    upto: Pos,
    oldest: Timestamp,
}

impl Planning<'_> {
    /// The rooms in which something may have happened for the user after a position.
    fn moved_after(&self, pos: Pos) -> Result<HashSet<RoomNid>, StoreError> {
        // The snapshot is older than what the hub names, but for the rows in between.
        let seen = self.hub.news(self.pusher.user).since(pos, 0);
        let gap = stream::range(self.tx, seen.applied, self.upto, usize::MAX)?;
        Ok(seen.rooms.into_iter().chain(gap.iter().filter_map(|row| row.room)).collect())
    }

    fn count(&self, room: RoomNid, user: UserNid) -> Result<u64, StoreError> {
        let member = members::get(self.tx, room, user)?;
        if member.is_none_or(|member| member.membership != Membership::Join) {
            return Ok(0);
        }
        let Some(row) = rooms::get(self.tx, room)? else { return Ok(0) };
        let counted = unread::count(self.tx, self.context, &self.who, &self.ignored, &row, self.upto)?;
        Ok(counted.total().0)
    }

    fn badge(&self, mut badge: Badge) -> Result<(Badge, Unread), StoreError> {
        let user = self.pusher.user;
        let rooms: Vec<RoomNid> = if badge.basis == Some(self.who.basis) {
            self.moved_after(badge.upto)?.into_iter().collect()
        } else {
            badge.rooms.clear();
            stored::joined_rooms(self.tx, user)?.into_iter().map(|(room, _)| room).collect()
        };
        for room in rooms {
            match self.count(room, user)? {
                0 => drop(badge.rooms.remove(&room)),
                count => drop(badge.rooms.insert(room, count)),
            }
        }
        (badge.basis, badge.upto) = (Some(self.who.basis), self.upto);
        let unread = Unread { messages: badge.rooms.values().sum(), conversations: badge.rooms.len() };
        Ok((badge, unread))
    }

    fn notices(&mut self) -> Result<Vec<Notice>, StoreError> {
        let mut notices = Vec::new();
        if !self.pusher.activated {
            return Ok(notices);
        }
        for room in self.moved_after(self.pusher.cursor)? {
            let Some(member) = members::get(self.tx, room, self.pusher.user)? else { continue };
            let Some(row) = rooms::get(self.tx, room)? else { continue };
            match member.membership {
                Membership::Join => {
                    let after = self.pusher.cursor;
                    let fresh = unread::fresh(self.tx, self.context, &self.who, &self.ignored, &row, after)?;
                    for (event, rule) in fresh {
                        notices.extend(self.notice(event, rule, &row, false)?);
                    }
                }
                Membership::Invite if member.pos > self.pusher.cursor => {
                    let event = self.context.events.get(self.tx, member.event)?;
                    if self.ignored.contains(event.pdu.sender.as_str()) || event.redacted_by.is_some() {
                        continue;
                    }
                    let who = &self.who;
                    let mut joined = || unread::joined_at(self.tx, &self.context.events, &row, event.pos);
                    let (rules, user) = (&who.rules, &who.user_id);
                    let rule = unread::decide(self.tx, self.context, rules, user, &event, &mut joined)?;
                    if who.rules.set.outcome(rule).notify {
                        notices.extend(self.notice(event, rule, &row, true)?);
                    }
                }
                _ => {}
            }
        }
        Ok(notices)
    }

    /// `None` for an event that is too old to be told.
    fn notice(
        &self,
        event: Arc<Event>,
        rule: Option<u16>,
        room: &RoomRow,
        invites: bool,
    ) -> Result<Option<Notice>, StoreError> {
        if event.pdu.origin_server_ts < self.oldest {
            return Ok(None);
        }
        let rules = &self.who.rules.set;
        let outcome = rules.outcome(rule);
        let names = if super::gateway::is_full(&self.pusher) && !room.encrypted {
            Some(self.names(&event, room)?)
        } else {
            None
        };
        Ok(Some(Notice {
            event,
            room: room.clone(),
            actions: rules.actions(rule).to_owned(),
            highlight: outcome.highlight,
            sound: outcome.sound,
            invites,
            names,
        }))
    }

    fn names(&self, event: &Event, room: &RoomRow) -> Result<Names, StoreError> {
        #[derive(Default, Deserialize)]
        struct Content {
            displayname: Option<String>,
            name: Option<String>,
            alias: Option<String>,
        }
        let content = |kind: &str, key: &str| -> Result<Content, StoreError> {
            let nid = state::current_event(self.tx, room.nid, kind, key)?;
            let event = nid.map(|nid| self.context.events.get(self.tx, nid)).transpose()?;
            Ok(event.and_then(|event| event.pdu.content_as().ok()).unwrap_or_default())
        };
        Ok(Names {
            sender: content("m.room.member", event.pdu.sender.as_str())?.displayname,
            room: content("m.room.name", "")?.name,
            alias: content("m.room.canonical_alias", "")?.alias,
        })
    }
}
