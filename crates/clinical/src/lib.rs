//! Directory, on-call roles, patients and the request engine.
//!
//! [`Clinical`] is the whole floor: built once with the store, the column key, the clock, the random source and
//! its port into Matrix ([`Conversations`]), and asked by `http`. Its parts: `directory` (who and what there is), `directory_editor` (changed by hand), `directory_search` (found as one types),
//! `on_call` (who holds a role), `subscriptions` (who is told when requests change), `standing` (whom the steps of a plan ask at a moment), `sign_on` (taking it and handing it over), `duty` (what follows the role), `duty_status` (whether people work, and what may disturb them), `device_checks` (whether their devices work), `patients` (admission to discharge), `access` (who may resolve a patient),
//! `merge` (what a merge or discharge does to conversations), `break_glass` (opening a conversation from outside), `access_list` (who looked at a patient), `handover` (what is open when a role changes hands), `handover_code` (handing it over from phone to phone), `shifts` (the rota by hand), `editors` (who may change rota and playbooks), `digest` (what was sent for information, told twice a day), `alarms` (the server's own requests), `calls` (crash calls and broadcasts),
//! `requests` (raising and moving them), `timers` (their durable clocks), `outbox` (work in rooms that follows a
//! decision), `playbooks` (what rota and directory say against one), `known_playbooks` (each parsed once), `playbook_editor` (saving one by hand), `proof` (the signed chain of a request), `refusal` (the codes of what is refused), `interruptions` (how often teams are), `import` (FHIR bundles, tables, iCalendar, HL7 v2 ADT files, playbooks).
//!
//! # Invariants
//! - Every transition of a request is one transaction: task, transition, clock, audit entry and the announcement
//!   that is owed to the room. Killed at any instant, either all of it is there or nothing.
//! - Work in rooms is done from a durable outbox and is repeated until it succeeds; each piece bears a key that
//!   makes the repetition harmless.
//! - A clock rings once, however often the server restarts.

mod access;
mod access_list;
mod alarms;
mod break_glass;
mod calls;
mod device_checks;
mod digest;
mod directory;
mod directory_editor;
mod directory_search;
mod duty;
mod duty_status;
mod editors;
mod error;
mod handover;
mod handover_code;
mod import;
mod interruptions;
mod known_playbooks;
mod merge;
mod on_call;
mod outbox;
mod patients;
mod playbook_editor;
mod playbooks;
mod ports;
mod proof;
mod refusal;
mod requests;
mod shifts;
mod sign_on;
mod standing;
mod subscriptions;
mod timers;

use std::sync::{Arc, atomic::AtomicI64};

use tokio::sync::Notify;
use wardline_domain::{
    Clock, Random,
    care::{bank_holiday::BankHolidays, rota::LocalTime},
    ruma::{OwnedServerName, OwnedUserId, UserId},
    signing::Signer,
};
use wardline_outgoing::Outgoing;
use wardline_store::Store;

pub use access_list::{Access, AccessKind, LooksWanted};
pub use break_glass::BreakGlass;
pub use calls::{
    Board, BoardAnswer, BoardRow, CallManagers, CallOptions, CallPlan, CallReport, CallView, MAX_PEOPLE,
    NewCall, NewCallKind, PlanRole,
};
pub use directory_editor::{DirectoryEntry, NoneLike, WrittenEntry};
pub use directory_search::{EntryKind, FoundEntry};
pub use duty_status::{Silence, silence};
pub use editors::Editor;
pub use error::ClinicalError;
pub use handover::HandoverList;
pub use handover_code::HandoverCode;
pub use import::{ImportChange, ImportMode, ImportProblem, ImportReport};
pub use interruptions::{Budget, NoiseReport};
pub use jiff::tz::TimeZone;
pub use known_playbooks::KnownPlaybooks;
pub use on_call::{OnCall, OpenOffer};
pub use playbook_editor::PlaybookVersion;
pub use playbooks::{PlaybookProblem, Simulated};
pub use ports::{Conversations, PortError, PortFuture};
pub use refusal::{Conflict, Fault, Only};
pub use requests::{Circumstances, NewRequest, TaskView};
pub use shifts::NewShift;
pub use sign_on::Until;
pub use wardline_store::clinical::{
    ColumnCipher,
    calls::{Audience, Call, CallKind, Called, CalledPerson, Reply},
    device_checks::{DeviceCheck, DevicePart},
    directory::{Location, LocationKind, Organisation, Practitioner, Service},
    duty::{Cover, DutyState, DutyStatus, Reach},
    handovers::Handover,
    on_call::Rank,
    patients::{Demographics, Patient},
    rota::{Duty, PractitionerRole},
    subscriptions::{Criteria, Subscription, Terms},
    tasks::{CallPart, Task},
    teams::{Member, Team},
};

