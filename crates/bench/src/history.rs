//! The history of what one send costs in instructions: repeatable on a noisy machine, so one line a change is kept.

use std::{fs, io::Write as _, path::PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// One count.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Count {
    /// Day, as `2026-11-22`.
    pub(crate) day: String,
    pub(crate) commit: String,
    /// Instructions of the server for one send, answered durably, sent one after the other.
    pub(crate) per_send: u64,
}

/// Two runs that differ only in the number of sends: what start and stop cost falls out of the difference.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[arg(long)]
    history: PathBuf,
    #[arg(long)]
    day: String,
    #[arg(long)]
    commit: String,
    /// Sends of the shorter and of the longer run.
    #[arg(long, num_args = 2)]
    sends: Vec<u64>,
    /// Instructions of the shorter and of the longer run.
    #[arg(long, num_args = 2)]
    instructions: Vec<u64>,
}

/// Appends one count to the history (a JSON object a line).
pub(crate) fn add(options: &Options) -> Result<()> {
    let difference = |pair: &[u64]| match pair {
        [short, long] if long > short => Ok(long - short),
        _ => Err(Error::Misuse("the longer run must be the second one".to_owned())),
    };
    let per_send = difference(&options.instructions)? / difference(&options.sends)?;
    let count = Count { day: options.day.clone(), commit: options.commit.clone(), per_send };
    let line =
        serde_json::to_string(&count).map_err(|error| Error::Json { what: "history".to_owned(), error })?;
    let problem = |error| Error::File(options.history.clone(), error);
    let mut file = fs::File::options().create(true).append(true).open(&options.history).map_err(problem)?;
    writeln!(file, "{line}").map_err(problem)?;
    println!("{per_send} instructions a send");
    Ok(())
}

/// All counts, oldest first; none when there is no history.
pub(crate) fn read(path: &PathBuf) -> Result<Vec<Count>> {
    let Ok(text) = fs::read_to_string(path) else { return Ok(Vec::new()) };
    let parse = |line: &str| {
        serde_json::from_str(line).map_err(|error| Error::Json { what: path.display().to_string(), error })
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_the_difference_of_two_runs() {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            history: dir.path().join("history.jsonl"),
            day: "2026-11-22".to_owned(),
            commit: "abc".to_owned(),
            sends: vec![100, 300],
            instructions: vec![1_000_000, 1_400_000],
        };
        add(&options).unwrap();
        add(&options).unwrap();
        let counts = read(&options.history).unwrap();
        assert_eq!((counts.len(), counts[1].per_send), (2, 2000));
        assert!(add(&Options { sends: vec![300, 100], ..options }).is_err());
    }
}
