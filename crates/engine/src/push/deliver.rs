//! Delivery: which pushers are due, and telling them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::RETRY_AFTER;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use wardline_outgoing::Outgoing;
use wardline_store::rooms;
use wardline_store::{Kind, Pos, Reader, StoreError, StreamRow, UserNid, pushers};

use super::plan::Telling;
use super::pushers::{Owner, Pushers};
use super::web::{Message, Vapid};
use super::{PushConfig, gateway, plan, web};
use crate::hub::Hub;
use crate::unread::{self, Who};
use crate::{Context, Engine};

/// How long to wait after a failure of the server's own.
const AFTER_FAILURE: Duration = Duration::from_secs(10);
/// How far the cursors of pushers that have nothing to tell may stay behind.
const BEHIND: Pos = 5000;

/// Delivery to all pushers.
pub(super) struct Delivery {
    context: Arc<Context>,
    hub: Arc<Hub>,
    pushers: Arc<Pushers>,
    outgoing: Outgoing,
    vapid: Option<Vapid>,
    config: PushConfig,
    permits: Semaphore,
    slots: Mutex<HashMap<i64, Slot>>,
    stop: CancellationToken,
}

/// One pusher at work.
#[derive(Default)]
struct Slot {
    running: bool,
    /// Something happened since the run began to look.
    again: bool,
    badge: plan::Badge,
    /// The unread count that was told last; `None`: not by this process.
    told: Option<u64>,
    failures: u32,
    /// The validation that was sent last.
    validated: Option<String>,
}

/// What comes next for a pusher.
enum Next {
    Rest,
    Again,
    Wait(Duration),
    Gone,
}

/// What became of one push.
enum Sent {
    Done,
    /// The receiver knows the device no more.
    Gone,
    /// Not now; perhaps after a time that the receiver names.
    Failed(Option<Duration>),
    /// Never: this push cannot be made or is refused for good.
    Never,
}

impl Delivery {
    pub(super) fn new(
        engine: &Engine,
        outgoing: Outgoing,
        vapid: Option<Vapid>,
        config: PushConfig,
        stop: CancellationToken,
    ) -> Self {
        Self {
            context: Arc::clone(&engine.context),
            hub: Arc::clone(&engine.hub),
            pushers: Arc::clone(&engine.pushers),
            outgoing,
            vapid,
            permits: Semaphore::new(config.parallel.max(1)),
            config,
            slots: Mutex::default(),
            stop,
        }
    }

    /// Follows the stream. Never ends by itself.
    pub(super) async fn run(self: Arc<Self>) {
        // Whatever happened while nobody followed is found from the cursors.
        let mut due: HashSet<i64> = self.until_read(|this| this.pushers.follow()).await.into_iter().collect();
        let mut kept_up = 0;
        loop {
            for user in self.pushers.board.take_changed() {
                due.extend(self.until_read(|this| this.pushers.reload(user)).await);
            }
            match self.pushers.board.take_rows() {
                Some(rows) if rows.is_empty() => {}
                Some(rows) => match self.due_by(rows).await {
                    Ok(found) => due.extend(found),
                    Err(error) => {
                        tracing::warn!(%error, "pushers look for themselves");
                        due.extend(self.everyone());
                    }
                },
                None => due.extend(self.everyone()),
            }
            let head = self.context.store.head();
            for id in due.drain() {
                self.ring(id);
            }
            if head > kept_up + BEHIND {
                self.keep_up(head).await;
                kept_up = head;
            }
            self.pushers.board.bell.notified().await;
        }
    }

