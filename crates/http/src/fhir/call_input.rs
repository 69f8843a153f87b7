//! What a client may say in a CommunicationRequest. Anything else is refused by name.

use serde::{Deserialize, de::IgnoredAny};
use wardline_clinical::{Audience, NewCall, NewCallKind, Reply};
use wardline_domain::care::playbook::Ask;

use super::{outcome::Refusal, resource::extension_url, task_input::is_uuid};

/// The code system of kinds of calls.
pub(super) const CALL_KIND: &str = "https://wardline.org/fhir/CodeSystem/call-kind";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "some elements are accepted and not used: the server sets them")]
pub(super) struct CallInput {
    resource_type: String,
    id: Option<String>,
    meta: Option<IgnoredAny>,
    status: Option<String>,
    category: Vec<Concept>,
    priority: Option<IgnoredAny>,
    subject: Option<Reference>,
    #[serde(default)]
    payload: Vec<Payload>,
    authored_on: Option<IgnoredAny>,
    requester: Option<Reference>,
    #[serde(default)]
    recipient: Vec<Reference>,
    #[serde(default)]
    extension: Vec<Extension>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Concept {
    #[serde(default)]
    coding: Vec<Coding>,
    text: Option<String>,
}

#[derive(Deserialize)]
struct Coding {
    system: Option<String>,
    code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Payload {
    content_string: String,
}

#[derive(Deserialize)]
struct Reference {
    reference: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Extension {
    url: String,
    value_string: Option<String>,
    value_code: Option<String>,
    value_boolean: Option<bool>,
    value_reference: Option<Reference>,
    #[serde(default)]
    extension: Vec<Extension>,
}

/// Whom a reference stands for as the audience of a broadcast.
pub(super) fn audience(reference: &str) -> Option<Audience> {
    let some = |ask: fn(String) -> Ask, id: &str| Some(Audience::Some(ask(id.to_owned())));
    match reference.split_once('/')? {
        ("Organization", _) => Some(Audience::Everybody),
        ("HealthcareService", id) => some(Ask::Role, id),
        ("Practitioner", id) => some(Ask::Person, id),
        ("CareTeam", id) => some(Ask::Team, id),
        ("Location", id) => some(Ask::OnDuty, id),
        _ => None,
    }
}

/// The refusal of an audience.
pub(super) fn no_audience(path: &str) -> Refusal {
    let kinds = "an Organization, CareTeam, HealthcareService, Practitioner or Location";
    Refusal::invalid(path, format!("each must refer to {kinds}"))
}

impl CallInput {
    /// The call that it asks for, made by `person`.
    pub(super) fn into_call(self, id: &str, person: &str) -> Result<NewCall, Refusal> {
        if self.resource_type != "CommunicationRequest" {
            return Err(Refusal::invalid(
                "CommunicationRequest.resourceType",
                "must be CommunicationRequest",
            ));
        }
        if !is_uuid(id) {
            return Err(Refusal::invalid("CommunicationRequest.id", "must be a UUID in lower case"));
        }
        if self.id.as_deref().is_some_and(|said| said != id) {
            return Err(Refusal::invalid("CommunicationRequest.id", "must be that of the path"));
        }
        if self.status.as_deref().is_some_and(|status| status != "active") {
            let problem = "must be active; a call is ended by $end";
            return Err(Refusal::invalid("CommunicationRequest.status", problem));
        }
        let requester = format!("Practitioner/{person}");
        if self.requester.as_ref().is_some_and(|r| r.reference != requester) {
            return Err(Refusal::invalid("CommunicationRequest.requester", "must be the signed-in person"));
        }
        let find = |name: &str| {
            let url = extension_url(name);
            self.extension.iter().find(move |it| it.url == url)
        };
        let text = |name: &str| find(name).and_then(|it| it.value_string.clone());
        let location = find("call-location").and_then(|it| it.value_reference.as_ref());
        let location = location.map(|it| {
            let wrong = || {
                Refusal::invalid("CommunicationRequest.extension(call-location)", "must refer to a Location")
            };
            it.reference.strip_prefix("Location/").map(str::to_owned).ok_or_else(wrong)
        });
        Ok(NewCall {
            id: id.to_owned(),
            drill: find("call-drill").and_then(|it| it.value_boolean).unwrap_or(false),
            place: text("call-place"),
            location: location.transpose()?,
            kind: self.kind(text("call-playbook"))?,
        })
    }

    fn kind(&self, playbook: Option<String>) -> Result<NewCallKind, Refusal> {
        let coding = self.category.iter().flat_map(|it| &it.coding);
        let code =
            coding.filter(|it| it.system.as_deref() == Some(CALL_KIND)).map(|it| it.code.as_str()).next();
        match code {
            Some("crash-call") => {
                if !self.payload.is_empty() || !self.recipient.is_empty() {
                    let problem = "a crash call has no payload and calls those whom its playbook names";
                    return Err(Refusal::invalid("CommunicationRequest.payload", problem));
                }
                let missing =
                    || Refusal::invalid("CommunicationRequest.extension(call-playbook)", "is missing");
                let patient = self.subject.as_ref().map(|it| {
                    let wrong =
                        || Refusal::invalid("CommunicationRequest.subject", "must refer to a Patient");
                    it.reference.strip_prefix("Patient/").map(str::to_owned).ok_or_else(wrong)
                });
                Ok(NewCallKind::Crash {
                    playbook: playbook.ok_or_else(missing)?,
                    patient: patient.transpose()?,
                })
            }
            Some("broadcast") => {
                if self.subject.is_some() {
                    let problem = "a broadcast is never about a patient";
                    return Err(Refusal::invalid("CommunicationRequest.subject", problem));
                }
                let [Payload { content_string: words }] = self.payload.as_slice() else {
                    return Err(Refusal::invalid(
                        "CommunicationRequest.payload",
                        "must be one contentString",
                    ));
                };
                let places = self.extension.iter().filter(|it| it.url == extension_url("call-audience"));
                let places = places.filter_map(|it| it.value_reference.as_ref());
                let audience = self.recipient.iter().chain(places).map(|it| {
                    audience(&it.reference).ok_or_else(|| no_audience("CommunicationRequest.recipient"))
                });
                Ok(NewCallKind::Broadcast {
                    title: self.category.iter().find_map(|it| it.text.clone()).unwrap_or_default(),
                    words: words.clone(),
                    audience: audience.collect::<Result<_, _>>()?,
                    replies: self.replies(),
                })
            }
            _ => {
                let problem = "must have a code crash-call or broadcast of our system";
                Err(Refusal::invalid("CommunicationRequest.category", problem))
            }
        }
    }

    fn replies(&self) -> Vec<Reply> {
        let replies = self.extension.iter().filter(|it| it.url == extension_url("call-reply"));
        replies
            .map(|it| {
                let part = |name: &str| it.extension.iter().find(|part| part.url == name);
                let flag = |name| part(name).and_then(|it| it.value_boolean).unwrap_or(false);
                Reply {
                    code: part("code").and_then(|it| it.value_code.clone()).unwrap_or_default(),
                    text: part("text").and_then(|it| it.value_string.clone()).unwrap_or_default(),
                    minutes: flag("minutes"),
                    comes: flag("comes"),
                }
            })
            .collect()
    }
}
