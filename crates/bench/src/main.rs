//! `wardline-bench`: measures any homeserver through its public APIs, on this machine only.
//!
//! `run` measures the servers of a file (or one that runs already) and writes results as JSON; `report` makes
//! `docs/performance.md` of them; `limit` is the server that accepts sends and does nothing but store them; `sends` sends
//! a fixed number of messages, for instruction counts; `flame` draws what `perf script` prints.

mod chart;
mod error;
mod flame;
mod history;
mod house;
mod limit;
mod machine;
mod matrix;
mod measure;
mod payload;
mod process;
mod report;
mod run;
mod scenario;
mod stats;
mod targets;
mod wire;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::error::{Error, Result};

/// As the server has it, so that the limit has it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
#[command(name = "wardline-bench", version, about = "Measures homeservers through their public APIs.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures.
    Run(run::Options),
    /// Makes the report of results.
    Report(report::Options),
    /// Accepts sends, stores them with a shared fsync, and nothing else.
    Limit {
        /// Where to listen; loopback only.
        #[arg(long)]
        listen: SocketAddr,
        /// The file that takes the bytes; it is overwritten.
        #[arg(long)]
        file: PathBuf,
    },
    /// Sends a fixed number of messages one after the other to one server, then ends.
    Sends(run::Sends),
    /// Adds an instruction count to the history.
    Count(history::Options),
    /// Draws a flame graph (SVG) of `perf script` on standard input, and prints the hottest functions to standard error.
    Flame,
}

fn main() -> ExitCode {
    match execute(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wardline-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> Result<()> {
    match command {
        // The limit runs as our server does; everything else has one thread, to leave the cores to the servers.
        Command::Limit { listen, file } => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(limit::serve(listen, file))
        }
        Command::Run(options) => single()?.block_on(run::run(options)),
        Command::Sends(options) => single()?.block_on(run::sends(options)),
        Command::Report(options) => report::write(&options),
        Command::Count(options) => history::add(&options),
        Command::Flame => flame::draw(std::io::stdin().lock(), std::io::stdout().lock()),
    }
}

fn single() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Connection)
}
