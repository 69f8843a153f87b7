//! A broadcast: many people are told something, and answer.

use serde_json::json;
use wardline_audit::Action;
use wardline_domain::{Timestamp, ruma::OwnedUserId};
use wardline_store::{
    Reader, WriteTx, alerts,
    clinical::{
        calls::{self, Answer, Audience, Call, CallKind, CalledPerson, Place, Reply},
        directory,
    },
};

use super::{
    CallView, NewCall, NewCallKind, account, audience::people, audit, is_same, manages, member_of_staff,
    words,
};
use crate::{
    Caller, Clinical, ClinicalError, ClinicalParts, Conflict, Only,
    alarms::CLERK,
    outbox::{self, Job},
    requests::{exists, name_of},
    user_of,
};

/// The type of the to-device event that tells of a broadcast.
const EVENT: &str = "org.wardline.call";
/// People told in one transaction.
const PAGE: usize = 200;
const MAX_TITLE: usize = 100;
const MAX_WORDS: usize = 2000;
const MAX_AUDIENCE: usize = 50;
const MAX_REPLIES: usize = 6;
const MAX_REPLY: usize = 40;
/// Longest time that an answer may name, in minutes: a day.
const MAX_MINUTES: u32 = 24 * 60;
/// Most times that somebody may change their answer.
const MAX_ANSWERS: usize = 50;

/// The answers where none are said.
fn usual() -> Vec<Reply> {
    let reply = |code: &str, text: &str, minutes, comes| Reply {
        code: code.to_owned(),
        text: text.to_owned(),
        minutes,
        comes,
    };
    vec![
        reply("on-my-way", "On my way", false, true),
        reply("can-come", "Can come in … minutes", true, true),
        reply("cannot", "Cannot", false, false),
    ]
}

impl Clinical {
    /// How many people a broadcast would call.
    ///
    /// # Errors
    /// As [`Clinical::raise_call`].
    pub async fn broadcast_reach(
        &self,
        caller: &Caller,
        audience: Vec<Audience>,
    ) -> Result<usize, ClinicalError> {
        let (parts, caller, at) = (self.parts.clone(), caller.clone(), self.parts.clock.now());
        self.parts
            .store
            .read(move |tx| {
                permitted(tx, &parts, &caller, at)?;
                Ok(people(tx, &parts, &caller, &audience, at)?.len())
            })
            .await
    }

    pub(super) async fn raise_broadcast(
        &self,
        caller: &Caller,
        new: NewCall,
    ) -> Result<(CallView, bool), ClinicalError> {
        let id = new.id.clone();
        let (parts, by, at) = (self.parts.clone(), caller.clone(), self.parts.clock.now());
        let is_new = self
            .parts
            .store
            .write_with(move |tx| {
                let name = permitted(tx, &parts, &by, at)?;
                let mut call = checked(tx, new, (by.person(), name), at)?;
                if let Some((known, _)) = calls::get(tx, &parts.cipher, &call.id)? {
                    return if is_same(&known, &call) {
                        Ok(false)
                    } else {
                        Err(ClinicalError::Conflict(Conflict::CallIdTaken))
                    };
                }
                let audience: Vec<Audience> = call.audience.iter().map(|(it, _)| it.clone()).collect();
                let people = people(tx, &parts, &by, &audience, at)?;
                if people.is_empty() {
                    return Err(ClinicalError::invalid("CommunicationRequest.recipient", "reaches nobody"));
                }
                call.people = people.len();
                calls::put(tx, &parts.cipher, &call)?;
                calls::put_people(tx, &parts.cipher, &call.id, people.values())?;
                let count = people.len().to_string();
                audit(tx, &by, &call, Action::CallRaised, at, &[("people", &count)])?;
                let job = Job::Tell { call: call.id.clone(), again: false, ended: false };
                outbox::push(tx, &call.id, &job)?;
                Ok(true)
            })
            .await?;
        self.wake();
        Ok((self.call(caller, &id)?, is_new))
    }

