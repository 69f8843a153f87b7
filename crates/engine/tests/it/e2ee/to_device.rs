//! Messages to devices: durable, once for each transaction, until acknowledged.

use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use wardline_engine::to_device::{Message, Origin};
use wardline_store::to_device;

use super::support::{Device, Home};

impl Home {
    async fn send(&self, from: &Device, txn_id: &str, to: &Device, device: &str, n: u32) {
        let origin = Origin {
            user_id: &from.user_id,
            user: from.user,
            device: &from.id,
            event_type: "m.room.encrypted",
            txn_id,
        };
        let content = to_raw_value(&json!({ "n": n })).unwrap();
        let message = Message { user: to.user_id.clone(), device: device.to_owned(), content };
        self.to_device.send(origin, vec![message]).await.unwrap();
    }

    /// The numbers of the messages that wait for a device.
    fn waiting(&self, device: &Device, limit: usize) -> Vec<(u64, u32)> {
        let pending = self
            .store
            .read_now(|tx| to_device::pending(tx, device.user, &device.id, 0, self.store.head(), limit))
            .unwrap();
        let number =
            |json: &str| serde_json::from_str::<Value>(json).unwrap()["content"]["n"].as_u64().unwrap();
        pending.iter().map(|p| (p.pos, number(&p.json) as u32)).collect()
    }

    fn numbers(&self, device: &Device) -> Vec<u32> {
        self.waiting(device, 1000).into_iter().map(|(_, n)| n).collect()
    }
}

#[tokio::test]
async fn a_message_waits_until_it_is_acknowledged() {
    let home = Home::new();
    let amy = home.device("amy", "PHONE").await;
    let bob = home.device("bob", "PHONE").await;
    for n in 0..5 {
        home.send(&amy, &n.to_string(), &bob, "PHONE", n).await;
    }
    let first = home.waiting(&bob, 2);
    assert_eq!(first.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(home.waiting(&bob, 2), first, "reading does not acknowledge");
    let home = home.restarted();
    assert_eq!(home.waiting(&bob, 2), first, "a restart neither");

    let (user, upto) = (bob.user, first[1].0);
    assert!(home.store.read_now(|tx| to_device::waits_upto(tx, user, "PHONE", upto)).unwrap());
    home.store.write(move |tx| to_device::delete_upto(tx, user, "PHONE", upto)).await.unwrap();
    assert!(!home.store.read_now(|tx| to_device::waits_upto(tx, user, "PHONE", upto)).unwrap());
    assert_eq!(home.numbers(&bob), [2, 3, 4]);

    let json =
        home.store.read_now(|tx| to_device::pending(tx, user, "PHONE", 0, 1000, 1)).unwrap().remove(0).json;
    let event: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        event,
        json!({ "type": "m.room.encrypted", "sender": "@amy:riverside.example", "content": { "n": 2 } })
    );
}

#[tokio::test]
async fn a_repeated_transaction_sends_nothing_again() {
    let home = Home::new();
    let amy = home.device("amy", "PHONE").await;
    let tablet = home.device("amy", "TABLET").await;
    let bob = home.device("bob", "PHONE").await;
    home.send(&amy, "1", &bob, "PHONE", 1).await;
    home.send(&amy, "1", &bob, "PHONE", 2).await;
    let home = home.restarted();
    home.send(&amy, "1", &bob, "PHONE", 3).await;
    home.send(&tablet, "1", &bob, "PHONE", 4).await;
    assert_eq!(home.numbers(&bob), [1, 4], "another device's transaction is another one");
}

#[tokio::test]
async fn a_star_reaches_all_devices_and_unknown_ones_are_passed_over() {
    let home = Home::new();
    let amy = home.device("amy", "PHONE").await;
    let bob = [home.device("bob", "PHONE").await, home.device("bob", "TABLET").await];
    home.send(&amy, "1", &bob[0], "*", 1).await;
    home.send(&amy, "2", &bob[0], "GONE", 2).await;
    home.send(&amy, "3", &bob[0], "TABLET", 3).await;
    assert_eq!(home.numbers(&bob[0]), [1]);
    assert_eq!(home.numbers(&bob[1]), [1, 3]);
    home.delete_device(&bob[1]).await;
    assert!(home.numbers(&bob[1]).is_empty());
}
