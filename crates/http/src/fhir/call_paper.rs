//! The report of a call on paper.

use wardline_clinical::{BoardRow, Call, CallKind, CallReport, TimeZone};
use wardline_domain::Timestamp;
use wardline_paper::{Column, Head, Paper, PaperError};

use super::call_report::counts;

/// The report as a PDF, with times as the organisation's clocks show them.
///
/// # Errors
/// [`PaperError`].
pub(super) fn pdf(report: &CallReport, organisation: &str, zone: &TimeZone) -> Result<Vec<u8>, PaperError> {
    let call = &report.view.call;
    let kind = match call.kind {
        CallKind::Crash => "Crash call",
        CallKind::Broadcast => "Broadcast",
    };
    let clock = |at: Timestamp| shown(at, zone, "%H:%M:%S");
    let mut paper = Paper::new(Head {
        title: format!("{kind} report: {}", call.title),
        foot: format!("{organisation} · made {} · {}", shown(report.at, zone, "%d %B %Y %H:%M"), call.id),
        stamp: call.drill.then(|| "DRILL – AN EXERCISE, NOT AN EMERGENCY".to_owned()),
        language: "en-GB".to_owned(),
    })?;
    let mut facts = vec![
        ("Called by", call.caller_name.clone()),
        ("Called at", shown(call.raised_at, zone, "%A %d %B %Y, %H:%M:%S")),
    ];
    facts.extend(call.place.clone().map(|place| ("Place", place)));
    if !call.audience.is_empty() {
        let names: Vec<&str> = call.audience.iter().map(|(_, name)| name.as_str()).collect();
        facts.push(("Sent to", names.join(", ")));
    }
    facts.extend(call.words.clone().map(|words| ("Message", words)));
    for (_, at) in &call.again {
        facts.push(("Sent again at", clock(*at)));
    }
    facts.push(match &call.ended {
        Some((_, name, at)) => ("Ended", format!("{} by {name}", clock(*at))),
        None => ("Ended", "not yet: this report is preliminary".to_owned()),
    });
    paper.facts(&facts);
    paper.heading("In numbers");
    let counts = counts(report);
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(1);
    let bars: Vec<(&str, usize)> = counts.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    paper.bars(&bars, most);
    if call.kind == CallKind::Broadcast {
        paper.heading("How many are there, by what they said");
        paper.bars(&expected(report), report.rows.len());
    }
    paper.heading("Everybody who was called");
    match call.kind {
        CallKind::Crash => crash_table(&mut paper, report, &clock),
        CallKind::Broadcast => broadcast_table(&mut paper, report, &clock),
    }
    if call.kind == CallKind::Crash {
        paper.note(&format!(
            "Every step of each request is signed and chained; `wardline request prove` gives the proof. Requests: {}",
            report.tasks.join(", ")
        ));
    }
    paper.finish()
}

fn shown(at: Timestamp, zone: &TimeZone, form: &str) -> String {
    let instant = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    instant.to_zoned(zone.clone()).strftime(form).to_string()
}

/// How many are there after some minutes.
fn expected(report: &CallReport) -> Vec<(&'static str, usize)> {
    let call = &report.view.call;
    let times = [
        ("after 15 minutes", 15),
        ("after 30 minutes", 30),
        ("after an hour", 60),
        ("after two hours", 120),
        ("after a day", 24 * 60),
    ];
    let within = |minutes: i64| {
        let until = call.raised_at.plus_millis(minutes * 60_000);
        report.rows.iter().filter(|row| row.expected(call).is_some_and(|at| at <= until)).count()
    };
    times.into_iter().map(|(name, minutes)| (name, within(minutes))).collect()
}

/// What somebody answered last, in words.
fn answered(call: &Call, row: &BoardRow) -> String {
    let Some(answer) = row.answer() else {
        return if row.person.is_none() { "nobody holds this role".to_owned() } else { "–".to_owned() };
    };
    let text = match call.kind {
        CallKind::Broadcast => {
            let reply = call.replies.iter().find(|reply| reply.code == answer.code);
            reply.map_or(answer.code.clone(), |reply| reply.text.clone())
        }
        CallKind::Crash => match answer.code.as_str() {
            "there" => "made the call",
            "accepted" => "accepted",
            "on-my-way" => "on the way",
            "arrived" => "arrived",
            "completed" => "done",
            "declined" => "cannot come",
            other => other,
        }
        .to_owned(),
    };
    match (&answer.words, answer.minutes) {
        (Some(words), _) => format!("{text}: {words}"),
        (None, Some(minutes)) => text.replace('…', &minutes.to_string()),
        (None, None) => text,
    }
}

fn crash_table(paper: &mut Paper, report: &CallReport, clock: &impl Fn(Timestamp) -> String) {
    let column = |title, weight| Column { title, weight };
    let columns = [
        column("Role", 2.2),
        column("Who", 2.2),
        column("Called", 1.0),
        column("Seen", 1.0),
        column("Answer", 2.0),
        column("At", 1.0),
        column("Arrived", 1.0),
    ];
    let time = |at: Option<Timestamp>| at.map(clock).unwrap_or_default();
    let rows: Vec<Vec<String>> = report
        .rows
        .iter()
        .map(|row| {
            let arrived = row.answers.iter().find(|it| it.code == "arrived").map(|it| it.at);
            vec![
                row.role.clone().unwrap_or_default(),
                row.person.as_ref().map_or("–".to_owned(), |(_, name)| name.clone()),
                time(row.told),
                time(row.seen),
                answered(&report.view.call, row),
                time(row.answer().map(|it| it.at)),
                time(arrived),
            ]
        })
        .collect();
    paper.table(&columns, &rows);
}

fn broadcast_table(paper: &mut Paper, report: &CallReport, clock: &impl Fn(Timestamp) -> String) {
    let column = |title, weight| Column { title, weight };
    let columns = [
        column("Who", 2.4),
        column("What", 2.4),
        column("Told", 1.0),
        column("Reached", 1.0),
        column("Seen", 1.0),
        column("Answer", 2.2),
        column("At", 1.0),
    ];
    let time = |at: Option<Timestamp>| at.map(clock).unwrap_or_default();
    let rows: Vec<Vec<String>> = report
        .rows
        .iter()
        .map(|row| {
            vec![
                row.person.as_ref().map(|(_, name)| name.clone()).unwrap_or_default(),
                row.job.clone(),
                time(row.told),
                time(row.delivered),
                time(row.seen),
                answered(&report.view.call, row),
                time(row.answer().map(|it| it.at)),
            ]
        })
        .collect();
    paper.table(&columns, &rows);
}
