//! Events that are sent later.

use serde_json::{Value, json};

use crate::support::{Server, text};

const V3: &str = "/_matrix/client/v3";
const DELAYED: &str = "/_matrix/client/unstable/org.matrix.msc4140/delayed_events";

#[tokio::test]
async fn an_event_waits_until_it_is_due_sent_or_cancelled() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let room = server.call(&format!("POST {V3}/createRoom"), &amy, json!({})).await.ok();
    let rooms = format!("{V3}/rooms/{}", text(&room, "room_id"));
    let later =
        |txn: &str, ms: i64| format!("PUT {rooms}/send/org.test.hello/{txn}?org.matrix.msc4140.delay={ms}");
    let hello = |n: i64| json!({ "n": n });
    let newest = async || {
        let page = server.get(&format!("{rooms}/messages?dir=b&limit=1"), &amy).await.ok();
        page["chunk"][0]["content"].clone()
    };

    let first = text(&server.call(&later("1", 60_000), &amy, hello(1)).await.ok(), "delay_id");
    let again = text(&server.call(&later("1", 60_000), &amy, hello(1)).await.ok(), "delay_id");
    assert_eq!(first, again, "the same request makes no second event");
    let waiting = server.get(DELAYED, &amy).await.ok();
    assert_eq!(
        waiting["delayed_events"],
        json!([{ "delay_id": first, "room_id": room["room_id"], "type": "org.test.hello", "delay": 60_000,
            "running_since": 1_800_000_000_000_i64, "content": { "n": 1 } }])
    );
    assert_eq!(server.get(DELAYED, &bob).await.ok()["delayed_events"], json!([]));
    server.get(&format!("{DELAYED}/{first}"), &bob).await.refused(404, "M_NOT_FOUND");
    server.clock.advance(30_000);
    server.call(&format!("POST {DELAYED}/{first}"), "", json!({ "action": "restart" })).await.ok();
    let waiting = server.get(&format!("{DELAYED}/{first}"), &amy).await.ok();
    assert_eq!(waiting["delayed_event"]["running_since"], 1_800_000_030_000_i64);

    server.call(&format!("POST {DELAYED}/{first}/send"), "", Value::Null).await.ok();
    assert_eq!(newest().await, hello(1));
    server.call(&format!("POST {DELAYED}/{first}/send"), "", Value::Null).await.refused(404, "M_NOT_FOUND");

    let second = text(&server.call(&later("2", 60_000), &amy, hello(2)).await.ok(), "delay_id");
    server.call(&format!("POST {DELAYED}/{second}/cancel"), "", Value::Null).await.ok();
    assert_eq!(server.get(DELAYED, &amy).await.ok()["delayed_events"], json!([]));

    let topic = format!("PUT {rooms}/state/m.room.topic?org.matrix.msc4140.delay=1000");
    let third = text(&server.call(&topic, &amy, json!({ "topic": "left" })).await.ok(), "delay_id");
    server.clock.advance(1000);
    // Another event wakes the timer, which finds that this one is due.
    server.call(&later("4", 60_000), &amy, hello(4)).await.ok();
    while server.get(&format!("{DELAYED}/{third}"), &amy).await.status == 200 {
        tokio::task::yield_now().await;
    }
    assert_eq!(newest().await, json!({ "topic": "left" }));

    server.call(&later("5", 60_000), &bob, hello(5)).await.refused(403, "M_FORBIDDEN");
    server.call(&later("6", 0), &amy, hello(6)).await.refused(400, "M_INVALID_PARAM");
    let too_long = server.call(&later("7", 86_400_001), &amy, hello(7)).await.refused(400, "M_UNKNOWN");
    assert_eq!(too_long["org.matrix.msc4140.errcode"], "M_MAX_DELAY_EXCEEDED");
    let newest_form = format!(
        "PUT /_matrix/client/unstable/org.matrix.msc4140/rooms/{}/delayed_event/m.room.topic/8",
        text(&room, "room_id")
    );
    let body = json!({ "delay": 5000, "state_key": "", "content": { "topic": "later" } });
    let fourth = text(&server.call(&newest_form, &amy, body.clone()).await.ok(), "delay_id");
    let waiting = server.get(&format!("{DELAYED}/{fourth}"), &amy).await.ok();
    assert_eq!(waiting["delayed_event"]["state_key"], "");
    assert_eq!(text(&server.call(&newest_form, &amy, body).await.ok(), "delay_id"), fourth);
    let no_object = json!({ "delay": 5000, "content": [] });
    server.call(&newest_form, &amy, no_object).await.refused(400, "M_BAD_JSON");
    for n in 0..98 {
        server.call(&later(&format!("many{n}"), 60_000), &amy, hello(n)).await.ok();
    }
    let one_more = server.call(&later("last", 60_000), &amy, hello(0)).await.refused(400, "M_UNKNOWN");
    assert_eq!(one_more["org.matrix.msc4140.errcode"], "M_MAX_DELAYED_EVENTS_EXCEEDED");

    server.call(&format!("POST {DELAYED}/x/nothing"), "", Value::Null).await.refused(400, "M_INVALID_PARAM");
    server.call(&format!("POST {DELAYED}/x/cancel"), "", Value::Null).await.refused(404, "M_NOT_FOUND");
}
