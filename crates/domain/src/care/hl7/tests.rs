use proptest::prelude::*;

use super::*;

const ADMIT: &str = "MSH|^~\\&|PAS|X9R|WARDLINE|X9R|20261122090000||ADT^A01|1|P|2.4\r\
    PID|1||9990000018^^^NHS^NH~RX123^^^X9R^PI||O\\S\\Neil^Aoife^^^Ms||19700102|F\r\n\
    PV1||I|NIGHTINGALE^1^1A\n";

#[test]
fn fields_repetitions_components_and_escapes() {
    let message = Message::parse(ADMIT.as_bytes()).unwrap();
    let pid = message.segment("PID").unwrap();
    assert_eq!(pid.ordinal(), 2);
    assert_eq!(message.segment("MSH").unwrap().field(9).component(2).text(), "A01");
    assert_eq!(message.segment("MSH").unwrap().field(1).text(), "|");
    let ids: Vec<String> = pid.field(3).repetitions().map(|r| r.component(1).text()).collect();
    assert_eq!(ids, ["9990000018", "RX123"]);
    assert_eq!(pid.field(5).component(1).text(), "O^Neil");
    assert_eq!(message.segment("PV1").unwrap().field(3).component(3).text(), "1A");
    assert_eq!(pid.field(99).change(), Change::Unchanged);
}

#[test]
fn other_separators_and_all_escapes() {
    let text = "MSH#*~!@#a\rNTE#!F!!S!!T!!R!!E!!.br!!X41C3A9!!H!!Zz!!open";
    let message = Message::parse(text.as_bytes()).unwrap();
    assert_eq!(message.segment("NTE").unwrap().field(1).text(), "#*@~!\nAé!Zz!!open");
}

#[test]
fn delete_is_not_unchanged() {
    let message = Message::parse(b"MSH|^~\\&|\rPID|\"\"||x").unwrap();
    let pid = message.segment("PID").unwrap();
    assert_eq!(pid.field(1).change(), Change::Delete);
    assert_eq!(pid.field(2).change(), Change::Unchanged);
    assert_eq!(pid.field(3).change(), Change::Set("x".to_owned()));
}

#[test]
fn errors_name_the_segment_and_its_position() {
    let shown = |bytes: &[u8]| Message::parse(bytes).unwrap_err().to_string();
    assert!(shown(b"PID|1").starts_with("segment 1 (MSH): the first segment"));
    assert!(shown(b"").contains("empty"));
    assert!(shown(b"MSH|^^~&|").contains("twice"));
    assert!(shown(b"MSH|^~\\&|\rpid|1").starts_with("segment 2 (?)"));
    assert!(shown(b"MSH|^~\\&|\rPID|\xff").contains("MSH-18"));
    let latin = b"MSH|^~\\&|a|b|c|d|e||ADT^A01|1|P|2.4||||||8859/1\rPID|Andr\xe9";
    assert_eq!(Message::parse(latin).unwrap().segment("PID").unwrap().field(1).text(), "André");
}

#[test]
fn a_file_is_split_into_messages() {
    let file = b"FHS|^~\\&\r\n\x0bMSH|^~\\&|1\r\nPID|1\r\n\x1c\r\n\r\nMSH|^~\\&|2\nPID|2\nFTS|1\n";
    let parts = split_file(file);
    assert_eq!(parts.iter().map(|p| (p.ordinal, p.line)).collect::<Vec<_>>(), [(1, 2), (2, 6)]);
    assert!(parts.iter().all(|p| Message::parse(p.bytes).unwrap().segments().count() == 2));
    let junk = split_file(b"nonsense\nMSH|^~\\&|\n");
    assert!(Message::parse(junk[0].bytes).is_err() && Message::parse(junk[1].bytes).is_ok());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300), header in any::<bool>()) {
        if header {
            bytes.splice(0..0, b"MSH|^~\\&|".iter().copied());
        }
        for part in split_file(&bytes) {
            if let Ok(message) = Message::parse(part.bytes) {
                for segment in message.segments() {
                    for field in 0..8 {
                        for part in segment.field(field).repetitions() {
                            let _ = part.component(1).subcomponent(2).text();
                        }
                        let _ = segment.field(field).text();
                    }
                }
                let _ = adt::AdtEvent::read(&message);
            }
        }
    }

    #[test]
    fn escaped_text_comes_back(text in "[a-zA-Z|^~&\\\\ é]{0,40}") {
        let escaped: String = text.chars().map(|c| match c {
            '|' => "\\F\\".to_owned(), '^' => "\\S\\".to_owned(), '~' => "\\R\\".to_owned(),
            '&' => "\\T\\".to_owned(), '\\' => "\\E\\".to_owned(), c => c.to_string(),
        }).collect();
        let message = Message::parse(format!("MSH|^~\\&|\rNTE|{escaped}").as_bytes()).unwrap();
        prop_assert_eq!(message.segment("NTE").unwrap().field(1).text(), text.trim());
    }
}