    /// Notes that a broadcast is on a device of the caller, or that they look at it. A repetition changes nothing.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`] for who is not called by it.
    pub async fn note_call(&self, caller: &Caller, id: &str, seen: bool) -> Result<CallView, ClinicalError> {
        self.change_person(caller, id, move |call, person, at| {
            if call.ended.is_some() || person.seen.is_some() || (!seen && person.delivered.is_some()) {
                return Ok(None);
            }
            person.delivered.get_or_insert(at);
            person.seen = seen.then_some(at);
            Ok(Some(None))
        })
        .await
    }

    /// Answers a broadcast; a later answer takes the place of an earlier one. A repetition changes nothing.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`] for who is not called by it; [`ClinicalError::Invalid`] for an answer that it does not
    /// offer; [`ClinicalError::Conflict`] once it has ended.
    pub async fn answer_call(
        &self,
        caller: &Caller,
        id: &str,
        code: &str,
        minutes: Option<u32>,
    ) -> Result<CallView, ClinicalError> {
        let code = code.to_owned();
        self.change_person(caller, id, move |call, person, at| {
            let wrong = |name: &str, problem: &str| {
                Err(ClinicalError::invalid(format!("Parameters.parameter({name})"), problem))
            };
            let Some(reply) = call.replies.iter().find(|reply| reply.code == code) else {
                return wrong("answer", "is not one of the answers of this broadcast");
            };
            match minutes {
                None if reply.minutes => return wrong("minutes", "is missing: in how many minutes?"),
                Some(_) if !reply.minutes => return wrong("minutes", "does not belong to this answer"),
                Some(minutes) if !(1..=MAX_MINUTES).contains(&minutes) => {
                    return wrong("minutes", "must be between 1 and 1440");
                }
                _ => {}
            }
            if person.answers.last().is_some_and(|last| (&last.code, last.minutes) == (&code, minutes)) {
                return Ok(None);
            }
            if call.ended.is_some() {
                return Err(ClinicalError::Conflict(Conflict::CallEnded));
            }
            if person.answers.len() >= MAX_ANSWERS {
                return Err(ClinicalError::Conflict(Conflict::AnswersExhausted));
            }
            person.delivered.get_or_insert(at);
            person.seen.get_or_insert(at);
            person.answers.push(Answer { code: code.clone(), minutes, at });
            Ok(Some(Some(code.clone())))
        })
        .await
    }

    /// Tells all who have not answered once more.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], [`ClinicalError::Forbidden`] for who may not see the board, or
    /// [`ClinicalError::Conflict`] once it has ended.
    pub async fn repeat_call(&self, caller: &Caller, id: &str) -> Result<CallView, ClinicalError> {
        let view = self.call(caller, id)?;
        if view.call.kind != CallKind::Broadcast {
            return Err(ClinicalError::Conflict(Conflict::CrashCallRepeats));
        }
        if !view.may_see_board {
            return Err(ClinicalError::Forbidden(Only::CallManagers));
        }
        let (parts, by, at) = (self.parts.clone(), caller.clone(), self.parts.clock.now());
        let call = id.to_owned();
        self.parts
            .store
            .write_with(move |tx| {
                let found = calls::get(tx, &parts.cipher, &call)?;
                let (mut call, _) = found.ok_or(ClinicalError::NotFound("CommunicationRequest"))?;
                if call.ended.is_some() {
                    return Err(ClinicalError::Conflict(Conflict::CallEnded));
                }
                call.again.push((by.person().to_owned(), at));
                calls::put(tx, &parts.cipher, &call)?;
                audit(tx, &by, &call, Action::CallRepeated, at, &[])?;
                let job = Job::Tell { call: call.id.clone(), again: true, ended: false };
                Ok(outbox::push(tx, &call.id, &job)?)
            })
            .await?;
        self.wake();
        self.call(caller, id)
    }

