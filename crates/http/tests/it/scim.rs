//! Provisioning: what an identity system does, and what follows for accounts, sessions and the directory.

use axum::body::Body;
use http::header;
use serde_json::{Value, json};

use crate::support::{Answer, Server, request, text};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

async fn token(server: &Server) -> String {
    server.identity.create_scim_token("entra", Some(30)).await.unwrap()
}

fn user(name: &str) -> Value {
    json!({ "schemas": [USER], "userName": name, "externalId": format!("oid-{name}"), "active": true,
        "name": { "givenName": "Zoe", "familyName": "Ng" }, "title": "Nurse", "unknown": "left out" })
}

fn change(operations: Value) -> Value {
    json!({ "schemas": [PATCH], "Operations": operations })
}

async fn with_tag(
    server: &Server,
    call: &str,
    token: &str,
    (name, tag): (&str, &str),
    body: Value,
) -> Answer {
    let mut request = request(call, token, Body::from(body.to_string()));
    let name: header::HeaderName = name.parse().unwrap();
    request.headers_mut().insert(name, tag.parse().unwrap());
    server.send(request).await
}

#[tokio::test]
async fn a_token_is_needed_and_can_be_revoked_and_ends() {
    let server = Server::new().await;
    let users = "/scim/v2/Users";
    for wrong in ["", "wlp_wrong"] {
        let answer = server.get(users, wrong).await;
        assert_eq!((answer.status.as_u16(), &answer.body["status"]), (401, &json!("401")));
        assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
    }
    // A session's token is none.
    let amy = server.token("amy").await;
    assert_eq!(server.get(users, &amy).await.status, 401);
    let first = token(&server).await;
    server.get(users, &first).await.ok();
    let second = token(&server).await;
    assert_eq!(server.get(users, &first).await.status, 401);
    server.clock.advance(31 * 24 * 60 * 60 * 1000);
    assert_eq!(server.get(users, &second).await.status, 401);
    let third = token(&server).await;
    server.identity.revoke_scim_token("entra").await.unwrap();
    assert_eq!(server.get(users, &third).await.status, 401);
    assert!(server.identity.revoke_scim_token("entra").await.is_err());
    assert_eq!(server.get("/scim/v2/nothing", &third).await.status, 404);
}

#[tokio::test]
async fn a_leaver_loses_every_session_at_once_and_keeps_what_they_wrote() {
    let server = Server::new().await;
    let scim = token(&server).await;
    // Amy has an account already; provisioning takes it over.
    let amy = server.token("amy").await;
    let made = server.call("POST /scim/v2/Users", &scim, user("Amy@riverside.nhs.uk")).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.headers[header::CONTENT_TYPE], "application/scim+json");
    assert!(made.body.get("unknown").is_none());
    let id = text(&made.body, "id");
    let path = format!("/scim/v2/Users/{id}");
    assert_eq!(made.body["meta"]["location"], format!("https://chat.riverside.example{path}"));
    let profile = "/_matrix/client/v3/profile/@amy:riverside.example/displayname";
    assert_eq!(server.get(profile, &amy).await.ok()["displayname"], "Zoe Ng");
    let room = server.call("POST /_matrix/client/v3/createRoom", &amy, json!({})).await.ok();
    let room = text(&room, "room_id");

    // As Entra ID says it.
    let off = change(json!([{ "op": "Replace", "path": "active", "value": "False" }]));
    let done = server.call(&format!("PATCH {path}"), &scim, off).await.ok();
    assert_eq!(done["active"], false);
    let over = server.get("/_matrix/client/v3/sync", &amy).await.refused(401, "M_UNKNOWN_TOKEN");
    assert_ne!(over["soft_logout"], true);
    server.login("amy", Value::Null).await.refused(403, "M_FORBIDDEN");
    // Back again: the same account, in the same room.
    let on = change(json!([{ "op": "replace", "value": { "active": true } }]));
    server.call(&format!("PATCH {path}"), &scim, on).await.ok();
    let amy = server.token("amy").await;
    let joined = server.get("/_matrix/client/v3/joined_rooms", &amy).await.ok();
    assert_eq!(joined["joined_rooms"], json!([room]));
    // Deleted: gone for provisioning, closed here, and the name is nobody else's.
    assert_eq!(server.call(&format!("DELETE {path}"), &scim, Value::Null).await.status, 204);
    server.get("/_matrix/client/v3/sync", &amy).await.refused(401, "M_UNKNOWN_TOKEN");
    assert_eq!(server.get(&path, &scim).await.status, 404);
    let mut other = user("Amy@riverside.nhs.uk");
    other["externalId"] = json!("somebody else");
    let refused = server.call("POST /scim/v2/Users", &scim, other).await;
    assert_eq!((refused.status.as_u16(), &refused.body["scimType"]), (409, &json!("uniqueness")));
    // The same person comes back.
    let back = server.call("POST /scim/v2/Users", &scim, user("Amy@riverside.nhs.uk")).await;
    assert_eq!((back.status.as_u16(), text(&back.body, "id")), (201, id));
    server.token("amy").await;
}

