//! The tables of the OAuth 2.0 authorisation server and its pages.

pub mod browsers;
pub mod clients;
pub mod codes;
pub mod device_grants;
pub mod login_tokens;
pub mod systems;
