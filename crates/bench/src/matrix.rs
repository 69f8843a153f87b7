//! The client-server API as far as the bench needs it: accounts, rooms, sends and syncs.

use futures_util::future::try_join_all;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha1::Sha1;
use std::{cell::RefCell, fs, net::SocketAddr, ops::Range};

use crate::{
    error::{Error, Result},
    house::{Account, House, Kind},
    wire::{Connection, Request},
};

pub(crate) const PASSWORD: &str = "a long enough password for a bench";
/// How many requests are under way while accounts and rooms are made.
pub(crate) const WIDTH: usize = 8;
/// What a device asks of a sync: a client's usual filter, long enough a timeline that a busy room leaves no gap.
const FILTER: &str = r#"{"presence":{"not_types":["*"]},"room":{"timeline":{"limit":200,"lazy_load_members":true},"state":{"lazy_load_members":true}}}"#;

/// Percent-encodes an id for a path or a query.
pub(crate) fn encoded(id: &str) -> String {
    let mut out = String::with_capacity(id.len() + 8);
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The string value of the first member called `name` in `body`, without parsing the rest.
pub(crate) fn text_field<'a>(body: &'a [u8], name: &'static str) -> Result<&'a str> {
    let found = memchr::memmem::find(body, format!("\"{name}\"").as_bytes()).ok_or(Error::Field(name))?;
    let rest = &body[found + name.len() + 2..];
    let mut parts = rest.splitn(3, |&byte| byte == b'"');
    let value = parts.nth(1).ok_or(Error::Field(name))?;
    std::str::from_utf8(value).map_err(|_| Error::Field(name))
}

/// Does `work` for every item with `width` connections, and gives the answers in the order of the items.
pub(crate) async fn parallel<T, R>(
    address: SocketAddr,
    width: usize,
    items: impl IntoIterator<Item = T>,
    work: impl AsyncFn(&mut Connection, T) -> Result<R>,
) -> Result<Vec<R>> {
    let queue = RefCell::new(items.into_iter().enumerate());
    let answers = RefCell::new(Vec::new());
    let worker = async || -> Result<()> {
        let mut connection = Connection::new(address);
        loop {
            let next = queue.borrow_mut().next();
            let Some((index, item)) = next else { return Ok(()) };
            let answer = work(&mut connection, item).await?;
            answers.borrow_mut().push((index, answer));
        }
    };
    try_join_all((0..width).map(|_| worker())).await?;
    let mut answers = answers.into_inner();
    answers.sort_unstable_by_key(|(index, _)| *index);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

async fn post(connection: &mut Connection, path: &str, token: Option<&str>, body: &Value) -> Result<Value> {
    let body = body.to_string();
    let request = Request { method: "POST", path, token, body: Some(body.as_bytes()) };
    let answer = connection.ok(request).await?;
    serde_json::from_slice(answer).map_err(|error| Error::Json { what: path.to_owned(), error })
}

fn text(answer: &Value, name: &'static str) -> Result<String> {
    answer[name].as_str().map(str::to_owned).ok_or(Error::Field(name))
}

/// Signs in with the bench's password. `POST /_matrix/client/v3/login`.
pub(crate) async fn login(connection: &mut Connection, name: &str) -> Result<Account> {
    let identifier = json!({"type": "m.id.user", "user": name});
    let body = json!({"type": "m.login.password", "identifier": identifier, "password": PASSWORD});
    let answer = post(connection, "/_matrix/client/v3/login", None, &body).await?;
    account(name, &answer)
}

fn account(name: &str, answer: &Value) -> Result<Account> {
    let (user_id, token) = (text(answer, "user_id")?, text(answer, "access_token")?);
    Ok(Account { name: name.to_owned(), user_id, token, filter: None })
}

fn by_secret(secret: Option<&[u8]>) -> Making<'_> {
    secret.map_or(Making::Open, Making::Secret)
}

async fn register(connection: &mut Connection, name: &str, making: Making<'_>) -> Result<Account> {
    const PATH: &str = "/_matrix/client/v3/register";
    let answer = match making {
        Making::Service(token) => {
            let body = json!({"type": "m.login.application_service", "username": name});
            post(connection, PATH, Some(token), &body).await
        }
        Making::Secret(secret) => register_with_secret(connection, name, secret).await,
        Making::Open => {
            let auth = json!({"type": "m.login.dummy"});
            let body = json!({"username": name, "password": PASSWORD, "auth": auth});
            post(connection, PATH, None, &body).await
        }
    };
    match answer {
        Ok(answer) => account(name, &answer),
        // Made by a run that ended before it could write so down.
        Err(Error::Status { status: 400, body, .. }) if body.contains("M_USER_IN_USE") => match making {
            Making::Service(token) => {
                let identifier = json!({"type": "m.id.user", "user": name});
                let body = json!({"type": "m.login.application_service", "identifier": identifier});
                account(name, &post(connection, "/_matrix/client/v3/login", Some(token), &body).await?)
            }
            Making::Secret(_) | Making::Open => login(connection, name).await,
        },
        Err(error) => Err(error),
    }
}

/// `GET` then `POST /_synapse/admin/v1/register`: the message authenticated is the fields joined by NUL.
async fn register_with_secret(connection: &mut Connection, name: &str, secret: &[u8]) -> Result<Value> {
    const PATH: &str = "/_synapse/admin/v1/register";
    let get = Request { method: "GET", path: PATH, token: None, body: None };
    let nonce = text_field(connection.ok(get).await?, "nonce")?.to_owned();
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).map_err(|error| Error::Misuse(error.to_string()))?;
    mac.update(format!("{nonce}\0{name}\0{PASSWORD}\0notadmin").as_bytes());
    let mac: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let body = json!({"nonce": nonce, "username": name, "password": PASSWORD, "admin": false, "mac": mac});
    post(connection, PATH, None, &body).await
}

