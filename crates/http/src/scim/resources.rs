//! Users and groups: list, read, make, replace, change by path, delete (RFC 7644 section 3).

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, HeaderName, StatusCode, header};
use serde_json::{Value, json};
use wardline_identity::scim::{Filter, ScimError, Selection, Shaped};

use super::{
    answer::{Body, Provisioner, Refusal, Scim, resource},
    base,
};
use crate::{AppState, Path, Query};

/// The most resources in one answer.
pub(super) const MAX_FOUND: usize = 1000;
/// How many there are if the caller does not say.
const DEFAULT_FOUND: usize = 100;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/Users", get(users).post(create_user))
        .route("/Users/.search", post(search_users))
        .route("/Users/{id}", get(user).put(put_user).patch(patch_user).delete(delete_user))
        .route("/Groups", get(groups).post(create_group))
        .route("/Groups/.search", post(search_groups))
        .route("/Groups/{id}", get(group).put(put_group).patch(patch_group).delete(delete_group))
        .route("/.search", post(search_all))
}

type Answer = Result<Response, Refusal>;

/// What a list or search asks for.
#[derive(Debug, Default)]
struct Search {
    filter: Option<Filter>,
    start: usize,
    count: usize,
    selection: Selection,
}

fn whole(name: &str, text: &str) -> Result<usize, ScimError> {
    // RFC 7644 section 3.4.2.4: a negative count is 0, a start below 1 is 1.
    let number: i64 =
        text.parse().map_err(|_| ScimError::InvalidValue(format!("{name}: must be a number")))?;
    Ok(usize::try_from(number).unwrap_or(0))
}

fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

impl Search {
    fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, ScimError> {
        let mut search = Self { start: 1, count: DEFAULT_FOUND, ..Self::default() };
        for (name, value) in pairs {
            match &*name {
                "filter" => search.filter = Some(Filter::parse(&value)?),
                "startIndex" => search.start = whole(&name, &value)?.max(1),
                "count" => search.count = whole(&name, &value)?.min(MAX_FOUND),
                "attributes" => search.selection.only = split(&value),
                "excludedAttributes" => search.selection.without = split(&value),
                _ => {}
            }
        }
        let both = !search.selection.only.is_empty() && !search.selection.without.is_empty();
        if both {
            let text = "attributes: cannot be given with excludedAttributes";
            return Err(ScimError::InvalidValue(text.into()));
        }
        Ok(search)
    }

    /// Out of the body of a `.search` request.
    fn of_body(body: &Value) -> Result<Self, ScimError> {
        let schema = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
        let listed = body["schemas"].as_array().is_some_and(|all| all.iter().any(|it| it == schema));
        if !listed {
            return Err(ScimError::InvalidSyntax(format!("schemas: must have {schema}")));
        }
        let text = |value: &Value| match value {
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let all = body.as_object().into_iter().flatten();
        Self::of(all.filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), text(value))))
    }

    fn page(self, found: Vec<Shaped>) -> Response {
        let total = found.len();
        let page = found.into_iter().skip(self.start - 1).take(self.count);
        let page = page.map(|shaped| self.selection.of(shaped.resource).into()).collect();
        list(page, total, self.start).into_response()
    }
}

/// A list of resources.
pub(super) fn list(page: Vec<Value>, total: usize, start: usize) -> Scim {
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": page.len(),
    });
    body["Resources"] = page.into();
    Scim(StatusCode::OK, body)
}

