//! What an entry says.

use std::collections::BTreeMap;

use wardline_domain::Timestamp;

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// What was done. The names are stored and never change their meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Action { $($(#[$doc])* $name),* }

        impl Action {
            /// The stable name, as stored.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

actions! {
    /// An account was made.
    AccountCreated = "account.created",
    /// An account was joined to a person at an identity provider.
    AccountLinked = "account.linked",
    /// The organisation's identity system disabled or enabled an account; `disabled` in the detail.
    AccountDisabled = "account.disabled",
    /// The organisation's identity system made, changed or deleted a user or a group.
    Provisioned = "account.provisioned",
    /// An administrator made or revoked a token for provisioning; `change` in the detail.
    ProvisioningToken = "scim.token",
    /// An account was deactivated.
    AccountDeactivated = "account.deactivated",
    /// An administrator suspended or locked an account, or ended that; `suspended` and `locked` in the detail.
    AccountHeld = "account.held",
    /// An administrator changed an account; `admin` in the detail.
    AccountChanged = "account.changed",
    /// An administrator changed a room from outside; `change` in the detail says how.
    RoomAdministered = "room.administered",
    /// An administrator put a file into quarantine, took it out or deleted it.
    MediaAdministered = "media.administered",
    /// An administrator made, changed or deleted a registration token.
    RegistrationTokenChanged = "registration-token.changed",
    /// An administrator sent a notice to a person.
    NoticeSent = "notice.sent",
    /// An administrator closed a report.
    ReportClosed = "report.closed",
    /// An administrator looked at something; `path` in the detail says at what.
    AdministrationRead = "administration.read",
    /// A password was changed.
    PasswordChanged = "account.password-changed",
    /// Somebody signed in, or failed to (outcome `refused`).
    SignIn = "session.sign-in",
    /// Somebody signed out.
    SignOut = "session.sign-out",
    /// A refresh token was used again after its successor was in use: it may be stolen. The session was ended.
    TokenReused = "session.token-reused",
    /// A client registered with the OAuth 2.0 server.
    ClientRegistered = "oauth.client-registered",
    /// An administrator registered, changed or removed a system that uses the FHIR API by itself; `change` in the detail.
    SystemClientChanged = "oauth.system-client",
    /// Such a system was given a token, or refused one (`why` in the detail).
    SystemToken = "oauth.system-token",
    /// Somebody was asked whether a client may act for them; refused if they said no.
    ConsentGiven = "oauth.consent",
    /// A person allowed their cross-signing keys to be replaced once.
    CrossSigningResetAllowed = "keys.cross-signing-reset-allowed",
    /// A passkey, an application for one-time codes or recovery codes were added, changed, used up or removed; `factor`
    /// and `change` in the detail say which.
    FactorChanged = "account.factor-changed",
    /// An administrator let somebody make an account by a one-time link.
    InvitationMade = "account.invitation-made",
    /// Such a link was withdrawn before it was used.
    InvitationWithdrawn = "account.invitation-withdrawn",
    /// A device that was signed out from elsewhere said that it has erased what it held.
    DeviceErased = "device.erased",
    /// A device was deleted, with its keys.
    DeviceDeleted = "device.deleted",
    /// A dehydrated device was left, in place of the one before.
    DeviceDehydrated = "device.dehydrated",
    /// Cross-signing keys were set or replaced; `keys` in the detail says which.
    CrossSigningSet = "keys.cross-signing-set",
    /// A person was given their recovery key by the key service.
    RecoveryKeyRead = "keys.recovery-key-read",
    /// A person's recovery key was left with the key service.
    RecoveryKeyStored = "keys.recovery-key-stored",
    /// A room was made.
    RoomCreated = "room.created",
    /// Somebody's membership of a room changed; `membership` in the detail says to what.
    MembershipChanged = "room.membership",
    /// A patient was resolved from the opaque reference.
    PatientRead = "patient.read",
    /// A patient was made or changed by an import.
    PatientWritten = "patient.written",
    /// Somebody opened a patient's conversation from outside the care team; `grant` in the detail leads to the reason.
    /// Refused if the identifiers were not those of one patient.
    BreakGlass = "patient.break-glass",
    /// The privacy officer looked for a patient, to read who looked at them; `why` in the detail leads to the reason.
    AccessListSearched = "patient.access-list-searched",
    /// The list of those who looked at a patient was read.
    AccessListRead = "patient.access-list-read",
    /// A list of patients was read.
    PatientSearched = "patient.searched",
    /// A role, shift, ward or other part of the directory was made or changed.
    DirectoryWritten = "directory.written",
    /// Somebody took, offered, accepted, declined or put down a role; `change` in the detail says which.
    RoleChanged = "role.changed",
    /// Somebody accepted the handover list of a role; `digest` in the detail names the list.
    HandoverAccepted = "handover.accepted",
    /// A shift was entered, changed or removed by hand; `change` in the detail says which.
    ShiftWritten = "rota.shift-written",
    /// A playbook was saved or withdrawn by hand; `version` in the detail is the one that it has now.
    PlaybookWritten = "playbook.written",
    /// Somebody said that they are on duty, busy or off duty; `state` in the detail says which.
    DutyChanged = "duty.changed",
    /// A role has another holder, or none; `from` and `to` in the detail.
    RoleHeld = "role.held",
    /// A request went from one state to another; `state` in the detail says to which.
    RequestTransition = "request.transition",
    /// A crash call or broadcast was made; `kind` and `drill` in the detail.
    CallRaised = "call.raised",
    /// Somebody answered a broadcast; `answer` in the detail.
    CallAnswered = "call.answered",
    /// Those who had not answered a broadcast were told again.
    CallRepeated = "call.repeated",
    /// A crash call or broadcast was ended.
    CallEnded = "call.ended",
    /// The board of a call was opened, or its report taken; `report` in the detail says in what form.
    CallRead = "call.read",
    /// An event, room or user was reported; `report` in the detail is the report's number.
    Reported = "report",
    /// Another system is told of changes of requests from now on, or is no longer; `change` in the detail says which.
    SubscriptionChanged = "subscription.changed",
    /// A request went with its patient's record into another one.
    RequestMoved = "request.moved",
    /// A file was imported.
    Import = "import",
    /// The server was restored from a backup: what happened after `position` is lost.
    Restored = "server.restored",
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was not allowed.
    Refused,
    /// It was allowed and did not work.
    Failed,
}

impl Outcome {
    /// The stable name, as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// One entry, before it gets its number and hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it happened.
    pub at: Timestamp,
    /// Who acted: a user id, or `system:` and a part of the server (`system:timer`, `system:import`).
    pub actor: String,
    /// What was done.
    pub action: Action,
    /// Id of what was acted on: a user, room, request or opaque patient reference.
    pub target: Option<String>,
    /// The actor's device id.
    pub device: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Further ids and stable words by name. No patient identifiers, names or text.
    pub detail: BTreeMap<String, String>,
}

impl Entry {
    /// A successful `action` by `actor`, with nothing more said.
    pub fn new(at: Timestamp, actor: impl Into<String>, action: Action) -> Self {
        Self {
            at,
            actor: actor.into(),
            action,
            target: None,
            device: None,
            outcome: Outcome::Success,
            detail: BTreeMap::new(),
        }
    }

    /// This entry about `target`.
    #[must_use]
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// This entry from the actor's device.
    #[must_use]
    pub fn device(mut self, device: impl Into<String>) -> Self {
        self.device = Some(device.into());
        self
    }

    /// This entry with another outcome than success.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// This entry with one more detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }
}
