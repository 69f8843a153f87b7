//! Matrix: room executors, hub and sync, devices and keys, media.
