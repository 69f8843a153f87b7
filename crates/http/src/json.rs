//! JSON bodies: parsed strictly, with errors that name the field.

use axum::{
    extract::{FromRequest, Request, rejection::BytesRejection},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize as _, Serialize, de::DeserializeOwned};

use crate::MatrixError;

/// A JSON object body, in a request or an answer.
///
/// As an extractor it ignores `Content-Type` (as Matrix servers do) and refuses:
/// - bodies above the route's limit (`axum::extract::DefaultBodyLimit`): 413 `M_TOO_LARGE`;
/// - what is not UTF-8 JSON, the empty body included: 400 `M_NOT_JSON`;
/// - another JSON type than an object, a missing member or a wrong type: 400 `M_BAD_JSON` with the field's path.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json<T>(pub T);

/// Like [`Json`], for endpoints whose body may be left out: an empty body counts as `{}`.
#[derive(Clone, Copy, Debug, Default)]
pub struct OptionalJson<T>(pub T);

/// Parses `body` as a JSON object into `T`, as the [`Json`] extractor does.
///
/// # Errors
/// `M_NOT_JSON` or `M_BAD_JSON`; the latter names the path of the offending field.
pub fn parse_object<T: DeserializeOwned>(body: &[u8]) -> Result<T, MatrixError> {
    // The whole of it: serde_json does not look into strings that nobody asks for.
    let body = std::str::from_utf8(body).map_err(|_| MatrixError::not_json("the body is not UTF-8"))?;
    let first = body.bytes().find(|byte| !byte.is_ascii_whitespace());
    let mut deserializer = serde_json::Deserializer::from_str(body);
    if first != Some(b'{') {
        return Err(match serde::de::IgnoredAny::deserialize(&mut deserializer) {
            Ok(_) => MatrixError::bad_json("the body must be a JSON object"),
            Err(_) => MatrixError::not_json("the body is not valid JSON"),
        });
    }
    let parsed = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        match cause.classify() {
            serde_json::error::Category::Data => MatrixError::bad_json(describe(&path, &cause)),
            _ => MatrixError::not_json(format!(
                "the body is not valid JSON (line {}, column {})",
                cause.line(),
                cause.column()
            )),
        }
    })?;
    deserializer.end().map_err(|_| MatrixError::not_json("the body has text after its JSON object"))?;
    Ok(parsed)
}

/// The message names the field and what was expected, never the value: it may be a password.
fn describe(path: &str, cause: &serde_json::Error) -> String {
    let text = cause.to_string();
    // serde's messages quote the offending value between "invalid type: string" and ", expected".
    let reason = match (text.starts_with("invalid"), text.rfind(", expected ")) {
        (true, Some(at)) => {
            let expected = &text[at + 2..];
            expected.rsplit_once(" at line ").map_or(expected, |(e, _)| e).to_owned()
        }
        (true, None) => "invalid value".to_owned(),
        (false, _) => text.rsplit_once(" at line ").map_or(text.as_str(), |(t, _)| t).to_owned(),
    };
    if path == "." { reason } else { format!("{path}: {reason}") }
}

pub(crate) fn body_rejection(rejection: &BytesRejection) -> MatrixError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        MatrixError::too_large("the request body is too large")
    } else {
        MatrixError::not_json("the request body could not be read")
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = MatrixError;

    async fn from_request(request: Request, state: &S) -> Result<Self, MatrixError> {
        let body = Bytes::from_request(request, state).await.map_err(|r| body_rejection(&r))?;
        parse_object(&body).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for OptionalJson<T> {
    type Rejection = MatrixError;

    async fn from_request(request: Request, state: &S) -> Result<Self, MatrixError> {
        let body = Bytes::from_request(request, state).await.map_err(|r| body_rejection(&r))?;
        parse_object(if body.is_empty() { b"{}" } else { &body }).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => RawJson(bytes.into()).into_response(),
            Err(error) => MatrixError::internal(&error).into_response(),
        }
    }
}

/// An answer whose JSON bytes already exist (events spliced from the store, `/sync`).
#[derive(Clone, Debug)]
pub struct RawJson(pub Bytes);

impl IntoResponse for RawJson {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], self.0).into_response()
    }
}

/// The `{}` of endpoints that have nothing to say.
#[derive(Clone, Copy, Debug)]
pub struct Empty;

impl IntoResponse for Empty {
    fn into_response(self) -> Response {
        RawJson(Bytes::from_static(b"{}")).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::value::RawValue;

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[expect(dead_code, reason = "only its type matters")]
        password: u32,
    }

    #[derive(Debug, Deserialize)]
    struct Outer {
        #[expect(dead_code, reason = "only its type matters")]
        auth: Inner,
    }

    fn error(body: &str) -> (&'static str, String) {
        let error = parse_object::<Outer>(body.as_bytes()).unwrap_err();
        (error.errcode, error.error)
    }

    #[test]
    fn wrong_type_names_the_path_and_not_the_value() {
        let (code, text) = error(r#"{"auth":{"password":"hunter2, expected x"}}"#);
        assert_eq!((code, text.as_str()), ("M_BAD_JSON", "auth.password: expected u32"));
    }

    #[test]
    fn missing_member_names_it() {
        assert_eq!(error(r#"{"auth":{}}"#), ("M_BAD_JSON", "auth: missing field `password`".into()));
    }

    #[test]
    fn not_json_at_all() {
        for body in ["", "hello", "{", r#"{"auth""#, "{} {}", "{}x", "\u{feff}{}", "{\"a\":NaN}"] {
            let body = body.replace("{}", r#"{"auth":{"password":1}}"#);
            assert_eq!(error(&body).0, "M_NOT_JSON", "{body}");
        }
        for invalid_utf8 in
            [&b"{\"auth\":\"\xff\"}"[..], b"{\"auth\":{\"password\":1},\"nobody asks\":\"\x81\"}"]
        {
            assert_eq!(parse_object::<Outer>(invalid_utf8).unwrap_err().errcode, "M_NOT_JSON");
        }
    }

    #[test]
    fn other_json_than_an_object() {
        for body in ["[]", "[[1]]", "1", "null", "\"x\""] {
            assert_eq!(error(body).0, "M_BAD_JSON", "{body}");
        }
    }

    #[test]
    fn raw_values_pass_through() {
        let raw: Box<RawValue> = parse_object(br#"{"b":1,"a":[2.0]}"#).unwrap();
        assert_eq!(raw.get(), r#"{"b":1,"a":[2.0]}"#);
    }

    #[test]
    fn deep_nesting_is_refused_without_a_panic() {
        let body = format!("{}{}", "{\"a\":".repeat(100_000), "}");
        assert_eq!(parse_object::<serde_json::Value>(body.as_bytes()).unwrap_err().errcode, "M_NOT_JSON");
    }
}
