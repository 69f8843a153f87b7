//! `[support]`: whom to turn to, as `/.well-known/matrix/support` says it.

use serde::Deserialize;
use wardline_http::{SupportConfig, SupportContact};

use super::ConfigError;

/// `[support]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Support {
    /// A page with help (`https://`).
    pub page: Option<String>,
    /// Whom to turn to.
    pub contacts: Vec<Contact>,
}

/// `[[support.contacts]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// `m.role.admin`, `m.role.security`, `m.role.moderator`, `m.role.dpo` or an own name.
    pub role: String,
    /// An address for mail.
    pub email: Option<String>,
    /// A Matrix user id.
    pub matrix_id: Option<String>,
    /// Where the contact's public key is (`https://`).
    pub pgp_key: Option<String>,
}

impl Support {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let links = self.contacts.iter().filter_map(|contact| contact.pgp_key.as_ref()).chain(&self.page);
        for link in links {
            if !link.starts_with("https://") {
                return Err(ConfigError::value("support", format!("{link:?} must begin with https://")));
            }
        }
        for contact in &self.contacts {
            if contact.email.is_none() && contact.matrix_id.is_none() {
                return Err(ConfigError::value("support.contacts", "each needs email or matrix_id"));
            }
        }
        Ok(())
    }

    /// What is told; `None`: nothing is configured.
    #[must_use]
    pub fn told(&self) -> Option<SupportConfig> {
        if self.page.is_none() && self.contacts.is_empty() {
            return None;
        }
        let contact = |contact: &Contact| SupportContact {
            role: contact.role.clone(),
            email_address: contact.email.clone(),
            matrix_id: contact.matrix_id.clone(),
            pgp_key: contact.pgp_key.clone(),
        };
        Some(SupportConfig {
            support_page: self.page.clone(),
            contacts: self.contacts.iter().map(contact).collect(),
        })
    }
}
