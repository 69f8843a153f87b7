//! What a patient's room is told about a request: event type `org.wardline.request.update`, in the clear, with
//! ids and a plain line and never a word about the patient or of the request.

use serde_json::{Value, json};
use wardline_domain::{
    Timestamp,
    care::{
        playbook::{Ask, Class},
        request::{Reason, Request, State, Transition},
    },
    ruma::{OwnedUserId, ServerName},
};
use wardline_store::{
    Reader, StoreError, WriteTx,
    clinical::{directory, teams},
};

use crate::{
    ClinicalError, Task,
    alarms::CLERK,
    outbox::{self, Job},
    user_of,
};

/// The event's type.
const UPDATE: &str = "org.wardline.request.update";

/// Leaves the announcement of one transition in the outbox. `version` is its number, `quiet` whether
/// it must make no sound; `before` the request as it was before the move.
pub(super) fn transition(
    tx: &mut WriteTx<'_>,
    server: &ServerName,
    task: &Task,
    before: Option<&Request>,
    transition: &Transition,
    (version, quiet): (u64, bool),
) -> Result<(), ClinicalError> {
    let user = |person: &Option<String>| person.as_ref().map(|p| user_of(p, server)).transpose();
    let asks = user(&transition.asks)?;
    let mut content = json!({
        "request_id": task.id,
        "state": transition.state.code(),
        "class": task.request.class.code(),
        "at": transition.at.as_millis(),
        "step": transition.step,
        "body": format!("{}{}", mark(task), line(tx, task, before, transition)?),
    });
    let optional = [
        ("call", task.call.as_ref().map(|call| json!({ "id": call.id, "drill": call.drill }))),
        ("actor", user(&transition.actor)?.map(|u| Value::String(u.into()))),
        ("asks", asks.as_ref().map(|u| Value::String(u.to_string()))),
        ("role", role(task, transition).map(|id| Value::String(format!("HealthcareService/{id}")))),
        ("next_step_at", next_step_at(task, version).map(Value::from)),
        ("m.mentions", asks.as_ref().filter(|_| sounds(task, transition) && !quiet).map(mention)),
        ("over_budget", quiet.then_some(Value::Bool(true))),
    ];
    if let Some(fields) = content.as_object_mut() {
        fields.extend(optional.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    }
    let key = format!("request-{}-{version}", task.id);
    let (room, kind, own) = (task.room.clone(), UPDATE.to_owned(), task.in_own_room());
    let job = Job::Announce { room, kind, content, asks, key, own };
    Ok(outbox::push(tx, &outbox::subject(task), &job)?)
}

/// Whether a transition interrupts the person whom it asks: information never does.
pub(crate) fn sounds(task: &Task, transition: &Transition) -> bool {
    transition.asks.is_some() && task.request.class != Class::Information
}

/// What every line of an exercise begins with.
fn mark(task: &Task) -> &'static str {
    if task.call.as_ref().is_some_and(|call| call.drill) { "DRILL. " } else { "" }
}

/// Only who is asked is notified, whatever else they are told of the room.
fn mention(user: &OwnedUserId) -> Value {
    json!({ "user_ids": [user] })
}

/// Leaves a reminder of those whom an urgent request asks, `at` which it waits for an answer, or of whoever took a request
/// that is needed now.
pub(crate) fn reminder(
    tx: &mut WriteTx<'_>,
    server: &ServerName,
    task: &Task,
    at: Timestamp,
) -> Result<(), ClinicalError> {
    let request = &task.request;
    let asked = request.holders.iter().filter(|person| !request.declined.contains(*person));
    let users = asked.map(|person| user_of(person, server)).collect::<Result<Vec<_>, _>>()?;
    let step = request.plan.get(request.step).map(|step| names_of(tx, &step.asks)).transpose()?;
    let body = match &request.accepted_by {
        Some(by) => format!("Needed now: {} has accepted it and not completed it.", person(tx, by)?),
        None => format!("Still waiting for {}.", step.unwrap_or_default()),
    };
    let mut content = json!({
        "request_id": task.id,
        "state": request.state.code(),
        "class": request.class.code(),
        "at": at.as_millis(),
        "step": request.step,
        "reminder": true,
        "m.mentions": { "user_ids": users },
        "body": format!("{}{body}", mark(task)),
    });
    if let Some(at) = request.next_step_at {
        content["next_step_at"] = at.as_millis().into();
    }
    if let Some(call) = &task.call {
        content["call"] = json!({ "id": call.id, "drill": call.drill });
    }
    let key = format!("request-{}-reminder-{}", task.id, at.as_millis());
    let (room, own) = (task.room.clone(), task.in_own_room());
    let job = Job::Announce { room, kind: UPDATE.to_owned(), content, asks: None, key, own };
    Ok(outbox::push(tx, &outbox::subject(task), &job)?)
}

