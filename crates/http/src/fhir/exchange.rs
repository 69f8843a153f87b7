//! Bodies and callers of the FHIR API.

use std::collections::BTreeMap;

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderValue, header, request::Parts};
use serde::de::DeserializeOwned;
use serde_json::Value;
use wardline_clinical::{Caller, Editor};

use super::outcome::Refusal;
use crate::{AppState, Authenticated, Path, Query, extract::system, json::body_rejection};

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/fhir+json");

/// A resource as an answer. A `meta.versionId` becomes the ETag.
#[derive(Debug)]
pub(crate) struct Fhir(pub(crate) Value);

impl IntoResponse for Fhir {
    fn into_response(self) -> Response {
        let version = self.0.pointer("/meta/versionId").and_then(Value::as_str);
        let etag = version.and_then(|v| HeaderValue::from_str(&format!("W/\"{v}\"")).ok());
        let mut response = self.0.to_string().into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, MEDIA_TYPE);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        if let Some(etag) = etag {
            response.headers_mut().insert(header::ETAG, etag);
        }
        response
    }
}

/// The signed-in person, or a system with a token of its own.
#[derive(Debug)]
pub(crate) struct SignedIn(pub(crate) Caller);

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        Editing::from_request_parts(parts, state).await.map(|it| Self(it.0.caller))
    }
}

/// The same, who may want to change what others rely on. A system may where its scopes say so: an administrator gave it them.
#[derive(Debug)]
pub(crate) struct Editing(pub(crate) Editor);

impl FromRequestParts<AppState> for Editing {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        if let Some(system) = system(parts, state).await? {
            let caller = Caller { user: system.user_id, device: None };
            return Ok(Self(Editor { caller, administrator: true }));
        }
        let session = Authenticated::from_request_parts(parts, state).await?;
        let administrator = state.identity.check_administrator(&session).is_ok();
        let caller = Caller { user: session.user_id.clone(), device: Some(session.device_id.to_string()) };
        Ok(Self(Editor { caller, administrator }))
    }
}

/// The parameters of the path.
#[derive(Debug)]
pub(crate) struct Id<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for Id<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let Path(id) = Path::<T>::from_request_parts(parts, state).await?;
        Ok(Self(id))
    }
}

/// What the headers of a request make it depend on (<https://hl7.org/fhir/R4/http.html#concurrency>).
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    /// `If-Match`: the version that the resource must have.
    pub(crate) if_match: Option<String>,
    /// `If-None-Match`: the version that the caller has.
    pub(crate) known: Option<String>,
    /// `If-None-Match: *`: there must be no such resource yet.
    pub(crate) must_be_new: bool,
    /// `If-None-Exist`: the search that must find nothing for a resource to be made.
    pub(crate) if_none_exist: Option<String>,
}

impl Conditions {
    /// `If-Match` where versions are numbers.
    pub(crate) fn version(&self) -> Result<Option<u64>, Refusal> {
        let number = self.if_match.as_ref().map(|tag| tag.parse()).transpose();
        number.map_err(|_| Refusal::invalid("If-Match", "must be an ETag that this API gave"))
    }

    /// Whether a resource that has this version (`None`: there is none) may be changed.
    pub(crate) fn allow(&self, version: Option<&str>) -> bool {
        let new = !self.must_be_new || version.is_none();
        new && self.if_match.as_deref().is_none_or(|wanted| version == Some(wanted))
    }
}

impl FromRequestParts<AppState> for Conditions {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Refusal> {
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let version = |name: &'static str| {
            let Some(text) = header(name).filter(|text| text.trim() != "*") else { return Ok(None) };
            let tag = text.trim().trim_start_matches("W/").trim_matches('"');
            let sound = !tag.is_empty() && tag.bytes().all(|b| b.is_ascii_alphanumeric());
            let wrong = || Refusal::invalid(name, "must be an ETag that this API gave");
            sound.then(|| Some(tag.to_owned())).ok_or_else(wrong)
        };
        Ok(Self {
            if_match: version("If-Match")?,
            known: version("If-None-Match")?,
            must_be_new: header("If-None-Match").is_some_and(|text| text.trim() == "*"),
            if_none_exist: header("If-None-Exist").map(ToOwned::to_owned),
        })
    }
}

/// The search parameters, each at most once; `_include` may be repeated and is kept with commas.
#[derive(Debug)]
pub(crate) struct Parameters(pub(crate) BTreeMap<String, String>);

impl FromRequestParts<AppState> for Parameters {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refusal> {
        let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await?;
        let mut all = BTreeMap::new();
        for (name, value) in pairs {
            if name == "_include" {
                let included: &mut String = all.entry(name).or_default();
                let comma = if included.is_empty() { "" } else { "," };
                *included = format!("{included}{comma}{value}");
                continue;
            }
            if all.insert(name.clone(), value).is_some() {
                return Err(Refusal::invalid(name, "this parameter may be given once"));
            }
        }
        Ok(Self(all))
    }
}

/// A JSON body read as `T`; the error names the path of the element, beneath the name of the type read.
#[derive(Debug)]
pub(crate) struct Body(Bytes);

impl FromRequest<AppState> for Body {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Refusal> {
        Ok(Self(Bytes::from_request(request, state).await.map_err(|r| body_rejection(&r))?))
    }
}

impl Body {
    /// True if there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.trim_ascii().is_empty()
    }

    /// Reads the body as a resource of type `kind`.
    pub(crate) fn read<T: DeserializeOwned>(&self, kind: &str) -> Result<T, Refusal> {
        let mut json = serde_json::Deserializer::from_slice(&self.0);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = match error.path().to_string().as_str() {
                "." => kind.to_owned(),
                path => format!("{kind}.{path}"),
            };
            Refusal::invalid(path, problem(error.inner()))
        })?;
        json.end().map_err(|_| Refusal::invalid(kind, "the body has text after its resource"))?;
        Ok(value)
    }
}

/// What is wrong without the offending value.
fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match error.classify() {
        serde_json::error::Category::Data => {
            let named =
                ["missing field", "unknown field", "duplicate field"].iter().any(|k| text.starts_with(k));
            let end = text.rfind(" at line ").unwrap_or(text.len());
            let begin = if named { 0 } else { text[..end].rfind("expected ").unwrap_or(end) };
            let end = if named { text.find(", expected").unwrap_or(end) } else { end };
            text.get(begin..end).filter(|t| !t.is_empty()).unwrap_or("is not acceptable").to_owned()
        }
        _ => format!("the body is not valid JSON (line {}, column {})", error.line(), error.column()),
    }
}
