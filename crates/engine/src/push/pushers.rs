//! Setting and listing pushers (`POST /pushers/set`, `GET /pushers`), and who of them has news.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::{Mutex, RwLock};
use serde_json::{Map, Value};
use tokio::sync::Notify;
use wardline_domain::ruma::{OwnedUserId, UserId};
use wardline_store::pushers::{self, Ack, Activation, NewPusher, Pusher};
use wardline_store::{Kind, StreamRow, StreamSink, UserNid};

use super::web;
use crate::{Context, EngineError};

/// The most pushers that one user has.
const MOST: usize = 50;
/// The longest application id, in characters.
const LONGEST_APP_ID: usize = 64;
/// The longest push key, in bytes.
const LONGEST_PUSHKEY: usize = 512;
/// The longest name, language or tag, in bytes.
const LONGEST_NAME: usize = 1024;
/// The longest data, in bytes.
const LONGEST_DATA: usize = 8192;
/// How long the token is good that activates a Web Push pusher.
const ACK_MS: i64 = 5 * 60 * 1000;
/// Rows of the stream that wait to be followed; if there are more, every pusher looks for itself.
const MOST_ROWS: usize = 100_000;

/// A pusher as a client asks for it.
#[derive(Clone, Debug)]
pub struct PusherToSet {
    /// `http` or `webpush`.
    pub kind: String,
    /// The application.
    pub app_id: String,
    /// What the gateway knows the device by; for Web Push the device's public key.
    pub pushkey: String,
    /// For people: the application's name.
    pub app_display_name: String,
    /// For people: the device's name.
    pub device_display_name: String,
    /// Which device-specific rules it follows; only kept.
    pub profile_tag: Option<String>,
    /// The language of the device.
    pub lang: String,
    /// `url`, `format`, and for Web Push `auth`.
    pub data: Map<String, Value>,
    /// Leave pushers of other users with this key.
    pub append: bool,
}

/// Pushers of users.
#[derive(Debug)]
pub struct Pushers {
    context: Arc<Context>,
    pub(super) board: Arc<Board>,
}

/// Who has pushers, and what happened that they may have to be told of.
#[derive(Debug, Default)]
pub(super) struct Board {
    pub(super) users: RwLock<Arc<HashMap<UserNid, Owner>>>,
    rows: Mutex<Vec<StreamRow>>,
    changed: Mutex<HashSet<UserNid>>,
    pub(super) bell: Notify,
}

/// Somebody with pushers.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) id: OwnedUserId,
    pub(super) pushers: Vec<i64>,
}

impl StreamSink for Board {
    fn committed(&self, rows: &[StreamRow]) {
        if self.users.read().is_empty() {
            return;
        }
        let is_followed =
            |row: &&StreamRow| matches!(row.kind, Kind::Event | Kind::Receipt | Kind::Membership);
        let mut waiting = self.rows.lock();
        if waiting.len() <= MOST_ROWS {
            waiting.extend(rows.iter().filter(is_followed));
        }
        drop(waiting);
        self.bell.notify_one();
    }
}

impl Board {
    /// What happened since the last call; `None`: too much.
    pub(super) fn take_rows(&self) -> Option<Vec<StreamRow>> {
        let rows = std::mem::take(&mut *self.rows.lock());
        (rows.len() <= MOST_ROWS).then_some(rows)
    }

    /// Whose pushers changed since the last call.
    pub(super) fn take_changed(&self) -> HashSet<UserNid> {
        std::mem::take(&mut *self.changed.lock())
    }

    fn change(&self, user: UserNid) {
        self.changed.lock().insert(user);
        self.bell.notify_one();
    }
}

