//! A rota as an iCalendar file (RFC 5545): each event is a shift, or a series of them.
//!
//! `SUMMARY` is the name or id of a role or ward, `ATTENDEE` (`mailto:` and the staff id, or `CN` their name) who works it.
//! Repetitions (`RRULE`, `EXDATE`) are followed for the coming fourteen days, by the clocks of the event's zone.

use std::{collections::HashMap, iter};

use icalendar::parser::{Component, Property, read_calendar, unfold};
use jiff::civil::DateTime;
use rrule::RRuleSet;
use serde_json::json;
use wardline_domain::{Timestamp, care::rota::local_to_instant};
use wardline_store::{
    ReadTx,
    clinical::directory::{self, LocationKind},
};

use super::{
    ImportMode, ImportReport,
    bundle::{Columns, DAYS, Positioned},
    table::shift_id,
};
use crate::{Clinical, ClinicalError, TimeZone};

/// Most occurrences of one series that are looked at, from its beginning on.
const MOST: usize = 20_000;
const DAY: i64 = 24 * 3_600_000;

const COLUMNS: Columns = |path| match path {
    _ if path.starts_with("period") => Some("DTSTART and DTEND"),
    _ if path.starts_with("practitioner") => Some("ATTENDEE"),
    _ => Some("SUMMARY"),
};

/// Names and ids of the directory, in small letters.
#[derive(Default)]
struct Known {
    duties: HashMap<String, String>,
    people: HashMap<String, String>,
}

impl Known {
    fn read(tx: &ReadTx<'_>) -> Result<Self, ClinicalError> {
        let mut known = Self::default();
        for it in directory::locations(tx, Some(LocationKind::Ward))? {
            let reference = format!("Location/{}", it.id);
            known.duties.insert(it.name.to_lowercase(), reference.clone());
            known.duties.insert(it.id.to_lowercase(), reference);
        }
        for it in directory::services(tx)? {
            let reference = format!("HealthcareService/{}", it.id);
            known.duties.insert(it.name.to_lowercase(), reference.clone());
            known.duties.insert(it.id.to_lowercase(), reference);
        }
        for it in directory::practitioners(tx)? {
            // A name that two people have names neither.
            let name = it.display().to_lowercase();
            let id = if known.people.contains_key(&name) { String::new() } else { it.id.clone() };
            known.people.insert(name, id);
            known.people.insert(it.id.to_lowercase(), it.id);
        }
        Ok(known)
    }
}

