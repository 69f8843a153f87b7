//! The server under test.

use std::sync::Arc;

use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};
use wardline_domain::Timestamp;
use wardline_server::{Config, House, listener};

use crate::{Client, FakeClock, SeededRandom};

/// 22 November 2026, 12:00 UTC: when every test server begins.
const BEGINNING: Timestamp = Timestamp(1_795_348_800_000);
/// The right-hand side of every user id of a test server.
const SERVER_NAME: &str = "test.example";

/// A server in this process with open registration, at a port of its own. Its folder goes when it is dropped.
#[derive(Debug)]
pub struct TestServer {
    /// Where it answers, without a slash at the end.
    pub url: String,
    /// The time as the server sees it.
    pub clock: Arc<FakeClock>,
    /// The house, for what a test cannot reach over HTTP.
    pub house: Arc<House>,
    config: Config,
    folder: TempDir,
    stop: DropGuard,
    serving: JoinHandle<()>,
}

impl TestServer {
    /// Starts a server in an empty folder.
    ///
    /// # Panics
    /// When it cannot start.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a server in an empty folder with a changed configuration.
    ///
    /// # Panics
    /// When it cannot start.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let name = SERVER_NAME.try_into().expect("a server name");
        let mut config = Config::new(name, folder.path().join("data"));
        config.registration.open = true;
        config.limits.login_burst = 1000;
        config.limits.write_burst = 1_000_000;
        change(&mut config);
        Self::open(config, folder, Arc::new(FakeClock::new(BEGINNING)), 1).await
    }

    async fn open(config: Config, folder: TempDir, clock: Arc<FakeClock>, seed: u64) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("its address");
        let random = Arc::new(SeededRandom::new(seed));
        let mut house = House::open(&config, address, clock.clone(), random).await.expect("the house opens");
        house.start();
        let stop = CancellationToken::new();
        let serving =
            listener::serve(socket, house.router(stop.clone()), config.limits.listener(), stop.clone());
        Self {
            url: format!("http://{address}"),
            clock,
            house: Arc::new(house),
            config,
            folder,
            serving: tokio::spawn(serving),
            stop: stop.drop_guard(),
        }
    }

    /// Stops the server and opens its folder again, at another port and with the same clock.
    ///
    /// # Panics
    /// When the test still holds the house, or the server cannot start.
    pub async fn restart(self) -> Self {
        drop(self.stop);
        self.serving.await.expect("serving ends");
        Arc::try_unwrap(self.house).expect("nobody else holds the house").close().await;
        Self::open(self.config, self.folder, self.clock, 2).await
    }

    /// A client that is not signed in.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&self.url)
    }

    /// Registers `name` and gives their client, signed in.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn register(&self, name: &str) -> Client {
        let mut client = self.client();
        client.register(name).await;
        client
    }
}
