//! The real binary on a free port with its own data folder, and people who speak to it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// What the binary prints before its address once it answers.
const READY: &str = "ready at ";

/// The binary under test.
pub(crate) fn wardline() -> Command {
    Command::new(env!("CARGO_BIN_EXE_wardline"))
}

/// Runs a command to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    wardline().args(arguments).output().unwrap()
}

/// Writes the configuration of a server with open registration and its data in `dir/data`; its path.
pub(crate) fn configure(dir: &Path, more: &str) -> PathBuf {
    let config = dir.join("wardline.toml");
    let text = format!(
        "server_name = \"test.example\"\ndata = \"data\"\nlisten = \"127.0.0.1:0\"\n\
         [registration]\nopen = true\n[log]\nlevel = \"error\"\n{more}"
    );
    fs::write(&config, text).unwrap();
    config
}

/// A running server. Dropping it kills the process.
pub(crate) struct Process {
    child: Child,
    /// Held open so that the process can go on printing.
    _output: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl Process {
    /// Starts a command and waits until it answers.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while output.read_line(&mut line).unwrap() > 0 {
            if let Some((_, url)) = line.trim_end().split_once(READY) {
                return Self { url: url.to_owned(), child, _output: output };
            }
            line.clear();
        }
        panic!("wardline ended before it was ready: {:?}", child.wait());
    }

    /// Starts a server on the socket of somebody else.
    pub(crate) fn on_socket(config: &Path, socket: &TcpListener, more: &[&str]) -> Self {
        let socket: OwnedFd = socket.try_clone().unwrap().into();
        let mut command = wardline();
        command
            .args(["serve", "--inherit-socket", "--config"])
            .arg(config)
            .args(more)
            .stdin(Stdio::from(socket));
        Self::start(&mut command)
    }

    /// Starts a server.
    pub(crate) fn serve(config: &Path) -> Self {
        Self::start(wardline().args(["serve", "--config"]).arg(config))
    }

    pub(crate) fn signal(&self, name: &str) {
        let told = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(told.unwrap().success());
    }

    pub(crate) fn ended(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Stops the server as its supervisor does.
    pub(crate) fn stop(self) {
        self.signal("TERM");
        let status = self.ended();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A client with a connection of its own.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) http: Client,
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) user: String,
    pub(crate) device: String,
}

impl Person {
    /// Registers an account.
    pub(crate) async fn register(url: &str, name: &str) -> Self {
        let http = Client::builder().no_proxy().build().unwrap();
        let mut person = Self {
            http,
            url: url.to_owned(),
            token: String::new(),
            user: String::new(),
            device: String::new(),
        };
        let body = json!({
            "username": name, "password": "a long enough passphrase", "auth": { "type": "m.login.dummy" },
        });
        let answer = person.ok(Method::POST, "/_matrix/client/v3/register", Some(&body)).await;
        person.token = text(&answer["access_token"]);
        person.user = text(&answer["user_id"]);
        person.device = text(&answer["device_id"]);
        person
    }

    /// The same account and device, on another connection, perhaps of another server.
    pub(crate) fn at(&self, url: &str) -> Self {
        let http = Client::builder().no_proxy().build().unwrap();
        Self { http, url: url.to_owned(), ..self.clone() }
    }

    /// One request; `Err` if no answer came.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::Result<(StatusCode, Value)> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status();
        let bytes = response.bytes().await?;
        Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }

    /// One request that succeeds.
    pub(crate) async fn ok(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.call(method, path, body).await.unwrap();
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    /// Makes a room that anybody may join.
    pub(crate) async fn room(&self) -> String {
        let body = json!({ "preset": "public_chat" });
        text(&self.ok(Method::POST, "/_matrix/client/v3/createRoom", Some(&body)).await["room_id"])
    }

    pub(crate) async fn join(&self, room: &str) {
        self.ok(Method::POST, &format!("/_matrix/client/v3/join/{}", encode(room)), Some(&json!({}))).await;
    }

    /// Sends a message under a transaction id.
    pub(crate) async fn send(&self, room: &str, txn: &str) -> reqwest::Result<(StatusCode, Value)> {
        let path = format!("/_matrix/client/v3/rooms/{}/send/m.room.message/{txn}", encode(room));
        self.call(Method::PUT, &path, Some(&json!({ "msgtype": "m.text", "body": txn }))).await
    }

    /// Everything of a room, oldest first, as event ids.
    pub(crate) async fn timeline(&self, room: &str) -> Vec<String> {
        let (mut events, mut from) = (Vec::new(), String::new());
        loop {
            let room = encode(room);
            let path = format!("/_matrix/client/v3/rooms/{room}/messages?dir=f&limit=1000{from}");
            let page = self.ok(Method::GET, &path, None).await;
            let chunk = page["chunk"].as_array().unwrap();
            events.extend(chunk.iter().map(|event| text(&event["event_id"])));
            match page["end"].as_str() {
                Some(end) if !chunk.is_empty() => from = format!("&from={end}"),
                _ => return events,
            }
        }
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is text")).to_owned()
}

/// A room or event id as one segment of a path.
pub(crate) fn encode(id: &str) -> String {
    id.replace('!', "%21").replace('$', "%24").replace(':', "%3A").replace('#', "%23").replace('/', "%2F")
}
