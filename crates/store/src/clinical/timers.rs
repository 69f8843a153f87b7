//! Durable clocks, one of each kind per task.

use wardline_domain::Timestamp;

use crate::{Reader, Row, StoreError, WriteTx, params};

/// What happens when a clock rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerKind {
    /// The present step of a request has had its time.
    Step,
    /// The person asked should be in the room by now.
    Invite,
    /// Those whom an urgent request asks are reminded.
    Remind,
}

impl TimerKind {
    const fn code(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Invite => "invite",
            Self::Remind => "remind",
        }
    }
}

/// One clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// What it is for.
    pub kind: TimerKind,
    /// Id of the task.
    pub task: String,
    /// The request's step when it was set.
    pub step: usize,
    /// When it rings.
    pub due_at: Timestamp,
}

/// Sets a clock, instead of the one of the same kind and task.
///
/// # Errors
/// Any failure of the database.
pub fn set(tx: &mut WriteTx<'_>, timer: &Timer) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO timers (kind, subject, step, due_at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (kind, subject) DO UPDATE SET step = ?3, due_at = ?4",
        params![timer.kind.code(), timer.task, timer.step, timer.due_at],
    )?;
    Ok(())
}

/// Stops the clock of this kind, if it is set.
///
/// # Errors
/// Any failure of the database.
pub fn clear(tx: &mut WriteTx<'_>, kind: TimerKind, task: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM timers WHERE kind = ?1 AND subject = ?2", params![kind.code(), task])?;
    Ok(())
}

/// Takes a clock away if it is still set exactly so; whoever gets `true` acts on it, and nobody twice.
///
/// # Errors
/// Any failure of the database.
pub fn take(tx: &mut WriteTx<'_>, timer: &Timer) -> Result<bool, StoreError> {
    let taken = tx.execute(
        "DELETE FROM timers WHERE kind = ?1 AND subject = ?2 AND step = ?3 AND due_at = ?4",
        params![timer.kind.code(), timer.task, timer.step, timer.due_at],
    )?;
    Ok(taken == 1)
}

/// The clocks that have rung by `now`, earliest first, at most `limit`.
///
/// # Errors
/// Any failure of the database.
pub fn due(tx: &impl Reader, now: Timestamp, limit: usize) -> Result<Vec<Timer>, StoreError> {
    let sql =
        "SELECT kind, subject, step, due_at FROM timers WHERE due_at <= ?1 ORDER BY due_at, subject LIMIT ?2";
    tx.query(sql, params![now, limit], read)
}

/// When the next clock rings.
///
/// # Errors
/// Any failure of the database.
pub fn next_due(tx: &impl Reader) -> Result<Option<Timestamp>, StoreError> {
    tx.query_row("SELECT due_at FROM timers ORDER BY due_at LIMIT 1", params![], |row| row.get(0))
}

fn read(row: &Row<'_>) -> Result<Timer, StoreError> {
    let kind = match row.text(0)? {
        "step" => TimerKind::Step,
        "invite" => TimerKind::Invite,
        "remind" => TimerKind::Remind,
        _ => return Err(StoreError::Malformed("column kind is not a kind of timer".into())),
    };
    Ok(Timer { kind, task: row.get(1)?, step: row.get(2)?, due_at: row.get(3)? })
}
