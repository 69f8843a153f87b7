//! Rendezvous for signing in by QR code: `…/unstable/org.matrix.msc4108/rendezvous` (text and entity tags) and
//! `…/unstable/io.element.msc4388/rendezvous` (JSON and sequence tokens). Specification: MSC4108, MSC4388.
//!
//! Both are doors to the same places. Anybody may make one, as a device that is not signed in yet has to; the rate of
//! it is limited for each address.

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_domain::Timestamp;
use wardline_identity::{MAX_RENDEZVOUS, Rendezvous, RendezvousError};

use crate::{AppState, ClientAddr, Empty, Json, LimitKey, MatrixError, Path};

const TEXT: &str = "/_matrix/client/unstable/org.matrix.msc4108/rendezvous";
const TOKENS: &str = "/_matrix/client/unstable/io.element.msc4388/rendezvous";

pub(crate) fn routes() -> Router<AppState> {
    let text = Router::new()
        .route(TEXT, post(create_text))
        .route(&format!("{TEXT}/{{id}}"), get(get_text).put(put_text).delete(delete_text));
    let tokens = Router::new()
        .route(TOKENS, get(discover).post(create))
        .route(&format!("{TOKENS}/{{id}}"), get(read).put(update).delete(delete));
    // Twice the largest message, so that one that is too large gets its specified answer.
    text.merge(tokens).layer(DefaultBodyLimit::max(2 * MAX_RENDEZVOUS))
}

/// Why a place cannot be used, in the words of the door that was taken.
fn refused(error: RendezvousError, (status, errcode): (StatusCode, &'static str)) -> MatrixError {
    match error {
        RendezvousError::NotFound => MatrixError::not_found("there is no such rendezvous (any more)"),
        RendezvousError::TooLarge => MatrixError::too_large("the message is larger than 4096 bytes"),
        RendezvousError::Changed => {
            MatrixError::new(status, errcode, "the other device left a message in the meantime")
        }
    }
}

const TEXT_CONFLICT: (StatusCode, &str) = (StatusCode::PRECONDITION_FAILED, "M_CONCURRENT_WRITE");
const TOKEN_CONFLICT: (StatusCode, &str) = (StatusCode::CONFLICT, "IO_ELEMENT_MSC4388_CONCURRENT_WRITE");

fn gone() -> MatrixError {
    refused(RendezvousError::NotFound, TEXT_CONFLICT)
}

fn create_place(
    state: &AppState,
    address: std::net::IpAddr,
    data: String,
) -> Result<(String, Rendezvous), MatrixError> {
    state.limiter.take(&LimitKey::new("rendezvous", address, ""), state.config.login_address_limit)?;
    state.identity.rendezvous().create(data).map_err(|error| refused(error, TEXT_CONFLICT))
}

/// A message of the text door.
fn plain(headers: &HeaderMap, body: &Bytes) -> Result<String, MatrixError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("text/plain") {
        return Err(MatrixError::invalid_param("Content-Type: must be text/plain"));
    }
    String::from_utf8(body.to_vec()).map_err(|_| MatrixError::invalid_param("the body must be UTF-8"))
}

/// A date as HTTP writes it (RFC 9110 section 5.6.7).
fn http_date(at: Timestamp) -> String {
    let seconds = at.as_millis().div_euclid(1000);
    let (days, time) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // The civil date of a day number, in years that begin in March, so that the leap day is the last.
    let day_of_era = days + 719_468;
    let (era, day_of_era) = (day_of_era.div_euclid(146_097), day_of_era.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) = (day_of_year - (153 * shifted + 2) / 5 + 1, (shifted + 2) % 12);
    let year = year_of_era + era * 400 + i64::from(month < 2);
    let name = |names: &'static str, n: i64| {
        names.split(' ').nth(usize::try_from(n).unwrap_or(0)).unwrap_or_default()
    };
    format!(
        "{}, {day:02} {} {year} {:02}:{:02}:{:02} GMT",
        name("Thu Fri Sat Sun Mon Tue Wed", days.rem_euclid(7)),
        name("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", month),
        time / 3600,
        time / 60 % 60,
        time % 60
    )
}