fn next_step_at(task: &Task, version: u64) -> Option<i64> {
    let latest = version == task.request.version;
    task.request.next_step_at.filter(|_| latest).map(Timestamp::as_millis)
}

/// The role through which a transition asks.
pub(crate) fn role<'t>(task: &'t Task, transition: &Transition) -> Option<&'t str> {
    task.request.plan.get(transition.step)?.asks.iter().find_map(|ask| match ask {
        Ask::Role(id) => Some(id.as_str()),
        Ask::Person(_) | Ask::Team(_) | Ask::OnDuty(_) => None,
    })
}

/// The name of a role or person for a line of text.
pub(crate) fn name_of(tx: &impl Reader, ask: &Ask) -> Result<String, StoreError> {
    match ask {
        Ask::Role(id) => Ok(directory::service(tx, id)?.map_or_else(|| id.clone(), |s| s.name)),
        Ask::Person(id) => person(tx, id),
        Ask::Team(id) => Ok(teams::get(tx, id)?.map_or_else(|| id.clone(), |team| team.name)),
        Ask::OnDuty(id) => {
            let name = directory::location(tx, id)?.map_or_else(|| id.clone(), |ward| ward.name);
            Ok(format!("everybody on duty on {name}"))
        }
    }
}

/// The names of several, as in `Medical registrar and Outreach team`.
pub(crate) fn names_of(tx: &impl Reader, asks: &[Ask]) -> Result<String, StoreError> {
    let names = asks.iter().map(|ask| name_of(tx, ask)).collect::<Result<Vec<_>, _>>()?;
    Ok(match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    })
}

/// The name of a person for a line of text.
pub(crate) fn person(tx: &impl Reader, id: &str) -> Result<String, StoreError> {
    if id == CLERK {
        return Ok("Wardline".to_owned());
    }
    Ok(directory::practitioner(tx, id)?.map_or_else(|| id.to_owned(), |p| p.display()))
}

