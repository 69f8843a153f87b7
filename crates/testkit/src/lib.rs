//! A whole server in a test, with a fake clock and injected ids.
