//! `GET .well-known/smart-configuration`: how applications are allowed in
//! (<https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html>). Open to all.

use axum::extract::State;
use serde_json::{Value, json};

use crate::{AppState, Json, oauth::endpoints};

/// `GET .well-known/smart-configuration`
pub(super) async fn configuration(State(state): State<AppState>) -> Json<Value> {
    let mut configuration = endpoints(&state);
    configuration["capabilities"] = json!([
        "client-public",
        "client-confidential-symmetric",
        "client-confidential-asymmetric",
        "permission-user",
        "permission-v1",
        "permission-v2",
    ]);
    configuration["scopes_supported"] =
        json!(["user/*.cruds", "user/*.rs", "user/Task.cruds", "system/*.cruds", "system/*.rs"]);
    Json(configuration)
}
