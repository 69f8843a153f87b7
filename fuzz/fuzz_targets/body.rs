//! See `wardline_fuzz::body`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wardline_fuzz::body(bytes));
