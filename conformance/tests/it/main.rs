//! The real binary, seen from outside: matrix-sdk clients that encrypt, and SIGKILL under load.

mod crash;
mod device_lists;
mod encrypted;
mod hospital;
mod key_service;
mod oauth;
mod process;
mod qr;
mod server;
mod sleeper;
mod sliding;
mod soak;
mod talk;
mod upstream;
mod verification;
