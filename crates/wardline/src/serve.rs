//! Start-up and shutdown of a serving process.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;
use wardline_domain::{Clock, Random};

use crate::{Config, Error, House, listener, tls::Tls};

/// Opens the house of `config`, says where it answers, and serves until SIGTERM or SIGINT.
///
/// # Errors
/// [`Error`] when the server cannot start, or when the disk under it failed.
pub(crate) async fn until_signal(
    config: &Config,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<(), Error> {
    let listener = bind(config.listen).await?;
    let house = House::open(config, listener.local_addr()?, clock, random).await?;
    println!("Wardline is ready at http://{}", listener.local_addr()?);
    run(config, house, listener).await
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
