//! Recovery codes: ten codes on paper, each good once in place of a one-time code.

use sha2::{Digest, Sha256};
use wardline_audit::Action;
use wardline_store::{UserNid, factors};

use crate::{Identity, IdentityError, oauth::Visitor};

const COUNT: usize = 10;
/// Letters and digits that are not taken for one another: 32 of them.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const LENGTH: usize = 16;

impl Identity {
    /// New codes for a user: for showing, and their hashes.
    pub(super) fn new_recovery_codes(&self, user: UserNid) -> (Vec<String>, Vec<[u8; 32]>) {
        let mut shown = Vec::with_capacity(COUNT);
        let mut hashes = Vec::with_capacity(COUNT);
        for _ in 0..COUNT {
            let mut bytes = [0; LENGTH];
            self.random.fill(&mut bytes);
            let code: String = bytes.iter().map(|b| char::from(ALPHABET[usize::from(b % 32)])).collect();
            hashes.extend(self.recovery_hash(user, &code));
            let groups: Vec<&str> = [0, 4, 8, 12].iter().filter_map(|at| code.get(*at..at + 4)).collect();
            shown.push(groups.join("-"));
        }
        (shown, hashes)
    }

    /// The hash of what somebody typed, if it has the shape of a recovery code.
    pub(super) fn recovery_hash(&self, user: UserNid, typed: &str) -> Option<[u8; 32]> {
        let code: String =
            typed.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
        let shaped = code.len() == LENGTH && code.bytes().all(|b| ALPHABET.contains(&b));
        shaped.then(|| Sha256::digest(format!("{}\0{code}", user.0).as_bytes()).into())
    }

    /// Replaces the recovery codes of the person at the pages, to be shown once.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn renew_recovery_codes(&self, visitor: &Visitor) -> Result<Vec<String>, IdentityError> {
        let (user, at) = (visitor.proven.user, self.now());
        let (shown, hashes) = self.new_recovery_codes(user);
        let entry = visitor
            .actor()
            .entry(at, Action::FactorChanged)
            .with("factor", "recovery-code")
            .with("change", "renewed");
        self.store
            .write(move |tx| {
                factors::set_recovery_codes(tx, user, &hashes)?;
                wardline_audit::append(tx, &entry)
            })
            .await?;
        Ok(shown)
    }
}
