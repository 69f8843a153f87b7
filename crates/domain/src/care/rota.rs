//! Rotas: a daily pattern in local time, expanded into shifts at instants.
//!
//! A shift keeps its clock times across a change to or from summer time, as the people who work it
//! do: a night of 20:00 to 08:00 lasts eleven or thirteen hours then. Shifts that meet at a clock
//! time meet at the same instant, so a role never has a gap or an overlap at a change.

use jiff::{
    ToSpan,
    civil::{Date, DateTime, Time, Weekday},
    tz::{AmbiguousOffset, TimeZone},
};

use crate::Timestamp;

/// A time of day as local clocks show it.
pub use jiff::civil::Time as LocalTime;

/// A shift as worked on certain days of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShiftPattern {
    /// Days on which the shift begins; empty stands for every day.
    pub days: Vec<Weekday>,
    /// Local time at which it begins.
    pub start: Time,
    /// Local time at which it ends; on the next day if it is not later than `start`.
    pub end: Time,
}

/// One shift: from `start` (inclusive) to `end` (exclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// The local date on which the shift begins.
    pub date: Date,
    /// First instant.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
}

impl ShiftPattern {
    /// The shifts that begin on `days` dates from the local date of `now` minus one (so that the night
    /// that is being worked now is among them). Dates beyond the calendar's end are left out.
    #[must_use]
    pub fn expand(&self, zone: &TimeZone, now: Timestamp, days: u16) -> Vec<Shift> {
        let Ok(now) = jiff::Timestamp::from_millisecond(now.as_millis()) else { return Vec::new() };
        let today = now.to_zoned(zone.clone()).date();
        (-1..i64::from(days))
            .filter_map(|offset| today.checked_add(offset.days()).ok())
            .filter(|date| self.days.is_empty() || self.days.contains(&date.weekday()))
            .filter_map(|date| self.on(zone, date))
            .collect()
    }

    fn on(&self, zone: &TimeZone, date: Date) -> Option<Shift> {
        let last = if self.end > self.start { date } else { date.tomorrow().ok()? };
        let start = instant(zone, date, self.start)?;
        let end = instant(zone, last, self.end)?;
        (start < end).then_some(Shift { date, start, end })
    }
}

/// The next instant after `now` at which clocks in `zone` show `time`. A time that a change to summer time leaves
/// out is the instant that it would have been; of one that comes twice, the first. `None` beyond the calendar.
#[must_use]
pub fn next_at(zone: &TimeZone, now: Timestamp, time: Time) -> Option<Timestamp> {
    let today = jiff::Timestamp::from_millisecond(now.as_millis()).ok()?.to_zoned(zone.clone()).date();
    let days = [today, today.tomorrow().ok()?];
    days.into_iter().filter_map(|date| instant(zone, date, time)).find(|at| *at > now)
}

/// Why a local time is no instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocalTimeError {
    /// It is not written as one.
    #[error(
        "is a time as 2026-11-22 20:00 or 22/11/2026 20:00, or with its offset as 2026-11-22T20:00:00+00:00"
    )]
    Form,
    /// Clocks go forward over it.
    #[error("does not exist: clocks go forward in that hour")]
    Missing,
    /// Clocks go back over it.
    #[error(
        "comes twice, since clocks go back in that hour: write it with its offset, as 2026-10-25T01:30:00+01:00"
    )]
    Twice,
}

/// The instant of a time as people write it: with an offset or `Z`, or as clocks in `zone` show it.
///
/// # Errors
/// [`LocalTimeError`], also for a time that a change of clocks leaves out or brings twice.
pub fn local_instant(zone: &TimeZone, text: &str) -> Result<Timestamp, LocalTimeError> {
    let text = text.trim();
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp(at.as_millisecond()));
    }
    let forms =
        ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%d/%m/%Y %H:%M"];
    let local =
        forms.iter().find_map(|form| DateTime::strptime(form, text).ok()).ok_or(LocalTimeError::Form)?;
    local_to_instant(zone, local)
}

/// The instant at which clocks in `zone` show this.
///
/// # Errors
/// [`LocalTimeError`], also for a time that a change of clocks leaves out or brings twice.
pub fn local_to_instant(zone: &TimeZone, local: DateTime) -> Result<Timestamp, LocalTimeError> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Gap { .. } => Err(LocalTimeError::Missing),
        AmbiguousOffset::Fold { .. } => Err(LocalTimeError::Twice),
        AmbiguousOffset::Unambiguous { offset } => {
            let at = offset.to_timestamp(local).map_err(|_| LocalTimeError::Form)?;
            Ok(Timestamp(at.as_millisecond()))
        }
    }
}

