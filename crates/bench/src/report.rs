//! `docs/performance.md`: tables, charts and the history, made of the results and of notes that people write.

use std::{fmt::Write as _, fs, path::PathBuf};

use clap::Args;

use crate::{
    chart::{Bar, bars, figure},
    error::{Error, Result},
    history,
    house::Kind,
    measure::Measurement,
    run::Results,
    targets::{View, lines},
};

/// Where everything is.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What `run` wrote.
    #[arg(long)]
    results: PathBuf,
    /// Instruction counts, a JSON object a line.
    #[arg(long)]
    history: PathBuf,
    /// What people write: what bounds a figure that falls short, and what was tried (Markdown).
    #[arg(long)]
    notes: PathBuf,
    /// The document; charts go into the folder of the same name beside it.
    #[arg(long)]
    out: PathBuf,
}

const INTRODUCTION: &str = "\
<!-- Made by `make bench` from performance/results.json, history.jsonl and notes.md: change those. -->
# Performance

Load and servers share one machine, over loopback. Every message is an `m.room.encrypted` event of 600 bytes. A send counts when
it is answered. Servers take turns scenario by scenario, and every figure is the median of the rounds, so that a noisy machine hits
all alike; even so only ratios mean anything elsewhere. Rate limits and presence are off on every server. *Limit* is the HTTP stack
of Wardline that stores the same bytes with one shared fsync for all that wait, and does nothing else.

`make bench` measures; `make bench PEER=synapse` installs Synapse from PyPI into `target/bench` and measures it beside, with SQLite
and with PostgreSQL; `make profile` draws a flame graph and counts the instructions of a send.
";

/// Writes the document and its charts.
pub(crate) fn write(options: &Options) -> Result<()> {
    let results = Results::read(&options.results)?;
    let folder = options.out.with_extension("");
    fs::create_dir_all(&folder).map_err(|error| Error::File(folder.clone(), error))?;
    let mut text = INTRODUCTION.to_owned();
    setting(&mut text, &results);
    reach(&mut text, View(&results));
    charts(&mut text, &results, &folder)?;
    scenarios(&mut text, &results);
    counts(&mut text, &history::read(&options.history)?);
    if let Ok(notes) = fs::read_to_string(&options.notes) {
        text.push('\n');
        text.push_str(&notes);
    }
    fs::write(&options.out, text).map_err(|error| Error::File(options.out.clone(), error))
}

/// Writing to a string cannot fail.
fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").unwrap_or_default();
}

fn setting(text: &mut String, results: &Results) {
    line(text, "\n## Machine, versions, durability\n");
    line(text, &format!("{}.\n", results.machine.sentence()));
    line(text, "| server | version | an answered write is |\n|---|---|---|");
    for server in &results.servers {
        line(text, &format!("| {} | {} | {} |", server.name, server.version, server.durability));
    }
}

/// The same facts, short enough to stand under a table or a chart.
fn footnote(results: &Results) -> String {
    let servers: Vec<String> = results
        .servers
        .iter()
        .map(|server| format!("{} {} ({})", server.name, server.version, server.durability))
        .collect();
    format!("{}; {}", results.machine.sentence(), servers.join("; "))
}

fn reach(text: &mut String, view: View<'_>) {
    line(text, "\n## What is to be reached\n");
    line(text, "| figure | at least | measured | |\n|---|---|---|---|");
    for one in lines(view) {
        let met = match one.met {
            Some(true) => "reached",
            Some(false) => "**short**",
            None => "not measured",
        };
        line(text, &format!("| {} | {} | {} | {met} |", one.figure, one.aim, one.reached));
    }
    line(text, &format!("\n{}.", footnote(view.0)));
}

/// File, title, unit, scenarios and figure of a chart.
type Chart<'a> = (&'a str, &'a str, &'a str, &'a [&'a str], fn(&Measurement) -> f64);

