//! One measurement: what it took, on both sides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{
    house::House,
    process,
    stats::{Percentiles, Samples},
};

/// What one scenario gave on one server in one round.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measurement {
    pub(crate) scenario: String,
    pub(crate) server: String,
    pub(crate) round: u32,
    /// Operations done.
    pub(crate) count: u64,
    pub(crate) seconds: f64,
    pub(crate) per_second: f64,
    /// Milliseconds.
    pub(crate) latency: Percentiles,
    /// Of the server and its database.
    pub(crate) cpu_seconds: f64,
    /// Of this bench, on the same machine.
    pub(crate) generator_cpu_seconds: f64,
    /// Of the server's own process; a database server's memory is not in it.
    pub(crate) peak_mib: f64,
    pub(crate) extra: BTreeMap<String, f64>,
}

/// Begins a measurement: set-up before it does not count.
#[derive(Debug)]
pub(crate) struct Meter<'a> {
    house: &'a House,
    begun: Instant,
    cpu: f64,
    own: f64,
    extra: BTreeMap<String, f64>,
}

impl<'a> Meter<'a> {
    pub(crate) fn start(house: &'a House) -> Self {
        if let Some(pid) = house.pid() {
            process::reset_peak(pid);
        }
        let (cpu, own) = (house.cpu_seconds(), process::own_cpu_seconds());
        Self { house, begun: Instant::now(), cpu, own, extra: BTreeMap::new() }
    }

    pub(crate) fn elapsed(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// A further number for the report, such as a size.
    pub(crate) fn note(&mut self, name: &str, value: f64) {
        self.extra.insert(name.to_owned(), value);
    }

    /// Ends it: `count` operations with these latencies, over `seconds` (by default the time since the start).
    pub(crate) fn finish(self, scenario: &str, count: usize, latency: Samples) -> Measurement {
        let seconds = self.elapsed();
        self.finish_after(scenario, count, latency, seconds)
    }

    pub(crate) fn finish_after(
        self,
        scenario: &str,
        count: usize,
        latency: Samples,
        seconds: f64,
    ) -> Measurement {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let per_second = count as f64 / seconds.max(1e-9);
        Measurement {
            scenario: scenario.to_owned(),
            server: self.house.spec.name.clone(),
            round: 0,
            count,
            seconds,
            per_second,
            latency: latency.percentiles(),
            cpu_seconds: self.house.cpu_seconds() - self.cpu,
            generator_cpu_seconds: process::own_cpu_seconds() - self.own,
            peak_mib: self.house.pid().map_or(0.0, process::peak_mib),
            extra: self.extra,
        }
    }
}