/// The plain line. A person's own words (why they declined) are not in it: they may speak of the patient.
fn line(
    tx: &impl Reader,
    task: &Task,
    before: Option<&Request>,
    transition: &Transition,
) -> Result<String, StoreError> {
    let step = match task.request.plan.get(transition.step) {
        Some(step) => names_of(tx, &step.asks)?,
        None => String::new(),
    };
    let actor = match &transition.actor {
        Some(id) => person(tx, id)?,
        None => "Wardline".to_owned(),
    };
    let asked = match (&transition.asks, role(task, transition)) {
        (Some(id), Some(_)) => format!("{} ({step})", person(tx, id)?),
        (Some(id), None) => {
            let name = person(tx, id)?;
            let asks = task.request.plan.get(transition.step).map(|step| step.asks.as_slice());
            match asks {
                Some([Ask::Person(of)]) if of != id => format!("{name}, who covers for {step} (off duty)"),
                _ => name,
            }
        }
        (None, _) => step.clone(),
    };
    Ok(match (transition.state, &transition.reason) {
        (_, Some(Reason::Comment(_))) => format!("{actor} wrote a comment."),
        (State::Failed, _) if is_off_duty(task, transition) => {
            format!("{step} is off duty and nobody covers. Please ring switchboard.")
        }
        (State::Raised, Some(Reason::Vacant)) if is_off_duty(task, transition) => {
            format!("{step} is off duty and nobody covers.")
        }
        (State::Failed, _) => {
            format!("Nobody holds {step} now, so nobody could be asked. Please ring switchboard.")
        }
        (State::Raised, Some(Reason::Vacant)) => format!("Nobody holds {step} now."),
        (State::Raised, Some(Reason::NotNow)) => format!("{step} is not asked at this time."),
        (State::Raised, Some(Reason::AlreadyAsked)) => {
            format!("Whoever is behind {step} already knows of this request.")
        }
        (State::Raised, Some(Reason::Reassigned)) => {
            let name = transition.asks.as_ref().map_or_else(|| Ok(step.clone()), |id| person(tx, id))?;
            format!("{actor} passed it on: now asking {name}.")
        }
        (State::Raised, Some(Reason::Delegated)) => {
            let name = transition.asks.as_ref().map_or_else(|| Ok(step.clone()), |id| person(tx, id))?;
            format!("{actor} asks {name} to do it.")
        }
        (State::Accepted, Some(Reason::Returned)) => {
            let name = transition.asks.as_ref().map_or_else(|| Ok(step.clone()), |id| person(tx, id))?;
            format!("Nobody took it up: it is {name}'s again.")
        }
        (State::Raised, Some(Reason::Reopened)) => format!("{actor} reopened the request: asking {asked}."),
        (State::Raised, Some(Reason::HandedOver)) => format!("{step} was handed over: now asking {asked}."),
        (State::Raised, Some(Reason::NoAnswer)) => {
            let waited = before
                .map_or_else(|| "in time".to_owned(), |b| in_time(transition.at.millis_since(b.asked_at)));
            let again = before.is_some_and(|b| b.step == transition.step);
            if again {
                format!("No answer {waited}: asking {asked} again.")
            } else {
                format!("No answer {waited}: also asking {asked}.")
            }
        }
        (State::Raised, _) if before.is_none() && task.description.is_some() => {
            format!("{} Asking {asked}.", task.description.as_deref().unwrap_or_default())
        }
        (State::Raised, _) if before.is_none() && task.call.is_some() => {
            format!("{}: asking {asked}.", task.call.as_ref().map_or("", |call| call.title.as_str()))
        }
        (State::Raised, _) if before.is_none() => match task.request.class {
            Class::Urgent => format!("Urgent request: asking {asked}."),
            Class::Action => format!("Request: asking {asked}."),
            Class::Information => format!("For information: telling {asked}."),
        },
        (State::Raised, _) => format!("Also asking {asked}."),
        (State::Delivered, _) => format!("Delivered to {actor}."),
        (State::Seen, _) => format!("Seen by {actor}."),
        (State::Accepted, _) => format!("{actor} accepted."),
        (State::Declined, _) => format!("{actor} declined."),
        (State::OnMyWay, _) => format!("{actor} is on the way."),
        (State::Arrived, _) => format!("{actor} has arrived."),
        (State::Completed, _) => format!("{actor} has completed the request."),
        (State::Cancelled, _) if task.description.is_some() => {
            "This has ended by itself: nobody need act.".to_owned()
        }
        (State::Cancelled, _) if task.call.is_some() => format!("{actor} ended the call."),
        (State::Cancelled, _) => format!("{actor} cancelled the request."),
    })
}

/// Whether a step reached nobody because the one person whom it asks is off duty.
fn is_off_duty(task: &Task, transition: &Transition) -> bool {
    let asks = task.request.plan.get(transition.step).map(|step| step.asks.as_slice());
    matches!(asks, Some([Ask::Person(_)]))
}

fn in_time(millis: i64) -> String {
    let seconds = (millis + 500) / 1000;
    let (count, unit) = if seconds < 90 { (seconds, "second") } else { ((seconds + 30) / 60, "minute") };
    format!("in {count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::in_time;

    #[test]
    fn waits_are_told_in_plain_words() {
        assert_eq!(in_time(1000), "in 1 second");
        assert_eq!(in_time(60_000), "in 60 seconds");
        assert_eq!(in_time(300_040), "in 5 minutes");
    }
}
