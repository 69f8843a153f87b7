//! Chains as they are signed, and every change to them found.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    Timestamp,
    care::request::{Reason, State, Transition},
    signing::Signer,
};

fn signer(seed: u8) -> Signer {
    Signer::from_seed("riverside.example".try_into().unwrap(), "a1", [seed; 32]).unwrap()
}

fn published() -> BTreeMap<String, String> {
    BTreeMap::from([("ed25519:a1".to_owned(), signer(7).public_key())])
}

fn transition(n: u64) -> Transition {
    Transition {
        state: State::ALL[n as usize % State::ALL.len()],
        at: Timestamp(1000 + n as i64),
        step: 0,
        actor: Some("priya.raman".into()),
        device: None,
        asks: (n == 0).then(|| "dev.patel".to_owned()),
        reason: (n == 1).then(|| Reason::Said("With another patient".to_owned())),
        device_at: None,
    }
}

fn links(signer: &Signer, count: u64) -> Vec<String> {
    let raised = json!({ "class": "urgent", "patient": "p1" });
    let mut previous = START;
    (0..count)
        .map(|n| {
            let transition = transition(n);
            let link = NewLink {
                request: "r1",
                number: n + 1,
                previous: &previous,
                signed_at: transition.at,
                transition: &transition,
                raised: (n == 0).then_some(&raised),
            };
            let (text, hash) = sign_link(signer, &link).unwrap();
            previous = hash;
            text
        })
        .collect()
}

fn sealed(links: &[String]) -> String {
    let names = BTreeMap::from([("priya.raman".to_owned(), "Dr Priya Raman".to_owned())]);
    bundle(&signer(7), "r1", links, &names, Timestamp(5000)).unwrap()
}

#[test]
fn a_whole_chain_is_proven() {
    let proven = verify(&sealed(&links(&signer(7), 4)), &published()).unwrap();
    assert_eq!(proven.request, "r1");
    assert_eq!(proven.links.iter().map(|link| link.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(proven.links[3].transition, transition(3));
    assert_eq!(proven.names["priya.raman"], "Dr Priya Raman");
    assert_eq!(proven.keys, ["ed25519:a1"]);
}

#[test]
fn gaps_swaps_and_foreign_links_are_found() {
    let whole = links(&signer(7), 5);
    for gone in 0..5 {
        let mut links = whole.clone();
        links.remove(gone);
        assert!(verify(&sealed(&links[..]), &published()).is_err() || gone == 4, "link {gone} is gone");
        // With the seal of the whole chain, the end cannot be cut off either.
        let cut = sealed(&whole).replace(&whole[gone], "").replace(",\n,", ",").replace(",\n\n]", "\n]");
        assert!(verify(&cut, &published()).is_err(), "link {gone} is cut out");
    }
    let mut swapped = whole.clone();
    swapped.swap(1, 2);
    assert!(verify(&sealed(&swapped), &published()).is_err());
    let mut foreign = whole.clone();
    foreign[4] = links(&signer(8), 5).remove(4);
    assert!(verify(&sealed(&foreign), &published()).is_err(), "signed with another key");
    let other_server = Signer::from_seed("evil.example".try_into().unwrap(), "a1", [7; 32]).unwrap();
    foreign[4] = links(&other_server, 5).remove(4);
    assert!(verify(&sealed(&foreign), &published()).is_err(), "in another name");
    assert!(verify(&sealed(&[]), &published()).is_err(), "nothing is no proof");
}

#[test]
fn another_key_than_the_published_proves_nothing() {
    let forged = bundle(&signer(8), "r1", &links(&signer(8), 3), &BTreeMap::new(), Timestamp(1)).unwrap();
    assert!(verify(&forged, &own_keys(&forged).unwrap()).is_ok(), "it is whole in itself");
    assert!(verify(&forged, &published()).is_err());
}

#[test]
fn a_key_that_occurs_twice_is_found() {
    let whole = sealed(&links(&signer(7), 2));
    let twice = whole.replace("\"state\":\"raised\"", "\"state\":\"failed\",\"state\":\"raised\"");
    assert_ne!(whole, twice);
    assert!(verify(&twice, &published()).is_err());
}

/// Every value of the JSON in order, each with the way to it.
fn ways(value: &Value, way: String, found: &mut Vec<String>) {
    found.push(way.clone());
    match value {
        Value::Object(all) => {
            all.iter()
                .for_each(|(key, value)| ways(value, format!("{way}/{}", key.replace('/', "~1")), found));
        }
        Value::Array(all) => {
            all.iter().enumerate().for_each(|(at, value)| ways(value, format!("{way}/{at}"), found));
        }
        _ => {}
    }
}

fn changed(value: &Value, how: u8) -> Value {
    match (value, how % 3) {
        (Value::String(text), 0) => {
            let at = usize::from(how) % text.chars().count().max(1);
            let other = |c: char| if c == 'x' { 'y' } else { 'x' };
            text.chars()
                .enumerate()
                .map(|(i, c)| if i == at { other(c) } else { c })
                .collect::<String>()
                .into()
        }
        (Value::String(text), 1) => format!("{text}=").into(),
        (Value::Number(n), 0 | 1) => (n.as_i64().unwrap() + 1 + i64::from(how)).into(),
        (Value::Object(all), 0) if !all.is_empty() => {
            let gone = all.keys().nth(usize::from(how) % all.len()).cloned().unwrap();
            let mut all = all.clone();
            all.remove(&gone);
            all.into()
        }
        (Value::Object(all), 1) => {
            let mut all = all.clone();
            all.insert("unsigned".to_owned(), json!({}));
            all.into()
        }
        (Value::Array(all), 0) if all.len() > 1 => {
            let mut all = all.clone();
            let at = usize::from(how) % (all.len() - 1);
            all.swap(at, at + 1);
            all.into()
        }
        (Value::Array(all), 1) if !all.is_empty() => {
            let mut all = all.clone();
            all.push(all[usize::from(how) % all.len()].clone());
            all.into()
        }
        (Value::Null, _) => "x".into(),
        _ => Value::Null,
    }
}

proptest! {
    #[test]
    fn any_change_is_found(count in 1_u64..6, place in any::<prop::sample::Index>(), how: u8) {
        let whole = sealed(&links(&signer(7), count));
        let mut json: Value = serde_json::from_str(&whole).unwrap();
        let mut all = Vec::new();
        ways(&json, String::new(), &mut all);
        let way = place.get(&all);
        let target = json.pointer_mut(way).unwrap();
        let other = changed(target, how);
        prop_assume!(other != *target);
        *target = other;
        prop_assert!(verify(&json.to_string(), &published()).is_err(), "{way} was changed unseen");
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in ".{0,200}") {
        prop_assert!(verify(&text, &published()).is_err());
    }
}
