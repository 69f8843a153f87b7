//! Turning what is right into what is nearly right.

use serde_json::{Map, Value, json};

use super::dice::Dice;

/// Pieces that break things out of all proportion to their length.
const PIECES: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b":",
    b",",
    b"null",
    b"1e999",
    b"-0",
    b"\\ud800",
    b"\\u0000",
    b"\0",
    b"\xff",
    b"\xc3",
    "\u{202e}".as_bytes(),
    b"9223372036854775808",
    b"|",
    b"^",
    b"\r",
    b"MSH|",
    b"$",
    b"@",
    b"_",
    b"99999999999999999999999",
    b"\xef\xbb\xbf",
];

/// Bytes with a few things changed.
pub(super) fn bytes(dice: &mut Dice, from: &[u8]) -> Vec<u8> {
    let mut bytes = from.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        match dice.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.splice(at..at, dice.pick(PIECES).iter().copied()).for_each(drop),
            2 if at < bytes.len() => bytes[at] = dice.next().to_le_bytes()[0],
            3 if at < bytes.len() => drop(bytes.remove(at)),
            4 => {
                let end = at + dice.below(bytes.len() - at + 1);
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy).for_each(drop);
            }
            _ => {
                let piece = dice.pick(PIECES);
                let end = (at + piece.len()).min(bytes.len());
                bytes.splice(at..end, piece.iter().copied()).for_each(drop);
            }
        }
    }
    bytes
}

/// A body in which one or a few places hold something else; sometimes what is not even JSON.
pub(super) fn body(dice: &mut Dice, valid: &Value) -> Vec<u8> {
    match dice.below(12) {
        0 => return bytes(dice, valid.to_string().as_bytes()),
        1 => return deep(dice, valid),
        2 => return doubled(valid),
        _ => {}
    }
    let mut value = valid.clone();
    for _ in 0..=dice.below(2) {
        change(dice, &mut value);
    }
    value.to_string().into_bytes()
}

/// Changes one place, chosen by walking down.
fn change(dice: &mut Dice, value: &mut Value) {
    let down = dice.below(4) != 0;
    match value {
        Value::Object(members) if !members.is_empty() && down => {
            let names: Vec<String> = members.keys().cloned().collect();
            let name = dice.pick(&names).clone();
            match dice.below(8) {
                0 => drop(members.remove(&name)),
                1 => {
                    let moved = members.remove(&name).unwrap_or_default();
                    members.insert(strange_text(dice), moved);
                }
                2 => drop(members.insert(strange_text(dice), strange(dice))),
                _ => change(dice, &mut members[&name]),
            }
        }
        Value::Array(items) if !items.is_empty() && down => {
            let at = dice.below(items.len());
            match dice.below(6) {
                0 => drop(items.remove(at)),
                1 => {
                    let item = items[at].clone();
                    items.extend(std::iter::repeat_n(item, 1000));
                }
                _ => change(dice, &mut items[at]),
            }
        }
        other => *other = strange(dice),
    }
}

/// Something of any type.
fn strange(dice: &mut Dice) -> Value {
    match dice.below(14) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(*dice.pick(&[
            0_i64,
            -1,
            1,
            i64::MIN,
            i64::MAX,
            9_007_199_254_740_992,
            -9_007_199_254_740_992
        ])),
        3 => json!(u64::MAX),
        4 => json!(*dice.pick(&[1.5, 1e308, -1e-308, 0.1])),
        5 => json!([]),
        6 => json!({}),
        7 => json!([null, {}, [], "", 0]),
        8 => Value::Object((0..300).map(|n| (n.to_string(), json!(n))).collect::<Map<_, _>>()),
        9 => json!([[[[[[[[[[[[[[[[{}]]]]]]]]]]]]]]]]),
        _ => Value::String(strange_text(dice)),
    }
}

fn strange_text(dice: &mut Dice) -> String {
    let long = "x".repeat(*dice.pick(&[255, 256, 4096, 70_000]));
    let texts = [
        "",
        " ",
        ".",
        "..",
        "*",
        "\0",
        "\u{feff}",
        "\u{202e}abc",
        "𝒳",
        "e\u{301}",
        "'; --",
        "%00",
        "a/b",
        "\r\nX: y",
        "@a:b",
        "@:",
        "!",
        "!x",
        "!x:riverside.example",
        "$",
        "$x",
        "#",
        "#a:riverside.example",
        "mxc://",
        "mxc://a/b",
        "m.room.create",
        "m.room.member",
        "m.room.power_levels",
        "m.room.encryption",
        "ed25519:X",
        "signed_curve25519:A",
        "-1",
        "1e9",
        "s1",
        "t1_1",
        "null",
        "12",
        "999",
        "2027-01-15T08:05:00Z",
        "2027-99-99",
        "Patient/x",
        "http://[::1",
        "data:,",
        &long,
    ];
    (*dice.pick(&texts)).to_owned()
}

/// Nested beyond reason at one of the members.
fn deep(dice: &mut Dice, valid: &Value) -> Vec<u8> {
    let depth = *dice.pick(&[100, 130, 20_000]);
    let nested = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let names: Vec<&String> = valid.as_object().into_iter().flat_map(Map::keys).collect();
    let name = if names.is_empty() { "a".to_owned() } else { (*dice.pick(&names)).clone() };
    format!("{{{}:{nested}}}", Value::from(name)).into_bytes()
}

/// Every member twice.
fn doubled(valid: &Value) -> Vec<u8> {
    let text = valid.to_string();
    match text.strip_suffix('}') {
        Some(open) if text.len() > 2 => format!("{open},{}", &text[1..]).into_bytes(),
        _ => b"{\"a\":1,\"a\":2}".to_vec(),
    }
}
