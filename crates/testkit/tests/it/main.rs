//! The whole house over HTTP: what only shows once the floors are joined.

mod app_services;
mod house;
mod key_service;
