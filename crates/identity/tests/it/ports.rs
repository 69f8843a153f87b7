//! What identity tells others, and when.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use serde_json::json;
use wardline_domain::ruma::{DeviceId, UserId};
use wardline_identity::{DISPLAY_NAME, DeviceCleanup, ProfileListener};
use wardline_store::{StoreError, UserNid, WriteTx};

use crate::support::House;

#[derive(Default)]
struct Witness {
    seen: Mutex<Vec<String>>,
    fail: AtomicBool,
}

impl DeviceCleanup for Witness {
    fn on_delete(
        &self,
        _: &mut WriteTx<'_>,
        _: UserNid,
        user_id: &UserId,
        device: &DeviceId,
    ) -> Result<(), StoreError> {
        self.seen.lock().push(format!("delete {user_id} {device}"));
        if self.fail.load(Ordering::Relaxed) { Err(StoreError::Conflict) } else { Ok(()) }
    }
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
    let (cleanup, listener) = (witness.clone(), witness.clone());
    let house = House::new(|i| i.with_device_cleanup(cleanup).with_profile_listener(listener)).await;
    (house, witness)
}

#[tokio::test]
async fn a_device_goes_with_its_keys_or_not_at_all() {
    let (house, witness) = house().await;
    let tokens = house.sign_in("WARD7", false).await;
    let session = house.identity.verify_token(&tokens.access_token).await.unwrap();

    witness.fail.store(true, Ordering::Relaxed);
    assert!(house.identity.sign_out(&session).await.is_err());
    assert_eq!(house.identity.devices(&session).unwrap().len(), 1);
    house.identity.verify_token(&tokens.access_token).await.unwrap();

    witness.fail.store(false, Ordering::Relaxed);
    house.identity.sign_out(&session).await.unwrap();
    assert!(house.identity.verify_token(&tokens.access_token).await.is_err());
    assert_eq!(*witness.seen.lock(), ["delete @amy:riverside.example WARD7"; 2]);
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
    assert_eq!(
        witness.seen.lock()[1..],
        ["delete @amy:riverside.example WARD7", "deactivated @amy:riverside.example"]
    );
}
