//! `wardline playbook`: check and simulate. Both read a server's data without its lock, so they work while it runs.

use std::{fmt::Write as _, fs, path::Path, sync::Arc};

use jiff::{civil::DateTime, tz::TimeZone};
use wardline_clinical::{PlaybookProblem, Simulated};
use wardline_domain::{
    Clock, Random, Timestamp,
    care::{
        playbook::{Ask, Gap, Playbook},
        request::Reason,
    },
};

use crate::{Config, Error, house};

/// Gaps of one role that are listed; of more only the number is told.
const MAX_GAPS: usize = 5;

/// What to simulate.
#[derive(Debug)]
pub(crate) struct Case {
    /// `HealthcareService/ID` and the like.
    pub(crate) to: String,
    /// The ward where the patient lies.
    pub(crate) ward: Option<String>,
    /// When, in local time.
    pub(crate) at: Option<DateTime>,
}

/// Says whether the playbook in `file` can be used; with a server's configuration, whether the directory has whom it
/// names and the rota somebody behind each role for a week.
///
/// # Errors
/// [`Error::Check`] with everything that is wrong.
pub(crate) async fn check(
    config: Option<&Config>,
    file: &Path,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<(), Error> {
    let playbook = read(file)?;
    let longest = duration(playbook.longest());
    println!(
        "{}: \"{}\", {} steps; whoever must act is asked after {longest} at the latest",
        file.display(),
        playbook.title,
        playbook.steps.len()
    );
    let Some(config) = config else { return Ok(()) };
    let problems = house::reading(config, clock, random)?.check_playbook(playbook).await?;
    if problems.is_empty() {
        println!("Everybody whom it names is in the directory, and every role is held all week.");
        return Ok(());
    }
    let zone = config.time_zone()?;
    let mut text = format!("{}:", file.display());
    for problem in &problems {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  {}", describe(problem, &zone));
    }
    Err(Error::Check(text))
}

fn describe(problem: &PlaybookProblem, zone: &TimeZone) -> String {
    match problem {
        PlaybookProblem::Unknown(ask) => format!("the directory has no {}", reference(ask)),
        PlaybookProblem::Empty { team } => format!("{team}: nobody is in this team"),
        PlaybookProblem::Uncovered { role, gaps } => {
            let span = |gap: &Gap| format!("{} to {}", local(gap.from, zone), local(gap.until, zone));
            let listed: Vec<String> = gaps.iter().take(MAX_GAPS).map(span).collect();
            let more = gaps.len().saturating_sub(MAX_GAPS);
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            format!("{role}: nobody holds it {}{more}", listed.join(", "))
        }
    }
}

/// Shows what would happen to a request that nobody answers.
///
/// # Errors
/// [`Error::Check`] if the playbook or the case cannot be used.
pub(crate) async fn simulate(
    config: &Config,
    file: &Path,
    case: Case,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<(), Error> {
    let playbook = read(file)?;
    let zone = config.time_zone()?;
    let to = asked(&case.to)?;
    let at = match case.at {
        None => clock.now(),
        Some(at) => {
            let zoned = at.to_zoned(zone.clone()).map_err(|error| Error::Check(format!("--at: {error}")))?;
            Timestamp(zoned.timestamp().as_millisecond())
        }
    };
    let Some(class) = playbook.classes.first().copied() else { return Ok(()) };
    let clinical = house::reading(config, clock, random)?;
    println!("\"{}\", {} to {}", playbook.title, class.code(), case.to);
    for happening in clinical.simulate_playbook(playbook, class, to, case.ward, at).await? {
        println!("{}  {}", local(happening.transition.at, &zone), line(&happening));
    }
    Ok(())
}

fn line(it: &Simulated) -> String {
    let step = format!("step {}, {}", it.transition.step + 1, it.step);
    match (&it.asks, &it.transition.reason) {
        (Some(person), _) => format!("{step}: asks {person}"),
        (None, Some(Reason::NotNow)) => format!("{step}: passed over, its condition does not hold"),
        (None, Some(Reason::AlreadyAsked)) => format!("{step}: passed over, everybody there was asked"),
        (None, _) => format!("{step}: nobody is there"),
    }
}

fn read(file: &Path) -> Result<Playbook, Error> {
    let text = fs::read_to_string(file).map_err(|source| Error::File { path: file.to_owned(), source })?;
    Playbook::parse(&text).map_err(|error| Error::Check(format!("{}: {error}", file.display())))
}

fn asked(to: &str) -> Result<Ask, Error> {
    let kind: fn(String) -> Ask = match to.split_once('/') {
        Some(("HealthcareService", _)) => Ask::Role,
        Some(("Practitioner", _)) => Ask::Person,
        Some(("CareTeam", _)) => Ask::Team,
        Some(("Location", _)) => Ask::OnDuty,
        _ => {
            let problem =
                "--to: is written HealthcareService/ID, Practitioner/ID, CareTeam/ID or Location/ID";
            return Err(Error::Check(problem.to_owned()));
        }
    };
    Ok(kind(to.split_once('/').map(|(_, id)| id.to_owned()).unwrap_or_default()))
}

fn reference(ask: &Ask) -> String {
    let kind = match ask {
        Ask::Role(_) => "HealthcareService",
        Ask::Person(_) => "Practitioner",
        Ask::Team(_) => "CareTeam",
        Ask::OnDuty(_) => "Location",
    };
    format!("{kind}/{}", ask.id())
}

/// `Sun 22 Nov 20:00` as local clocks show it; with seconds where they are not nought.
fn local(at: Timestamp, zone: &TimeZone) -> String {
    let Ok(instant) = jiff::Timestamp::from_millisecond(at.as_millis()) else { return at.to_instant() };
    let shown = instant.to_zoned(zone.clone());
    let format = if shown.second() == 0 { "%a %d %b %H:%M" } else { "%a %d %b %H:%M:%S" };
    shown.strftime(format).to_string()
}

/// `1 h 5 min 30 s`.
fn duration(millis: i64) -> String {
    let seconds = millis / 1000;
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let shown: Vec<String> =
        parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n} {unit}")).collect();
    if shown.is_empty() { "0 s".to_owned() } else { shown.join(" ") }
}
