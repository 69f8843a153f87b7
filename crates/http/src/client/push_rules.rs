//! `/_matrix/client/v3/pushrules/…`. Specification: Client-Server API, "Push Rules: API".

use axum::{Router, extract::State, routing::get};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use wardline_domain::push;
use wardline_domain::ruma::push::{AnyPushRuleRef, Ruleset};

use crate::{AppState, Authenticated, Empty, Json, MatrixError, Path, Query};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/pushrules/", get(all))
        .route("/_matrix/client/v3/pushrules", get(all))
        .route("/_matrix/client/v3/pushrules/global/", get(global))
        .route("/_matrix/client/v3/pushrules/global", get(global))
        .route("/_matrix/client/v3/pushrules/global/{kind}/", get(of_kind))
        .route("/_matrix/client/v3/pushrules/global/{kind}", get(of_kind))
        .route("/_matrix/client/v3/pushrules/global/{kind}/{ruleId}", get(one).put(put).delete(remove))
        .route("/_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled", get(enabled).put(set_enabled))
        .route("/_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions", get(actions).put(set_actions))
}

fn rules(state: &AppState, auth: &Authenticated) -> Result<Ruleset, MatrixError> {
    Ok(state.engine.push_rules.get(auth.user_nid, &auth.user_id)?)
}

fn shown(value: &impl Serialize) -> Result<Value, MatrixError> {
    serde_json::to_value(value).map_err(|error| MatrixError::internal(&error))
}

fn shown_rule(rule: AnyPushRuleRef<'_>) -> Result<Value, MatrixError> {
    match rule {
        AnyPushRuleRef::Override(rule)
        | AnyPushRuleRef::PostContent(rule)
        | AnyPushRuleRef::Underride(rule) => shown(rule),
        AnyPushRuleRef::Content(rule) => shown(rule),
        AnyPushRuleRef::Room(rule) => shown(rule),
        AnyPushRuleRef::Sender(rule) => shown(rule),
        _ => Err(MatrixError::not_found("ruleId: there is no such rule")),
    }
}

/// All kinds are there, even those without rules.
fn shown_rules(rules: &Ruleset) -> Result<Value, MatrixError> {
    let mut shown = shown(rules)?;
    for kind in ["override", "content", "room", "sender", "underride"] {
        if shown[kind].is_null() {
            shown[kind] = json!([]);
        }
    }
    Ok(shown)
}

async fn all(State(state): State<AppState>, auth: Authenticated) -> Result<Json<Value>, MatrixError> {
    Ok(Json(json!({ "global": shown_rules(&rules(&state, &auth)?)? })))
}

async fn global(State(state): State<AppState>, auth: Authenticated) -> Result<Json<Value>, MatrixError> {
    shown_rules(&rules(&state, &auth)?).map(Json)
}

async fn of_kind(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(kind): Path<String>,
) -> Result<axum::Json<Value>, MatrixError> {
    push::parse_kind(&kind).map_err(wardline_engine::EngineError::from)?;
    let name = kind.strip_prefix("io.element.msc4306.").unwrap_or(&kind);
    let rules = shown_rules(&rules(&state, &auth)?)?[name].take();
    Ok(axum::Json(if rules.is_null() { json!([]) } else { rules }))
}

async fn one(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Json<Value>, MatrixError> {
    with_rule(&state, &auth, &kind, &id, shown_rule)
}

async fn enabled(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Json<Value>, MatrixError> {
    with_rule(&state, &auth, &kind, &id, |rule| Ok(json!({ "enabled": rule.enabled() })))
}

async fn actions(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Json<Value>, MatrixError> {
    with_rule(&state, &auth, &kind, &id, |rule| Ok(json!({ "actions": shown(&rule.actions())? })))
}

fn with_rule(
    state: &AppState,
    auth: &Authenticated,
    kind: &str,
    id: &str,
    show: impl FnOnce(AnyPushRuleRef<'_>) -> Result<Value, MatrixError>,
) -> Result<Json<Value>, MatrixError> {
    let rules = rules(state, auth)?;
    let kind = push::parse_kind(kind).map_err(wardline_engine::EngineError::from)?;
    let rule = push::get(&rules, &kind, id).map_err(wardline_engine::EngineError::from)?;
    show(rule).map(Json)
}

#[derive(Deserialize)]
struct Neighbours {
    before: Option<String>,
    after: Option<String>,
}

async fn put(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((kind, id)): Path<(String, String)>,
    Query(place): Query<Neighbours>,
    Json(body): Json<Box<RawValue>>,
) -> Result<Empty, MatrixError> {
    let change = move |rules: &mut Ruleset| {
        let kind = push::parse_kind(&kind)?;
        push::put(rules, &kind, &id, body.get(), place.after.as_deref(), place.before.as_deref())
    };
    state.engine.push_rules.change(auth.user_nid, &auth.user_id, change).await?;
    Ok(Empty)
}

async fn remove(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Empty, MatrixError> {
    let change = move |rules: &mut Ruleset| push::delete(rules, &push::parse_kind(&kind)?, &id);
    state.engine.push_rules.change(auth.user_nid, &auth.user_id, change).await?;
    Ok(Empty)
}

#[derive(Deserialize)]
struct EnabledRequest {
    enabled: bool,
}

async fn set_enabled(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((kind, id)): Path<(String, String)>,
    Json(body): Json<EnabledRequest>,
) -> Result<Empty, MatrixError> {
    let change =
        move |rules: &mut Ruleset| push::set_enabled(rules, &push::parse_kind(&kind)?, &id, body.enabled);
    state.engine.push_rules.change(auth.user_nid, &auth.user_id, change).await?;
    Ok(Empty)
}

#[derive(Deserialize)]
struct ActionsRequest {
    actions: Box<RawValue>,
}

async fn set_actions(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((kind, id)): Path<(String, String)>,
    Json(body): Json<ActionsRequest>,
) -> Result<Empty, MatrixError> {
    let change = move |rules: &mut Ruleset| {
        push::set_actions(rules, &push::parse_kind(&kind)?, &id, body.actions.get())
    };
    state.engine.push_rules.change(auth.user_nid, &auth.user_id, change).await?;
    Ok(Empty)
}
