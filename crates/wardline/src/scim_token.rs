//! `wardline scim-token`: tokens for the organisation's provisioning system.

use std::{net::SocketAddr, sync::Arc};

use wardline_domain::{Clock, Random};

use crate::{Config, Error, House};

/// What is done with a token.
#[derive(Debug)]
pub(crate) enum Change {
    /// Make it, for so many days or until it is revoked; print it, once.
    Create(Option<u32>),
    /// Revoke it.
    Revoke,
}

/// Makes or revokes the token of this name. The server must be stopped.
pub(crate) async fn change(
    config: &Config,
    name: &str,
    change: Change,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<(), Error> {
    let house = House::open(config, SocketAddr::from(([127, 0, 0, 1], 0)), clock, random).await?;
    let done = match change {
        Change::Create(days) => house.identity().create_scim_token(name, days).await.map(Some),
        Change::Revoke => house.identity().revoke_scim_token(name).await.map(|()| None),
    };
    house.close().await;
    if let Some(token) = done? {
        println!("{token}");
    }
    Ok(())
}
