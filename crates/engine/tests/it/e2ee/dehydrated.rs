//! Dehydrated devices (MSC3814): one at a time, encrypted to like any other, read page by page.

use serde_json::json;
use serde_json::value::to_raw_value;
use wardline_engine::keys::{Dehydrated, KeyError, Upload};
use wardline_engine::to_device::{Message, Origin};
use wardline_store::{dehydrated_devices, sessions, to_device};

use super::support::{Device, Home, Key, otk, otks};

fn asleep(owner: &Device, id: &str) -> Dehydrated {
    let device = Device {
        user_id: owner.user_id.clone(),
        user: owner.user,
        id: id.to_owned(),
        key: Key::new(id, [id.as_bytes()[0]; 32]),
    };
    Dehydrated {
        device_id: id.to_owned(),
        display_name: Some("Asleep".into()),
        device_data: r#"{"algorithm":"m.dehydration.v2","device_pickle":"x","nonce":"y"}"#.into(),
        keys: Upload {
            device_keys: Some(device.keys().to_string()),
            fallback_keys: vec![otk("FALL")],
            ..otks(["A", "B"])
        },
    }
}

impl Home {
    async fn sleep(&self, owner: &Device, device: Dehydrated) -> Result<(), KeyError> {
        self.keys.dehydrate(owner.as_user(), &owner.id, device).await
    }

    async fn send_to(&self, from: &Device, to: &Device, device: &str, n: usize) {
        let txn_id = format!("{device}-{n}");
        let origin = Origin {
            user_id: &from.user_id,
            user: from.user,
            device: &from.id,
            event_type: "m.room.encrypted",
            txn_id: &txn_id,
        };
        let content = to_raw_value(&json!({ "n": n })).unwrap();
        let message = Message { user: to.user_id.clone(), device: device.to_owned(), content };
        self.to_device.send(origin, vec![message]).await.unwrap();
    }
}

#[tokio::test]
async fn messages_to_a_sleeping_device_are_read_page_by_page_and_again() {
    let home = Home::new();
    let amy = home.device_with_keys("amy", "PHONE").await;
    let bob = home.device_with_keys("bob", "PHONE").await;
    home.sleep(&amy, asleep(&amy, "SLEEP")).await.unwrap();
    let place = Device { id: "SLEEP".into(), ..home.device("amy", "SLEEP").await };
    assert_eq!(home.claim(&place).await.unwrap(), "signed_curve25519:A");
    for n in 0..230 {
        home.send_to(&bob, &amy, "SLEEP", n).await;
    }
    let home = home.restarted();
    for _ in 0..2 {
        let (mut after, mut seen) = (0, Vec::new());
        loop {
            let page = home.keys.messages_to_dehydrated(amy.user, "SLEEP".into(), after).await.unwrap();
            if page.events.is_empty() {
                assert_eq!(page.next, after);
                break;
            }
            assert!(page.events.len() <= 100 && page.next > after);
            assert_eq!(page.more, seen.len() + page.events.len() < 230);
            seen.extend(page.events);
            after = page.next;
        }
        let numbers: Vec<_> = seen
            .iter()
            .map(|json| serde_json::from_str::<serde_json::Value>(json).unwrap()["content"]["n"].clone())
            .collect();
        assert_eq!(numbers, (0..230).map(serde_json::Value::from).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_new_sleeping_device_replaces_the_one_before() {
    let home = Home::new();
    let amy = home.device_with_keys("amy", "PHONE").await;
    let bob = home.device_with_keys("bob", "PHONE").await;
    home.sleep(&amy, asleep(&amy, "ONE")).await.unwrap();
    home.send_to(&bob, &amy, "ONE", 1).await;
    let before = home.store.head();
    home.sleep(&amy, asleep(&amy, "TWO")).await.unwrap();
    assert_eq!(home.keys.dehydrated(amy.user).unwrap().unwrap().device_id, "TWO");
    let gone = home.keys.messages_to_dehydrated(amy.user, "ONE".into(), 0).await;
    assert!(matches!(gone, Err(KeyError::UnknownDevice)));
    let found = home.keys.query(bob.user, vec![(amy.user_id.clone(), vec![])]).await.unwrap();
    assert_eq!(found.device_keys[&amy.user_id].keys().collect::<Vec<_>>(), ["PHONE", "TWO"]);
    let rows =
        home.store.read_now(|tx| wardline_store::stream::range(tx, before, u64::MAX >> 1, 50)).unwrap();
    assert!(
        rows.iter().any(|row| row.kind == wardline_store::Kind::DeviceList && row.user == Some(amy.user)),
        "others learn of it"
    );
    let left = home
        .store
        .read_now(|tx| {
            let waits = to_device::pending(tx, amy.user, "ONE", 0, u64::MAX >> 1, 10)?;
            Ok::<_, wardline_store::StoreError>((waits.len(), sessions::device(tx, amy.user, "ONE")?))
        })
        .unwrap();
    assert_eq!(left, (0, None));
    // The same id again is a replacement too, not a refusal.
    home.sleep(&amy, asleep(&amy, "TWO")).await.unwrap();
    assert_eq!(home.store.read_now(|tx| wardline_audit::verify(tx)).unwrap().entries, 3);
}

#[tokio::test]
async fn the_id_of_a_device_that_is_awake_is_refused_and_changes_nothing() {
    let home = Home::new();
    let amy = home.device_with_keys("amy", "PHONE").await;
    home.sleep(&amy, asleep(&amy, "SLEEP")).await.unwrap();
    assert!(matches!(home.sleep(&amy, asleep(&amy, "PHONE")).await, Err(KeyError::Invalid(_))));
    let mut bare = asleep(&amy, "OTHER");
    bare.keys.device_keys = None;
    assert!(matches!(home.sleep(&amy, bare).await, Err(KeyError::Missing(_))));
    for data in ["{}", "[]", r#"{"algorithm":5}"#, "{"] {
        let odd = Dehydrated { device_data: data.into(), ..asleep(&amy, "OTHER") };
        assert!(matches!(home.sleep(&amy, odd).await, Err(KeyError::Invalid(_))), "{data}");
    }
    let unsigned = Dehydrated { device_id: "OTHER".into(), ..asleep(&amy, "SLEEP") };
    assert!(home.sleep(&amy, unsigned).await.is_err());
    assert_eq!(home.keys.dehydrated(amy.user).unwrap().unwrap().device_id, "SLEEP");
}

#[tokio::test]
async fn deleting_it_or_its_device_ends_it() {
    let home = Home::new();
    let amy = home.device_with_keys("amy", "PHONE").await;
    assert!(matches!(
        home.keys.delete_dehydrated(amy.as_user(), "PHONE").await,
        Err(KeyError::UnknownDevice)
    ));
    home.sleep(&amy, asleep(&amy, "ONE")).await.unwrap();
    assert_eq!(home.keys.delete_dehydrated(amy.as_user(), "PHONE").await.unwrap(), "ONE");
    assert_eq!(home.keys.dehydrated(amy.user).unwrap(), None);
    home.sleep(&amy, asleep(&amy, "TWO")).await.unwrap();
    home.delete_device(&Device { id: "TWO".into(), ..home.device("amy", "TWO").await }).await;
    assert_eq!(home.keys.dehydrated(amy.user).unwrap(), None);
    home.sleep(&amy, asleep(&amy, "THREE")).await.unwrap();
    let awake = home.store.read_now(|tx| dehydrated_devices::awake(tx, amy.user)).unwrap();
    assert_eq!(awake.iter().map(|device| &*device.device_id).collect::<Vec<_>>(), ["PHONE"]);
}
