//! What the web app asks of its own server: `GET /_wardline/client/v1/policy` and `POST /_wardline/client/v1/errors`.
//! Specification: `docs/protocol/app.md`.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};

use crate::{AppState, Authenticated, Empty, Json, MatrixError};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_wardline/client/v1/policy", get(policy))
        .route("/_wardline/client/v1/errors", post(errors))
}

/// Whether the app locks itself behind a PIN or the device's own unlocking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppLock {
    /// Nobody uses the app without.
    Required,
    /// Each person chooses.
    Offered,
    /// There is no lock.
    Off,
}

/// What the organisation allows and asks of the web app.
#[derive(Debug, Clone, Serialize)]
pub struct AppPolicy {
    /// Messages may be passed on to other conversations.
    pub forward: bool,
    /// A notification may show who wrote and what. Without it only that something came, and how urgent it is.
    pub notification_text: bool,
    /// Whether the app locks itself.
    pub lock: AppLock,
    /// After how long without a touch it does, in seconds.
    pub lock_idle_seconds: u32,
    /// After how long in the background it does, in seconds.
    pub lock_background_seconds: u32,
    /// After how many wrong PINs in a row the device erases what it holds.
    pub lock_attempts: u32,
}

impl Default for AppPolicy {
    fn default() -> Self {
        Self {
            forward: true,
            notification_text: false,
            lock: AppLock::Offered,
            lock_idle_seconds: 300,
            lock_background_seconds: 60,
            lock_attempts: 10,
        }
    }
}

async fn policy(State(state): State<AppState>, _: Authenticated) -> Json<AppPolicy> {
    Json(state.config.app.clone())
}

/// The longest field of a report, in characters.
const LONGEST: usize = 200;
/// The most places in the code that a report names.
const MOST_FRAMES: usize = 20;

/// An error of the web app. It has no place for a message's words or for what somebody typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    /// The class of the error, such as `TypeError`. Its message is not sent: it may hold anything.
    kind: String,
    /// The screen, such as `/chats/:room`.
    screen: String,
    /// The build of the app.
    build: String,
    /// Where in the code, innermost first: file, line and column.
    frames: Vec<String>,
}

/// Writes an error of the app into the server's log, without saying whose it was.
async fn errors(_: Authenticated, Json(report): Json<Report>) -> Result<Empty, MatrixError> {
    let named = [("kind", &report.kind), ("screen", &report.screen), ("build", &report.build)];
    for (field, value) in named {
        check(field, value)?;
    }
    if report.frames.len() > MOST_FRAMES {
        return Err(MatrixError::invalid_param(format!("frames: the most is {MOST_FRAMES}")));
    }
    for frame in &report.frames {
        check("frames", frame)?;
    }
    tracing::warn!(
        kind = report.kind,
        screen = report.screen,
        build = report.build,
        frames = report.frames.join(" < "),
        "an error in the web app"
    );
    Ok(Empty)
}

/// Names and places in code are short and plain: nothing else can be smuggled into the log.
fn check(field: &str, value: &str) -> Result<(), MatrixError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/$@<>".contains(c);
    if value.len() <= LONGEST && value.chars().all(plain) {
        return Ok(());
    }
    Err(MatrixError::invalid_param(format!(
        "{field}: at most {LONGEST} letters, digits and characters of code are accepted"
    )))
}
