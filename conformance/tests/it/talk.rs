//! matrix-sdk, once with `/sync` and once with sliding sync: what people do in rooms, read by the SDK itself.

use std::pin::pin;

use futures_util::StreamExt as _;
use matrix_sdk::{
    Client, Room, RoomMemberships, RoomState, SlidingSync,
    notification_settings::RoomNotificationMode,
    room::{IncludeRelations, ListThreadsOptions, RelationsOptions, edit::EditedContent},
    ruma::{
        EventId, OwnedEventId, RoomId, RoomVersionId,
        api::client::{
            room::{
                create_room::v3::{Request as CreateRoom, RoomPreset},
                upgrade_room,
            },
            space::get_hierarchy,
        },
        events::{
            AnyInitialStateEvent, Mentions,
            relation::Thread,
            room::message::{Relation, RoomMessageEventContent, RoomMessageEventContentWithoutRelation},
        },
        serde::Raw,
    },
};
use serde_json::{Value, json};

use crate::{
    encrypted::{register, sign_in, sync, texts},
    server::Server,
    sliding::sliding,
};

/// How often a client asks for something that was already acknowledged to the other side.
const PATIENCE: usize = 30;

/// How a client learns of news.
#[derive(Clone, Copy)]
enum Way {
    Sync,
    Sliding,
}

/// A person with a device that learns of news in one of the ways.
struct Person {
    client: Client,
    sliding: Option<SlidingSync>,
}

impl Person {
    async fn new(server: &Server, name: &str, way: Way) -> Self {
        register(server, name).await;
        let client = sign_in(server, name).await;
        let sliding = match way {
            Way::Sync => None,
            Way::Sliding => Some(sliding(&client).await),
        };
        Self { client, sliding }
    }

    /// Asks for news once.
    async fn step(&self) {
        match &self.sliding {
            None => sync(&self.client).await,
            Some(sliding) => {
                let answer = pin!(sliding.sync()).next().await;
                answer.expect("it goes on").expect("an answer that the SDK takes");
            }
        }
    }

    /// Asks for news until `found` gives something.
    async fn until<T>(&self, what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
        for _ in 0..PATIENCE {
            if let Some(found) = found().await {
                return found;
            }
            self.step().await;
        }
        panic!("waited in vain for {what}");
    }

    fn room(&self, id: &RoomId) -> Option<Room> {
        self.client.get_room(id)
    }
}

/// Two people on one server.
struct Two {
    amara: Person,
    ben: Person,
    _server: Server,
    _dir: tempfile::TempDir,
}

impl Two {
    async fn new(way: Way) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let server = Server::open_registration(dir.path());
        let amara = Person::new(&server, "amara", way).await;
        let ben = Person::new(&server, "ben", way).await;
        Self { amara, ben, _server: server, _dir: dir }
    }

    /// A room that `request` describes with both in it, as each of them sees it.
    async fn room(&self, mut request: CreateRoom) -> (Room, Room) {
        request.invite = vec![self.ben.client.user_id().expect("signed in").to_owned()];
        let made = self.amara.client.create_room(request).await.expect("room");
        self.come_in(made.room_id()).await
    }

    /// Ben follows an invitation.
    async fn come_in(&self, id: &RoomId) -> (Room, Room) {
        let invited = async || self.ben.room(id).filter(|room| room.state() == RoomState::Invited);
        self.ben.until("the invitation", invited).await;
        self.ben.client.join_room_by_id(id).await.expect("join");
        let both = async |person: &Person| {
            let full = async || {
                let room = person.room(id)?;
                (room.state() == RoomState::Joined && room.joined_members_count() == 2).then_some(room)
            };
            person.until("both in the room", full).await
        };
        (both(&self.amara).await, both(&self.ben).await)
    }
}

fn private(state: Vec<Value>) -> CreateRoom {
    let mut request = CreateRoom::new();
    request.preset = Some(RoomPreset::PrivateChat);
    let raw = |event: &Value| Raw::new(event).expect("JSON").cast_unchecked::<AnyInitialStateEvent>();
    request.initial_state = state.iter().map(raw).collect();
    request
}

