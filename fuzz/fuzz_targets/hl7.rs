//! See `wardline_fuzz::hl7`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wardline_fuzz::hl7(bytes));
