//! See `wardline_fuzz::tokens`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wardline_fuzz::tokens(bytes));
