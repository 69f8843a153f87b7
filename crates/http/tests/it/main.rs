//! The HTTP floor through its router.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod admin;
mod admission;
mod app;
mod caps;
mod client_rooms;
mod client_sync;
mod coverage;
mod dehydrated_device;
mod delayed_events;
mod devices;
mod directory;
mod extras;
mod fhir;
mod fhir_call;
mod fhir_shifts;
mod fhir_smart;
mod fhir_subscription;
mod fuzz;
mod guests;
mod history;
mod key_backup;
mod keys;
mod kinds;
mod login;
mod media;
mod media_s3;
mod metrics;
mod oauth;
mod playbooks;
mod profile;
mod pushers;
mod register;
mod rendezvous;
mod rooms;
mod scim;
mod shape;
mod spaces;
mod support;
mod sync_forms;
mod thread_subscriptions;
mod upgrade;
mod versions;
