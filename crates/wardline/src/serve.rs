//! Start-up and shutdown of a serving process.

use std::{io, net::SocketAddr, os::fd::AsFd as _, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use wardline_domain::{Clock, Random};

use crate::{Config, Error, House, listener, tls::Tls};

/// How long a server that takes over waits for the one before it, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How a server comes to its socket and its folder.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Start {
    /// The listening socket is the standard input.
    pub(crate) inherit_socket: bool,
    /// Another process may hold the folder; it will end.
    pub(crate) take_over: bool,
}

/// Opens the house of `config`, says where it answers, and serves until SIGTERM or SIGINT.
///
/// # Errors
/// [`Error`] when the server cannot start, or when the disk under it failed.
pub(crate) async fn until_signal(
    config: &Config,
    start: Start,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<(), Error> {
    let listener = if start.inherit_socket { inherited()? } else { bind(config.listen).await? };
    let address = listener.local_addr()?;
    let deadline = Instant::now() + if start.take_over { PATIENCE } else { Duration::ZERO };
    let house = loop {
        match House::open(config, address, Arc::clone(&clock), Arc::clone(&random)).await {
            // The one before is still answering what it had begun.
            Err(Error::InUse(_)) if Instant::now() < deadline => sleep(LOOK_AGAIN).await,
            opened => break opened?,
        }
    };
    println!("Wardline is ready at http://{}", listener.local_addr()?);
    run(config, house, listener).await
}

/// The listening socket that is this process's standard input. Whoever started it keeps the socket open, so that
/// connections wait in it while one process ends and the next begins.
fn inherited() -> Result<TcpListener, Error> {
    let socket = std::net::TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    let listening = || {
        socket.local_addr()?;
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket)
    };
    listening()
        .map_err(|error| Error::Check(format!("the standard input is not a listening socket: {error}")))
}

/// Takes the address; nothing is answered there yet.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })
}

/// Serves `house` on `listener` until a signal, or until the store has failed.
pub(crate) async fn run(config: &Config, mut house: House, listener: TcpListener) -> Result<(), Error> {
    let mut others = Vec::new();
    for address in &config.also_listen {
        others.push(bind(*address).await?);
    }
    house.start();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = CancellationToken::new();
    let router = house.router(stop.clone());
    let tls = config.tls.clone().map(Tls::open).transpose()?;
    if let Some(tls) = tls.clone() {
        tokio::spawn(tls.follow(stop.clone()));
    }
    let limits = config.limits.listener();
    let also = others.into_iter().map(|listener| {
        tokio::spawn(listener::serve_tls(listener, router.clone(), limits, tls.clone(), stop.clone()))
    });
    let also: Vec<_> = also.collect();
    let serving =
        tokio::spawn(listener::serve_tls(listener, router.clone(), limits, tls.clone(), stop.clone()));
    let failed = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        error = house.store_failed() => Some(error),
    };
    tracing::info!("stopping");
    stop.cancel();
    let served = serving.await;
    for other in also {
        other.await.map_err(|stopped| Error::Runtime(stopped.into()))?;
    }
    house.close().await;
    if let Some(error) = failed {
        return Err(Error::Store(error));
    }
    served.map_err(|stopped| Error::Runtime(stopped.into()))
}
