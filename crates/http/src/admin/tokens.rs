//! Registration tokens. They are named by number, so that no address carries one.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wardline_audit::Action;
use wardline_domain::Timestamp;
use wardline_store::{StoreError, registration_tokens};

use super::{Administrator, DONE, Done, entry};
use crate::{AppState, Json, MatrixError, OptionalJson, Path};

/// A token with which somebody may make an account.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Token {
    id: i64,
    token: String,
    /// How many accounts; absent: any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    uses_allowed: Option<u64>,
    /// How many accounts are being made with it at the moment; they count as made until they are not.
    pending: u64,
    /// How many accounts were made with it.
    used: u64,
    /// Milliseconds since the Unix epoch; absent: for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    /// Milliseconds since the Unix epoch.
    created_at: i64,
}

impl From<registration_tokens::RegistrationToken> for Token {
    fn from(row: registration_tokens::RegistrationToken) -> Self {
        Self {
            id: row.id,
            token: row.token,
            uses_allowed: row.uses_allowed,
            pending: row.pending,
            used: row.used,
            expires_at: row.expires_at.map(|at| at.as_millis()),
            created_at: row.created_at.as_millis(),
        }
    }
}

/// All tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tokens {
    registration_tokens: Vec<Token>,
}

/// Lists the tokens, oldest first.
#[utoipa::path(get, path = "/_wardline/admin/v1/registration-tokens", tag = "registration tokens",
    responses((status = 200, body = Tokens)))]
pub(super) async fn list(
    State(state): State<AppState>,
    _: Administrator,
) -> Result<Json<Tokens>, MatrixError> {
    let all = state.store.read_now(|tx| registration_tokens::all(tx))?;
    Ok(Json(Tokens { registration_tokens: all.into_iter().map(Token::from).collect() }))
}

fn unknown() -> MatrixError {
    MatrixError::not_found("there is no such token")
}

/// One token.
#[utoipa::path(get, path = "/_wardline/admin/v1/registration-tokens/{id}", tag = "registration tokens",
    params(("id" = i64, Path)), responses((status = 200, body = Token), (status = 404)))]
pub(super) async fn one(
    State(state): State<AppState>,
    _: Administrator,
    Path(id): Path<i64>,
) -> Result<Json<Token>, MatrixError> {
    let token = state.store.read_now(|tx| registration_tokens::get(tx, id))?;
    token.map(|token| Json(token.into())).ok_or_else(unknown)
}

#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct NewToken {
    /// The token: 1 to 64 of A-Z a-z 0-9 . _ ~ -; made if not said.
    token: Option<String>,
    /// How many accounts; any number if not said.
    uses_allowed: Option<u64>,
    /// Milliseconds since the Unix epoch; for ever if not said.
    expires_at: Option<i64>,
}

fn acceptable(token: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || "._~-".contains(c);
    (1..=64).contains(&token.len()) && token.chars().all(fine)
}

/// Makes a token.
#[utoipa::path(post, path = "/_wardline/admin/v1/registration-tokens", tag = "registration tokens",
    request_body = NewToken, responses((status = 200, body = Token), (status = 400)))]
pub(super) async fn create(
    State(state): State<AppState>,
    by: Administrator,
    OptionalJson(body): OptionalJson<NewToken>,
) -> Result<Json<Token>, MatrixError> {
    let token = body.token.unwrap_or_else(|| state.random.token(16));
    if !acceptable(&token) {
        return Err(MatrixError::invalid_param("token: must be 1 to 64 of A-Z a-z 0-9 . _ ~ -"));
    }
    let entry = entry(&state, &by, Action::RegistrationTokenChanged).with("change", "made");
    let (uses, expires, act) =
        (body.uses_allowed, body.expires_at.map(Timestamp), (by.user_nid, state.clock.now()));
    let made = state
        .store
        .write(move |tx| {
            let made = registration_tokens::insert(tx, &token, uses, expires, act)?;
            if let Some(made) = &made {
                wardline_audit::append(tx, &entry.target(made.id.to_string()))?;
            }
            Ok::<_, StoreError>(made)
        })
        .await?;
    made.map(|token| Json(token.into())).ok_or_else(|| MatrixError::invalid_param("token: is taken"))
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Limits {
    /// How many accounts; any number if not said.
    uses_allowed: Option<u64>,
    /// Milliseconds since the Unix epoch; for ever if not said.
    expires_at: Option<i64>,
}

/// Changes what a token is good for.
#[utoipa::path(put, path = "/_wardline/admin/v1/registration-tokens/{id}", tag = "registration tokens",
    params(("id" = i64, Path)), request_body = Limits, responses((status = 200, body = Token), (status = 404)))]
pub(super) async fn update(
    State(state): State<AppState>,
    by: Administrator,
    Path(id): Path<i64>,
    Json(body): Json<Limits>,
) -> Result<Json<Token>, MatrixError> {
    let entry =
        entry(&state, &by, Action::RegistrationTokenChanged).target(id.to_string()).with("change", "limits");
    let token = state
        .store
        .write(move |tx| {
            if registration_tokens::update(tx, id, body.uses_allowed, body.expires_at.map(Timestamp))? {
                wardline_audit::append(tx, &entry)?;
            }
            registration_tokens::get(tx, id)
        })
        .await?;
    token.map(|token| Json(token.into())).ok_or_else(unknown)
}

/// Deletes a token. Accounts that were made with it stay.
#[utoipa::path(delete, path = "/_wardline/admin/v1/registration-tokens/{id}", tag = "registration tokens",
    params(("id" = i64, Path)), responses((status = 200, body = Done), (status = 404)))]
pub(super) async fn delete(
    State(state): State<AppState>,
    by: Administrator,
    Path(id): Path<i64>,
) -> Result<Json<Done>, MatrixError> {
    let entry =
        entry(&state, &by, Action::RegistrationTokenChanged).target(id.to_string()).with("change", "deleted");
    let existed = state
        .store
        .write(move |tx| {
            let existed = registration_tokens::delete(tx, id)?;
            if existed {
                wardline_audit::append(tx, &entry)?;
            }
            Ok::<_, StoreError>(existed)
        })
        .await?;
    if existed { Ok(DONE) } else { Err(unknown()) }
}