    async fn until_read<T>(&self, read: impl Fn(&Self) -> Result<T, StoreError>) -> T {
        loop {
            match read(self) {
                Ok(found) => return found,
                Err(error) => {
                    tracing::warn!(%error, "pushers wait");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        }
    }

    fn everyone(&self) -> Vec<i64> {
        self.pushers.board.users.read().values().flat_map(|owner| owner.pushers.iter().copied()).collect()
    }

    /// The pushers that have something to tell because of these rows.
    async fn due_by(self: &Arc<Self>, rows: Vec<StreamRow>) -> Result<Vec<i64>, StoreError> {
        let this = Arc::clone(self);
        self.context
            .store
            .read(move |tx| {
                let users = Arc::clone(&*this.pushers.board.users.read());
                let mut due: HashSet<UserNid> = HashSet::new();
                for row in rows {
                    match (row.kind, row.room, row.user) {
                        (Kind::Receipt | Kind::Membership | Kind::Alert, _, Some(user))
                            if users.contains_key(&user) =>
                        {
                            due.insert(user);
                        }
                        (Kind::Event, Some(_), sender) => {
                            this.notified(tx, &users, &row, sender, &mut due)?
                        }
                        _ => {}
                    }
                }
                let pushers = due.iter().filter_map(|user| users.get(user));
                Ok(pushers.flat_map(|owner| owner.pushers.iter().copied()).collect())
            })
            .await
    }

    /// Whom an event notifies. Whether they have read it or ignore its sender is seen when it is told.
    fn notified(
        &self,
        tx: &impl Reader,
        users: &HashMap<UserNid, Owner>,
        row: &StreamRow,
        sender: Option<UserNid>,
        due: &mut HashSet<UserNid>,
    ) -> Result<(), StoreError> {
        let Some(nid) = row.room else { return Ok(()) };
        let mut members = self.hub.joined_among(nid, users);
        // A sender has read what was before.
        due.extend(sender.filter(|sender| users.contains_key(sender)));
        members.retain(|member| Some(*member) != sender && !due.contains(member));
        if members.is_empty() {
            return Ok(());
        }
        let event = self.context.events.get(tx, wardline_store::EventNid(row.reference))?;
        let Some(room) = rooms::get(tx, nid)? else { return Ok(()) };
        if event.redacted_by.is_some() {
            return Ok(());
        }
        let joined = unread::joined_at(tx, &self.context.events, &room, event.pos)?;
        let nobody = HashSet::new();
        for member in members {
            let Some(owner) = users.get(&member) else { continue };
            let who = Who::new(tx, &self.context, member, owner.user_id(), &nobody)?;
            let (rules, user) = (&who.rules, owner.user_id());
            let rule = unread::decide(tx, &self.context, rules, user, &event, &mut || Ok(joined))?;
            if who.rules.set.outcome(rule).notify {
                due.insert(member);
            }
        }
        Ok(())
    }

    /// Moves the cursors of those that have nothing to tell up to `head`, so that a restart need not look at all that.
    async fn keep_up(&self, head: Pos) {
        let busy: HashSet<i64> =
            self.slots.lock().iter().filter(|(_, slot)| slot.running).map(|(id, _)| *id).collect();
        let idle: Vec<i64> = self.everyone().into_iter().filter(|id| !busy.contains(id)).collect();
        let moved = self
            .context
            .store
            .write(move |tx| idle.iter().try_for_each(|id| pushers::advance(tx, *id, head)));
        if let Err(error) = moved.await {
            tracing::warn!(%error, "the cursors of pushers stay behind");
        }
    }

    fn ring(self: &Arc<Self>, id: i64) {
        let mut slots = self.slots.lock();
        let slot = slots.entry(id).or_default();
        slot.again = true;
        if !std::mem::replace(&mut slot.running, true) {
            let this = Arc::clone(self);
            tokio::spawn(async move {
                let stop = this.stop.clone();
                tokio::select! {
                    () = this.serve(id) => {}
                    () = stop.cancelled() => {}
                }
            });
        }
    }

    /// Tells one pusher everything, with rests in between.
    async fn serve(self: Arc<Self>, id: i64) {
        loop {
            self.with(id, |slot| slot.again = false);
            let next = match self.turn(id).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!(pusher = id, %error, "a pusher waits");
                    Next::Wait(AFTER_FAILURE)
                }
            };
            match next {
                Next::Again => {}
                Next::Wait(time) => tokio::time::sleep(time).await,
                Next::Gone => {
                    self.slots.lock().remove(&id);
                    return;
                }
                Next::Rest => {
                    let rests = self.with(id, |slot| {
                        slot.running = slot.again;
                        !slot.again
                    });
                    if rests {
                        return;
                    }
                }
            }
        }
    }

