//! The key soak: simulated staff who lose devices, install anew, stay away for weeks, change roles, and meet a key service
//! that is out of order. In the end everybody must read everything that was said while they belonged to a conversation.
//!
//! Everybody has what the product gives them: a recovery key with the key service, a key backup, and a sleeping device
//! (MSC3814) that receives keys while they have no other.
//!
//! `SOAK_PEOPLE` (12), `SOAK_MESSAGES` (300), `SOAK_SEED` and `SOAK_SECONDS` (the most that it may take, 1800) set the size;
//! `make soak` plays the full one.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::future::join_all;
use matrix_sdk::{
    Client,
    ruma::{
        OwnedEventId, OwnedRoomId,
        api::client::room::create_room::v3::{Request as CreateRoom, RoomPreset},
        events::{
            AnyInitialStateEvent, InitialStateEvent,
            room::{encryption::RoomEncryptionEventContent, message::RoomMessageEventContent},
        },
        serde::Raw,
    },
};

use crate::{
    crash::{Dice, from_environment},
    encrypted::{register, sign_in, sync},
    key_service::{KeyService, Unsealed},
    server::Server,
    sleeper,
};

/// People in one conversation at the start.
const TEAM: usize = 8;
/// Messages in one conversation in one round.
const TALK: usize = 5;
/// Clients that do something at the same time.
const AT_ONCE: usize = 8;

/// A member of staff.
struct Person {
    name: String,
    client: Client,
    /// Rounds for which they do not look.
    away: usize,
    /// Whether this device has not got its keys back yet.
    unrecovered: bool,
    /// What happened to them, and after how many messages: told when they cannot read something.
    story: Vec<(usize, &'static str)>,
    /// Their conversations, and the first message of each that they are entitled to.
    wards: BTreeMap<usize, usize>,
}

/// A conversation: what was said, in order.
struct Ward {
    room: OwnedRoomId,
    said: Vec<(OwnedEventId, String)>,
}

#[derive(Default, Debug)]
struct Figures {
    sent: usize,
    lost_devices: usize,
    reinstalled: usize,
    absences: usize,
    role_changes: usize,
    outages: usize,
    read: usize,
}

struct Hospital<'a> {
    server: &'a Server,
    keys: KeyService,
    people: Vec<Person>,
    wards: Vec<Ward>,
    figures: Figures,
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_reads_what_they_are_entitled_to() {
    let people = usize::try_from(from_environment("SOAK_PEOPLE", || 12)).expect("a size");
    let messages = usize::try_from(from_environment("SOAK_MESSAGES", || 300)).expect("a size");
    let seed = from_environment("SOAK_SEED", || std::process::id().into());
    let most = Duration::from_secs(from_environment("SOAK_SECONDS", || 1800));
    println!("SOAK_SEED={seed} SOAK_PEOPLE={people} SOAK_MESSAGES={messages}");
    let began = tokio::time::Instant::now();
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::open_registration(dir.path());
    let soak = async {
        let mut hospital = Hospital::open(&server, people).await;
        println!("{people} people in {} conversations after {:?}", hospital.wards.len(), began.elapsed());
        let mut dice = Dice(seed);
        while hospital.figures.sent < messages {
            hospital.round(&mut dice).await;
        }
        hospital.settle().await;
        hospital.figures
    };
    let figures = tokio::time::timeout(most, soak).await.expect("the soak keeps to its time");
    println!("{figures:?}: 0 undecryptable, {:?}", began.elapsed());
    assert!(figures.sent >= messages && figures.read >= figures.sent);
}

impl<'a> Hospital<'a> {
    async fn open(server: &'a Server, size: usize) -> Self {
        let keys = KeyService::new(server);
        let names: Vec<String> = (0..size).map(|n| format!("staff{n}")).collect();
        let mut people = Vec::new();
        for names in names.chunks(AT_ONCE) {
            people.extend(join_all(names.iter().map(|name| enrol(server, &keys, name))).await);
        }
        let mut wards = Vec::new();
        for team in (0..size).collect::<Vec<_>>().chunks(TEAM) {
            let said = Vec::new();
            let room = open_ward(&people, team).await;
            for one in team {
                people[*one].wards.insert(wards.len(), 0);
            }
            wards.push(Ward { room, said });
        }
        // Everybody belongs to the whole hospital's talk of some: the first of each team.
        let firsts: Vec<usize> = (0..size).step_by(TEAM).collect();
        if firsts.len() > 1 {
            let room = open_ward(&people, &firsts).await;
            for one in &firsts {
                people[*one].wards.insert(wards.len(), 0);
            }
            wards.push(Ward { room, said: Vec::new() });
        }
        Self { server, keys, people, wards, figures: Figures::default() }
    }

