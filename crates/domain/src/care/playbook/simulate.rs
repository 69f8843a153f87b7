//! What would happen if nobody answered.

use super::{Class, PlannedStep};
use crate::Timestamp;
use crate::care::request::{Command, Context, Raise, Request, RequestError, Standing, Transition};

/// Raises a request by `requester` at `at` and lets every clock run out until the last step was asked for the second
/// time; gives every transition. `standing` says how the steps of the plan stand at a moment.
///
/// # Errors
/// The plan is empty.
pub fn simulate(
    class: Class,
    plan: Vec<PlannedStep>,
    requester: &str,
    at: Timestamp,
    mut standing: impl FnMut(&[PlannedStep], Timestamp) -> Vec<Standing>,
) -> Result<Vec<Transition>, RequestError> {
    let now = standing(&plan, at);
    let context = Context { actor: Some(requester), device: None, device_at: None, at, standing: &now };
    let (mut request, mut log) = Request::raise(Raise { class, plan, needed_by: None }, &context)?;
    while let Some(due) = request.next_step_at.filter(|_| !request.overdue) {
        let now = standing(&request.plan, due);
        let context = Context { actor: None, device: None, device_at: None, at: due, standing: &now };
        let (next, more) = request.apply(&Command::Expire { step: request.step }, &context)?;
        request = next;
        log.extend(more);
    }
    Ok(log)
}
