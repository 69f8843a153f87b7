//! See `wardline_fuzz::filter`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wardline_fuzz::filter(bytes));
