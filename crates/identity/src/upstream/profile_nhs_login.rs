//! NHS login: patients. The rules are in `docs/oauth.md`, "NHS login".

use super::{Claims, UpstreamError};
use crate::Assurance;

/// What is asked for by default: an identity proved to level P9, in three combinations of credentials.
pub(crate) const VECTORS: [&str; 3] = ["P9.Cp.Cd", "P9.Cp.Ck", "P9.Cm"];

/// Checks that the identity is proved to level P9 and that the credentials are a combination that was asked for; what
/// the sign-in is worth.
pub(super) fn check(claims: &Claims, asked: &[&str]) -> Result<Assurance, UpstreamError> {
    let refuse = |why| {
        let text = "Messages about your care need an NHS login that has proved who you are with photo \
                    identification. Prove who you are in NHS login, then sign in again.";
        UpstreamError::refused(why, text)
    };
    if claims.text("identity_proofing_level") != Some("P9") {
        return Err(refuse("identity_proofing_level"));
    }
    let vector = claims.text("vot").unwrap_or_default();
    if !vector.starts_with("P9.") || !asked.contains(&vector) {
        return Err(refuse("vot"));
    }
    // Cm is a passkey; Cp with Cd or Ck a password and a code or an authenticator.
    Ok(if vector.split('.').any(|part| part == "Cm") { Assurance::Aal3 } else { Assurance::Aal2 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn level_nine_and_a_vector_that_was_asked_for() {
        let read = |level: &str, vot: &str| {
            let claims = json!({ "identity_proofing_level": level, "vot": vot });
            check(&Claims(claims.as_object().unwrap().clone()), &VECTORS)
        };
        assert_eq!(read("P9", "P9.Cp.Cd").unwrap(), Assurance::Aal2);
        assert_eq!(read("P9", "P9.Cm").unwrap(), Assurance::Aal3);
        for (level, vot) in
            [("P5", "P9.Cm"), ("P9", "P5.Cp.Cd"), ("P9", "P9.Cp"), ("P0", "P0.Cp"), ("", ""), ("P9", "")]
        {
            assert!(read(level, vot).is_err(), "{level} {vot}");
        }
    }
}
