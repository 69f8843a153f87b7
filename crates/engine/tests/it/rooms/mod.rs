//! Rooms.

mod create;
mod executor;
mod history;
mod membership;
mod oracle;
mod sight;
mod state;

use serde_json::Value;
use wardline_domain::ruma::RoomId;
use wardline_engine::filters::RoomEventFilter;
use wardline_engine::rooms::{Direction, MessagesQuery, Page, Token};

use crate::home::{Home, Person, json};

/// A page of history.
async fn page(
    home: &Home,
    who: &Person,
    room: &RoomId,
    direction: Direction,
    from: Option<Token>,
    limit: usize,
) -> Page {
    let query =
        MessagesQuery { direction, from, to: None, limit: Some(limit), filter: RoomEventFilter::default() };
    home.engine.rooms.messages(who.caller(), room, query).await.unwrap()
}

/// The whole history in this direction, page by page.
pub(crate) async fn all(
    home: &Home,
    who: &Person,
    room: &RoomId,
    direction: Direction,
    limit: usize,
) -> Vec<Value> {
    let (mut found, mut from) = (Vec::new(), None);
    loop {
        let page = page(home, who, room, direction, from, limit).await;
        found.extend(json(&page.chunk).as_array().unwrap().clone());
        match page.end {
            Some(end) => from = Some(end),
            None => return found,
        }
    }
}

/// The bodies of the messages among events.
pub(crate) fn bodies(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["content"]["body"].as_str()).collect()
}

/// The types of events.
fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["type"].as_str()).collect()
}