/// The headers of every answer of the text door about a place.
fn tagged(place: &Rendezvous) -> [(HeaderName, HeaderValue); 5] {
    let value = |text: String| HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
    [
        (header::ETAG, value(format!("\"{}\"", place.version))),
        (header::EXPIRES, value(http_date(place.expires_at))),
        (header::LAST_MODIFIED, value(http_date(place.modified_at))),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform")),
        (header::PRAGMA, HeaderValue::from_static("no-cache")),
    ]
}

/// The version in an entity tag.
fn tag<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(|text| text.trim().trim_matches('"'))
}

async fn create_text(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, MatrixError> {
    let (id, place) = create_place(&state, address, plain(&headers, &body)?)?;
    let url = format!("{}{TEXT}/{id}", state.config.public_base_url);
    Ok((StatusCode::CREATED, tagged(&place), axum::Json(json!({ "url": url }))).into_response())
}

async fn get_text(
    State(state): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, MatrixError> {
    let place = state.identity.rendezvous().get(&id).ok_or_else(gone)?;
    if tag(&headers, &header::IF_NONE_MATCH) == Some(&place.version) {
        return Ok((StatusCode::NOT_MODIFIED, tagged(&place)).into_response());
    }
    // Exactly this type: clients compare it as a whole.
    let kind = [(header::CONTENT_TYPE, "text/plain")];
    Ok((StatusCode::OK, kind, tagged(&place), place.data.clone()).into_response())
}

async fn put_text(
    State(state): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, MatrixError> {
    let version = tag(&headers, &header::IF_MATCH)
        .ok_or_else(|| MatrixError::missing_param("If-Match: is required"))?;
    let place = state.identity.rendezvous().put(&id, version, plain(&headers, &body)?);
    let place = place.map_err(|error| refused(error, TEXT_CONFLICT))?;
    Ok((StatusCode::ACCEPTED, tagged(&place)).into_response())
}

async fn delete_text(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<StatusCode, MatrixError> {
    if state.identity.rendezvous().delete(&id) { Ok(StatusCode::NO_CONTENT) } else { Err(gone()) }
}

async fn discover() -> Json<Value> {
    Json(json!({ "create_available": true }))
}

fn left_ms(state: &AppState, place: &Rendezvous) -> i64 {
    place.expires_at.millis_since(state.clock.now()).max(0)
}

#[derive(Deserialize)]
struct CreateRequest {
    data: String,
}

async fn create(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    Json(body): Json<CreateRequest>,
) -> Result<Json<Value>, MatrixError> {
    let (id, place) = create_place(&state, address, body.data)?;
    Ok(Json(json!({
        "id": id,
        "sequence_token": place.version,
        "expires_in_ms": left_ms(&state, &place),
    })))
}

async fn read(State(state): State<AppState>, Path(id): Path<String>) -> Result<Json<Value>, MatrixError> {
    let place = state.identity.rendezvous().get(&id).ok_or_else(gone)?;
    let left = left_ms(&state, &place);
    Ok(Json(json!({ "data": place.data, "sequence_token": place.version, "expires_in_ms": left })))
}

#[derive(Deserialize)]
struct UpdateRequest {
    sequence_token: String,
    data: String,
}

async fn update(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Json(body): Json<UpdateRequest>,
) -> Result<Json<Value>, MatrixError> {
    let place = state.identity.rendezvous().put(&id, &body.sequence_token, body.data);
    let place = place.map_err(|error| refused(error, TOKEN_CONFLICT))?;
    Ok(Json(json!({ "sequence_token": place.version })))
}

async fn delete(State(state): State<AppState>, Path(id): Path<String>) -> Result<Empty, MatrixError> {
    if state.identity.rendezvous().delete(&id) { Ok(Empty) } else { Err(gone()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_http_writes_them() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_800_000_000, "Fri, 15 Jan 2027 08:00:00 GMT"),
        ] {
            assert_eq!(http_date(Timestamp(seconds * 1000)), text);
        }
    }
}
