//! Which relations an event may have (Client-Server API, "Threading" and "Event annotations and reactions").

use std::sync::Arc;

use wardline_domain::pdu::Pdu;
use wardline_domain::relations::{Relation, RelationKind, relation};
use wardline_store::{EventNid, StoreError, events};

use super::turn::Turn;
use crate::EngineError;

impl Turn<'_> {
    /// Refuses a thread that would begin at an event which relates to another one, and a second annotation of the same
    /// event by the same sender with the same key.
    pub(super) fn check_relation(&self, pdu: &Pdu, relation: &Relation) -> Result<(), EngineError> {
        if !matches!(relation.kind, RelationKind::Thread | RelationKind::Annotation) {
            return Ok(());
        }
        let Some((nid, target)) = self.find(&relation.event_id)? else { return Ok(()) };
        match relation.kind {
            RelationKind::Thread if relates(&target) => {
                Err(EngineError::BadRelation("a thread cannot begin at an event that relates to another one"))
            }
            RelationKind::Annotation
                if relation.key.is_some() && self.has_annotated(pdu, relation, nid)? =>
            {
                Err(EngineError::DuplicateAnnotation)
            }
            _ => Ok(()),
        }
    }

    fn has_annotated(&self, pdu: &Pdu, wanted: &Relation, target: EventNid) -> Result<bool, EngineError> {
        let same = |other: &Arc<Pdu>| {
            other.sender == pdu.sender && other.kind == pdu.kind && relation(other).as_ref() == Some(wanted)
        };
        let under_way = self.staged.iter().map(|staged| &staged.pdu).chain(self.pending.values());
        if under_way.into_iter().any(same) {
            return Ok(true);
        }
        if pdu.sender != self.caller.user_id {
            return Ok(false);
        }
        let (cache, user) = (&self.context.events, self.caller.user);
        Ok(self.context.store.read_now(|tx| -> Result<bool, StoreError> {
            for nid in events::annotations_by(tx, target, user)? {
                if same(&cache.get(tx, nid)?.pdu) {
                    return Ok(true);
                }
            }
            Ok(false)
        })?)
    }
}

/// Whether an event relates to another one.
fn relates(pdu: &Pdu) -> bool {
    relation(pdu).is_some()
}