/// `POST /_matrix/client/v3/createRoom`: an encrypted room that anybody of the server may join.
pub(crate) async fn create_room(connection: &mut Connection, owner: &Account) -> Result<String> {
    let encryption = json!({
        "type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"},
    });
    let body = json!({"preset": "public_chat", "visibility": "private", "initial_state": [encryption]});
    let answer = post(connection, "/_matrix/client/v3/createRoom", Some(&owner.token), &body).await?;
    text(&answer, "room_id")
}

async fn join(connection: &mut Connection, room: &str, member: &Account) -> Result<()> {
    let path = format!("/_matrix/client/v3/rooms/{}/join", encoded(room));
    post(connection, &path, Some(&member.token), &json!({})).await.map(drop)
}

/// Stores the bench's filter for `account` and gives its id.
async fn filter(connection: &mut Connection, account: &Account) -> Result<String> {
    let path = format!("/_matrix/client/v3/user/{}/filter", encoded(&account.user_id));
    let request =
        Request { method: "POST", path: &path, token: Some(&account.token), body: Some(FILTER.as_bytes()) };
    Ok(text_field(connection.ok(request).await?, "filter_id")?.to_owned())
}

/// How an account is made.
#[derive(Debug, Clone, Copy)]
enum Making<'a> {
    /// By an application service, with this token.
    Service(&'a str),
    /// By the secret of `/_synapse/admin/v1/register`.
    Secret(&'a [u8]),
    /// By whoever comes.
    Open,
}

impl House {
    /// The first `count` accounts of the crowd `name`, made where they are missing. Each family has a crowd of its own:
    /// the rooms of one would weigh on the first syncs of another.
    pub(crate) async fn crowd(&self, name: &str, count: usize) -> Result<Vec<Account>> {
        if self.spec.kind == Kind::Limit {
            let one = Account {
                name: "bench".to_owned(),
                user_id: "@bench:limit".to_owned(),
                token: "limit".to_owned(),
                filter: None,
            };
            return Ok(vec![one; count]);
        }
        let token = self.service_token()?;
        let secret = self.secret()?;
        let making = token.as_deref().map_or_else(|| by_secret(secret.as_deref()), Making::Service);
        self.made_by(making, name, count).await
    }

    /// The same for accounts that can sign in with the bench's password.
    pub(crate) async fn crowd_with_passwords(&self, name: &str, count: usize) -> Result<Vec<Account>> {
        let secret = self.secret()?;
        self.made_by(by_secret(secret.as_deref()), name, count).await
    }

    async fn made_by(&self, making: Making<'_>, crowd: &str, count: usize) -> Result<Vec<Account>> {
        // In pieces, so that an interrupted run keeps most of what it made.
        loop {
            let have = self.made.borrow().crowds.get(crowd).map_or(0, Vec::len);
            if have >= count {
                return Ok(self
                    .made
                    .borrow()
                    .crowds
                    .get(crowd)
                    .map_or_else(Vec::new, |all| all[..count].to_vec()));
            }
            let names = (have..count.min(have + 500)).map(|index| format!("{crowd}{index:06}"));
            let new = parallel(self.spec.address, WIDTH, names, async |connection, name| {
                register(connection, &name, making).await
            })
            .await?;
            self.made.borrow_mut().crowds.entry(crowd.to_owned()).or_default().extend(new);
            self.keep()?;
        }
    }

    /// An account kept under `name` and used for nothing else.
    pub(crate) async fn lone_account(&self, name: &str) -> Result<Account> {
        if let Some(account) = self.made.borrow().lone.get(name) {
            return Ok(account.clone());
        }
        let secret = self.secret()?;
        let account =
            register(&mut self.connection(), &format!("lone.{name}"), by_secret(secret.as_deref())).await?;
        self.made.borrow_mut().lone.insert(name.to_owned(), account.clone());
        self.keep()?;
        Ok(account)
    }

    fn secret(&self) -> Result<Option<Vec<u8>>> {
        let Some(file) = &self.spec.secret_file else { return Ok(None) };
        let bytes = fs::read(file).map_err(|error| Error::File(file.clone(), error))?;
        Ok(Some(bytes.trim_ascii().to_vec()))
    }

    fn service_token(&self) -> Result<Option<String>> {
        let Some(file) = &self.spec.service_token_file else { return Ok(None) };
        let text = fs::read_to_string(file).map_err(|error| Error::File(file.clone(), error))?;
        Ok(Some(text.trim().to_owned()))
    }

    /// A room kept under `name`, made by the first of `members` and joined by the others.
    pub(crate) async fn room(&self, name: &str, members: &[Account]) -> Result<String> {
        if self.spec.kind == Kind::Limit {
            return Ok(format!("!{name}:limit"));
        }
        if let Some(room) = self.made.borrow().rooms.get(name) {
            return Ok(room.clone());
        }
        let owner =
            members.first().ok_or_else(|| Error::Misuse(format!("{name}: a room without members")))?;
        let room = create_room(&mut self.connection(), owner).await?;
        let others = members[1..].iter();
        parallel(self.spec.address, WIDTH, others, async |connection, member| {
            join(connection, &room, member).await
        })
        .await?;
        self.made.borrow_mut().rooms.insert(name.to_owned(), room.clone());
        self.keep()?;
        Ok(room)
    }

    /// `count` rooms called `name-0` and so on; `members(i)` are those of the i-th. Several are made at a time.
    pub(crate) async fn rooms<'a>(
        &self,
        name: &str,
        count: usize,
        members: impl Fn(usize) -> &'a [Account],
    ) -> Result<Vec<String>> {
        let members = &members;
        parallel(self.spec.address, WIDTH, 0..count, async |_, index| {
            self.room(&format!("{name}-{index}"), members(index)).await
        })
        .await
    }

    /// Devices of the accounts `range` of a crowd, with their first sync done.
    pub(crate) async fn devices(&self, crowd: &str, range: Range<usize>) -> Result<Vec<Device>> {
        let accounts = self.crowd(crowd, range.end).await?.split_off(range.start);
        let accounts = range.zip(accounts);
        let devices = parallel(self.spec.address, WIDTH, accounts, async |connection, (index, account)| {
            let filter = match &account.filter {
                Some(filter) => filter.clone(),
                None => filter(connection, &account).await?,
            };
            if let Some(kept) = self.made.borrow_mut().crowds.get_mut(crowd) {
                kept[index].filter = Some(filter.clone());
            }
            self.signed_in(&account, filter).await
        })
        .await?;
        self.keep()?;
        Ok(devices)
    }

    /// A device of `account`, with its first sync done.
    pub(crate) async fn device(&self, account: &Account) -> Result<Device> {
        let filter = filter(&mut self.connection(), account).await?;
        self.signed_in(account, filter).await
    }

    async fn signed_in(&self, account: &Account, filter: String) -> Result<Device> {
        let connection = self.connection();
        let mut device = Device { connection, token: account.token.clone(), filter, since: None };
        device.sync(0).await?;
        Ok(device)
    }
}

