//! NHS CIS2: roles of staff. The rules are in `docs/oauth.md`, "NHS CIS2".

use serde_json::{Map, Value};

use super::{Claims, UpstreamError};
use crate::SignedInRole;

/// A role out of `nhsid_nrbac_roles`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NrbacRole {
    pub(super) role: SignedInRole,
    /// The ODS code of the organisation that it is at.
    pub(super) organisation: String,
    /// The organisation's name, if `nhsid_user_orgs` says it.
    pub(super) organisation_name: String,
}

/// In which role somebody signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RoleChoice {
    /// In this one: there is nothing to choose.
    Only(NrbacRole),
    /// The person must choose; the one that they chose at CIS2 is first.
    Ask(Vec<NrbacRole>),
}

fn refuse(why: &'static str, text: &str) -> UpstreamError {
    UpstreamError::refused(why, text)
}

fn malformed() -> UpstreamError {
    refuse("roles_malformed", "Your roles in NHS CIS2 cannot be read. Contact your registration authority.")
}

/// Reads the roles, and who must choose.
pub(super) fn roles(claims: &Claims) -> Result<RoleChoice, UpstreamError> {
    if claims.text("nhsid_useruid").is_none_or(str::is_empty) {
        return Err(refuse("claim_subject", "NHS CIS2 did not say who you are."));
    }
    check_identity_assurance(claims)?;
    let Some(Value::Array(entries)) = claims.get("nhsid_nrbac_roles") else { return Err(malformed()) };
    let names = organisation_names(claims)?;
    let mut roles: Vec<NrbacRole> = Vec::with_capacity(entries.len());
    for entry in entries {
        let role = role_of(entry.as_object().ok_or_else(malformed)?, &names)?;
        if roles.iter().any(|other| other.role.id == role.role.id) {
            return Err(malformed());
        }
        roles.push(role);
    }
    if roles.is_empty() {
        return Err(refuse(
            "roles_none",
            "You have no role in NHS CIS2. Contact your registration authority.",
        ));
    }
    if let Some(selected) = claims.get("selected_roleid") {
        let at = selected.as_str().and_then(|id| roles.iter().position(|role| role.role.id == id));
        let Some(at) = at else {
            let text =
                "The role that you chose in NHS CIS2 is not one of yours. Sign in again and choose a role.";
            return Err(refuse("role_unknown", text));
        };
        roles.swap(0, at);
        let one_organisation = roles.iter().all(|role| role.organisation == roles[0].organisation);
        if one_organisation {
            return Ok(RoleChoice::Only(roles.swap_remove(0)));
        }
        return Ok(RoleChoice::Ask(roles));
    }
    if roles.len() == 1 { Ok(RoleChoice::Only(roles.swap_remove(0))) } else { Ok(RoleChoice::Ask(roles)) }
}

