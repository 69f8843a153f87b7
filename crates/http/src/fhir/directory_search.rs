//! `GET $directory`: the directory as one types, best first. Open to every signed-in person.

use axum::extract::State;
use serde_json::json;
use wardline_clinical::EntryKind;

use super::{
    exchange::{Fhir, Parameters, SignedIn},
    include::read,
    outcome::Refusal,
    search::Search,
};
use crate::AppState;

/// The types that are searched, each with its name in FHIR.
pub(super) const TYPES: [(&str, EntryKind); 5] = [
    ("HealthcareService", EntryKind::Service),
    ("Practitioner", EntryKind::Practitioner),
    ("CareTeam", EntryKind::Team),
    ("Location", EntryKind::Location),
    ("Organization", EntryKind::Organisation),
];
/// Most entries of one answer, and how many there are if none were asked for.
const MOST: usize = 50;
const USUAL: usize = 20;

/// `GET $directory?text=&_type=&_count=`: a searchset of roles, people, teams, places and organisations.
pub(super) async fn search(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    query: Parameters,
) -> Result<Fhir, Refusal> {
    let count = query.0.get("_count").cloned();
    let mut search = Search::of("$directory", query)?;
    let text = search.text("text").ok_or_else(|| Refusal::invalid("text", "is missing"))?;
    let kinds = search.text("_type").unwrap_or_default();
    search.end()?;
    let kinds = kinds
        .split(',')
        .filter(|kind| !kind.is_empty())
        .map(|kind| {
            let found = TYPES.iter().find(|(name, _)| *name == kind);
            found.map(|it| it.1).ok_or_else(|| Refusal::invalid("_type", "is not a type of the directory"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let limit = count.and_then(|count| count.parse().ok()).unwrap_or(USUAL).min(MOST);
    let found = state.clinical.search_directory(&text, &kinds, limit).await?;
    let best = found.first().map_or(1, |it| it.score);
    let mut entries = Vec::with_capacity(found.len());
    for it in &found {
        let kind = TYPES.iter().find(|(_, kind)| *kind == it.kind).map_or("", |it| it.0);
        // What went from the directory since it was indexed is left out.
        if let Some(resource) = read(&state, &caller, kind, &it.id).await? {
            // FHIR's score is at most 1; two decimals are as much as it means.
            let score = f64::from(it.score * 100 / best.max(1)) / 100.0;
            entries.push(json!({
                "fullUrl": format!("{kind}/{}", it.id),
                "resource": resource,
                "search": { "mode": "match", "score": score },
            }));
        }
    }
    let total = entries.len();
    Ok(Fhir(json!({ "resourceType": "Bundle", "type": "searchset", "total": total, "entry": entries })))
}
