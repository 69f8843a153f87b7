//! What identity tells others, and when.

use std::{future::Future, pin::Pin, sync::Arc};

use parking_lot::Mutex;
use serde_json::json;
use wardline_domain::ruma::UserId;
use wardline_identity::{DISPLAY_NAME, ProfileListener};
use wardline_store::{Kind, UserNid, device_keys, stream};

use crate::support::House;

#[derive(Default)]
struct Witness {
    seen: Mutex<Vec<String>>,
}

impl ProfileListener for Witness {
    fn profile_changed<'a>(
        &'a self,
        _: UserNid,
        user_id: &'a UserId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move { self.seen.lock().push(format!("profile {user_id}")) })
    }

    fn account_deactivated<'a>(
        &'a self,
        _: UserNid,
        user_id: &'a UserId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move { self.seen.lock().push(format!("deactivated {user_id}")) })
    }
}

async fn house() -> (House, Arc<Witness>) {
    let witness = Arc::new(Witness::default());
    let listener = witness.clone();
    let house = House::new(|i| i.with_profile_listener(listener)).await;
    (house, witness)
}

#[tokio::test]
async fn a_device_goes_with_its_keys_and_others_are_told() {
    let (house, _) = house().await;
    let tokens = house.sign_in("WARD7", false).await;
    let session = house.identity.verify_token(&tokens.access_token).await.unwrap();
    let user = session.user_nid;
    house.store.write(move |tx| device_keys::set(tx, user, "WARD7", "{}")).await.unwrap();
    let changes = || {
        let rows = house.store.read_now(|tx| stream::range(tx, 0, u64::MAX >> 1, 1000)).unwrap();
        rows.iter().filter(|row| row.kind == Kind::DeviceList && row.user == Some(user)).count()
    };
    let before = changes();
    house.identity.rename_device(&session, "WARD7", Some("Ward phone".into())).await.unwrap();
    assert_eq!(changes(), before + 1);

    house.identity.sign_out(&session).await.unwrap();
    assert!(house.identity.verify_token(&tokens.access_token).await.is_err());
    let keys = house.store.read_now(|tx| device_keys::get(tx, user, "WARD7"));
    assert_eq!(keys.unwrap(), None);
    assert_eq!(changes(), before + 2);
}

#[tokio::test]
async fn listeners_hear_of_names_but_not_of_other_fields() {
    let (house, witness) = house().await;
    let tokens = house.sign_in("WARD7", false).await;
    let session = house.identity.verify_token(&tokens.access_token).await.unwrap();
    let set = async |field: &str, value: serde_json::Value| {
        house.identity.set_profile_field(&session.user_id, field, Some(&value)).await.unwrap();
    };
    set(DISPLAY_NAME, json!("Amy")).await;
    set(DISPLAY_NAME, json!("Amy")).await;
    set("org.wardline.bleep", json!("1234")).await;
    assert_eq!(*witness.seen.lock(), ["profile @amy:riverside.example"]);
    house.identity.deactivate(&session).await.unwrap();
    assert_eq!(witness.seen.lock()[1..], ["deactivated @amy:riverside.example"]);
}