    /// Changes what is known of the caller in a broadcast. `change` gives the answer that it is, if it changes anything.
    async fn change_person(
        &self,
        caller: &Caller,
        id: &str,
        change: impl FnOnce(&Call, &mut CalledPerson, Timestamp) -> Result<Option<Option<String>>, ClinicalError>
        + Send
        + 'static,
    ) -> Result<CallView, ClinicalError> {
        let (parts, by, at) = (self.parts.clone(), caller.clone(), self.parts.clock.now());
        let call = id.to_owned();
        self.parts
            .store
            .write_with(move |tx| {
                let missing = || ClinicalError::NotFound("CommunicationRequest");
                let (call, _) = calls::get(tx, &parts.cipher, &call)?.ok_or_else(missing)?;
                let person = calls::person(tx, &parts.cipher, &call.id, by.person())?;
                let mut person = person.ok_or_else(missing)?;
                let Some(answer) = change(&call, &mut person, at)? else { return Ok(()) };
                calls::put_people(tx, &parts.cipher, &call.id, [&person])?;
                if let Some(user) = account(tx, &parts, by.person())? {
                    // It is on a device: no other need be woken for it.
                    alerts::take_back(tx, user, &call.id)?;
                }
                match answer {
                    Some(code) => audit(tx, &by, &call, Action::CallAnswered, at, &[("answer", &code)]),
                    None => Ok(()),
                }
            })
            .await?;
        self.calls_changed.send_replace(());
        self.call(caller, id)
    }