    fn with<T>(&self, id: i64, change: impl FnOnce(&mut Slot) -> T) -> T {
        change(self.slots.lock().entry(id).or_default())
    }

    async fn turn(self: &Arc<Self>, id: i64) -> Result<Next, StoreError> {
        let Ok(_permit) = self.permits.acquire().await else { return Ok(Next::Gone) };
        let (this, badge) = (Arc::clone(self), self.with(id, |slot| std::mem::take(&mut slot.badge)));
        let age = i64::try_from(self.config.give_up.as_millis()).unwrap_or(i64::MAX);
        let oldest = self.context.now().plus_millis(age.saturating_neg());
        let plan = self.context.store.read(move |tx| {
            let silence = this.config.silence.as_deref();
            plan::plan(tx, &this.context, &this.hub, id, badge, (oldest, silence))
        });
        let Some(mut plan) = plan.await? else { return Ok(Next::Gone) };
        let badge = std::mem::take(&mut plan.badge);
        self.with(id, |slot| slot.badge = badge);
        if !plan.pusher.activated {
            return self.validate(&plan).await;
        }
        let mut told = None;
        for telling in plan.tellings() {
            let sent = self.send(self.request(&plan, Some(telling)), &plan.pusher).await;
            match sent {
                Sent::Done | Sent::Never => {
                    told = Some(telling.pos());
                    let unread = plan.unread.messages;
                    self.with(id, |slot| (slot.failures, slot.told) = (0, Some(unread)));
                }
                Sent::Gone => return self.remove(&plan).await,
                Sent::Failed(after) => {
                    if let Some(told) = told {
                        self.advance(id, told).await?;
                    }
                    return Ok(self.wait(id, after));
                }
            }
        }
        if told.is_none()
            && let Some(next) = self.tell_badge(&plan).await?
        {
            return Ok(next);
        }
        if plan.upto > plan.pusher.cursor && (told.is_some() || plan.upto > plan.pusher.cursor + BEHIND) {
            self.advance(id, plan.upto).await?;
        }
        Ok(if plan.more { Next::Again } else { Next::Rest })
    }

    /// Tells a gateway that the unread count changed without an event, as when the user reads on another device. A
    /// browser may not be pushed to without something to show.
    async fn tell_badge(&self, plan: &plan::Plan) -> Result<Option<Next>, StoreError> {
        let (id, unread) = (plan.pusher.id, plan.unread.messages);
        let last = self.with(id, |slot| *slot.told.get_or_insert(unread));
        if last == unread || plan.pusher.kind != "http" {
            self.with(id, |slot| slot.told = Some(unread));
            return Ok(None);
        }
        Ok(match self.send(self.request(plan, None), &plan.pusher).await {
            Sent::Done | Sent::Never => {
                self.with(id, |slot| (slot.failures, slot.told) = (0, Some(unread)));
                None
            }
            Sent::Gone => Some(self.remove(plan).await?),
            Sent::Failed(after) => Some(self.wait(id, after)),
        })
    }

