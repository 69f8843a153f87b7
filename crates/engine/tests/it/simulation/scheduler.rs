//! One thread that decides which task goes on: any task that is ready may be next, whoever was woken first.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::Mutex;

use super::dice::Dice;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
type Ready = Arc<Mutex<BTreeSet<usize>>>;

/// The tasks of one life of the process.
#[derive(Default)]
pub(crate) struct Scheduler {
    tasks: BTreeMap<usize, Task>,
    ready: Ready,
    next: usize,
}

struct Bell {
    task: usize,
    ready: Ready,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ready.lock().insert(self.task);
    }
}

impl Scheduler {
    /// Adds a task; its number.
    pub(crate) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) -> usize {
        let number = self.next;
        self.next += 1;
        self.tasks.insert(number, Box::pin(task));
        self.ready.lock().insert(number);
        number
    }

    /// Whether a task has not ended.
    pub(crate) fn is_running(&self, task: usize) -> bool {
        self.tasks.contains_key(&task)
    }

    /// Lets one task that is ready go on to its next wait. Whether there was one.
    pub(crate) fn poll_one(&mut self, dice: &Dice) -> bool {
        let number = {
            let mut ready = self.ready.lock();
            let Some(number) = ready.iter().nth(dice.below(ready.len())).copied() else { return false };
            ready.remove(&number);
            number
        };
        dice.note(&number.to_le_bytes());
        let Some(task) = self.tasks.get_mut(&number) else { return true };
        let waker = Waker::from(Arc::new(Bell { task: number, ready: Arc::clone(&self.ready) }));
        if let Poll::Ready(()) = task.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.tasks.remove(&number);
        }
        true
    }
}