fn encryption() -> Value {
    json!({ "type": "m.room.encryption", "content": { "algorithm": "m.megolm.v1.aes-sha2" } })
}

/// The events of `kind` that relate to an event, as the SDK reads them.
async fn related(room: &Room, to: &EventId, kind: &str) -> Vec<Value> {
    let options =
        RelationsOptions { include_relations: IncludeRelations::AllRelations, ..Default::default() };
    let found = room.relations(to.to_owned(), options).await.expect("relations");
    let event = |event: &matrix_sdk::deserialized_responses::TimelineEvent| {
        event.raw().deserialize_as_unchecked::<Value>().ok().filter(|event| event["type"] == kind)
    };
    found.chunk.iter().filter_map(event).collect()
}

async fn say(room: &Room, content: RoomMessageEventContent) -> OwnedEventId {
    room.send(content).await.expect("sent").response.event_id
}

/// Edits, reactions, threads and polls, all encrypted.
async fn talk(way: Way) {
    let two = Two::new(way).await;
    let (at_amara, at_ben) = two.room(private(vec![encryption()])).await;
    let words = say(&at_amara, RoomMessageEventContent::text_plain("Bed 4 looks grey")).await;
    two.ben
        .until("her words", async || {
            texts(&at_ben).await.iter().any(|t| t == "Bed 4 looks grey").then_some(())
        })
        .await;

    let better = RoomMessageEventContentWithoutRelation::text_plain("Bed 5 looks grey");
    let edit = at_amara.make_edit_event(&words, EditedContent::RoomMessage(better)).await.expect("an edit");
    at_amara.send_raw("m.room.message", serde_json::to_value(&edit).expect("JSON")).await.expect("sent");
    two.ben
        .until("the edit", async || {
            let edits = related(&at_ben, &words, "m.room.message").await;
            edits
                .iter()
                .any(|edit| edit["content"]["m.new_content"]["body"] == "Bed 5 looks grey")
                .then_some(())
        })
        .await;

    let annotation =
        json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": words, "key": "👍" } });
    let reaction = at_ben.send_raw("m.reaction", annotation).await.expect("sent").response.event_id;
    let reactions = async || related(&at_amara, &words, "m.reaction").await;
    two.amara.until("the reaction", async || (reactions().await.len() == 1).then_some(())).await;
    at_ben.redact(&reaction, None, None).await.expect("taken back");
    two.amara.until("its end", async || reactions().await.is_empty().then_some(())).await;

    let mut reply = RoomMessageEventContent::text_plain("Coming");
    reply.relates_to = Some(Relation::Thread(Thread::plain(words.clone(), words.clone())));
    say(&at_ben, reply).await;
    two.amara
        .until("the thread", async || {
            let threads = at_amara.list_threads(ListThreadsOptions::default()).await.expect("threads");
            let root = threads.chunk.first()?.raw().deserialize_as_unchecked::<Value>().ok()?;
            (root["event_id"] == words.as_str() && root["unsigned"]["m.relations"]["m.thread"]["count"] == 1)
                .then_some(())
        })
        .await;

    let text = |text: &str| json!({ "org.matrix.msc1767.text": text });
    let answer = |id: &str| json!({ "id": id, "org.matrix.msc1767.text": id });
    let question = json!({ "org.matrix.msc3381.poll.start": {
        "kind": "org.matrix.msc3381.poll.disclosed", "max_selections": 1,
        "question": text("Who covers?"), "answers": [answer("amara"), answer("ben")],
    }});
    let poll =
        at_amara.send_raw("org.matrix.msc3381.poll.start", question).await.expect("sent").response.event_id;
    let to_poll = json!({ "rel_type": "m.reference", "event_id": poll });
    let vote = json!({ "m.relates_to": to_poll, "org.matrix.msc3381.poll.response": { "answers": ["ben"] } });
    at_ben.send_raw("org.matrix.msc3381.poll.response", vote).await.expect("sent");
    two.amara
        .until("the vote", async || {
            let votes = related(&at_amara, &poll, "org.matrix.msc3381.poll.response").await;
            let vote = &votes.first()?["content"]["org.matrix.msc3381.poll.response"];
            (vote["answers"] == json!(["ben"])).then_some(())
        })
        .await;
    let end = json!({ "m.relates_to": to_poll, "org.matrix.msc3381.poll.end": {}, "org.matrix.msc1767.text": "Ben" });
    at_amara.send_raw("org.matrix.msc3381.poll.end", end).await.expect("sent");
    let ended = async || related(&at_ben, &poll, "org.matrix.msc3381.poll.end").await.pop();
    two.ben.until("the end of the poll", ended).await;
}

