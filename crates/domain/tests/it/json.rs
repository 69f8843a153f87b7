//! Canonical JSON against ruma, and arbitrary JSON for the other tests.

use proptest::prelude::*;
use serde_json::{Map, Value};
use wardline_domain::canonical::{self, MAX_INTEGER};
use wardline_domain::ruma::canonical_json::try_from_json_map;

/// Arbitrary JSON that has a canonical form.
pub(crate) fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Into::into),
        (-MAX_INTEGER..=MAX_INTEGER).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            object_of(inner).prop_map(Into::into),
        ]
    })
}

/// An arbitrary JSON object that has a canonical form.
pub(crate) fn object() -> impl Strategy<Value = Map<String, Value>> {
    object_of(json())
}

fn object_of(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((any::<String>(), value), 0..5).prop_map(|members| members.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_same_bytes_as_ruma(value in object()) {
        let text = serde_json::to_string_pretty(&value).unwrap();
        let expected = try_from_json_map(value).unwrap();
        prop_assert_eq!(
            canonical::Value::parse(&text).unwrap().to_canonical(),
            serde_json::to_string(&expected).unwrap()
        );
    }
}
