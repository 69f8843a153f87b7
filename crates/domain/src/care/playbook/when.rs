//! Conditions: when a playbook is chosen, and when a step of it is asked.

use jiff::civil::{Date, DateTime, Time, Weekday};
use serde::{Deserialize, Serialize};

use super::Class;
use crate::care::bank_holiday::BankHolidays;

/// What a condition is held against.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The class of the request.
    pub class: Class,
    /// The ward of the patient (id of the Location), if the request has one.
    pub ward: Option<&'a str>,
    /// The site of that ward (id of the Location).
    pub site: Option<&'a str>,
    /// What local clocks show.
    pub local: DateTime,
    /// Which days are bank holidays.
    pub holidays: &'a BankHolidays,
}

/// A condition: always, or when one of the cases holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct When {
    pub(super) any: Vec<Case>,
}

/// One case: everything that it says holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Case {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) classes: Vec<Class>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) wards: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) sites: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hours: Vec<Hours>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) days: Vec<DayKind>,
}

impl When {
    /// True if there is no condition.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.any.is_empty()
    }

    /// True if one of the cases holds, or there is none.
    #[must_use]
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        self.any.is_empty() || self.any.iter().any(|case| case.holds(facts))
    }

    /// The first problem of a condition that was read from a file.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let empty = |case: &Case| *case == Case::default();
        if self.any.iter().any(empty) {
            return Some("must say classes, wards, sites, hours or days");
        }
        let ids = |case: &Case| case.wards.iter().chain(&case.sites).all(|id| super::file::is_id(id));
        (!self.any.iter().all(ids)).then_some("wards and sites are ids of locations")
    }
}

impl Case {
    fn holds(&self, facts: &Facts<'_>) -> bool {
        let among = |ids: &[String], id: Option<&str>| {
            ids.is_empty() || id.is_some_and(|id| ids.iter().any(|known| known == id))
        };
        (self.classes.is_empty() || self.classes.contains(&facts.class))
            && among(&self.wards, facts.ward)
            && among(&self.sites, facts.site)
            && (self.hours.is_empty() || self.hours.iter().any(|hours| hours.contain(facts.local.time())))
            && (self.days.is_empty()
                || self.days.iter().any(|day| day.is(facts.local.date(), facts.holidays)))
    }
}

/// A span of the day, as in `20:00-08:00`: from the first time (inclusive) to the second (exclusive), over midnight if
/// the second is not later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Hours {
    from: Time,
    until: Time,
}

impl Hours {
    fn contain(self, time: Time) -> bool {
        if self.from < self.until {
            (self.from..self.until).contains(&time)
        } else {
            time >= self.from || time < self.until
        }
    }
}

impl TryFrom<String> for Hours {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let time = |text: &str| {
            let (hour, minute) = text.split_once(':')?;
            let digits = |part: &str| (part.len() == 2).then(|| part.parse::<i8>().ok()).flatten();
            Time::new(digits(hour)?, digits(minute)?, 0, 0).ok()
        };
        text.split_once('-')
            .and_then(|(from, until)| Some(Self { from: time(from)?, until: time(until)? }))
            .ok_or("hours are written like \"20:00-08:00\"")
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        format!("{}-{}", hours.from.strftime("%H:%M"), hours.until.strftime("%H:%M"))
    }
}

/// A kind of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DayKind {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
    /// Monday to Friday, and no bank holiday.
    WorkingDay,
    Weekend,
    BankHoliday,
}

impl DayKind {
    fn is(self, day: Date, holidays: &BankHolidays) -> bool {
        let weekday = day.weekday();
        let weekend = matches!(weekday, Weekday::Saturday | Weekday::Sunday);
        match self {
            Self::Monday => weekday == Weekday::Monday,
            Self::Tuesday => weekday == Weekday::Tuesday,
            Self::Wednesday => weekday == Weekday::Wednesday,
            Self::Thursday => weekday == Weekday::Thursday,
            Self::Friday => weekday == Weekday::Friday,
            Self::Saturday => weekday == Weekday::Saturday,
            Self::Sunday => weekday == Weekday::Sunday,
            Self::WorkingDay => !weekend && !holidays.contains(day),
            Self::Weekend => weekend,
            Self::BankHoliday => holidays.contains(day),
        }
    }
}
