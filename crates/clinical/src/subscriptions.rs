//! Other systems that are told when requests change (FHIR Subscription, rest-hook without payload).
//!
//! What changed is noted in the transaction of the change. One worker tells: an empty `POST`, after which the subscriber reads
//! what it may see with its own token. No word of a request and no reference to a patient leaves the server unasked. At
//! least once, also over a crash; several changes may be one call.

use std::time::Duration;

use bytes::Bytes;
use wardline_audit::{Action, Entry};
use wardline_domain::Timestamp;
use wardline_outgoing::Outgoing;
use wardline_store::{
    StoreError, WriteTx,
    clinical::{
        subscriptions::{self, Criteria, Subscription, Terms},
        tasks,
    },
    oauth::systems,
};

use crate::{Caller, Clinical, ClinicalError, ClinicalParts, Conflict, Task};

/// Most subscriptions of one person.
const MOST: usize = 20;
/// The rest after the first failure, in milliseconds; each further one doubles it.
const REST: i64 = 5000;
/// The longest rest, in milliseconds.
const LONGEST_REST: i64 = 10 * 60_000;
/// An address that has failed for this long, in milliseconds, is given up: a day.
const GIVE_UP: i64 = 24 * 3_600_000;
/// The longest sleep of the worker, in milliseconds.
const LONGEST: i64 = 60_000;
/// What is read of an answer, in bytes.
const ANSWER: usize = 64 * 1024;

/// Notes for every subscriber whose criteria fit that a request has changed.
///
/// # Errors
/// A failure of the store.
pub(crate) fn note(
    tx: &mut WriteTx<'_>,
    parts: &ClinicalParts,
    task: &Task,
    now: Timestamp,
) -> Result<(), StoreError> {
    for it in subscriptions::active(tx, &parts.cipher, now)? {
        if fits(&it.terms.criteria, task) {
            subscriptions::note(tx, &it.id, &task.id)?;
        }
    }
    Ok(())
}

fn fits(criteria: &Criteria, task: &Task) -> bool {
    let request = &task.request;
    let is = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|wanted| wanted == value);
    (criteria.patient.is_none() || criteria.patient == task.patient)
        && is(&criteria.requester, &request.requester)
        && is(&criteria.class, request.class.code())
        && is(&criteria.state, request.state.code())
        && criteria.owner.as_ref().is_none_or(|owner| request.holders.contains(owner))
}

impl Clinical {
    /// Subscribes the caller until `ends_at`.
    ///
    /// # Errors
    /// [`ClinicalError::Invalid`] for an end that is past, [`ClinicalError::Conflict`] for one subscription too many.
    pub async fn subscribe(
        &self,
        caller: &Caller,
        terms: Terms,
        ends_at: Option<Timestamp>,
    ) -> Result<Subscription, ClinicalError> {
        let now = self.parts.clock.now();
        if ends_at.is_some_and(|end| end <= now) {
            return Err(ClinicalError::invalid("Subscription.end", "must lie in the future"));
        }
        let (id, user) = (self.parts.random.uuid(), caller.user.clone());
        let it = Subscription { id, user, terms, failed: false, ends_at, failures: 0, failing_since: None };
        let (cipher, made) = (self.parts.cipher.clone(), it.clone());
        let entry = self.entry(caller, Action::SubscriptionChanged).target(format!("Subscription/{}", it.id));
        let entry = entry.with("change", "made");
        self.parts
            .store
            .write_with(move |tx| {
                if subscriptions::of_user(tx, &cipher, made.user.as_str())?.len() >= MOST {
                    return Err(ClinicalError::Conflict(Conflict::SubscriptionsExhausted));
                }
                subscriptions::add(tx, &cipher, &made)?;
                Ok(wardline_audit::append(tx, &entry)?)
            })
            .await?;
        Ok(it)
    }

