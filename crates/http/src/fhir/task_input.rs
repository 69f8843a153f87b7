//! What a client may say in a Task. Anything else is refused by name, so that no clinical words are ever kept in
//! the clear: they belong in the encrypted message.

use serde::{Deserialize, de::IgnoredAny};
use wardline_clinical::{Circumstances, NewRequest};
use wardline_domain::{
    Timestamp,
    care::playbook::{Ask, Class},
};

use super::{exchange::Body, outcome::Refusal, parameters::Given, resource::extension_url};

/// The code system of classes.
pub(super) const REQUEST_CLASS: &str = "https://wardline.org/fhir/CodeSystem/request-class";
/// Longest system and value of an identifier, in bytes.
const MAX_IDENTIFIER: usize = 200;
/// Longest reason of a decline, in characters.
const MAX_REASON: usize = 500;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "some elements are accepted and not used: the server sets them")]
pub(super) struct TaskInput {
    resource_type: String,
    id: Option<String>,
    meta: Option<IgnoredAny>,
    status: Option<String>,
    business_status: Option<IgnoredAny>,
    intent: String,
    priority: Option<IgnoredAny>,
    code: Concept,
    #[serde(rename = "for")]
    patient: Reference,
    owner: Option<Reference>,
    location: Option<Reference>,
    requester: Option<Reference>,
    authored_on: Option<String>,
    #[serde(default)]
    identifier: Vec<Identifier>,
    last_modified: Option<IgnoredAny>,
    restriction: Option<Restriction>,
    #[serde(default)]
    extension: Vec<Extension>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identifier {
    system: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Concept {
    coding: Vec<Coding>,
}

#[derive(Deserialize)]
struct Coding {
    system: Option<String>,
    code: String,
}

#[derive(Deserialize)]
struct Reference {
    reference: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restriction {
    period: Period,
}

#[derive(Deserialize)]
struct Period {
    end: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extension {
    url: String,
    value_string: Option<String>,
}

impl TaskInput {
    /// The same, for the server to give it an id.
    pub(super) fn without_id(self) -> Self {
        Self { id: None, ..self }
    }

    /// The request to raise as `id` on behalf of `person`.
    pub(super) fn into_request(self, id: &str, person: &str) -> Result<(NewRequest, Circumstances), Refusal> {
        let circumstances = self.circumstances()?;
        Ok((self.request(id, person)?, circumstances))
    }

    /// The clock of the device, and the identifier of another system.
    fn circumstances(&self) -> Result<Circumstances, Refusal> {
        let wrong = || Refusal::invalid("Task.authoredOn", "must be an instant with time zone");
        let device_at = self.authored_on.as_deref();
        let device_at = device_at.map(|at| Timestamp::from_instant(at).ok_or_else(wrong)).transpose()?;
        let identifier = match &self.identifier[..] {
            [] => None,
            [it] => {
                let sound =
                    |text: &str| !text.is_empty() && text.len() <= MAX_IDENTIFIER && !text.contains('|');
                if !sound(&it.system) || !sound(&it.value) {
                    let problem = format!("system and value must have 1 to {MAX_IDENTIFIER} bytes, and no |");
                    return Err(Refusal::invalid("Task.identifier[0]", problem));
                }
                Some((it.system.clone(), it.value.clone()))
            }
            _ => return Err(Refusal::invalid("Task.identifier", "at most one is kept")),
        };
        Ok(Circumstances { device_at, identifier, ..Circumstances::default() })
    }

