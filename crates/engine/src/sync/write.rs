//! Writing the events of a room into an answer.

use std::sync::Arc;

use wardline_store::{ReadTx, StoreError};

use super::json::array;
use super::shape::Shape;
use super::timeline::Timeline;
use crate::events::{Event, EventCache, Extras, Viewer};
use crate::rooms::bundle;

/// The events of a timeline, as an array.
pub(super) fn timeline(
    tx: &ReadTx<'_>,
    cache: &EventCache,
    viewer: Viewer<'_>,
    shape: &Shape,
    timeline: &Timeline,
    out: &mut String,
) -> Result<(), StoreError> {
    let mut failed = Ok(());
    array(out, &timeline.events, |out, (event, membership)| {
        let written = bundle(tx, cache, event, viewer).and_then(|relations| {
            let extras = Extras { membership: Some(*membership), relations: relations.as_deref() };
            shape.write(tx, cache, event, viewer, extras, out)
        });
        failed = std::mem::replace(&mut failed, Ok(())).and(written);
    });
    failed
}

/// State events, as an array.
pub(super) fn state(
    tx: &ReadTx<'_>,
    cache: &EventCache,
    viewer: Viewer<'_>,
    shape: &Shape,
    events: &[Arc<Event>],
    out: &mut String,
) -> Result<(), StoreError> {
    let mut failed = Ok(());
    array(out, events, |out, event| {
        let written = shape.write(tx, cache, event, viewer, Extras::default(), out);
        failed = std::mem::replace(&mut failed, Ok(())).and(written);
    });
    failed
}
