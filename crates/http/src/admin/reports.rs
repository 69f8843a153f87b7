//! What users reported.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use wardline_audit::Action;
use wardline_store::{StoreError, administration};

use super::{Administrator, DONE, Done, Part, entry};
use crate::{AppState, Json, MatrixError, Path, Query};

/// A report.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Report {
    id: i64,
    reporter: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// In the reporter's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Milliseconds since the Unix epoch.
    at: i64,
}

/// A page of reports.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reports {
    reports: Vec<Report>,
    total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// Lists reports, newest first.
#[utoipa::path(get, path = "/_wardline/admin/v1/reports", tag = "reports", params(Part),
    responses((status = 200, body = Reports)))]
pub(super) async fn list(
    State(state): State<AppState>,
    _: Administrator,
    Query(part): Query<Part>,
) -> Result<Json<Reports>, MatrixError> {
    let (rows, total) =
        state.store.read(move |tx| administration::reports(tx, part.from, part.limit())).await?;
    let next = part.next(rows.len(), total);
    let report = |row: administration::ReportRow| Report {
        id: row.id,
        reporter: row.reporter.into(),
        room_id: row.room.map(String::from),
        event_id: row.event.map(String::from),
        user_id: row.user.map(String::from),
        reason: row.reason,
        at: row.at.as_millis(),
    };
    Ok(Json(Reports { reports: rows.into_iter().map(report).collect(), total, next }))
}

/// Closes a report that was dealt with.
#[utoipa::path(delete, path = "/_wardline/admin/v1/reports/{id}", tag = "reports", params(("id" = i64, Path)),
    responses((status = 200, body = Done), (status = 404)))]
pub(super) async fn close(
    State(state): State<AppState>,
    by: Administrator,
    Path(id): Path<i64>,
) -> Result<Json<Done>, MatrixError> {
    let entry = entry(&state, &by, Action::ReportClosed).target(id.to_string());
    let existed = state
        .store
        .write(move |tx| {
            let existed = administration::delete_report(tx, id)?;
            if existed {
                wardline_audit::append(tx, &entry)?;
            }
            Ok::<_, StoreError>(existed)
        })
        .await?;
    if existed { Ok(DONE) } else { Err(MatrixError::not_found("there is no such report")) }
}
