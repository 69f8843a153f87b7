//! Handing a role over from phone to phone: its holder shows a code, whoever scans it holds the role.
//!
//! A code is good once and for two minutes; a new one goes before the one before. The server keeps its hash only.

use sha2::{Digest, Sha256};
use wardline_domain::Timestamp;
use wardline_store::{
    WriteTx,
    clinical::{handover_codes, on_call},
};

use crate::{
    Caller, Clinical, ClinicalError, Conflict, OnCall,
    sign_on::{Change, Until},
};

/// How long a code is good, in seconds.
const GOOD_FOR: u32 = 2 * 60;

/// A code that was made.
#[derive(Clone, PartialEq, Eq)]
pub struct HandoverCode {
    /// The code: 24 characters of the URL-safe base64 alphabet. A secret of whoever shows it.
    pub code: String,
    /// When it lapses.
    pub until: Timestamp,
    /// How many seconds that is from now: a clock that differs from the server's can count them down.
    pub seconds: u32,
}

impl std::fmt::Debug for HandoverCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HandoverCode").field("until", &self.until).finish_non_exhaustive()
    }
}

impl Clinical {
    /// Makes the code by which the caller hands over a role that they hold.
    ///
    /// # Errors
    /// [`ClinicalError::Forbidden`] for who does not hold it; [`ClinicalError::NotFound`].
    pub async fn make_handover_code(
        &self,
        caller: &Caller,
        service: &str,
    ) -> Result<HandoverCode, ClinicalError> {
        let code = self.parts.random.token(18);
        let until = self.parts.clock.now().plus_millis(i64::from(GOOD_FOR) * 1000);
        let hash = hash(&code);
        self.change_role(caller, service, move |change, tx| change.show_code(tx, &hash, until)).await?;
        Ok(HandoverCode { code, until, seconds: GOOD_FOR })
    }

    /// Takes over a role by the code that its holder shows.
    ///
    /// # Errors
    /// [`ClinicalError::Conflict`] if the code is not the one of the role, was used or has lapsed;
    /// [`ClinicalError::NotFound`].
    pub async fn take_over_role(
        &self,
        caller: &Caller,
        service: &str,
        code: &str,
    ) -> Result<OnCall, ClinicalError> {
        let hash = hash(code);
        self.change_role(caller, service, move |change, tx| change.take_over(tx, &hash)).await
    }
}

impl Change<'_> {
    fn show_code(
        &self,
        tx: &mut WriteTx<'_>,
        hash: &[u8; 32],
        until: Timestamp,
    ) -> Result<(), ClinicalError> {
        let shift = self.own_shift(tx)?;
        handover_codes::put(tx, &self.parts.cipher, self.service, hash, &shift.person, until)?;
        self.audit(tx, "show-code", None)
    }

    fn take_over(&self, tx: &mut WriteTx<'_>, hash: &[u8; 32]) -> Result<(), ClinicalError> {
        let (cipher, person) = (&self.parts.cipher, self.caller.person());
        let from = handover_codes::find(tx, cipher, self.service, hash, self.at)?;
        let from = from.ok_or(ClinicalError::Conflict(Conflict::CodeSpent))?;
        let shift = self.holder(tx)?.filter(|shift| shift.person == from);
        let shift = shift.ok_or(ClinicalError::Conflict(Conflict::CodeLapsed))?;
        if from == person {
            return Err(ClinicalError::Conflict(Conflict::CodeOwn));
        }
        let end = self.end(tx, person, Until::ShiftEnd)?;
        handover_codes::clear(tx, self.service)?;
        on_call::end_shift(tx, cipher, &shift, self.at)?;
        self.sign_on(tx, person, end, "take-over")
    }
}

fn hash(code: &str) -> [u8; 32] {
    Sha256::digest(code).into()
}