#[tokio::test]
async fn edits_reactions_threads_and_polls_over_sync() {
    talk(Way::Sync).await;
}

#[tokio::test]
async fn edits_reactions_threads_and_polls_over_sliding_sync() {
    talk(Way::Sliding).await;
}

/// Upgrade, spaces and knocking.
async fn rooms(way: Way) {
    let two = Two::new(way).await;
    let mut request = private(vec![encryption()]);
    (request.name, request.room_version) = (Some("Ward 7".to_owned()), Some(RoomVersionId::V11));
    let (at_amara, at_ben) = two.room(request).await;
    let upgrade = upgrade_room::v3::Request::new(at_amara.room_id().to_owned(), RoomVersionId::V12);
    let new = two.amara.client.send(upgrade).await.expect("upgraded").replacement_room;
    let successor = two.ben.until("the tombstone", async || at_ben.successor_room()).await;
    assert_eq!(successor.room_id, new);
    let known = two.amara.until("the new room", async || two.amara.room(&new)).await;
    // A private room is entered by invitation only; who upgrades it invites the others anew, as apps do.
    known.invite_user_by_id(two.ben.client.user_id().expect("signed in")).await.expect("invited");
    let (_, at_ben) = two.come_in(&new).await;
    two.ben.until("its name", async || at_ben.name().filter(|name| name == "Ward 7")).await;
    assert_eq!(at_ben.predecessor_room().expect("it came from somewhere").room_id, at_amara.room_id());
    assert!(at_ben.latest_encryption_state().await.expect("state").is_encrypted());

    let mut space = CreateRoom::new();
    (space.preset, space.name) = (Some(RoomPreset::PublicChat), Some("Surgery".to_owned()));
    space.creation_content = Some(Raw::new(&json!({ "type": "m.space" })).expect("JSON").cast_unchecked());
    let space = two.amara.client.create_room(space).await.expect("space");
    for name in ["Theatre 1", "Theatre 2"] {
        let mut theatre = CreateRoom::new();
        (theatre.preset, theatre.name) = (Some(RoomPreset::PublicChat), Some(name.to_owned()));
        let theatre = two.amara.client.create_room(theatre).await.expect("room");
        let child = json!({ "via": ["conformance.example"], "order": name });
        space.send_state_event_raw("m.space.child", theatre.room_id().as_str(), child).await.expect("child");
    }
    two.ben.client.join_room_by_id(space.room_id()).await.expect("join");
    let seen = two
        .ben
        .until("the space", async || two.ben.room(space.room_id()).filter(|room| room.is_space()))
        .await;
    let hierarchy = get_hierarchy::v1::Request::new(seen.room_id().to_owned());
    let hierarchy = two.ben.client.send(hierarchy).await.expect("hierarchy");
    let names: Vec<_> = hierarchy.rooms.iter().filter_map(|room| room.summary.name.as_deref()).collect();
    assert_eq!(names, ["Surgery", "Theatre 1", "Theatre 2"]);

    let rule = json!({ "type": "m.room.join_rules", "content": { "join_rule": "knock" } });
    let on_call = two.amara.client.create_room(private(vec![rule])).await.expect("room");
    let id = on_call.room_id();
    two.ben.client.join_room_by_id(id).await.expect_err("not yet");
    let knocked =
        two.ben.client.knock(id.to_owned().into(), Some("I cover tonight".to_owned()), vec![]).await;
    assert_eq!(knocked.expect("knocked").state(), RoomState::Knocked);
    two.ben
        .until("his own knock", async || two.ben.room(id).filter(|room| room.state() == RoomState::Knocked))
        .await;
    let asking = async || on_call.members(RoomMemberships::KNOCK).await.expect("members").pop();
    let asking = two.amara.until("the knock", asking).await;
    assert_eq!(asking.user_id(), two.ben.client.user_id().expect("signed in"));
    on_call.invite_user_by_id(asking.user_id()).await.expect("invited");
    two.come_in(id).await;
}

