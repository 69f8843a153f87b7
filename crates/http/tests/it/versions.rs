//! `GET /versions` promises what is there, and nothing else.

use serde_json::{Value, json};

use crate::support::Server;

/// Unstable features, each with a call that only a server with the feature knows.
const FEATURES: &[(&str, &str)] = &[
    ("org.matrix.simplified_msc3575", "POST /_matrix/client/unstable/org.matrix.simplified_msc3575/sync"),
    ("org.matrix.msc4186", "POST /_matrix/client/unstable/org.matrix.simplified_msc3575/sync"),
    ("org.matrix.msc3814", "GET /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device"),
    ("org.matrix.msc4140", "GET /_matrix/client/unstable/org.matrix.msc4140/delayed_events"),
    ("org.matrix.msc4108", "POST /_matrix/client/unstable/org.matrix.msc4108/rendezvous"),
    ("io.element.msc4388", "POST /_matrix/client/unstable/io.element.msc4388/rendezvous"),
    ("org.matrix.msc4306", "GET /_matrix/client/unstable/io.element.msc4306/rooms/!a/thread/$b/subscription"),
    ("org.matrix.msc4308", "GET /_matrix/client/unstable/io.element.msc4308/thread_subscriptions"),
    ("org.matrix.msc4143", "GET /_matrix/client/unstable/org.matrix.msc4143/rtc/transports"),
    (
        "uk.half-shot.msc2666.query_mutual_rooms",
        "GET /_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms",
    ),
    ("im.nheko.summary", "GET /_matrix/client/unstable/im.nheko.summary/summary/!a"),
    ("org.matrix.msc3266", "GET /_matrix/client/unstable/im.nheko.summary/summary/!a"),
    ("org.matrix.msc2965.authentication", "GET /_matrix/client/unstable/org.matrix.msc2965/auth_metadata"),
    (
        "org.matrix.msc3391",
        "DELETE /_matrix/client/unstable/org.matrix.msc3391/user/@amy:riverside.example/account_data/a",
    ),
    ("fi.mau.msc2659", "POST /_matrix/client/v1/appservice/a/ping"),
    ("org.matrix.msc4536", "POST /_matrix/client/unstable/org.matrix.msc4536/profile/query"),
    ("org.continuwuity.msc4560", "POST /_matrix/client/unstable/org.continuwuity.msc4560.stripped_state/!a"),
    ("org.matrix.msc4195", "POST /_matrix/client/unstable/io.element.msc4195/rtc/livekit/get_token"),
];

/// What shows in no path of its own: the form of requests and answers. Each has tests under its name or words.
const WITHOUT_PATH: &[&str] = &[
    "uk.tcpip.msc4133.stable",
    "org.matrix.msc4174",
    "uk.half-shot.msc2666.query_mutual_rooms.stable",
    "org.matrix.msc4222",
    "org.matrix.msc3874",
    "org.matrix.msc3202",
    "org.matrix.msc4190",
];

#[tokio::test]
async fn a_feature_is_promised_exactly_if_it_is_there() {
    let server = Server::new().await;
    let versions = server.get("/_matrix/client/versions", "").await.ok();
    let promised = |feature: &str| versions["unstable_features"][feature] == json!(true);
    for (feature, call) in FEATURES {
        let answer = server.call(call, "", json!({})).await;
        let is_there = answer.body["errcode"] != "M_UNRECOGNIZED";
        assert_eq!(promised(feature), is_there, "{feature}: {call} {}", answer.body);
    }
    let all: Vec<&String> = versions["unstable_features"].as_object().unwrap().keys().collect();
    for feature in all {
        let known =
            FEATURES.iter().any(|(name, _)| name == feature) || WITHOUT_PATH.contains(&feature.as_str());
        assert!(known, "{feature} is promised and not looked at");
    }
    assert!(WITHOUT_PATH.iter().all(|feature| promised(feature)));
    assert_eq!(versions["versions"].as_array().and_then(|all| all.last()), Some(&Value::from("v1.19")));
}