#[tokio::test]
async fn lists_are_filtered_paged_and_narrowed() {
    let server = Server::new().await;
    let scim = token(&server).await;
    for n in 1..=5 {
        assert_eq!(server.call("POST /scim/v2/Users", &scim, user(&format!("u{n}"))).await.status, 201);
        server.clock.advance(1);
    }
    let list = async |query: &str| server.get(&format!("/scim/v2/Users?{query}"), &scim).await.ok();
    let names = |page: &Value| -> Vec<String> {
        page["Resources"].as_array().unwrap().iter().map(|it| text(it, "userName")).collect()
    };
    let page = list("startIndex=2&count=2").await;
    assert_eq!(names(&page), ["u2", "u3"]);
    assert_eq!(
        (&page["totalResults"], &page["startIndex"], &page["itemsPerPage"]),
        (&json!(5), &json!(2), &json!(2))
    );
    assert_eq!(list("count=0").await["totalResults"], 5);
    assert_eq!(names(&list("filter=userName%20eq%20%22U4%22").await), ["u4"]);
    assert_eq!(names(&list("filter=externalId%20eq%20%22oid-u5%22").await), ["u5"]);
    assert_eq!(names(&list("filter=externalId%20eq%20%22OID-u5%22").await), [""; 0]);
    assert_eq!(
        names(&list("filter=userName%20sw%20%22u%22%20and%20not%20(userName%20co%20%223%22)&count=9").await)
            .len(),
        4
    );
    let narrow = list("attributes=userName&count=1").await;
    let keys: Vec<&String> = narrow["Resources"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 3, "{keys:?}");
    for bad in ["filter=userName", "startIndex=x", "attributes=a&excludedAttributes=b"] {
        assert_eq!(server.get(&format!("/scim/v2/Users?{bad}"), &scim).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn entity_tags_guard_against_lost_changes() {
    let server = Server::new().await;
    let scim = token(&server).await;
    let made = server.call("POST /scim/v2/Users", &scim, user("zoe")).await;
    let tag = made.headers[header::ETAG].to_str().unwrap().to_owned();
    let path = format!("/scim/v2/Users/{}", text(&made.body, "id"));
    let title = |title: &str| change(json!([{ "op": "add", "path": "title", "value": title }]));
    let known = with_tag(&server, &format!("GET {path}"), &scim, ("if-none-match", &tag), Value::Null).await;
    assert_eq!(known.status, 304);
    let call = format!("PATCH {path}");
    assert_eq!(with_tag(&server, &call, &scim, ("if-match", &tag), title("Sister")).await.status, 200);
    assert_eq!(with_tag(&server, &call, &scim, ("if-match", &tag), title("Matron")).await.status, 412);
    assert_eq!(server.get(&path, &scim).await.ok()["title"], "Sister");
    // A change that changes nothing is no new version.
    let before = server.get(&path, &scim).await.ok()["meta"].clone();
    server.call(&call, &scim, title("Sister")).await.ok();
    assert_eq!(server.get(&path, &scim).await.ok()["meta"], before);
}

#[tokio::test]
async fn groups_have_members_that_exist() {
    let server = Server::new().await;
    let scim = token(&server).await;
    let mut ids = Vec::new();
    for name in ["u1", "u2"] {
        ids.push(text(&server.call("POST /scim/v2/Users", &scim, user(name)).await.body, "id"));
    }
    let group = json!({ "schemas": [GROUP], "displayName": "Stroke team", "members": [{ "value": ids[0] }] });
    let made = server.call("POST /scim/v2/Groups", &scim, group).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = format!("/scim/v2/Groups/{}", text(&made.body, "id"));
    let add = change(json!([{ "op": "Add", "path": "members", "value": [{ "value": ids[1] }] }]));
    let both = server.call(&format!("PATCH {path}"), &scim, add).await.ok();
    assert_eq!(both["members"].as_array().unwrap().len(), 2);
    let of_user = server.get(&format!("/scim/v2/Users/{}", ids[1]), &scim).await.ok();
    assert_eq!(of_user["groups"][0]["display"], "Stroke team");
    let nobody = change(json!([{ "op": "Add", "path": "members", "value": [{ "value": "nobody" }] }]));
    let refused = server.call(&format!("PATCH {path}"), &scim, nobody).await;
    assert_eq!((refused.status.as_u16(), &refused.body["scimType"]), (400, &json!("invalidValue")));
    server.call(&format!("DELETE /scim/v2/Users/{}", ids[0]), &scim, Value::Null).await;
    let left = server.get(&path, &scim).await.ok();
    assert_eq!(left["members"].as_array().unwrap().len(), 1);
    assert_eq!(server.call(&format!("DELETE {path}"), &scim, Value::Null).await.status, 204);
    assert_eq!(server.get(&path, &scim).await.status, 404);
}

#[tokio::test]
async fn an_administrators_account_is_nobodys_to_provision() {
    let server = Server::new().await;
    let scim = token(&server).await;
    server.identity.create_account("root", Some(crate::support::PASSWORD), true).await.unwrap();
    assert_eq!(server.call("POST /scim/v2/Users", &scim, user("root")).await.status, 409);
    for bad in
        [json!({}), json!({ "schemas": [USER] }), json!({ "schemas": [USER], "userName": "@" }), json!([])]
    {
        assert_eq!(server.call("POST /scim/v2/Users", &scim, bad.clone()).await.status, 400, "{bad}");
    }
}
