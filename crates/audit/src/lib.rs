//! The tamper-evident, hash-chained audit log and its verifier.
