//! What a client may say of an entry of the directory. Everything that is wrong is found, not the first only; what is not kept is
//! refused by name, so that nobody believes it to be kept.

use serde_json::{Map, Value};
use wardline_clinical::{
    DirectoryEntry, Location, LocationKind, Member, Organisation, Practitioner, Service, Team,
};
use wardline_domain::ruma::{ServerName, UserId};

use super::{
    outcome::Refusal,
    resource::{extension_url, is_id},
};

/// The identifier system of ODS codes (NHS Data Dictionary, "Organisation Data Service").
pub(super) const ODS_CODE: &str = "https://fhir.nhs.uk/Id/ods-organization-code";
/// The identifier system of NHS numbers, which is no number of a member of staff.
const NHS_NUMBER: &str = "https://fhir.nhs.uk/Id/nhs-number";
/// The code system of kinds of places.
pub(super) const PHYSICAL_TYPE: &str = "http://terminology.hl7.org/CodeSystem/location-physical-type";
/// The code system of roles that have a duty of their own.
pub(super) const ROLE_KIND: &str = "https://wardline.org/fhir/CodeSystem/role-kind";
/// The code system by which a team's participant is a role.
pub(super) const ROLE: &str = "https://wardline.org/fhir/CodeSystem/healthcare-service";
/// The longest text of an element, in characters.
const MAX_TEXT: usize = 200;
/// The most items of a list.
const MAX_ITEMS: usize = 1000;

/// Elements that every resource may have: the server sets them.
const COMMON: [&str; 3] = ["resourceType", "id", "meta"];

/// A resource that is read, and what is wrong with it.
struct Reading<'v> {
    kind: &'static str,
    server: &'v ServerName,
    body: &'v Map<String, Value>,
    problems: Vec<(String, String)>,
}

/// Reads an entry of the type `kind`. `id` is that of the address; `None`: the server gives it one by `new_id`, but for a
/// Practitioner, who says by their Matrix id who they are.
///
/// # Errors
/// Names every element that is wrong.
pub(super) fn entry(
    kind: &'static str,
    body: &Value,
    id: Option<&str>,
    (server, new_id): (&ServerName, impl FnOnce() -> String),
) -> Result<DirectoryEntry, Refusal> {
    let body = body.as_object().ok_or_else(|| Refusal::invalid(kind, "must be a JSON object"))?;
    let mut it = Reading { kind, server, body, problems: Vec::new() };
    if body.get("resourceType").and_then(Value::as_str) != Some(kind) {
        it.wrong("resourceType", format!("must be {kind}"));
    }
    let id = match id {
        Some(id) => {
            let said = body.get("id").is_none_or(|said| said == id);
            if !is_id(id) || !said {
                it.wrong("id", "must be the id of the address: letters, digits, - and ., at most 64");
            }
            id.to_owned()
        }
        None if kind == "Practitioner" => it.matrix_name().unwrap_or_default(),
        None => new_id(),
    };
    let entry = match kind {
        "Organization" => it.organisation(id),
        "Location" => it.location(id),
        "Practitioner" => it.practitioner(id),
        "HealthcareService" => it.service(id),
        _ => it.team(id),
    };
    Refusal::all_invalid(it.problems).map_or(Ok(entry), Err)
}

impl<'v> Reading<'v> {
    fn wrong(&mut self, path: &str, problem: impl Into<String>) {
        self.problems.push((format!("{}.{path}", self.kind), problem.into()));
    }

    /// Refuses elements that are not kept.
    fn only(&mut self, object: &Map<String, Value>, within: &str, known: &[&str]) {
        for name in object.keys() {
            let common = within.is_empty() && COMMON.contains(&name.as_str());
            if !known.contains(&name.as_str()) && !common {
                self.wrong(&format!("{within}{name}"), "is not kept here");
            }
        }
    }

