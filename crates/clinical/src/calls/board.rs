//! The board of a call: whom it reached, and who comes.
//!
//! A reader says up to which change they know the board, and is given what changed since, at once or as soon as something
//! does. However many answer, each answer is sent to a reader once; answers that come together go together.

use std::time::Duration;

use tokio::time::Instant;
use wardline_audit::Action;
use wardline_domain::{
    Timestamp,
    care::request::{Reason, State, Transition},
};
use wardline_store::{
    Reader,
    clinical::{calls, tasks},
};

use super::{CallView, audit, crash};
use crate::{Call, CallKind, CalledPerson, Caller, Clinical, ClinicalError, ClinicalParts, Only, Task};

/// How long changes are gathered before a reader is told: a broadcast is answered by hundreds at once.
const GATHER: Duration = Duration::from_millis(150);
/// The longest time that a reader may wait.
const LONGEST: Duration = Duration::from_secs(30);

/// The board of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// The call.
    pub view: CallView,
    /// Whether `rows` are all there are, and not only those that changed.
    pub whole: bool,
    /// Those who are called.
    pub rows: Vec<BoardRow>,
}

/// One who is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardRow {
    /// Tells the rows of one board apart.
    pub key: String,
    /// The role in which they are called.
    pub role: Option<String>,
    /// Who (id and name); `None` if nobody holds the role.
    pub person: Option<(String, String)>,
    /// What they are.
    pub job: String,
    /// When they were told.
    pub told: Option<Timestamp>,
    /// How many devices were told; `None` where that is not counted.
    pub devices: Option<usize>,
    /// When it was on one of their devices.
    pub delivered: Option<Timestamp>,
    /// When they looked at it.
    pub seen: Option<Timestamp>,
    /// What they answered, the last in the end.
    pub answers: Vec<BoardAnswer>,
}

/// What somebody answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardAnswer {
    /// The code of the reply; for a crash call that of the request's state, or `there` for who made the call.
    pub code: String,
    /// In how many minutes they come.
    pub minutes: Option<u32>,
    /// When they said so.
    pub at: Timestamp,
    /// What they said with it.
    pub words: Option<String>,
}

/// Everything about a call, for a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallReport {
    /// The call.
    pub view: CallView,
    /// Everybody who was called.
    pub rows: Vec<BoardRow>,
    /// The requests of a crash call.
    pub tasks: Vec<String>,
    /// When the report was made.
    pub at: Timestamp,
}

impl BoardRow {
    /// What they answered last.
    #[must_use]
    pub fn answer(&self) -> Option<&BoardAnswer> {
        self.answers.last()
    }

    /// Whether they come, or are there, by what they answered last.
    #[must_use]
    pub fn comes(&self, call: &Call) -> bool {
        self.answer().is_some_and(|answer| match call.kind {
            CallKind::Crash => answer.code != State::Declined.code(),
            CallKind::Broadcast => call.replies.iter().any(|reply| reply.code == answer.code && reply.comes),
        })
    }

    /// When they are there by what they said: at once if they are on their way without a time.
    #[must_use]
    pub fn expected(&self, call: &Call) -> Option<Timestamp> {
        let answer = self.answer().filter(|_| self.comes(call))?;
        Some(answer.at.plus_millis(i64::from(answer.minutes.unwrap_or(0)) * 60_000))
    }
}

