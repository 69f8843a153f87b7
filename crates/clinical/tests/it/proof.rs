//! The provable chain of a request.

use std::collections::BTreeMap;

use wardline_clinical::ClinicalError;
use wardline_domain::{
    care::{
        proof::verify,
        request::{Command, State},
    },
    signing::Signer,
};
use wardline_store::StoreError;

use crate::support::{Hospital, MINUTE};

fn published() -> BTreeMap<String, String> {
    let signer = Signer::from_seed("riverside.example".try_into().unwrap(), "1", [7; 32]).unwrap();
    BTreeMap::from([(signer.key_id().to_owned(), signer.public_key())])
}

#[tokio::test]
async fn everything_that_happened_is_proven_in_order() {
    let it = Hospital::demo().await;
    it.raise("r1", "medical-registrar").await.unwrap();
    it.say("priya.raman", "r1", Command::Deliver).await.unwrap();
    it.pass(5 * MINUTE).await;
    it.say("hannah.whitfield", "r1", Command::Decline { reason: "In theatre".into() }).await.unwrap();
    it.say("priya.raman", "r1", Command::Complete).await.unwrap();
    let view = it.say("grace.adeyemi", "r1", Command::Comment { text: "Thanks".into() }).await.unwrap();

    let bundle = it.clinical.prove("r1").await.unwrap();
    let proven = verify(&bundle, &published()).unwrap();
    let said: Vec<_> = proven.links.iter().map(|link| link.transition.clone()).collect();
    assert_eq!(said, view.transitions);
    assert_eq!(proven.names["priya.raman"], "Dr Priya Raman");
    let raised = proven.links[0].raised.as_ref().unwrap();
    assert_eq!(raised["class"], "urgent");
    assert_eq!(raised["patient"], it.patient().await.as_str());
    assert_eq!(raised["requester"], "grace.adeyemi");
    it.audit_is_whole().await;

    let missing = it.clinical.prove("r2").await;
    assert!(matches!(missing, Err(ClinicalError::NotFound(_))));
}

#[tokio::test]
async fn what_is_changed_in_the_database_is_found() {
    let it = Hospital::demo().await;
    it.raise("r1", "medical-registrar").await.unwrap();
    for command in [Command::Deliver, Command::See, Command::Accept] {
        it.say("priya.raman", "r1", command).await.unwrap();
    }
    // Somebody with the database and the key of its columns removes "seen" and closes the gap.
    it.store
        .write(|tx| {
            tx.execute("DELETE FROM task_links WHERE ord = 3", &[])?;
            tx.execute("UPDATE task_links SET ord = 3 WHERE ord = 4", &[])?;
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    assert!(it.clinical.prove("r1").await.is_err(), "a link is missing, or not the one that was sealed");
}

#[tokio::test]
async fn requests_from_before_the_chain_are_signed_when_they_move() {
    let it = Hospital::demo().await;
    it.raise("r1", "medical-registrar").await.unwrap();
    it.say("priya.raman", "r1", Command::Deliver).await.unwrap();
    it.store.write(|tx| tx.execute("DELETE FROM task_links", &[])).await.unwrap();
    assert!(matches!(it.clinical.prove("r1").await, Err(ClinicalError::Conflict(_))));
    it.pass(1000).await;
    it.say("priya.raman", "r1", Command::Accept).await.unwrap();
    let proven = verify(&it.clinical.prove("r1").await.unwrap(), &published()).unwrap();
    let states: Vec<State> = proven.links.iter().map(|link| link.transition.state).collect();
    assert_eq!(states, [State::Raised, State::Delivered, State::Accepted]);
    let late = &proven.links[0];
    assert_eq!(late.signed_at.millis_since(late.transition.at), 1000, "it says that it was signed later");
}
