//! See `wardline_fuzz::canonical`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wardline_fuzz::canonical(bytes));
