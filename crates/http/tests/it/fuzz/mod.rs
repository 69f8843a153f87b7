//! Nothing that anybody sends may bring the server down: no panic, no 5xx, no memory without bounds.
//!
//! `WARDLINE_FUZZ` is a factor for how long it is tried.

mod bodies;
mod dice;
mod endpoints;
mod mutate;
#[expect(unreachable_pub, reason = "the library of the fuzz workspace, where they are reached")]
#[path = "../../../../../fuzz/src/lib.rs"]
mod parsers;

use self::dice::Dice;

/// How many times as long as usual.
fn factor() -> usize {
    std::env::var("WARDLINE_FUZZ").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1)
}

/// Texts that each parser accepts, so that what is made of them comes far.
const SEEDS: &[&str] = &[
    r#"{"auth_events":["$a"],"content":{"body":"b","membership":"join"},"depth":3,"hashes":{"sha256":"aGFzaA"},"origin_server_ts":1,"prev_events":["$b"],"room_id":"!r:x.example","sender":"@a:x.example","signatures":{"x.example":{"ed25519:1":"c2ln"}},"state_key":"@a:x.example","type":"m.room.member"}"#,
    r#"{"a":[1,-2,"\u0000\ud83d\ude00",{"b":null,"a":true}],"":9007199254740991}"#,
    "MSH|^~\\&|PAS|RXX|WL|RXX|20261122||ADT^A01^ADT_A01|1|P|2.4|||||GBR|UNICODE UTF-8\rPID|||9990000018^^^NHS^NH||Test^Ann||19800101|F\rPV1||I|W1^B2^3\r",
    r#"{"event_fields":["content.b"],"event_format":"client","room":{"rooms":["!r:x.example"],"timeline":{"limit":1,"types":["m.*"],"senders":["@a:x.example"]},"state":{"lazy_load_members":true}}}"#,
    r#"{"conn_id":"c","lists":{"a":{"ranges":[[0,9]],"range":[0,1],"timeline_limit":1,"required_state":[["m.room.create",""]]}},"room_subscriptions":{"!r:x.example":{"required_state":{"include":[{}],"exclude":[{"type":"a"}],"lazy_members":true}}}}"#,
    "s12_t5_d7_p9",
    "t5_9",
    "@ada:ward.example",
    "999 000 0018",
    "id = \"p\"\ntitle = \"P\"\n",
];

#[test]
fn every_parser_has_a_target_of_its_own() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    for (name, _) in parsers::TARGETS {
        let target = std::fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(target.contains(&format!("wardline_fuzz::{name}(bytes)")), "{target}");
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
    }
    let files = std::fs::read_dir(folder.join("fuzz_targets")).unwrap().count();
    assert_eq!(files, parsers::TARGETS.len());
}

#[test]
fn no_parser_panics() {
    let mut dice = Dice::new(1);
    for (name, parse) in parsers::TARGETS {
        for seed in SEEDS {
            parse(seed.as_bytes());
            for _ in 0..150 * factor() {
                let bytes = mutate::bytes(&mut dice, seed.as_bytes());
                let tried = std::panic::catch_unwind(|| parse(&bytes));
                assert!(tried.is_ok(), "{name}: {:?}", String::from_utf8_lossy(&bytes));
            }
        }
        for deep in ["[", "{\"a\":", "{\"content\":[", "\""] {
            parse(deep.repeat(100_000).as_bytes());
        }
    }
}
