//! The provable chain: every transition is signed with the server's key in the transaction that makes it.

use serde_json::{Value, json};
use wardline_domain::{
    Timestamp,
    care::{
        proof::{self, NewLink, START},
        request::Transition,
    },
    signing::SigningError,
};
use wardline_store::{
    StoreError, WriteTx,
    clinical::{proofs, tasks},
};

use crate::{Clinical, ClinicalError, ClinicalParts, Conflict, Task, requests};

/// Signs the transitions of a task that have no link yet (those of `log`, and older ones that were made before there
/// were chains) and gives the hashes of the links of `log`. The task and its transitions must be written.
///
/// # Errors
/// A failure of the store.
pub(crate) fn extend(
    tx: &mut WriteTx<'_>,
    parts: &ClinicalParts,
    task: &Task,
    log: &[Transition],
    at: Timestamp,
) -> Result<Vec<[u8; 32]>, StoreError> {
    let (mut number, mut previous) = proofs::last(tx, &task.id)?.unwrap_or((0, START));
    let missed = task.request.version.saturating_sub(number + log.len() as u64);
    let older = if missed > 0 { tasks::transitions(tx, &parts.cipher, &task.id)? } else { Vec::new() };
    let from = usize::try_from(number).unwrap_or(usize::MAX);
    let older = older.iter().skip(from).take(usize::try_from(missed).unwrap_or(usize::MAX));
    let mut hashes = Vec::with_capacity(log.len());
    for transition in older.chain(log) {
        number += 1;
        let raised = (number == 1).then(|| raised(task));
        let link = NewLink {
            request: &task.id,
            number,
            previous: &previous,
            signed_at: at,
            transition,
            raised: raised.as_ref(),
        };
        let (text, hash) = proof::sign_link(&parts.signer, &link).map_err(|error| malformed(&error))?;
        proofs::append(tx, &parts.cipher, &task.id, number, (&text, &hash))?;
        previous = hash;
        hashes.push(hash);
    }
    Ok(hashes.split_off(hashes.len().saturating_sub(log.len())))
}

fn malformed(error: &SigningError) -> StoreError {
    StoreError::Malformed(format!("a transition cannot be signed: {error}"))
}

/// What was asked, of whom and about whom: the constants of a request.
fn raised(task: &Task) -> Value {
    let request = &task.request;
    let mut raised = json!({
        "class": request.class,
        "requester": request.requester,
        "addressed": task.addressed,
        "patient": task.patient,
        "playbook": task.playbook,
        "plan": request.plan,
        "needed_by": request.needed_by,
        "raised_at": request.raised_at,
        "event": task.event,
        "description": task.description,
    });
    if let Some(call) = &task.call {
        raised["call"] = json!(call);
    }
    raised
}

impl Clinical {
    /// The bundle that proves everything that happened to a request until now. Its format is described in
    /// `docs/protocol/request-proof.md`.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], [`ClinicalError::Conflict`] for a request that has not changed since before there
    /// were chains, or a failure of the store.
    pub async fn prove(&self, id: &str) -> Result<String, ClinicalError> {
        let (parts, id) = (self.parts.clone(), id.to_owned());
        self.parts
            .store
            .read(move |tx| {
                let task = tasks::get(tx, &parts.cipher, &id)?.ok_or(ClinicalError::NotFound("Task"))?;
                let links = proofs::links(tx, &parts.cipher, &id)?;
                if (links.len() as u64) < task.request.version {
                    return Err(ClinicalError::Conflict(Conflict::NoProof));
                }
                let names = requests::view(tx, &parts, task)?.names;
                let bundle = proof::bundle(&parts.signer, &id, &links, &names, parts.clock.now());
                Ok(bundle.map_err(|error| malformed(&error))?)
            })
            .await
    }
}
