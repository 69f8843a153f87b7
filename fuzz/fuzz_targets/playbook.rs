//! See `wardline_fuzz::playbook`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wardline_fuzz::playbook(bytes));
