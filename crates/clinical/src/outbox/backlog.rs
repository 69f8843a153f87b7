//! Which of the jobs that were read may be done now: those of one subject one after the other, those of different
//! subjects at once.

use std::collections::{HashMap, HashSet, VecDeque};

use wardline_store::clinical::outbox::OutboxRow;

/// Jobs that were read and are not done. A subject is in `ready` if its first job may begin.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    waiting: HashMap<String, VecDeque<OutboxRow>>,
    ready: VecDeque<String>,
    busy: HashSet<String>,
    /// Subjects of which a job failed: it holds back the later ones of the same subject, and no others.
    held: HashSet<String>,
    rows: usize,
    left: usize,
}

impl Backlog {
    /// Adds a job behind those of its subject.
    pub(super) fn add(&mut self, row: OutboxRow) {
        if self.held.contains(&row.subject) {
            self.left += 1;
            return;
        }
        self.rows += 1;
        let queue = self.waiting.entry(row.subject.clone()).or_default();
        if queue.is_empty() && !self.busy.contains(&row.subject) {
            self.ready.push_back(row.subject.clone());
        }
        queue.push_back(row);
    }

    /// Takes a job that may begin. [`finished`](Self::finished) must be told of its end.
    pub(super) fn next(&mut self) -> Option<OutboxRow> {
        let subject = self.ready.pop_front()?;
        let row = self.waiting.get_mut(&subject)?.pop_front()?;
        self.rows -= 1;
        self.busy.insert(subject);
        Some(row)
    }

    /// The job of this subject that had begun is done, or must be tried again.
    pub(super) fn finished(&mut self, subject: String, done: bool) {
        self.busy.remove(&subject);
        let rest = self.waiting.get(&subject).map_or(0, VecDeque::len);
        if done && rest > 0 {
            self.ready.push_back(subject);
            return;
        }
        self.waiting.remove(&subject);
        if !done {
            self.rows -= rest;
            self.left += 1 + rest;
            self.held.insert(subject);
        }
    }

    /// Jobs that have not begun.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// Jobs that must be tried again later.
    pub(super) fn left(&self) -> usize {
        self.left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seq: i64, subject: &str) -> OutboxRow {
        OutboxRow { seq, subject: subject.to_owned(), job: String::new() }
    }

    fn ready(backlog: &mut Backlog) -> Vec<i64> {
        std::iter::from_fn(|| backlog.next()).map(|row| row.seq).collect()
    }

    #[test]
    fn one_subject_in_order_and_others_beside_it() {
        let mut backlog = Backlog::default();
        for (seq, subject) in [(1, "a"), (2, "a"), (3, "b"), (4, "a"), (5, "c")] {
            backlog.add(row(seq, subject));
        }
        assert_eq!(ready(&mut backlog), [1, 3, 5]);
        assert_eq!(backlog.len(), 2);
        backlog.add(row(6, "b"));
        assert_eq!(ready(&mut backlog), [] as [i64; 0], "each is at work");
        backlog.finished("b".to_owned(), true);
        backlog.finished("a".to_owned(), true);
        assert_eq!(ready(&mut backlog), [6, 2]);
        for subject in ["a", "b", "c"] {
            backlog.finished(subject.to_owned(), true);
        }
        assert_eq!((ready(&mut backlog), backlog.len(), backlog.left()), (vec![4], 0, 0));
    }

    #[test]
    fn what_failed_holds_back_its_own_subject_only() {
        let mut backlog = Backlog::default();
        for (seq, subject) in [(1, "a"), (2, "a"), (3, "b")] {
            backlog.add(row(seq, subject));
        }
        assert_eq!(ready(&mut backlog), [1, 3]);
        backlog.finished("a".to_owned(), false);
        backlog.add(row(4, "a"));
        backlog.add(row(5, "b"));
        backlog.finished("b".to_owned(), true);
        assert_eq!(ready(&mut backlog), [5]);
        assert_eq!((backlog.len(), backlog.left()), (0, 3));
    }
}