fn instant(zone: &TimeZone, date: Date, time: Time) -> Option<Timestamp> {
    let zoned = date.to_datetime(time).to_zoned(zone.clone()).ok()?;
    Some(Timestamp(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;
    use proptest::prelude::*;

    use super::*;

    fn london() -> TimeZone {
        TimeZone::get("Europe/London").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    const HOUR: i64 = 3_600_000;

    #[test]
    fn the_night_of_the_spring_change_is_an_hour_shorter() {
        let night = ShiftPattern { days: vec![], start: time(20, 0, 0, 0), end: time(8, 0, 0, 0) };
        let shifts = night.expand(&london(), at("2026-03-28T12:00:00Z"), 2);
        let hours: Vec<i64> = shifts.iter().map(|s| s.end.millis_since(s.start) / HOUR).collect();
        assert_eq!(hours, [12, 11, 12]);
    }

    #[test]
    fn a_time_of_day_is_found_over_the_changes() {
        let next =
            |now: &str, hour: i8, minute: i8| next_at(&london(), at(now), time(hour, minute, 0, 0)).unwrap();
        assert_eq!(next("2026-11-22T12:00:00Z", 20, 0), at("2026-11-22T20:00:00Z"));
        assert_eq!(next("2026-11-22T20:00:00Z", 20, 0), at("2026-11-23T20:00:00Z"));
        assert_eq!(next("2026-03-28T20:00:00Z", 8, 0), at("2026-03-29T07:00:00Z"), "summer time began");
        assert_eq!(next("2026-03-28T20:00:00Z", 1, 30), at("2026-03-29T01:30:00Z"), "there is no 01:30");
        assert_eq!(next("2026-10-24T20:00:00Z", 1, 30), at("2026-10-25T00:30:00Z"), "the first 01:30");
    }

    #[test]
    fn times_that_a_change_of_clocks_leaves_out_or_brings_twice_are_refused() {
        let read = |text: &str| local_instant(&london(), text);
        assert_eq!(read("2026-11-22 20:00"), Ok(at("2026-11-22T20:00:00Z")));
        assert_eq!(read("22/06/2026 20:00"), Ok(at("2026-06-22T19:00:00Z")));
        assert_eq!(read("2026-06-22T20:00:00Z"), Ok(at("2026-06-22T20:00:00Z")));
        assert_eq!(read("2026-03-29 01:30"), Err(LocalTimeError::Missing));
        assert_eq!(read("2026-10-25 01:30"), Err(LocalTimeError::Twice));
        assert_eq!(read("2026-10-25T01:30:00+01:00"), Ok(at("2026-10-25T00:30:00Z")));
        assert_eq!(read("tomorrow"), Err(LocalTimeError::Form));
    }

    #[test]
    fn days_of_the_week_are_kept() {
        let weekday =
            ShiftPattern { days: vec![Weekday::Monday], start: time(8, 0, 0, 0), end: time(20, 0, 0, 0) };
        let shifts = weekday.expand(&london(), at("2026-11-22T12:00:00Z"), 14);
        assert!(shifts.iter().all(|s| s.date.weekday() == Weekday::Monday));
        assert_eq!(shifts.len(), 2);
    }

    proptest! {
        #[test]
        fn day_and_night_cover_every_instant_once(now in 1_600_000_000_000_i64..2_000_000_000_000, hour in 0_i8..24) {
            let other = (hour + 12) % 24;
            let day = ShiftPattern { days: vec![], start: time(hour, 0, 0, 0), end: time(other, 0, 0, 0) };
            let night = ShiftPattern { days: vec![], start: time(other, 0, 0, 0), end: time(hour, 0, 0, 0) };
            let now = Timestamp(now);
            let mut all = day.expand(&london(), now, 14);
            all.extend(night.expand(&london(), now, 14));
            all.sort_by_key(|s| s.start);
            prop_assert!(all.windows(2).all(|w| w[0].end == w[1].start));
            prop_assert_eq!(all.iter().filter(|s| s.start <= now && now < s.end).count(), 1);
        }
    }
}
