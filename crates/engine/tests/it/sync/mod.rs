//! `/sync` and what it tells.

mod answers;
mod glance;
mod hidden;
mod histories;
pub(crate) mod phone;
mod sliding;
mod unread;
mod waiting;

use wardline_domain::Timestamp;
use wardline_store::{accounts, sessions};

use crate::home::{Home, Person};

/// Signs a device of somebody in.
async fn register_device(home: &Home, person: &Person, device: &'static str) {
    let (id, nid) = (person.id.clone(), person.nid);
    home.store()
        .write(move |tx| {
            accounts::create(tx, &id, None, false, Timestamp(0))?;
            sessions::add_device(tx, nid, device, None, Timestamp(0))
        })
        .await
        .unwrap();
}