#[tokio::test]
async fn upgrades_spaces_and_knocking_over_sync() {
    rooms(Way::Sync).await;
}

#[tokio::test]
async fn upgrades_spaces_and_knocking_over_sliding_sync() {
    rooms(Way::Sliding).await;
}

/// Push rules decide what is counted.
async fn push_rules(way: Way) {
    let two = Two::new(way).await;
    let (at_amara, at_ben) = two.room(private(vec![])).await;
    let counts = async |notifications: u64, highlights: u64| {
        let counted = async || {
            let counts = at_ben.unread_notification_counts();
            (counts.notification_count == notifications && counts.highlight_count == highlights).then_some(())
        };
        two.ben.until(&format!("{notifications} unread, {highlights} of them urgent"), counted).await;
    };
    say(&at_amara, RoomMessageEventContent::text_plain("plain words")).await;
    counts(1, 0).await;
    let settings = two.ben.client.notification_settings().await;
    let (id, keywords) = (at_ben.room_id(), RoomNotificationMode::MentionsAndKeywordsOnly);
    settings.set_room_notification_mode(id, keywords).await.expect("mentions and keywords");
    settings.add_keyword("arrest".to_owned()).await.expect("a keyword");
    say(&at_amara, RoomMessageEventContent::text_plain("nothing of note")).await;
    say(&at_amara, RoomMessageEventContent::text_plain("cardiac arrest bed 4")).await;
    // What is unread is held against the rules of now: the plain words do not count any more.
    counts(1, 0).await;
    let ben = two.ben.client.user_id().expect("signed in").to_owned();
    let mention =
        RoomMessageEventContent::text_plain("Ben, please").add_mentions(Mentions::with_user_ids([ben]));
    say(&at_amara, mention).await;
    counts(2, 1).await;
    settings.set_room_notification_mode(at_ben.room_id(), RoomNotificationMode::Mute).await.expect("muted");
    let last = say(&at_amara, RoomMessageEventContent::text_plain("another arrest")).await;
    two.ben
        .until("it", async || texts(&at_ben).await.iter().any(|text| text == "another arrest").then_some(()))
        .await;
    two.ben.step().await;
    assert!(at_ben.unread_notification_counts().notification_count <= 2, "a muted room counts nothing new");
    let receipt = matrix_sdk::ruma::api::client::receipt::create_receipt::v3::ReceiptType::Read;
    let thread = matrix_sdk::ruma::events::receipt::ReceiptThread::Unthreaded;
    at_ben.send_single_receipt(receipt, thread, last).await.expect("read");
    counts(0, 0).await;
    let mode = async || {
        let rules = two.ben.client.account().push_rules().await.expect("rules");
        serde_json::to_value(&rules).expect("JSON")["override"]
            .as_array()
            .map(|rules| rules.iter().any(|rule| rule["rule_id"] == at_ben.room_id().as_str()))
    };
    two.ben.until("the rule in his own account data", async || mode().await.filter(|there| *there)).await;
    settings.remove_keyword("arrest").await.expect("removed");
    assert!(settings.enabled_keywords().await.is_empty());
}

#[tokio::test]
async fn push_rules_decide_over_sync() {
    push_rules(Way::Sync).await;
}

#[tokio::test]
async fn push_rules_decide_over_sliding_sync() {
    push_rules(Way::Sliding).await;
}
