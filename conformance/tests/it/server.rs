//! A `wardline` process on a free port with its own data folder.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    time::Duration,
};

use tokio::time::Instant;

/// What the binary prints before its address once it answers.
const READY: &str = "ready at ";

/// A running server. Dropping it kills the process.
pub(crate) struct Server {
    process: Child,
    /// Held open so that the process can go on printing.
    _output: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl Server {
    /// Starts a server with open registration and its data in `dir`.
    pub(crate) fn open_registration(dir: &Path) -> Self {
        let text = "server_name = \"conformance.example\"\ndata = \"data\"\nlisten = \"127.0.0.1:0\"\n\
                    [registration]\nopen = true\n[limits]\nrates = false\n[log]\nlevel = \"warn\"\n";
        Self::configured(dir, text)
    }

    /// Starts a server with this configuration, which is written into `dir`.
    pub(crate) fn configured(dir: &Path, text: &str) -> Self {
        let config = dir.join("wardline.toml");
        fs::write(&config, text).expect("configuration written");
        Self::start(wardline().arg("serve").arg("--config").arg(config))
    }

    /// Starts the demo hospital with its data in `dir` at `listen`.
    pub(crate) fn demo(dir: &Path, listen: &str) -> Self {
        Self::start(wardline().arg("demo").arg("--data").arg(dir).args(["--listen", listen]))
    }

    fn start(command: &mut Command) -> Self {
        let mut process = spawn(command);
        let mut output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let mut line = String::new();
        while output.read_line(&mut line).expect("its output can be read") > 0 {
            if let Some((_, url)) = line.trim_end().split_once(READY) {
                let url = url.to_owned();
                return Self { process, _output: output, url };
            }
            line.clear();
        }
        panic!("wardline ended before it was ready: {:?}", process.wait());
    }

    /// The address to listen on to be found at the same place again.
    pub(crate) fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// SIGTERM; gives how long the process took to end and whether it ended well.
    pub(crate) fn terminate(mut self) -> (Duration, ExitStatus) {
        let began = Instant::now();
        let told = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        assert!(told.expect("kill runs").success());
        let status = self.process.wait().expect("it is a child");
        (began.elapsed(), status)
    }

    /// SIGKILL: the process gets no chance to finish anything.
    pub(crate) fn kill(mut self) {
        self.process.kill().expect("it was running");
        self.process.wait().expect("it is a child");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Starts the demo hospital on an empty folder and kills it after `delay`, ready or not.
pub(crate) async fn demo_interrupted(dir: &Path, delay: Duration) {
    let mut process = spawn(wardline().arg("demo").arg("--data").arg(dir).args(["--listen", "127.0.0.1:0"]));
    tokio::time::sleep(delay).await;
    process.kill().expect("it was running");
    process.wait().expect("it is a child");
}

fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).spawn().expect("wardline starts")
}

/// Runs `wardline` with `arguments` to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    wardline().args(arguments).output().expect("wardline runs")
}

/// The binary under test: `WARDLINE_BIN`, by default the debug build of this checkout.
fn wardline() -> Command {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/wardline");
    Command::new(env::var_os("WARDLINE_BIN").map_or_else(default, PathBuf::from))
}