impl Pushers {
    /// Over `context`.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context, board: Arc::default() }
    }

    /// The pushers of a user, in the order in which they came.
    ///
    /// # Errors
    /// Any failure of the database.
    pub fn of_user(&self, user: UserNid) -> Result<Vec<Pusher>, EngineError> {
        Ok(self.context.store.read_now(|tx| pushers::of_user(tx, user))?)
    }

    /// Sets a pusher for a device of a user. Whether it must be activated before it is used (MSC4174): the token for
    /// that is pushed to it.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] naming the field, [`EngineError::Forbidden`] for a user with too many pushers.
    pub async fn set(&self, user: UserNid, device: &str, wanted: PusherToSet) -> Result<bool, EngineError> {
        check(&wanted)?;
        let now = self.context.now();
        let is_web = wanted.kind == "webpush";
        let ack = is_web.then(|| Ack { token: self.context.random.uuid(), until: now.plus_millis(ACK_MS) });
        let append = wanted.append;
        let new = NewPusher {
            user,
            device: device.to_owned(),
            app_id: wanted.app_id,
            pushkey: wanted.pushkey,
            kind: wanted.kind,
            app_display_name: wanted.app_display_name,
            device_display_name: wanted.device_display_name,
            profile_tag: wanted.profile_tag,
            lang: wanted.lang,
            data: Value::Object(wanted.data).to_string(),
            at: now,
            ack,
        };
        let set = self.context.store.write_with(move |tx| {
            if !append {
                pushers::remove_of_others(tx, user, &new.app_id, &new.pushkey)?;
            }
            let is_this = |known: &Pusher| known.app_id == new.app_id && known.pushkey == new.pushkey;
            let known = pushers::of_user(tx, user)?;
            if known.len() >= MOST && !known.iter().any(is_this) {
                return Err(EngineError::forbidden("you have too many pushers"));
            }
            let (_, to_activate) = pushers::set(tx, &new, |old| web::is_same(&old.data, &new.data))?;
            Ok(to_activate)
        });
        let to_activate = set.await?;
        self.board.change(user);
        Ok(to_activate)
    }

    /// Removes a pusher. That there is none is no error.
    ///
    /// # Errors
    /// Any failure of the database.
    pub async fn remove(&self, user: UserNid, app_id: &str, pushkey: &str) -> Result<(), EngineError> {
        let (app_id, pushkey) = (app_id.to_owned(), pushkey.to_owned());
        self.context.store.write(move |tx| pushers::remove_key(tx, user, &app_id, &pushkey)).await?;
        self.board.change(user);
        Ok(())
    }

    /// Activates a Web Push pusher by the token that was pushed to it (MSC4174).
    ///
    /// # Errors
    /// Any failure of the database; what came of it is told otherwise.
    pub async fn activate(
        &self,
        user: UserNid,
        app_id: &str,
        token: &str,
    ) -> Result<Activation, EngineError> {
        let (app_id, token, now) = (app_id.to_owned(), token.to_owned(), self.context.now());
        let write =
            move |tx: &mut wardline_store::WriteTx<'_>| pushers::activate(tx, user, &app_id, &token, now);
        let done = self.context.store.write(write).await?;
        self.board.change(user);
        Ok(done)
    }

    /// Fills the board with who has pushers now, and follows the stream from now on.
    pub(super) fn follow(&self) -> Result<Vec<i64>, wardline_store::StoreError> {
        self.context.store.subscribe(Arc::clone(&self.board) as Arc<dyn StreamSink>);
        let all = self.context.store.read_now(|tx| pushers::all(tx))?;
        let mut board = self.board.users.write();
        let users = Arc::make_mut(&mut *board);
        for (id, user, user_id) in &all {
            let owner =
                users.entry(*user).or_insert_with(|| Owner { id: user_id.clone(), pushers: Vec::new() });
            owner.pushers.push(*id);
        }
        Ok(all.into_iter().map(|(id, _, _)| id).collect())
    }

    /// Reads anew which pushers a user has: their numbers.
    pub(super) fn reload(&self, user: UserNid) -> Result<Vec<i64>, wardline_store::StoreError> {
        let found = self.context.store.read_now(|tx| pushers::of_user(tx, user))?;
        let ids: Vec<i64> = found.iter().map(|pusher| pusher.id).collect();
        let mut board = self.board.users.write();
        let users = Arc::make_mut(&mut *board);
        match found.first() {
            None => drop(users.remove(&user)),
            Some(first) => {
                users.insert(user, Owner { id: first.user_id.clone(), pushers: ids.clone() });
            }
        }
        Ok(ids)
    }
}

impl Owner {
    pub(super) fn user_id(&self) -> &UserId {
        &self.id
    }
}

fn check(wanted: &PusherToSet) -> Result<(), EngineError> {
    let bad = |field: &str, reason: &str| Err(EngineError::invalid(field, reason));
    if wanted.app_id.is_empty() || wanted.app_id.chars().count() > LONGEST_APP_ID {
        return bad("app_id", "must have 1 to 64 characters");
    }
    if wanted.pushkey.is_empty() || wanted.pushkey.len() > LONGEST_PUSHKEY {
        return bad("pushkey", "must have 1 to 512 bytes");
    }
    for (field, text) in [
        ("app_display_name", Some(&wanted.app_display_name)),
        ("device_display_name", Some(&wanted.device_display_name)),
        ("lang", Some(&wanted.lang)),
        ("profile_tag", wanted.profile_tag.as_ref()),
    ] {
        if text.is_some_and(|text| text.len() > LONGEST_NAME) {
            return bad(field, "longer than 1024 bytes");
        }
    }
    if serde_json::to_string(&wanted.data).map_or(0, |data| data.len()) > LONGEST_DATA {
        return bad("data", "longer than 8192 bytes");
    }
    if wanted.data.get("format").is_some_and(|format| !format.is_string()) {
        return bad("data.format", "must be a string");
    }
    let Some(url) = web::address(&wanted.data) else { return bad("data.url", "missing") };
    let Ok(uri) = url.parse::<http::Uri>() else { return bad("data.url", "is not a URL") };
    let (scheme, host) = (uri.scheme_str().unwrap_or_default(), uri.host().unwrap_or_default());
    if !matches!(scheme, "http" | "https") || host.is_empty() {
        return bad("data.url", "is not an http or https URL");
    }
    match wanted.kind.as_str() {
        "http" if uri.path() != "/_matrix/push/v1/notify" => {
            bad("data.url", "must have the path /_matrix/push/v1/notify")
        }
        "http" => Ok(()),
        // A service on this machine needs no encryption underneath, as browsers have it, too.
        "webpush" if scheme != "https" && !matches!(host, "localhost" | "127.0.0.1" | "[::1]") => {
            bad("data.url", "must be an https URL")
        }
        "webpush" => {
            let auth = wanted.data.get("auth").and_then(Value::as_str).unwrap_or_default();
            if URL_SAFE_NO_PAD.decode(auth.trim_end_matches('=')).map_or(0, |auth| auth.len()) != 16 {
                return bad("data.auth", "is not 16 bytes in URL-safe base64");
            }
            if web::public_key(&wanted.pushkey).is_none() {
                return bad("pushkey", "is not a P-256 public key in URL-safe base64");
            }
            Ok(())
        }
        _ => bad("kind", "neither http nor webpush"),
    }
}