impl Clinical {
    /// The board of a call. A reader who knows it up to version `since` is told what changed, within `wait` (at most 30
    /// seconds) or with nothing new after it. Beginning to read it is audited.
    ///
    /// # Errors
    /// [`ClinicalError::NotFound`]; [`ClinicalError::Forbidden`] for who is called by a broadcast and no more.
    pub async fn call_board(
        &self,
        caller: &Caller,
        id: &str,
        since: Option<u64>,
        wait: Duration,
    ) -> Result<Board, ClinicalError> {
        let until = Instant::now() + wait.min(LONGEST);
        let mut changed = self.calls_changed.subscribe();
        let view = self.readable(caller, id)?;
        if since.is_none() {
            self.note_read(caller, &view.call, "board").await?;
        }
        // Somebody who knows more than there is knows another board: they are given this one.
        while since == Some(self.version(id)?) {
            tokio::select! {
                gone = changed.changed() => if gone.is_err() { break },
                () = tokio::time::sleep_until(until) => break,
            }
            tokio::time::sleep(GATHER).await;
        }
        let (parts, id) = (self.parts.clone(), id.to_owned());
        let (rows, seq, version, whole) = self
            .parts
            .store
            .read(move |tx| {
                let (call, seq) = found(tx, &parts, &id)?;
                let known = since.filter(|since| *since <= seq && call.kind == CallKind::Broadcast);
                let (rows, tasks) = rows(tx, &parts, &call, known.unwrap_or(0))?;
                let version = seq + tasks.iter().map(|task| task.request.version).sum::<u64>();
                Ok::<_, ClinicalError>((rows, call, version, known.is_none_or(|since| since == 0)))
            })
            .await?;
        Ok(Board { view: CallView { call: seq, version, ..view }, whole, rows })
    }

    /// Everything about a call, for a report; `form` says in what form it is taken, for the audit.
    ///
    /// # Errors
    /// As [`Clinical::call_board`].
    pub async fn call_report(
        &self,
        caller: &Caller,
        id: &str,
        form: &str,
    ) -> Result<CallReport, ClinicalError> {
        let view = self.readable(caller, id)?;
        self.note_read(caller, &view.call, form).await?;
        let (parts, id, at) = (self.parts.clone(), id.to_owned(), self.parts.clock.now());
        self.parts
            .store
            .read(move |tx| {
                let (call, _) = found(tx, &parts, &id)?;
                let (mut rows, tasks) = rows(tx, &parts, &call, 0)?;
                if call.kind == CallKind::Broadcast {
                    rows.sort_by(|a, b| a.person.cmp(&b.person));
                }
                let tasks = tasks.into_iter().map(|task| task.id).collect();
                Ok(CallReport { view: CallView { call, ..view }, rows, tasks, at })
            })
            .await
    }

    fn readable(&self, caller: &Caller, id: &str) -> Result<CallView, ClinicalError> {
        let view = self.call(caller, id)?;
        if view.may_see_board { Ok(view) } else { Err(ClinicalError::Forbidden(Only::CallManagers)) }
    }

    /// The version of a call's board.
    fn version(&self, id: &str) -> Result<u64, ClinicalError> {
        let parts = &self.parts;
        parts.store.read_now(|tx| {
            let (call, seq) = found(tx, parts, id)?;
            let tasks = super::tasks_of(tx, parts, &call)?;
            Ok(seq + tasks.iter().map(|task| task.request.version).sum::<u64>())
        })
    }

    async fn note_read(&self, caller: &Caller, call: &Call, form: &str) -> Result<(), ClinicalError> {
        let (by, call, form, at) = (caller.clone(), call.clone(), form.to_owned(), self.parts.clock.now());
        let note = move |tx: &mut wardline_store::WriteTx<'_>| {
            audit(tx, &by, &call, Action::CallRead, at, &[("report", &form)])
        };
        self.parts.store.write_with(note).await
    }
}

fn found(tx: &impl Reader, parts: &ClinicalParts, id: &str) -> Result<(Call, u64), ClinicalError> {
    calls::get(tx, &parts.cipher, id)?.ok_or(ClinicalError::NotFound("CommunicationRequest"))
}

/// The rows of a board that changed after `since`, and the requests behind them.
fn rows(
    tx: &impl Reader,
    parts: &ClinicalParts,
    call: &Call,
    since: u64,
) -> Result<(Vec<BoardRow>, Vec<Task>), ClinicalError> {
    match call.kind {
        CallKind::Broadcast => {
            let people = calls::people_since(tx, &parts.cipher, &call.id, since)?;
            Ok((people.into_iter().map(of_person).collect(), Vec::new()))
        }
        CallKind::Crash => {
            let tasks = super::tasks_of(tx, parts, call)?;
            let mut rows = Vec::new();
            for called in call.called.iter().filter(|called| called.task.is_none()) {
                rows.push(of_caller(call, &called.name));
            }
            for task in &tasks {
                rows.extend(of_task(tx, parts, call, task)?);
            }
            Ok((rows, tasks))
        }
    }
}

