//! CareTeam: teams of staff, without a patient (<https://hl7.org/fhir/R4/careteam.html>).

use axum::extract::State;
use serde_json::{Value, json};
use wardline_clinical::{Member, Team};

use super::{
    directory_input::ROLE,
    exchange::{Fhir, Id, Parameters, SignedIn},
    include::with_included,
    outcome::Refusal,
    resource::{meta, reference, version_of},
    search::{Search, begins},
};
use crate::AppState;

/// `GET CareTeam?participant=&name=&_id=`
pub(super) async fn search(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    query: Parameters,
) -> Result<Fhir, Refusal> {
    let mut search = Search::of("CareTeam", query)?;
    let person = search.reference("participant", "Practitioner")?;
    let (name, id) = (search.words("name"), search.text("_id"));
    let page = search.end()?;
    let mut found = state.clinical.teams().await?;
    found.retain(|it| name.as_ref().is_none_or(|name| begins(&[&it.name], name)));
    found.retain(|it| id.as_ref().is_none_or(|id| it.id == *id));
    if let Some(person) = person {
        found.retain(|team| team.members.contains(&Member::Person(person.clone())));
    }
    with_included(&state, &caller, &page, page.of(&found, |it| Ok(care_team_json(it)))?).await
}

/// `GET CareTeam/{id}/$noise?start=&end=`: how often the team was interrupted, as Parameters. By default in the last seven
/// days.
pub(super) async fn noise(
    State(state): State<AppState>,
    _: SignedIn,
    Id(id): Id<String>,
    query: Parameters,
) -> Result<Fhir, Refusal> {
    let mut search = Search::of("CareTeam", query)?;
    let now = state.clock.now();
    let (start, end) = (search.instant("start", now)?, search.instant("end", now)?);
    search.end()?;
    let report = state.clinical.noise(&id, start, end)?;
    let count = |name: &str, count: usize| json!({ "name": name, "valueInteger": count });
    let counts = |name: &str, all: Vec<(String, usize)>| {
        let part: Vec<Value> = all.iter().map(|(name, n)| count(name, *n)).collect();
        (!part.is_empty()).then(|| json!({ "name": name, "part": part }))
    };
    let mut parameter = vec![
        json!({ "name": "team", "valueReference": reference("CareTeam", &report.team.id, Some(&report.team.name)) }),
        json!({ "name": "period", "valuePeriod": {
            "start": report.period.0.to_instant(), "end": report.period.1.to_instant(),
        } }),
        count("total", report.total),
        count("without-sound", report.quiet),
        count("most-in-an-hour", report.most),
    ];
    if let Some(budget) = report.budget {
        parameter.push(json!({ "name": "budget-per-hour", "valueInteger": budget }));
        parameter.push(count("hours-over-budget", report.hours_over));
    }
    let by_hour = report.by_hour.into_iter().map(|(hour, n)| (format!("{hour:02}:00"), n)).collect();
    parameter.extend(counts("by-class", report.by_class.into_iter().collect()));
    parameter.extend(counts("by-reason", report.by_kind.into_iter().collect()));
    parameter.extend(counts("by-hour-of-day", by_hour));
    Ok(Fhir(json!({ "resourceType": "Parameters", "parameter": parameter })))
}

/// `GET CareTeam/{id}`
pub(super) async fn read(
    State(state): State<AppState>,
    _: SignedIn,
    Id(id): Id<String>,
) -> Result<Fhir, Refusal> {
    Ok(Fhir(care_team_json(&state.clinical.team(&id)?)))
}

pub(super) fn care_team_json(it: &Team) -> Value {
    let participant = |member: &Member| match member {
        Member::Person(id) => json!({ "member": reference("Practitioner", id, None) }),
        // R4 has no role as a member: the role is what the participant is.
        Member::Role(id) => json!({ "role": [{ "coding": [{
            "system": ROLE, "code": id,
        }] }] }),
    };
    let mut json = json!({
        "resourceType": "CareTeam",
        "id": it.id,
        "meta": meta("CareTeam", version_of(it), it.source.as_deref()),
        "status": "active",
        "name": it.name,
    });
    if !it.members.is_empty() {
        json["participant"] = it.members.iter().map(participant).collect();
    }
    json
}
