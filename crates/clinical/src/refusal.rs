//! Why the clinical floor refuses, in codes that do not change: clients tell refusals from each other by them, and say them
//! in the language of their user. The sentences are for people who read English and for logs.

use wardline_domain::{Timestamp, care::rota::LocalTimeError};

macro_rules! refusals {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $code:literal, $words:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $(#[doc = $words] $variant),* }

        impl $name {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its code, of the code system `refusal`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }

            /// The same in English.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self { $(Self::$variant => $words),* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.words())
            }
        }
    };
}

refusals! {
    /// What something contradicts that is there already.
    Conflict {
        AnswersExhausted = "answers-exhausted", "this answer was changed too often";
        CallEnded = "call-ended", "this call has ended";
        CallIdTaken = "call-id-taken", "another call has this id";
        CodeLapsed = "code-lapsed", "who showed this code does not hold the role any more";
        CodeOwn = "code-own", "you hold this role: another person scans the code";
        CodeSpent = "code-spent", "this code was used or has lapsed: ask for a new one";
        ConversationNotOpen = "conversation-not-open", "the patient's conversation is still being opened";
        CrashCallRepeats = "crash-call-repeats", "a crash call repeats itself by its playbook";
        HandoverChanged = "handover-changed", "the list has changed meanwhile: read it again";
        HoldsRole = "holds-role", "you hold a role: hand it over or put it down before you go off duty";
        KeptElsewhere = "kept-elsewhere", "this team is kept by the identity system: change it there";
        NoProof = "no-proof",
            "this request has not changed since before transitions were signed: it has no proof";
        OfferLapsed = "offer-lapsed", "who offered this role does not hold it any more";
        PatientDischarged = "patient-discharged", "the patient was discharged: the conversation is closed";
        RecordMerged = "record-merged", "this record was merged: the patient has another one";
        RequestIdTaken = "request-id-taken", "another request has this id";
        RequestIdentifierTaken = "request-identifier-taken", "another request has this identifier";
        RoleHeld = "role-held", "somebody holds this role: they can offer it to you or put it down";
        RoleNotOnOffer = "role-not-on-offer", "this role is not on offer";
        ShiftBeingWorked = "shift-being-worked", "this shift is being worked: only its end can be changed";
        ShiftPassed = "shift-passed", "this shift has passed: who worked it stays on record";
        ShiftSignOn = "shift-sign-on", "this is a sign-on: its holder hands it over or puts it down";
        SubscriptionsExhausted = "subscriptions-exhausted",
            "you have twenty subscriptions: delete one first";
    }
}

refusals! {
    /// Who alone may do something that others may not.
    Only {
        Broadcasters = "only-broadcasters", "those whom the organisation lets broadcast";
        CallManagers = "only-call-managers", "who made the call and who manages calls";
        CallPeople = "only-call-people", "who made the call, who manages calls and who comes";
        DirectoryEditors = "only-directory-editors", "administrators";
        Holder = "only-holder", "the holder of this role";
        HolderOrOffered = "only-holder-or-offered", "who holds the role, and whom it is offered to";
        Members = "only-members", "members of the patient's conversation";
        Offer = "only-offer", "the two people of this offer";
        Offered = "only-offered", "the person to whom the role was offered";
        PlaybookEditors = "only-playbook-editors",
            "administrators, the duty manager and the clinical safety officer";
        PrivacyOfficer = "only-privacy-officer", "the holder of the privacy officer's role";
        RotaEditors = "only-rota-editors", "administrators and the duty manager";
        Oneself = "only-self", "the person themselves";
        Staff = "only-staff", "members of staff in the directory";
    }
}

/// What is wrong with a value, where clients tell it from other mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its time is somebody else's.
    #[error("overlaps a shift of the same role that begins at {}", .0.to_instant())]
    Overlap(Timestamp),
    /// It is no time of day that the clocks of the Trust show once.
    #[error(transparent)]
    LocalTime(#[from] LocalTimeError),
    /// Its end.
    #[error("must end after it starts")]
    EndsBeforeStart,
    /// Its length.
    #[error("a shift has at most 24 hours")]
    TooLong,
    /// Its time is over.
    #[error("must lie in the future")]
    NotInFuture,
    /// Its time is over or far away.
    #[error("must be within the coming 24 hours")]
    NotWithinADay,
    /// Nobody of the directory.
    #[error("there is no such person")]
    UnknownPerson,
    /// No role of the directory.
    #[error("there is no such role")]
    UnknownRole,
    /// No team of the directory.
    #[error("there is no such team")]
    UnknownTeam,
    /// No place of the directory.
    #[error("there is no such ward")]
    UnknownWard,
    /// The caller themselves.
    #[error("must be somebody else")]
    SomebodyElse,
}

impl Fault {
    /// Its code, of the code system `refusal`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Overlap(_) => "overlap",
            Self::LocalTime(LocalTimeError::Form) => "time-unreadable",
            Self::LocalTime(LocalTimeError::Missing) => "time-skipped",
            Self::LocalTime(LocalTimeError::Twice) => "time-twice",
            Self::EndsBeforeStart => "ends-before-start",
            Self::TooLong => "too-long",
            Self::NotInFuture => "not-in-future",
            Self::NotWithinADay => "not-within-a-day",
            Self::UnknownPerson => "unknown-person",
            Self::UnknownRole => "unknown-role",
            Self::UnknownTeam => "unknown-team",
            Self::UnknownWard => "unknown-ward",
            Self::SomebodyElse => "somebody-else",
        }
    }

    /// The instant that it speaks of.
    #[must_use]
    pub const fn at(self) -> Option<Timestamp> {
        match self {
            Self::Overlap(begin) => Some(begin),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_refusals_share_a_code() {
        let codes = Conflict::ALL.iter().map(|it| it.code()).chain(Only::ALL.iter().map(|it| it.code()));
        let codes: Vec<&str> = codes.collect();
        assert_eq!(codes.len(), codes.iter().collect::<BTreeSet<_>>().len());
        assert!(Only::ALL.iter().all(|it| it.code().starts_with("only-")));
    }

    #[test]
    fn every_code_is_in_the_document() {
        let document = include_str!("../../../docs/protocol/refusals.md");
        let faults = [
            Fault::Overlap(Timestamp(0)),
            Fault::LocalTime(LocalTimeError::Form),
            Fault::LocalTime(LocalTimeError::Missing),
            Fault::LocalTime(LocalTimeError::Twice),
            Fault::EndsBeforeStart,
            Fault::TooLong,
            Fault::NotInFuture,
            Fault::NotWithinADay,
            Fault::UnknownPerson,
            Fault::UnknownRole,
            Fault::UnknownTeam,
            Fault::UnknownWard,
            Fault::SomebodyElse,
        ];
        let conflicts = Conflict::ALL.iter().map(|it| it.code());
        let others = Only::ALL.iter().map(|it| it.code()).chain(faults.iter().map(|it| it.code()));
        for code in conflicts.chain(others) {
            assert!(document.contains(&format!(" {code} ")), "{code}");
        }
    }
}
