//! Admissions, discharges and transfers: the subset of HL7 v2 ADT messages (v2.5.1 chapter 3) that
//! moves patients between wards, as typed events.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Change, Element, Hl7Error, Message, Segment};
use crate::care::NhsNumber;

/// What happened, by trigger event (MSH-9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdtKind {
    /// A01: admitted to a bed.
    Admit,
    /// A02: moved to another ward or bed.
    Transfer,
    /// A03: left hospital.
    Discharge,
    /// A04: registered as an outpatient or in the emergency department.
    Register,
    /// A08: particulars corrected.
    Update,
    /// A11: the admission was a mistake.
    CancelAdmit,
    /// A12: the transfer was a mistake; PV1-3 is where the patient is.
    CancelTransfer,
    /// A13: the discharge was a mistake; PV1-3 is where the patient is.
    CancelDischarge,
    /// A28: a person was added, not admitted.
    AddPerson,
    /// A31: a person's particulars corrected.
    UpdatePerson,
    /// A40: two records are one person; MRG-1 is the record that ends.
    Merge,
}

/// Administrative gender as FHIR names it (from HL7 table 0001).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gender {
    /// `F`
    Female,
    /// `M`
    Male,
    /// `O` or `A`
    Other,
    /// `U` or `N`
    Unknown,
}

/// A person's name (data type XPN).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// Surname.
    pub family: String,
    /// Forenames, separated by spaces; empty if not sent.
    #[serde(default)]
    pub given: String,
    /// Title such as `Mrs`; empty if not sent.
    #[serde(default)]
    pub title: String,
}

/// An identifier that a local system gave (data type CX).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalId {
    /// The number itself.
    pub value: String,
    /// Who assigned it (CX-4.1); empty if not sent.
    pub authority: String,
}

/// The identifiers of one record (PID-3 or MRG-1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identifiers {
    /// The NHS number: the repetition whose assigning authority is `NHS` or whose type is `NH`.
    pub nhs_number: Option<NhsNumber>,
    /// The first other identifier.
    pub local: Option<LocalId>,
}

/// What the message says about the patient (PID).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdtPatient {
    /// PID-3.
    pub identifiers: Identifiers,
    /// PID-5, the first repetition.
    pub name: Change<Name>,
    /// PID-7, the date part.
    pub birth_date: Change<Date>,
    /// PID-8.
    pub gender: Change<Gender>,
    /// PID-30, or true if PID-29 gives a time of death.
    pub deceased: Change<bool>,
    /// PD1-12: the patient's record is restricted (`R`): nobody may learn from it where they live or can be reached.
    pub restricted: Change<bool>,
}

/// Where the patient is (data type PL).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Code of the ward (PL-1, point of care).
    pub ward: String,
    /// Code of the bed (PL-3), with the bay or room (PL-2) before it if both were sent.
    pub bed: Option<String>,
}

/// One typed ADT event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdtEvent {
    /// What happened.
    pub kind: AdtKind,
    /// The sender's id of the message (MSH-10).
    pub control_id: String,
    /// Whom it is about.
    pub patient: AdtPatient,
    /// Where the patient is now (PV1-3).
    pub location: Option<Place>,
    /// The record that ends (MRG-1), for [`AdtKind::Merge`].
    pub merged: Option<Identifiers>,
}

impl AdtKind {
    fn from_trigger(code: &str) -> Option<Self> {
        Some(match code {
            "A01" => Self::Admit,
            "A02" => Self::Transfer,
            "A03" => Self::Discharge,
            "A04" => Self::Register,
            "A08" => Self::Update,
            "A11" => Self::CancelAdmit,
            "A12" => Self::CancelTransfer,
            "A13" => Self::CancelDischarge,
            "A28" => Self::AddPerson,
            "A31" => Self::UpdatePerson,
            "A40" => Self::Merge,
            _ => return None,
        })
    }

    /// True if the message must say where the patient is.
    const fn needs_place(self) -> bool {
        matches!(self, Self::Admit | Self::Transfer | Self::CancelTransfer | Self::CancelDischarge)
    }
}

