//! Which new passwords are refused: short ones, common ones, those made of words around the account, and those that
//! are known from breaches.
//!
//! Specification: NIST SP 800-63B-4 section 3.1.1.2: a length, a blocklist with the context's words, no rules of
//! composition and no expiry.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use sha1::{Digest, Sha1};

use crate::{AccountPolicy, IdentityError};

/// A longer password is refused before it costs anything.
pub(crate) const MAX_BYTES: usize = 512;
/// Fewer guesses than this, by an attacker who knows the lists and the words around the account, are too few.
const MIN_GUESSES_LOG10: f64 = 8.0;
/// How much of a password is compared with the lists: more cannot make it worse.
const COMPARED_CHARS: usize = 64;
/// Words that every attacker of a hospital tries.
const CONTEXT: [&str; 8] = ["wardline", "hospital", "nhs", "ward", "nurse", "doctor", "welcome", "changeme"];

/// Checks the length of a new password.
pub(crate) fn long_enough(policy: &AccountPolicy, password: &str) -> Result<(), IdentityError> {
    if password.chars().count() < policy.password_min_chars {
        return Err(IdentityError::WeakPassword("is too short: use 8 characters or more"));
    }
    if password.len() > MAX_BYTES {
        return Err(IdentityError::WeakPassword("must not be longer than 512 bytes"));
    }
    Ok(())
}

/// Checks a new password of the account `localpart` of `server` in full. It may read a file: not for the threads that
/// answer requests.
pub(crate) fn check(
    policy: &AccountPolicy,
    password: &str,
    localpart: &str,
    server: &str,
) -> Result<(), IdentityError> {
    long_enough(policy, password)?;
    if policy.refuse_common_passwords {
        let parts = localpart.split(|c: char| !c.is_alphanumeric()).chain(server.split(['.', ':', '-']));
        let words: Vec<&str> =
            parts.filter(|part| part.len() > 2).chain([localpart]).chain(CONTEXT).collect();
        let compared: String = password.chars().take(COMPARED_CHARS).collect();
        if zxcvbn::zxcvbn(&compared, &words).guesses_log10() < MIN_GUESSES_LOG10 {
            let text = "is easy to guess: it is common, or made of names and words around your account";
            return Err(IdentityError::WeakPassword(text));
        }
    }
    match &policy.breached_hashes {
        Some(folder) if is_breached(folder, password) => {
            Err(IdentityError::WeakPassword("is known from a breach of another service: use another one"))
        }
        _ => Ok(()),
    }
}

/// Whether the password's hash is in the folder's file for its first five digits. A file that cannot be read says no,
/// and the log says why: a missing list must not stop people from changing their passwords.
fn is_breached(folder: &Path, password: &str) -> bool {
    let hash = hex::encode_upper(Sha1::digest(password.as_bytes()));
    let (prefix, rest) = hash.split_at(5);
    let open = |name: String| File::open(folder.join(name));
    let file = match open(format!("{prefix}.txt")).or_else(|_| open(prefix.to_owned())) {
        Ok(file) => file,
        Err(error) => {
            tracing::warn!(%error, "a file of breached passwords cannot be read");
            return false;
        }
    };
    let mut lines = BufReader::new(file).lines().map_while(Result::ok);
    lines.any(|line| line.get(..35).is_some_and(|start| start.eq_ignore_ascii_case(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(policy: &AccountPolicy, password: &str) -> bool {
        check(policy, password, "grace.adeyemi", "riverside.example").is_err()
    }

    #[test]
    fn common_and_personal_passwords() {
        let policy = AccountPolicy::default();
        for bad in [
            "short",
            "password1",
            "P@ssw0rd!",
            "qwertyuiop",
            "12345678",
            "aaaaaaaaaaaa",
            "Grace.Adeyemi",
            "riverside1",
            "Wardline2026",
            "hospital123",
        ] {
            assert!(refused(&policy, bad), "{bad}");
        }
        assert!(refused(&policy, &"x".repeat(513)));
        for good in
            ["correct horse battery staple", "tH6!kk92-vez", "sieben blaue Regenschirme", "päivänkakkara-47"]
        {
            assert!(!refused(&policy, good), "{good}");
        }
        assert!(!refused(&AccountPolicy::lenient(), "password1"));
        assert!(refused(&AccountPolicy::lenient(), "short"));
    }

    #[test]
    fn breached_passwords_by_range_files() {
        let folder = tempfile::tempdir().unwrap();
        let policy = AccountPolicy {
            breached_hashes: Some(folder.path().to_owned()),
            refuse_common_passwords: false,
            ..AccountPolicy::default()
        };
        // SHA-1 of "correct horse battery staple" is ABF7AAD6438836DBE526AA231ABDE2D0EEF74D42.
        let lines = "0000000000000000000000000000000000A:3\r\nAD6438836DBE526AA231ABDE2D0EEF74D42:119\r\n";
        std::fs::write(folder.path().join("ABF7A.txt"), lines).unwrap();
        assert!(refused(&policy, "correct horse battery staple"));
        assert!(!refused(&policy, "correct horse battery stapler"));
    }
}
