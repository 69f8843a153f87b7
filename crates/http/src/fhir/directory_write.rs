//! Writing the directory: Organization, Location, Practitioner, HealthcareService and CareTeam are created and updated, by
//! administrators and by systems that one of them let (<https://hl7.org/fhir/R4/http.html#create>).

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{post, put},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;
use wardline_clinical::{DirectoryEntry, NoneLike, WrittenEntry};

use super::{
    directory_input,
    exchange::{Body, Conditions, Editing, Fhir, Id},
    include::read,
    outcome::Refusal,
    resource::version_of,
    search::begins,
};
use crate::AppState;

/// The types that can be written.
pub(super) const KINDS: [&str; 5] =
    ["Organization", "Location", "Practitioner", "HealthcareService", "CareTeam"];

/// `POST` of each type and `PUT` of each of its resources.
pub(super) fn routes() -> Router<AppState> {
    KINDS.into_iter().fold(Router::new(), |router, kind| {
        let create = move |state: State<AppState>, editor: Editing, conditions: Conditions, body: Body| {
            write(kind, state.0, editor, None, conditions, body)
        };
        let update =
            move |state: State<AppState>,
                  editor: Editing,
                  id: Id<String>,
                  conditions: Conditions,
                  body: Body| { write(kind, state.0, editor, Some(id.0), conditions, body) };
        router.route(&format!("/{kind}"), post(create)).route(&format!("/{kind}/{{id}}"), put(update))
    })
}

/// 201 for an entry that is made, 200 for one that is changed, is so already, or stands for a new one (`If-None-Exist`).
async fn write(
    kind: &'static str,
    state: AppState,
    Editing(editor): Editing,
    id: Option<String>,
    conditions: Conditions,
    body: Body,
) -> Result<Response, Refusal> {
    let said: Value = body.read(kind)?;
    let entry = directory_input::entry(
        kind,
        &said,
        id.as_deref(),
        (&state.config.server_name, || state.random.uuid()),
    )?;
    let unless = match (&id, &conditions.if_none_exist) {
        (None, Some(criteria)) => Some(none_like(kind, criteria)?),
        _ => None,
    };
    let caller = editor.caller.clone();
    let expected = move |known: Option<&DirectoryEntry>| conditions.allow(known.map(version).as_deref());
    let WrittenEntry { entry, new } = state.clinical.put_entry(&editor, entry, unless, expected).await?;
    let shown = read(&state, &caller, kind, entry.id()).await?;
    let gone = || Refusal::new(StatusCode::NOT_FOUND, "not-found", format!("{kind} not found"));
    let answer = Fhir(shown.ok_or_else(gone)?);
    if !new {
        return Ok(answer.into_response());
    }
    let mut response = (StatusCode::CREATED, answer).into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("/fhir/R4/{kind}/{}", entry.id())) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// The version of an entry, as its resource shows it.
fn version(entry: &DirectoryEntry) -> String {
    match entry {
        DirectoryEntry::Organisation(it) => version_of(it),
        DirectoryEntry::Location(it) => version_of(it),
        DirectoryEntry::Practitioner(it, identifiers) => version_of(&(it, identifiers)),
        DirectoryEntry::Service(it) => version_of(it),
        DirectoryEntry::Team(it) => version_of(it),
    }
}

/// What `If-None-Exist` looks for: `identifier=` of an organisation, place or person, `name=` of a role or team.
fn none_like(kind: &str, criteria: &str) -> Result<NoneLike, Refusal> {
    let mut pairs = url::form_urlencoded::parse(criteria.trim_start_matches('?').as_bytes());
    let (first, more) = (pairs.next(), pairs.next());
    let wrong = |problem: &str| Refusal::invalid("If-None-Exist", problem);
    let named = matches!(kind, "HealthcareService" | "CareTeam");
    match first {
        Some((name, value)) if name == "name" && named && more.is_none() => {
            let wanted = value.trim().to_lowercase();
            Ok(NoneLike::Name(Box::new(move |name| begins(&[name], &wanted))))
        }
        Some((name, value)) if name == "identifier" && !named && more.is_none() => {
            let (system, value) = match value.split_once('|') {
                Some((system, value)) => (Some(system).filter(|it| !it.is_empty()), value),
                None => (None, &*value),
            };
            if kind == "Practitioner" && system.is_none() {
                return Err(wrong("must be identifier=system|value"));
            }
            Ok(NoneLike::Identifier(system.map(ToOwned::to_owned), value.to_owned()))
        }
        _ if named => Err(wrong("must be name=")),
        _ => Err(wrong("must be identifier=system|value")),
    }
}
