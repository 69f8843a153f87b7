//! What the product is to reach, and how far measurements are from it. Against other homeservers only ratios count, and
//! only at the same size.

use crate::{
    chart::figure,
    house::Kind,
    measure::Measurement,
    run::{Results, Shown},
    stats::median,
};

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) figure: String,
    pub(crate) aim: String,
    /// What was measured, in words; empty when nothing was.
    pub(crate) reached: String,
    pub(crate) met: Option<bool>,
}

/// Results by scenario and server, medians over rounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a>(pub(crate) &'a Results);

type Metric = fn(&Measurement) -> Option<f64>;

impl<'a> View<'a> {
    pub(crate) fn servers(self, kind: Kind) -> impl Iterator<Item = &'a Shown> {
        self.0.servers.iter().filter(move |server| server.kind == kind)
    }

    pub(crate) fn ours(self) -> &'a str {
        self.servers(Kind::Wardline).next().map_or("", |server| &server.name)
    }

    pub(crate) fn of(
        self,
        scenario: &str,
        server: &str,
        metric: impl Fn(&Measurement) -> Option<f64>,
    ) -> Option<f64> {
        let measured =
            self.0.measurements.iter().filter(|one| one.scenario == scenario && one.server == server);
        let values: Vec<f64> = measured.filter_map(metric).collect();
        (!values.is_empty()).then(|| median(values))
    }

    /// The scenarios of one server whose name is `prefix` and a size, the smallest first.
    fn sizes(self, prefix: &str, server: &str) -> Vec<&'a str> {
        let measured = self.0.measurements.iter().filter(|one| one.server == server);
        let mut names: Vec<&str> = measured
            .map(|one| one.scenario.as_str())
            .filter(|name| {
                name.strip_prefix(prefix)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit()))
            })
            .collect();
        names.sort_unstable_by_key(|name| (name.len(), *name));
        names.dedup();
        names
    }

    /// The largest size of our own.
    fn largest(self, prefix: &str, metric: Metric) -> Option<(&'a str, f64)> {
        let scenario = self.sizes(prefix, self.ours()).pop()?;
        Some((scenario, self.of(scenario, self.ours(), metric)?))
    }

    /// The largest size that both we and a peer were measured at.
    fn common(self, prefix: &str, peer: &str) -> Option<&'a str> {
        let theirs = self.sizes(prefix, peer);
        self.sizes(prefix, self.ours()).into_iter().rev().find(|name| theirs.contains(name))
    }

    /// Ours and a peer's figure at that size.
    fn pair(self, prefix: &str, peer: &str, metric: Metric) -> Option<(f64, f64)> {
        let both = self.common(prefix, peer)?;
        Some((self.of(both, self.ours(), metric)?, self.of(both, peer, metric)?))
    }

    /// How many times better we are than each peer: more is better where `more`, else less is.
    fn times(self, prefix: &str, metric: Metric, more: bool) -> Vec<(&'a str, f64)> {
        let peers = self.servers(Kind::Peer).map(|server| server.name.as_str());
        peers
            .filter_map(|peer| {
                let (ours, theirs) = self.pair(prefix, peer, metric)?;
                Some((peer, if more { ours / theirs } else { theirs / ours }))
            })
            .filter(|(_, times)| times.is_finite())
            .collect()
    }
}

fn per_second(one: &Measurement) -> Option<f64> {
    Some(one.per_second)
}

fn p50(one: &Measurement) -> Option<f64> {
    Some(one.latency.p50)
}

fn p95(one: &Measurement) -> Option<f64> {
    Some(one.latency.p95)
}

fn p99(one: &Measurement) -> Option<f64> {
    Some(one.latency.p99)
}

fn device_kib(one: &Measurement) -> Option<f64> {
    one.extra.get("kib_per_device").copied()
}

fn core_percent(one: &Measurement) -> Option<f64> {
    one.extra.get("percent_of_a_core").copied()
}

fn cpu_micros(one: &Measurement) -> Option<f64> {
    one.extra.get("cpu_micros").copied()
}

