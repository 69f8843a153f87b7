//! Receipts and typing people, as `/sync` shows them.

use std::collections::BTreeMap;

use wardline_domain::canonical::write_string;
use wardline_domain::ruma::OwnedUserId;
use wardline_store::receipts::Receipt;

use super::json::{Object, array, plain_event};

/// The most receipts of a room in one answer: the newest. Who reads in a very large room is of little use.
pub(super) const MOST_RECEIPTS: usize = 500;

/// `m.typing`.
pub(super) fn typing(users: &[OwnedUserId]) -> String {
    let mut content = String::from("{\"user_ids\":");
    array(&mut content, users, |out, user| write_string(out, user.as_str()));
    content.push('}');
    plain_event("m.typing", &content)
}

type Content<'r> = BTreeMap<&'r str, BTreeMap<&'r str, BTreeMap<&'r str, &'r Receipt>>>;

/// `m.receipt`, one event as a rule. The format has room for one receipt per event, type and user; a second one (of
/// another thread) goes into a second event.
pub(super) fn receipts(receipts: &[Receipt]) -> Vec<String> {
    let mut contents: Vec<Content<'_>> = Vec::new();
    for receipt in receipts {
        let is_free = |content: &Content<'_>| {
            let users =
                content.get(receipt.event_id.as_str()).and_then(|kinds| kinds.get(receipt.kind.as_str()));
            users.is_none_or(|users| !users.contains_key(receipt.user_id.as_str()))
        };
        let place = contents.iter().position(is_free).unwrap_or_else(|| {
            contents.push(Content::new());
            contents.len() - 1
        });
        contents[place]
            .entry(receipt.event_id.as_str())
            .or_default()
            .entry(receipt.kind.as_str())
            .or_default()
            .insert(receipt.user_id.as_str(), receipt);
    }
    contents.iter().map(|content| plain_event("m.receipt", &write(content))).collect()
}

fn write(content: &Content<'_>) -> String {
    let mut out = String::new();
    let mut events = Object::open(&mut out);
    for (event, kinds) in content {
        let mut kinds_out = events.object(event);
        for (kind, users) in kinds {
            let mut users_out = kinds_out.object(kind);
            for (user, receipt) in users {
                let mut data = users_out.object(user);
                data.raw("ts", &receipt.ts.as_millis().to_string());
                if !receipt.thread.is_empty() {
                    data.string("thread_id", &receipt.thread);
                }
                data.close();
            }
            users_out.close();
        }
        kinds_out.close();
    }
    events.close();
    out
}

#[cfg(test)]
mod tests {
    use wardline_domain::Timestamp;
    use wardline_domain::ruma::{owned_event_id, owned_user_id};
    use wardline_store::UserNid;

    use super::*;

    fn receipt(kind: &str, thread: &str) -> Receipt {
        Receipt {
            user: UserNid(1),
            user_id: owned_user_id!("@ada:x.example"),
            kind: kind.into(),
            thread: thread.into(),
            event_id: owned_event_id!("$e"),
            event_pos: 1,
            ts: Timestamp(5),
        }
    }

    #[test]
    fn no_receipt_is_lost_to_the_shape_of_the_event() {
        let all = [receipt("m.read", ""), receipt("org.wardline.delivered", ""), receipt("m.read", "main")];
        assert_eq!(
            receipts(&all),
            [
                r#"{"content":{"$e":{"m.read":{"@ada:x.example":{"ts":5}},"org.wardline.delivered":{"@ada:x.example":{"ts":5}}}},"type":"m.receipt"}"#,
                r#"{"content":{"$e":{"m.read":{"@ada:x.example":{"ts":5,"thread_id":"main"}}}},"type":"m.receipt"}"#,
            ]
        );
        assert!(receipts(&[]).is_empty());
        assert_eq!(
            typing(&[owned_user_id!("@ada:x.example")]),
            r#"{"content":{"user_ids":["@ada:x.example"]},"type":"m.typing"}"#
        );
    }
}
