//! End-to-end encryption: keys, device lists, to-device messages, key backup.

mod backup;
mod cross_signing;
mod dehydrated;
mod device_lists;
mod one_time_keys;
mod query;
mod support;
mod to_device;
