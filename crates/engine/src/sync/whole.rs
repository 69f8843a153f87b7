//! Answers about all rooms of somebody: the first one of a client, and those with `full_state`.
//!
//! They are large. So the same one that is asked for several times at once is made once and shared; few are made at a
//! time; and all that wait to be sent may only take a certain number of bytes, so that a hundred clients that sign in
//! together are served one after the other instead of using up the memory.

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use super::SyncRequest;
use crate::EngineError;

/// Answers that are made at a time.
const MAKERS: usize = 4;
/// KiB of answers that are made and not yet sent.
const KIBIBYTES: u32 = 256 << 10;

/// The JSON of an answer.
#[derive(Clone, Debug)]
pub struct Body(Form);

#[derive(Clone, Debug)]
enum Form {
    Own(String),
    Shared(Arc<Held>),
}

/// An answer that others may send, too, and the memory that it takes until all have.
#[derive(Debug)]
struct Held {
    json: String,
    _memory: Option<OwnedSemaphorePermit>,
}

impl From<String> for Body {
    fn from(json: String) -> Self {
        Self(Form::Own(json))
    }
}

impl Deref for Body {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Form::Own(json) => json,
            Form::Shared(held) => &held.json,
        }
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        self.json.as_bytes()
    }
}

impl From<Body> for Bytes {
    /// Without a copy. A shared answer counts as unsent until the bytes are dropped.
    fn from(body: Body) -> Self {
        #[derive(Debug)]
        struct Owner(Arc<Held>);
        impl AsRef<[u8]> for Owner {
            fn as_ref(&self) -> &[u8] {
                (*self.0).as_ref()
            }
        }
        match body.0 {
            Form::Own(json) => Self::from(json),
            Form::Shared(held) => Self::from_owner(Owner(held)),
        }
    }
}

type Cell = Arc<OnceCell<Body>>;

/// The answers that are being made, and the memory for those that are.
#[derive(Debug)]
pub(super) struct Whole {
    making: Mutex<Vec<(Arc<SyncRequest>, Cell)>>,
    makers: Semaphore,
    memory: Arc<Semaphore>,
    kibibytes: u32,
}

impl Default for Whole {
    fn default() -> Self {
        Self::new(MAKERS, KIBIBYTES)
    }
}

impl Whole {
    fn new(makers: usize, kibibytes: u32) -> Self {
        Self {
            making: Mutex::default(),
            makers: Semaphore::new(makers),
            memory: Arc::new(Semaphore::new(kibibytes as usize)),
            kibibytes,
        }
    }

    /// The answer to a request: made by `make`, unless somebody is at it already.
    ///
    /// # Errors
    /// What `make` returns; whoever else waits for the answer tries again.
    pub(super) async fn get(
        &self,
        request: &Arc<SyncRequest>,
        make: impl AsyncFnOnce() -> Result<String, EngineError>,
    ) -> Result<Body, EngineError> {
        let joined = self.join(request);
        joined
            .cell
            .get_or_try_init(async || {
                // Neither semaphore is ever closed.
                let _maker = self.makers.acquire().await.ok();
                let json = make().await?;
                // While there is no room for it, its maker makes no other.
                let size = u32::try_from(json.len() >> 10).unwrap_or(u32::MAX).saturating_add(1);
                let wanted = size.min(self.kibibytes);
                let _memory = Arc::clone(&self.memory).acquire_many_owned(wanted).await.ok();
                Ok(Body(Form::Shared(Arc::new(Held { json, _memory }))))
            })
            .await
            .cloned()
    }

    fn join(&self, request: &Arc<SyncRequest>) -> Joined<'_> {
        let mut making = self.making.lock();
        let cell = match making.iter().find(|(other, _)| other == request) {
            Some((_, cell)) => Arc::clone(cell),
            None => {
                let cell = Cell::default();
                making.push((Arc::clone(request), Arc::clone(&cell)));
                cell
            }
        };
        Joined { whole: self, cell }
    }
}

/// Somebody who waits for an answer, until they have it or have gone.
struct Joined<'w> {
    whole: &'w Whole,
    cell: Cell,
}

impl Drop for Joined<'_> {
    fn drop(&mut self) {
        let mut making = self.whole.making.lock();
        // The next one who asks gets a new answer. If this one is not made yet, whoever else waits for it goes on.
        let is_last = Arc::strong_count(&self.cell) <= 2;
        if is_last || self.cell.initialized() {
            making.retain(|(_, cell)| !Arc::ptr_eq(cell, &self.cell));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Waker};

    use wardline_domain::ruma::owned_user_id;
    use wardline_store::UserNid;

    use super::*;
    use crate::filters::Filter;

    fn request(device: &str) -> Arc<SyncRequest> {
        Arc::new(SyncRequest {
            user: UserNid(1),
            user_id: owned_user_id!("@ada:x.example"),
            device: device.into(),
            since: None,
            filter: Filter::default().into(),
            full_state: false,
            state_after: false,
            stable_state_after: false,
            set_presence: crate::presence::State::Offline,
        })
    }

    #[tokio::test]
    async fn what_is_asked_for_at_once_is_made_once() {
        let (whole, made) = (Whole::default(), AtomicUsize::new(0));
        let ask = async |device| {
            let make = async || {
                tokio::task::yield_now().await;
                Ok(made.fetch_add(1, Ordering::Relaxed).to_string())
            };
            whole.get(&request(device), make).await.unwrap()
        };
        let (one, same, other) = tokio::join!(ask("A"), ask("A"), ask("B"));
        assert!(std::ptr::eq(&*one, &*same));
        assert_ne!(&*one, &*other);
        assert_eq!(made.load(Ordering::Relaxed), 2);
        assert_eq!(&*ask("A").await, "2", "who asks later gets what is there then");
        assert!(whole.making.lock().is_empty());
    }

    #[tokio::test]
    async fn who_goes_away_leaves_the_work_to_the_others_and_nothing_behind() {
        let whole = Whole::default();
        let request = request("A");
        let mut given_up = Box::pin(whole.get(&request, async || std::future::pending().await));
        let mut context = Context::from_waker(Waker::noop());
        assert!(given_up.as_mut().poll(&mut context).is_pending());
        let mut next = pin!(whole.get(&request, async || Ok("made".to_owned())));
        assert!(next.as_mut().poll(&mut context).is_pending());
        drop(given_up);
        assert_eq!(&*next.await.unwrap(), "made");
        let refused = whole.get(&request, async || Err(EngineError::NotFound("room"))).await;
        assert!(refused.is_err());
        assert!(whole.making.lock().is_empty());
    }

    #[tokio::test]
    async fn what_is_not_sent_yet_leaves_little_room_for_more() {
        let whole = Whole::new(1, 10);
        let large = async || Ok("x".repeat(6 << 10));
        let first: Bytes = whole.get(&request("A"), large).await.unwrap().into();
        let second = request("B");
        let mut second = pin!(whole.get(&second, large));
        let mut context = Context::from_waker(Waker::noop());
        assert!(second.as_mut().poll(&mut context).is_pending());
        let copy = first.clone();
        drop(first);
        assert!(second.as_mut().poll(&mut context).is_pending(), "a copy is still to be sent");
        drop(copy);
        let Poll::Ready(second) = second.as_mut().poll(&mut context) else { panic!("there is room") };
        drop(second);
        // One that is larger than all there is gets all there is.
        let huge = whole.get(&request("C"), async || Ok("x".repeat(20 << 10))).await.unwrap();
        assert_eq!(whole.memory.available_permits(), 0);
        drop(huge);
        assert_eq!(whole.memory.available_permits(), 10);
    }
}
