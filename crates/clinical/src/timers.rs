//! The durable clocks and the rota: one task that sleeps until the next clock is due. What rang while the server was
//! off rings at the start, and shifts that began meanwhile are acted on then.

use std::time::Duration;

use futures_util::future::join_all;
use wardline_domain::{
    Timestamp,
    care::{playbook::Class, request::Command},
};
use wardline_store::clinical::{
    patients, rota, tasks,
    timers::{self, Timer, TimerKind},
};

use crate::{
    Clinical, ClinicalError, interruptions,
    outbox::{self, Job},
    requests::{Move, announce_reminder, reminder},
    user_of,
};

/// The longest sleep; bounds the harm of a clock that is set back or forwards under us.
const LONGEST: i64 = 30_000;
/// A reminder that is later than this, in milliseconds, is left out.
const LATE: i64 = 30_000;
/// How long to wait after a failure.
const RETRY: i64 = 1000;
/// Clocks read at a time.
const PAGE: usize = 256;

impl Clinical {
    /// Lets every clock ring that is due at `now`, each exactly once, and gives how many rang.
    ///
    /// # Errors
    /// The first failure of the store; the others have rung or will be tried again.
    pub async fn fire_due(&self, now: Timestamp) -> Result<usize, ClinicalError> {
        let (mut rang, mut failure) = (0, None);
        let due = self.parts.store.read(move |tx| timers::due(tx, now, PAGE)).await?;
        // All at once: clocks that are due together share the committer's transaction and its write to the disk.
        for rung in join_all(due.into_iter().map(|timer| self.ring(timer, now))).await {
            match rung {
                Ok(taken) => rang += usize::from(taken),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        self.outbox_filled.notify_one();
        self.news.notify_one();
        self.calls_changed.send_replace(());
        failure.map_or(Ok(rang), Err)
    }

    async fn ring(&self, timer: Timer, now: Timestamp) -> Result<bool, ClinicalError> {
        let parts = self.parts.clone();
        self.parts
            .store
            .write_with(move |tx| {
                if !timers::take(tx, &timer)? {
                    return Ok(false);
                }
                let Some(task) = tasks::get(tx, &parts.cipher, &timer.task)? else { return Ok(true) };
                match timer.kind {
                    TimerKind::Step => {
                        let step =
                            Move { parts: &parts, actor: None, device: None, device_at: None, at: now };
                        step.apply(tx, task, &Command::Expire { step: timer.step })?;
                    }
                    TimerKind::Remind => {
                        let next = reminder(&task.request, now);
                        if let Some(due_at) = next {
                            timers::set(tx, &Timer { due_at, ..timer.clone() })?;
                        }
                        // What was missed, the server being off, is not made up for.
                        let urgent = task.request.class == Class::Urgent;
                        let late = urgent && now.millis_since(timer.due_at) > LATE;
                        let waits =
                            reminder(&task.request, timer.due_at.plus_millis(-1)) == Some(timer.due_at);
                        if late || !waits {
                            return Ok(false);
                        }
                        interruptions::note_reminder(tx, &parts, &task, now)?;
                        announce_reminder(tx, &parts.server_name, &task, now)?;
                    }
                    TimerKind::Invite => {
                        let over = task.request.state.is_final();
                        for person in task.request.holders.iter().filter(|_| !over) {
                            let user = user_of(person, &parts.server_name)?;
                            let (room, own) = (task.room.clone(), task.in_own_room());
                            outbox::push(tx, &outbox::subject(&task), &Job::Invite { room, user, own })?;
                        }
                    }
                }
                Ok(true)
            })
            .await
    }

    /// Brings those whose shift or assignment began since the last call, up to `now`, into the conversations of the
    /// wards that they cover. The first call only notes the time: admissions have gathered the staff of then. Then acts
    /// upon every role that has another holder than before.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn follow_rota(&self, now: Timestamp) -> Result<(), ClinicalError> {
        self.gather_newcomers(now).await?;
        self.settle_roles(now).await
    }

    async fn gather_newcomers(&self, now: Timestamp) -> Result<(), ClinicalError> {
        let cursor = self.parts.store.read_now(|tx| Ok::<_, ClinicalError>(rota::cursor(tx)?))?;
        let since = cursor.unwrap_or(now);
        let changed = self
            .parts
            .store
            .read_now(|tx| Ok::<_, ClinicalError>(rota::wards_with_changes(tx, since, now)?))?;
        if cursor.is_some() && changed.is_empty() {
            return Ok(());
        }
        let cipher = self.parts.cipher.clone();
        self.parts
            .store
            .write(move |tx| {
                for ward in changed {
                    for patient in patients::in_hospital(tx, &cipher, Some(&ward))? {
                        let job = Job::Gather { patient: patient.reference.clone() };
                        outbox::push(tx, &patient.reference, &job)?;
                    }
                }
                rota::set_cursor(tx, now)
            })
            .await?;
        self.outbox_filled.notify_one();
        Ok(())
    }

    pub(crate) async fn run_timers(&self) {
        loop {
            let sleep = match self.tick().await {
                Ok(sleep) => sleep,
                Err(error) => {
                    tracing::error!(%error, "a clock of a request could not ring and will be tried again");
                    RETRY
                }
            };
            let sleep = Duration::from_millis(u64::try_from(sleep).unwrap_or_default());
            tokio::select! {
                () = tokio::time::sleep(sleep) => {}
                () = self.timers_changed.notified() => {}
            }
        }
    }

    /// Rings what is due; milliseconds until the next.
    async fn tick(&self) -> Result<i64, ClinicalError> {
        let now = self.parts.clock.now();
        self.follow_rota(now).await?;
        self.send_digests(now).await?;
        if self.next_due()?.is_some_and(|due| due <= now) {
            self.fire_due(now).await?;
        }
        let due = self.next_due()?.map_or_else(|| self.roles_due(), |due| due.min(self.roles_due()));
        Ok(due.millis_since(self.parts.clock.now()).clamp(0, LONGEST))
    }

    fn next_due(&self) -> Result<Option<Timestamp>, ClinicalError> {
        self.parts.store.read_now(|tx| Ok(timers::next_due(tx)?))
    }
}
