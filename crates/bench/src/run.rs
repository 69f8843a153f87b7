//! A run: every scenario on every server, in turns, round after round.

use std::{collections::BTreeSet, fs, net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum as _};
use serde::{Deserialize, Serialize};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Duration, Instant, timeout},
};

use crate::{
    error::{Error, Result},
    house::{House, Kind, Spec},
    machine::Machine,
    matrix::Sender,
    measure::Measurement,
    payload::{self, Run},
    scenario::{self, Family, Sizes},
};

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Size {
    /// The sizes of the issue.
    Full,
    /// A look of a few minutes.
    #[value(alias = "small")]
    Quick,
}

/// Which servers, what and how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A JSON array of servers (see `house::Spec`), which take turns.
    #[arg(long, conflicts_with = "address", required_unless_present = "address")]
    servers: Option<PathBuf>,
    #[command(flatten)]
    one: One,
    /// Only these families of scenarios.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Family>,
    /// How often everything is measured; the report takes medians.
    #[arg(long, default_value_t = 1)]
    rounds: u32,
    /// Seconds of a measurement that has no natural end.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How large everything is.
    #[arg(long, value_enum, default_value = "quick")]
    size: Size,
    /// Longest time of one family on our own server, in seconds; what takes longer is left out and said so.
    #[arg(long, default_value_t = 900)]
    longest: u64,
    /// The same for another homeserver.
    #[arg(long, default_value_t = 900)]
    longest_peer: u64,
    /// Ends after so many minutes; a later run with `--resume` goes on.
    #[arg(long)]
    minutes: Option<u64>,
    /// Leaves out what the results hold already for the same versions.
    #[arg(long)]
    resume: bool,
    /// Results (JSON); those of other scenarios that are in it already stay.
    #[arg(long)]
    out: PathBuf,
}

/// One server that runs already.
#[derive(Debug, Clone, Args)]
pub(crate) struct One {
    /// Its address; loopback only.
    #[arg(long)]
    address: Option<SocketAddr>,
    /// The secret of `/_synapse/admin/v1/register`; without it accounts come from open registration.
    #[arg(long)]
    secret_file: Option<PathBuf>,
    /// Its process, for processor time and memory.
    #[arg(long)]
    pid: Option<u32>,
    /// Where to keep what was made on the server between runs.
    #[arg(long, default_value = "target/bench/one")]
    scratch: PathBuf,
}

impl One {
    fn spec(self) -> Result<Spec> {
        let address = self.address.ok_or_else(|| Error::Misuse("--address is missing".to_owned()))?;
        Ok(Spec {
            name: "server".to_owned(),
            kind: Kind::Peer,
            version: "unknown".to_owned(),
            durability: "unknown".to_owned(),
            address,
            command: Vec::new(),
            env: std::collections::BTreeMap::new(),
            pids: self.pid.into_iter().collect(),
            data: Vec::new(),
            secret_file: self.secret_file,
            service_token_file: None,
            scratch: self.scratch,
        })
    }
}

/// What a run leaves: the machine, the servers and every measurement.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) servers: Vec<Shown>,
    pub(crate) measurements: Vec<Measurement>,
    /// Families that were measured to their end: server, its version, family, round.
    #[serde(default)]
    pub(crate) done: BTreeSet<(String, String, String, u32)>,
}

/// A server as the report names it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) version: String,
    pub(crate) durability: String,
}

impl Results {
    pub(crate) fn read(path: &PathBuf) -> Result<Self> {
        let bytes = fs::read(path).map_err(|error| Error::File(path.clone(), error))?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::Json { what: path.display().to_string(), error })
    }

    fn write(&self, path: &PathBuf) -> Result<()> {
        let json = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::Json { what: path.display().to_string(), error })?;
        fs::write(path, json).map_err(|error| Error::File(path.clone(), error))
    }

    /// Adds `new`, which replaces older measurements of the same scenario, server and round.
    fn add(&mut self, new: Vec<Measurement>) {
        let key = |one: &Measurement| (one.scenario.clone(), one.server.clone(), one.round);
        let keys: Vec<_> = new.iter().map(key).collect();
        self.measurements.retain(|old| !keys.contains(&key(old)));
        self.measurements.extend(new);
    }

    fn show(&mut self, spec: &Spec) {
        let shown = Shown {
            name: spec.name.clone(),
            kind: spec.kind,
            version: spec.version.clone(),
            durability: spec.durability.clone(),
        };
        match self.servers.iter_mut().find(|old| old.name == shown.name) {
            Some(old) => *old = shown,
            None => self.servers.push(shown),
        }
    }
}

