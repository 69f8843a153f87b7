//! Application services: bridges and bots that have names of their own and are told of what concerns them.
//!
//! - [`AppServices`]: who they are; asked for every request and for every name that somebody makes.
//! - `transaction`: what one of them is told of a stretch of the stream.
//! - `worker`: the telling: in order, each stretch until it was taken, with a cursor that survives a crash.
//! - `ask`: what the server asks of them: users, aliases, third-party networks, ping.
//!
//! Specification: Application Service API.

mod ask;
mod transaction;
mod worker;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};
use wardline_domain::app_service::{Namespaces, Registration, RegistrationError};
use wardline_domain::ruma::{OwnedUserId, ServerName, UserId};
use wardline_outgoing::Outgoing;
use wardline_store::{Pos, RoomNid, StreamRow, StreamSink};

pub use ask::{AskError, Ping};

use crate::Context;
use crate::typing::Typing;

/// One application service.
#[derive(Debug)]
pub struct Service {
    /// Its registration.
    pub registration: Registration,
    /// The user that it acts as when it names nobody.
    pub sender: OwnedUserId,
    namespaces: Namespaces,
    /// Which rooms concern it because of its users.
    interest: Mutex<HashMap<RoomNid, Interest>>,
    /// Rung when something was committed and when somebody types.
    wake: Notify,
    /// Rung when the service shows that it is there.
    there: Notify,
    /// Rooms whose typing people changed since it was told last.
    typing: Mutex<HashSet<RoomNid>>,
}

/// Whether a room concerns a service because of its users.
#[derive(Clone, Copy, Debug, Default)]
struct Interest {
    /// One of them is in the room.
    now: bool,
    /// The last of them that left did so at this position.
    left_at: Pos,
}

impl Service {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.registration.id
    }

    /// Whether a user is one of its own.
    #[must_use]
    pub fn has_user(&self, user: &UserId) -> bool {
        user == self.sender || self.namespaces.users.have(user.as_str())
    }

    /// Whether an alias is one of its own.
    #[must_use]
    pub fn has_alias(&self, alias: &str) -> bool {
        self.namespaces.aliases.have(alias)
    }

    /// It has shown that it is there: what waits for it is tried at once.
    pub fn is_there(&self) {
        self.there.notify_waiters();
    }
}

/// All application services of the server.
#[derive(Debug, Default)]
pub struct AppServices {
    services: Vec<Arc<Service>>,
    outgoing: Option<Outgoing>,
}

impl AppServices {
    /// The services of these registrations, reached through `outgoing`.
    ///
    /// # Errors
    /// [`RegistrationError`], also when two have the same id or token.
    pub fn new(
        registrations: Vec<Registration>,
        server: &ServerName,
        outgoing: Outgoing,
    ) -> Result<Self, RegistrationError> {
        let mut services: Vec<Arc<Service>> = Vec::new();
        for registration in registrations {
            let wrong = |field, reason: &str| RegistrationError { field, reason: reason.to_owned() };
            let namespaces = registration.namespaces()?;
            for other in services.iter().map(|service| &service.registration) {
                if other.id == registration.id {
                    return Err(wrong("id", "another application service has it"));
                }
                if other.as_token == registration.as_token {
                    return Err(wrong("as_token", "another application service has it"));
                }
            }
            let sender = UserId::parse_with_server_name(&*registration.sender_localpart, server)
                .map_err(|_| wrong("sender_localpart", "not the local part of a user id"))?;
            services.push(Arc::new(Service {
                registration,
                sender,
                namespaces,
                interest: Mutex::default(),
                wake: Notify::new(),
                there: Notify::new(),
                typing: Mutex::default(),
            }));
        }
        Ok(Self { services, outgoing: Some(outgoing) })
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.iter()
    }

    /// The service of a token.
    #[must_use]
    pub fn by_token(&self, token: &str) -> Option<&Arc<Service>> {
        self.services.iter().find(|service| same(&service.registration.as_token, token))
    }

    /// The service of an id.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<&Arc<Service>> {
        self.services.iter().find(|service| service.id() == id)
    }

    /// The service that alone may make this user.
    #[must_use]
    pub fn owner_of_user(&self, user: &UserId) -> Option<&Arc<Service>> {
        self.services
            .iter()
            .find(|service| user == service.sender || service.namespaces.users.own(user.as_str()))
    }

    /// The service that alone may make this alias.
    #[must_use]
    pub fn owner_of_alias(&self, alias: &str) -> Option<&Arc<Service>> {
        self.services.iter().find(|service| service.namespaces.aliases.own(alias))
    }

    /// Starts the telling. It ends when the guard is dropped.
    pub(crate) fn start(&self, context: &Arc<Context>, typing: &Arc<Typing>) -> DropGuard {
        let stop = CancellationToken::new();
        let told: Vec<_> =
            self.services.iter().filter(|service| service.registration.url.is_some()).cloned().collect();
        if let (Some(outgoing), false) = (&self.outgoing, told.is_empty()) {
            context.store.subscribe(Arc::new(Wake(told.clone())) as Arc<dyn StreamSink>);
            let eager = told.iter().filter(|service| service.registration.receive_ephemeral);
            typing.watch(eager.cloned().collect());
            for service in told {
                let worker = worker::Worker::new(context, typing, service, outgoing.clone());
                let stop = stop.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = worker.run() => {}
                    }
                });
            }
        }
        stop.drop_guard()
    }
}

/// Compares secrets without telling by the time where they differ.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

/// Rings the services when something was committed.
struct Wake(Vec<Arc<Service>>);

impl StreamSink for Wake {
    fn committed(&self, _: &[StreamRow]) {
        for service in &self.0 {
            service.wake.notify_one();
        }
    }
}

impl Service {
    /// The people who type in a room changed.
    pub(crate) fn typing_changed(&self, room: RoomNid) {
        self.typing.lock().insert(room);
        self.wake.notify_one();
    }
}
