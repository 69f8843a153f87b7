//! Playbooks for the app's editor: `/_wardline/client/v1/playbooks…`, and what the caller may change:
//! `/_wardline/client/v1/editing`. Specification: `docs/protocol/playbook.md`.

use std::collections::BTreeMap;

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_clinical::{Caller, Editor, PlaybookProblem, PlaybookVersion, Simulated};
use wardline_domain::{
    Timestamp,
    care::{
        playbook::{Ask, Class, Playbook, PlaybookError},
        request::Reason,
    },
};

use crate::{AppState, Authenticated, Json, MatrixError, Path, Query};

const PLAYBOOKS: &str = "/_wardline/client/v1/playbooks";

type Answer = Result<Json<Value>, MatrixError>;

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_wardline/client/v1/editing", get(editing))
        .route(PLAYBOOKS, get(list))
        .route(&format!("{PLAYBOOKS}/check"), post(check))
        .route(&format!("{PLAYBOOKS}/simulate"), post(simulate))
        .route(&format!("{PLAYBOOKS}/{{playbookId}}"), get(read).put(save).delete(withdraw))
}

fn editor(state: &AppState, auth: &Authenticated) -> Editor {
    let caller = Caller { user: auth.user_id.clone(), device: Some(auth.device_id.to_string()) };
    Editor { caller, administrator: state.identity.check_administrator(auth).is_ok() }
}

/// Whether the caller may change the rota now, and the playbooks.
async fn editing(State(state): State<AppState>, auth: Authenticated) -> Answer {
    let (rota, playbooks) = state.clinical.may_edit(&editor(&state, &auth))?;
    Ok(Json(json!({ "rota": rota, "playbooks": playbooks })))
}

/// Every playbook that is in use.
async fn list(State(state): State<AppState>, auth: Authenticated) -> Answer {
    let (_, may_edit) = state.clinical.may_edit(&editor(&state, &auth))?;
    let all = state.clinical.playbooks().await?;
    let shown = all.iter().map(|it| {
        let mut json = version_json(it);
        if let Some(read) = it.source.as_deref().and_then(|text| Playbook::parse(text).ok()) {
            json["title"] = read.title.into();
            json["description"] = read.description.into();
            json["classes"] = read.classes.iter().map(|class| class.code()).collect();
            json["roles"] = read.roles.into_iter().collect();
            json["only_by_name"] = read.only_by_name.into();
            json["steps"] = read.steps.len().into();
        }
        json
    });
    Ok(Json(json!({ "playbooks": shown.collect::<Vec<_>>(), "may_edit": may_edit })))
}

#[derive(Deserialize)]
struct Wanted {
    version: Option<u64>,
}

