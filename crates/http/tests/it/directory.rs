//! The directories of rooms and users, and rooms in common.

use serde_json::{Value, json};

use crate::support::{Server, text};

const V3: &str = "/_matrix/client/v3";

async fn create(server: &Server, token: &str, body: Value) -> String {
    text(&server.call(&format!("POST {V3}/createRoom"), token, body).await.ok(), "room_id")
}

fn names(page: &Value) -> Vec<&str> {
    page["chunk"].as_array().unwrap().iter().map(|room| room["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn listed_rooms() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let public = |name: &str| json!({ "visibility": "public", "name": name });
    let canteen = create(&server, &amy, public("Canteen")).await;
    server.clock.advance(1);
    create(&server, &amy, public("Library")).await;
    server.clock.advance(1);
    let mut space = public("Medicine");
    space["creation_content"] = json!({ "type": "m.space" });
    create(&server, &amy, space).await;
    let private = create(&server, &amy, json!({ "name": "Rota" })).await;
    server.call(&format!("POST {V3}/rooms/{canteen}/join"), &bob, json!({})).await.ok();

    let rooms = format!("{V3}/publicRooms");
    let all = server.get(&rooms, &bob).await.ok();
    assert_eq!(names(&all), ["Canteen", "Library", "Medicine"], "the largest first");
    assert_eq!(all["total_room_count_estimate"], 3);
    assert_eq!(
        all["chunk"][0],
        json!({ "room_id": canteen, "name": "Canteen", "num_joined_members": 2, "join_rule": "public",
            "guest_can_join": false, "world_readable": false })
    );
    let first = server.get(&format!("{rooms}?limit=2"), &bob).await.ok();
    let second = format!("{rooms}?limit=2&since={}", text(&first, "next_batch"));
    let second = server.get(&second, &bob).await.ok();
    assert_eq!((names(&first), names(&second)), (vec!["Canteen", "Library"], vec!["Medicine"]));
    assert!(second.get("next_batch").is_none() && second.get("prev_batch").is_some());
    for (filter, found) in [
        (json!({ "generic_search_term": "LIBR" }), vec!["Library"]),
        (json!({ "room_types": ["m.space"] }), vec!["Medicine"]),
        (json!({ "room_types": [null] }), vec!["Canteen", "Library"]),
        (json!({ "generic_search_term": "nothing" }), vec![]),
    ] {
        let page = server.call(&format!("POST {rooms}"), &bob, json!({ "filter": filter })).await.ok();
        assert_eq!(names(&page), found);
    }
    server.get(&format!("{rooms}?since=x"), &bob).await.refused(400, "M_INVALID_PARAM");
    server.get(&format!("{rooms}?server=elsewhere.example"), &bob).await.refused(404, "M_NOT_FOUND");
    assert_eq!(server.get(&rooms, "").await.ok()["chunk"].as_array().unwrap().len(), 3);

    let listed = |room: &str| format!("{V3}/directory/list/room/{room}");
    assert_eq!(server.get(&listed(&private), &amy).await.ok()["visibility"], "private");
    let put = format!("PUT {}", listed(&private));
    server.call(&put, &bob, json!({ "visibility": "public" })).await.refused(403, "M_FORBIDDEN");
    server.call(&put, &amy, json!({ "visibility": "x" })).await.refused(400, "M_INVALID_PARAM");
    server.call(&put, &amy, json!({ "visibility": "public" })).await.ok();
    assert_eq!(server.get(&listed(&private), &bob).await.ok()["visibility"], "public");
    server.call(&put, &amy, json!({ "visibility": "private" })).await.ok();
    assert_eq!(names(&server.get(&rooms, &bob).await.ok()).len(), 3);
    server.get(&listed("!no:where"), &amy).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn people_find_those_they_share_a_room_with() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let name = format!("PUT {V3}/profile/@bob:riverside.example/displayname");
    server.call(&name, &bob, json!({ "displayname": "Robert Ångström" })).await.ok();
    let search = async |term: &str| {
        let call = format!("POST {V3}/user_directory/search");
        let found = server.call(&call, &amy, json!({ "search_term": term })).await.ok();
        assert_eq!(found["limited"], false);
        let found = found["results"].as_array().unwrap().clone();
        found.iter().map(|user| text(user, "user_id")).collect::<Vec<_>>()
    };
    assert!(search("bob").await.is_empty(), "a stranger is not found");
    let room = create(&server, &amy, json!({ "invite": ["@bob:riverside.example"] })).await;
    server.call(&format!("POST {V3}/rooms/{room}/join"), &bob, json!({})).await.ok();
    for term in ["bob", "BO", "robert", "ångs rob", "@bob:riv", "@bob:riverside.example"] {
        assert_eq!(search(term).await, ["@bob:riverside.example"], "{term}");
    }
    for term in ["ert", "robert smith", "riverside", "", "@b:"] {
        assert!(search(term).await.is_empty(), "{term}");
    }
    let mutual = "/_matrix/client/v1/mutual_rooms?user_id=@bob:riverside.example";
    assert_eq!(server.get(mutual, &amy).await.ok(), json!({ "joined": [room], "count": 1 }));
    server.call(&format!("POST {V3}/rooms/{room}/leave"), &bob, json!({})).await.ok();
    assert_eq!(server.get(mutual, &amy).await.ok()["joined"], json!([]));
    assert!(search("bob").await.is_empty());
    let own = "/_matrix/client/v1/mutual_rooms?user_id=@amy:riverside.example";
    server.get(own, &amy).await.refused(400, "M_INVALID_PARAM");
    server.get("/_matrix/client/v1/mutual_rooms", &amy).await.refused(400, "M_MISSING_PARAM");

    create(&server, &bob, json!({ "preset": "public_chat" })).await;
    assert_eq!(search("bob").await, ["@bob:riverside.example"], "members of open rooms are found");
    let everybody =
        Server::with(|config| config.user_directory = wardline_http::UserDirectory::Everybody).await;
    let amy = everybody.token("amy").await;
    let body = json!({ "search_term": "bob", "limit": 1 });
    let found = everybody.call(&format!("POST {V3}/user_directory/search"), &amy, body).await.ok();
    assert_eq!(found["results"], json!([{ "user_id": "@bob:riverside.example" }]));
}

#[tokio::test]
async fn what_is_open_to_everybody_asks_for_no_token_unless_told_to() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    let open = json!({ "preset": "public_chat", "room_alias_name": "open", "visibility": "public" });
    let open = create(&server, &amy, open).await;
    let closed = create(&server, &amy, json!({})).await;
    let summary = |room: &str| format!("/_matrix/client/v1/room_summary/{room}");
    let alias = format!("{V3}/directory/room/%23open:riverside.example");
    let listed = format!("{V3}/directory/list/room/{open}");
    let paths = [format!("{V3}/publicRooms"), alias, listed, summary(&open)];
    for path in &paths {
        server.get(path, "").await.ok();
        server.get(path, "no token").await.refused(401, "M_UNKNOWN_TOKEN");
    }
    let shown = server.get(&summary(&open), "").await.ok();
    assert!(shown.get("membership").is_none(), "{shown}");
    assert_eq!(server.get(&summary(&open), &amy).await.ok()["membership"], "join");
    server.get(&summary(&closed), "").await.refused(404, "M_NOT_FOUND");

    let strict = Server::with(|config| config.directory_asks_for_token = true).await;
    for path in &paths {
        strict.get(path, "").await.refused(401, "M_MISSING_TOKEN");
    }
}
