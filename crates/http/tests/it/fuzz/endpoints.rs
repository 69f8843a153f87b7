//! A valid body for every endpoint that takes one.
//!
//! In paths and bodies `{room}`, `{event}`, `{version}` and `{n}` (a new number each time) stand for what the world of
//! the test has.

use serde_json::{Value, json};

const AMY: &str = "@amy:riverside.example";
const BOB: &str = "@bob:riverside.example";
const V3: &str = "/_matrix/client/v3";
const UNSTABLE: &str = "/_matrix/client/unstable";

/// Endpoints of `endpoints.txt` that take no JSON body, by the beginning of method and path.
pub(super) const WITHOUT: &[&str] = &[
    "POST /_matrix/client/unstable/io.element.msc4388/rendezvous",
    "PUT /_matrix/client/unstable/io.element.msc4388/rendezvous",
    "POST /_matrix/client/unstable/org.matrix.msc4108/rendezvous",
    "POST /_matrix/media/v3/upload",
    "PUT /_matrix/media/v3/upload",
];

/// Method, path and body.
pub(super) type Call = (String, Value);

pub(super) fn all() -> Vec<Call> {
    let mut all = account();
    all.extend(rooms());
    all.extend(events());
    all.extend(keys());
    all.extend(data());
    all.extend(care());
    all
}

fn call(method: &str, path: &str, body: Value) -> Call {
    (format!("{method} {path}"), body)
}

fn v3(call_to: &str, body: Value) -> Call {
    let (method, path) = call_to.split_once(' ').unwrap();
    call(method, &format!("{V3}{path}"), body)
}

fn password_auth() -> Value {
    json!({ "type": "m.login.password", "session": "s", "password": "wrong",
        "identifier": { "type": "m.id.user", "user": AMY } })
}

fn account() -> Vec<Call> {
    let contact = json!({ "client_secret": "s", "email": "a@b.example", "send_attempt": 1, "sid": "1",
        "id_server": "x.example", "id_access_token": "t", "medium": "email", "address": "a@b.example",
        "country": "GB", "phone_number": "07700900000", "next_link": "https://x.example", "three_pid_creds": {} });
    let mut all: Vec<Call> = [
        "POST /account/3pid",
        "POST /account/3pid/add",
        "POST /account/3pid/bind",
        "POST /account/3pid/delete",
        "POST /account/3pid/unbind",
        "POST /account/3pid/email/requestToken",
        "POST /account/3pid/msisdn/requestToken",
        "POST /account/password/email/requestToken",
        "POST /account/password/msisdn/requestToken",
        "POST /register/email/requestToken",
        "POST /register/msisdn/requestToken",
    ]
    .map(|path| v3(path, contact.clone()))
    .into();
    all.extend([
        v3("POST /account/deactivate", json!({ "auth": password_auth(), "erase": false, "id_server": "x" })),
        v3(
            "POST /account/password",
            json!({ "auth": password_auth(), "new_password": "a long new password", "logout_devices": false }),
        ),
        v3("POST /delete_devices", json!({ "auth": password_auth(), "devices": ["A", "B"] })),
        v3("PUT /devices/PHONE", json!({ "display_name": "Phone" })),
        v3(
            "POST /login",
            json!({ "type": "m.login.password", "password": "wrong", "device_id": "D",
                "initial_device_display_name": "n", "refresh_token": true,
                "identifier": { "type": "m.id.user", "user": "nobody{n}" } }),
        ),
        call("POST", "/_matrix/client/v1/login/get_token", json!({ "auth": password_auth() })),
        v3("POST /refresh", json!({ "refresh_token": "r" })),
        v3(
            "POST /register",
            json!({ "username": "new{n}", "password": "a long new password", "device_id": "D",
                "inhibit_login": true, "refresh_token": true, "auth": { "type": "m.login.dummy", "session": "s" } }),
        ),
        v3(&format!("POST /user/{AMY}/openid/request_token"), json!({})),
        call("PUT", &format!("/_matrix/client/v1/admin/lock/{BOB}"), json!({ "locked": true })),
        call("PUT", &format!("/_matrix/client/v1/admin/suspend/{BOB}"), json!({ "suspended": true })),
        call("POST", "/_matrix/client/v1/appservice/bridge/ping", json!({ "transaction_id": "t" })),
        call("POST", "/_synapse/admin/v1/register", json!({ "nonce": "n", "username": "u", "password": "p",
            "admin": false, "mac": "00" })),
        call("POST", "/oauth/register", json!({ "client_name": "c", "client_uri": "https://x.example",
            "redirect_uris": ["https://x.example/cb"], "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"], "token_endpoint_auth_method": "none", "application_type": "web" })),
        call("POST", "/_matrix/media/v1/create", json!({})),
        v3("POST /logout", json!({})),
        v3("POST /logout/all", json!({})),
    ]);
    all
}

