//! The command line.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use clap::{Args, Parser, Subcommand};
use wardline_clinical::ImportMode;
use wardline_domain::{Clock, Timestamp, ruma::OwnedServerName};

use crate::{
    Config, ConfigError, Error, SetClock, SystemClock, SystemRandom, audit, backup, demo, import, playbook,
    proof, scim_token, serve,
};

/// Secure messaging and requests for health and care.
#[derive(Debug, Parser)]
#[command(name = "wardline", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server.
    Serve {
        #[command(flatten)]
        place: Place,
        /// Address and port to listen on.
        #[arg(long)]
        listen: Option<SocketAddr>,
        /// Only says whether the configuration can be used.
        #[arg(long)]
        check_config: bool,
        /// Takes connections from the socket that is its standard input, as systemd hands it over with
        /// StandardInput=socket, instead of opening one.
        #[arg(long, conflicts_with = "listen")]
        inherit_socket: bool,
        /// Waits until the server that holds the data folder has ended, instead of giving up.
        #[arg(long)]
        take_over: bool,
    },
    /// Runs a fictional hospital; fills the data folder first if it is empty.
    Demo {
        /// The data folder.
        #[arg(long, default_value = "./demo-data")]
        data: PathBuf,
        /// Address and port to listen on.
        #[arg(long, default_value = "127.0.0.1:8008")]
        listen: SocketAddr,
        /// The address under which browsers reach it, such as http://localhost:8008; passkeys need a name.
        #[arg(long)]
        public_url: Option<String>,
        /// What its clock shows at the start, such as 2026-11-22T19:58:00Z; time goes on from there.
        #[arg(long, value_parser = instant)]
        at: Option<Timestamp>,
    },
    /// Takes a FHIR bundle, a table of staff, places, roles, teams or shifts (CSV), a rota (iCalendar), HL7 v2 messages or a
    /// playbook in. The server must be stopped.
    Import {
        #[command(flatten)]
        place: Place,
        /// The file.
        file: PathBuf,
        /// Takes nothing in if anything in the file is wrong.
        #[arg(long)]
        strict: bool,
        /// Takes nothing in, and only says what would change and what is wrong.
        #[arg(long, conflicts_with = "strict")]
        dry_run: bool,
    },
    /// The audit log.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Copies everything, while the server runs, into an empty folder.
    Backup {
        #[command(flatten)]
        place: Place,
        /// The folder.
        to: PathBuf,
        /// Also the sealing key of the key service, if it is in the data folder: then whoever has the backup can open
        /// the recovery keys in it.
        #[arg(long)]
        with_sealing_key: bool,
    },
    /// Reads a backup through and says whether it is whole.
    Check {
        /// The backup's folder.
        backup: PathBuf,
        /// The hash of the manifest, as `backup` printed it.
        #[arg(long)]
        manifest: Option<String>,
    },
    /// Makes a data folder out of a backup. The server that opens it knows that it went back in time.
    Restore {
        /// The backup's folder.
        backup: PathBuf,
        /// The new data folder; empty or missing.
        #[arg(long)]
        data: PathBuf,
        /// The hash of the manifest, as `backup` printed it.
        #[arg(long)]
        manifest: Option<String>,
        /// Everybody has to sign in again: sessions that were ended after the backup would go on otherwise.
        #[arg(long)]
        end_sessions: bool,
    },
    /// Tokens with which the organisation's identity system provisions accounts (SCIM). The server must be stopped.
    ScimToken {
        #[command(subcommand)]
        command: ScimTokenCommand,
    },
    /// Playbooks: the steps that a request climbs.
    Playbook {
        #[command(subcommand)]
        command: PlaybookCommand,
    },
    /// Requests: what provably happened to one.
    Request {
        #[command(subcommand)]
        command: RequestCommand,
    },
}

