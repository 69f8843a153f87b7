//! Following threads (MSC4306), and hearing of it in sliding sync (MSC4308).

use serde_json::{Value, json};

use crate::support::{Server, text};

const V3: &str = "/_matrix/client/v3";
const UNSTABLE: &str = "/_matrix/client/unstable";
const EXTENSION: &str = "io.element.msc4308.thread_subscriptions";

struct Thread {
    server: Server,
    amy: String,
    room: String,
    root: String,
}

impl Thread {
    async fn new() -> Self {
        Self::on(Server::new().await).await
    }

    async fn on(server: Server) -> Self {
        let amy = server.token("amy").await;
        let room = server.call(&format!("POST {V3}/createRoom"), &amy, json!({})).await.ok();
        let mut thread = Self { server, amy, room: text(&room, "room_id"), root: String::new() };
        thread.root = thread.send("root", None).await;
        thread
    }

    async fn send(&self, txn: &str, root: Option<&str>) -> String {
        let mut content = json!({ "msgtype": "m.text", "body": txn });
        if let Some(root) = root {
            content["m.relates_to"] = json!({ "rel_type": "m.thread", "event_id": root });
        }
        let call = format!("PUT {V3}/rooms/{}/send/m.room.message/{txn}", self.room);
        text(&self.server.call(&call, &self.amy, content).await.ok(), "event_id")
    }

    fn path(&self, root: &str) -> String {
        format!("{UNSTABLE}/io.element.msc4306/rooms/{}/thread/{root}/subscription", self.room)
    }

    async fn subscribe(&self, body: Value) -> crate::support::Answer {
        self.server.call(&format!("PUT {}", self.path(&self.root)), &self.amy, body).await
    }

    async fn unsubscribe(&self) {
        self.server.call(&format!("DELETE {}", self.path(&self.root)), &self.amy, Value::Null).await.ok();
    }

    async fn automatic(&self) -> Value {
        self.server.get(&self.path(&self.root), &self.amy).await.ok()["automatic"].clone()
    }

    /// The next position and what the extension says.
    async fn slide(&self, pos: Option<&str>, limit: u32) -> (String, Value) {
        let body = json!({ "pos": pos, "extensions": { EXTENSION: { "enabled": true, "limit": limit } } });
        let call = format!("POST {UNSTABLE}/org.matrix.simplified_msc3575/sync");
        let answer = self.server.call(&call, &self.amy, body).await.ok();
        (text(&answer, "pos"), answer["extensions"][EXTENSION].clone())
    }
}

