//! The machine of a run, in one line for every table.

use std::{fs, io::Write as _, path::Path, time::Instant};

use serde::{Deserialize, Serialize};

use crate::stats::Samples;

const SYNCS: usize = 50;

/// Where figures come from.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: f64,
    pub(crate) kernel: String,
    /// Median time of writing 4 KiB and syncing it, in milliseconds.
    pub(crate) fsync_ms: f64,
}

fn value(path: &str, key: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
    line.split_once(':').map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

impl Machine {
    /// Looks at this machine and at the disk that holds `folder`.
    pub(crate) fn here(folder: &Path) -> Self {
        let kib: f64 = value("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0.0);
        Self {
            processor: value("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: (kib / 1_048_576.0).round(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            fsync_ms: fsync(folder).unwrap_or(0.0),
        }
    }

    pub(crate) fn sentence(&self) -> String {
        format!(
            "{} cores of {}, {} GiB, Linux {}, {:.2} ms for a 4 KiB write with fsync",
            self.cores, self.processor, self.memory_gib, self.kernel, self.fsync_ms
        )
    }
}

#[expect(clippy::disallowed_methods, reason = "this measures a disk, there is no clock to inject")]
fn fsync(folder: &Path) -> std::io::Result<f64> {
    let path = folder.join("fsync-probe");
    let mut file = fs::File::create(&path)?;
    let mut samples = Samples::default();
    for _ in 0..SYNCS {
        let start = Instant::now();
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
        samples.add(start.elapsed());
    }
    fs::remove_file(path)?;
    Ok(samples.percentiles().p50)
}
