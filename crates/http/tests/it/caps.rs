//! No list is longer than `docs/protocol/limits.md` says, however much is asked for.

use std::fs;
use std::path::Path;

use futures_util::future::join_all;
use serde_json::{Value, json};
use wardline_clinical::ImportMode;

use crate::support::{PASSWORD, Server, text};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol/limits.md");
/// More than any cap.
const MILLION: &str = "1000000";
/// Rooms, and messages of a kind, a few more than the highest cap.
const MANY: usize = 510;

/// How a list is asked for; `LIMIT` stands for the parameter, which is left out to see the default.
struct List {
    /// As in the document.
    name: &'static str,
    call: String,
    body: Value,
    /// Where the list is in the answer; several are counted together.
    at: &'static [&'static str],
    token: String,
}

impl List {
    fn get(name: &'static str, path: String, at: &'static [&'static str], token: &str) -> Self {
        Self { name, call: format!("GET {path}"), body: Value::Null, at, token: token.to_owned() }
    }

    /// How many entries the answer has, with this limit or none.
    async fn count(&self, server: &Server, limit: Option<&str>) -> usize {
        let parameter = |name: &str| limit.map(|limit| format!("{name}={limit}")).unwrap_or_default();
        let filter = limit.map(|limit| {
            let filter = json!({ "room": { "timeline": { "limit": limit.parse::<u64>().unwrap() } } });
            let text = filter.to_string();
            format!("filter={}", text.replace('{', "%7B").replace('}', "%7D").replace('"', "%22"))
        });
        let call = self
            .call
            .replace("FILTER", &filter.unwrap_or_default())
            .replace("_COUNT", &parameter("_count"))
            .replace("LIMIT", &parameter("limit"));
        let mut body = self.body.clone();
        if let Some(limit) = limit.and_then(|limit| limit.parse::<u64>().ok()) {
            for place in ["", "/search_categories/room_events/filter"] {
                if let Some(object) = body.pointer_mut(place).and_then(Value::as_object_mut) {
                    object.insert("limit".to_owned(), json!(limit));
                }
            }
        }
        let answer = server.call(&call, &self.token, body).await.ok();
        self.at.iter().map(|at| answer.pointer(at).and_then(Value::as_array).map_or(0, Vec::len)).sum()
    }
}

/// The default and the most of a list, as the document says.
fn documented(document: &str, name: &str) -> (usize, usize) {
    let line = document.lines().find(|line| line.starts_with(&format!("| {name} |")));
    let line = line.unwrap_or_else(|| panic!("{name} is not in {DOCUMENT}"));
    let numbers: Vec<usize> = line.split('|').filter_map(|cell| cell.trim().parse().ok()).collect();
    (numbers[0], numbers[1])
}

async fn send(server: &Server, token: &str, room: &str, txn: String, content: Value) -> String {
    let call = format!("PUT /_matrix/client/v3/rooms/{room}/send/m.room.message/{txn}");
    text(&server.call(&call, token, content).await.ok(), "event_id")
}

async fn make_room(server: &Server, token: &str, more: Value) -> String {
    text(&server.call("POST /_matrix/client/v3/createRoom", token, more).await.ok(), "room_id")
}

/// A room of amy and bob with many messages, relations and threads: its id and an event with many relations.
async fn talkative(server: &Server, amy: &str, bob: &str) -> (String, String) {
    let room = make_room(server, amy, json!({ "preset": "public_chat" })).await;
    server.call(&format!("POST /_matrix/client/v3/join/{room}"), bob, json!({})).await.ok();
    let words = |n: usize| json!({ "msgtype": "m.text", "body": format!("word {n}") });
    let roots = join_all((0..110).map(|n| send(server, amy, &room, format!("root{n}"), words(n)))).await;
    join_all(roots.iter().enumerate().map(|(n, root)| {
        let mut reply = words(n);
        reply["m.relates_to"] = json!({ "rel_type": "m.thread", "event_id": root });
        send(server, amy, &room, format!("reply{n}"), reply)
    }))
    .await;
    join_all((0..MANY).map(|n| {
        let mut word = words(n);
        word["m.relates_to"] = json!({ "rel_type": "m.reference", "event_id": roots[0] });
        send(server, amy, &room, format!("word{n}"), word)
    }))
    .await;
    (room, roots[0].clone())
}

/// A space with more rooms than a page of it may have, and as many public rooms as a page of the directory may not have.
async fn public_rooms(server: &Server, amy: &str) -> String {
    let space = json!({ "preset": "public_chat", "creation_content": { "type": "m.space" } });
    let space = make_room(server, amy, space).await;
    let public = || json!({ "preset": "public_chat", "visibility": "public" });
    let rooms = join_all((0..MANY).map(|_| make_room(server, amy, public()))).await;
    join_all(rooms.iter().take(110).map(async |room| {
        let call = format!("PUT /_matrix/client/v3/rooms/{space}/state/m.space.child/{room}");
        server.call(&call, amy, json!({ "via": ["riverside.example"] })).await.ok();
    }))
    .await;
    space
}

async fn staff(server: &Server) {
    let entries: Vec<Value> = (0..MANY)
        .map(|n| {
            let name = json!([{ "family": format!("Test{n}"), "given": ["Person"] }]);
            json!({ "resource": { "resourceType": "Practitioner", "id": format!("p{n}"), "name": name } })
        })
        .collect();
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
    server.clinical.import(bundle.to_string().as_bytes(), ImportMode::Strict).await.unwrap();
}

#[tokio::test]
async fn no_list_is_longer_than_is_documented() {
    let server = Server::with(|config| config.user_directory = wardline_http::UserDirectory::Everybody).await;
    server.identity.create_account("zoe", Some(PASSWORD), true).await.unwrap();
    for n in 0..60 {
        server.identity.create_account(&format!("person{n}"), None, false).await.unwrap();
    }
    let (amy, bob, zoe) = (server.token("amy").await, server.token("bob").await, server.token("zoe").await);
    let (room, event) = talkative(&server, &amy, &bob).await;
    let space = public_rooms(&server, &amy).await;
    staff(&server).await;
    // Bob is in one room: somebody in many is given less at once, and goes on from `next_batch`.
    let post = |name, path: &str, body: Value, at| List {
        name,
        call: format!("POST {path}"),
        body,
        at,
        token: bob.clone(),
    };
    let v3 = "/_matrix/client/v3";
    let v1 = "/_matrix/client/v1";
    let timeline: &'static str = format!("/rooms/join/{room}/timeline/events").leak();
    let timelines: &'static [&'static str] = vec![timeline].leak();
    let find = json!({ "search_categories": { "room_events": { "search_term": "word", "filter": {} } } });
    let lists = [
        List::get(
            "`GET /_matrix/client/v3/sync`: timeline of a room",
            format!("{v3}/sync?FILTER"),
            timelines,
            &bob,
        ),
        List::get(
            "`GET /_matrix/client/v3/rooms/{roomId}/messages`",
            format!("{v3}/rooms/{room}/messages?dir=b&LIMIT"),
            &["/chunk"],
            &amy,
        ),
        List::get(
            "`GET /_matrix/client/v3/rooms/{roomId}/context/{eventId}`: before and after together",
            format!("{v3}/rooms/{room}/context/MIDDLE?LIMIT"),
            &["/events_before", "/events_after"],
            &amy,
        ),
        List::get(
            "`GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}`",
            format!("{v1}/rooms/{room}/relations/{event}?LIMIT"),
            &["/chunk"],
            &amy,
        ),
        List::get(
            "`GET /_matrix/client/v1/rooms/{roomId}/threads`",
            format!("{v1}/rooms/{room}/threads?LIMIT"),
            &["/chunk"],
            &amy,
        ),
        List::get(
            "`GET /_matrix/client/v1/rooms/{roomId}/hierarchy`",
            format!("{v1}/rooms/{space}/hierarchy?LIMIT"),
            &["/rooms"],
            &amy,
        ),
        List::get(
            "`GET /_matrix/client/v3/publicRooms`",
            format!("{v3}/publicRooms?LIMIT"),
            &["/chunk"],
            &amy,
        ),
        List::get(
            "`GET /_matrix/client/v3/notifications`",
            format!("{v3}/notifications?LIMIT"),
            &["/notifications"],
            &bob,
        ),
        post(
            "`POST /_matrix/client/v3/search`",
            &format!("{v3}/search"),
            find,
            &["/search_categories/room_events/results"],
        ),
        post(
            "`POST /_matrix/client/v3/user_directory/search`",
            &format!("{v3}/user_directory/search"),
            json!({ "search_term": "person" }),
            &["/results"],
        ),
        List::get(
            "`GET /_wardline/admin/v1/…`: every list",
            "/_wardline/admin/v1/rooms?LIMIT".to_owned(),
            &["/rooms"],
            &zoe,
        ),
        List::get(
            "`GET /fhir/R4/…`: every search (`_count`)",
            "/fhir/R4/Practitioner?_COUNT".to_owned(),
            &["/entry"],
            &amy,
        ),
    ];
    let document = fs::read_to_string(Path::new(DOCUMENT)).unwrap();
    // An event with enough on both sides of it.
    let page = server.get(&format!("{v3}/rooms/{room}/messages?dir=b&limit=300"), &amy).await.ok();
    let middle = text(page["chunk"].as_array().unwrap().last().unwrap(), "event_id");
    let rows = document.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, lists.len(), "every row of the document is tried");
    for mut list in lists {
        list.call = list.call.replace("MIDDLE", &middle);
        let found = (list.count(&server, None).await, list.count(&server, Some(MILLION)).await);
        assert_eq!(found, documented(&document, list.name), "{}: default and most", list.name);
    }
}
