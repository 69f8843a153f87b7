//! See `wardline_fuzz::pdu`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wardline_fuzz::pdu(bytes));
