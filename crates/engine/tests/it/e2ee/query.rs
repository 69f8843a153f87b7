//! Device keys: upload, query, changes, deletion.

use serde_json::json;
use wardline_engine::keys::{KeyError, Upload};
use wardline_store::{Kind, StreamRow, stream};

use super::support::{Home, otks};

impl Home {
    pub(super) fn rows_after(&self, pos: u64) -> Vec<StreamRow> {
        self.store.read_now(|tx| stream::range(tx, pos, u64::MAX >> 1, 100)).unwrap()
    }

    fn list_changes_after(&self, pos: u64) -> usize {
        self.rows_after(pos).iter().filter(|row| row.kind == Kind::DeviceList).count()
    }
}

#[tokio::test]
async fn others_find_uploaded_keys_with_the_device_name() {
    let home = Home::new();
    let phone = home.device_with_keys("amy", "PHONE").await;
    let tablet = home.device_with_keys("amy", "TABLET").await;
    home.device("amy", "KEYLESS").await;
    let bob = home.device("bob", "B").await;
    let nobody = wardline_domain::ruma::UserId::parse("@nobody:riverside.example").unwrap();

    let wanted = vec![(phone.user_id.clone(), Vec::new()), (nobody.clone(), Vec::new())];
    let found = home.keys.query(bob.user, wanted).await.unwrap();
    let mut expected = phone.keys();
    expected["unsigned"] = json!({ "device_display_name": "Ward phone" });
    assert_eq!(found.device_keys[&phone.user_id]["PHONE"], expected);
    assert_eq!(found.device_keys[&phone.user_id].keys().collect::<Vec<_>>(), ["PHONE", "TABLET"]);
    assert!(found.device_keys[&nobody].is_empty());

    let one = vec![(tablet.user_id.clone(), vec!["TABLET".to_owned(), "NONE".to_owned()])];
    let found = home.keys.query(bob.user, one).await.unwrap();
    assert_eq!(found.device_keys[&tablet.user_id].keys().collect::<Vec<_>>(), ["TABLET"]);
}

#[tokio::test]
async fn only_a_change_is_announced() {
    let home = Home::new();
    let phone = home.device("amy", "PHONE").await;
    let upload = || Upload { device_keys: Some(phone.keys().to_string()), ..Upload::default() };
    let start = home.store.head();
    home.upload(&phone, upload()).await.unwrap();
    assert_eq!(home.list_changes_after(start), 1);
    home.upload(&phone, upload()).await.unwrap();
    home.upload(&phone, otks(["A"])).await.unwrap();
    assert_eq!(home.list_changes_after(start), 1);
}

#[tokio::test]
async fn keys_of_somebody_else_or_with_a_wrong_signature_are_refused() {
    let home = Home::new();
    let phone = home.device("amy", "PHONE").await;
    let other = home.device("bob", "PHONE").await;
    let mut forged = phone.keys();
    forged["keys"]["curve25519:PHONE"] = json!("hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo");
    let upload = Upload { device_keys: Some(forged.to_string()), ..Upload::default() };
    assert!(matches!(home.upload(&phone, upload).await, Err(KeyError::BadSignature(_))));
    let mut unsigned = other.keys();
    unsigned.as_object_mut().unwrap().remove("signatures");
    let upload = Upload { device_keys: Some(unsigned.to_string()), ..Upload::default() };
    home.upload(&other, upload).await.unwrap();
    let before = home.store.head();
    for (member, value) in [
        ("user_id", json!(other.user_id)),
        ("device_id", json!("TABLET")),
        ("algorithms", json!("m.olm")),
        ("keys", json!({})),
    ] {
        let mut keys = phone.keys();
        keys[member] = value;
        let upload =
            Upload { device_keys: Some(phone.key.sign(keys, &phone.user_id).to_string()), ..otks(["A"]) };
        assert!(matches!(home.upload(&phone, upload).await, Err(KeyError::Invalid(_))), "{member}");
    }
    assert_eq!(home.claim(&phone).await, None, "nothing of a refused upload is kept");
    assert_eq!(home.store.head(), before);
}

#[tokio::test]
async fn a_deleted_device_leaves_nothing_behind() {
    let home = Home::new();
    let phone = home.device_with_keys("amy", "PHONE").await;
    home.upload(&phone, Upload { fallback_keys: otks(["F"]).one_time_keys, ..otks(["A", "B"]) })
        .await
        .unwrap();
    home.claim(&phone).await.unwrap();
    let before = home.store.head();
    home.delete_device(&phone).await;
    assert_eq!(home.list_changes_after(before), 1);
    assert_eq!(home.claim(&phone).await, None);
    let found = home.keys.query(phone.user, vec![(phone.user_id.clone(), Vec::new())]).await.unwrap();
    assert!(found.device_keys[&phone.user_id].is_empty());

    let late = Upload { device_keys: Some(phone.keys().to_string()), ..otks(["C"]) };
    assert!(matches!(home.upload(&phone, late).await, Err(KeyError::DeviceGone)));
    assert_eq!(home.claim(&phone).await, None);

    // A new device of that name starts afresh: ids that the old one used are free again.
    let phone = home.device_with_keys("amy", "PHONE").await;
    home.upload(&phone, otks(["A"])).await.unwrap();
    assert_eq!(home.claim(&phone).await.unwrap(), "signed_curve25519:A");
}
