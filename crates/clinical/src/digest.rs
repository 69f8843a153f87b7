//! What was sent for information makes no sound; once or twice a day whoever is on duty is told in one line how much of
//! it they have not seen.
//!
//! The line has numbers only. Who is off duty, busy or in quiet hours at that time is told at the next one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
};

use serde_json::json;
use wardline_domain::{
    Timestamp,
    care::{
        playbook::Class,
        request::{Reason, State},
        rota::next_at,
    },
};
use wardline_store::{
    Reader,
    clinical::{digests, tasks},
};

use crate::{
    Clinical, ClinicalError, ClinicalParts, Silence, Task,
    duty_status::silence,
    outbox::{self, Job},
};

/// Most open requests that are looked at.
const MOST: usize = 100_000;

/// What one person is told.
#[derive(Debug, Default)]
struct Digest {
    requests: Vec<String>,
    conversations: BTreeSet<String>,
}

impl Clinical {
    /// Tells people what was sent to them for information, if it is time, and gives how many were told.
    ///
    /// # Errors
    /// A failure of the store; nobody was told then.
    pub async fn send_digests(&self, now: Timestamp) -> Result<usize, ClinicalError> {
        if self.parts.digest_times.is_empty() || now.as_millis() < self.digests_due.load(Ordering::SeqCst) {
            return Ok(0);
        }
        let since = self.parts.store.read_now(|tx| Ok::<_, ClinicalError>(digests::cursor(tx)?))?;
        let due = self.next_digest(since.unwrap_or(now));
        let told = match (since, due) {
            (Some(_), Some(due)) if due <= now => self.tell_all(now).await?,
            (None, _) => {
                self.parts.store.write(move |tx| digests::set_cursor(tx, now)).await?;
                0
            }
            _ => 0,
        };
        let next = self.next_digest(now.max(since.unwrap_or(now)));
        self.digests_due.store(next.map_or(i64::MAX, Timestamp::as_millis), Ordering::SeqCst);
        Ok(told)
    }

    fn next_digest(&self, after: Timestamp) -> Option<Timestamp> {
        let (zone, times) = (&self.parts.zone, &self.parts.digest_times);
        times.iter().filter_map(|time| next_at(zone, after, *time)).min()
    }

    async fn tell_all(&self, now: Timestamp) -> Result<usize, ClinicalError> {
        let parts = self.parts.clone();
        let found = self.parts.store.read(move |tx| unseen(tx, &parts, now)).await?;
        let count = found.len();
        let server = self.parts.server_name.clone();
        self.parts
            .store
            .write_with(move |tx| {
                for (person, digest) in found {
                    digests::set_told(tx, &person, now)?;
                    let user = crate::user_of(&person, &server)?;
                    let (things, conversations) = (digest.requests.len(), digest.conversations.len());
                    let content = json!({
                        "msgtype": "m.text",
                        "body": line(things, conversations),
                        "org.wardline.digest": { "requests": digest.requests },
                        "m.mentions": { "user_ids": [user] },
                    });
                    let key = format!("digest-{person}-{}", now.as_millis());
                    outbox::push(tx, &key, &Job::Digest { user, content, key: key.clone() })?;
                }
                Ok::<_, ClinicalError>(digests::set_cursor(tx, now)?)
            })
            .await?;
        self.outbox_filled.notify_one();
        Ok(count)
    }
}

fn line(things: usize, conversations: usize) -> String {
    let of = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let verb = if things == 1 { "waits" } else { "wait" };
    format!(
        "For your information: {} {verb} in {}.",
        of(things, "message"),
        of(conversations, "conversation")
    )
}

/// What each person who may be told now has not seen and was not told of before.
fn unseen(
    tx: &impl Reader,
    parts: &ClinicalParts,
    now: Timestamp,
) -> Result<BTreeMap<String, Digest>, ClinicalError> {
    let mut found: BTreeMap<String, Digest> = BTreeMap::new();
    let open = tasks::Filter { open: true, ..tasks::Filter::default() };
    for task in tasks::find(tx, &parts.cipher, &open, MOST)? {
        let request = &task.request;
        if request.class != Class::Information || request.state.is_taken() {
            continue;
        }
        for person in request.holders.iter().filter(|person| !request.declined.contains(*person)) {
            let told = digests::told_at(tx, person)?;
            if told.is_some_and(|told| request.asked_at <= told) || has_seen(tx, parts, &task, person)? {
                continue;
            }
            let digest = found.entry(person.clone()).or_default();
            digest.requests.push(task.id.clone());
            digest.conversations.insert(task.room.to_string());
        }
    }
    let mut failure = None;
    found.retain(|person, _| match silence(tx, &parts.cipher, &parts.zone, person, now) {
        Ok(silence) => silence == Silence::None,
        Err(error) => {
            failure = Some(error);
            false
        }
    });
    failure.map_or(Ok(found), |error| Err(error.into()))
}

/// Whether the person did anything with the request, other than that a device of theirs received it.
fn has_seen(
    tx: &impl Reader,
    parts: &ClinicalParts,
    task: &Task,
    person: &str,
) -> Result<bool, ClinicalError> {
    let all = tasks::transitions(tx, &parts.cipher, &task.id)?;
    Ok(all.iter().any(|it| {
        let comment = matches!(it.reason, Some(Reason::Comment(_)));
        it.actor.as_deref() == Some(person) && it.state != State::Delivered && !comment
    }))
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn numbers_are_told_in_plain_words() {
        assert_eq!(line(1, 1), "For your information: 1 message waits in 1 conversation.");
        assert_eq!(line(12, 3), "For your information: 12 messages wait in 3 conversations.");
    }
}