fn of_person(it: CalledPerson) -> BoardRow {
    let answer =
        |it: calls::Answer| BoardAnswer { code: it.code, minutes: it.minutes, at: it.at, words: None };
    BoardRow {
        key: it.person.clone(),
        role: None,
        person: Some((it.person, it.name)),
        job: it.job,
        told: it.told.map(|(at, _)| at),
        devices: it.told.map(|(_, devices)| devices),
        delivered: it.delivered,
        seen: it.seen,
        answers: it.answers.into_iter().map(answer).collect(),
    }
}

/// Who made the call holds this role: they are there.
fn of_caller(call: &Call, role: &str) -> BoardRow {
    let at = call.raised_at;
    BoardRow {
        told: Some(at),
        delivered: Some(at),
        seen: Some(at),
        answers: vec![BoardAnswer { code: "there".to_owned(), minutes: None, at, words: None }],
        ..empty(role, role.to_owned(), Some((call.caller.clone(), call.caller_name.clone())))
    }
}

fn empty(key: &str, role: String, person: Option<(String, String)>) -> BoardRow {
    BoardRow {
        key: key.to_owned(),
        role: Some(role),
        person,
        job: String::new(),
        told: None,
        devices: None,
        delivered: None,
        seen: None,
        answers: Vec::new(),
    }
}

/// Everybody whom one request of a crash call has asked, and the roles that nobody holds, in the order in which it came to
/// them.
fn of_task(
    tx: &impl Reader,
    parts: &ClinicalParts,
    call: &Call,
    task: &Task,
) -> Result<Vec<BoardRow>, ClinicalError> {
    let first = call.called.iter().filter(|called| called.task.as_ref() == Some(&task.id));
    let first = first.map(|called| called.name.as_str()).collect::<Vec<_>>().join(", ");
    let mut rows: Vec<BoardRow> = Vec::new();
    for it in tasks::transitions(tx, &parts.cipher, &task.id)? {
        let role = || if it.step == 0 { Ok(first.clone()) } else { crash::step_name(tx, task, it.step) };
        let of = |rows: &mut Vec<BoardRow>, person: &str| -> Result<usize, ClinicalError> {
            let key = format!("{}/{person}", task.id);
            if let Some(at) = rows.iter().position(|row| row.key == key) {
                return Ok(at);
            }
            let name = crash::name_of_person(tx, person)?;
            rows.push(empty(&key, role()?, Some((person.to_owned(), name))));
            Ok(rows.len() - 1)
        };
        if let Some(asked) = &it.asks {
            let row = of(&mut rows, asked)?;
            rows[row].told.get_or_insert(it.at);
        } else if it.reason == Some(Reason::Vacant) {
            let key = format!("{}/step-{}", task.id, it.step);
            if rows.iter().all(|row| row.key != key) {
                rows.push(empty(&key, role()?, None));
            }
        } else if let Some(actor) = it.actor.as_ref().filter(|_| is_answer(&it)) {
            let row = of(&mut rows, actor)?;
            note(&mut rows[row], &it);
        }
    }
    Ok(rows)
}

/// Whether a transition is what somebody who was asked did.
fn is_answer(it: &Transition) -> bool {
    !matches!(it.reason, Some(Reason::Comment(_) | Reason::Reassigned))
        && !matches!(it.state, State::Raised | State::Cancelled | State::Failed)
}

fn note(row: &mut BoardRow, it: &Transition) {
    row.delivered.get_or_insert(it.at);
    if it.state == State::Delivered {
        return;
    }
    row.seen.get_or_insert(it.at);
    if it.state != State::Seen {
        let words = match &it.reason {
            Some(Reason::Said(words)) if !words.is_empty() => Some(words.clone()),
            _ => None,
        };
        let code = it.state.code().to_owned();
        row.answers.push(BoardAnswer { code, minutes: None, at: it.at, words });
    }
}