type Wrong = (&'static str, String);

impl Clinical {
    /// Imports a rota in iCalendar in one transaction.
    ///
    /// # Errors
    /// [`ClinicalError::Invalid`] if it is not iCalendar, [`ClinicalError::ImportRefused`] for a strict import with problems,
    /// or a failure of the store.
    pub async fn import_calendar(&self, text: &str, mode: ImportMode) -> Result<ImportReport, ClinicalError> {
        let unfolded = unfold(text);
        let calendar = read_calendar(&unfolded)
            .map_err(|_| ClinicalError::invalid("file", "is not an iCalendar file (RFC 5545)"))?;
        // The parser names no lines: the events stand in the order of their first lines.
        let begins = |line: &&(usize, &str)| line.1.trim_end().eq_ignore_ascii_case("BEGIN:VEVENT");
        let lines: Vec<usize> =
            text.lines().enumerate().filter(|line| begins(&line)).map(|(line, _)| line + 1).collect();
        let known = self.parts.store.read(Known::read).await?;
        let (mut report, mut resources) = (ImportReport::default(), Vec::new());
        let events = calendar.components.iter().filter(|it| it.name == "VEVENT");
        for (event, line) in events.zip(lines.into_iter().chain(iter::repeat(0))) {
            let position = format!("line {line}");
            match self.shifts(event, &known) {
                Ok(shifts) => {
                    for shift in shifts {
                        match serde_json::from_value(shift) {
                            Ok(resource) => resources.push(Positioned {
                                position: position.clone(),
                                resource,
                                columns: Some(COLUMNS),
                            }),
                            Err(_) => report.problem(position.as_str(), "is not a shift"),
                        }
                    }
                }
                Err((name, problem)) => report.problem(position, format!("{name}: {problem}")),
            }
        }
        self.write_resources(resources, report, mode, "calendar").await
    }

    fn shifts(&self, event: &Component<'_>, known: &Known) -> Result<Vec<serde_json::Value>, Wrong> {
        let text = |name: &'static str| {
            event.find_prop(name).map(|it| it.val.to_string()).ok_or((name, "is missing".to_owned()))
        };
        if event.find_prop("STATUS").is_some_and(|it| it.val == "CANCELLED") {
            return Ok(Vec::new());
        }
        let summary = text("SUMMARY")?;
        let duty = known.duties.get(&summary.trim().to_lowercase());
        let duty = duty.ok_or(("SUMMARY", "is no role or ward of the directory".to_owned()))?;
        let person = attendee(event, known)?;
        let uid = text("UID")?;
        let (kind, list) =
            if duty.starts_with("Location/") { ("location", "ward") } else { ("healthcareService", "role") };
        let made = |(start, end): (Timestamp, Timestamp)| {
            json!({
                "resourceType": "PractitionerRole",
                "id": shift_id("ics", &format!("{list} {uid} {}", start.as_millis())),
                "practitioner": { "reference": format!("Practitioner/{person}") },
                kind: [{ "reference": duty }],
                "period": { "start": start.to_instant(), "end": end.to_instant() },
            })
        };
        Ok(self.spans(event)?.into_iter().map(made).collect())
    }

    /// From when to when the event is, or those of its repetitions that lie within the coming days.
    fn spans(&self, event: &Component<'_>) -> Result<Vec<(Timestamp, Timestamp)>, Wrong> {
        let property = |name: &'static str| event.find_prop(name).ok_or((name, "is missing".to_owned()));
        let own = &self.parts.zone;
        let (first, zone) = moment(property("DTSTART")?, own).map_err(|problem| ("DTSTART", problem))?;
        let (last, other) = moment(property("DTEND")?, own).map_err(|problem| ("DTEND", problem))?;
        if zone != other {
            return Err(("DTEND", "must have the time zone of DTSTART".to_owned()));
        }
        let length = first.until(last).map_err(|_| ("DTEND", "is beyond the calendar".to_owned()))?;
        let span = |start: DateTime| {
            let end =
                start.checked_add(length).map_err(|_| ("DTEND", "is beyond the calendar".to_owned()))?;
            let at = |name, local| local_to_instant(&zone, local).map_err(|error| (name, error.to_string()));
            match (at("DTSTART", start)?, at("DTEND", end)?) {
                (start, end) if start < end => Ok((start, end)),
                _ => Err(("DTEND", "must lie after DTSTART".to_owned())),
            }
        };
        let Some(rule) = event.find_prop("RRULE") else { return Ok(vec![span(first)?]) };
        // Followed as clocks show it, in a zone without changes, and put into the real one afterwards.
        let clock = |local: DateTime| local.strftime("%Y%m%dT%H%M%SZ").to_string();
        let mut series = format!("DTSTART:{}\nRRULE:{}", clock(first), rule.val);
        for except in event.properties.iter().filter(|it| it.name == "EXDATE") {
            let (local, _) = moment(except, own).map_err(|problem| ("EXDATE", problem))?;
            series += &format!("\nEXDATE:{}", clock(local));
        }
        let set: RRuleSet =
            series.parse().map_err(|_| ("RRULE", "is not a rule of repetition".to_owned()))?;
        let (now, mut found) = (self.parts.clock.now(), Vec::new());
        let until = now.plus_millis(i64::from(DAYS) * DAY);
        for local in set.into_iter().take(MOST) {
            let seconds = jiff::Timestamp::from_second(local.timestamp()).unwrap_or_default();
            let local = seconds.to_zoned(TimeZone::UTC).datetime();
            // A day before and after, whatever the zone: what is past or far is not held against the changes of clocks.
            let about = Timestamp(seconds.as_millisecond());
            if about > until.plus_millis(DAY) {
                break;
            }
            if about >= now.plus_millis(-2 * DAY) {
                let (start, end) = span(local)?;
                if end > now && start <= until {
                    found.push((start, end));
                }
            }
        }
        Ok(found)
    }
}

/// Who works it: the local part of the address, or the name.
fn attendee(event: &Component<'_>, known: &Known) -> Result<String, Wrong> {
    let attendees: Vec<&Property<'_>> = event.properties.iter().filter(|it| it.name == "ATTENDEE").collect();
    let [attendee] = attendees[..] else {
        return Err(("ATTENDEE", "exactly one person is needed".to_owned()));
    };
    let address = attendee.val.to_string().to_lowercase();
    let local = address.strip_prefix("mailto:").unwrap_or(&address);
    let local = local.split('@').next().unwrap_or_default().to_owned();
    let name = attendee.params.iter().find(|it| it.key == "CN").and_then(|it| it.val.as_ref());
    let name = name.map(|name| name.to_string().trim_matches('"').to_lowercase());
    let found = [Some(local), name].into_iter().flatten().find_map(|it| known.people.get(&it));
    match found {
        Some(id) if !id.is_empty() => Ok(id.clone()),
        Some(_) => Err(("ATTENDEE", "two people have this name: the staff id is needed".to_owned())),
        None => Err(("ATTENDEE", "is no member of staff of the directory".to_owned())),
    }
}

/// A local time and the zone in which it is meant.
fn moment(property: &Property<'_>, own: &TimeZone) -> Result<(DateTime, TimeZone), String> {
    let text = property.val.to_string();
    let wrong = || "is a time as 20261122T200000, in UTC with a Z behind".to_owned();
    let (text, utc) = text.strip_suffix('Z').map_or((text.as_str(), false), |text| (text, true));
    let local = DateTime::strptime("%Y%m%dT%H%M%S", text).map_err(|_| wrong())?;
    let named = property.params.iter().find(|it| it.key == "TZID").and_then(|it| it.val.as_ref());
    let zone = match named.map(|zone| zone.to_string()) {
        _ if utc => TimeZone::UTC,
        None => own.clone(),
        Some(name) => {
            TimeZone::get(name.trim_matches('"')).map_err(|_| "TZID is no known time zone".to_owned())?
        }
    };
    Ok((local, zone))
}