    /// A text without white space around it; empty if there is none.
    fn text(&mut self, value: Option<&Value>, path: &str, needed: bool) -> String {
        let text = match value {
            None => "",
            Some(Value::String(text)) => text.trim(),
            Some(_) => {
                self.wrong(path, "must be a string");
                return String::new();
            }
        };
        if text.is_empty() && (needed || value.is_some()) {
            self.wrong(path, if value.is_some() { "must not be empty" } else { "is missing" });
        }
        if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
            self.wrong(path, format!("must be at most {MAX_TEXT} printable characters"));
        }
        text.to_owned()
    }

    fn optional(&mut self, name: &str) -> Option<String> {
        let text = self.text(self.body.get(name), name, false);
        Some(text).filter(|text| !text.is_empty())
    }

    /// The objects of a list.
    fn list(
        &mut self,
        within: &'v Map<String, Value>,
        name: &str,
        path: &str,
    ) -> Vec<&'v Map<String, Value>> {
        let items = match within.get(name) {
            None => return Vec::new(),
            Some(Value::Array(items)) if items.len() <= MAX_ITEMS => items,
            Some(_) => {
                self.wrong(path, format!("must be a list of at most {MAX_ITEMS}"));
                return Vec::new();
            }
        };
        let mut objects = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match item.as_object() {
                Some(object) => objects.push(object),
                None => self.wrong(&format!("{path}[{index}]"), "must be an object"),
            }
        }
        objects
    }

    /// The list, of which no more than one item is kept.
    fn one(
        &mut self,
        within: &'v Map<String, Value>,
        name: &str,
        path: &str,
    ) -> Option<&'v Map<String, Value>> {
        let all = self.list(within, name, path);
        if all.len() > 1 {
            self.wrong(&format!("{path}[1]"), "only one is kept here");
        }
        all.into_iter().next()
    }

    fn object(
        &mut self,
        within: &'v Map<String, Value>,
        name: &str,
        path: &str,
    ) -> Option<&'v Map<String, Value>> {
        let value = within.get(name)?;
        let object = value.as_object();
        if object.is_none() {
            self.wrong(path, "must be an object");
        }
        object
    }

    /// `active` or `status`: an entry that does not count is not kept.
    fn in_force(&mut self, name: &str, wanted: &Value) {
        if self.body.get(name).is_some_and(|said| said != wanted) {
            self.wrong(name, format!("must be {wanted}: what is no more is not kept here"));
        }
    }

    /// The id of a reference to a resource of this type.
    fn reference(&mut self, object: &Map<String, Value>, kind: &str, path: &str) -> Option<String> {
        let said = object.get("reference").and_then(Value::as_str);
        let id = said.and_then(|it| it.strip_prefix(kind)?.strip_prefix('/')).filter(|id| is_id(id));
        if id.is_none() {
            self.wrong(&format!("{path}.reference"), format!("must refer to a {kind}"));
        }
        id.map(ToOwned::to_owned)
    }

    /// The reference that is an element of its own.
    fn reference_at(&mut self, name: &str, kind: &str) -> Option<String> {
        let object = self.object(self.body, name, name)?;
        self.reference(object, kind, name)
    }

    /// The one coding of a concept: a code of this code system.
    fn code(&mut self, concept: &'v Map<String, Value>, system: &str, path: &str) -> Option<&'v str> {
        let coding = self.one(concept, "coding", &format!("{path}.coding"))?;
        if coding.get("system").and_then(Value::as_str) != Some(system) {
            self.wrong(&format!("{path}.coding[0].system"), format!("must be {system}"));
        }
        let code = coding.get("code").and_then(Value::as_str);
        if code.is_none() {
            self.wrong(&format!("{path}.coding[0].code"), "is missing");
        }
        code
    }

    /// Extensions: ours that are written, by name, with those of ours that only the server writes passed over.
    fn extensions(&mut self, written: &[&str], servers: &[&str]) -> Vec<(&'v str, &'v Map<String, Value>)> {
        let mut found = Vec::new();
        for (index, extension) in self.list(self.body, "extension", "extension").into_iter().enumerate() {
            let url = extension.get("url").and_then(Value::as_str).unwrap_or_default();
            let name = url.rsplit('/').next().unwrap_or_default();
            let ours = url == extension_url(name);
            if ours && written.contains(&name) {
                found.push((name, extension));
            } else if !(ours && servers.contains(&name)) {
                self.wrong(&format!("extension[{index}].url"), "this extension is not kept here");
            }
        }
        found
    }

    fn organisation(&mut self, id: String) -> DirectoryEntry {
        self.only(self.body, "", &["active", "name", "identifier"]);
        self.in_force("active", &Value::Bool(true));
        let name = self.text(self.body.get("name"), "name", true);
        let mut ods = String::new();
        match self.one(self.body, "identifier", "identifier") {
            None => self.wrong("identifier", "must hold its ODS code"),
            Some(identifier) => {
                if identifier.get("system").and_then(Value::as_str) != Some(ODS_CODE) {
                    self.wrong("identifier[0].system", format!("must be {ODS_CODE}"));
                }
                ods = self.text(identifier.get("value"), "identifier[0].value", true);
                let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
                let sound = ods.len() <= 12 && ods.chars().all(plain);
                if !ods.is_empty() && !sound {
                    self.wrong("identifier[0].value", "is at most 12 capital letters and digits");
                }
            }
        }
        DirectoryEntry::Organisation(Organisation { id, name, ods, source: None })
    }

    fn location(&mut self, id: String) -> DirectoryEntry {
        let known = [
            "status",
            "mode",
            "name",
            "description",
            "identifier",
            "physicalType",
            "partOf",
            "managingOrganization",
        ];
        self.only(self.body, "", &known);
        self.in_force("status", &Value::from("active"));
        self.in_force("mode", &Value::from("instance"));
        let name = self.text(self.body.get("name"), "name", true);
        let code = match self.one(self.body, "identifier", "identifier") {
            Some(identifier) => self.text(identifier.get("value"), "identifier[0].value", true),
            None => id.clone(),
        };
        let concept = self.object(self.body, "physicalType", "physicalType");
        let kind = match concept.map(|concept| self.code(concept, PHYSICAL_TYPE, "physicalType")) {
            None => {
                self.wrong("physicalType", "is missing");
                LocationKind::Site
            }
            Some(Some("si")) => LocationKind::Site,
            Some(Some("wa")) => LocationKind::Ward,
            Some(Some("bd")) => LocationKind::Bed,
            Some(_) => {
                self.wrong("physicalType.coding[0].code", "is one of si, wa, bd");
                LocationKind::Site
            }
        };
        let part_of = self.reference_at("partOf", "Location");
        let organisation = self.reference_at("managingOrganization", "Organization");
        let description = self.optional("description");
        DirectoryEntry::Location(Location {
            id,
            kind,
            name,
            code,
            part_of,
            organisation,
            description,
            source: None,
        })
    }

    /// The local part of the Matrix id that a Practitioner says is theirs.
    fn matrix_name(&mut self) -> Option<String> {
        let url = extension_url("matrix-id");
        let all = self.body.get("extension").and_then(Value::as_array).into_iter().flatten();
        let said = all.filter(|it| it["url"] == *url).find_map(|it| it["valueString"].as_str());
        let user = said.and_then(|said| UserId::parse(said).ok());
        let user = user.filter(|user| user.server_name() == self.server && is_id(user.localpart()));
        let name = user.map(|user| user.localpart().to_owned());
        if name.is_none() {
            self.wrong("extension(matrix-id)", "must be the person's Matrix id, which they are known by");
        }
        name
    }

    fn practitioner(&mut self, id: String) -> DirectoryEntry {
        self.only(self.body, "", &["active", "name", "qualification", "identifier", "extension"]);
        self.in_force("active", &Value::Bool(true));
        let (mut family, mut given, mut title) = (String::new(), String::new(), String::new());
        match self.one(self.body, "name", "name") {
            None => self.wrong("name", "is missing"),
            Some(name) => {
                self.only(name, "name[0].", &["use", "text", "family", "given", "prefix"]);
                family = self.text(name.get("family"), "name[0].family", true);
                given = self.words(name, "given");
                title = self.words(name, "prefix");
            }
        }
        let qualification = self.one(self.body, "qualification", "qualification");
        let code = qualification.and_then(|it| self.object(it, "code", "qualification[0].code"));
        let job = code.map(|code| self.text(code.get("text"), "qualification[0].code.text", false));
        for (_, extension) in self.extensions(&["matrix-id"], &["duty-status", "device-check"]) {
            let said = extension.get("valueString").and_then(Value::as_str).unwrap_or_default();
            let theirs = UserId::parse(said)
                .is_ok_and(|user| user.localpart() == id && user.server_name() == self.server);
            if !theirs && !id.is_empty() {
                self.wrong("extension(matrix-id)", "is not the Matrix id of this person");
            }
        }
        let identifiers = self.registers();
        let person = Practitioner { id, family, given, title, job: job.unwrap_or_default(), source: None };
        DirectoryEntry::Practitioner(person, identifiers)
    }

    /// The words of a list in one line.
    fn words(&mut self, name: &'v Map<String, Value>, part: &str) -> String {
        let path = format!("name[0].{part}");
        let Some(value) = name.get(part) else { return String::new() };
        let Some(items) = value.as_array().filter(|items| items.len() <= 10) else {
            self.wrong(&path, "must be a list of at most ten strings");
            return String::new();
        };
        let words = items.iter().enumerate();
        let words: Vec<String> =
            words.map(|(at, item)| self.text(Some(item), &format!("{path}[{at}]"), true)).collect();
        words.join(" ")
    }

    /// The numbers of a member of staff in registers.
    fn registers(&mut self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (index, it) in self.list(self.body, "identifier", "identifier").into_iter().enumerate() {
            let (system_at, value_at) =
                (format!("identifier[{index}].system"), format!("identifier[{index}].value"));
            let system = self.text(it.get("system"), &system_at, true);
            if !system.is_empty() && url::Url::parse(&system).is_err() {
                self.wrong(&system_at, "must be the URI of a register");
            }
            if system == NHS_NUMBER {
                self.wrong(&system_at, "an NHS number is a patient's");
            }
            let value = self.text(it.get("value"), &value_at, true);
            if found.iter().any(|(known, _)| *known == system) {
                self.wrong(&system_at, "only one number of each register is kept here");
            }
            found.push((system, value));
        }
        found
    }

    fn service(&mut self, id: String) -> DirectoryEntry {
        let known = ["active", "name", "type", "location", "providedBy", "telecom", "comment", "extension"];
        self.only(self.body, "", &known);
        self.in_force("active", &Value::Bool(true));
        let name = self.text(self.body.get("name"), "name", true);
        let kind = self.one(self.body, "type", "type").and_then(|it| self.code(it, ROLE_KIND, "type[0]"));
        let kind = kind.map(ToOwned::to_owned);
        let mut wards = Vec::new();
        for (index, it) in self.list(self.body, "location", "location").into_iter().enumerate() {
            wards.extend(self.reference(it, "Location", &format!("location[{index}]")));
        }
        let organisation = self.reference_at("providedBy", "Organization");
        let phone = self.one(self.body, "telecom", "telecom").map(|it| {
            if it.get("system").is_some_and(|system| system != "phone") {
                self.wrong("telecom[0].system", "must be phone: a bleep or an extension");
            }
            self.text(it.get("value"), "telecom[0].value", true)
        });
        // The server shows the bleep here too.
        if self.optional("comment").is_some_and(|comment| phone.as_ref() != Some(&comment)) {
            self.wrong("comment", "is not kept here");
        }
        let servers = [
            "vacant",
            "current-holder",
            "current-holder-until",
            "current-holder-by",
            "current-holder-unreachable",
            "role-offer",
        ];
        let mut fallback = None;
        for (_, extension) in self.extensions(&["role-fallback"], &servers) {
            let path = "extension(role-fallback).valueReference";
            match self.object(extension, "valueReference", path) {
                Some(reference) => fallback = self.reference(reference, "HealthcareService", path),
                None => self.wrong(path, "is missing"),
            }
        }
        let service = Service { id, name, organisation, phone, wards, fallback, kind, source: None };
        DirectoryEntry::Service(service)
    }

    fn team(&mut self, id: String) -> DirectoryEntry {
        self.only(self.body, "", &["status", "name", "participant"]);
        self.in_force("status", &Value::from("active"));
        let name = self.text(self.body.get("name"), "name", true);
        let mut members = Vec::new();
        for (index, it) in self.list(self.body, "participant", "participant").into_iter().enumerate() {
            let path = format!("participant[{index}]");
            self.only(it, &format!("{path}."), &["member", "role"]);
            if let Some(member) = self.object(it, "member", &format!("{path}.member")) {
                let person = self.reference(member, "Practitioner", &format!("{path}.member"));
                members.extend(person.map(Member::Person));
                continue;
            }
            let role = self.one(it, "role", &format!("{path}.role"));
            match role.map(|role| self.code(role, ROLE, &format!("{path}.role[0]"))) {
                Some(code) => members.extend(code.map(|code| Member::Role(code.to_owned()))),
                None => self.wrong(&path, "has neither member nor role"),
            }
        }
        DirectoryEntry::Team(Team { id, name, source: None, members })
    }
}