/// All lines of the table, in the order of the issue.
pub(crate) fn lines(view: View<'_>) -> Vec<Line> {
    let size = |peer: Option<&str>, prefix: &str| {
        let common = peer.and_then(|peer| view.common(prefix, peer));
        common.map_or_else(String::new, |scenario| format!(" ({scenario})"))
    };
    let times = |figure: &str, prefix: &str, metric: Metric, more: bool, least: f64| {
        let found = view.times(prefix, metric, more);
        let shown = |(peer, times): &(&str, f64)| {
            let number = self::figure(*times);
            if more { format!("{number}× {peer}") } else { format!("1/{number} of {peer}") }
        };
        Line {
            figure: figure.to_owned(),
            aim: if more { format!("{least}×") } else { format!("1/{least}") },
            reached: found.iter().map(shown).collect::<Vec<_>>().join(", ")
                + &size(found.first().map(|one| one.0), prefix),
            met: (!found.is_empty()).then(|| found.iter().all(|(_, times)| *times >= least)),
        }
    };
    let below = |figure: &str, found: Option<(&str, f64)>, most: f64, unit: &str| Line {
        figure: figure.to_owned(),
        aim: format!("under {most} {unit}"),
        reached: found.map_or_else(String::new, |(scenario, value)| {
            format!("{} {unit} ({scenario})", self::figure(value))
        }),
        met: found.map(|(_, value)| value < most),
    };
    let limit = view.servers(Kind::Limit).next().map_or("", |server| &server.name);
    let ours = view.of("send.20x64", view.ours(), per_second);
    let fraction = ours.zip(view.of("send.20x64", limit, per_second)).map(|(ours, limit)| ours / limit);
    let growth = |figure: &str, prefix: &str| {
        let sizes = view.sizes(prefix, view.ours());
        let ends = sizes.first().zip(sizes.last()).filter(|(small, large)| small != large);
        let cost = |name: &str| view.of(name, view.ours(), cpu_micros);
        let grown = ends.and_then(|(small, large)| Some(cost(large)? / cost(small)?));
        Line {
            figure: figure.to_owned(),
            aim: "within 1.5×".to_owned(),
            reached: grown.zip(ends).map_or_else(String::new, |(grown, (small, large))| {
                format!("{grown:.2}× ({large} against {small})")
            }),
            met: grown.map(|grown| grown <= 1.5),
        }
    };
    vec![
        times("send throughput, 64 senders over 20 rooms", "send.20x64", per_second, true, 150.0),
        times("send p99 at equal load", "send.equal.", p99, false, 20.0),
        times("deliveries a second (b)", "deliver.", per_second, true, 150.0),
        times("send throughput, 64 senders in one room", "send.1x64", per_second, true, 100.0),
        Line {
            figure: "send throughput, 64 senders over 20 rooms, of the limit".to_owned(),
            aim: "0.5".to_owned(),
            reached: fraction.map_or_else(String::new, |fraction| format!("{fraction:.2}")),
            met: fraction.map(|fraction| fraction >= 0.5),
        },
        times("last member of a large room has the message (c)", "fanout.", p50, false, 50.0),
        below("crash call p99, to all 15 devices (d)", view.largest("crash.", p99), 150.0, "ms"),
        below("broadcast p95 (e)", view.largest("broadcast.", p95), 5000.0, "ms"),
        below("first sync, v3 (f)", view.largest("initial.", p50), 300.0, "ms"),
        times("first sync, v3 (f)", "initial.", p50, false, 50.0),
        below("memory of an idle syncing device (g)", view.largest("idle", device_kib), 16.0, "KiB"),
        times("memory of an idle syncing device (g)", "idle", device_kib, false, 20.0),
        below("cold start to first answered send (i)", view.largest("cold", p50), 1000.0, "ms"),
        below("createRoom p50 (h)", view.largest("create", p50), 20.0, "ms"),
        below("search of the directory as one types, p95", view.largest("directory.", p95), 30.0, "ms"),
        below(
            "open requests with running clocks",
            view.largest("clocks.open.", core_percent),
            1.0,
            "% of a core",
        ),
        rings(view),
        below(
            "a change of a request's state is on a screen, p95",
            view.largest("clocks.state", p95),
            200.0,
            "ms",
        ),
        growth("cost of a send, by members of the room", "cost.send."),
        growth("cost of an incremental sync, by rooms", "cost.sync."),
        overload(view),
    ]
}

