//! OperationOutcome: how every refusal of the FHIR API looks (<https://hl7.org/fhir/R4/operationoutcome.html>).

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};
use wardline_clinical::ClinicalError;
use wardline_domain::care::request::RequestError;

use super::{
    exchange::Fhir,
    resource::{extension, reference},
};
use crate::MatrixError;

/// The code system of the Matrix errors that refused tokens and limits are.
const MATRIX_ERROR: &str = "https://wardline.org/fhir/CodeSystem/matrix-error";
/// The code system of why the clinical service refuses: see `docs/protocol/refusals.md`.
const REFUSAL: &str = "https://wardline.org/fhir/CodeSystem/refusal";

/// A refused or failed FHIR request.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    /// A code of value set `issue-type`.
    code: &'static str,
    /// A plain sentence without patient data.
    problem: String,
    /// Path of the element at fault, such as `Task.owner`.
    expression: Option<String>,
    /// What else there is to say.
    detail: Box<Detail>,
}

/// What only some refusals have.
#[derive(Debug, Default)]
struct Detail {
    /// A code of the code system `refusal`, by which clients tell this from other refusals.
    refusal: Option<&'static str>,
    /// What the refusal speaks of, as extensions.
    about: Vec<Value>,
    /// Further elements at fault, with what is wrong with each.
    more: Vec<(String, String)>,
    /// The Matrix form of a refused token, which our clients share with the Matrix API.
    token: Option<MatrixError>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, problem: impl Into<String>) -> Self {
        Self { status, code, problem: problem.into(), expression: None, detail: Box::default() }
    }

    /// 400: the element or parameter at `path` is wrong.
    pub(crate) fn invalid(path: impl Into<String>, problem: impl Into<String>) -> Self {
        let refusal = Self::new(StatusCode::BAD_REQUEST, "value", problem);
        Self { expression: Some(path.into()), ..refusal }
    }

    /// 400: each of these elements is wrong; `None` if there are none.
    pub(crate) fn all_invalid(problems: Vec<(String, String)>) -> Option<Self> {
        let mut problems = problems.into_iter();
        let (path, problem) = problems.next()?;
        let mut refusal = Self::invalid(path, problem);
        refusal.detail.more = problems.collect();
        Some(refusal)
    }

    /// The same as a code.
    fn coded(mut self, refusal: &'static str) -> Self {
        self.detail.refusal = Some(refusal);
        self
    }

    /// The same with what it speaks of.
    fn about(mut self, what: Value) -> Self {
        self.detail.about.push(what);
        self
    }

    fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = cause, "a FHIR request failed inside the server");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "exception", "internal server error")
    }
}

impl From<ClinicalError> for Refusal {
    fn from(error: ClinicalError) -> Self {
        let problem = error.to_string();
        match error {
            ClinicalError::NotFound(_) => {
                Self::new(StatusCode::NOT_FOUND, "not-found", problem).coded("not-found")
            }
            ClinicalError::Forbidden(only) => {
                Self::new(StatusCode::FORBIDDEN, "forbidden", problem).coded(only.code())
            }
            ClinicalError::Invalid { path, problem, fault: None } => Self::invalid(path, problem),
            ClinicalError::Invalid { path, problem, fault: Some(fault) } => {
                let refusal = Self::invalid(path, problem).coded(fault.code());
                match fault.at() {
                    Some(at) => refusal.about(extension("refusal-at", "valueInstant", at.to_instant())),
                    None => refusal,
                }
            }
            ClinicalError::Several(problems) => {
                Self::all_invalid(problems).unwrap_or_else(|| Self::invalid("", problem))
            }
            ClinicalError::OtherVersion => {
                Self::new(StatusCode::PRECONDITION_FAILED, "conflict", problem).coded("other-version")
            }
            ClinicalError::Conflict(conflict) => {
                Self::new(StatusCode::CONFLICT, "conflict", problem).coded(conflict.code())
            }
            ClinicalError::Request(error) => Self::of_request(&error, problem),
            ClinicalError::ImportRefused(_) | ClinicalError::DryRun(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "processing", problem)
            }
            ClinicalError::Store(wardline_store::StoreError::DiskFull) => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "no-store", problem)
            }
            ClinicalError::Store(
                wardline_store::StoreError::Closed | wardline_store::StoreError::NotDurable,
            ) => MatrixError::stopping().into(),
            ClinicalError::Store(cause) => Self::internal(&cause),
            ClinicalError::Port(cause) => Self::internal(&cause),
        }
    }
}

impl Refusal {
    /// What the state machine of requests refuses.
    fn of_request(error: &RequestError, problem: String) -> Self {
        let conflict = |code| Self::new(StatusCode::CONFLICT, "conflict", problem.clone()).coded(code);
        match error {
            RequestError::NotAllowed(_) => {
                Self::new(StatusCode::FORBIDDEN, "forbidden", problem).coded("request-not-yours")
            }
            RequestError::Final(state) => {
                conflict("request-over").about(extension("refusal-state", "valueCode", state.code()))
            }
            RequestError::AcceptedBy(person) => {
                let person = reference("Practitioner", person, None);
                conflict("request-accepted").about(extension("refusal-person", "valueReference", person))
            }
            RequestError::Backwards { from, .. } => {
                conflict("request-backwards").about(extension("refusal-state", "valueCode", from.code()))
            }
            RequestError::NoSteps => conflict("request-without-steps"),
        }
    }
}

impl From<MatrixError> for Refusal {
    fn from(error: MatrixError) -> Self {
        let code = match error.status {
            StatusCode::UNAUTHORIZED => "login",
            StatusCode::FORBIDDEN => "forbidden",
            StatusCode::TOO_MANY_REQUESTS => "throttled",
            StatusCode::PAYLOAD_TOO_LARGE => "too-long",
            StatusCode::SERVICE_UNAVAILABLE => "transient",
            status if status.is_server_error() => "exception",
            _ => "invalid",
        };
        let mut refusal = Self::new(error.status, code, error.error.clone());
        refusal.detail.token = Some(error);
        refusal
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Detail { refusal, about, more, token } = *self.detail;
        let mut issue = json!({
            "severity": "error",
            "code": self.code,
            "diagnostics": self.problem,
            "details": { "text": self.problem },
        });
        if let Some(expression) = self.expression {
            issue["expression"] = json!([expression]);
        }
        if let Some(refusal) = refusal {
            issue["details"]["coding"] = json!([{ "system": REFUSAL, "code": refusal }]);
        }
        if !about.is_empty() {
            issue["extension"] = about.into();
        }
        let more = more.into_iter().map(|(path, problem)| {
            json!({
                "severity": "error",
                "code": self.code,
                "diagnostics": problem,
                "details": { "text": problem },
                "expression": [path],
            })
        });
        let issues: Vec<Value> = std::iter::once(issue).chain(more).collect();
        let mut body = json!({ "resourceType": "OperationOutcome", "issue": issues });
        let retry_after = token.as_ref().and_then(|error| error.retry_after());
        if let Some(error) = token {
            // What clients of the Matrix API look for, in a place that FHIR has for such codes.
            let code = |code: &str| json!({ "system": MATRIX_ERROR, "code": code });
            let soft = error.extra.get("soft_logout").is_some_and(|soft| *soft == Value::Bool(true));
            let codes = [Some(error.errcode), soft.then_some("soft_logout")];
            body["issue"][0]["details"]["coding"] = codes.into_iter().flatten().map(code).collect();
        }
        let mut response = (self.status, Fhir(body)).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
