//! Holding a role beyond the rota: sign-ons, deputies, shifts put down early, offers, and who was last acted upon.

use serde::{Deserialize, Serialize};
use wardline_domain::Timestamp;

use super::{
    ColumnCipher, from_json,
    rota::{self, PERSON, PractitionerRole},
    to_json,
};
use crate::{Reader, StoreError, WriteTx, params};

const SEALED_OFFER: &str = "role_offers.record";
const SEALED_HOLDER: &str = "role_holders.person";

/// How a shift counts beside others of the same role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Holds the role while nobody else does.
    Deputy,
    /// A shift of the rota.
    Rota,
    /// Somebody took the role; goes before the rota.
    SignOn,
}

impl Rank {
    const fn code(self) -> i64 {
        match self {
            Self::Deputy => 0,
            Self::Rota => 1,
            Self::SignOn => 2,
        }
    }
}

/// An offer of a role, not yet answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Who holds the role and offers it (id of the practitioner).
    pub from: String,
    /// To whom.
    pub to: String,
    /// Until when they would hold it; the offer lapses then too.
    pub until: Timestamp,
}

/// Says how a shift counts. The shift must have been written.
///
/// # Errors
/// [`StoreError::Constraint`] if there is no such shift, or any failure of the database.
pub fn set_rank(tx: &mut WriteTx<'_>, shift: &str, rank: Rank) -> Result<(), StoreError> {
    if rank == Rank::Rota {
        tx.execute("DELETE FROM shift_ranks WHERE shift = ?1", params![shift])?;
        return Ok(());
    }
    tx.execute(
        "INSERT INTO shift_ranks (shift, rank) VALUES (?1, ?2) ON CONFLICT (shift) DO UPDATE SET rank = ?2",
        params![shift, rank.code()],
    )?;
    Ok(())
}

/// How a shift counts.
///
/// # Errors
/// Any failure of the database.
pub fn rank(tx: &impl Reader, shift: &str) -> Result<Rank, StoreError> {
    let code: Option<i64> =
        tx.query_row("SELECT rank FROM shift_ranks WHERE shift = ?1", params![shift], |row| row.get(0))?;
    Ok(match code {
        Some(0) => Rank::Deputy,
        Some(2) => Rank::SignOn,
        _ => Rank::Rota,
    })
}

/// Ends a shift at `at`: a sign-on is cut short, one of the rota does not count from then on.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn end_shift(
    tx: &mut WriteTx<'_>,
    cipher: &ColumnCipher,
    shift: &PractitionerRole,
    at: Timestamp,
) -> Result<(), StoreError> {
    if rank(tx, &shift.id)? == Rank::SignOn {
        return rota::put(tx, cipher, &PractitionerRole { end: at, ..shift.clone() });
    }
    tx.execute(
        "INSERT INTO shift_releases (shift, at) VALUES (?1, ?2) ON CONFLICT (shift) DO UPDATE SET at = ?2",
        params![shift.id, at],
    )?;
    Ok(())
}

/// The earliest shift of the rota or sign-on (not a deputy's) of a role that covers some instant from `start` on and
/// before `end` and was not put down; leaving out shifts above `rank`, the shift `except` and those of `but_of`.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn overlapping(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    service: &str,
    (start, end): (Timestamp, Timestamp),
    rank: Rank,
    except: &str,
    but_of: Option<&str>,
) -> Result<Option<PractitionerRole>, StoreError> {
    let sql = "SELECT id FROM practitioner_roles LEFT JOIN shift_ranks r ON r.shift = id \
               LEFT JOIN shift_releases l ON l.shift = id \
               WHERE service = ?1 AND ends_at > ?2 AND starts_at < ?3 AND id <> ?4 \
               AND COALESCE(r.rank, 1) BETWEEN 1 AND ?6 AND (l.at IS NULL OR l.at > ?2) \
               AND (?5 IS NULL OR person_index <> ?5) ORDER BY starts_at, id LIMIT 1";
    let but_of = but_of.map(|person| cipher.index(PERSON, person));
    let most = rank.code();
    let values = params![service, start, end, except, but_of, most];
    let id: Option<String> = tx.query_row(sql, values, |row| row.get(0))?;
    id.map_or(Ok(None), |id| rota::get(tx, cipher, &id))
}