    /// One round: what happens to people, then what they say, then what those who look receive.
    async fn round(&mut self, dice: &mut Dice) {
        if self.keys.is_down() {
            self.keys.set_down(dice.one_in(2));
        } else if dice.one_in(6) {
            self.keys.set_down(true);
            self.figures.outages += 1;
        }
        for one in 0..self.people.len() {
            if self.people[one].away > 0 {
                self.people[one].away -= 1;
            } else if dice.one_in(25) {
                self.people[one].away = 1 + dice.below(4);
                self.note(one, "away");
                self.figures.absences += 1;
            } else if dice.one_in(30) {
                self.new_device(one, false).await;
                self.figures.lost_devices += 1;
            } else if dice.one_in(40) {
                self.new_device(one, true).await;
                self.figures.reinstalled += 1;
            } else if dice.one_in(40) && !self.people[one].unrecovered {
                self.change_role(one, dice).await;
            }
        }
        for ward in 0..self.wards.len() {
            self.talk(ward, dice).await;
        }
        self.look().await;
    }

    /// Everybody who is there receives what came; whose keys are still with the key service tries again.
    async fn look(&mut self) {
        let (keys, server) = (&self.keys, self.server);
        for people in self.people.chunks_mut(AT_ONCE) {
            let sent = self.figures.sent;
            join_all(people.iter_mut().filter(|person| person.away == 0).map(async |person| {
                let before = person.unrecovered;
                person.look(keys, server).await;
                if before && !person.unrecovered {
                    person.story.push((sent, "has the keys"));
                }
            }))
            .await;
        }
    }

    /// Another device in place of the one in use, which is signed out first or simply gone.
    async fn new_device(&mut self, one: usize, sign_out: bool) {
        self.note(one, if sign_out { "installs anew" } else { "loses the device" });
        let person = &mut self.people[one];
        if sign_out {
            // An app that is signed out in an orderly way has backed up its keys; one that never got the key of the backup
            // could not, and what it received the sleeping device has received too.
            if !person.unrecovered {
                person.client.encryption().backups().wait_for_steady_state().await.expect("backed up");
            }
            person.client.matrix_auth().logout().await.expect("signed out");
        }
        person.client = sign_in(self.server, &person.name).await;
        person.unrecovered = true;
        person.recover(&self.keys, self.server).await;
        let recovered = !person.unrecovered;
        self.note(one, if recovered { "has the keys" } else { "waits for the key service" });
    }

    fn note(&mut self, one: usize, what: &'static str) {
        self.people[one].story.push((self.figures.sent, what));
    }

    /// Somebody leaves one conversation for another, having read all of the first.
    async fn change_role(&mut self, one: usize, dice: &mut Dice) {
        let Some(&from) = self.people[one].wards.keys().next() else { return };
        let to = dice.below(self.wards.len());
        // A device that has not got its keys back is not verified, and the SDK lets none such share what was said before.
        let may_invite = |host: &Person| host.wards.contains_key(&to) && host.away == 0 && !host.unrecovered;
        let host = self.people.iter().position(may_invite);
        let (Some(host), false) = (host, self.people[one].wards.contains_key(&to)) else { return };
        sync(&self.people[one].client).await;
        self.check(one, from).await;
        let (leaver, wards) = (&self.people[one], &self.wards);
        leaver.client.get_room(&wards[from].room).expect("known").leave().await.expect("left");
        sync(&self.people[host].client).await;
        let room = self.people[host].client.get_room(&wards[to].room).expect("known");
        let user = leaver.client.user_id().expect("signed in");
        room.invite_user_by_id(user).await.expect("invited");
        leaver.client.join_room_by_id(&wards[to].room).await.expect("joined");
        sync(&leaver.client).await;
        let entitled_from = wards[to].said.len();
        let person = &mut self.people[one];
        person.wards.remove(&from);
        person.wards.insert(to, entitled_from);
        self.note(one, "changes to another conversation");
        self.figures.role_changes += 1;
    }

    /// Some of those who are there say something.
    async fn talk(&mut self, ward: usize, dice: &mut Dice) {
        let present: Vec<usize> = (0..self.people.len())
            .filter(|one| self.people[*one].away == 0 && self.people[*one].wards.contains_key(&ward))
            .collect();
        if present.is_empty() {
            return;
        }
        let speakers: BTreeSet<usize> = (0..2).map(|_| present[dice.below(present.len())]).collect();
        for one in &speakers {
            sync(&self.people[*one].client).await;
        }
        let speakers: Vec<usize> = speakers.into_iter().collect();
        for n in 0..TALK {
            let speaker = &self.people[speakers[n % speakers.len()]];
            let Ward { room, said } = &mut self.wards[ward];
            let text = format!("{} says {}", speaker.name, said.len());
            let room = speaker.client.get_room(room).expect("known");
            let content = RoomMessageEventContent::text_plain(&text);
            let sent = room.send(content).await.expect("sent");
            said.push((sent.response.event_id, text));
            self.figures.sent += 1;
        }
    }

