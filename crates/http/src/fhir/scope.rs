//! What an application's SMART scopes let it do with this API: the one place that says so
//! (<https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html>).
//!
//! A token for the Matrix API, as the web app has one, does what its person may do. A token with SMART scopes alone does that
//! only as far as they reach.

use http::Method;
use wardline_domain::smart::{Permission, SmartScope};

use super::{directory_search::TYPES, include::INCLUDES};

/// Refuses a request that the scopes do not allow. `path` is below `/fhir/R4/`.
///
/// # Errors
/// What is missing, as a scope.
pub(crate) fn check(
    scopes: &[SmartScope],
    method: &Method,
    path: &str,
    query: Option<&str>,
) -> Result<(), String> {
    let missing = needed(method, path, query)
        .into_iter()
        .find(|(resource, permission)| !scopes.iter().any(|scope| scope.allows(resource, *permission)));
    match missing {
        None => Ok(()),
        Some((resource, permission)) => {
            let letter = match permission {
                Permission::Create => 'c',
                Permission::Read => 'r',
                Permission::Update => 'u',
                Permission::Delete => 'd',
                Permission::Search => 's',
            };
            Err(format!("{resource}.{letter}"))
        }
    }
}

/// What a request does, with which resources.
fn needed(method: &Method, path: &str, query: Option<&str>) -> Vec<(String, Permission)> {
    use Permission::{Create, Delete, Read, Search, Update};
    let segments: Vec<&str> = path.split('/').collect();
    let one = |kind: &str, permission| vec![(kind.to_owned(), permission)];
    match (method.as_str(), &segments[..]) {
        ("GET", ["$directory"]) => searched(query),
        ("GET", [kind]) => {
            let included = included(kind, query).into_iter().map(|target| (target, Read));
            one(kind, Search).into_iter().chain(included).collect()
        }
        ("GET", [kind, _, "$handover"]) => [one(kind, Read), one("Task", Read)].concat(),
        ("GET", [kind, ..]) | ("POST", [kind, _, "$conversation"]) => one(kind, Read),
        // A request is only ever made so; its changes are operations.
        ("POST", ["Task"]) | ("PUT", ["Task", _]) => one("Task", Create),
        ("POST", ["AuditEvent", "$find-patient"]) => {
            [one("AuditEvent", Search), one("Patient", Search)].concat()
        }
        ("POST", [kind]) => one(kind, Create),
        ("PUT", [kind, _]) => [one(kind, Create), one(kind, Update)].concat(),
        ("DELETE", [kind, _]) => one(kind, Delete),
        ("POST", [kind, _, "$accept-handover"]) => [one(kind, Update), one("Task", Read)].concat(),
        (_, [kind, ..]) => one(kind, Update),
        (_, []) => one("*", Update),
    }
}

/// The types that `$directory` looks through.
fn searched(query: Option<&str>) -> Vec<(String, Permission)> {
    let named: Vec<String> = values(query, "_type")
        .flat_map(|all| all.split(',').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let all = TYPES.iter().map(|(kind, _)| (*kind).to_owned());
    let kinds: Vec<String> = if named.is_empty() { all.collect() } else { named };
    kinds.into_iter().map(|kind| (kind, Permission::Search)).collect()
}

/// The types that `_include` brings in.
fn included(kind: &str, query: Option<&str>) -> Vec<String> {
    let mut found = Vec::new();
    for wanted in values(query, "_include") {
        for it in wanted.split(',') {
            let name = it.split(':').nth(1).unwrap_or_default();
            let targets = INCLUDES.iter().filter(|known| known.0 == kind && known.1 == name);
            found.extend(targets.flat_map(|known| known.3.iter().map(|target| (*target).to_owned())));
        }
    }
    found
}

fn values<'q>(query: Option<&'q str>, name: &'q str) -> impl Iterator<Item = String> + 'q {
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.filter(move |(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(scopes: &str, call: &str) -> Option<String> {
        let (method, path) = call.split_once(' ').unwrap();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let scopes = wardline_domain::smart::scopes_of(scopes);
        check(&scopes, &method.parse().unwrap(), path, query).err()
    }

    #[test]
    fn each_interaction_needs_its_own_permission() {
        for (call, needs) in [
            ("GET Task", "Task.s"),
            ("GET Task/1", "Task.r"),
            ("GET Task/1/_history", "Task.r"),
            ("GET Task/$asked", "Task.r"),
            ("GET Task/1/_history/2", "Task.r"),
            ("POST Task", "Task.c"),
            ("PUT Task/1", "Task.c"),
            ("POST Task/1/$accept", "Task.u"),
            ("POST Patient/$break-glass", "Patient.u"),
            ("GET Patient/1/$conversation", "Patient.r"),
            ("POST Patient/1/$conversation", "Patient.r"),
            ("PUT PractitionerRole/1", "PractitionerRole.c"),
            ("DELETE PractitionerRole/1", "PractitionerRole.d"),
            ("POST HealthcareService/1/$take", "HealthcareService.u"),
            ("GET CareTeam/1/$noise", "CareTeam.r"),
            ("DELETE Subscription/1", "Subscription.d"),
            ("GET AuditEvent", "AuditEvent.s"),
            ("GET $directory?text=a", "HealthcareService.s"),
            ("PATCH Task/1", "Task.u"),
        ] {
            assert_eq!(missing("", call).as_deref(), Some(needs), "{call}");
            let (kind, letter) = needs.split_once('.').unwrap();
            for other in ["c", "r", "u", "d", "s"].into_iter().filter(|other| *other != letter) {
                assert!(missing(&format!("user/{kind}.{other}"), call).is_some(), "{call} by {other}");
            }
            assert_eq!(missing("user/*.cruds", call), None, "{call}");
        }
        assert_eq!(
            missing("user/PractitionerRole.c", "PUT PractitionerRole/1").as_deref(),
            Some("PractitionerRole.u")
        );
    }

    #[test]
    fn what_is_brought_in_must_be_readable_too() {
        let call = "GET Task?_include=Task:patient&_include=Task:requester";
        assert_eq!(missing("user/Task.s", call).as_deref(), Some("Patient.r"));
        assert_eq!(missing("user/Task.s user/Patient.r", call).as_deref(), Some("Practitioner.r"));
        assert_eq!(missing("user/Task.s user/Patient.r user/Practitioner.r", call), None);
        let handover = "GET HealthcareService/1/$handover";
        assert_eq!(missing("user/HealthcareService.r", handover).as_deref(), Some("Task.r"));
        assert_eq!(missing("user/CareTeam.s", "GET $directory?text=a&_type=CareTeam"), None);
        let both = "GET $directory?text=a&_type=CareTeam,Practitioner";
        assert_eq!(missing("user/CareTeam.s", both).as_deref(), Some("Practitioner.s"));
    }
}
