//! A person is told on their other devices when somebody signs in as them on a new one.
//!
//! The news is account data of the type [`NEW_DEVICES`]: `/sync` brings it to every other device at once, and it waits
//! for those that are off. A client shows it until its person has dealt with it, and then puts an empty list there.

use serde_json::{Map, Value, json};
use wardline_domain::Timestamp;
use wardline_store::{StoreError, UserNid, WriteTx, account_data, sessions};

/// The type of the account data with the devices that nobody has looked at yet:
/// `{"devices": [{"device_id": …, "ts": …}]}`, oldest first.
pub const NEW_DEVICES: &str = "org.wardline.new_devices";
/// How many are kept; more push the oldest out.
const KEPT: usize = 20;

/// Tells the other devices of a user of a new one. The first device has nobody to tell.
pub(crate) fn tell(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    device: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    if sessions::devices(tx, user)?.len() < 2 {
        return Ok(());
    }
    let known = account_data::get(tx, user, None, NEW_DEVICES)?;
    let known = known.and_then(|text| serde_json::from_str::<Map<String, Value>>(&text).ok());
    let known = known.and_then(|mut content| content.remove("devices"));
    let mut devices = match known {
        Some(Value::Array(devices)) => devices,
        _ => Vec::new(),
    };
    devices.retain(|known| known["device_id"] != device);
    devices.push(json!({ "device_id": device, "ts": at }));
    let kept = devices.split_off(devices.len().saturating_sub(KEPT));
    account_data::put(tx, user, None, NEW_DEVICES, &json!({ "devices": kept }).to_string()).map(|_| ())
}