fn rooms() -> Vec<Call> {
    let person = json!({ "user_id": BOB, "reason": "why" });
    vec![
        v3(
            "POST /createRoom",
            json!({ "name": "N", "topic": "T", "preset": "public_chat", "visibility": "private",
                "room_alias_name": "alias{n}", "room_version": "12", "invite": [BOB], "is_direct": true,
                "invite_3pid": [], "creation_content": { "type": "m.space", "additional_creators": [BOB] },
                "initial_state": [{ "type": "m.room.guest_access", "state_key": "",
                    "content": { "guest_access": "can_join" } }],
                "power_level_content_override": { "users_default": 1, "events": { "m.room.name": 50 } } }),
        ),
        v3(
            "POST /join/{room}",
            json!({ "reason": "why", "third_party_signed": { "sender": AMY, "mxid": BOB,
            "token": "t", "signatures": {} } }),
        ),
        v3("POST /knock/{room}", json!({ "reason": "why" })),
        v3("POST /rooms/{room}/ban", person.clone()),
        v3("POST /rooms/{room}/unban", person.clone()),
        v3("POST /rooms/{room}/invite", person.clone()),
        v3("POST /rooms/{room}/kick", person),
        v3("POST /rooms/{room}/join", json!({ "reason": "why" })),
        v3("POST /rooms/{room}/leave", json!({ "reason": "why" })),
        v3("POST /rooms/{room}/forget", json!({})),
        v3("POST /rooms/{room}/upgrade", json!({ "new_version": "12", "additional_creators": [BOB] })),
        v3("POST /rooms/{room}/report", json!({ "reason": "why" })),
        v3("POST /rooms/{room}/report/{event}", json!({ "reason": "why", "score": -50 })),
        v3(&format!("POST /users/{BOB}/report"), json!({ "reason": "why" })),
        v3("PUT /directory/list/room/{room}", json!({ "visibility": "public" })),
        v3("PUT /directory/list/appservice/net/{room}", json!({ "visibility": "public" })),
        v3("PUT /directory/room/%23a{n}:riverside.example", json!({ "room_id": "{room}" })),
        v3(
            "POST /publicRooms",
            json!({ "limit": 5, "since": "0", "include_all_networks": false, "third_party_instance_id": "i",
                "filter": { "generic_search_term": "a", "room_types": [null, "m.space"] } }),
        ),
        v3("POST /user_directory/search", json!({ "search_term": "bob", "limit": 5 })),
        v3(
            "POST /search",
            json!({ "search_categories": { "room_events": { "search_term": "text", "keys": ["content.body"],
                "filter": { "limit": 5, "rooms": ["{room}"], "senders": [AMY] }, "order_by": "recent",
                "event_context": { "before_limit": 1, "after_limit": 1, "include_profile": true },
                "include_state": true, "groupings": { "group_by": [{ "key": "room_id" }] } } } }),
        ),
    ]
}