fn tags(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

type Pairs = Query<Vec<(String, String)>>;

async fn users(State(state): State<AppState>, _: Provisioner, Query(query): Pairs) -> Answer {
    let mut search = Search::of(query)?;
    let found = state.identity.scim_users(&base(&state), search.filter.take()).await?;
    Ok(search.page(found))
}

async fn search_users(State(state): State<AppState>, _: Provisioner, Body(body): Body) -> Answer {
    let mut search = Search::of_body(&body)?;
    let found = state.identity.scim_users(&base(&state), search.filter.take()).await?;
    Ok(search.page(found))
}

async fn groups(State(state): State<AppState>, _: Provisioner, Query(query): Pairs) -> Answer {
    let mut search = Search::of(query)?;
    let found = state.identity.scim_groups(&base(&state), search.filter.take()).await?;
    Ok(search.page(found))
}

async fn search_groups(State(state): State<AppState>, _: Provisioner, Body(body): Body) -> Answer {
    let mut search = Search::of_body(&body)?;
    let found = state.identity.scim_groups(&base(&state), search.filter.take()).await?;
    Ok(search.page(found))
}

async fn search_all(State(state): State<AppState>, _: Provisioner, Body(body): Body) -> Answer {
    let mut search = Search::of_body(&body)?;
    let (base, filter) = (base(&state), search.filter.take());
    let mut found = state.identity.scim_users(&base, filter.clone()).await?;
    found.extend(state.identity.scim_groups(&base, filter).await?);
    Ok(search.page(found))
}

async fn user(
    State(state): State<AppState>,
    _: Provisioner,
    Path(id): Path<String>,
    headers: HeaderMap,
    Query(query): Pairs,
) -> Answer {
    let search = Search::of(query)?;
    let found = state.identity.scim_user(&base(&state), &id)?;
    Ok(resource(StatusCode::OK, found, &search.selection, tags(&headers, header::IF_NONE_MATCH)))
}

async fn group(
    State(state): State<AppState>,
    _: Provisioner,
    Path(id): Path<String>,
    headers: HeaderMap,
    Query(query): Pairs,
) -> Answer {
    let search = Search::of(query)?;
    let found = state.identity.scim_group(&base(&state), &id)?;
    Ok(resource(StatusCode::OK, found, &search.selection, tags(&headers, header::IF_NONE_MATCH)))
}

async fn create_user(
    State(state): State<AppState>,
    Provisioner(client): Provisioner,
    Query(query): Pairs,
    Body(body): Body,
) -> Answer {
    let search = Search::of(query)?;
    let made = state.identity.create_scim_user(&base(&state), &client, &body).await?;
    Ok(resource(StatusCode::CREATED, made, &search.selection, None))
}

async fn create_group(
    State(state): State<AppState>,
    Provisioner(client): Provisioner,
    Query(query): Pairs,
    Body(body): Body,
) -> Answer {
    let search = Search::of(query)?;
    let made = state.identity.create_scim_group(&base(&state), &client, &body).await?;
    Ok(resource(StatusCode::CREATED, made, &search.selection, None))
}

async fn put_user(
    State(state): State<AppState>,
    Provisioner(client): Provisioner,
    Path(id): Path<String>,
    headers: HeaderMap,
    Query(query): Pairs,
    Body(body): Body,
) -> Answer {
    let (search, expected) = (Search::of(query)?, tags(&headers, header::IF_MATCH));
    let done = state.identity.put_scim_user(&base(&state), &client, (&id, expected), body).await?;
    Ok(resource(StatusCode::OK, done, &search.selection, None))
}

async fn put_group(
    State(state): State<AppState>,
    Provisioner(client): Provisioner,
    Path(id): Path<String>,
    headers: HeaderMap,
    Query(query): Pairs,
    Body(body): Body,
) -> Answer {
    let (search, expected) = (Search::of(query)?, tags(&headers, header::IF_MATCH));
    let done = state.identity.put_scim_group(&base(&state), &client, (&id, expected), body).await?;
    Ok(resource(StatusCode::OK, done, &search.selection, None))
}

async fn patch_user(
    State(state): State<AppState>,
    Provisioner(client): Provisioner,
    Path(id): Path<String>,
    headers: HeaderMap,
    Query(query): Pairs,
    Body(body): Body,
) -> Answer {
    let (search, expected) = (Search::of(query)?, tags(&headers, header::IF_MATCH));
    let done = state.identity.patch_scim_user(&base(&state), &client, (&id, expected), body).await?;
    Ok(resource(StatusCode::OK, done, &search.selection, None))
}

async fn patch_group(
    State(state): State<AppState>,
    Provisioner(client): Provisioner,
    Path(id): Path<String>,
    headers: HeaderMap,
    Query(query): Pairs,
    Body(body): Body,
) -> Answer {
    let (search, expected) = (Search::of(query)?, tags(&headers, header::IF_MATCH));
    let done = state.identity.patch_scim_group(&base(&state), &client, (&id, expected), body).await?;
    Ok(resource(StatusCode::OK, done, &search.selection, None))
}

async fn delete_user(
    State(state): State<AppState>,
    Provisioner(client): Provisioner,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    state.identity.delete_scim_user(&client, (&id, tags(&headers, header::IF_MATCH))).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn delete_group(
    State(state): State<AppState>,
    Provisioner(client): Provisioner,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    state.identity.delete_scim_group(&client, (&id, tags(&headers, header::IF_MATCH))).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