/// A device that follows its account by `GET /_matrix/client/v3/sync`.
#[derive(Debug)]
pub(crate) struct Device {
    connection: Connection,
    token: String,
    filter: String,
    since: Option<String>,
}

impl Device {
    /// One sync that waits at most `timeout_ms`; gives the answer's body.
    pub(crate) async fn sync(&mut self, timeout_ms: u32) -> Result<&[u8]> {
        let mut path = format!("/_matrix/client/v3/sync?filter={}&timeout={timeout_ms}", self.filter);
        if let Some(since) = &self.since {
            path.push_str("&since=");
            path.push_str(since);
        }
        let request = Request { method: "GET", path: &path, token: Some(&self.token), body: None };
        let body = self.connection.ok(request).await?;
        self.since = Some(encoded(text_field(body, "next_batch")?));
        Ok(body)
    }

    /// Long-polls for ever and hands over every answer.
    pub(crate) async fn follow(&mut self, mut seen: impl FnMut(&[u8])) -> Result<()> {
        loop {
            seen(self.sync(30_000).await?);
        }
    }
}

/// Sends messages of one account into one room: the path is composed once.
#[derive(Debug)]
pub(crate) struct Sender<'a> {
    house: &'a House,
    connection: Connection,
    token: String,
    prefix: String,
    path: String,
}

