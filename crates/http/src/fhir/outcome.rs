//! OperationOutcome: how every refusal of the FHIR API looks (<https://hl7.org/fhir/R4/operationoutcome.html>).

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};
use wardline_clinical::ClinicalError;
use wardline_domain::care::request::RequestError;

use super::exchange::Fhir;
use crate::MatrixError;

/// The code system of the Matrix errors that refused tokens and limits are.
const MATRIX_ERROR: &str = "https://wardline.org/fhir/CodeSystem/matrix-error";

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
    /// The Matrix form of a refused token, which our clients share with the Matrix API.
    token: Option<Box<MatrixError>>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, problem: impl Into<String>) -> Self {
        Self { status, code, problem: problem.into(), expression: None, token: None }
    }

    /// 400: the element or parameter at `path` is wrong.
    pub(crate) fn invalid(path: impl Into<String>, problem: impl Into<String>) -> Self {
        let refusal = Self::new(StatusCode::BAD_REQUEST, "value", problem);
        Self { expression: Some(path.into()), ..refusal }
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
            ClinicalError::NotFound(_) => Self::new(StatusCode::NOT_FOUND, "not-found", problem),
            ClinicalError::Forbidden(_) | ClinicalError::Request(RequestError::NotAllowed(_)) => {
                Self::new(StatusCode::FORBIDDEN, "forbidden", problem)
            }
            ClinicalError::Invalid { path, problem } => Self::invalid(path, problem),
            ClinicalError::OtherVersion => Self::new(StatusCode::PRECONDITION_FAILED, "conflict", problem),
            ClinicalError::Conflict(_) | ClinicalError::Request(_) => {
                Self::new(StatusCode::CONFLICT, "conflict", problem)
            }
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
        Self { token: Some(Box::new(error.clone())), ..Self::new(error.status, code, error.error) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut issue = json!({
            "severity": "error",
            "code": self.code,
            "diagnostics": self.problem,
            "details": { "text": self.problem },
        });
        if let Some(expression) = self.expression {
            issue["expression"] = json!([expression]);
        }
        let mut body = json!({ "resourceType": "OperationOutcome", "issue": [issue] });
        let retry_after = self.token.as_ref().and_then(|error| error.retry_after());
        if let Some(error) = self.token {
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
