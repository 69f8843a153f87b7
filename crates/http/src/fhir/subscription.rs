//! Subscription: another system is told when requests change (<https://hl7.org/fhir/R4/subscription.html>), by rest-hook
//! without payload: it reads then what it may see.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use wardline_clinical::{Criteria, Subscription, Terms};
use wardline_domain::{
    Timestamp,
    care::{playbook::Class, request},
};

use super::{
    exchange::{Body, Fhir, Id, Parameters, SignedIn},
    outcome::Refusal,
    search::Search,
};
use crate::AppState;

/// Most headers of one subscription, and longest text of any field in bytes.
const MAX_HEADERS: usize = 5;
const MAX_TEXT: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    resource_type: String,
    #[serde(rename = "id")]
    _id: Option<String>,
    status: String,
    reason: String,
    criteria: String,
    end: Option<String>,
    channel: Channel,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Channel {
    #[serde(rename = "type")]
    kind: String,
    endpoint: String,
    #[serde(default)]
    header: Vec<String>,
}

/// `POST Subscription`
pub(super) async fn create(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    body: Body,
) -> Result<Response, Refusal> {
    let (terms, end) = body.read::<Input>("Subscription")?.terms(caller.person())?;
    let made = state.clinical.subscribe(&caller, terms, end).await?;
    let mut response = (StatusCode::CREATED, Fhir(subscription_json(&made))).into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("/fhir/R4/Subscription/{}", made.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// `GET Subscription`: the caller's own.
pub(super) async fn search(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    query: Parameters,
) -> Result<Fhir, Refusal> {
    let page = Search::of("Subscription", query)?.end()?;
    page.of(&state.clinical.subscriptions(&caller)?, |it| Ok(subscription_json(it)))
}

/// `GET Subscription/{id}`
pub(super) async fn read(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id(id): Id<String>,
) -> Result<Fhir, Refusal> {
    Ok(Fhir(subscription_json(&state.clinical.subscription(&caller, &id)?)))
}

/// `DELETE Subscription/{id}`
pub(super) async fn delete(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id(id): Id<String>,
) -> Result<StatusCode, Refusal> {
    state.clinical.unsubscribe(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Input {
    fn terms(self, person: &str) -> Result<(Terms, Option<Timestamp>), Refusal> {
        let wrong = |path: &str, problem: &str| Refusal::invalid(format!("Subscription.{path}"), problem);
        if self.resource_type != "Subscription" {
            return Err(wrong("resourceType", "must be Subscription"));
        }
        if self.status != "requested" {
            return Err(wrong("status", "must be requested"));
        }
        if self.reason.trim().is_empty() || self.reason.len() > MAX_TEXT {
            return Err(wrong("reason", "must say why, in at most 1000 bytes"));
        }
        if self.channel.kind != "rest-hook" {
            return Err(wrong("channel.type", "only rest-hook is supported"));
        }
        let url = Url::parse(&self.channel.endpoint).ok().filter(|_| self.channel.endpoint.len() <= MAX_TEXT);
        let url = url.ok_or_else(|| wrong("channel.endpoint", "is not a URL"))?;
        let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() != "https" && !(here && url.scheme() == "http") {
            return Err(wrong("channel.endpoint", "must be an https URL"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("channel.endpoint", "must hold no password: use a header"));
        }
        if self.channel.header.len() > MAX_HEADERS {
            return Err(wrong("channel.header", "there may be at most five"));
        }
        let headers = self.channel.header.iter().enumerate();
        let headers = headers.map(|(at, text)| {
            header_of(text).ok_or_else(|| {
                let problem = "is written Name: value, and is Authorization or begins with X-";
                wrong(&format!("channel.header[{at}]"), problem)
            })
        });
        let end = self.end.map(|end| {
            Timestamp::from_instant(&end).ok_or_else(|| wrong("end", "must be an instant with time zone"))
        });
        let criteria = criteria(&self.criteria, person)?;
        let terms = Terms {
            reason: self.reason,
            written: self.criteria,
            criteria,
            endpoint: self.channel.endpoint,
            headers: headers.collect::<Result<_, _>>()?,
        };
        Ok((terms, end.transpose()?))
    }
}

fn header_of(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once(':')?;
    let (name, value) = (name.trim().to_lowercase(), value.trim());
    let allowed = name == "authorization" || name.starts_with("x-");
    let sound =
        text.len() <= MAX_TEXT && HeaderName::try_from(&name).is_ok() && HeaderValue::try_from(value).is_ok();
    (allowed && sound).then(|| (name, value.to_owned()))
}

/// `Task?` with `patient`, `owner`, `requester` (`me` is the subscriber), `code` and `business-status`.
fn criteria(text: &str, person: &str) -> Result<Criteria, Refusal> {
    let wrong = |problem: String| Refusal::invalid("Subscription.criteria", problem);
    let query = match text.split_once('?') {
        Some(("Task", query)) => query,
        None if text == "Task" => "",
        _ => return Err(wrong("must be a search of Task, such as Task?owner=me&code=urgent".to_owned())),
    };
    let mut criteria = Criteria::default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let of = |kind: &str| value.strip_prefix(kind).unwrap_or(&value).to_owned();
        let someone = |id: String| if id == "me" { person.to_owned() } else { id };
        let code = || value.rsplit('|').next().unwrap_or_default().to_owned();
        let place = match name.as_ref() {
            "patient" => (&mut criteria.patient, of("Patient/")),
            "owner" => (&mut criteria.owner, someone(of("Practitioner/"))),
            "requester" => (&mut criteria.requester, someone(of("Practitioner/"))),
            "code" if Class::from_code(&code()).is_some() => (&mut criteria.class, code()),
            "business-status" if request::State::ALL.iter().any(|state| state.code() == code()) => {
                (&mut criteria.state, code())
            }
            name => return Err(wrong(format!("{name}: this parameter or its value is not supported"))),
        };
        if place.0.replace(place.1).is_some() {
            return Err(wrong(format!("{name}: may be given once")));
        }
    }
    Ok(criteria)
}

/// The resource. Headers are secrets and not shown again.
fn subscription_json(it: &Subscription) -> Value {
    let mut json = json!({
        "resourceType": "Subscription",
        "id": it.id,
        "status": if it.failed { "error" } else { "active" },
        "reason": it.terms.reason,
        "criteria": it.terms.written,
        "channel": { "type": "rest-hook", "endpoint": it.terms.endpoint },
    });
    if let Some(end) = it.ends_at {
        json["end"] = json!(end.to_instant());
    }
    if it.failures > 0 || it.failed {
        json["error"] = json!(format!("the endpoint has failed {} times in a row", it.failures));
    }
    json
}