impl AdtEvent {
    /// Reads a message as an ADT event.
    ///
    /// # Errors
    /// It is not an ADT message of the subset, a segment that it needs is missing, it has no
    /// identifier, or a value is not what its field demands (a wrong NHS number is PID-3).
    pub fn read(message: &Message) -> Result<Self, Hl7Error> {
        let msh = message.require("MSH")?;
        let kind = message_type(msh)?;
        let pid = message.require("PID")?;
        if let Some(second) = message.segments().filter(|s| s.name() == "PID").nth(1) {
            return Err(second.error(1, "one message is about one patient; this is a second PID segment"));
        }
        let restricted = message.segment("PD1").map(restricted).transpose()?.unwrap_or_default();
        let patient = AdtPatient { restricted, ..patient(pid)? };
        let location = message.segment("PV1").map(place).transpose()?.flatten();
        if kind.needs_place() && location.is_none() {
            return Err(message.require("PV1")?.error(3, "the ward is missing"));
        }
        let merged = match kind {
            AdtKind::Merge => Some(identifiers(message.require("MRG")?, 1)?),
            _ => None,
        };
        Ok(Self { kind, control_id: msh.field(10).text(), patient, location, merged })
    }
}

fn message_type(msh: Segment<'_>) -> Result<AdtKind, Hl7Error> {
    let (kind, trigger) = (msh.field(9).component(1).text(), msh.field(9).component(2).text());
    if kind != "ADT" {
        return Err(msh.error(9, "only ADT messages are understood here"));
    }
    AdtKind::from_trigger(&trigger).ok_or_else(|| {
        msh.error(9, "this ADT event is not understood (A01 A02 A03 A04 A08 A11 A12 A13 A28 A31 A40 are)")
    })
}

fn patient(pid: Segment<'_>) -> Result<AdtPatient, Hl7Error> {
    let gender = pid.field(8).component(1).change().try_map(|code| match code.as_str() {
        "F" => Ok(Gender::Female),
        "M" => Ok(Gender::Male),
        "O" | "A" => Ok(Gender::Other),
        "U" | "N" => Ok(Gender::Unknown),
        _ => Err(pid.error(8, "the administrative sex is one of F M O A U N")),
    })?;
    let died = pid.field(29).component(1).change();
    let deceased = pid.field(30).change().try_map(|flag| match flag.as_str() {
        "Y" => Ok(true),
        "N" => Ok(false),
        _ => Err(pid.error(30, "the death indicator is Y or N")),
    })?;
    Ok(AdtPatient {
        identifiers: identifiers(pid, 3)?,
        name: name(pid)?,
        birth_date: pid.field(7).component(1).change().try_map(|text| date(pid, 7, &text))?,
        gender,
        deceased: match (deceased, died) {
            (Change::Unchanged, Change::Set(_)) => Change::Set(true),
            (said, _) => said,
        },
        restricted: Change::Unchanged,
    })
}

/// The protection indicator. Nothing else of the segment is read: the practice, say.
fn restricted(pd1: Segment<'_>) -> Result<Change<bool>, Hl7Error> {
    pd1.field(12).change().try_map(|flag| match flag.as_str() {
        "Y" => Ok(true),
        "N" => Ok(false),
        _ => Err(pd1.error(12, "the protection indicator is Y or N")),
    })
}

fn identifiers(segment: Segment<'_>, number: usize) -> Result<Identifiers, Hl7Error> {
    let mut found = Identifiers::default();
    for id in segment.field(number).repetitions() {
        let Change::Set(value) = id.component(1).change() else { continue };
        let authority = id.component(4).subcomponent(1).text();
        if authority == "NHS" || id.component(5).text() == "NH" {
            let number = value.parse().map_err(|e| segment.error(number, format!("{e}")))?;
            found.nhs_number.get_or_insert(number);
        } else {
            found.local.get_or_insert(LocalId { value, authority });
        }
    }
    if found == Identifiers::default() {
        return Err(segment.error(number, "neither an NHS number nor a local identifier was sent"));
    }
    Ok(found)
}

fn name(pid: Segment<'_>) -> Result<Change<Name>, Hl7Error> {
    let field = pid.field(5).first();
    let part = |e: Element<'_>| e.change().value().cloned().unwrap_or_default();
    match field.component(1).subcomponent(1).change() {
        Change::Unchanged if field.is_empty() => Ok(Change::Unchanged),
        Change::Unchanged => Err(pid.error(5, "a name has a family name")),
        Change::Delete => Ok(Change::Delete),
        Change::Set(family) => {
            let given = [part(field.component(2)), part(field.component(3))];
            let given = given.iter().filter(|g| !g.is_empty()).cloned().collect::<Vec<_>>().join(" ");
            Ok(Change::Set(Name { family, given, title: part(field.component(5)) }))
        }
    }
}