/// What the clinical floor is built from.
#[derive(Clone, Debug)]
pub struct ClinicalParts {
    /// The store.
    pub store: Store,
    /// The key for columns; it lives outside the database.
    pub cipher: ColumnCipher,
    /// The injected time.
    pub clock: Arc<dyn Clock>,
    /// The injected randomness.
    pub random: Arc<dyn Random>,
    /// The right-hand side of this server's user ids.
    pub server_name: OwnedServerName,
    /// The time zone in which rotas are written, such as `Europe/London`.
    pub zone: TimeZone,
    /// The days on which a playbook may behave as at weekends.
    pub holidays: BankHolidays,
    /// How often a team may be interrupted.
    pub budget: Budget,
    /// After how many minutes without a device that is in use or that push reaches the holder of a role counts as
    /// unreachable, which is an alarm as a vacancy is; `None`: never.
    pub unreachable_after: Option<u32>,
    /// When, by local clocks, people are told what was sent to them for information; empty is never.
    pub digest_times: Vec<LocalTime>,
    /// The key that signs transitions of requests: the server's.
    pub signer: Arc<Signer>,
    /// Who may broadcast, and see and end every call.
    pub call_managers: CallManagers,
    /// The client by which subscribers are told; without it nobody is.
    pub outgoing: Option<Outgoing>,
    /// The rooms.
    pub conversations: Arc<dyn Conversations>,
    /// The playbooks as they were read last; none at first.
    pub playbooks: KnownPlaybooks,
}

/// Directory, on-call roles, patients and requests of one server.
#[derive(Debug)]
pub struct Clinical {
    parts: ClinicalParts,
    timers_changed: Notify,
    outbox_filled: Notify,
    /// Rung when subscribers may have news.
    news: Notify,
    /// The directory as it is searched.
    indexed: directory_search::Indexed,
    /// Changed whenever a call may have.
    calls_changed: tokio::sync::watch::Sender<()>,
    /// When the roles are looked at next, in ms.
    roles_due: AtomicI64,
    /// When digests are sent next, in ms.
    digests_due: AtomicI64,
}

/// The signed-in person behind a call, or a system of the organisation without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Their user id. That of a system begins with `@~`, which no account's can.
    pub user: OwnedUserId,
    /// The device that they use.
    pub device: Option<String>,
}

impl Caller {
    /// The id of their Practitioner: the local part of the user id.
    #[must_use]
    pub fn person(&self) -> &str {
        self.user.localpart()
    }

    /// Whether this is a system without a person: it sees all records of the kinds that an administrator has opened to it,
    /// and is in no conversation.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.user.localpart().starts_with('~')
    }
}

impl Clinical {
    /// Builds the floor. Nothing runs until [`Clinical::run`].
    #[must_use]
    pub fn new(parts: ClinicalParts) -> Self {
        Self {
            parts,
            timers_changed: Notify::new(),
            outbox_filled: Notify::new(),
            news: Notify::new(),
            indexed: directory_search::Indexed::default(),
            calls_changed: tokio::sync::watch::Sender::new(()),
            roles_due: AtomicI64::new(0),
            digests_due: AtomicI64::new(0),
        }
    }

    /// The time zone of the organisation's clocks.
    #[must_use]
    pub const fn zone(&self) -> &TimeZone {
        &self.parts.zone
    }

    /// The playbooks as they were read last.
    #[must_use]
    pub const fn known_playbooks(&self) -> &KnownPlaybooks {
        &self.parts.playbooks
    }

    /// Runs the clocks and the outbox until the future is dropped, which is safe at any instant.
    pub async fn run(&self) {
        tokio::join!(self.run_timers(), self.run_outbox(), self.run_subscriptions());
    }

    /// The Matrix user of a practitioner.
    ///
    /// # Errors
    /// [`ClinicalError::Invalid`] if the id cannot be the local part of a user id.
    pub fn user_of(&self, person: &str) -> Result<OwnedUserId, ClinicalError> {
        user_of(person, &self.parts.server_name)
    }

    /// Tells the workers that a transaction may have set clocks or left jobs.
    fn wake(&self) {
        self.timers_changed.notify_one();
        self.outbox_filled.notify_one();
        self.news.notify_one();
        self.calls_changed.send_replace(());
    }
}

fn user_of(person: &str, server: &wardline_domain::ruma::ServerName) -> Result<OwnedUserId, ClinicalError> {
    UserId::parse(format!("@{person}:{server}"))
        .map_err(|_| ClinicalError::invalid("Practitioner.id", "is not the local part of a user id"))
}