/// Writes the offer of a role, instead of the one before.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn put_offer(
    tx: &mut WriteTx<'_>,
    cipher: &ColumnCipher,
    service: &str,
    offer: &Offer,
) -> Result<(), StoreError> {
    let sealed = cipher.seal(SEALED_OFFER, service, &to_json(offer)?)?;
    tx.execute(
        "INSERT INTO role_offers (service, ends_at, record) VALUES (?1, ?2, ?3) \
         ON CONFLICT (service) DO UPDATE SET ends_at = ?2, record = ?3",
        params![service, offer.until, sealed],
    )?;
    Ok(())
}

/// The offer of a role that has not lapsed at `at`.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn offer(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    service: &str,
    at: Timestamp,
) -> Result<Option<Offer>, StoreError> {
    let sql = "SELECT record FROM role_offers WHERE service = ?1 AND ends_at > ?2";
    tx.query_row(sql, params![service, at], |row| {
        from_json(&cipher.open(SEALED_OFFER, service, row.blob(0)?)?, SEALED_OFFER)
    })
}

/// Takes an offer away.
///
/// # Errors
/// Any failure of the database.
pub fn clear_offer(tx: &mut WriteTx<'_>, service: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM role_offers WHERE service = ?1", params![service])?;
    Ok(())
}

/// The holder that was last acted upon: `None` if none ever was, `Some(None)` for a vacancy.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn settled(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    service: &str,
) -> Result<Option<Option<String>>, StoreError> {
    let sealed: Option<Option<Vec<u8>>> =
        tx.query_row("SELECT person FROM role_holders WHERE service = ?1", params![service], |row| {
            row.get(0)
        })?;
    let open = |sealed: Vec<u8>| {
        String::from_utf8(cipher.open(SEALED_HOLDER, service, &sealed)?)
            .map_err(|_| StoreError::Malformed("column person is not text".into()))
    };
    sealed.map(|person| person.map(open).transpose()).transpose()
}

/// Says who holds the role now, once that has been acted upon.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn settle(
    tx: &mut WriteTx<'_>,
    cipher: &ColumnCipher,
    service: &str,
    person: Option<&str>,
) -> Result<(), StoreError> {
    let sealed = person.map(|p| cipher.seal(SEALED_HOLDER, service, p.as_bytes())).transpose()?;
    tx.execute(
        "INSERT INTO role_holders (service, person) VALUES (?1, ?2) \
         ON CONFLICT (service) DO UPDATE SET person = ?2",
        params![service, sealed],
    )?;
    Ok(())
}

/// Notes that a person is in a patient's conversation because they hold a role.
///
/// # Errors
/// Any failure of the database.
pub fn add_duty_member(
    tx: &mut WriteTx<'_>,
    cipher: &ColumnCipher,
    patient: &str,
    service: &str,
    person: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO duty_members (patient, service, person_index) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![patient, service, cipher.index(PERSON, person)],
    )?;
    Ok(())
}

/// The patients in whose conversations a person is because they held this role.
///
/// # Errors
/// Any failure of the database.
pub fn duty_patients(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    service: &str,
    person: &str,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT patient FROM duty_members WHERE person_index = ?1 AND service = ?2 ORDER BY patient";
    tx.query(sql, params![cipher.index(PERSON, person), service], |row| row.get(0))
}

/// The roles because of which a person is in a patient's conversation; empty if they are in it for another reason.
///
/// # Errors
/// Any failure of the database.
pub fn duties(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    patient: &str,
    person: &str,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT service FROM duty_members WHERE patient = ?1 AND person_index = ?2 ORDER BY service";
    tx.query(sql, params![patient, cipher.index(PERSON, person)], |row| row.get(0))
}

/// Forgets why a person was brought into a patient's conversation: they have left it.
///
/// # Errors
/// Any failure of the database.
pub fn remove_duty_member(
    tx: &mut WriteTx<'_>,
    cipher: &ColumnCipher,
    patient: &str,
    person: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM duty_members WHERE patient = ?1 AND person_index = ?2",
        params![patient, cipher.index(PERSON, person)],
    )?;
    Ok(())
}

/// The next instant after `at` at which a shift begins or ends.
///
/// # Errors
/// Any failure of the database.
pub fn next_change(tx: &impl Reader, at: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let first = |sql: &str| tx.query_row(sql, params![at], |row| row.get::<Timestamp>(0));
    let begin =
        first("SELECT starts_at FROM practitioner_roles WHERE starts_at > ?1 ORDER BY starts_at LIMIT 1")?;
    let end = first("SELECT ends_at FROM practitioner_roles WHERE ends_at > ?1 ORDER BY ends_at LIMIT 1")?;
    Ok([begin, end].into_iter().flatten().min())
}