fn charts(text: &mut String, results: &Results, folder: &std::path::Path) -> Result<()> {
    let view = View(results);
    let sends = ["send.1x1", "send.1x10", "send.1x64", "send.20x64"];
    let equal = ["send.equal.10", "send.equal.30", "send.equal.60"];
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    line(text, "\n## Charts\n");
    let wanted: [Chart<'_>; 3] = [
        ("throughput", "Sends answered a second (rooms × senders)", "/s", &sends, |one| one.per_second),
        ("latency", "Send, 99th percentile, as fast as answers come", "ms", &sends, |one| one.latency.p99),
        ("equal-load", "Send, 99th percentile, at equal load", "ms", &equal, |one| one.latency.p99),
    ];
    for (file, title, unit, scenarios, metric) in wanted {
        let mut shown = Vec::new();
        for scenario in scenarios {
            for server in &results.servers {
                if let Some(value) = view.of(scenario, &server.name, |one| Some(metric(one))) {
                    let (group, series) = ((*scenario).to_owned(), server.name.clone());
                    shown.push(Bar { group, series, value });
                }
            }
        }
        if shown.is_empty() {
            continue;
        }
        let path = folder.join(format!("{file}.svg"));
        let svg = bars(title, &footnote(results), unit, &shown);
        fs::write(&path, svg).map_err(|error| Error::File(path, error))?;
        line(text, &format!("![{title}]({name}/{file}.svg)\n"));
    }
    Ok(())
}

fn scenarios(text: &mut String, results: &Results) {
    let view = View(results);
    line(text, "## Every scenario\n");
    line(
        text,
        "Latencies in milliseconds. CPU: processor seconds of the server (its database included), and of the bench beside it.",
    );
    line(text, "Memory: highest resident size of the server's own process while it was measured.\n");
    line(
        text,
        "| scenario | server | a second | p50 | p90 | p99 | CPU s | CPU ms an operation | bench CPU s | peak MiB | further |",
    );
    line(text, "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|");
    let mut names: Vec<&str> = Vec::new();
    for one in &results.measurements {
        if !names.contains(&one.scenario.as_str()) {
            names.push(&one.scenario);
        }
    }
    names.sort_unstable_by_key(|name| (place(name), *name));
    for name in names {
        for server in &results.servers {
            row(text, view, name, server.kind, &server.name);
        }
    }
    line(text, &format!("\n{}.", footnote(results)));
}

/// The order of the issue.
fn place(scenario: &str) -> usize {
    const ORDER: [&str; 18] = [
        "send",
        "deliver",
        "fanout",
        "crash",
        "broadcast",
        "initial",
        "sliding",
        "idle",
        "create",
        "cold",
        "disk",
        "shift",
        "search",
        "staff",
        "directory",
        "clocks",
        "cost",
        "overload",
    ];
    ORDER.iter().position(|family| scenario.split('.').next() == Some(family)).unwrap_or(ORDER.len())
}

fn row(text: &mut String, view: View<'_>, scenario: &str, kind: Kind, server: &str) {
    let of = |metric: fn(&Measurement) -> f64| view.of(scenario, server, |one| Some(metric(one)));
    let Some(per_second) = of(|one| one.per_second) else { return };
    let shown = |value: Option<f64>| value.map_or_else(String::new, figure);
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let each = of(|one| one.cpu_seconds * 1000.0 / one.count.max(1) as f64);
    let mut further = Vec::new();
    let measured =
        || view.0.measurements.iter().filter(|one| one.scenario == scenario && one.server == server);
    if let Some(first) = measured().next() {
        for key in first.extra.keys() {
            let value = view.of(scenario, server, |one| one.extra.get(key).copied());
            further.push(format!("{} {}", key.replace('_', " "), shown(value)));
        }
    }
    let bold = if kind == Kind::Wardline { "**" } else { "" };
    let cells = [
        shown(of(|one| one.latency.p50)),
        shown(of(|one| one.latency.p90)),
        shown(of(|one| one.latency.p99)),
        shown(of(|one| one.cpu_seconds)),
        shown(each),
        shown(of(|one| one.generator_cpu_seconds)),
        shown(of(|one| one.peak_mib)),
        further.join("; "),
    ];
    line(
        text,
        &format!("| {scenario} | {bold}{server}{bold} | {} | {} |", figure(per_second), cells.join(" | ")),
    );
}

fn counts(text: &mut String, counts: &[history::Count]) {
    if counts.is_empty() {
        return;
    }
    line(text, "\n## Instructions of one send\n");
    line(
        text,
        "Counted by callgrind on the release server, one sender, one commit a send; repeatable on a noisy machine.\n",
    );
    line(text, "| day | commit | instructions |\n|---|---|--:|");
    #[expect(clippy::cast_precision_loss, reason = "instruction counts are far below 2^52")]
    for one in counts {
        line(text, &format!("| {} | {} | {} |", one.day, one.commit, figure(one.per_send as f64)));
    }
}