/// How long after its time a clock's ringing is on a screen while other requests come in, and that none rings twice.
fn rings(view: View<'_>) -> Line {
    const AIM_MS: f64 = 250.0;
    let of = |metric: Metric| view.of("clocks.ring", view.ours(), metric);
    let found = of(p99).zip(of(|one| one.extra.get("rung_twice").copied()));
    Line {
        figure: "a clock rings, to the screen, p99".to_owned(),
        aim: format!("under {AIM_MS} ms, never twice"),
        reached: found.map_or_else(String::new, |(late, twice)| {
            format!("{} ms, {} twice (clocks.ring)", figure(late), figure(twice))
        }),
        met: found.map(|(late, twice)| late < AIM_MS && twice < 0.5),
    }
}

/// What a minute of ten times the load leaves behind. A latency may be twice what it was, or 20 ms: the disk varies by more.
fn overload(view: View<'_>) -> Line {
    const SLACK_MS: f64 = 20.0;
    let of = |name: &str| view.of("overload", view.ours(), |one| one.extra.get(name).copied());
    let found = of("lost").and_then(|lost| {
        Some((lost, of("p99_alone_before_ms")?, of("p99_alone_after_ms")?, of("turned_away")?))
    });
    Line {
        figure: "overload at ten times the capacity, afterwards".to_owned(),
        aim: "nothing lost, p99 as before".to_owned(),
        reached: found.map_or_else(String::new, |(lost, before, after, away)| {
            let [lost, before, after, away] = [lost, before, after, away].map(figure);
            format!("{lost} lost, p99 {after} ms ({before} ms before), {away} turned away")
        }),
        met: found.map(|(lost, before, after, _)| lost < 0.5 && after <= (before * 2.0).max(SLACK_MS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{machine::Machine, stats::Percentiles};

    fn measured(scenario: &str, server: &str, per_second: f64, p99: f64) -> Measurement {
        Measurement {
            scenario: scenario.to_owned(),
            server: server.to_owned(),
            round: 1,
            count: 1,
            seconds: 1.0,
            per_second,
            latency: Percentiles { p99, ..Percentiles::default() },
            cpu_seconds: 1.0,
            generator_cpu_seconds: 1.0,
            peak_mib: 1.0,
            extra: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn ratios_compare_the_same_size_and_every_peer_counts() {
        let shown = |name: &str, kind| Shown {
            name: name.to_owned(),
            kind,
            version: String::new(),
            durability: String::new(),
        };
        let results = Results {
            machine: Machine::default(),
            servers: vec![
                shown("ours", Kind::Wardline),
                shown("a", Kind::Peer),
                shown("b", Kind::Peer),
                shown("limit", Kind::Limit),
            ],
            measurements: vec![
                measured("send.20x64", "ours", 6000.0, 5.0),
                measured("send.20x64", "a", 30.0, 0.0),
                measured("send.20x64", "b", 60.0, 0.0),
                measured("send.20x64", "limit", 10_000.0, 0.0),
                measured("deliver.10x10", "ours", 20_000.0, 0.0),
                measured("deliver.50x10", "ours", 9000.0, 0.0),
                measured("deliver.10x10", "a", 100.0, 0.0),
            ],
            ..Results::default()
        };
        let lines = lines(View(&results));
        assert_eq!((lines[0].reached.as_str(), lines[0].met), ("200× a, 100× b (send.20x64)", Some(false)));
        assert_eq!((lines[1].reached.as_str(), lines[1].met), ("", None));
        assert_eq!((lines[2].reached.as_str(), lines[2].met), ("200× a (deliver.10x10)", Some(true)));
        assert_eq!((lines[4].reached.as_str(), lines[4].met), ("0.60", Some(true)));
    }
}
