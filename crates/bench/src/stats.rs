//! Latencies and their percentiles: every sample is kept, so percentiles are exact.

use serde::{Deserialize, Serialize};
use tokio::time::{Duration, Instant};

/// Latencies in microseconds.
#[derive(Debug, Default, Clone)]
pub(crate) struct Samples(Vec<u32>);

/// Percentiles in milliseconds.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize, PartialEq)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Samples {
    pub(crate) fn add(&mut self, latency: Duration) {
        self.add_micros(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn add_micros(&mut self, micros: u64) {
        self.0.push(u32::try_from(micros).unwrap_or(u32::MAX));
    }

    pub(crate) fn since(&mut self, start: Instant) {
        self.add(start.elapsed());
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Nearest-rank percentiles; zeros when there is no sample.
    pub(crate) fn percentiles(mut self) -> Percentiles {
        self.0.sort_unstable();
        let at = |percent: usize| {
            let rank = (self.0.len() * percent).div_ceil(100).max(1);
            self.0.get(rank - 1).map_or(0.0, |&micros| f64::from(micros) / 1000.0)
        };
        Percentiles { p50: at(50), p90: at(90), p95: at(95), p99: at(99), max: at(100) }
    }
}

/// The middle of `values` (the lower one of two), 0 for none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let mut samples = Samples::default();
        (1..=200).rev().for_each(|ms| samples.add(Duration::from_millis(ms)));
        let got = samples.percentiles();
        assert_eq!(got, Percentiles { p50: 100.0, p90: 180.0, p95: 190.0, p99: 198.0, max: 200.0 });
        assert_eq!(Samples::default().percentiles(), Percentiles::default());
    }

    #[test]
    fn the_median_of_rounds() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![2.0, 1.0]), 1.0);
        assert_eq!(median(vec![]), 0.0);
    }
}
