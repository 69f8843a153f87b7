//! Telling a service: in order, each stretch of the stream until it was taken.
//!
//! Before a transaction is sent its number and end are written down, so that after a crash the same number covers the
//! same stretch: a service that has taken it already leaves it out, and nothing is lost or comes twice.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use wardline_outgoing::Outgoing;
use wardline_store::app_services::{self, Cursor};
use wardline_store::{Pos, StoreError, UserNid, stream, to_device};

use super::Service;
use super::ask::request;
use super::transaction::{Transaction, collect};
use crate::Context;
use crate::typing::Typing;

/// The first pause after a failure; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Positions without news after which the cursor is written down all the same.
const SILENT: Pos = 5000;
/// The largest answer that is read.
const ANSWER: usize = 64 << 10;

/// The telling of one service.
pub(super) struct Worker {
    context: Weak<Context>,
    typing: Arc<Typing>,
    service: Arc<Service>,
    outgoing: Outgoing,
    /// The life of the database: a restored one counts its transactions from the backup on again, and the service must
    /// not take them for those that it had.
    epoch: u64,
}

impl Worker {
    pub(super) fn new(
        context: &Arc<Context>,
        typing: &Arc<Typing>,
        service: Arc<Service>,
        outgoing: Outgoing,
    ) -> Self {
        Self {
            epoch: context.store.epochs().current(),
            context: Arc::downgrade(context),
            typing: Arc::clone(typing),
            service,
            outgoing,
        }
    }

    /// Tells until the engine is gone.
    pub(super) async fn run(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.follow().await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(service = self.service.id(), %error, "application service: the store failed");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn follow(&self) -> Result<(), StoreError> {
        let Some(mut cursor) = self.cursor().await? else { return Ok(()) };
        let mut written = cursor.pos;
        loop {
            let Some(transaction) = self.collect(cursor).await? else { return Ok(()) };
            let upto = transaction.upto;
            if transaction.is_empty() {
                let silent = upto == cursor.pos;
                if cursor.upto.is_some() || upto.saturating_sub(written) >= SILENT {
                    cursor = Cursor { pos: upto, txn: cursor.txn, upto: None };
                    self.write(cursor, Vec::new()).await?;
                    written = upto;
                }
                cursor.pos = upto;
                if silent {
                    self.service.wake.notified().await;
                }
                continue;
            }
            if cursor.upto.is_none() {
                cursor.upto = Some(upto);
                self.write(cursor, Vec::new()).await?;
            }
            self.send(cursor.txn, transaction.body().into()).await;
            cursor = Cursor { pos: upto, txn: cursor.txn + 1, upto: None };
            self.write(cursor, transaction.handed).await?;
            written = upto;
        }
    }

    /// Where to go on; a new service begins with what happens from now on.
    async fn cursor(&self) -> Result<Option<Cursor>, StoreError> {
        let Some(context) = self.context.upgrade() else { return Ok(None) };
        let id = self.service.id().to_owned();
        if let Some(cursor) = context.store.read_now(|tx| app_services::cursor(tx, &id))? {
            return Ok(Some(cursor));
        }
        let begin = context.store.write(move |tx| {
            let cursor = Cursor { pos: stream::head(tx)?, txn: 1, upto: None };
            app_services::set_cursor(tx, &id, cursor)?;
            Ok(cursor)
        });
        begin.await.map(Some)
    }

    async fn collect(&self, cursor: Cursor) -> Result<Option<Transaction>, StoreError> {
        let Some(context) = self.context.upgrade() else { return Ok(None) };
        let (service, typing) = (Arc::clone(&self.service), Arc::clone(&self.typing));
        // A transaction that was begun before a crash covers its stretch and no more.
        let changed = if cursor.upto.is_some() {
            Default::default()
        } else {
            std::mem::take(&mut *service.typing.lock())
        };
        let store = context.store.clone();
        store
            .read(move |tx| collect(tx, &context, &service, cursor.pos, cursor.upto, (&typing, changed)))
            .await
            .map(Some)
    }

    /// Writes down how far the service has come, and forgets the messages to devices that it was handed.
    async fn write(&self, cursor: Cursor, handed: Vec<(UserNid, String)>) -> Result<(), StoreError> {
        let Some(context) = self.context.upgrade() else { return Ok(()) };
        let id = self.service.id().to_owned();
        context
            .store
            .write(move |tx| {
                for (user, device) in &handed {
                    to_device::delete_upto(tx, *user, device, cursor.pos)?;
                }
                app_services::set_cursor(tx, &id, cursor)
            })
            .await
    }

    /// Sends a transaction until it was taken.
    async fn send(&self, txn: u64, body: Bytes) {
        let mut pause = FIRST_PAUSE;
        let txn = if self.epoch == 0 { txn.to_string() } else { format!("{}-{txn}", self.epoch) };
        loop {
            let path = format!("/_matrix/app/v1/transactions/{txn}");
            match request(&self.service, http::Method::PUT, &path, body.clone()) {
                Ok(request) => match self.outgoing.send(request, ANSWER).await {
                    Ok(answer) if answer.status() == StatusCode::OK => return,
                    Ok(answer) => {
                        tracing::warn!(service = self.service.id(), status = %answer.status(), "application service refused a transaction");
                    }
                    Err(error) => {
                        tracing::warn!(service = self.service.id(), %error, "application service not reached");
                    }
                },
                Err(error) => tracing::error!(service = self.service.id(), %error, "application service"),
            }
            self.pause(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits, but not for long when the service shows that it is there.
    async fn pause(&self, pause: Duration) {
        let after = tokio::time::sleep(FIRST_PAUSE.min(pause));
        after.await;
        if pause > FIRST_PAUSE {
            tokio::select! {
                () = tokio::time::sleep(pause - FIRST_PAUSE) => {}
                () = self.service.there.notified() => {}
            }
        }
    }
}