    fn request(self, id: &str, person: &str) -> Result<NewRequest, Refusal> {
        if self.resource_type != "Task" {
            return Err(Refusal::invalid("Task.resourceType", "must be Task"));
        }
        if self.id.as_deref().is_some_and(|said| said != id) {
            return Err(Refusal::invalid("Task.id", "must be the id of the address"));
        }
        if !is_uuid(id) {
            return Err(Refusal::invalid("Task.id", "must be a UUID in lower case"));
        }
        if self.status.as_deref().is_some_and(|s| s != "requested") {
            return Err(Refusal::invalid("Task.status", "must be requested; later changes are operations"));
        }
        if self.intent != "order" {
            return Err(Refusal::invalid("Task.intent", "must be order"));
        }
        let class = self.code.coding.iter().find(|c| c.system.as_deref() == Some(REQUEST_CLASS));
        let class = class.and_then(|c| Class::from_code(&c.code)).ok_or_else(|| {
            Refusal::invalid(
                "Task.code.coding",
                "must have a code urgent, action or information of our system",
            )
        })?;
        if self.requester.as_ref().is_some_and(|r| r.reference != format!("Practitioner/{person}")) {
            return Err(Refusal::invalid("Task.requester", "must be the signed-in person"));
        }
        let addressed = match (&self.owner, &self.location) {
            (Some(owner), None) => match addressed(&owner.reference, "Task.owner")? {
                Ask::OnDuty(_) => return Err(Refusal::invalid("Task.owner", "a ward is Task.location")),
                other => other,
            },
            (None, Some(ward)) => Ask::OnDuty(id_of(ward, "Location", "Task.location")?),
            (None, None) => {
                return Err(Refusal::invalid("Task.owner", "is missing, and so is Task.location"));
            }
            (Some(_), Some(_)) => {
                return Err(Refusal::invalid("Task.location", "is not given beside an owner"));
            }
        };
        let needed_by = self.restriction.and_then(|r| r.period.end).map(|end| {
            Timestamp::from_instant(&end).ok_or_else(|| {
                Refusal::invalid("Task.restriction.period.end", "must be an instant with time zone")
            })
        });
        let said = |name: &str| {
            let url = extension_url(name);
            self.extension.iter().find(|e| e.url == url).and_then(|e| e.value_string.clone())
        };
        let room = said("request-room").map(|room| {
            room.try_into().map_err(|_| Refusal::invalid("Task.extension(request-room)", "must be a room id"))
        });
        Ok(NewRequest {
            id: id.to_owned(),
            class,
            patient: id_of(&self.patient, "Patient", "Task.for")?,
            addressed,
            needed_by: needed_by.transpose()?,
            playbook: said("request-playbook"),
            event: said("request-event"),
            room: room.transpose()?,
        })
    }
}

/// Whom a reference addresses: a role, a person, a team, or whoever covers a ward. `path` is where it stands.
pub(super) fn addressed(reference: &str, path: &str) -> Result<Ask, Refusal> {
    Ok(match reference.split_once('/') {
        Some(("HealthcareService", id)) => Ask::Role(id.to_owned()),
        Some(("Practitioner", id)) => Ask::Person(id.to_owned()),
        Some(("CareTeam", id)) => Ask::Team(id.to_owned()),
        Some(("Location", id)) => Ask::OnDuty(id.to_owned()),
        _ => {
            let problem = "must be a HealthcareService, Practitioner, CareTeam or Location";
            return Err(Refusal::invalid(path, problem));
        }
    })
}

fn id_of(reference: &Reference, kind: &str, path: &str) -> Result<String, Refusal> {
    let id = reference.reference.strip_prefix(kind).and_then(|rest| rest.strip_prefix('/'));
    id.map(ToOwned::to_owned).ok_or_else(|| Refusal::invalid(path, format!("must refer to a {kind}")))
}

/// Whether an id is a UUID in lower case.
pub(super) fn is_uuid(id: &str) -> bool {
    let groups: Vec<&str> = id.split('-').collect();
    let lengths = groups.iter().map(|g| g.len()).eq([8, 4, 4, 4, 12]);
    lengths && groups.concat().bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The `reason` of a decline; empty if none was given.
pub(super) fn reason(body: &Body) -> Result<String, Refusal> {
    Ok(Given::read(body)?.words("reason", MAX_REASON)?.to_owned())
}

/// The `text` of a comment.
pub(super) fn comment(body: &Body) -> Result<String, Refusal> {
    match Given::read(body)?.words("text", MAX_REASON)? {
        "" => Err(Refusal::invalid("Parameters.parameter(text)", "is missing")),
        text => Ok(text.to_owned()),
    }
}

/// The person `to` whom a request is passed on.
pub(super) fn reassigned_to(body: &Body) -> Result<String, Refusal> {
    let to = Given::read(body)?.reference("to", "Practitioner")?;
    to.ok_or_else(|| Refusal::invalid("Parameters.parameter(to)", "is missing"))
}
