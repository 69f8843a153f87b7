//! CareTeam: teams of staff, without a patient (<https://hl7.org/fhir/R4/careteam.html>).

use axum::extract::State;
use serde_json::{Value, json};
use wardline_clinical::{Member, Team};

use super::{
    exchange::{Fhir, Id, Parameters, SignedIn},
    outcome::Refusal,
    resource::reference,
    search::Search,
};
use crate::AppState;

/// `GET CareTeam?participant=`
pub(super) async fn search(
    State(state): State<AppState>,
    _: SignedIn,
    query: Parameters,
) -> Result<Fhir, Refusal> {
    let mut search = Search::of("CareTeam", query)?;
    let person = search.reference("participant", "Practitioner")?;
    let page = search.end()?;
    let mut found = state.clinical.teams().await?;
    if let Some(person) = person {
        found.retain(|team| team.members.contains(&Member::Person(person.clone())));
    }
    page.of(&found, |it| Ok(care_team_json(it)))
}

/// `GET CareTeam/{id}`
pub(super) async fn read(
    State(state): State<AppState>,
    _: SignedIn,
    Id(id): Id<String>,
) -> Result<Fhir, Refusal> {
    Ok(Fhir(care_team_json(&state.clinical.team(&id)?)))
}

fn care_team_json(it: &Team) -> Value {
    let participant = |member: &Member| match member {
        Member::Person(id) => json!({ "member": reference("Practitioner", id, None) }),
        // R4 has no role as a member: the role is what the participant is.
        Member::Role(id) => json!({ "role": [{ "coding": [{
            "system": "https://wardline.org/fhir/CodeSystem/healthcare-service", "code": id,
        }] }] }),
    };
    let mut json = json!({
        "resourceType": "CareTeam",
        "id": it.id,
        "status": "active",
        "name": it.name,
    });
    if !it.members.is_empty() {
        json["participant"] = it.members.iter().map(participant).collect();
    }
    json
}