fn specs(options: &Options) -> Result<Vec<Spec>> {
    let Some(path) = &options.servers else { return Ok(vec![options.one.clone().spec()?]) };
    let bytes = fs::read(path).map_err(|error| Error::File(path.clone(), error))?;
    serde_json::from_slice(&bytes).map_err(|error| Error::Json { what: path.display().to_string(), error })
}

/// Runs, and ends every server that it started, whatever happened.
pub(crate) async fn run(options: Options) -> Result<()> {
    let specs = specs(&options)?;
    let mut results = Results::read(&options.out).unwrap_or_default();
    let houses = specs.into_iter().map(House::open).collect::<Result<Vec<_>>>()?;
    if let Some(house) = houses.first() {
        results.machine = Machine::here(&house.spec.scratch);
    }
    for house in &houses {
        results.show(&house.spec);
        house.start().await?;
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let ended = tokio::select! {
        ended = measure(&options, &houses, &mut results) => ended,
        ended = tokio::signal::ctrl_c() => ended.map_err(Error::Connection),
        _ = terminate.recv() => Err(Error::Misuse("ended by SIGTERM".to_owned())),
    };
    for house in &houses {
        house.keep()?;
        house.stop().await?;
    }
    ended
}

async fn measure(options: &Options, houses: &[House], results: &mut Results) -> Result<()> {
    let sizes = match options.size {
        Size::Full => Sizes::full(options.seconds),
        Size::Quick => Sizes::quick(options.seconds),
    };
    let families =
        if options.only.is_empty() { Family::value_variants().to_vec() } else { options.only.clone() };
    let begun = Instant::now();
    let is_late = || options.minutes.is_some_and(|minutes| begun.elapsed().as_secs() >= minutes * 60);
    for round in 1..=options.rounds {
        for &family in &families {
            for house in houses {
                let key = (house.spec.name.clone(), house.spec.version.clone(), format!("{family:?}"), round);
                if is_late() || (options.resume && results.done.contains(&key)) {
                    continue;
                }
                println!("[{:>5} s] {family:?} on {}", begun.elapsed().as_secs(), house.spec.name);
                let longest = match house.spec.kind {
                    Kind::Peer => options.longest_peer,
                    Kind::Wardline | Kind::Limit => options.longest,
                };
                let measured = scenario::run(family, !options.only.is_empty(), house, &sizes);
                // What is under way when the time is over is given up, and measured again by a later run.
                let left =
                    options.minutes.map(|minutes| (minutes * 60).saturating_sub(begun.elapsed().as_secs()));
                let longest = longest.min(left.unwrap_or(longest));
                let measured = timeout(Duration::from_secs(longest), measured).await;
                match measured.unwrap_or(Err(Error::Late("a family of scenarios"))) {
                    Ok(mut new) => {
                        new.iter_mut().for_each(|one| one.round = round);
                        new.iter().for_each(say);
                        results.add(new);
                        results.done.insert(key);
                        results.write(&options.out)?;
                    }
                    Err(error) => eprintln!("{family:?} on {}, round {round}: {error}", house.spec.name),
                }
                house.keep()?;
                // A scenario that failed half-way may have stopped the server.
                house.start().await?;
            }
        }
    }
    if is_late() {
        println!("The time is over; what is not measured yet is measured by the same command with RESUME=1.");
    }
    Ok(())
}

fn say(one: &Measurement) {
    println!(
        "{:<22} {:<14} {:>9.1}/s  p50 {:>9.2} ms  p99 {:>9.2} ms  cpu {:>6.2} s (bench {:>5.2} s)  {:>7.1} MiB  {}",
        one.scenario,
        one.server,
        one.per_second,
        one.latency.p50,
        one.latency.p99,
        one.cpu_seconds,
        one.generator_cpu_seconds,
        one.peak_mib,
        one.extra.iter().map(|(name, value)| format!("{name}={value:.1} ")).collect::<String>(),
    );
}

/// A fixed number of sends.
#[derive(Debug, Args)]
pub(crate) struct Sends {
    #[command(flatten)]
    one: One,
    /// How many.
    #[arg(long)]
    count: u32,
}

/// Sends `count` messages one after the other into one room of ten members.
pub(crate) async fn sends(options: Sends) -> Result<()> {
    let house = House::open(options.one.spec()?)?;
    let accounts = house.crowd("send", 10).await?;
    let room = house.room("send-0", &accounts).await?;
    let mut sender = Sender::new(&house, &accounts[0], &room);
    let mut message = Run::new().message();
    let begun = Instant::now();
    for _ in 0..options.count {
        sender.send(message.at(payload::now())).await?;
    }
    println!("{} sends in {:.2} s", options.count, begun.elapsed().as_secs_f64());
    house.keep()
}