    /// The caller's subscriptions.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn subscriptions(&self, caller: &Caller) -> Result<Vec<Subscription>, ClinicalError> {
        let cipher = &self.parts.cipher;
        self.parts.store.read_now(|tx| Ok(subscriptions::of_user(tx, cipher, caller.user.as_str())?))
    }

    /// One of the caller's subscriptions.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], also for one of somebody else.
    pub fn subscription(&self, caller: &Caller, id: &str) -> Result<Subscription, ClinicalError> {
        let cipher = &self.parts.cipher;
        let found =
            self.parts.store.read_now(|tx| Ok::<_, ClinicalError>(subscriptions::get(tx, cipher, id)?))?;
        found.filter(|it| it.user == caller.user).ok_or(ClinicalError::NotFound("Subscription"))
    }

    /// Ends one of the caller's subscriptions.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`], also for one of somebody else.
    pub async fn unsubscribe(&self, caller: &Caller, id: &str) -> Result<(), ClinicalError> {
        self.subscription(caller, id)?;
        let entry = self.entry(caller, Action::SubscriptionChanged).target(format!("Subscription/{id}"));
        let (entry, id): (Entry, String) = (entry.with("change", "deleted"), id.to_owned());
        self.parts
            .store
            .write_with(move |tx| {
                subscriptions::remove(tx, &id)?;
                Ok::<_, ClinicalError>(wardline_audit::append(tx, &entry)?)
            })
            .await
    }

    pub(crate) async fn run_subscriptions(&self) {
        let Some(outgoing) = self.parts.outgoing.clone() else { return };
        loop {
            let sleep = match self.tell_subscribers(&outgoing).await {
                Ok(sleep) => sleep,
                Err(error) => {
                    tracing::error!(%error, "subscribers could not be told and will be later");
                    REST
                }
            };
            let sleep = Duration::from_millis(u64::try_from(sleep).unwrap_or_default());
            tokio::select! {
                () = tokio::time::sleep(sleep) => {}
                () = self.news.notified() => {}
            }
        }
    }

    /// Tells every subscriber that has news and may be told; milliseconds until the next look.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn tell_subscribers(&self, outgoing: &Outgoing) -> Result<i64, ClinicalError> {
        let (cipher, now) = (self.parts.cipher.clone(), self.parts.clock.now());
        let due = self.parts.store.read(move |tx| subscriptions::due(tx, &cipher, now)).await?;
        for it in due {
            self.tell(outgoing, it).await?;
        }
        let next = self.parts.store.read_now(|tx| Ok::<_, ClinicalError>(subscriptions::next(tx)?))?;
        let now = self.parts.clock.now();
        Ok(next.map_or(LONGEST, |next| next.millis_since(now).clamp(0, LONGEST)))
    }

    async fn tell(&self, outgoing: &Outgoing, it: Subscription) -> Result<(), ClinicalError> {
        let (cipher, id) = (&self.parts.cipher, it.id.clone());
        let news = self.parts.store.read_now(|tx| Ok::<_, ClinicalError>(subscriptions::news(tx, &id)?))?;
        let caller = Caller { user: it.user.clone(), device: None };
        let changed = self.parts.store.read_now(|tx| {
            let found =
                news.iter().map(|(task, _)| tasks::get(tx, cipher, task)).collect::<Result<Vec<_>, _>>();
            Ok::<_, ClinicalError>(found?)
        })?;
        if caller.is_system() && !self.is_registered(&caller)? {
            // Nobody is behind it any more.
            return Ok(self.parts.store.write(move |tx| subscriptions::remove(tx, &id)).await?);
        }
        let visible = changed.iter().flatten().any(|task| self.may_see(&caller, task));
        if visible && !call(outgoing, &it.terms).await {
            let now = self.parts.clock.now();
            let rest = REST.saturating_mul(1 << it.failures.min(10)).min(LONGEST_REST);
            let over = it.failing_since.is_some_and(|since| now.millis_since(since) >= GIVE_UP);
            let next = (!over).then(|| now.plus_millis(rest));
            tracing::warn!(subscription = id, given_up = over, "a subscriber could not be told");
            return Ok(self.parts.store.write(move |tx| subscriptions::failed(tx, &id, now, next)).await?);
        }
        Ok(self.parts.store.write(move |tx| subscriptions::told(tx, &id, &news)).await?)
    }
}

impl Clinical {
    /// Whether an administrator still lets a system in.
    fn is_registered(&self, caller: &Caller) -> Result<bool, ClinicalError> {
        let client = caller.person().trim_start_matches('~');
        self.parts.store.read_now(|tx| Ok::<_, ClinicalError>(systems::find(tx, client)?.is_some()))
    }
}

/// Whether the subscriber took the call.
async fn call(outgoing: &Outgoing, terms: &Terms) -> bool {
    let mut request = http::Request::post(&terms.endpoint);
    for (name, value) in &terms.headers {
        request = request.header(name, value);
    }
    let Ok(request) = request.body(Bytes::new()) else { return false };
    outgoing.send(request, ANSWER).await.is_ok_and(|answer| answer.status().is_success())
}
