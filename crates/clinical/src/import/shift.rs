//! A PractitionerRole of a file: a shift or an assignment, or a pattern that is expanded into shifts.

use jiff::civil::{Time, Weekday};
use wardline_domain::{Timestamp, care::rota::ShiftPattern};
use wardline_store::{
    Reader, WriteTx,
    clinical::{
        directory,
        on_call::{self, Rank},
        rota::{self, Duty},
    },
};

use super::{
    bundle::DAYS,
    entries,
    writer::{Writer, existing_location, fhir_id},
};
use crate::ClinicalError;

/// The end of what has no end: the last day of the year 9999.
const FOREVER: Timestamp = Timestamp(253_402_214_400_000);
/// The code system of how a shift counts beside others of its role.
const SHIFT_RANK: &str = "https://wardline.org/fhir/CodeSystem/shift-rank";

impl Writer<'_> {
    pub(super) fn role(
        &self,
        tx: &mut WriteTx<'_>,
        it: entries::PractitionerRole,
    ) -> Result<(), ClinicalError> {
        let id = fhir_id(it.id)?;
        let person = it.practitioner.id("Practitioner", "practitioner.reference")?;
        if directory::practitioner(tx, &person)?.is_none() {
            return Err(ClinicalError::invalid("practitioner.reference", "there is no such Practitioner"));
        }
        let duty = match (&it.healthcare_service[..], &it.location[..]) {
            ([service], []) => {
                let service = service.id("HealthcareService", "healthcareService[0].reference")?;
                if directory::service(tx, &service)?.is_none() {
                    return Err(ClinicalError::invalid(
                        "healthcareService[0].reference",
                        "there is no such HealthcareService",
                    ));
                }
                Duty::Role(service)
            }
            ([], [ward]) => Duty::Ward(existing_location(tx, ward, "location[0]")?),
            _ => {
                return Err(ClinicalError::invalid(
                    "healthcareService",
                    "a role has one HealthcareService or one ward",
                ));
            }
        };
        let (start, end) = period(it.period.as_ref())?;
        let shifts = if it.available_time.is_empty() {
            vec![(id.clone(), start, end)]
        } else {
            let patterns = it.available_time.iter().enumerate().map(|(n, time)| Ok((n, pattern(time, n)?)));
            let patterns = patterns.collect::<Result<Vec<_>, ClinicalError>>()?;
            let expand = |(n, pattern): (usize, ShiftPattern)| {
                let shifts = pattern.expand(&self.parts.zone, self.at, DAYS);
                shifts.into_iter().map(move |s| (s, n)).collect::<Vec<_>>()
            };
            let within = |s: &wardline_domain::care::rota::Shift| s.start >= start && s.end <= end;
            patterns
                .into_iter()
                .flat_map(expand)
                .filter(|(shift, _)| within(shift))
                .map(|(shift, n)| {
                    (format!("{id}-{}-{n}", shift.date.strftime("%Y%m%d")), shift.start, shift.end)
                })
                .collect()
        };
        // Codes of other systems say what the person is, not how the shift counts.
        let ours = |coding: &&entries::Coding| coding.check(SHIFT_RANK, "").is_ok();
        let deputy =
            it.code.iter().flat_map(|c| &c.coding).filter(ours).any(|coding| coding.code == "deputy");
        let rank = if deputy { Rank::Deputy } else { Rank::Rota };
        let shifts: Vec<_> = shifts
            .into_iter()
            .map(|(id, start, end)| rota::PractitionerRole {
                id,
                duty: duty.clone(),
                person: person.clone(),
                start,
                end,
            })
            .collect();
        // All of them or none: a row or resource that is wrong changes nothing.
        for (index, shift) in shifts.iter().enumerate() {
            self.check_shift(tx, shift, rank)?;
            let meets = |it: &&rota::PractitionerRole| it.start < shift.end && shift.start < it.end;
            let clash = shifts[..index].iter().find(meets);
            if let Some(other) = clash.filter(|_| rank == Rank::Rota && matches!(duty, Duty::Role(_))) {
                let problem = format!("overlaps its own shift that begins at {}", other.start.to_instant());
                return Err(ClinicalError::invalid("availableTime", problem));
            }
        }
        for shift in &shifts {
            rota::put(tx, self.cipher(), shift)?;
            on_call::set_rank(tx, &shift.id, rank)?;
        }
        self.audit(tx, format!("PractitionerRole/{id}"))
    }

    /// Two people cannot have the same role in the rota at once.
    fn check_shift(
        &self,
        tx: &impl Reader,
        shift: &rota::PractitionerRole,
        rank: Rank,
    ) -> Result<(), ClinicalError> {
        if let (Duty::Role(service), Rank::Rota) = (&shift.duty, rank) {
            let span = (shift.start, shift.end);
            let other = on_call::overlapping(tx, self.cipher(), service, span, rank, &shift.id, None)?;
            if let Some(other) = other {
                let begin = other.start.to_instant();
                let problem =
                    format!("overlaps shift {} of the same role, which begins at {begin}", other.id);
                return Err(ClinicalError::invalid("period", problem));
            }
        }
        Ok(())
    }
}

fn period(period: Option<&entries::Period>) -> Result<(Timestamp, Timestamp), ClinicalError> {
    let instant = |text: Option<&String>, path: &str, open: Timestamp| match text {
        None => Ok(open),
        Some(text) => match text.parse::<jiff::Timestamp>() {
            Ok(at) => Ok(Timestamp(at.as_millisecond())),
            Err(_) => {
                Err(ClinicalError::invalid(path, "is an instant with time zone, as 2026-11-22T08:00:00Z"))
            }
        },
    };
    let start = instant(period.and_then(|p| p.start.as_ref()), "period.start", Timestamp(0))?;
    let end = instant(period.and_then(|p| p.end.as_ref()), "period.end", FOREVER)?;
    if start < end {
        Ok((start, end))
    } else {
        Err(ClinicalError::invalid("period", "must end after it starts"))
    }
}

fn pattern(time: &entries::AvailableTime, index: usize) -> Result<ShiftPattern, ClinicalError> {
    let path = |field: &str| format!("availableTime[{index}].{field}");
    let clock = |text: &str, field: &str| {
        text.parse::<Time>().map_err(|_| ClinicalError::invalid(path(field), "is a time of day as 08:00:00"))
    };
    let day = |code: &String| match code.as_str() {
        "mon" => Ok(Weekday::Monday),
        "tue" => Ok(Weekday::Tuesday),
        "wed" => Ok(Weekday::Wednesday),
        "thu" => Ok(Weekday::Thursday),
        "fri" => Ok(Weekday::Friday),
        "sat" => Ok(Weekday::Saturday),
        "sun" => Ok(Weekday::Sunday),
        _ => Err(ClinicalError::invalid(path("daysOfWeek"), "each is one of mon tue wed thu fri sat sun")),
    };
    Ok(ShiftPattern {
        days: time.days_of_week.iter().map(day).collect::<Result<_, _>>()?,
        start: clock(&time.available_start_time, "availableStartTime")?,
        end: clock(&time.available_end_time, "availableEndTime")?,
    })
}