#[tokio::test]
async fn a_thread_is_followed_and_given_up() {
    let thread = Thread::new().await;
    let get = async || thread.server.get(&thread.path(&thread.root), &thread.amy).await;
    get().await.refused(404, "M_NOT_FOUND");
    thread.unsubscribe().await;
    thread.subscribe(json!({})).await.ok();
    assert_eq!(thread.automatic().await, false);
    thread.unsubscribe().await;
    get().await.refused(404, "M_NOT_FOUND");
    let bob = thread.server.token("bob").await;
    let call = format!("PUT {}", thread.path(&thread.root));
    thread.server.call(&call, &bob, json!({})).await.refused(404, "M_NOT_FOUND");
    for method in ["PUT", "GET", "DELETE"] {
        let call = format!("{method} {}", thread.path("$nothing"));
        thread.server.call(&call, &thread.amy, json!({})).await.refused(404, "M_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_client_follows_by_itself_only_for_what_came_after_giving_up() {
    let thread = Thread::new().await;
    let not_in = "IO.ELEMENT.MSC4306.M_NOT_IN_THREAD";
    let first = thread.send("1", Some(&thread.root)).await;
    let other = thread.send("other", None).await;
    let elsewhere = thread.send("elsewhere", Some(&other)).await;
    for cause in [&thread.root, &elsewhere, &"$nothing".to_owned()] {
        thread.subscribe(json!({ "automatic": cause })).await.refused(400, not_in);
    }
    thread.subscribe(json!({ "automatic": first })).await.ok();
    assert_eq!(thread.automatic().await, true);
    thread.subscribe(json!({})).await.ok();
    thread.subscribe(json!({ "automatic": first })).await.ok();
    assert_eq!(thread.automatic().await, false, "what somebody decided is not overruled");
    let second = thread.send("2", Some(&thread.root)).await;
    thread.unsubscribe().await;
    let third = thread.send("3", Some(&thread.root)).await;
    for cause in [first, second] {
        let conflict = "IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION";
        thread.subscribe(json!({ "automatic": cause })).await.refused(409, conflict);
    }
    thread.subscribe(json!({ "automatic": third })).await.ok();
    assert_eq!(thread.automatic().await, true);
}

#[tokio::test]
async fn sliding_sync_tells_changes_and_the_rest_can_be_fetched() {
    let thread = Thread::new().await;
    let (pos, told) = thread.slide(None, 2).await;
    assert!(told.is_null(), "{told}");
    thread.subscribe(json!({})).await.ok();
    let (next, told) = thread.slide(Some(&pos), 2).await;
    let entry = &told["subscribed"][&thread.room][&thread.root];
    assert_eq!(entry["automatic"], false);
    assert!(entry["bump_stamp"].is_u64());
    let (_, again) = thread.slide(Some(&pos), 2).await;
    assert_eq!(again, told, "the first answer was lost");
    let (next, told) = thread.slide(Some(&next), 2).await;
    assert!(told.is_null(), "nothing is told twice: {told}");

    thread.unsubscribe().await;
    let mut roots = Vec::new();
    for n in 0..3 {
        let root = thread.send(&format!("root{n}"), None).await;
        thread.server.call(&format!("PUT {}", thread.path(&root)), &thread.amy, json!({})).await.ok();
        roots.push(root);
    }
    let (_, told) = thread.slide(Some(&next), 2).await;
    let subscribed = |told: &Value| -> Vec<String> {
        told["subscribed"][&thread.room].as_object().unwrap().keys().cloned().collect()
    };
    let mut newest = roots[1..].to_vec();
    newest.sort();
    assert_eq!(subscribed(&told), newest);
    let from = text(&told, "prev_batch");
    let list = format!("{UNSTABLE}/io.element.msc4308/thread_subscriptions?dir=b&from={from}&to={next}");
    let rest = thread.server.get(&list, &thread.amy).await.ok();
    assert_eq!(subscribed(&rest), [roots[0].clone()]);
    assert!(rest["unsubscribed"][&thread.room][&thread.root]["bump_stamp"].is_u64(), "{rest}");
    assert!(rest.get("end").is_none());
    let all = format!("{UNSTABLE}/io.element.msc4308/thread_subscriptions?limit=1");
    let page = thread.server.get(&all, &thread.amy).await.ok();
    assert_eq!(subscribed(&page), [roots[2].clone()]);
    let page = thread.server.get(&format!("{all}&from={}", text(&page, "end")), &thread.amy).await.ok();
    assert_eq!(subscribed(&page), [roots[1].clone()]);
    thread.server.get(&format!("{all}&dir=f"), &thread.amy).await.refused(400, "M_INVALID_PARAM");
    thread.server.get(&format!("{all}&from=t1_1"), &thread.amy).await.refused(400, "M_INVALID_PARAM");

    let (_, told) = thread.slide(None, 100).await;
    assert!(told.get("unsubscribed").is_none(), "who begins anew needs not know what is over: {told}");
    assert_eq!(subscribed(&told).len(), 3);
}

#[tokio::test]
async fn messages_notify_those_who_follow_the_thread() {
    let engine = wardline_engine::EngineConfig { thread_subscriptions: true, ..Default::default() };
    let thread = Thread::on(Server::with_engine(|_| {}, engine).await).await;
    let (server, room) = (&thread.server, &thread.room);
    let bob = server.token("bob").await;
    server
        .call(
            &format!("POST {V3}/rooms/{room}/invite"),
            &thread.amy,
            json!({ "user_id": "@bob:riverside.example" }),
        )
        .await
        .ok();
    server.call(&format!("POST {V3}/join/{room}"), &bob, json!({})).await.ok();
    let unread = async || {
        let answer = server.get(&format!("{V3}/sync"), &bob).await.ok();
        answer["rooms"]["join"][room]["unread_notifications"]["notification_count"].as_u64().unwrap()
    };
    thread.send("one", Some(&thread.root)).await;
    assert_eq!(unread().await, 0, "nobody asked to hear of the thread");
    let path = thread.path(&thread.root);
    server.call(&format!("PUT {path}"), &bob, json!({})).await.ok();
    assert_eq!(unread().await, 1);
    thread.send("two", Some(&thread.root)).await;
    assert_eq!(unread().await, 2);
    // A room that is silent but for mentions is so for its timeline, not for a thread that somebody follows.
    let rule = format!("PUT {V3}/pushrules/global/room/{room}");
    server.call(&rule, &bob, json!({ "actions": [] })).await.ok();
    thread.send("plain", None).await;
    assert_eq!(unread().await, 2);
    server.call(&format!("DELETE {path}"), &bob, Value::Null).await.ok();
    assert_eq!(unread().await, 0);

    let rules = server.get(&format!("{V3}/pushrules/"), &bob).await.ok();
    let ids: Vec<_> =
        rules["global"]["postcontent"].as_array().unwrap().iter().map(|rule| &rule["rule_id"]).collect();
    let [unsubscribed, subscribed] =
        ["unsubscribed", "subscribed"].map(|name| format!(".io.element.msc4306.rule.{name}_thread"));
    assert_eq!(ids, [&json!(unsubscribed), &json!(subscribed)]);
    let kind = format!("{V3}/pushrules/global/io.element.msc4306.postcontent");
    let one = format!("PUT {kind}/{unsubscribed}/enabled");
    server.call(&one, &bob, json!({ "enabled": false })).await.ok();
    assert_eq!(server.get(&format!("{kind}/{unsubscribed}"), &bob).await.ok()["enabled"], false);
    server.call(&format!("DELETE {V3}/pushrules/global/room/{room}"), &bob, Value::Null).await.ok();
    assert_eq!(unread().await, 3, "as if there were no such rules");
}

#[tokio::test]
async fn unless_the_house_wants_it_threads_notify_as_ever() {
    let thread = Thread::new().await;
    let rules = thread.server.get(&format!("{V3}/pushrules/"), &thread.amy).await.ok();
    assert!(rules["global"].get("postcontent").is_none());
    let none = thread.server.get(&format!("{V3}/pushrules/global/postcontent/"), &thread.amy).await.ok();
    assert_eq!(none, json!([]));
}