fn events() -> Vec<Call> {
    let text = json!({ "msgtype": "m.text", "body": "text", "m.mentions": { "user_ids": [BOB], "room": true },
        "m.relates_to": { "rel_type": "m.thread", "event_id": "{event}", "is_falling_back": true,
            "m.in_reply_to": { "event_id": "{event}" } } });
    let edit = json!({ "msgtype": "m.text", "body": "* b", "m.new_content": { "msgtype": "m.text", "body": "b" },
        "m.relates_to": { "rel_type": "m.replace", "event_id": "{event}" } });
    let levels = json!({ "ban": 50, "events": { "m.room.name": 50 }, "events_default": 0, "invite": 0, "kick": 50,
        "notifications": { "room": 50 }, "redact": 50, "state_default": 50, "users": { BOB: 1 }, "users_default": 0 });
    let state = |kind: &str, content: Value| v3(&format!("PUT /rooms/{{room}}/state/{kind}"), content);
    vec![
        v3("PUT /rooms/{room}/send/m.room.message/{n}", text),
        v3("PUT /rooms/{room}/send/m.room.message/edit{n}", edit),
        v3("PUT /rooms/{room}/send/m.room.redaction/r{n}", json!({ "redacts": "{event}", "reason": "why" })),
        v3(
            "PUT /rooms/{room}/send/m.room.encrypted/e{n}",
            json!({ "algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "c", "session_id": "s", "sender_key": "k" }),
        ),
        v3("PUT /rooms/{room}/redact/{event}/{n}", json!({ "reason": "why" })),
        state("m.room.name", json!({ "name": "N" })),
        state("m.room.power_levels", levels),
        state(
            "m.room.join_rules",
            json!({ "join_rule": "restricted", "allow": [{ "type": "m.room_membership",
            "room_id": "{room}" }] }),
        ),
        state("m.room.history_visibility", json!({ "history_visibility": "shared" })),
        state("m.room.canonical_alias", json!({ "alias": "#a:riverside.example", "alt_aliases": [] })),
        state("m.room.encryption", json!({ "algorithm": "m.megolm.v1.aes-sha2", "rotation_period_ms": 1 })),
        state("m.room.server_acl", json!({ "allow": ["*"], "deny": [], "allow_ip_literals": false })),
        state(
            "m.space.child/!child:x.example",
            json!({ "via": ["x.example"], "order": "a", "suggested": true }),
        ),
        state(&format!("m.room.member/{AMY}"), json!({ "membership": "join", "displayname": "A" })),
        v3(
            "POST /rooms/{room}/read_markers",
            json!({ "m.fully_read": "{event}", "m.read": "{event}",
            "m.read.private": "{event}" }),
        ),
        v3("POST /rooms/{room}/receipt/m.read/{event}", json!({ "thread_id": "main" })),
        v3(&format!("PUT /rooms/{{room}}/typing/{AMY}"), json!({ "typing": true, "timeout": 1000 })),
        call(
            "PUT",
            &format!("{UNSTABLE}/io.element.msc4306/rooms/{{room}}/thread/{{event}}/subscription"),
            json!({ "automatic": "{event}" }),
        ),
        call(
            "PUT",
            &format!("{UNSTABLE}/org.matrix.msc4140/rooms/{{room}}/delayed_event/m.room.topic/{{n}}"),
            json!({ "delay": 60_000, "state_key": "", "content": { "topic": "t" } }),
        ),
        call(
            "POST",
            &format!("{UNSTABLE}/org.matrix.msc4140/delayed_events/x"),
            json!({ "action": "restart" }),
        ),
        call("POST", &format!("{UNSTABLE}/org.matrix.msc4140/delayed_events/x/send"), json!({})),
    ]
}

fn keys() -> Vec<Call> {
    let key = json!({ "first_message_index": 0, "forwarded_count": 0, "is_verified": true,
        "session_data": { "ciphertext": "c", "ephemeral": "e", "mac": "m" } });
    let cross = |usage: &str| {
        json!({ "user_id": AMY, "usage": [usage], "keys": { "ed25519:K": "K" },
            "signatures": { AMY: { "ed25519:K": "c2ln" } } })
    };
    let version =
        json!({ "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": { "public_key": "k" } });
    let device = json!({ "user_id": AMY, "device_id": "PHONE", "algorithms": ["m.olm.v1.curve25519-aes-sha2"],
        "keys": { "ed25519:PHONE": "a2V5", "curve25519:PHONE": "a2V5" },
        "signatures": { AMY: { "ed25519:PHONE": "c2ln" } } });
    let one_time = json!({ "signed_curve25519:AAAA": { "key": "k", "fallback": true, "signatures": {} } });
    vec![
        v3(
            "POST /keys/upload",
            json!({ "device_keys": device, "one_time_keys": one_time, "fallback_keys": one_time }),
        ),
        v3("POST /keys/query", json!({ "timeout": 1, "device_keys": { AMY: [], BOB: ["A"] } })),
        v3(
            "POST /keys/claim",
            json!({ "timeout": 1, "one_time_keys": { BOB: { "A": "signed_curve25519" } } }),
        ),
        v3("POST /keys/signatures/upload", json!({ AMY: { "PHONE": device } })),
        v3(
            "POST /keys/device_signing/upload",
            json!({ "master_key": cross("master"), "self_signing_key": cross("self_signing"),
                "user_signing_key": cross("user_signing"), "auth": password_auth() }),
        ),
        v3("POST /room_keys/version", version.clone()),
        v3("PUT /room_keys/version/{version}", version),
        v3(
            "PUT /room_keys/keys?version={version}",
            json!({ "rooms": { "{room}": { "sessions": { "s": key } } } }),
        ),
        v3("PUT /room_keys/keys/{room}?version={version}", json!({ "sessions": { "s": key } })),
        v3("PUT /room_keys/keys/{room}/s?version={version}", key),
        v3("PUT /sendToDevice/m.test/{n}", json!({ "messages": { BOB: { "*": { "a": 1 } } } })),
        call(
            "PUT",
            &format!("{UNSTABLE}/org.matrix.msc3814.v1/dehydrated_device"),
            json!({ "device_id": "DRY", "device_data": { "algorithm": "m.dehydration.v2", "device_pickle": "p" },
                "initial_device_display_name": "n", "device_keys": device, "one_time_keys": one_time,
                "fallback_keys": one_time }),
        ),
        call(
            "POST",
            &format!("{UNSTABLE}/org.matrix.msc3814.v1/dehydrated_device/DRY/events"),
            json!({ "next_batch": "1" }),
        ),
        call("POST", &format!("{UNSTABLE}/org.matrix.msc3983/keys/claim"), json!({ AMY: { "A": ["x"] } })),
    ]
}

fn data() -> Vec<Call> {
    let sliding = json!({ "conn_id": "c", "txn_id": "t", "timeout": 0, "set_presence": "online",
        "lists": { "a": { "ranges": [[0, 9]], "timeline_limit": 3,
            "required_state": [["m.room.member", "$LAZY"], ["*", "*"]],
            "filters": { "is_dm": false, "spaces": ["{room}"], "is_encrypted": false, "is_invite": false,
                "room_types": [null], "not_room_types": ["m.space"], "tags": ["a"], "not_tags": ["b"] } } },
        "room_subscriptions": { "{room}": { "timeline_limit": 3,
            "required_state": { "include": [{}], "exclude": [{ "type": "a" }], "lazy_members": true } } },
        "unsubscribe_rooms": ["{room}"],
        "extensions": { "to_device": { "enabled": true, "limit": 5, "since": "s1" }, "e2ee": { "enabled": true },
            "account_data": { "enabled": true, "lists": ["a"], "rooms": ["*"] }, "receipts": { "enabled": true },
            "typing": { "enabled": true },
            "io.element.msc4308.thread_subscriptions": { "enabled": true, "limit": 2 } } });
    let filter = json!({ "event_fields": ["content.body"], "event_format": "client",
        "presence": { "types": ["m.presence"], "not_senders": [BOB] }, "account_data": { "limit": 1 },
        "room": { "rooms": ["{room}"], "not_rooms": [], "include_leave": true,
            "timeline": { "limit": 5, "types": ["m.*"], "contains_url": false, "related_by_rel_types": ["m.thread"] },
            "state": { "lazy_load_members": true }, "ephemeral": {}, "account_data": {} } });
    let rule = json!({ "actions": ["notify", { "set_tweak": "sound", "value": "default" }],
        "conditions": [{ "kind": "event_match", "key": "type", "pattern": "m.*" },
            { "kind": "room_member_count", "is": ">2" }] });
    let pusher = json!({ "app_id": "a", "pushkey": "k", "kind": "http", "app_display_name": "A",
        "device_display_name": "D", "lang": "en", "profile_tag": "t", "append": false,
        "data": { "url": "https://push.example/_matrix/push/v1/notify", "format": "event_id_only" } });
    vec![
        call("POST", "/_matrix/client/v4/sync", sliding.clone()),
        call("POST", "/_matrix/client/v5/sync", sliding.clone()),
        call("POST", &format!("{UNSTABLE}/org.matrix.simplified_msc3575/sync"), sliding),
        v3(&format!("POST /user/{AMY}/filter"), filter),
        v3(&format!("PUT /user/{AMY}/account_data/m.direct"), json!({ BOB: ["{room}"] })),
        v3(
            &format!("PUT /user/{AMY}/account_data/m.ignored_user_list"),
            json!({ "ignored_users": { "@cat:riverside.example": {} } }),
        ),
        v3(&format!("PUT /user/{AMY}/rooms/{{room}}/account_data/a.b"), json!({ "a": { "b": [1] } })),
        v3(&format!("PUT /user/{AMY}/rooms/{{room}}/tags/m.favourite"), json!({ "order": 0.5 })),
        v3(&format!("PUT /profile/{AMY}/displayname"), json!({ "displayname": "Amy" })),
        v3(&format!("PUT /profile/{AMY}/avatar_url"), json!({ "avatar_url": "mxc://riverside.example/a" })),
        v3(&format!("PUT /profile/{AMY}/m.tz"), json!({ "m.tz": "Europe/London" })),
        v3(&format!("PUT /presence/{AMY}/status"), json!({ "presence": "online", "status_msg": "m" })),
        v3("PUT /pushrules/global/override/rule", rule),
        v3("PUT /pushrules/global/content/word", json!({ "actions": ["notify"], "pattern": "word" })),
        v3("PUT /pushrules/global/override/.m.rule.master/actions", json!({ "actions": ["notify"] })),
        v3("PUT /pushrules/global/override/.m.rule.master/enabled", json!({ "enabled": false })),
        v3("POST /pushers/set", pusher),
    ]
}

fn care() -> Vec<Call> {
    let extension = "https://wardline.org/fhir/StructureDefinition/";
    let id = "0d9c1f4e-5a3b-4c1d-9e8f-102030405060";
    let parameters = |entries: Value| json!({ "resourceType": "Parameters", "parameter": entries });
    let fhir = |call_to: &str, body: Value| {
        let (method, path) = call_to.split_once(' ').unwrap();
        call(method, &format!("/fhir/R4/{path}"), body)
    };
    let task = json!({ "resourceType": "Task", "id": id, "status": "requested", "intent": "order",
        "code": { "coding": [{ "system": "https://wardline.org/fhir/CodeSystem/request-class", "code": "urgent" }] },
        "for": { "reference": "Patient/x" }, "owner": { "reference": "HealthcareService/medical-registrar" },
        "requester": { "reference": "Practitioner/amy" },
        "restriction": { "period": { "end": "2027-01-15T08:05:00.000Z" } },
        "extension": [{ "url": format!("{extension}request-room"), "valueString": "{room}" },
            { "url": format!("{extension}request-event"), "valueString": "{event}" }] });
    let given = parameters(json!([
        { "name": "to", "valueReference": { "reference": "Practitioner/bob" } },
        { "name": "until", "valueDateTime": "2027-01-15T08:05:00.000Z" },
        { "name": "reason", "valueString": "why" },
    ]));
    vec![
        fhir(&format!("PUT Task/{id}"), task),
        fhir(&format!("POST Task/{id}/$accept"), given.clone()),
        fhir(&format!("POST Task/{id}/$reassign"), given.clone()),
        fhir("POST HealthcareService/medical-registrar/$take", given.clone()),
        fhir("POST HealthcareService/medical-registrar/$offer", given.clone()),
        fhir("POST Patient/x/$conversation", given),
        fhir(
            "POST Patient/$break-glass",
            parameters(json!([
                { "name": "nhs-number", "valueString": "9990000018" },
                { "name": "birthdate", "valueDate": "1980-01-01" },
                { "name": "reason", "valueString": "why" },
            ])),
        ),
    ]
}
