//! `docs/protocol/coverage.md`: every endpoint that the client-server API has, and what this server makes of it.
//!
//! The endpoints are those of ruma's metadata (`endpoints.txt`, made by `scripts/client-endpoints`) and three that ruma
//! leaves out. Each one is asked for; what is not served must have its reason here. The table is written again by
//! `WARDLINE_UPDATE=1 cargo test -p wardline-http coverage`.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::support::Server;

const ENDPOINTS: &str = include_str!("endpoints.txt");

/// Endpoints of the specification that ruma does not have.
const NOT_IN_RUMA: [&str; 3] = [
    "stable POST /_matrix/client/v3/account/3pid",
    "stable GET /_matrix/client/v3/events/{event_id}",
    "stable GET /_matrix/client/v3/initialSync",
];

/// What is refused on purpose: the beginning of method and path, and why.
const REFUSED: &[(&str, &str)] = &[
    ("GET /_matrix/client/v3/events", "deprecated since Matrix 1.0 in favour of `/sync`"),
    ("GET /_matrix/client/v3/initialSync", "deprecated since Matrix 1.0 in favour of `/sync`"),
    (
        "GET /_matrix/client/v3/rooms/{room_id}/initialSync",
        "deprecated since Matrix 1.0 in favour of `/sync`",
    ),
    ("GET /_matrix/media/v3/preview_url", "as `/_matrix/client/v1/media/preview_url`"),
    ("POST /_matrix/client/v3/account/3pid/delete", "there is nothing to remove: succeeds, changes nothing"),
    ("POST /_matrix/client/v3/account/3pid/unbind", "there is nothing to remove: succeeds, changes nothing"),
    ("POST /_matrix/client/v3/account/3pid", "accounts have no e-mail addresses or telephone numbers"),
    ("POST /_matrix/client/v3/account/password/", "accounts have no e-mail addresses or telephone numbers"),
    ("POST /_matrix/client/v3/register/email", "accounts have no e-mail addresses or telephone numbers"),
    ("POST /_matrix/client/v3/register/msisdn", "accounts have no e-mail addresses or telephone numbers"),
    ("GET /.well-known/matrix/server", "no federation"),
    ("GET /.well-known/matrix/policy_server", "no federation, so no policy server"),
    (
        "GET /_matrix/client/v1/media/preview_url",
        "403: addresses would leave encrypted conversations, and the server would fetch what anybody names",
    ),
    ("GET /_matrix/client/v3/auth/", "no stage of authentication here needs a page of its own"),
    ("GET /_matrix/static/client/login/", "the pages to sign in on are those of OAuth 2.0"),
    (
        "POST /_matrix/client/unstable/io.element.msc4195/",
        "LiveKit's own service gives tokens; `rtc/transports` names it",
    ),
    (
        "POST /_matrix/client/unstable/org.matrix.msc3983/keys/claim",
        "for application services only, not stable",
    ),
    ("POST /_matrix/client/unstable/org.continuwuity.msc4560", "one other server's experiment"),
    ("POST /_matrix/client/unstable/org.matrix.msc4536/profile/query", "an experiment"),
];

/// What is not served yet: the beginning of method and path, and what it belongs to.
const PLANNED: &[(&str, &str)] = &[];

enum Served {
    Yes,
    Refused(&'static str),
    Planned(&'static str),
    Unexplained,
}

fn reason(list: &[(&str, &'static str)], call: &str) -> Option<&'static str> {
    list.iter().find(|(start, _)| call.starts_with(start)).map(|(_, reason)| *reason)
}

/// The path with something plausible for each parameter.
fn filled(path: &str) -> String {
    let mut out = String::new();
    for (at, part) in path.split(['{', '}']).enumerate() {
        out.push_str(match part {
            _ if at % 2 == 0 => part,
            "room_id" | "room_id_or_alias" => "!room:riverside.example",
            "user_id" => "@amy:riverside.example",
            "event_id" | "thread_root" => "$event",
            "room_alias" => "%23alias:riverside.example",
            "server_name" => "riverside.example",
            "kind" => "override",
            _ => "1",
        });
    }
    out
}

async fn served(server: &Server, call: &str) -> Served {
    let answer = server.call(&filled(call), "", json!({})).await;
    let is_served = answer.body["errcode"] != "M_UNRECOGNIZED";
    match (reason(REFUSED, call), reason(PLANNED, call)) {
        (Some(reason), _) => Served::Refused(reason),
        (None, _) if is_served => Served::Yes,
        (None, Some(reason)) => Served::Planned(reason),
        (None, None) => Served::Unexplained,
    }
}

#[tokio::test]
async fn every_endpoint_is_served_or_explained() {
    let server = Server::new().await;
    let mut table = String::from(
        "# The client-server API, endpoint by endpoint\n\n\
         Written by a test (`crates/http/tests/it/coverage.rs`) from ruma's metadata and the server's routes; do not edit.\n",
    );
    let (mut counts, mut unexplained) = ([0; 3], Vec::new());
    for stability in ["stable", "unstable"] {
        write!(table, "\n## {stability}\n\n| endpoint | |\n|---|---|\n").unwrap();
        let mut rows: Vec<&str> = ENDPOINTS.lines().chain(NOT_IN_RUMA).collect();
        // The unstable forms of a stable endpoint differ in their parameters only: its row says it all.
        let stable = |row: &str| row.replacen("unstable", "stable", 1);
        rows.retain(|row| match row.split(' ').next() {
            Some("unstable") => stability == "unstable" && !ENDPOINTS.lines().any(|line| line == stable(row)),
            other => other == Some(stability),
        });
        rows.sort_by_key(|row| row.split(' ').rev().collect::<Vec<_>>());
        for call in rows.iter().filter_map(|row| row.split_once(' ').map(|(_, call)| call)) {
            let (at, text) = match served(&server, call).await {
                Served::Yes => (0, "implemented".to_owned()),
                Served::Refused(reason) => (1, format!("refused: {reason}")),
                Served::Planned(reason) => (2, format!("planned: {reason}")),
                Served::Unexplained => {
                    unexplained.push(call);
                    continue;
                }
            };
            counts[at] += 1;
            writeln!(table, "| `{call}` | {text} |").unwrap();
        }
    }
    let [yes, refused, planned] = counts;
    write!(table, "\n{yes} implemented, {refused} refused on purpose, {planned} planned.\n").unwrap();
    assert!(unexplained.is_empty(), "neither served nor explained: {unexplained:#?}");
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocol/coverage.md");
    if std::env::var_os("WARDLINE_UPDATE").is_some() {
        fs::write(&file, &table).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == table,
        "docs/protocol/coverage.md has drifted: WARDLINE_UPDATE=1 cargo test -p wardline-http coverage"
    );
}

#[test]
fn the_list_of_endpoints_is_that_of_the_pinned_ruma() {
    let lock = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    let lock = fs::read_to_string(lock).unwrap();
    let package = lock.split("[[package]]").find(|text| text.contains("name = \"ruma-client-api\"")).unwrap();
    let version = package.split("version = \"").nth(1).unwrap().split('"').next().unwrap();
    let first = ENDPOINTS.lines().next().unwrap();
    assert!(first.contains(&format!("ruma-client-api-{version},")), "run scripts/client-endpoints again");
}