impl<'a> Sender<'a> {
    pub(crate) fn new(house: &'a House, account: &Account, room: &str) -> Self {
        let prefix = format!("/_matrix/client/v3/rooms/{}/send/m.room.encrypted/", encoded(room));
        let connection = house.connection();
        Self { house, connection, token: account.token.clone(), path: prefix.clone(), prefix }
    }

    /// `PUT …/send/m.room.encrypted/{txn}`.
    pub(crate) async fn send(&mut self, content: &[u8]) -> Result<()> {
        use std::fmt::Write as _;
        self.path.truncate(self.prefix.len());
        // Writing to a string cannot fail.
        write!(self.path, "{}", self.house.transaction()).unwrap_or_default();
        let request =
            Request { method: "PUT", path: &self.path, token: Some(&self.token), body: Some(content) };
        self.connection.ok(request).await?;
        self.house.made.borrow_mut().events += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_without_parsing() {
        let body = br#"{"account_data":{},"next_batch": "s1_2","rooms":{}}"#;
        assert_eq!(text_field(body, "next_batch").unwrap(), "s1_2");
        assert!(text_field(body, "room_id").is_err());
    }

    #[test]
    fn ids_are_encoded_for_paths() {
        assert_eq!(encoded("!a/b:c.example"), "%21a%2Fb%3Ac.example");
    }

    #[test]
    fn the_filter_is_json() {
        assert!(serde_json::from_str::<Value>(FILTER).is_ok());
    }
}
