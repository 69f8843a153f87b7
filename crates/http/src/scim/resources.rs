//! Users and groups: list, read, make, replace, change by path, delete (RFC 7644 section 3).

use axum::{
    Extension, Router,
    extract::{FromRequestParts, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, HeaderName, StatusCode, header, request::Parts};
use serde_json::{Value, json};
use wardline_identity::scim::{Filter, ResourceType, ScimError, Selection, Shaped, Write};

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
        .nest("/Users", of(ResourceType::User))
        .nest("/Groups", of(ResourceType::Group))
        .route("/.search", post(search_all))
}

/// The routes of one type of resource.
fn of(what: ResourceType) -> Router<AppState> {
    Router::new()
        .route("/", get(find).post(create))
        .route("/.search", post(search))
        .route("/{id}", get(read).put(replace).patch(change).delete(remove))
        .layer(Extension(what))
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
type What = Extension<ResourceType>;

async fn find(State(state): State<AppState>, what: What, _: Provisioner, Query(query): Pairs) -> Answer {
    found(&state, *what, Search::of(query)?).await
}

async fn search(State(state): State<AppState>, what: What, _: Provisioner, Body(body): Body) -> Answer {
    found(&state, *what, Search::of_body(&body)?).await
}

async fn found(state: &AppState, what: ResourceType, mut search: Search) -> Answer {
    let found = state.identity.scim_list(what, &base(state), search.filter.take()).await?;
    Ok(search.page(found))
}

async fn search_all(State(state): State<AppState>, _: Provisioner, Body(body): Body) -> Answer {
    let mut search = Search::of_body(&body)?;
    let (base, filter) = (base(&state), search.filter.take());
    let mut found = state.identity.scim_list(ResourceType::User, &base, filter.clone()).await?;
    found.extend(state.identity.scim_list(ResourceType::Group, &base, filter).await?);
    Ok(search.page(found))
}

async fn read(
    State(state): State<AppState>,
    what: What,
    _: Provisioner,
    Path(id): Path<String>,
    headers: HeaderMap,
    Query(query): Pairs,
) -> Answer {
    let search = Search::of(query)?;
    let found = state.identity.scim_read(*what, &base(&state), &id)?;
    Ok(resource(StatusCode::OK, found, &search.selection, tags(&headers, header::IF_NONE_MATCH)))
}

async fn create(
    State(state): State<AppState>,
    what: What,
    Provisioner(client): Provisioner,
    Query(query): Pairs,
    Body(body): Body,
) -> Answer {
    let search = Search::of(query)?;
    let made = state.identity.scim_create(*what, &base(&state), &client, &body).await?;
    Ok(resource(StatusCode::CREATED, made, &search.selection, None))
}

/// A request that changes one resource.
struct Target {
    what: ResourceType,
    client: String,
    id: String,
    headers: HeaderMap,
}

impl FromRequestParts<AppState> for Target {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let Provisioner(client) = Provisioner::from_request_parts(parts, state).await?;
        let Path(id) = Path::from_request_parts(parts, state).await?;
        let what = parts.extensions.get::<ResourceType>().ok_or_else(Refusal::not_found)?;
        Ok(Self { what: *what, client, id, headers: parts.headers.clone() })
    }
}

impl Target {
    async fn write(&self, state: &AppState, write: Write) -> Result<Shaped, ScimError> {
        let expected = (&*self.id, tags(&self.headers, header::IF_MATCH));
        state.identity.scim_change(self.what, &base(state), &self.client, expected, write).await
    }
}

async fn replace(
    State(state): State<AppState>,
    target: Target,
    Query(query): Pairs,
    Body(body): Body,
) -> Answer {
    let search = Search::of(query)?;
    let done = target.write(&state, Write::Put(body)).await?;
    Ok(resource(StatusCode::OK, done, &search.selection, None))
}

async fn change(
    State(state): State<AppState>,
    target: Target,
    Query(query): Pairs,
    Body(body): Body,
) -> Answer {
    let search = Search::of(query)?;
    let done = target.write(&state, Write::Patch(body)).await?;
    Ok(resource(StatusCode::OK, done, &search.selection, None))
}

async fn remove(State(state): State<AppState>, target: Target) -> Answer {
    target.write(&state, Write::Delete).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
