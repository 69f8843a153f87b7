//! What can happen in a history.

use proptest::prelude::*;

use super::super::phone::Mode;

/// People in a history.
pub(super) const PEOPLE: usize = 3;
/// The most rooms that a history begins with: two open ones, and one to knock at.
pub(super) const ROOMS: usize = 3;

/// One life of a small server.
#[derive(Clone, Debug)]
pub(super) struct History {
    /// The history visibility of each room at first.
    pub(super) visibilities: [u8; ROOMS],
    /// Whether there is the room to knock at.
    pub(super) knock: bool,
    /// Somebody who ignores somebody from the beginning.
    pub(super) ignores: Option<(usize, usize)>,
    /// Clients of `/sync`: whose, and how they want to be told.
    pub(super) phones: Vec<(usize, Mode)>,
    /// Clients of sliding sync.
    pub(super) glances: Vec<(usize, Mode)>,
    pub(super) operations: Vec<Operation>,
}

/// People and clients are counted from 0 and around; so are rooms, of which an upgrade makes more.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    Join(usize, usize),
    Leave(usize, usize),
    Invite(usize, usize, usize),
    Kick(usize, usize),
    Ban(usize, usize),
    Unban(usize, usize),
    Knock(usize, usize),
    Forget(usize, usize),
    Say(usize, usize),
    Topic(usize, usize, u8),
    Visibility(usize, usize, u8),
    Redact {
        person: usize,
        room: usize,
        back: usize,
    },
    Upgrade(usize, usize),
    Receipt {
        person: usize,
        room: usize,
        kind: usize,
        back: usize,
    },
    /// Account data of a room or (`None`) of the account; 0 deletes it.
    Data(usize, Option<usize>, u8),
    Sync {
        phone: usize,
        limit: usize,
        lost: bool,
    },
    Glance {
        glance: usize,
        change: Change,
        lost: bool,
    },
}

/// How a client of sliding sync changes what it looks at before it asks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    Nothing,
    /// The last index of its list.
    Range(usize),
    Limit(usize),
    Subscribe(usize),
    Unsubscribe(usize),
    /// A second list, of invites or of joined rooms.
    Second(bool),
    NoSecond,
    Extensions(bool),
    Anew,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => Just(Change::Nothing),
        2 => (0..3_usize).prop_map(Change::Range),
        2 => (0..6_usize).prop_map(Change::Limit),
        1 => (0..ROOMS).prop_map(Change::Subscribe),
        1 => (0..ROOMS).prop_map(Change::Unsubscribe),
        1 => any::<bool>().prop_map(Change::Second),
        1 => Just(Change::NoSecond),
        1 => any::<bool>().prop_map(Change::Extensions),
        1 => Just(Change::Anew),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let person = || 0..PEOPLE;
    let room = || 0..ROOMS + 1;
    prop_oneof![
        5 => (person(), room()).prop_map(|(p, r)| Operation::Join(p, r)),
        2 => (person(), room()).prop_map(|(p, r)| Operation::Leave(p, r)),
        3 => (person(), person(), room()).prop_map(|(p, q, r)| Operation::Invite(p, q, r)),
        1 => (person(), room()).prop_map(|(p, r)| Operation::Kick(p, r)),
        1 => (person(), room()).prop_map(|(p, r)| Operation::Ban(p, r)),
        1 => (person(), room()).prop_map(|(p, r)| Operation::Unban(p, r)),
        1 => (person(), room()).prop_map(|(p, r)| Operation::Knock(p, r)),
        1 => (person(), room()).prop_map(|(p, r)| Operation::Forget(p, r)),
        8 => (person(), room()).prop_map(|(p, r)| Operation::Say(p, r)),
        3 => (person(), room(), 0..4_u8).prop_map(|(p, r, n)| Operation::Topic(p, r, n)),
        1 => (person(), room(), 0..4_u8).prop_map(|(p, r, n)| Operation::Visibility(p, r, n)),
        2 => (person(), room(), 0..4_usize)
            .prop_map(|(person, room, back)| Operation::Redact { person, room, back }),
        1 => (person(), room()).prop_map(|(p, r)| Operation::Upgrade(p, r)),
        3 => (person(), room(), 0..3_usize, 0..4_usize)
            .prop_map(|(person, room, kind, back)| Operation::Receipt { person, room, kind, back }),
        2 => (person(), prop::option::of(room()), 0..3_u8).prop_map(|(p, r, n)| Operation::Data(p, r, n)),
        8 => (0..4_usize, 1..5_usize, prop::bool::weighted(0.3))
            .prop_map(|(phone, limit, lost)| Operation::Sync { phone, limit, lost }),
        8 => (0..3_usize, change(), prop::bool::weighted(0.3))
            .prop_map(|(glance, change, lost)| Operation::Glance { glance, change, lost }),
    ]
}

pub(super) fn history() -> impl Strategy<Value = History> {
    let mode = prop_oneof![Just(Mode::Full), Just(Mode::Lazy), Just(Mode::After), Just(Mode::Filtered)];
    let glance = prop_oneof![Just(Mode::Full), Just(Mode::Lazy)];
    let visibility = prop_oneof![1 => Just(0_u8), 1 => Just(1_u8), 3 => Just(2_u8), 1 => Just(3_u8)];
    (
        prop::array::uniform3(visibility),
        prop::bool::weighted(0.3),
        prop::option::weighted(0.3, (0..PEOPLE, 1..PEOPLE).prop_map(|(a, b)| (a, (a + b) % PEOPLE))),
        prop::collection::vec((0..PEOPLE, mode), 1..4),
        prop::collection::vec((0..PEOPLE, glance), 1..3),
        prop::collection::vec(operation(), 1..50),
    )
        .prop_map(|(visibilities, knock, ignores, phones, glances, operations)| History {
            visibilities,
            knock,
            ignores,
            phones,
            glances,
            operations,
        })
}