    /// Tells the people of a broadcast, some in each transaction; after a crash only those who were not told yet.
    pub(crate) async fn tell_broadcast(
        &self,
        id: &str,
        again: bool,
        ended: bool,
    ) -> Result<(), ClinicalError> {
        let clerk = user_of(CLERK, &self.parts.server_name)?;
        let mut after: Option<Place> = None;
        loop {
            let (parts, id, clerk) = (self.parts.clone(), id.to_owned(), clerk.clone());
            let work = move |tx: &mut WriteTx<'_>| tell(tx, &parts, (&id, again, ended), &clerk, after);
            after = self.parts.store.write_with(work).await?;
            self.calls_changed.send_replace(());
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

/// Tells some people and gives the place to go on from, unless they were the last.
fn tell(
    tx: &mut WriteTx<'_>,
    parts: &ClinicalParts,
    (id, again, ended): (&str, bool, bool),
    clerk: &OwnedUserId,
    after: Option<Place>,
) -> Result<Option<Place>, ClinicalError> {
    let Some((call, _)) = calls::get(tx, &parts.cipher, id)? else { return Ok(None) };
    if call.ended.is_some() != ended {
        return Ok(None);
    }
    let at = parts.clock.now();
    let content = json!({ "id": id, "kind": call.kind.code(), "drill": call.drill, "ended": ended });
    let message = json!({ "type": EVENT, "sender": clerk, "content": content }).to_string();
    let class = if call.drill { "drill" } else { "broadcast" };
    let page = calls::people_after(tx, &parts.cipher, id, after, PAGE)?;
    let next = page.last().filter(|_| page.len() == PAGE).map(|(place, _)| *place);
    let mut told = Vec::new();
    for (_, mut person) in page {
        let waits = if again || ended { person.answers.is_empty() } else { person.told.is_none() };
        if !waits {
            continue;
        }
        let devices = match account(tx, parts, &person.person)? {
            Some(user) if ended => alerts::tell(tx, user, &message)?,
            Some(user) => alerts::give(tx, user, (id, class), &message, at)?,
            None => 0,
        };
        if !ended {
            let first = person.told.map_or(at, |(first, _)| first);
            person.told = Some((first, devices));
            told.push(person);
        }
    }
    if !told.is_empty() {
        calls::put_people(tx, &parts.cipher, id, &told)?;
    }
    Ok(next)
}

/// Lets everybody know that a broadcast has ended.
pub(super) fn end(tx: &mut WriteTx<'_>, call: &Call) -> Result<(), ClinicalError> {
    alerts::end(tx, &call.id)?;
    Ok(outbox::push(tx, &call.id, &Job::Tell { call: call.id.clone(), again: false, ended: true })?)
}

/// The name of the caller, who must be allowed to broadcast.
fn permitted(
    tx: &impl Reader,
    parts: &ClinicalParts,
    caller: &Caller,
    at: Timestamp,
) -> Result<String, ClinicalError> {
    if !manages(tx, parts, caller.person(), at)? {
        return Err(ClinicalError::Forbidden(Only::Broadcasters));
    }
    member_of_staff(tx, caller)
}

/// The call as it is written, if everything about it is acceptable.
fn checked(
    tx: &impl Reader,
    new: NewCall,
    (caller, caller_name): (&str, String),
    at: Timestamp,
) -> Result<Call, ClinicalError> {
    let NewCallKind::Broadcast { title, words: said, audience, replies } = new.kind else {
        return Err(ClinicalError::invalid("CommunicationRequest.category", "is not a broadcast"));
    };
    let wrong = |field: &str, problem: &str| {
        Err(ClinicalError::invalid(format!("CommunicationRequest.{field}"), problem))
    };
    let title = words("category.text", &title, MAX_TITLE)?;
    let said = words("payload", &said, MAX_WORDS)?;
    if title.is_empty() || title.contains('\n') {
        return wrong("category.text", "must be one line of 1 to 100 characters");
    }
    if said.is_empty() {
        return wrong("payload", "is missing");
    }
    if audience.is_empty() || audience.len() > MAX_AUDIENCE {
        return wrong("recipient", "must be between 1 and 50");
    }
    if new.location.is_some_and(|id| !matches!(directory::location(tx, &id), Ok(Some(_)))) {
        return wrong("extension(call-location)", "there is no such location");
    }
    let mut named = Vec::with_capacity(audience.len());
    for one in audience {
        let name = match &one {
            Audience::Everybody => "Everybody".to_owned(),
            Audience::Some(ask) if !exists(tx, ask)? => {
                return wrong("recipient", "there is no such role, person, team or ward");
            }
            Audience::Some(ask) => name_of(tx, ask)?,
        };
        if !named.iter().any(|(known, _)| *known == one) {
            named.push((one, name));
        }
    }
    Ok(Call {
        id: new.id,
        kind: CallKind::Broadcast,
        drill: new.drill,
        title,
        caller: caller.to_owned(),
        caller_name,
        raised_at: at,
        place: new.place,
        location: None,
        patient: None,
        room: None,
        playbook: None,
        called: Vec::new(),
        words: Some(said),
        audience: named,
        replies: checked_replies(replies)?,
        people: 0,
        ended: None,
        again: Vec::new(),
    })
}

fn checked_replies(replies: Vec<Reply>) -> Result<Vec<Reply>, ClinicalError> {
    if replies.is_empty() {
        return Ok(usual());
    }
    let wrong =
        |problem: &str| Err(ClinicalError::invalid("CommunicationRequest.extension(call-reply)", problem));
    if replies.len() > MAX_REPLIES {
        return wrong("must be at most 6");
    }
    for (index, reply) in replies.iter().enumerate() {
        let code = !reply.code.is_empty()
            && reply.code.len() <= MAX_REPLY
            && reply.code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let text = reply.text.trim();
        if !code || replies[..index].iter().any(|other| other.code == reply.code) {
            return wrong("each must have a code of its own, of letters, digits and hyphens");
        }
        if text.is_empty() || text.chars().count() > MAX_REPLY || text.chars().any(char::is_control) {
            return wrong("each must have a text of 1 to 40 characters");
        }
    }
    Ok(replies)
}
