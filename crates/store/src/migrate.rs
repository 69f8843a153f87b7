//! Schema steps, applied once and in order.
//!
//! Each step has a name and a checksum that the database remembers: a database that knows a step that we do
//! not, or knows it with other text, is refused instead of being corrupted.

use rusqlite::Connection;
use sha2::{Digest, Sha256};

use crate::StoreError;

/// The lineage: name and text of every step, oldest first. Append only.
const STEPS: &[(&str, &str)] = &[
    ("01_stream", include_str!("../schema/01_stream.sql")),
    ("10_rooms", include_str!("../schema/10_rooms.sql")),
    ("20_identity", include_str!("../schema/20_identity.sql")),
    ("30_audit", include_str!("../schema/30_audit.sql")),
    ("40_sync", include_str!("../schema/40_sync.sql")),
    ("50_clinical", include_str!("../schema/50_clinical.sql")),
    ("60_keys", include_str!("../schema/60_keys.sql")),
    ("61_media", include_str!("../schema/61_media.sql")),
    ("95_dehydrated_devices", include_str!("../schema/95_dehydrated_devices.sql")),
    ("96_media_quota", include_str!("../schema/96_media_quota.sql")),
    ("21_oauth", include_str!("../schema/21_oauth.sql")),
    ("70_client_api", include_str!("../schema/70_client_api.sql")),
    ("71_account_holds", include_str!("../schema/71_account_holds.sql")),
    ("72_delayed_events", include_str!("../schema/72_delayed_events.sql")),
    ("51_on_call", include_str!("../schema/51_on_call.sql")),
    ("52_alarms", include_str!("../schema/52_alarms.sql")),
    ("53_access", include_str!("../schema/53_access.sql")),
    ("100_authentication", include_str!("../schema/100_authentication.sql")),
    ("92_thread_subscriptions", include_str!("../schema/92_thread_subscriptions.sql")),
    ("83_event_paths", include_str!("../schema/83_event_paths.sql")),
    ("88_guests", include_str!("../schema/88_guests.sql")),
    ("89_app_services", include_str!("../schema/89_app_services.sql")),
    ("80_unread", include_str!("../schema/80_unread.sql")),
    ("110_teams", include_str!("../schema/110_teams.sql")),
    ("104_factors", include_str!("../schema/104_factors.sql")),
    ("105_invitations", include_str!("../schema/105_invitations.sql")),
    ("106_erasures", include_str!("../schema/106_erasures.sql")),
    ("107_dpop", include_str!("../schema/107_dpop.sql")),
    ("86_epochs", include_str!("../schema/86_epochs.sql")),
    ("87_upkeep", include_str!("../schema/87_upkeep.sql")),
    ("90_registration_tokens", include_str!("../schema/90_registration_tokens.sql")),
    ("91_administration", include_str!("../schema/91_administration.sql")),
    ("81_pushers", include_str!("../schema/81_pushers.sql")),
    ("101_upstream", include_str!("../schema/101_upstream.sql")),
    ("102_scim", include_str!("../schema/102_scim.sql")),
    ("93_retention", include_str!("../schema/93_retention.sql")),
    ("120_purge", include_str!("../schema/120_purge.sql")),
    ("130_request_chain", include_str!("../schema/130_request_chain.sql")),
    ("131_request_versions", include_str!("../schema/131_request_versions.sql")),
    ("132_directory_version", include_str!("../schema/132_directory_version.sql")),
    ("133_duty_statuses", include_str!("../schema/133_duty_statuses.sql")),
    ("134_subscriptions", include_str!("../schema/134_subscriptions.sql")),
    ("135_handovers", include_str!("../schema/135_handovers.sql")),
    ("105_handover_codes", include_str!("../schema/105_handover_codes.sql")),
    ("106_playbook_versions", include_str!("../schema/106_playbook_versions.sql")),
    ("113_device_checks", include_str!("../schema/113_device_checks.sql")),
    ("100_calls", include_str!("../schema/100_calls.sql")),
    ("125_access_reasons", include_str!("../schema/125_access_reasons.sql")),
    ("121_system_clients", include_str!("../schema/121_system_clients.sql")),
    ("122_directory_sources", include_str!("../schema/122_directory_sources.sql")),
];

/// Brings the schema up to date in one transaction.
///
/// # Errors
/// [`StoreError::UnknownSchema`] if the database has a step that this version does not know.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    tx.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_steps (\
           name TEXT PRIMARY KEY, checksum TEXT NOT NULL, ord INTEGER NOT NULL) STRICT",
    )?;
    let known: Vec<(String, String)> = tx
        .prepare("SELECT name, checksum FROM schema_steps ORDER BY ord")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (name, checksum) in &known {
        match STEPS.iter().find(|(step, _)| step == name) {
            Some((_, text)) if checksum_of(text) == *checksum => {}
            Some(_) => return Err(StoreError::UnknownSchema(format!("step {name} has another text"))),
            None => return Err(StoreError::UnknownSchema(format!("step {name} is not known"))),
        }
    }
    for (ord, (name, text)) in STEPS.iter().enumerate() {
        if known.iter().any(|(step, _)| step == name) {
            continue;
        }
        tx.execute_batch(text)
            .map_err(|error| StoreError::Database(format!("schema step {name}: {error}").into()))?;
        tx.execute(
            "INSERT INTO schema_steps (name, checksum, ord) VALUES (?1, ?2, ?3)",
            rusqlite::params![name, checksum_of(text), i64::try_from(ord).unwrap_or(i64::MAX)],
        )?;
    }
    tx.commit()?;
    Ok(())
}

fn checksum_of(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_kept_when_their_table_is_made_anew() {
        let mut db = Connection::open_in_memory().unwrap();
        db.execute_batch("PRAGMA foreign_keys = ON").unwrap();
        migrate(&mut db).unwrap();
        // Back to the step before: the table as it was, with one request in it.
        let before = STEPS.iter().find(|(name, _)| *name == "50_clinical").unwrap().1;
        let tasks =
            &before[before.find("CREATE TABLE tasks").unwrap()..before.find("-- Who has to do").unwrap()];
        db.execute_batch(&format!(
            "DROP TABLE tasks; DROP TABLE vacancies; DROP TABLE role_rooms; DROP TABLE service_traits; {tasks}
             DELETE FROM schema_steps WHERE name = '52_alarms';
             INSERT INTO patients (ref, record, changed_at) VALUES ('p', x'00', 1);
             INSERT INTO tasks VALUES (7, 't', 'p', 'raised', 1, 1, 2, x'01');
             INSERT INTO task_people VALUES (x'02', 'owner', 7);
             INSERT INTO task_roles VALUES ('registrar', 7);
             INSERT INTO task_transitions VALUES (7, 1, 2, 'raised', x'03');"
        ))
        .unwrap();
        migrate(&mut db).unwrap();
        let kept = "SELECT count(*) FROM tasks t JOIN task_people p ON p.task = t.nid \
                    JOIN task_roles r ON r.task = t.nid JOIN task_transitions x ON x.task = t.nid \
                    WHERE t.id = 't' AND t.patient = 'p' AND t.record = x'01'";
        assert_eq!(db.query_row(kept, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
        let orphans = db.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap();
        assert!(!orphans);
        db.execute("DELETE FROM tasks WHERE nid = 7", []).expect_err("the references hold");
    }
}