/// The date part of data type TS: `YYYYMMDD`, a time of day behind it is passed over.
fn date(segment: Segment<'_>, number: usize, text: &str) -> Result<Date, Hl7Error> {
    let fail = || segment.error(number, "a date is written YYYYMMDD");
    let digits = text.get(..8).filter(|d| d.bytes().all(|b| b.is_ascii_digit())).ok_or_else(fail)?;
    let part = |range: std::ops::Range<usize>| digits[range].parse::<i16>().unwrap_or_default();
    let small = |value: i16| i8::try_from(value).unwrap_or_default();
    Date::new(part(0..4), small(part(4..6)), small(part(6..8)))
        .map_err(|_| segment.error(number, "this date does not exist"))
}

fn place(pv1: Segment<'_>) -> Result<Option<Place>, Hl7Error> {
    let field = pv1.field(3).first();
    let part = |number: usize| field.component(number).subcomponent(1).change().value().cloned();
    let Some(ward) = part(1) else {
        return if field.is_empty() || field.text() == "\"\"" {
            Ok(None)
        } else {
            Err(pv1.error(3, "the ward (first component) is missing"))
        };
    };
    let bed = match (part(2), part(3)) {
        (Some(room), Some(bed)) => Some(format!("{room}-{bed}")),
        (None, Some(bed)) => Some(bed),
        (_, None) => None,
    };
    Ok(Some(Place { ward, bed }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pid: &str, rest: &str, kind: &str) -> Result<AdtEvent, Hl7Error> {
        let text = format!(
            "MSH|^~\\&|PAS|X9R|WL|X9R|20261122||ADT^{kind}^ADT_A01|77|P|2.4\rEVN|{kind}\r{pid}\r{rest}"
        );
        AdtEvent::read(&Message::parse(text.as_bytes()).unwrap())
    }

    const PID: &str = "PID|1||RX9^^^X9R^PI~999 000 0018^^^NHS^NH||Okafor&x^Ada^Grace^^Mrs||19580311120000|F|||||||||||||||||||||";

    #[test]
    fn an_admission() {
        let event = read(PID, "PV1||I|NIGHT^2^A", "A01").unwrap();
        assert_eq!(event.kind, AdtKind::Admit);
        assert_eq!(event.control_id, "77");
        assert_eq!(event.location, Some(Place { ward: "NIGHT".into(), bed: Some("2-A".into()) }));
        assert_eq!(event.patient.identifiers.nhs_number.unwrap().digits(), "9990000018");
        assert_eq!(event.patient.identifiers.local.as_ref().unwrap().value, "RX9");
        let name = event.patient.name.value().unwrap();
        assert_eq!(
            (name.family.as_str(), name.given.as_str(), name.title.as_str()),
            ("Okafor", "Ada Grace", "Mrs")
        );
        assert_eq!(event.patient.birth_date.value().unwrap().to_string(), "1958-03-11");
        assert_eq!(event.patient.gender, Change::Set(Gender::Female));
        assert_eq!(event.patient.deceased, Change::Unchanged);
    }

    #[test]
    fn empty_is_unchanged_and_two_quotes_delete() {
        let event = read("PID|||L1||\"\"||\"\"|", "", "A08").unwrap();
        assert_eq!(event.patient.name, Change::Delete);
        assert_eq!(event.patient.birth_date, Change::Delete);
        assert_eq!(event.patient.gender, Change::Unchanged);
        assert_eq!(event.location, None);
    }

    #[test]
    fn errors_point_at_the_field() {
        let shown = |pid: &str, rest: &str, kind: &str| read(pid, rest, kind).unwrap_err().to_string();
        assert_eq!(
            shown("PID|||9990000019^^^NHS", "PV1||I|W", "A01"),
            "segment 3 (PID), field PID-3: the check digit of this NHS number is wrong"
        );
        assert!(shown("PID|1", "PV1||I|W", "A01").contains("PID-3"));
        assert!(shown("PID|||L1||A^B||19990231", "PV1||I|W", "A01").contains("PID-7"));
        assert!(shown("PID|||L1||A^B|||Q", "PV1||I|W", "A01").contains("PID-8"));
        assert!(shown(PID, "", "A01").contains("(PV1)"));
        assert!(shown(PID, "PV1||I|", "A01").contains("PV1-3"));
        assert!(shown(PID, "", "A40").contains("(MRG)"));
        assert!(shown(PID, "", "A99").contains("MSH-9"));
        assert!(shown(PID, PID, "A08").contains("second PID"));
    }

    #[test]
    fn a_merge_names_the_record_that_ends() {
        let event = read(PID, "MRG|RX10^^^X9R^PI", "A40").unwrap();
        assert_eq!(event.merged.unwrap().local.unwrap().value, "RX10");
    }
}
