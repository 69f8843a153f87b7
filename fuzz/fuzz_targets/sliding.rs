//! See `wardline_fuzz::sliding`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wardline_fuzz::sliding(bytes));
