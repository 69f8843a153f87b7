//! See `wardline_fuzz::names`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wardline_fuzz::names(bytes));