    /// Everybody comes back, the key service too; everybody reads everything.
    async fn settle(&mut self) {
        self.keys.set_down(false);
        for person in &mut self.people {
            person.away = 0;
        }
        for _ in 0..2 {
            self.look().await;
        }
        for one in 0..self.people.len() {
            let wards: Vec<usize> = self.people[one].wards.keys().copied().collect();
            for ward in wards {
                self.check(one, ward).await;
            }
        }
    }

    /// Somebody reads all that they are entitled to in a conversation.
    async fn check(&mut self, one: usize, ward: usize) {
        let person = &self.people[one];
        let from = person.wards[&ward];
        let wanted: BTreeMap<_, _> =
            self.wards[ward].said[from..].iter().map(|(id, text)| (id.clone(), text.clone())).collect();
        let room = person.client.get_room(&self.wards[ward].room).expect("known");
        let mut unread = sleeper::unread(&room, wanted.clone()).await;
        for _ in 0..5 {
            if unread.is_empty() {
                break;
            }
            sync(&person.client).await;
            unread = sleeper::unread(&room, wanted.clone()).await;
        }
        let stories = || {
            let told = |person: &&Person| {
                person.name == self.people[one].name
                    || unread.values().any(|text| text.starts_with(&format!("{} says", person.name)))
            };
            self.people.iter().filter(told).map(|person| format!("{}: {:?}\n", person.name, person.story))
        };
        assert!(
            unread.is_empty(),
            "{} cannot read {} of {} in conversation {ward}: {:?}\n{}",
            person.name,
            unread.len(),
            wanted.len(),
            unread.values(),
            stories().collect::<String>()
        );
        self.figures.read += wanted.len();
    }
}

impl Person {
    async fn look(&mut self, keys: &KeyService, server: &Server) {
        sync(&self.client).await;
        if self.unrecovered {
            self.recover(keys, server).await;
        }
    }

    /// Gets the keys back, if the key service answers.
    async fn recover(&mut self, keys: &KeyService, server: &Server) {
        let key = loop {
            let token = self.client.access_token().expect("signed in");
            match keys.unseal(&token).await {
                Unsealed::Key(key) => break key,
                Unsealed::Down => return,
                // The service was down for so long that it asks for another sign-in.
                Unsealed::TooLate => self.client = sign_in(server, &self.name).await,
            }
        };
        // Before the backup is in use: the SDK's store in memory never backs up again a key of which an earlier copy comes in
        // after it was backed up, as the sleeping device has it of conversations that went on meanwhile.
        sleeper::wake(&self.client, &key).await;
        self.client.encryption().recovery().recover(&key).await.expect("the key opens the secrets");
        // What the sleeping device had is in the backup before another one takes its place.
        self.client.encryption().backups().wait_for_steady_state().await.expect("backed up");
        sleeper::leave(&self.client, &key).await;
        self.unrecovered = false;
    }
}

/// A new member of staff: an identity, a recovery key with the key service, a sleeping device.
async fn enrol(server: &Server, keys: &KeyService, name: &str) -> Person {
    register(server, name).await;
    let client = sign_in(server, name).await;
    let key = client.encryption().recovery().enable().await.expect("recovery");
    keys.store(&client.access_token().expect("signed in"), &key).await;
    sleeper::leave(&client, &key).await;
    let name = name.to_owned();
    Person { name, client, away: 0, unrecovered: false, story: Vec::new(), wards: BTreeMap::new() }
}

/// An encrypted conversation of these people, the first of whom opens it.
async fn open_ward(people: &[Person], team: &[usize]) -> OwnedRoomId {
    let encryption =
        InitialStateEvent::with_empty_state_key(RoomEncryptionEventContent::with_recommended_defaults());
    let mut request = CreateRoom::new();
    // Everybody may invite: whoever is there brings the next one in.
    request.preset = Some(RoomPreset::TrustedPrivateChat);
    request.invite =
        team[1..].iter().map(|one| people[*one].client.user_id().expect("signed in").to_owned()).collect();
    request.initial_state =
        vec![Raw::new(&encryption).expect("JSON").cast_unchecked::<AnyInitialStateEvent>()];
    let room = people[team[0]].client.create_room(request).await.expect("room").room_id().to_owned();
    join_all(team[1..].iter().map(async |one| {
        let client = &people[*one].client;
        client.join_room_by_id(&room).await.expect("joined");
    }))
    .await;
    join_all(team.iter().map(|one| sync(&people[*one].client))).await;
    room
}