/// `idassurancelevel` is a number from 0 to 3, as a number or as text.
fn check_identity_assurance(claims: &Claims) -> Result<(), UpstreamError> {
    let level = match claims.get("idassurancelevel") {
        None => return Ok(()),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    match level {
        Some(0..=3) => Ok(()),
        _ => Err(refuse("identity_assurance", "NHS CIS2 did not say how well it knows who you are.")),
    }
}

fn organisation_names(claims: &Claims) -> Result<Vec<(String, String)>, UpstreamError> {
    let entries = match claims.get("nhsid_user_orgs") {
        None => return Ok(Vec::new()),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(malformed()),
    };
    Ok(entries
        .iter()
        .filter_map(|entry| {
            let code = entry.get("org_code")?.as_str()?;
            Some((code.to_owned(), entry.get("org_name")?.as_str()?.to_owned()))
        })
        .collect())
}

/// An ODS code: 2 to 8 capital letters and digits.
fn is_ods_code(text: &str) -> bool {
    (2..=8).contains(&text.len()) && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

/// `S:G:R`, each with its letter and digits.
fn is_role_code(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let digits = |part: &str, letter| {
        part.strip_prefix(letter)
            .is_some_and(|rest| (1..=6).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    parts.len() == 3 && digits(parts[0], 'S') && digits(parts[1], 'G') && digits(parts[2], 'R')
}

fn role_of(entry: &Map<String, Value>, names: &[(String, String)]) -> Result<NrbacRole, UpstreamError> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).filter(|text| text.len() <= 300);
    let organisation = text("org_code").filter(|code| is_ods_code(code)).ok_or_else(malformed)?;
    let id = text("person_roleid").filter(|id| !id.is_empty()).ok_or_else(malformed)?;
    let code = text("role_code").filter(|code| is_role_code(code)).ok_or_else(malformed)?;
    // The name is such as `"Clinical":"Clinical Provision":"Nurse Access Role"`; the last part is the role's.
    let name = text("role_name").unwrap_or(code);
    let name = name.rsplit(':').next().unwrap_or(name).trim_matches(['"', ' ']);
    let lists = ["activity_codes", "aow", "workgroups"];
    if lists.iter().any(|list| entry.get(*list).is_some_and(|value| !value.is_array() && !value.is_null())) {
        return Err(malformed());
    }
    let organisation_name =
        names.iter().find(|(known, _)| known == organisation).map(|(_, name)| name.clone());
    Ok(NrbacRole {
        role: SignedInRole { id: id.to_owned(), code: code.to_owned(), name: name.to_owned() },
        organisation: organisation.to_owned(),
        organisation_name: organisation_name.unwrap_or_default(),
    })
}

/// Whether a role that somebody signed in with is still among theirs.
pub(super) fn still_has(claims: &Claims, role: &str) -> bool {
    match claims.get("nhsid_nrbac_roles") {
        Some(Value::Array(entries)) => {
            entries.iter().any(|entry| entry.get("person_roleid").and_then(Value::as_str) == Some(role))
        }
        // The endpoint did not say: that is no statement that the role is gone.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(id: &str, org: &str) -> Value {
        json!({ "org_code": org, "person_orgid": "1", "person_roleid": id, "role_code": "S8000:G8000:R8001",
            "role_name": "\"Clinical\":\"Clinical Provision\":\"Nurse Access Role\"",
            "activity_codes": ["B0016"], "aow": [], "workgroups": ["None"] })
    }

    fn read(mut changes: Value) -> Result<RoleChoice, &'static str> {
        let mut all = json!({ "nhsid_useruid": "555000000001", "idassurancelevel": "3",
            "nhsid_nrbac_roles": [entry("11", "RX1")], "selected_roleid": "11",
            "nhsid_user_orgs": [{ "org_code": "RX1", "org_name": "Riverside" }] });
        for (name, value) in changes.as_object_mut().unwrap() {
            if value == &json!("gone") {
                all.as_object_mut().unwrap().remove(name);
            } else {
                all[name.as_str()] = value.take();
            }
        }
        roles(&Claims(all.as_object().unwrap().clone())).map_err(|error| match error {
            UpstreamError::Refused { why, .. } => why,
            _ => "other",
        })
    }

    fn ids(choice: Result<RoleChoice, &'static str>) -> Vec<String> {
        match choice.unwrap() {
            RoleChoice::Only(role) => vec![role.role.id],
            RoleChoice::Ask(roles) => roles.into_iter().map(|role| role.role.id).collect(),
        }
    }

    #[test]
    fn one_role_needs_no_choice() {
        let RoleChoice::Only(role) = read(json!({})).unwrap() else { panic!("asked") };
        assert_eq!((&*role.role.name, &*role.organisation), ("Nurse Access Role", "RX1"));
        assert_eq!(role.organisation_name, "Riverside");
    }

    #[test]
    fn two_organisations_make_the_person_choose_and_the_selected_role_is_first() {
        let two = json!([entry("11", "RX1"), entry("12", "RX2")]);
        let asked = ids(read(json!({ "nhsid_nrbac_roles": two, "selected_roleid": "12" })));
        assert_eq!(asked, ["12", "11"]);
        let same = json!([entry("11", "RX1"), entry("12", "RX1")]);
        assert_eq!(ids(read(json!({ "nhsid_nrbac_roles": same, "selected_roleid": "12" }))), ["12"]);
        let unselected = read(json!({ "nhsid_nrbac_roles": same, "selected_roleid": "gone" }));
        assert_eq!(ids(unselected), ["11", "12"]);
    }

    #[test]
    fn what_is_not_in_order_is_refused() {
        let broken = |name: &str, value: Value| {
            let mut role = entry("11", "RX1");
            role[name] = value;
            json!({ "nhsid_nrbac_roles": [role] })
        };
        for (changes, why) in [
            (json!({ "selected_roleid": "" }), "role_unknown"),
            (json!({ "selected_roleid": "99" }), "role_unknown"),
            (json!({ "selected_roleid": 11 }), "role_unknown"),
            (json!({ "nhsid_nrbac_roles": "gone" }), "roles_malformed"),
            (json!({ "nhsid_nrbac_roles": "x" }), "roles_malformed"),
            (json!({ "nhsid_nrbac_roles": ["x"] }), "roles_malformed"),
            (json!({ "nhsid_nrbac_roles": [] }), "roles_none"),
            (json!({ "nhsid_nrbac_roles": [entry("11", "RX1"), entry("11", "RX2")] }), "roles_malformed"),
            (broken("org_code", Value::Null), "roles_malformed"),
            (broken("org_code", json!("rx1; drop")), "roles_malformed"),
            (broken("person_roleid", json!("")), "roles_malformed"),
            (broken("role_code", json!("R8001")), "roles_malformed"),
            (broken("role_code", json!("S8000:G8000:Rx")), "roles_malformed"),
            (broken("activity_codes", json!("B0016")), "roles_malformed"),
            (json!({ "nhsid_user_orgs": "x" }), "roles_malformed"),
            (json!({ "nhsid_useruid": "" }), "claim_subject"),
            (json!({ "idassurancelevel": 4 }), "identity_assurance"),
            (json!({ "idassurancelevel": "high" }), "identity_assurance"),
        ] {
            assert_eq!(read(changes.clone()).unwrap_err(), why, "{changes}");
        }
    }

    #[test]
    fn a_role_that_was_taken_away_is_noticed() {
        let claims = |value: Value| Claims(value.as_object().unwrap().clone());
        assert!(still_has(&claims(json!({ "nhsid_nrbac_roles": [entry("11", "RX1")] })), "11"));
        assert!(!still_has(&claims(json!({ "nhsid_nrbac_roles": [] })), "11"));
        assert!(still_has(&claims(json!({})), "11"));
    }
}
