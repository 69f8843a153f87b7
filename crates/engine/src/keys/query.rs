//! `POST /keys/query`: the keys of users and their devices, with the signatures that were added to them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use wardline_domain::ruma::OwnedUserId;
use wardline_store::cross_signing::{self, Usage};
use wardline_store::{Reader, StoreError, UserNid, device_keys, users};

use super::{KeyError, Keys, Names};

/// The answer to a query. Keys are JSON objects as uploaded, with added signatures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Queried {
    /// Device keys by user and device.
    pub device_keys: BTreeMap<OwnedUserId, BTreeMap<String, Value>>,
    /// Master keys.
    pub master_keys: BTreeMap<OwnedUserId, Value>,
    /// Self-signing keys.
    pub self_signing_keys: BTreeMap<OwnedUserId, Value>,
    /// User-signing keys: the asker's own only.
    pub user_signing_keys: BTreeMap<OwnedUserId, Value>,
}

impl Keys {
    /// The keys of local users as `asker` may see them. `wanted`: users, and which of their devices (none named:
    /// all). Users without an account or keys have an empty entry.
    ///
    /// # Errors
    /// Only a failure of the store.
    pub async fn query(
        &self,
        asker: UserNid,
        wanted: Vec<(OwnedUserId, Vec<String>)>,
    ) -> Result<Queried, KeyError> {
        self.store
            .read(move |tx| {
                let mut names = Names::new(tx);
                let mut answer = Queried::default();
                for (user_id, devices) in wanted {
                    let found = answer.device_keys.entry(user_id.clone()).or_default();
                    let Some(user) = users::find(tx, &user_id)? else { continue };
                    for keys in device_keys::of_user(tx, user)? {
                        if devices.is_empty() || devices.contains(&keys.device_id) {
                            let json = device(tx, &mut names, asker, user, &keys)?;
                            found.insert(keys.device_id, json);
                        }
                    }
                    for (usage, into) in [
                        (Usage::Master, &mut answer.master_keys),
                        (Usage::SelfSigning, &mut answer.self_signing_keys),
                        (Usage::UserSigning, &mut answer.user_signing_keys),
                    ] {
                        if usage == Usage::UserSigning && user != asker {
                            continue;
                        }
                        if let Some(key) = cross_signing::get(tx, user, usage)? {
                            let mut object = object_of(&key.json)?;
                            add_signatures(tx, &mut names, &mut object, (user, &key.public), asker)?;
                            into.insert(user_id.clone(), Value::Object(object));
                        }
                    }
                }
                Ok(answer)
            })
            .await
    }
}

fn device<R: Reader>(
    tx: &R,
    names: &mut Names<'_, R>,
    asker: UserNid,
    user: UserNid,
    keys: &device_keys::DeviceKeys,
) -> Result<Value, StoreError> {
    let mut object = object_of(&keys.json)?;
    add_signatures(tx, names, &mut object, (user, &keys.device_id), asker)?;
    if let Some(name) = &keys.display_name {
        object.insert("unsigned".into(), serde_json::json!({ "device_display_name": name }));
    }
    Ok(Value::Object(object))
}

fn object_of(json: &str) -> Result<Map<String, Value>, StoreError> {
    serde_json::from_str(json).map_err(|_| StoreError::Malformed("a stored key is not a JSON object".into()))
}

fn add_signatures<R: Reader>(
    tx: &R,
    names: &mut Names<'_, R>,
    object: &mut Map<String, Value>,
    key: (UserNid, &str),
    viewer: UserNid,
) -> Result<(), StoreError> {
    for added in cross_signing::signatures(tx, key.0, key.1, viewer)? {
        let signer = names.of(added.signer)?.to_string();
        let all = object.entry("signatures").or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(all) = all else { continue };
        let of_signer = all.entry(signer).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(of_signer) = of_signer {
            of_signer.insert(added.key_id, Value::String(added.signature));
        }
    }
    Ok(())
}
