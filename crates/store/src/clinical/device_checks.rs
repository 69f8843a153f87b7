//! What members of staff last found when they tested the device that they work with (sealed).

use serde::{Deserialize, Serialize};
use wardline_domain::Timestamp;

use super::{ColumnCipher, from_json, rota::PERSON, to_json};
use crate::{Reader, StoreError, WriteTx, params};

const SEALED: &str = "device_checks.record";

/// Something that must work on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DevicePart {
    /// The server is reached.
    Connection,
    /// Messages can be read.
    Encryption,
    /// Push arrives while the app is closed.
    Notifications,
    /// A tone can be heard.
    Sound,
}

impl DevicePart {
    /// All of them, in the order in which they are tested.
    pub const ALL: [Self; 4] = [Self::Connection, Self::Encryption, Self::Notifications, Self::Sound];

    /// Its code: `connection`, `encryption`, `notifications` or `sound`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Encryption => "encryption",
            Self::Notifications => "notifications",
            Self::Sound => "sound",
        }
    }

    /// The part with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.code() == code)
    }
}

/// The result of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCheck {
    /// When it ended.
    pub at: Timestamp,
    /// What did not work; empty if all is well.
    pub failed: Vec<DevicePart>,
}

/// Writes the newest result of somebody.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn put(
    tx: &mut WriteTx<'_>,
    cipher: &ColumnCipher,
    person: &str,
    check: &DeviceCheck,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO device_checks (person_index, record) VALUES (?1, ?2) \
         ON CONFLICT (person_index) DO UPDATE SET record = ?2",
        params![cipher.index(PERSON, person), cipher.seal(SEALED, person, &to_json(check)?)?],
    )?;
    Ok(())
}

/// The newest result of somebody, if they ever tested a device.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn get(tx: &impl Reader, cipher: &ColumnCipher, person: &str) -> Result<Option<DeviceCheck>, StoreError> {
    let sql = "SELECT record FROM device_checks WHERE person_index = ?1";
    tx.query_row(sql, params![cipher.index(PERSON, person)], |row| {
        from_json(&cipher.open(SEALED, person, row.blob(0)?)?, SEALED)
    })
}
