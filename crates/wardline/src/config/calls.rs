//! `[calls]`: who may call many people at once.

use serde::Deserialize;
use wardline_clinical::CallManagers;

/// `[calls]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Calls {
    /// Ids of roles (HealthcareService): whoever holds one of them may broadcast, and see, report on and end every crash
    /// call and broadcast. None by default.
    pub manager_roles: Vec<String>,
    /// Ids of people (Practitioner) who may do so at any time.
    pub manager_people: Vec<String>,
}

impl Calls {
    /// Who may broadcast.
    #[must_use]
    pub fn managers(&self) -> CallManagers {
        CallManagers { roles: self.manager_roles.clone(), people: self.manager_people.clone() }
    }
}
