//! Accounts, sessions, devices and tokens.
