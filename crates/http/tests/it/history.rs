//! Threads, the event at an instant, searching and reporting.

use serde_json::{Value, json};
use wardline_store::audit_log::{self, AuditRow};

use crate::support::{Server, text};

const V1: &str = "/_matrix/client/v1";
const V3: &str = "/_matrix/client/v3";

async fn room(server: &Server, amy: &str, bob: &str) -> String {
    let body = json!({ "preset": "public_chat", "name": "Night shift" });
    let room = text(&server.call(&format!("POST {V3}/createRoom"), amy, body).await.ok(), "room_id");
    server.call(&format!("POST {V3}/rooms/{room}/join"), bob, json!({})).await.ok();
    room
}

/// Says something one minute after what was said before.
async fn say(server: &Server, token: &str, room: &str, txn: &str, mut content: Value) -> String {
    server.clock.advance(60_000);
    content["msgtype"] = json!("m.text");
    let call = format!("PUT {V3}/rooms/{room}/send/m.room.message/{txn}");
    text(&server.call(&call, token, content).await.ok(), "event_id")
}

fn answer(root: &str) -> Value {
    json!({ "body": "yes", "m.relates_to": { "rel_type": "m.thread", "event_id": root } })
}

fn ids(page: &Value) -> Vec<&str> {
    page["chunk"].as_array().unwrap().iter().map(|event| event["event_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn threads_by_their_newest_answer() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let room = room(&server, &amy, &bob).await;
    let first = say(&server, &amy, &room, "1", json!({ "body": "one" })).await;
    let second = say(&server, &amy, &room, "2", json!({ "body": "two" })).await;
    let third = say(&server, &bob, &room, "3", json!({ "body": "three" })).await;
    say(&server, &amy, &room, "4", answer(&second)).await;
    say(&server, &amy, &room, "5", answer(&third)).await;
    say(&server, &amy, &room, "6", answer(&first)).await;
    let threads = format!("{V1}/rooms/{room}/threads");
    let all = server.get(&threads, &bob).await.ok();
    assert_eq!(ids(&all), [&first, &third, &second]);
    assert_eq!(all["chunk"][0]["unsigned"]["m.relations"]["m.thread"]["count"], 1);
    let own = server.get(&format!("{threads}?include=participated"), &bob).await.ok();
    assert_eq!(ids(&own), [&third]);
    let page = server.get(&format!("{threads}?limit=2"), &bob).await.ok();
    let rest = format!("{threads}?limit=2&from={}", text(&page, "next_batch"));
    let rest = server.get(&rest, &bob).await.ok();
    assert_eq!((ids(&rest), rest.get("next_batch")), (vec![second.as_str()], None));
    server.get(&format!("{threads}?include=x"), &bob).await.refused(400, "M_INVALID_PARAM");
    server.get(&format!("{threads}?from=x"), &bob).await.refused(400, "M_INVALID_PARAM");
    server.get(&format!("{V1}/rooms/!no:where/threads"), &bob).await.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn the_event_at_an_instant() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let room = room(&server, &amy, &bob).await;
    let first = say(&server, &amy, &room, "1", json!({ "body": "one" })).await;
    let second = say(&server, &amy, &room, "2", json!({ "body": "two" })).await;
    let at = |ts: i64, dir: &str| format!("{V1}/rooms/{room}/timestamp_to_event?ts={ts}&dir={dir}");
    let start = 1_800_000_000_000_i64;
    for (ts, dir, event) in [
        (start + 60_000, "f", &first),
        (start + 60_000, "b", &first),
        (start + 60_001, "f", &second),
        (start + 119_999, "b", &first),
        (start + 999_999, "b", &second),
    ] {
        let found = server.get(&at(ts, dir), &bob).await.ok();
        assert_eq!(found["event_id"], event.as_str(), "{ts} {dir}");
    }
    assert_eq!(server.get(&at(start + 1, "f"), &bob).await.ok()["origin_server_ts"], start + 60_000);
    server.get(&at(start + 999_999, "f"), &bob).await.refused(404, "M_NOT_FOUND");
    server.get(&at(start - 1, "b"), &bob).await.refused(404, "M_NOT_FOUND");
    server.get(&at(start, "x"), &bob).await.refused(400, "M_INVALID_PARAM");
    let path = format!("{V1}/rooms/{room}/timestamp_to_event");
    server.get(&path, &bob).await.refused(400, "M_MISSING_PARAM");
    server.get(&format!("{path}?ts=1"), &bob).await.refused(400, "M_MISSING_PARAM");
}

#[tokio::test]
async fn words_are_found_in_open_rooms_only() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let room = room(&server, &amy, &bob).await;
    let secret = text(
        &server
            .call(
                &format!("POST {V3}/createRoom"),
                &amy,
                json!({ "initial_state": [
                    { "type": "m.room.encryption", "content": { "algorithm": "m.megolm.v1.aes-sha2" } }] }),
            )
            .await
            .ok(),
        "room_id",
    );
    say(&server, &amy, &secret, "1", json!({ "body": "the lift is broken" })).await;
    let long =
        say(&server, &amy, &room, "2", json!({ "body": "The LIFT is broken again, use the stairs" })).await;
    say(&server, &bob, &room, "3", json!({ "body": "which one?" })).await;
    let short = say(&server, &bob, &room, "4", json!({ "body": "broken lift" })).await;
    let gone = say(&server, &bob, &room, "5", json!({ "body": "lift broken" })).await;
    server.call(&format!("PUT {V3}/rooms/{room}/redact/{gone}/6"), &bob, json!({})).await.ok();

    let search = async |token: &str, query: &str, events: Value| {
        let body = json!({ "search_categories": { "room_events": events } });
        server.call(&format!("POST {V3}/search{query}"), token, body).await
    };
    let found = |answer: &Value| {
        let results = answer["search_categories"]["room_events"]["results"].as_array().unwrap().clone();
        results.iter().map(|hit| text(&hit["result"], "event_id")).collect::<Vec<_>>()
    };
    let recent = json!({ "search_term": "broken lift", "order_by": "recent" });
    let page = search(&amy, "", recent).await.ok();
    assert_eq!(found(&page), [&*short, &*long]);
    assert_eq!(page["search_categories"]["room_events"]["highlights"], json!(["broken", "lift"]));
    let ranked = search(&amy, "", json!({ "search_term": "lift" })).await.ok();
    assert_eq!(found(&ranked), [&*short, &*long]);
    let one = json!({ "search_term": "lift", "order_by": "recent", "filter": { "limit": 1 } });
    let first = search(&amy, "", one.clone()).await.ok();
    let next = text(&first["search_categories"]["room_events"], "next_batch");
    let second = search(&amy, &format!("?next_batch={next}"), one).await.ok();
    assert_eq!((found(&first), found(&second)), (vec![short.clone()], vec![long.clone()]));

    let all = json!({
        "search_term": "lift", "include_state": true, "filter": { "senders": ["@amy:riverside.example"] },
        "event_context": { "before_limit": 1, "after_limit": 1, "include_profile": true },
        "groupings": { "group_by": [{ "key": "room_id" }, { "key": "sender" }] },
    });
    let all = &search(&bob, "", all).await.ok()["search_categories"]["room_events"];
    let context = &all["results"][0]["context"];
    assert_eq!(context["events_after"][0]["content"]["body"], "which one?");
    assert_eq!(context["events_before"].as_array().unwrap().len(), 1);
    assert!(context["profile_info"].get("@bob:riverside.example").is_some());
    assert!(all["state"][&room].as_array().unwrap().len() > 3);
    assert_eq!(all["groups"]["room_id"][&room]["results"], json!([long]));
    assert_eq!(all["groups"]["sender"]["@amy:riverside.example"]["order"], 1);

    let name = json!({ "search_term": "night", "keys": ["content.name"] });
    assert_eq!(found(&search(&bob, "", name).await.ok()).len(), 1);
    for bad in [
        json!({ "search_term": " " }),
        json!({ "search_term": "a", "order_by": "x" }),
        json!({ "search_term": "a", "keys": ["x"] }),
        json!({ "search_term": "a", "groupings": { "group_by": [{ "key": "x" }] } }),
    ] {
        let answer = search(&bob, "", bad.clone()).await;
        if bad["groupings"].is_null() {
            answer.refused(400, "M_INVALID_PARAM");
        }
    }
    search(&bob, "", json!({})).await.refused(400, "M_BAD_JSON");
    search(&bob, "?next_batch=x", json!({ "search_term": "a" })).await.refused(400, "M_INVALID_PARAM");
}

#[tokio::test]
async fn reports_are_kept_and_audited() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let room = room(&server, &amy, &bob).await;
    let event = say(&server, &amy, &room, "1", json!({ "body": "rude" })).await;
    let path = format!("POST {V3}/rooms/{room}/report");
    let reason = json!({ "reason": "rude" });
    server.call(&format!("{path}/{event}"), &bob, json!({ "reason": "rude", "score": -50 })).await.ok();
    server.call(&format!("{path}/{event}"), &bob, json!({})).await.ok();
    server.call(&path, &bob, reason.clone()).await.ok();
    let user = format!("POST {V3}/users/@amy:riverside.example/report");
    server.call(&user, &bob, reason.clone()).await.ok();
    let mut reports = 0;
    let count = |entry: AuditRow| {
        reports += usize::from(entry.action == "report");
        Ok(())
    };
    server.store.read_now(|tx| audit_log::for_each(tx, 0, 1000, count)).unwrap();
    assert_eq!(reports, 4);

    server
        .call(&format!("{path}/{event}"), &bob, json!({ "score": 1 }))
        .await
        .refused(400, "M_INVALID_PARAM");
    server.call(&format!("{path}/$nothing"), &bob, reason.clone()).await.refused(404, "M_NOT_FOUND");
    server.call(&path, &bob, json!({})).await.refused(400, "M_BAD_JSON");
    let nobody = format!("POST {V3}/users/@nobody:riverside.example/report");
    server.call(&nobody, &bob, reason.clone()).await.refused(404, "M_NOT_FOUND");
    let nowhere = format!("POST {V3}/rooms/!no:where/report");
    server.call(&nowhere, &bob, reason).await.refused(404, "M_NOT_FOUND");
}