/// A playbook in its present version, or in the one that is asked for, with the list of all of them.
async fn read(
    State(state): State<AppState>,
    _: Authenticated,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Answer {
    let all = state.clinical.playbook_versions(&id).await?;
    let found = match wanted.version {
        Some(version) => all.iter().find(|it| it.version == version),
        None => all.first().filter(|it| it.source.is_some()),
    };
    let found = found.ok_or_else(|| MatrixError::not_found("there is no such playbook"))?;
    let mut json = version_json(found);
    if let Some(source) = &found.source {
        json["source"] = source.as_str().into();
        json["playbook"] = Playbook::to_json(source).map_err(|error| wrong(&error))?;
    }
    json["versions"] = all.iter().map(version_json).collect();
    Ok(Json(json))
}

fn version_json(it: &PlaybookVersion) -> Value {
    json!({
        "id": it.playbook,
        "version": it.version,
        "changed_ts": it.at,
        "changed_by": it.author,
        "withdrawn": it.source.is_none(),
    })
}

/// A playbook as its TOML text, or as JSON of the same shape.
#[derive(Deserialize)]
struct Draft {
    source: Option<String>,
    playbook: Option<Value>,
}

impl Draft {
    fn text(self) -> Result<String, MatrixError> {
        match (self.source, self.playbook) {
            (Some(source), None) => Ok(source),
            (None, Some(json)) => Playbook::from_json(&json).map_err(|error| wrong(&error)),
            _ => Err(MatrixError::bad_json("source: there must be source or playbook, one of the two")),
        }
    }
}

#[derive(Deserialize)]
struct Save {
    #[serde(flatten)]
    draft: Draft,
    /// The version that the editor began with; none for a new playbook.
    #[serde(default)]
    version: u64,
}

/// Saves the next version. 409 if somebody saved one meanwhile.
async fn save(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(id): Path<String>,
    Json(body): Json<Save>,
) -> Answer {
    let source = body.draft.text()?;
    let saved = state.clinical.save_playbook(&editor(&state, &auth), &id, &source, body.version).await?;
    Ok(Json(version_json(&saved)))
}

/// Withdraws the playbook, whose present version must be named.
async fn withdraw(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Answer {
    let version = wanted.version.ok_or_else(|| MatrixError::missing_param("version: is missing"))?;
    state.clinical.withdraw_playbook(&editor(&state, &auth), &id, version).await?;
    Ok(Json(json!({})))
}

/// Everything that is wrong with a draft, as `wardline playbook check` says it. 200 also if it is no playbook at all.
async fn check(State(state): State<AppState>, _: Authenticated, Json(draft): Json<Draft>) -> Answer {
    let source = match (&draft.source, &draft.playbook) {
        (None, Some(json)) => Playbook::from_json(json),
        _ => Ok(draft.text()?),
    };
    let playbook = match source.and_then(|source| Playbook::parse(&source)) {
        Ok(playbook) => playbook,
        Err(error) => return Ok(Json(json!({ "valid": false, "problems": [problem_of(&error)] }))),
    };
    let longest = playbook.longest();
    let found = state.clinical.check_playbook(playbook).await?;
    let problems: Vec<Value> = found.iter().map(problem_json).collect();
    Ok(Json(json!({ "valid": true, "longest_ms": longest, "problems": problems })))
}

fn problem_of(error: &PlaybookError) -> Value {
    let mut json = json!({ "kind": "invalid", "problem": error.to_string() });
    match error {
        PlaybookError::Syntax(_) => {}
        PlaybookError::Head { field, .. } => json["field"] = (*field).into(),
        PlaybookError::Step { step, field, .. } => {
            json["step"] = (*step).into();
            json["field"] = (*field).into();
        }
    }
    json
}

fn problem_json(it: &PlaybookProblem) -> Value {
    match it {
        PlaybookProblem::Unknown(ask) => json!({ "kind": "unknown", "reference": reference(ask) }),
        PlaybookProblem::Empty { team } => json!({ "kind": "empty", "name": team }),
        PlaybookProblem::Uncovered { role, gaps } => {
            let gaps = gaps.iter().map(|gap| json!({ "from_ts": gap.from, "until_ts": gap.until }));
            json!({ "kind": "uncovered", "name": role, "gaps": gaps.collect::<Vec<_>>() })
        }
    }
}

#[derive(Deserialize)]
struct Simulate {
    #[serde(flatten)]
    draft: Draft,
    /// `HealthcareService/ID` and the like.
    to: String,
    class: Option<String>,
    /// The ward where the patient lies.
    ward: Option<String>,
    /// When it is raised, ms; now if it is left out.
    at_ts: Option<i64>,
}

/// What would happen to a request that nobody answers, as `wardline playbook simulate` shows it.
async fn simulate(State(state): State<AppState>, _: Authenticated, Json(body): Json<Simulate>) -> Answer {
    let playbook = Playbook::parse(&body.draft.text()?).map_err(|error| wrong(&error))?;
    let to = asked(&body.to).ok_or_else(|| {
        MatrixError::invalid_param("to: is HealthcareService/ID, Practitioner/ID, CareTeam/ID or Location/ID")
    })?;
    let class = match &body.class {
        None => playbook.classes.first().copied(),
        Some(code) => Class::from_code(code).filter(|class| playbook.classes.contains(class)),
    };
    let class = class.ok_or_else(|| MatrixError::invalid_param("class: is none that the playbook serves"))?;
    let at = body.at_ts.map_or_else(|| state.clock.now(), Timestamp);
    let timeline = state.clinical.simulate_playbook(playbook, class, to, body.ward, at).await?;
    Ok(Json(json!({ "timeline": timeline.iter().map(simulated_json).collect::<Vec<_>>() })))
}

fn simulated_json(it: &Simulated) -> Value {
    let transition = &it.transition;
    let passed = match (&transition.asks, &transition.reason) {
        (Some(_), _) => None,
        (None, Some(Reason::NotNow)) => Some("not-now"),
        (None, Some(Reason::AlreadyAsked)) => Some("already-asked"),
        (None, _) => Some("vacant"),
    };
    let mut json = json!({
        "at_ts": transition.at,
        "step": transition.step + 1,
        "asks": it.step,
        "state": transition.state.code(),
    });
    let more: BTreeMap<&str, Option<&str>> =
        [("person", transition.asks.as_deref()), ("name", it.asks.as_deref()), ("passed_over", passed)]
            .into();
    for (name, value) in more {
        if let Some(value) = value {
            json[name] = value.into();
        }
    }
    json
}

fn asked(to: &str) -> Option<Ask> {
    let (kind, id) = to.split_once('/')?;
    let kind: fn(String) -> Ask = match kind {
        "HealthcareService" => Ask::Role,
        "Practitioner" => Ask::Person,
        "CareTeam" => Ask::Team,
        "Location" => Ask::OnDuty,
        _ => return None,
    };
    Some(kind(id.to_owned()))
}

fn reference(ask: &Ask) -> String {
    let kind = match ask {
        Ask::Role(_) => "HealthcareService",
        Ask::Person(_) => "Practitioner",
        Ask::Team(_) => "CareTeam",
        Ask::OnDuty(_) => "Location",
    };
    format!("{kind}/{}", ask.id())
}

fn wrong(error: &PlaybookError) -> MatrixError {
    MatrixError::new(StatusCode::BAD_REQUEST, "M_INVALID_PARAM", error.to_string())
        .with("org.wardline.problem", problem_of(error))
}