    /// Pushes the token that activates a pusher, once each time that it is set.
    async fn validate(&self, plan: &plan::Plan) -> Result<Next, StoreError> {
        let (id, pusher) = (plan.pusher.id, &plan.pusher);
        let Some(ack) = pusher.ack.as_ref().filter(|ack| ack.until > self.context.now()) else {
            return Ok(Next::Rest);
        };
        if self.with(id, |slot| slot.validated.as_ref() == Some(&ack.token)) {
            return Ok(Next::Rest);
        }
        let request = self.vapid.as_ref().and_then(|vapid| {
            let message = Message::Validation(&ack.token);
            web::request(pusher, &message, vapid, &self.config.app_url, self.context.now())
        });
        Ok(match self.send(request, pusher).await {
            Sent::Done | Sent::Never => {
                self.with(id, |slot| (slot.failures, slot.validated) = (0, Some(ack.token.clone())));
                Next::Rest
            }
            Sent::Gone => self.remove(plan).await?,
            Sent::Failed(after) => self.wait(id, after),
        })
    }

    fn request(&self, plan: &plan::Plan, telling: Option<Telling<'_>>) -> Option<http::Request<Bytes>> {
        let pusher = &plan.pusher;
        match (pusher.kind.as_str(), telling) {
            ("webpush", Some(telling)) => {
                let message = match telling {
                    Telling::Event(notice) => Message::Event(notice, plan.unread),
                    Telling::Alert(alert) => Message::Alert(alert, plan.unread),
                };
                let vapid = self.vapid.as_ref()?;
                web::request(pusher, &message, vapid, &self.config.app_url, self.context.now())
            }
            ("http", Some(Telling::Event(notice))) => {
                gateway::request(pusher, Some(notice), plan.unread.messages)
            }
            ("http", Some(Telling::Alert(_))) => gateway::wake(pusher, plan.unread.messages),
            ("http", None) => gateway::request(pusher, None, plan.unread.messages),
            _ => None,
        }
    }

    async fn send(&self, request: Option<http::Request<Bytes>>, pusher: &pushers::Pusher) -> Sent {
        let Some(request) = request else { return Sent::Never };
        let answer = match self.outgoing.send(request, gateway::LONGEST_ANSWER).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::info!(pusher = pusher.id, %error, "a push failed");
                return Sent::Failed(None);
            }
        };
        let (status, is_web) = (answer.status(), pusher.kind == "webpush");
        let gone = [StatusCode::NOT_FOUND, StatusCode::GONE, StatusCode::FORBIDDEN];
        if status.is_success() {
            let rejected = !is_web && gateway::rejects(pusher, answer.body());
            return if rejected { Sent::Gone } else { Sent::Done };
        }
        tracing::info!(pusher = pusher.id, status = status.as_u16(), "a push was not taken");
        if is_web && gone.contains(&status) {
            return Sent::Gone;
        }
        let for_later =
            [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT, StatusCode::UNAUTHORIZED];
        if is_web && status.is_client_error() && !for_later.contains(&status) {
            return Sent::Never;
        }
        let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Sent::Failed(seconds.map(Duration::from_secs))
    }

    /// How long the pusher rests after a failure: twice as long each time, at least as long as was asked for, and not
    /// in step with others.
    fn wait(&self, id: i64, asked: Option<Duration>) -> Next {
        let failures = self.with(id, |slot| {
            slot.failures = slot.failures.saturating_add(1);
            slot.failures
        });
        let doubled = self.config.rest.saturating_mul(1 << (failures - 1).min(20));
        let longest = self.config.longest_rest;
        let mut byte = [0];
        self.context.random.fill(&mut byte);
        let jittered = doubled.min(longest).mul_f64(0.5 + f64::from(byte[0]) / 512.0);
        Next::Wait(jittered.max(asked.unwrap_or_default().min(longest)))
    }

    async fn advance(&self, id: i64, to: Pos) -> Result<(), StoreError> {
        self.context.store.write(move |tx| pushers::advance(tx, id, to)).await
    }

    async fn remove(&self, plan: &plan::Plan) -> Result<Next, StoreError> {
        let id = plan.pusher.id;
        tracing::info!(pusher = id, "a pusher is gone: its receiver knows the device no more");
        self.context.store.write(move |tx| pushers::remove(tx, id)).await?;
        self.pushers.reload(plan.pusher.user)?;
        Ok(Next::Gone)
    }
}