#[derive(Debug, Subcommand)]
enum RequestCommand {
    /// Prints a bundle that proves everything that happened to a request until now. Works while the server runs.
    Prove {
        #[command(flatten)]
        place: Place,
        /// The id of the request (FHIR Task).
        request: String,
    },
    /// Checks such a bundle, without any server, and shows what it proves.
    Verify {
        /// The file.
        file: PathBuf,
        /// A published key of the server, as ed25519:ID=BASE64. May be given several times.
        #[arg(long)]
        key: Vec<String>,
        /// The published keys as a file: the answer of https://SERVER/_matrix/key/v2/server.
        #[arg(long)]
        keys: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Proves that the log and the stream of positions are whole, or names the first bad entry.
    Verify {
        /// The data folder.
        #[arg(long)]
        data: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum ScimTokenCommand {
    /// Makes a token, in place of an earlier one of the same name, and prints it.
    Create {
        #[command(flatten)]
        place: Place,
        /// What the token is called, such as the name of the identity system.
        #[arg(long)]
        name: String,
        /// How many days it lasts. Without: until it is revoked.
        #[arg(long)]
        days: Option<u32>,
    },
    /// Revokes a token.
    Revoke {
        #[command(flatten)]
        place: Place,
        /// What the token is called.
        #[arg(long)]
        name: String,
    },
}

#[derive(Debug, Subcommand)]
enum PlaybookCommand {
    /// Says whether a playbook can be used; with a server, also whether somebody is behind each role in every hour
    /// of the coming week. Works while the server runs.
    Check {
        #[command(flatten)]
        place: AnyPlace,
        /// The file (TOML).
        file: PathBuf,
    },
    /// Shows what would happen to a request that nobody answers. Works while the server runs.
    Simulate {
        #[command(flatten)]
        place: Place,
        /// The file (TOML).
        file: PathBuf,
        /// To whom the request is addressed, as HealthcareService/ID, Practitioner/ID, CareTeam/ID or Location/ID.
        #[arg(long)]
        to: String,
        /// The ward where the patient lies (Location id).
        #[arg(long)]
        ward: Option<String>,
        /// When it is raised, in local time as 2026-11-22T20:00. Default: now.
        #[arg(long)]
        at: Option<jiff::civil::DateTime>,
    },
}

/// Which server: a configuration file, or a folder and a name.
#[derive(Debug, Args)]
struct Place {
    /// The configuration file.
    #[arg(long, required_unless_present_all = ["data", "server_name"])]
    config: Option<PathBuf>,
    /// The data folder.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The right-hand side of every user id.
    #[arg(long)]
    server_name: Option<OwnedServerName>,
}

/// A server, or none.
#[derive(Debug, Args)]
struct AnyPlace {
    /// The configuration file of a server.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The data folder of a server.
    #[arg(long, requires = "server_name")]
    data: Option<PathBuf>,
    /// The right-hand side of its user ids.
    #[arg(long, requires = "data")]
    server_name: Option<OwnedServerName>,
}

impl AnyPlace {
    fn config(self) -> Result<Option<Config>, ConfigError> {
        let Self { config, data, server_name } = self;
        if config.is_none() && data.is_none() {
            return Ok(None);
        }
        Place { config, data, server_name }.config(None).map(Some)
    }
}

impl Place {
    fn config(self, listen: Option<SocketAddr>) -> Result<Config, ConfigError> {
        let mut config = match (self.config, &self.data, &self.server_name) {
            (Some(file), ..) => Config::read(&file)?,
            (None, Some(data), Some(name)) => Config::new(name.clone(), data.clone()),
            (None, ..) => {
                return Err(ConfigError::value("--config", "or --data with --server-name is needed"));
            }
        };
        config.listen = listen.unwrap_or(config.listen);
        config.data = self.data.unwrap_or(config.data);
        config.server_name = self.server_name.unwrap_or(config.server_name);
        Ok(config)
    }
}

/// Reads the command line, does what it says and reports errors on standard error: 0 done, 1 failed, 2 misused, 74 the
/// disk under the database failed.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)
        .and_then(|runtime| runtime.block_on(execute(cli.command)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wardline: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// An instant of the command line.
fn instant(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::from_instant(text).ok_or("must be an instant with a time zone, such as 2026-11-22T19:58:00Z")
}

async fn execute(command: Command) -> Result<(), Error> {
    match command {
        Command::Serve { place, listen, check_config, inherit_socket, take_over } => {
            let config = place.config(listen)?;
            if check_config {
                println!("The configuration can be used.");
                return Ok(());
            }
            start_log(&config)?;
            let start = serve::Start { inherit_socket, take_over };
            serve::until_signal(&config, start, Arc::new(SystemClock), Arc::new(SystemRandom)).await
        }
        Command::Demo { data, listen, public_url, at } => {
            let config = Config { public_url, ..demo::config(data, listen) };
            start_log(&config)?;
            let clock: Arc<dyn Clock> = match at {
                Some(at) => Arc::new(SetClock::starting(at)),
                None => Arc::new(SystemClock),
            };
            demo::run(&config, clock, Arc::new(SystemRandom)).await
        }
        Command::Import { place, file, strict, dry_run } => {
            let config = place.config(None)?;
            start_log(&config)?;
            let mode = match (strict, dry_run) {
                (true, _) => ImportMode::Strict,
                (false, true) => ImportMode::DryRun,
                (false, false) => ImportMode::Skip,
            };
            import::file(&config, &file, mode, Arc::new(SystemClock), Arc::new(SystemRandom)).await
        }
        Command::Backup { place, to, with_sealing_key } => {
            backup::take(&place.config(None)?, &to, with_sealing_key, &SystemClock)
        }
        Command::Check { backup, manifest } => backup::check(&backup, manifest.as_deref()),
        Command::Restore { backup, data, manifest, end_sessions } => {
            let clock = Arc::new(SystemClock);
            backup::restore(&backup, &data, manifest.as_deref(), end_sessions, clock).await
        }
        Command::Audit { command: AuditCommand::Verify { data } } => audit::verify(&data).await,
        Command::Playbook { command: PlaybookCommand::Check { place, file } } => {
            let config = place.config()?;
            playbook::check(config.as_ref(), &file, Arc::new(SystemClock), Arc::new(SystemRandom)).await
        }
        Command::Playbook { command: PlaybookCommand::Simulate { place, file, to, ward, at } } => {
            let config = place.config(None)?;
            let case = playbook::Case { to, ward, at };
            playbook::simulate(&config, &file, case, Arc::new(SystemClock), Arc::new(SystemRandom)).await
        }
        Command::Request { command: RequestCommand::Prove { place, request } } => {
            let config = place.config(None)?;
            proof::prove(&config, &request, Arc::new(SystemClock), Arc::new(SystemRandom)).await
        }
        Command::Request { command: RequestCommand::Verify { file, key, keys } } => {
            proof::verify(&file, &key, keys.as_deref())
        }
        Command::ScimToken { command } => {
            let (place, name, change) = match command {
                ScimTokenCommand::Create { place, name, days } => {
                    (place, name, scim_token::Change::Create(days))
                }
                ScimTokenCommand::Revoke { place, name } => (place, name, scim_token::Change::Revoke),
            };
            let config = place.config(None)?;
            scim_token::change(&config, &name, change, Arc::new(SystemClock), Arc::new(SystemRandom)).await
        }
    }
}

fn start_log(config: &Config) -> Result<(), ConfigError> {
    crate::log::start(&config.log).map_err(|error| ConfigError::value("log.level", error))
}
