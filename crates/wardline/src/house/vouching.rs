//! The engine's port for the organisation's signature on identities, answered by the gateway.

use std::sync::Arc;

use wardline_domain::Clock;
use wardline_engine::keys::{IdentityAuthority, IdentitySignature};
use wardline_gateway::trust::Authority;

use super::folder::Folder;
use crate::Config;

/// The authority that the configuration describes, if identities are to be signed.
pub(super) fn trust_identity(
    config: &Config,
    folder: &Folder,
    clock: &Arc<dyn Clock>,
) -> Option<Arc<Authority>> {
    let trust = &config.trust_identity;
    if !trust.enabled {
        return None;
    }
    let name = trust.name.clone().unwrap_or_else(|| config.server_name.to_string());
    let file = |configured: &Option<std::path::PathBuf>, default: &str| {
        configured.clone().unwrap_or_else(|| folder.gateway().join(default))
    };
    Some(Arc::new(Authority::new(
        name,
        file(&trust.certificate_file, "trust-identity.pem"),
        file(&trust.key_file, "trust-identity.key"),
        Arc::clone(clock),
    )))
}

/// Opens or makes the authority before it is needed, away from the runtime's own threads.
pub(super) async fn prepare(authority: Arc<Authority>) {
    let prepared = tokio::task::spawn_blocking(move || authority.prepare(false)).await;
    if let Ok(Err(error)) = prepared {
        tracing::error!(error = &error as &dyn std::error::Error, "the organisation's identity");
    }
}

/// Signs in the organisation's name.
#[derive(Debug)]
pub(super) struct Vouching(pub(super) Arc<Authority>);

impl IdentityAuthority for Vouching {
    fn signature_name(&self) -> Result<String, String> {
        self.0.signature_name().map_err(|error| error.to_string())
    }

    fn sign(&self, user_id: &str, master_key: &str) -> Result<IdentitySignature, String> {
        let signed = self.0.sign(user_id, master_key).map_err(|error| error.to_string())?;
        // The next one finds a key that is ready. Nobody waits for this; a failure shows when one is needed.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let authority = Arc::clone(&self.0);
            drop(runtime.spawn_blocking(move || authority.prepare(true)));
        }
        Ok(IdentitySignature { key_id: signed.key_id, signature: signed.signature })
    }
}
